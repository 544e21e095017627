import pytest
from hypothesis import given
from hypothesis import strategies as st

from composite_runtime.errors import GraphError
from composite_runtime.graph import edit
from composite_runtime.graph.check import check
from composite_runtime.graph.model import Box, CompositeNode, Edge
from tests.support.drawn import composite, graph, server


def test_every_new_graph_has_an_id_of_its_own() -> None:
    assert edit.new_graph().id != edit.new_graph().id


@given(st.lists(st.text(max_size=50), max_size=12))
def test_fresh_ids_never_repeat(names: list[str]) -> None:
    drawn = graph()
    for name in names:
        drawn = edit.add_node(drawn, CompositeNode(id=edit.fresh_id(drawn, name), name=name))

    assert len({node.id for node in drawn.nodes}) == len(names)


def test_a_fresh_id_reads_like_the_name() -> None:
    assert edit.fresh_id(graph(server("dev-tools")), "Dev Tools") == "dev-tools-2"


def test_a_node_is_added_with_its_place() -> None:
    drawn = edit.add_node(graph(), server("time"), Box(x=1, y=2))

    assert drawn.node("time") == server("time")
    assert drawn.layout["time"] == Box(x=1, y=2)


def test_an_id_is_given_once() -> None:
    with pytest.raises(GraphError, match="already a node with the id 'time'"):
        edit.add_node(graph(server("time")), server("time"))


def test_a_replaced_node_keeps_its_position_in_the_file() -> None:
    drawn = edit.replace_node(graph(server("a"), server("b")), server("a", name="Other"))

    assert [node.name for node in drawn.nodes] == ["Other", "B"]


def test_a_node_that_is_not_there_cannot_be_replaced() -> None:
    with pytest.raises(GraphError, match="no node with the id 'a'"):
        edit.replace_node(graph(), server("a"))


def test_a_removed_node_takes_its_edges_and_its_place_along() -> None:
    drawn = edit.move(graph(server("a"), server("b"), composite("c"), edges="a>c b>c"), [("a", Box(x=0, y=0))])

    left = edit.remove_nodes(drawn, {"a"})

    assert left == graph(server("b"), composite("c"), edges="b>c")


def test_connecting_makes_a_member() -> None:
    drawn = edit.connect(graph(server("a"), composite("c")), "a", "c", namespace="x")

    assert drawn.members("c") == (Edge(source="a", target="c", namespace="x"),)


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("a", "nobody", "no node with the id 'nobody'"),
        ("nobody", "inner", "no node with the id 'nobody'"),
        ("a", "b", "B is a server; only a composite has members"),
        ("inner", "inner", "Inner cannot be a member of itself"),
        ("a", "inner", "A is already a member of Inner"),
        ("outer", "inner", "Inner lies inside Outer: this would close a circle"),
    ],
)
def test_a_connection_that_makes_no_sense_is_refused_with_the_reason(source: str, target: str, reason: str) -> None:
    drawn = graph(server("a"), server("b"), composite("inner"), composite("outer"), edges="a>inner inner>outer")

    with pytest.raises(GraphError, match=reason):
        edit.connect(drawn, source, target)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=30))
def test_no_order_of_connections_closes_a_circle(pairs: list[tuple[int, int]]) -> None:
    drawn = graph(*(composite(f"c{number}") for number in range(6)))
    for source, target in pairs:
        if edit.why_not_connect(drawn, f"c{source}", f"c{target}") is None:
            drawn = edit.connect(drawn, f"c{source}", f"c{target}")

    assert not {problem.rule for problem in check(drawn)} & {"cycle", "repeated-edge", "dangling-edge"}


def test_disconnecting_undoes_connecting() -> None:
    before = graph(server("a"), composite("c"))

    assert edit.disconnect(edit.connect(before, "a", "c"), "a", "c") == before


def test_an_edge_is_replaced_where_it_stands() -> None:
    drawn = graph(server("a"), server("b"), composite("c"), edges="a>c b>c")

    changed = edit.replace_edge(drawn, Edge(source="a", target="c", namespace="first"))

    assert [(edge.source, edge.namespace) for edge in changed.edges] == [("a", "first"), ("b", None)]
