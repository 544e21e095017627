"""Put nodes into a composite, or take them out, without a pointer: as pure functions of a graph."""

from collections.abc import Sequence

from composite_runtime.errors import GraphError
from composite_runtime.graph import edit
from composite_runtime.graph.model import Graph
from fusion_desktop.document import changes, marks, places


def nested(graph: Graph, node_ids: Sequence[str], into: str | None) -> Graph:
    """Return the graph in which those of the nodes that may lie inside a composite, or in none.

    Raises:
        GraphError: none of them may.
    """
    home = places.homes(graph)
    tops = places.outermost(home, marks.unlocked(graph, node_ids, "move"))
    if reason := why_not_nest(graph, tops, into):
        raise GraphError(reason)
    for node_id in tops:
        if _why_not(graph, node_id, into, home.get(node_id)) is None:
            graph = _nested(graph, node_id, into)
    return graph


def _nested(graph: Graph, node_id: str, into: str | None) -> Graph:
    old = places.homes(graph).get(node_id)
    if into is not None:
        graph = changes.rejoined(graph, {node_id: [old] if old is not None else []}, into)
    elif old is not None:
        graph = edit.disconnect(graph, node_id, old)
    rect = places.rect_of(graph, node_id)
    if into is not None:
        graph = _roomy(graph, into, rect)
    x, y = places.free_spot(graph, into, (rect.width, rect.height))
    graph = places.shifted(graph, [node_id], x - rect.x, y - rect.y)
    return changes.settled(graph, node_id, into) if into is not None else graph


def _roomy(graph: Graph, composite_id: str, rect: places.Rect) -> Graph:
    """Return the graph in which a composite is larger than what is to lie in it, else it would not count as inside."""
    around, box = places.rect_of(graph, composite_id), graph.layout.get(composite_id, places.DEFAULT_BOX)
    width = max(around.width, rect.width + 2 * places.PADDING)
    height = max(around.height, rect.height + places.HEADER + 2 * places.PADDING)
    return edit.move(graph, [(composite_id, box.but(width=width, height=height))])


def why_not_nest(graph: Graph, node_ids: Sequence[str], into: str | None) -> str | None:
    """Return why the nodes may not lie inside a composite, or None if at least one of them may."""
    home = places.homes(graph)
    reasons = [_why_not(graph, node_id, into, home.get(node_id)) for node_id in places.outermost(home, node_ids)]
    return None if None in reasons else next(iter(reasons), "nothing is selected")


def _why_not(graph: Graph, node_id: str, into: str | None, home: str | None) -> str | None:
    if home == into:
        return "lies there already"
    if places.is_locked(graph, node_id):
        return f"{marks.called(graph, node_id)} is locked"
    if into is None or changes.is_member(graph, node_id, into):
        return None
    return edit.why_not_connect(graph, node_id, into)


def connected(graph: Graph, node_ids: Sequence[str], composite_id: str) -> Graph:
    """Return the graph in which those of the nodes that may are members of a composite; raise `GraphError` if none."""
    fitting = [node_id for node_id in node_ids if edit.why_not_connect(graph, node_id, composite_id) is None]
    if not fitting:
        reasons = (edit.why_not_connect(graph, node_id, composite_id) for node_id in node_ids)
        raise GraphError(next(reasons, None) or "Select what to connect first")
    for node_id in fitting:
        graph = edit.connect(graph, node_id, composite_id)
    return graph
