import pytest
from pydantic import ValidationError

from composite_runtime.graph.model import Graph
from tests.support.drawn import composite, graph, server


def test_a_graph_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        graph().name = "other"


def test_a_changed_copy_is_validated() -> None:
    with pytest.raises(ValidationError):
        server("time").but(name=7)


def test_a_changed_copy_keeps_unknown_keys() -> None:
    changed = server("time", colour="blue").but(name="Clock")

    assert changed.model_extra == {"colour": "blue"}
    assert changed.name == "Clock"


def test_members_and_memberships_are_the_two_ends_of_the_edges() -> None:
    drawn = graph(server("a"), server("b"), composite("c"), composite("d"), edges="b>c a>c c>d a>d")

    assert [edge.source for edge in drawn.members("c")] == ["b", "a"]
    assert [edge.target for edge in drawn.memberships("a")] == ["c", "d"]


def test_roots_are_the_composites_that_are_nobodys_member() -> None:
    drawn = graph(server("a"), composite("inner"), composite("outer"), composite("alone"), edges="a>inner inner>outer")

    assert [node.id for node in drawn.roots()] == ["outer", "alone"]


def test_an_unknown_node_is_none() -> None:
    assert Graph(id="g", name="G").node("nobody") is None
