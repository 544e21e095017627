"""What a user does to a graph, one pure function per gesture. Each returns a new graph or raises `GraphError`."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from composite_runtime.errors import GraphError
from composite_runtime.graph import edit
from composite_runtime.graph.model import Box, CompositeNode, Edge, Frame, Graph, ServerNode
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
    name = free_name({other.name for other in graph.nodes}, node.name)
    return node.but(id=edit.fresh_id(graph, name), name=name)


def free_name(taken: Collection[str], wanted: str) -> str:
    """Return a name that is not taken: with a number behind it if need be."""
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted} {number}", number + 1
    return name


def moved(graph: Graph, ids: Sequence[str], delta: tuple[float, float], into: str | None) -> Graph:
    """Return the graph in which things were dragged to another place: out of where they were and into `into`.

    What a frame holds goes where the frame goes.
    """
    home, held = places.levels(graph), places.holders(graph)
    tops = places.outermost(held, ids)
    carried = {top: places.inside(held, [top]) for top in tops}
    movers = with_framed(graph, held, tops)
    nodes = {one: [home[one]] if one in home else [] for one in movers if graph.node(one) is not None}
    for one in movers:
        graph = _annotation_in(graph, one, into)
    if into is None:
        graph = graph.but(edges=tuple(e for e in graph.edges if e.target not in nodes.get(e.source, ())))
        return places.pushed(graph, set().union(*carried.values()), *delta)
    graph = rejoined(graph, nodes, into)
    for top in tops:
        graph = places.pushed(graph, carried[top], *_into_place(graph, top, delta, into, home.get(top)))
        if graph.layout[into].collapsed:
            graph = places.enclosing(graph, into, top)  # the next one looks for room beside it
    return places.enclosing(graph, into, *tops)


def rejoined(graph: Graph, old: Mapping[str, Collection[str]], new: str) -> Graph:
    """Return the graph in which each node of `old` is a member of `new` instead of those there, under the same name.

    Raises:
        GraphError: one of them may not be a member of `new`.
    """
    joined = {edge.source for edge in graph.members(new)}
    for source in old:
        if source not in joined and (reason := edit.why_not_connect(graph, source, new)):
            raise GraphError(reason, source)
    edges: list[Edge] = []
    for edge in graph.edges:
        if edge.target == new or edge.target not in old.get(edge.source, ()):
            edges.append(edge)
        elif edge.source not in joined:
            # In its place, so that taking a group apart again gives back the order the members had.
            edges.append(edge.but(target=new))
            joined.add(edge.source)
    edges += [Edge(source=source, target=new) for source in old if source not in joined]
    return graph.but(edges=tuple(edges))


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


def _into_place(graph: Graph, top: str, delta: tuple[float, float], into: str, home: str | None) -> tuple[float, float]:
    """Return how far something must move to follow a drag and to lie wholly in the composite it goes into."""
    rect = places.rect_of(graph, top)
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
    """Tell whether a composite could go into the wire between two others: it lacks the first, and closes no circle."""
    return (
        composite_id not in (source, target)
        and edit.why_not_connect(graph, source, composite_id) is None
        and (is_member(graph, composite_id, target) or edit.why_not_connect(graph, composite_id, target) is None)
    )


def inserted(graph: Graph, composite_id: str, source: str, target: str) -> Graph:
    """Return the graph in which `source` is a member of the composite, and this one of `target`, in its place."""
    graph = rejoined(graph, {source: [target]}, composite_id)
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
    home = places.levels(graph)
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
    home = places.homes(graph)
    for one in graph.annotations:
        if one.inside is not None and one.inside in node_ids and one.id not in node_ids:
            around = (outer for outer in places.ancestors(home, one.inside) if outer not in node_ids)
            graph = _annotation_in(graph, one.id, next(around, None))
    return edit.remove_nodes(graph, set(node_ids)) if node_ids else graph


def removed_and_reconnected(graph: Graph, node_ids: Iterable[str]) -> Graph:
    """Return the graph without these nodes; the members of a removed composite join those it was in."""
    for node_id in node_ids:
        graph = ungrouped(graph, node_id)
    return graph


def grouped(graph: Graph, node_ids: Sequence[str], name: str) -> tuple[Graph, str]:
    """Return the graph in which these things lie in a new composite around them, as its members, and its id.

    The new composite takes their place wherever all of them were members.
    """
    home, held = places.levels(graph), places.holders(graph)
    tops = places.outermost(held, node_ids)
    movers = with_framed(graph, held, tops)
    nodes = [one for one in movers if graph.node(one) is not None]
    if not nodes:
        raise GraphError("Select the nodes to group first")
    shared = [e.target for e in graph.memberships(nodes[0]) if all(is_member(graph, one, e.target) for one in nodes)]
    composite = named(graph, CompositeNode(id="", name=name))
    rects = [places.rect_of(graph, one) for one in tops]
    left = min(r.x for r in rects) - PADDING
    top = min(r.y for r in rects) - HEADER - PADDING
    width = max(r.x + r.width for r in rects) + PADDING - left
    height = max(r.y + r.height for r in rects) + PADDING - top
    parents = {home.get(node_id) for node_id in movers}
    parent = parents.pop() if len(parents) == 1 else None
    graph = edit.add_node(graph, composite, Box(x=left, y=top, width=width, height=height))
    for one in movers:
        graph = _annotation_in(graph, one, composite.id)
    old = {one: [*shared, *([home[one]] if one in home else [])] for one in nodes}
    graph = rejoined(graph, old, composite.id)
    for target in shared:
        graph = edit.connect(graph, composite.id, target)
    return (places.enclosing(graph, parent, composite.id) if parent in shared else graph), composite.id


def ungrouped(graph: Graph, composite_id: str) -> Graph:
    """Return the graph without a composite; its members join those it was in."""
    around = [edge.target for edge in graph.memberships(composite_id)]
    edges: list[Edge] = []
    for edge in graph.edges:
        if edge.target != composite_id:
            edges.append(edge)
            continue
        fitting = (outer for outer in around if edit.why_not_connect(graph, edge.source, outer) is None)
        edges.extend(edge.but(target=outer) for outer in fitting)
    return removed(graph.but(edges=tuple(edges)), [composite_id])


def is_member(graph: Graph, node_id: str, composite_id: str) -> bool:
    """Say whether a node is a member of a composite."""
    return any(edge.target == composite_id for edge in graph.memberships(node_id))


def renamed(graph: Graph, node_id: str, name: str) -> Graph:
    """Return the graph in which a node is called `name`; raise `GraphError` for an empty name."""
    node = graph.node(node_id)
    if not name.strip():
        raise GraphError("A node needs a name", node_id)
    return edit.replace_node(graph, node.but(name=name.strip())) if node else graph


def _size(node: Node) -> tuple[float, float]:
    if isinstance(node, CompositeNode):
        return places.COMPOSITE_WIDTH, places.COMPOSITE_HEIGHT
    return places.NODE_WIDTH, places.NODE_HEIGHT
