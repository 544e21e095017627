import pytest

from composite_runtime.graph.model import Graph
from fusion_desktop.document import arranging, places
from fusion_desktop.document.arranging import Side
from tests.fusion_desktop.graphs import composite, desk, graph, server

THREE = ["a", "b", "c"]


def row() -> Graph:
    return graph((server("a"), (0, 0)), (server("b"), (250, 30)), (server("c"), (900, 100)))


def xs(made: Graph) -> list[float]:
    return [made.layout[node_id].x for node_id in THREE]


def ys(made: Graph) -> list[float]:
    return [made.layout[node_id].y for node_id in THREE]


@pytest.mark.parametrize(("side", "expected"), [("left", 0), ("right", 900), ("centre", 450)])
def test_nodes_share_a_line_from_top_to_bottom(side: Side, expected: float) -> None:
    made = arranging.aligned(row(), THREE, side)

    assert xs(made) == [expected] * 3
    assert ys(made) == ys(row())


@pytest.mark.parametrize(("side", "expected"), [("top", 0), ("bottom", 100), ("middle", 50)])
def test_nodes_share_a_line_from_left_to_right(side: Side, expected: float) -> None:
    made = arranging.aligned(row(), THREE, side)

    assert ys(made) == [expected] * 3
    assert xs(made) == xs(row())


def test_gaps_become_equal_and_the_ends_stay() -> None:
    assert xs(arranging.distributed(row(), THREE, "across")) == [0, 450, 900]
    assert ys(arranging.distributed(row(), THREE, "down")) == [0, 50, 100]


def test_two_nodes_have_but_one_gap() -> None:
    start = row()

    assert arranging.distributed(start, ["a", "c"], "across") == start


def test_what_lies_in_a_composite_comes_along() -> None:
    made = arranging.aligned(desk(), ["box", "inner", "loose"], "left")

    assert made.layout["box"].x == 0
    assert made.layout["inner"].x == 40
    assert places.homes(made) == places.homes(desk())


def test_a_composite_grows_around_what_is_brought_into_line() -> None:
    start = graph(
        (composite("box"), (300, 100, 300, 200)),
        (server("inner"), (340, 180)),
        (server("far"), (900, 400)),
        edges="inner>box",
    )

    made = arranging.aligned(start, ["inner", "far"], "right")

    assert places.homes(made) == {"inner": "box"}
