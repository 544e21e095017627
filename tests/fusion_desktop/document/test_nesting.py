"""Nodes go into composites and out of them without a pointer."""

import pytest

from composite_runtime.errors import GraphError
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
