from composite_runtime.graph.model import CompositeNode, Edge, Graph, ServerNode, StdioTransport
from fusion_desktop.run.names import Origin, origins, readers


def server(node_id: str, namespace: str | None = None) -> ServerNode:
    return ServerNode(id=node_id, name=node_id.title(), namespace=namespace, transport=StdioTransport(command="x"))


NESTED = Graph(
    id="g",
    name="G",
    nodes=(
        server("a"),
        server("b", "bee"),
        server("c", ""),
        CompositeNode(id="in", name="Inner"),
        CompositeNode(id="out", name="Outer"),
    ),
    edges=(
        Edge(source="a", target="in"),
        Edge(source="b", target="out"),
        Edge(source="in", target="out", namespace="x"),
        Edge(source="c", target="out"),
    ),
)


def test_a_name_leads_through_composites_to_the_server() -> None:
    found = origins(NESTED, "out", "x_a_say_it")

    assert found == [
        Origin("a", "A", "say_it", is_composite=False),
        Origin("c", "C", "x_a_say_it", is_composite=False),
        Origin("in", "Inner", "a_say_it", is_composite=True),
    ]


def test_a_namespace_of_the_node_counts_and_another_one_does_not() -> None:
    assert [origin.own_name for origin in origins(NESTED, "out", "bee_say")] == ["say", "bee_say"]
    assert [origin.node_id for origin in origins(NESTED, "in", "b_say")] == []


def test_composites_that_hold_each_other_come_to_an_end() -> None:
    circle = Graph(
        id="g",
        name="G",
        nodes=(CompositeNode(id="a", name="A", namespace=""), CompositeNode(id="b", name="B", namespace="")),
        edges=(Edge(source="a", target="b"), Edge(source="b", target="a")),
    )

    assert [origin.node_id for origin in origins(circle, "a", "say")] == ["b"]


def test_a_resource_may_be_anybodys_unless_its_address_was_moved() -> None:
    assert {origin.node_id for origin in readers(NESTED, "out", "file:///n")} == {"a", "b", "c", "in"}
    assert readers(NESTED, "out", "fusion://x/fusion://a/file:///n") == [
        Origin("a", "A", "file:///n", is_composite=False),
        Origin("in", "Inner", "fusion://a/file:///n", is_composite=True),
    ]
    # Two of one name are numbered, and one without a name goes by its id.
    assert [(o.node_id, o.own_name) for o in readers(NESTED, "out", "fusion://bee~2/n")] == [("b", "n")]
    assert [(o.node_id, o.own_name) for o in readers(NESTED, "out", "fusion://c/n")] == [("c", "n")]
