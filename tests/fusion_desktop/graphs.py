"""Graphs for tests, in few words."""

from composite_runtime.graph.edit import connect, new_graph
from composite_runtime.graph.model import Box, CompositeNode, Graph, ServerNode, StdioTransport


def server(node_id: str, name: str | None = None) -> ServerNode:
    return ServerNode(id=node_id, name=name or node_id.capitalize(), transport=StdioTransport(command="true"))


def composite(node_id: str, name: str | None = None) -> CompositeNode:
    return CompositeNode(id=node_id, name=name or node_id.capitalize())


def graph(*nodes: tuple[ServerNode | CompositeNode, tuple[float, ...]], edges: str = "") -> Graph:
    """Return a graph of nodes with places; `edges` reads `a>box b>box`."""
    made = new_graph("Test")
    layout = {
        node.id: Box(x=place[0], y=place[1], width=place[2], height=place[3])
        if len(place) == 4
        else Box(x=place[0], y=place[1])
        for node, place in nodes
    }
    made = made.but(nodes=tuple(node for node, _ in nodes), layout=layout)
    for edge in edges.split():
        made = connect(made, *edge.split(">"))
    return made


def desk() -> Graph:
    """Return a composite `box` with the server `inner` in it, and the server `loose` to its left."""
    return graph(
        (composite("box"), (300, 100, 400, 300)),
        (server("inner"), (340, 180)),
        (server("loose"), (0, 100)),
        edges="inner>box",
    )
