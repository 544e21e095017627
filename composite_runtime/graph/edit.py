"""One function per change of a graph. Each returns a new graph and leaves the old one as it was."""

import re
import uuid
from collections.abc import Collection, Iterable

from composite_runtime.errors import GraphError
from composite_runtime.graph.model import Box, CompositeNode, Edge, Frame, Graph, Note, ServerNode
from composite_runtime.graph.nesting import containers


def new_graph(name: str = "Untitled") -> Graph:
    """Return an empty graph with a fresh id."""
    return Graph(id=str(uuid.uuid4()), name=name)


def fresh_id(graph: Graph, name: str) -> str:
    """Return an id that no node has yet, readable because it comes from the name."""
    return free_id({one.id for one in (*graph.nodes, *graph.annotations)}, name)


def free_id(taken: Collection[str], name: str) -> str:
    """Return an id that is not taken, readable because it comes from the name."""
    stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "node"
    if stem not in taken:
        return stem
    return next(name for number in range(2, len(taken) + 3) if (name := f"{stem}-{number}") not in taken)


def add_node(graph: Graph, node: ServerNode | CompositeNode, box: Box | None = None) -> Graph:
    """Return the graph with one more node; raise `GraphError` if its id is taken."""
    _free(graph, node.id)
    layout = {**graph.layout, node.id: box} if box else graph.layout
    return graph.but(nodes=(*graph.nodes, node), layout=layout)


def replace_node(graph: Graph, node: ServerNode | CompositeNode) -> Graph:
    """Return the graph in which `node` stands in the place of the node with the same id."""
    _known(graph, node.id)
    return graph.but(nodes=tuple(node if old.id == node.id else old for old in graph.nodes))


def remove_nodes(graph: Graph, node_ids: Collection[str]) -> Graph:
    """Return the graph without these nodes, frames and notes, their edges and their places."""
    return graph.but(
        nodes=tuple(node for node in graph.nodes if node.id not in node_ids),
        edges=tuple(edge for edge in graph.edges if edge.source not in node_ids and edge.target not in node_ids),
        annotations=tuple(
            one.but(inside=None) if one.inside in node_ids else one
            for one in graph.annotations
            if one.id not in node_ids
        ),
        layout={key: box for key, box in graph.layout.items() if key not in node_ids},
    )


def add_annotation(graph: Graph, annotation: Frame | Note, box: Box) -> Graph:
    """Return the graph with one more frame or note; raise `GraphError` if its id is taken."""
    _free(graph, annotation.id)
    return graph.but(annotations=(*graph.annotations, annotation), layout={**graph.layout, annotation.id: box})


def replace_annotation(graph: Graph, annotation: Frame | Note) -> Graph:
    """Return the graph in which `annotation` stands in the place of the one with the same id."""
    return graph.but(annotations=tuple(annotation if old.id == annotation.id else old for old in graph.annotations))


def connect(graph: Graph, source: str, target: str, namespace: str | None = None) -> Graph:
    """Return the graph in which `source` is a member of `target`; raise `GraphError` saying why it may not be."""
    if reason := why_not_connect(graph, source, target):
        raise GraphError(reason, source)
    return graph.but(edges=(*graph.edges, Edge(source=source, target=target, namespace=namespace)))


def why_not_connect(graph: Graph, source: str, target: str) -> str | None:
    """Return why `source` may not become a member of `target`, or None if it may."""
    member, composite = graph.node(source), graph.node(target)
    if member is None or composite is None:
        return f"there is no node with the id {source if member is None else target!r}"
    if not isinstance(composite, CompositeNode):
        return f"{composite.name} is a server; only a composite has members"
    if source == target:
        return f"{composite.name} cannot be a member of itself"
    if any(edge.source == source for edge in graph.members(target)):
        return f"{member.name} is already a member of {composite.name}"
    if source in containers(graph.edges, target):
        return f"{composite.name} lies inside {member.name}: this would close a circle"
    return None


def disconnect(graph: Graph, source: str, target: str) -> Graph:
    """Return the graph in which `source` is not a member of `target`."""
    return graph.but(edges=tuple(e for e in graph.edges if (e.source, e.target) != (source, target)))


def replace_edge(graph: Graph, edge: Edge) -> Graph:
    """Return the graph in which `edge` stands in the place of the edge with the same ends."""
    ends = (edge.source, edge.target)
    return graph.but(edges=tuple(edge if (old.source, old.target) == ends else old for old in graph.edges))


def move(graph: Graph, boxes: Iterable[tuple[str, Box]]) -> Graph:
    """Return the graph with these nodes, frames and notes placed anew."""
    return graph.but(layout={**graph.layout, **dict(boxes)})


def _free(graph: Graph, wanted: str) -> None:
    if graph.node(wanted) is not None or graph.annotation(wanted) is not None:
        raise GraphError(f"there is already a node with the id {wanted!r}", wanted)


def _known(graph: Graph, node_id: str) -> None:
    if graph.node(node_id) is None:
        raise GraphError(f"there is no node with the id {node_id!r}", node_id)
