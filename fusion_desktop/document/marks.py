"""What a user marks without moving it: disabled, bypassed, locked and collapsed things; pure functions of a graph."""

from collections.abc import Collection, Iterable

from composite_runtime.errors import GraphError
from composite_runtime.graph import edit
from composite_runtime.graph.model import CompositeNode, Graph, Note
from fusion_desktop.document import places
from fusion_desktop.document.places import GAP


def enabled(graph: Graph, node_ids: Collection[str], on: bool) -> Graph:
    """Return the graph in which these nodes are switched on or off: what is off is not started and offers nothing."""
    return graph.but(nodes=tuple(node.but(enabled=on) if node.id in node_ids else node for node in graph.nodes))


def bypassed(graph: Graph, node_ids: Collection[str], on: bool) -> Graph:
    """Return the graph in which these composites pass their members on to those they are in, or no longer."""
    return graph.but(
        nodes=tuple(
            node.but(bypassed=on) if node.id in node_ids and isinstance(node, CompositeNode) else node
            for node in graph.nodes
        )
    )


def locked(graph: Graph, ids: Iterable[str], on: bool) -> Graph:
    """Return the graph in which these nodes, frames and notes can not be moved or deleted by hand, or can again."""
    return edit.move(graph, [(one, graph.layout.get(one, places.DEFAULT_BOX).but(locked=on)) for one in ids])


def unlocked(graph: Graph, ids: Collection[str], doing: str) -> list[str]:
    """Return which of these are not locked; raise `GraphError` if all are, saying what cannot be done to them."""
    free = [one for one in ids if not places.is_locked(graph, one)]
    if ids and not free:
        first = next(iter(ids))
        name = called(graph, first) if len(ids) == 1 else f"All {len(ids)}"
        raise GraphError(f"{name} {'is' if len(ids) == 1 else 'are'} locked: unlock first to {doing}", first)
    return free


def collapsed(graph: Graph, node_ids: Collection[str], on: bool) -> Graph:
    """Return the graph in which these composites are drawn as a card that stands for all they hold, or in full again.

    What has come to lie where a composite is expanded makes room, to the right or down.
    """
    composites = [n for n in node_ids if isinstance(graph.node(n), CompositeNode)]
    graph = edit.move(graph, [(n, graph.layout.get(n, places.DEFAULT_BOX).but(collapsed=on)) for n in composites])
    if not on:
        for composite in composites:
            graph = _with_room_for(graph, composite)
    return graph


def _with_room_for(graph: Graph, node_id: str) -> Graph:
    held = places.holders(graph)
    around = held.get(node_id)
    things = (*graph.nodes, *(one for one in graph.annotations if isinstance(one, Note)))
    beside = {one.id for one in things if held.get(one.id) == around and one.id != node_id}
    waiting, pushed = [node_id], set[str]()
    while waiting:
        rect = places.shown_rect(graph, waiting.pop())
        for other in sorted(beside):
            lies = places.shown_rect(graph, other)
            if not lies.overlaps(rect) or places.is_locked(graph, other):
                continue
            right, down = rect.x + rect.width + GAP - lies.x, rect.y + rect.height + GAP - lies.y
            graph = places.shifted(graph, [other], *((right, 0.0) if right <= down else (0.0, down)))
            beside.discard(other)  # each is pushed once, so that this ends
            pushed.add(other)
            waiting.append(other)
    if around is not None and graph.node(around) is not None:
        for one in pushed:
            graph = places.enclosing(graph, around, one)
    return graph


def called(graph: Graph, one: str) -> str:
    """Return what a person calls a node, a frame or a note."""
    if (node := graph.node(one)) is not None:
        return node.name
    annotation = graph.annotation(one)
    if annotation is None:
        return one
    if annotation.type == "frame":
        return annotation.title.strip() or "Frame"
    words = next((line.strip("#*->_ ") for line in annotation.text.splitlines() if line.strip("#*->_ ")), "")
    return (f"{words[:24].rstrip()}…" if len(words) > 25 else words) or "Note"
