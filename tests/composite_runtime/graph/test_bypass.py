from composite_runtime.graph.bypass import without_bypassed
from composite_runtime.graph.check import check
from composite_runtime.graph.model import CompositeNode, Edge, Graph, Node, ServerNode, StdioTransport


def server(node_id: str) -> ServerNode:
    return ServerNode(id=node_id, name=node_id, transport=StdioTransport(command="true"))


def graph(*nodes: Node, edges: str) -> Graph:
    made = [Edge(source=a, target=b) for a, b in (edge.split(">") for edge in edges.split())]
    return Graph(id="g", name="G", nodes=nodes, edges=tuple(made))


def members(found: Graph, composite: str) -> list[str]:
    return [edge.source for edge in found.members(composite)]


def test_the_members_of_a_bypassed_composite_stand_in_its_place() -> None:
    inner = CompositeNode(id="inner", name="inner", bypassed=True)
    outer = CompositeNode(id="outer", name="outer")
    drawn = graph(server("a"), server("b"), server("c"), inner, outer, edges="a>outer b>inner inner>outer c>outer")
    meant = without_bypassed(drawn, "outer")
    assert members(meant, "outer") == ["a", "b", "c"]
    assert meant.node("inner") is None


def test_a_bypass_within_a_bypass_passes_all_the_way_up() -> None:
    one = CompositeNode(id="one", name="one", bypassed=True)
    two = CompositeNode(id="two", name="two", bypassed=True)
    drawn = graph(server("a"), one, two, CompositeNode(id="top", name="top"), edges="a>one one>two two>top")
    assert members(without_bypassed(drawn, "top"), "top") == ["a"]


def test_what_a_member_is_called_in_the_bypassed_composite_stays() -> None:
    inner = CompositeNode(id="inner", name="inner", bypassed=True)
    drawn = graph(server("a"), inner, CompositeNode(id="top", name="top"), edges="inner>top").but(
        edges=(Edge(source="a", target="inner", namespace="x"), Edge(source="inner", target="top", namespace="y"))
    )
    assert without_bypassed(drawn, "top").edges == (Edge(source="a", target="top", namespace="x"),)


def test_a_member_of_both_is_there_once_and_by_its_own_edge() -> None:
    inner = CompositeNode(id="inner", name="inner", bypassed=True)
    drawn = graph(server("a"), inner, CompositeNode(id="top", name="top"), edges="").but(
        edges=(
            Edge(source="a", target="inner", namespace="passed"),
            Edge(source="inner", target="top"),
            Edge(source="a", target="top", namespace="own"),
        )
    )
    assert without_bypassed(drawn, "top").edges == (Edge(source="a", target="top", namespace="own"),)


def test_what_is_served_stays_and_so_does_what_is_disabled() -> None:
    top = CompositeNode(id="top", name="top", bypassed=True)
    off = CompositeNode(id="off", name="off", bypassed=True, enabled=False)
    drawn = graph(server("a"), server("b"), off, top, edges="a>off off>top b>top")
    assert without_bypassed(drawn, "top") == drawn


def test_a_circle_of_bypassed_composites_ends() -> None:
    one = CompositeNode(id="one", name="one", bypassed=True)
    two = CompositeNode(id="two", name="two", bypassed=True)
    drawn = graph(server("a"), one, two, CompositeNode(id="top", name="top"), edges="a>one one>two two>one two>top")
    assert members(without_bypassed(drawn, "top"), "top") == ["a"]


def test_names_are_checked_as_they_come_out_of_the_bypass() -> None:
    inner = CompositeNode(id="inner", name="inner", bypassed=True)
    drawn = graph(server("a"), server("A"), inner, CompositeNode(id="top", name="top"), edges="a>inner inner>top A>top")
    assert [problem.rule for problem in check(drawn)] == ["name-clash"]
    plain = drawn.but(nodes=tuple(n.but(bypassed=False) if n.id == "inner" else n for n in drawn.nodes))
    assert check(plain) == []


def test_bypassing_what_is_nobodys_member_is_said_to_change_nothing() -> None:
    drawn = graph(server("a"), CompositeNode(id="top", name="top", bypassed=True), edges="a>top")
    assert [problem.rule for problem in check(drawn)] == ["bypassed-root"]
