"""Which member of a composite offers what a client calls by its public name, read from the names in the graph."""

from collections.abc import Iterator
from dataclasses import dataclass

from composite_runtime.graph.model import CompositeNode, Graph
from composite_runtime.graph.naming import namespace_of

_MOVED = "fusion://"
"""How the URI of a resource begins that another member has as well."""


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


def readers(graph: Graph, composite_id: str, uri: str) -> list[Origin]:
    """Return who may have a resource that a client reads by this URI, those farthest down first.

    A URI names no member unless two of them have the same: then it is moved to a place that begins with the member's
    name. Otherwise it may be anybody's.
    """
    found: dict[tuple[str, str], Origin] = {}
    for origin in _readers(graph, composite_id, uri, frozenset({composite_id})):
        found.setdefault((origin.node_id, origin.own_name), origin)
    return sorted(found.values(), key=lambda origin: origin.is_composite)


def _readers(graph: Graph, composite_id: str, uri: str, seen: frozenset[str]) -> Iterator[Origin]:
    for edge in graph.edges:
        node = graph.node(edge.source)
        if edge.target != composite_id or node is None or node.id in seen:
            continue
        own = uri
        if uri.startswith(_MOVED):
            name, _, own = uri.removeprefix(_MOVED).partition("/")
            if name.partition("~")[0] != (namespace_of(graph, edge) or node.id):
                continue
        is_composite = isinstance(node, CompositeNode)
        yield Origin(node.id, node.name, own, is_composite)
        if is_composite:
            yield from _readers(graph, node.id, own, seen | {node.id})


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
