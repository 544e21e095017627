"""What lies inside what, at any depth."""

from composite_runtime.graph.model import Edge
from composite_runtime.graph.nesting import circles, containers


def edges(*pairs: str) -> list[Edge]:
    return [Edge(source=pair[0], target=pair[1]) for pair in pairs]


def test_a_node_lies_inside_everything_above_it() -> None:
    tree = edges("ab", "ac", "bd", "cd", "de", "xy")

    assert containers(tree, "a") == {"b", "c", "d", "e"}
    assert containers(tree, "e") == set()
    assert containers(tree, "unknown") == set()


def test_what_only_meets_again_is_no_circle() -> None:
    assert list(circles(edges("ab", "ac", "bd", "cd"))) == []


def test_every_circle_is_found_once() -> None:
    drawn = edges("ab", "bc", "ca", "cd", "de", "ed", "ff", "xa")

    assert list(circles(drawn)) == [{"a", "b", "c"}, {"d", "e"}, {"f"}]


def test_circles_that_touch_are_one() -> None:
    assert list(circles(edges("ab", "ba", "bc", "cb"))) == [{"a", "b", "c"}]
