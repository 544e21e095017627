"""What a user does to a graph, as pure functions."""

import pytest

from composite_runtime.errors import GraphError
from composite_runtime.graph import file
from composite_runtime.graph.edit import add_annotation, replace_edge
from composite_runtime.graph.model import Box, Edge, Graph, Note
from fusion_desktop.document import changes, places
from tests.fusion_desktop.graphs import composite, desk, graph, server


def test_a_new_node_gets_a_name_and_an_id_of_its_own() -> None:
    node = changes.named(desk(), server("loose"))

    assert (node.id, node.name) == ("loose-2", "Loose 2")


def test_ungrouping_a_group_gives_back_the_graph() -> None:
    before = desk()
    grouped, composite_id = changes.grouped(before, ["loose"], "Composite")
    assert places.homes(grouped)["loose"] == composite_id

    assert changes.ungrouped(grouped, composite_id) == before


def test_grouping_members_puts_the_new_composite_where_they_were() -> None:
    grouped, new = changes.grouped(desk(), ["inner"], "Inside")

    assert places.homes(grouped) == {"inner": new, new: "box"}
    assert {e.target for e in grouped.memberships("inner")} == {new}


def test_ungrouping_gives_the_members_to_the_composite_around() -> None:
    grouped, new = changes.grouped(desk(), ["inner"], "Inside")

    assert places.homes(changes.ungrouped(grouped, new)) == {"inner": "box"}


def test_nothing_cannot_be_grouped() -> None:
    with pytest.raises(GraphError, match="Select"):
        changes.grouped(desk(), [], "Composite")


def test_deleting_a_composite_leaves_its_members() -> None:
    left = changes.removed(desk(), ["box"])

    assert [node.id for node in left.nodes] == ["inner", "loose"]
    assert left.edges == ()


def test_deleting_and_reconnecting_keeps_members_reachable() -> None:
    nested = graph(
        (composite("outer"), (0, 0, 900, 600)),
        (composite("mid"), (100, 100, 400, 300)),
        (server("leaf"), (140, 200)),
        edges="leaf>mid mid>outer",
    )

    left = changes.removed_and_reconnected(nested, ["mid"])

    assert [(edge.source, edge.target) for edge in left.edges] == [("leaf", "outer")]
    assert places.homes(left) == {"leaf": "outer"}


def test_a_name_may_not_be_blank() -> None:
    with pytest.raises(GraphError, match="needs a name"):
        changes.renamed(desk(), "loose", "  ")


def wired() -> Graph:
    """Return two servers that are wired to a composite, one of them under another name, and a third."""
    made = graph(
        (server("a"), (0, 0)),
        (server("b"), (0, 100)),
        (server("c"), (0, 200)),
        (composite("top"), (600, 0, 300, 200)),
        edges="a>top b>top c>top",
    ).but(id="same")
    return replace_edge(made, Edge(source="b", target="top", namespace="short"))


def ends(one: Graph) -> list[tuple[str, str, str | None]]:
    return [(edge.source, edge.target, edge.namespace) for edge in one.edges]


def test_a_group_takes_the_place_of_its_members_where_all_of_them_were_wired() -> None:
    grouped, new = changes.grouped(wired(), ["a", "b"], "Group")

    assert ends(grouped) == [("a", new, None), ("b", new, "short"), ("c", "top", None), (new, "top", None)]


def test_ungrouping_wired_members_gives_back_the_graph_byte_for_byte() -> None:
    grouped, new = changes.grouped(wired(), ["a", "b"], "Group")

    assert file.dumps(changes.ungrouped(grouped, new)) == file.dumps(wired())


def test_a_group_leaves_alone_what_only_some_of_its_members_are_in() -> None:
    other = graph((server("a"), (0, 0)), (server("b"), (0, 100)), (composite("top"), (600, 0, 300, 200)), edges="a>top")

    grouped, new = changes.grouped(other, ["a", "b"], "Group")

    assert ends(grouped) == [("a", "top", None), ("a", new, None), ("b", new, None)]


def test_members_that_are_wired_from_elsewhere_are_passed_on_as_well() -> None:
    nested = graph(
        (composite("outer"), (0, 0, 900, 600)),
        (composite("mid"), (100, 100, 400, 300)),
        (server("far"), (-400, 200)),
        edges="far>mid mid>outer",
    )

    assert ends(changes.ungrouped(nested, "mid")) == [("far", "outer", None)]


def test_a_member_keeps_the_name_it_is_offered_under_when_it_is_dragged_elsewhere() -> None:
    two = graph(
        (composite("one"), (0, 0, 400, 300)),
        (composite("two"), (600, 0, 400, 300)),
        (server("a"), (40, 80)),
        edges="a>one",
    )
    two = replace_edge(two, Edge(source="a", target="one", namespace="short"))

    moved = changes.moved(two, ["a"], (600.0, 0.0), "two")

    assert ends(moved) == [("a", "two", "short")]


def with_note(one: Graph, inside: str, box: Box) -> Graph:
    return add_annotation(one, Note(id="note", text="Read me", inside=inside), box)


def test_a_note_in_a_deleted_composite_belongs_to_the_one_around() -> None:
    nested = graph((composite("outer"), (0, 0, 900, 600)), (composite("mid"), (100, 100, 400, 300)), edges="mid>outer")
    nested = with_note(nested, "mid", Box(x=140, y=200, width=200, height=100))

    left = changes.removed(nested, ["mid"])

    assert [one.inside for one in left.annotations] == ["outer"]
    assert changes.removed(nested, ["mid", "outer"]).annotations[0].inside is None


def test_a_composite_never_becomes_smaller_than_the_notes_in_it() -> None:
    noted = with_note(desk(), "box", Box(x=400, y=260, width=240, height=120))

    smaller = changes.resized(noted, "box", places.Rect(300, 100, 200, 150))

    assert places.rect_of(smaller, "box").contains(places.rect_of(smaller, "note"))


def test_a_composite_that_is_a_member_already_can_go_into_the_wire_of_another_member() -> None:
    beside = graph(
        (server("a"), (0, 0)), (composite("mid"), (300, 300)), (composite("top"), (900, 0)), edges="a>top mid>top"
    )
    assert changes.fits_between(beside, "mid", "a", "top")

    assert ends(changes.inserted(beside, "mid", "a", "top")) == [("a", "mid", None), ("mid", "top", None)]


def test_a_composite_that_has_the_member_already_does_not_go_into_its_wire() -> None:
    beside = graph(
        (server("a"), (0, 0)), (composite("mid"), (300, 300)), (composite("top"), (900, 0)), edges="a>top a>mid"
    )

    assert not changes.fits_between(beside, "mid", "a", "top")
