"""Nodes go into composites and out of them without a pointer."""

import pytest

from composite_runtime.errors import GraphError
from composite_runtime.graph.edit import replace_edge
from composite_runtime.graph.model import Edge
from fusion_desktop.document import nesting, places
from tests.fusion_desktop.graphs import composite, desk, graph, server


def test_a_node_moves_into_a_composite_and_lies_in_it() -> None:
    made = nesting.nested(desk(), ["loose"], "box")

    assert places.homes(made) == {"inner": "box", "loose": "box"}
    assert not places.rect_of(made, "loose").overlaps(places.rect_of(made, "inner"))


def test_a_node_moves_out_and_is_no_member_any_more() -> None:
    made = nesting.nested(desk(), ["inner"], None)

    assert places.homes(made) == {}
    assert made.members("box") == ()


def test_a_composite_larger_than_its_new_home_fits_into_it_with_all_it_holds() -> None:
    outer, inner = composite("outer"), composite("inner")
    start = graph((outer, (0, 0)), (inner, (600, 0, 700, 500)), (server("deep"), (640, 80)), edges="deep>inner")

    made = nesting.nested(start, ["inner"], "outer")

    assert places.homes(made) == {"inner": "outer", "deep": "inner"}


def test_a_wired_member_moves_in_and_stays_one_member() -> None:
    wired = nesting.connected(desk(), ["loose"], "box")
    assert "loose" not in places.homes(wired)

    made = nesting.nested(wired, ["loose"], "box")

    assert [edge.target for edge in made.memberships("loose")] == ["box"]
    assert places.homes(made)["loose"] == "box"


def test_a_circle_is_refused_with_the_reason() -> None:
    start = graph((composite("a"), (0, 0, 600, 400)), (composite("b"), (40, 80)), edges="b>a")

    assert "circle" in str(nesting.why_not_nest(start, ["a"], "b"))
    with pytest.raises(GraphError, match="circle"):
        nesting.nested(start, ["a"], "b")
    with pytest.raises(GraphError, match="already a member"):
        nesting.connected(start, ["b"], "a")


def test_a_member_that_moves_keeps_the_name_it_is_offered_under() -> None:
    before = graph((composite("one"), (0, 0)), (composite("two"), (600, 0)), (server("a"), (40, 80)), edges="a>one")
    before = replace_edge(before, Edge(source="a", target="one", namespace="short"))

    after = nesting.nested(before, ["a"], "two")

    assert [(edge.target, edge.namespace) for edge in after.memberships("a")] == [("two", "short")]


def test_those_that_may_not_move_do_not_keep_the_others_back() -> None:
    before = graph(
        (composite("outer"), (0, 0, 600, 400)), (composite("mid"), (40, 80)), (server("a"), (900, 0)), edges="mid>outer"
    )

    after = nesting.nested(before, ["outer", "a"], "mid")

    assert places.homes(after) == {"mid": "outer", "a": "mid"}
