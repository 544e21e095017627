"""Which member of a composite offers what a client calls by its public name, read from the names in the graph."""

from collections.abc import Iterator
from dataclasses import dataclass

from composite_runtime.graph.model import CompositeNode, Graph
from composite_runtime.graph.naming import namespace_of


@dataclass(frozen=True)
class Origin:
    """A node that may offer a public name, and what the node itself calls it."""

    node_id: str
    node_name: str
    own_name: str
    is_composite: bool


def origins(graph: Graph, composite_id: str, public_name: str) -> list[Origin]:
    """Return where a name may come from, those farthest down first.

    Names can be cut or numbered where two are alike, so an origin is a likely one until its own list confirms it.
    """
    found = list(_below(graph, composite_id, public_name, frozenset({composite_id})))
    return sorted(found, key=lambda origin: origin.is_composite)


def _below(graph: Graph, composite_id: str, name: str, seen: frozenset[str]) -> Iterator[Origin]:
    for edge in graph.edges:
        node = graph.node(edge.source)
        if edge.target != composite_id or node is None or node.id in seen:
            continue
        namespace = namespace_of(graph, edge)
        prefix = f"{namespace}_" if namespace else ""
        if not name.startswith(prefix):
            continue
        own = name.removeprefix(prefix)
        is_composite = isinstance(node, CompositeNode)
        yield Origin(node.id, node.name, own, is_composite)
        if is_composite:
            yield from _below(graph, node.id, own, seen | {node.id})
