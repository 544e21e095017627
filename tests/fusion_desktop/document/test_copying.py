"""Copies: what they hold, where they lie, and what they are wired with."""

import json

import pytest

from composite_runtime.graph import file
from composite_runtime.graph.edit import connect, new_graph, replace_node
from composite_runtime.graph.model import Auth, Graph, HttpTransport, ServerNode, StdioTransport, Transport
from fusion_desktop.document import changes, copying, foreign, places
from tests.fusion_desktop.graphs import composite, desk, graph, server


def test_what_is_copied_holds_no_secret() -> None:
    transport = StdioTransport(command="x", env={"API_TOKEN": "s3cret", "MODE": "fast", "KEY": "${secret:mine}"})
    secret = replace_node(desk(), ServerNode(id="loose", name="Loose", transport=transport))

    text = copying.copied(secret, ["loose"])

    assert "s3cret" not in text
    env = json.loads(text)["nodes"][0]["transport"]["env"]
    assert env == {"API_TOKEN": "${secret:loose.API_TOKEN}", "MODE": "fast", "KEY": "${secret:mine}"}


def test_what_is_copied_from_a_composite_comes_along_with_its_edges() -> None:
    copied = file.loads(copying.copied(desk(), ["box"]))

    assert {node.id for node in copied.nodes} == {"box", "inner"}
    assert [(edge.source, edge.target) for edge in copied.edges] == [("inner", "box")]


def test_pasting_into_another_graph_keeps_the_shape_and_makes_fresh_ids() -> None:
    pasted, tops = copying.pasted(desk(), file.loads(copying.copied(desk(), ["box"])), at=(1000.0, 0.0))

    assert tops == ("box-2",)
    assert places.homes(pasted)["inner-2"] == "box-2"
    assert (pasted.layout["box-2"].x, pasted.layout["box-2"].y) == (1000, 0)


def test_a_copy_of_a_member_is_a_member_too() -> None:
    doubled, fresh = copying.duplicated(desk(), ["inner"])

    assert places.homes(doubled)[fresh[0]] == "box"


def test_a_copy_of_a_wired_member_is_wired_too() -> None:
    doubled, fresh = copying.duplicated(connect(desk(), "loose", "box"), ["loose"])

    assert [edge.target for edge in doubled.memberships(fresh[0])] == ["box"]


@pytest.mark.parametrize(
    "transport",
    [
        StdioTransport(command="x", args=("--api-key", "s3cret-of-mine")),
        StdioTransport(command="x", args=("postgres://me:s3cret-of-mine@db/one",)),
        HttpTransport(url="https://x.test/mcp?api_key=s3cret-of-mine"),
        HttpTransport(url="https://x.test/mcp", headers={"Authorization": "Bearer s3cret-of-mine"}),
        HttpTransport(url="https://x.test/mcp", auth=Auth(client_id="me", client_secret="s3cret-of-mine")),
    ],
    ids=["option", "password", "address", "header", "client"],
)
def test_no_place_of_a_secret_is_copied(transport: Transport) -> None:
    secret = replace_node(desk(), ServerNode(id="loose", name="Loose", transport=transport))

    assert "s3cret-of-mine" not in copying.copied(secret, ["loose"])


def part(one: Graph, *ids: str) -> Graph:
    """Return what comes off the clipboard."""
    return foreign.from_text(copying.copied(one, ids)).part


def test_copies_beside_their_originals_lie_in_the_same_composite() -> None:
    pasted, (copy,) = copying.pasted(desk(), part(desk(), "inner"), None)

    assert places.homes(pasted)[copy] == "box"


def test_a_second_paste_does_not_hide_the_first() -> None:
    once, (first,) = copying.pasted(desk(), part(desk(), "loose"), None)
    twice, (second,) = copying.pasted(once, part(desk(), "loose"), None)

    assert twice.layout[first] != twice.layout[second]


def wired() -> Graph:
    """Return a server in a composite that is wired to another one, to which a second server is wired."""
    made = connect(
        graph(
            (composite("mid"), (300, 0, 400, 300)),
            (server("a"), (340, 80)),
            (server("far"), (0, 0)),
            (composite("top"), (900, 0, 300, 200)),
            edges="a>mid far>mid mid>top",
        ),
        "a",
        "top",
    )
    return made.but(id="same")


def ends(one: Graph, copy: str) -> set[tuple[str, str]]:
    return {(edge.source, edge.target) for edge in (*one.memberships(copy), *one.members(copy))}


def test_a_copy_that_is_pasted_has_no_wires_but_those_among_the_copies() -> None:
    pasted, (copy,) = copying.pasted(wired(), part(wired(), "mid"), (0.0, 600.0))

    assert ends(pasted, copy) == {("a-2", copy)}


def test_a_copy_that_is_pasted_with_wires_is_connected_as_its_original_is() -> None:
    pasted, (copy,) = copying.pasted(wired(), part(wired(), "mid"), (0.0, 600.0), wired=True)

    assert ends(pasted, copy) == {("a-2", copy), ("far", copy), (copy, "top")}
    assert ends(pasted, "a-2") == {("a-2", copy), ("a-2", "top")}


def test_what_was_cut_gets_its_wires_back() -> None:
    taken = part(wired(), "far")

    pasted, (copy,) = copying.pasted(changes.removed(wired(), ["far"]), taken, (0.0, 600.0), wired=True)

    assert ends(pasted, copy) == {(copy, "mid")}


def test_wires_never_lead_to_what_is_only_called_the_same_in_another_graph() -> None:
    other = wired().but(id=new_graph().id)

    pasted, (copy,) = copying.pasted(other, part(wired(), "far"), (0.0, 600.0), wired=True)

    assert ends(pasted, copy) == set()


def test_a_copied_text_is_a_graph_without_problems() -> None:
    text = copying.copied(wired(), ["mid"])

    assert {node.id for node in file.loads(text).nodes} == {"mid", "a"}
    assert [(edge.source, edge.target) for edge in file.loads(text).edges] == [("a", "mid")]


def test_a_copy_of_a_composite_has_the_same_members() -> None:
    doubled, (copy,) = copying.duplicated(wired(), ["mid"])

    assert ends(doubled, copy) == {("a-2", copy), ("far", copy), (copy, "top")}


def test_a_copy_that_is_dragged_out_is_no_member_and_leaves_the_composite_as_it_was() -> None:
    doubled, (copy,) = copying.dragged(desk(), ["inner"], (700.0, 300.0), None)

    assert ends(doubled, copy) == set()
    assert doubled.layout["box"] == desk().layout["box"]


def test_a_copy_that_is_dragged_within_its_composite_is_a_member() -> None:
    doubled, (copy,) = copying.dragged(desk(), ["inner"], (40.0, 100.0), "box")

    assert places.homes(doubled)[copy] == "box"
