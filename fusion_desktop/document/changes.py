"""What a user does to a graph, one pure function per gesture. Each returns a new graph or raises `GraphError`."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from composite_runtime.errors import GraphError
from composite_runtime.graph import edit, file
from composite_runtime.graph.model import Box, CompositeNode, Frame, Graph, ServerNode, StdioTransport
from fusion_desktop.document import places
from fusion_desktop.document.places import HEADER, PADDING, Rect

Node = ServerNode | CompositeNode


def added(graph: Graph, node: Node, at: tuple[float, float] | None, into: str | None = None) -> Graph:
    """Return the graph with one more node, at a point or where there is room, inside a composite if one is named."""
    size = _size(node)
    x, y = at if at is not None else places.free_spot(graph, into, size)
    graph = edit.add_node(graph, node, Box(x=x, y=y))
    if into is None:
        return graph
    graph = edit.connect(graph, node.id, into)
    if graph.layout[into].collapsed:
        x, y = places.free_spot(edit.remove_nodes(graph, {node.id}), into, size)
        graph = edit.move(graph, [(node.id, Box(x=x, y=y))])
    return settled(graph, node.id, into)


def named(graph: Graph, node: Node) -> Node:
    """Return the node with an id, and if need be a number behind its name, that the graph does not have yet."""
    taken = {other.name for other in graph.nodes}
    name, number = node.name, 2
    while name in taken:
        name, number = f"{node.name} {number}", number + 1
    return node.but(id=edit.fresh_id(graph, name), name=name)


def moved(graph: Graph, ids: Sequence[str], delta: tuple[float, float], into: str | None) -> Graph:
    """Return the graph in which things were dragged to another place: out of where they were and into `into`.

    What a frame holds goes where the frame goes.
    """
    home, held = places.levels(graph), places.holders(graph)
    tops = places.outermost(held, ids)
    carried = {top: places.inside(held, [top]) for top in tops}
    for one in with_framed(graph, held, tops):
        old = home.get(one)
        if graph.annotation(one) is not None:
            graph = _annotation_in(graph, one, into)
            continue
        if old is not None and old != into:
            graph = edit.disconnect(graph, one, old)
        if into is not None and not any(edge.target == into for edge in graph.memberships(one)):
            graph = edit.connect(graph, one, into)
    for top in tops:
        graph = places.pushed(graph, carried[top], *_into_place(graph, top, delta, into, home.get(top)))
        if into is not None:
            graph = places.enclosing(graph, into, top)
    return graph


def with_framed(graph: Graph, held: Mapping[str, str], ids: Iterable[str]) -> list[str]:
    """Return these things, and for each frame among them what lies in it, as deep as frames go."""
    found: list[str] = []
    for one in ids:
        found.append(one)
        if isinstance(graph.annotation(one), Frame):
            found.extend(with_framed(graph, held, [inner for inner, holder in held.items() if holder == one]))
    return found


def _annotation_in(graph: Graph, annotation_id: str, into: str | None) -> Graph:
    annotation = graph.annotation(annotation_id)
    return edit.replace_annotation(graph, annotation.but(inside=into)) if annotation is not None else graph


def _into_place(
    graph: Graph, top: str, delta: tuple[float, float], into: str | None, home: str | None
) -> tuple[float, float]:
    """Return how far something must move to follow a drag and to lie wholly in the composite it goes into."""
    rect = places.rect_of(graph, top)
    if into is None:
        return delta
    if graph.layout[into].collapsed and home != into:
        # Nobody can see where it was dropped, so it goes where there is room.
        x, y = places.free_spot(graph, into, (rect.width, rect.height))
        return x - rect.x, y - rect.y
    around = places.rect_of(graph, into)
    return (
        max(delta[0], around.x + PADDING - rect.x),
        max(delta[1], around.y + HEADER + PADDING - rect.y),
    )


def fits_between(graph: Graph, composite_id: str, source: str, target: str) -> bool:
    """Tell whether a composite could go into the wire between two others: it is new to both, and closes no circle."""
    return (
        composite_id not in (source, target)
        and edit.why_not_connect(graph, source, composite_id) is None
        and edit.why_not_connect(graph, composite_id, target) is None
    )


def inserted(graph: Graph, composite_id: str, source: str, target: str) -> Graph:
    """Return the graph in which `source` is a member of the composite, and this one of `target`, in its place."""
    old = next((edge for edge in graph.members(target) if edge.source == source), None)
    namespace = old.namespace if old is not None else None
    graph = edit.connect(edit.disconnect(graph, source, target), source, composite_id, namespace)
    if edit.why_not_connect(graph, composite_id, target) is None:
        graph = edit.connect(graph, composite_id, target)
    return graph


def settled(graph: Graph, node_id: str, composite_id: str) -> Graph:
    """Return the graph in which a member lies wholly inside its composite, which grows to the right and down."""
    around, rect = places.rect_of(graph, composite_id), places.rect_of(graph, node_id)
    dx = max(0.0, around.x + PADDING - rect.x)
    dy = max(0.0, around.y + HEADER + PADDING - rect.y)
    if dx or dy:
        graph = places.shifted(graph, [node_id], dx, dy)
    return places.enclosing(graph, composite_id, node_id)


def resized(graph: Graph, composite_id: str, rect: Rect) -> Graph:
    """Return the graph in which a composite covers `rect`, or as much more as what it holds needs."""
    home = places.homes(graph)
    box = graph.layout.get(composite_id, places.DEFAULT_BOX)
    members = [places.rect_of(graph, child) for child, parent in home.items() if parent == composite_id]
    left = min([rect.x, *(m.x - PADDING for m in members)])
    top = min([rect.y, *(m.y - HEADER - PADDING for m in members)])
    right = max([rect.x + rect.width, left + 160, *(m.x + m.width + PADDING for m in members)])
    bottom = max([rect.y + rect.height, top + HEADER + 60, *(m.y + m.height + PADDING for m in members)])
    graph = edit.move(graph, [(composite_id, box.but(x=left, y=top, width=right - left, height=bottom - top))])
    return places.grown(graph, home.get(composite_id))


def removed(graph: Graph, node_ids: Collection[str], edges: Iterable[tuple[str, str]] = ()) -> Graph:
    """Return the graph without these edges and nodes. What lies inside a removed composite stays where it is."""
    for source, target in edges:
        graph = edit.disconnect(graph, source, target)
    return edit.remove_nodes(graph, set(node_ids)) if node_ids else graph


def removed_and_reconnected(graph: Graph, node_ids: Collection[str]) -> Graph:
    """Return the graph without these nodes; the members of a removed composite join those it was in."""
    for node_id in node_ids:
        for member in graph.members(node_id):
            for outer in graph.memberships(node_id):
                if edit.why_not_connect(graph, member.source, outer.target) is None:
                    graph = edit.connect(graph, member.source, outer.target)
        graph = edit.remove_nodes(graph, {node_id})
    return graph


def grouped(graph: Graph, node_ids: Sequence[str], name: str) -> tuple[Graph, str]:
    """Return the graph in which these things lie in a new composite around them, as its members, and its id."""
    home, held = places.levels(graph), places.holders(graph)
    tops = places.outermost(held, node_ids)
    movers = with_framed(graph, held, tops)
    if not any(graph.node(one) for one in movers):
        raise GraphError("Select the nodes to group first")
    composite = named(graph, CompositeNode(id="", name=name))
    rects = [places.rect_of(graph, one) for one in tops]
    left = min(r.x for r in rects) - PADDING
    top = min(r.y for r in rects) - HEADER - PADDING
    width = max(r.x + r.width for r in rects) + PADDING - left
    height = max(r.y + r.height for r in rects) + PADDING - top
    parents = {home.get(node_id) for node_id in movers}
    parent = parents.pop() if len(parents) == 1 else None
    graph = edit.add_node(graph, composite, Box(x=left, y=top, width=width, height=height))
    for node_id in movers:
        if graph.annotation(node_id) is not None:
            graph = _annotation_in(graph, node_id, composite.id)
            continue
        if (old := home.get(node_id)) is not None:
            graph = edit.disconnect(graph, node_id, old)
        graph = edit.connect(graph, node_id, composite.id)
    if parent is not None:
        graph = places.enclosing(edit.connect(graph, composite.id, parent), parent, composite.id)
    return graph, composite.id


def ungrouped(graph: Graph, composite_id: str) -> Graph:
    """Return the graph without the composite; what it held goes to the composite around it."""
    home = places.levels(graph)
    parent = home.get(composite_id)
    members = [child for child, around in home.items() if around == composite_id]
    graph = edit.remove_nodes(graph, {composite_id})
    if parent is not None:
        for member in members:
            if graph.annotation(member) is not None:
                graph = _annotation_in(graph, member, parent)
            elif edit.why_not_connect(graph, member, parent) is None:
                graph = edit.connect(graph, member, parent)
    return graph


def renamed(graph: Graph, node_id: str, name: str) -> Graph:
    """Return the graph in which a node is called `name`; raise `GraphError` for an empty name."""
    node = graph.node(node_id)
    if not name.strip():
        raise GraphError("A node needs a name", node_id)
    return edit.replace_node(graph, node.but(name=name.strip())) if node else graph


def part_of(graph: Graph, ids: Collection[str]) -> Graph:
    """Return some nodes, frames and notes of a graph, what lies inside them, and the edges among them."""
    whole = places.inside(places.holders(graph), ids)
    return Graph(
        id=graph.id,
        name=graph.name,
        nodes=tuple(node for node in graph.nodes if node.id in whole),
        edges=tuple(edge for edge in graph.edges if edge.source in whole and edge.target in whole),
        annotations=tuple(
            one if one.inside in whole else one.but(inside=None) for one in graph.annotations if one.id in whole
        ),
        layout={one: box for one, box in graph.layout.items() if one in whole},
    )


def copied(graph: Graph, ids: Collection[str]) -> str:
    """Return part of a graph as text. Values that look like secrets become references, so that anybody may see it."""
    part = part_of(graph, ids)
    return file.dumps(part.but(nodes=tuple(without_secrets(node) for node in part.nodes)))


def pasted(
    graph: Graph, part: Graph, at: tuple[float, float] | None, into: str | None = None
) -> tuple[Graph, tuple[str, ...]]:
    """Return the graph with the nodes of a part, their ids fresh, and the ids of those that lie in no other of them.

    `at` is where their left upper corner goes; without it they lie a step beside the originals.
    """
    ids = [one.id for one in (*part.nodes, *part.annotations)]
    left = min(places.rect_of(part, one).x for one in ids)
    top = min(places.rect_of(part, one).y for one in ids)
    dx, dy = (at[0] - left, at[1] - top) if at is not None else (2.0 * places.GRID, 2.0 * places.GRID)
    fresh: dict[str, str] = {}
    for node in part.nodes:
        new = named(graph, node)
        fresh[node.id] = new.id
        box = part.layout[node.id]
        graph = edit.add_node(graph, new, box.but(x=box.x + dx, y=box.y + dy, locked=False))
    edges = [
        edge.but(source=fresh[edge.source], target=fresh[edge.target])
        for edge in part.edges
        if edge.source in fresh and edge.target in fresh
    ]
    graph = graph.but(edges=(*graph.edges, *edges))
    graph = _with_annotations(graph, part, fresh, (dx, dy))
    tops = tuple(places.outermost(places.holders(graph), list(fresh.values())))
    if into is not None:
        graph = moved(graph, tops, (0.0, 0.0), into)
    return graph, tops


def duplicated(
    graph: Graph, node_ids: Collection[str], delta: tuple[float, float] = (40.0, 40.0)
) -> tuple[Graph, tuple[str, ...]]:
    """Return the graph with a second set of these nodes, in the same composites, and the ids of the new ones."""
    home, held = places.levels(graph), places.holders(graph)
    ids = [one.id for one in (*graph.nodes, *graph.annotations) if one.id in node_ids]
    tops = places.outermost(held, ids)
    whole = places.inside(held, tops)
    part = graph.but(annotations=tuple(one for one in graph.annotations if one.id in whole))
    fresh: dict[str, str] = {}
    for node in graph.nodes:
        if node.id in whole:
            new = named(graph, node)
            fresh[node.id] = new.id
            box = graph.layout.get(node.id, places.DEFAULT_BOX)
            graph = edit.add_node(graph, new, box.but(x=box.x + delta[0], y=box.y + delta[1], locked=False))
    # A copy joins the composites its original is in; edges among the copied nodes are copied among the copies.
    edges = [
        edge.but(source=fresh[edge.source], target=fresh.get(edge.target, edge.target))
        for edge in graph.edges
        if edge.source in fresh
    ]
    graph = graph.but(edges=(*graph.edges, *edges))
    graph = _with_annotations(graph, part, fresh, delta)
    for node_id in tops:
        if (parent := home.get(node_id)) is not None:
            graph = settled(graph, fresh[node_id], parent)
    return graph, tuple(fresh[node_id] for node_id in tops)


def _with_annotations(graph: Graph, part: Graph, fresh: dict[str, str], delta: tuple[float, float]) -> Graph:
    """Return the graph with copies of a part's frames and notes; `fresh` learns their ids."""
    for one in part.annotations:
        new = edit.fresh_id(graph, one.type)
        fresh[one.id] = new
        inside = fresh.get(one.inside, one.inside) if one.inside else None
        rect, box = places.annotation_rect(part, one), part.layout.get(one.id, places.DEFAULT_BOX)
        box = box.but(x=rect.x + delta[0], y=rect.y + delta[1], locked=False)
        graph = edit.add_annotation(graph, one.but(id=new, inside=inside), box)
    return graph


def without_secrets(node: Node) -> Node:
    """Return the node with a reference in the place of each value that looks like a secret."""
    if not isinstance(node, ServerNode):
        return node
    transport = node.transport
    if isinstance(transport, StdioTransport):
        return node.but(transport=transport.but(env=_referenced(transport.env, node.id)))
    return node.but(transport=transport.but(headers=_referenced(transport.headers, node.id)))


_SECRET = re.compile(r"key|token|secret|passw|auth|credential|cookie", re.IGNORECASE)


def _referenced(values: Mapping[str, str], node_id: str) -> dict[str, str]:
    return {
        key: f"${{secret:{node_id}_{key.lower()}}}" if value and "${" not in value and _SECRET.search(key) else value
        for key, value in values.items()
    }


def _size(node: Node) -> tuple[float, float]:
    if isinstance(node, CompositeNode):
        return places.COMPOSITE_WIDTH, places.COMPOSITE_HEIGHT
    return places.NODE_WIDTH, places.NODE_HEIGHT
