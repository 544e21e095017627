"""What a user does to a graph, as pure functions."""

import json

import pytest

from composite_runtime.errors import GraphError
from composite_runtime.graph import file
from composite_runtime.graph.edit import connect, replace_node
from composite_runtime.graph.model import ServerNode, StdioTransport
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


def test_what_is_copied_holds_no_secret() -> None:
    transport = StdioTransport(command="x", env={"API_TOKEN": "s3cret", "MODE": "fast", "KEY": "${secret:mine}"})
    secret = replace_node(desk(), ServerNode(id="loose", name="Loose", transport=transport))

    text = changes.copied(secret, ["loose"])

    assert "s3cret" not in text
    env = json.loads(text)["nodes"][0]["transport"]["env"]
    assert env == {"API_TOKEN": "${secret:loose_api_token}", "MODE": "fast", "KEY": "${secret:mine}"}


def test_what_is_copied_from_a_composite_comes_along_with_its_edges() -> None:
    copied = file.loads(changes.copied(desk(), ["box"]))

    assert {node.id for node in copied.nodes} == {"box", "inner"}
    assert [(edge.source, edge.target) for edge in copied.edges] == [("inner", "box")]


def test_pasting_into_another_graph_keeps_the_shape_and_makes_fresh_ids() -> None:
    pasted, tops = changes.pasted(desk(), file.loads(changes.copied(desk(), ["box"])), at=(1000.0, 0.0))

    assert tops == ("box-2",)
    assert places.homes(pasted)["inner-2"] == "box-2"
    assert (pasted.layout["box-2"].x, pasted.layout["box-2"].y) == (1000, 0)


def test_a_copy_of_a_member_is_a_member_too() -> None:
    doubled, fresh = changes.duplicated(desk(), ["inner"])

    assert places.homes(doubled)[fresh[0]] == "box"


def test_a_copy_of_a_wired_member_is_wired_too() -> None:
    doubled, fresh = changes.duplicated(connect(desk(), "loose", "box"), ["loose"])

    assert [edge.target for edge in doubled.memberships(fresh[0])] == ["box"]


def test_a_name_may_not_be_blank() -> None:
    with pytest.raises(GraphError, match="needs a name"):
        changes.renamed(desk(), "loose", "  ")
