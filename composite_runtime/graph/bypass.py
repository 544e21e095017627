"""What a graph means once composites that are bypassed are taken out from between their members and their holders."""

from composite_runtime.graph.model import CompositeNode, Edge, Graph


def without_bypassed(graph: Graph, *kept: str) -> Graph:
    """Return the graph in which no composite is bypassed, except `kept`: whose members they were in has them now.

    A member that would join a composite twice joins it once, and its own edge goes before one that is passed on.
    """
    gone = {
        node.id
        for node in graph.nodes
        if isinstance(node, CompositeNode) and node.bypassed and node.enabled and node.id not in kept
    }
    if not gone:
        return graph
    edges: list[Edge] = []
    for composite in {edge.target: None for edge in graph.edges if edge.target not in gone}:
        own = {edge.source for edge in graph.members(composite)}
        met: set[str] = set()
        for edge in _passed_on(graph, composite, gone, frozenset()):
            if edge.source not in met and (edge.target == composite or edge.source not in own):
                met.add(edge.source)
                edges.append(edge if edge.target == composite else edge.but(target=composite))
    return graph.but(nodes=tuple(node for node in graph.nodes if node.id not in gone), edges=tuple(edges))


def _passed_on(graph: Graph, composite: str, gone: set[str], path: frozenset[str]) -> list[Edge]:
    """Return the edges of all members, with those of a bypassed one in its place."""
    found: list[Edge] = []
    for edge in graph.members(composite):
        if edge.source not in gone:
            found.append(edge)
        elif edge.source not in path:
            found.extend(_passed_on(graph, edge.source, gone, path | {edge.source}))
    return found
