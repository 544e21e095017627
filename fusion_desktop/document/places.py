"""Where nodes lie, as pure functions of a graph.

A member is drawn inside its composite when its middle lies in the composite's box; every other membership is drawn as
a wire. So the same edge may be either, and moving a node is what changes it. Coordinates are those of the scene.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from composite_runtime.graph import edit
from composite_runtime.graph.model import Box, CompositeNode, Frame, Graph, Note

GRID = 20
NODE_WIDTH, NODE_HEIGHT = 220.0, 60.0
COMPOSITE_WIDTH, COMPOSITE_HEIGHT = 300.0, 180.0
HEADER = 40.0
PADDING = 20.0
GAP = 20.0
FRAME_SIZE = (400.0, 240.0)
NOTE_SIZE = (240.0, 120.0)
DEFAULT_BOX = Box(x=0, y=0)


class Rect(NamedTuple):
    """A rectangle by its left upper corner and its size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> tuple[float, float]:
        """Return the point in its middle."""
        return self.x + self.width / 2, self.y + self.height / 2

    def holds(self, point: tuple[float, float]) -> bool:
        """Tell whether a point lies in it."""
        return self.x <= point[0] <= self.x + self.width and self.y <= point[1] <= self.y + self.height

    def with_margin(self, margin: float) -> "Rect":
        """Return it with some room on every side."""
        return Rect(self.x - margin, self.y - margin, self.width + 2 * margin, self.height + 2 * margin)

    def contains(self, other: "Rect") -> bool:
        """Tell whether the other lies wholly in it, and is smaller."""
        return (
            self.x <= other.x
            and self.y <= other.y
            and other.x + other.width <= self.x + self.width
            and other.y + other.height <= self.y + self.height
            and (other.width, other.height) != (self.width, self.height)
        )

    def overlaps(self, other: "Rect") -> bool:
        """Tell whether both have some area in common."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


def rect_of(graph: Graph, node_id: str) -> Rect:
    """Return what a node, a frame or a note covers when nothing is collapsed."""
    node = graph.node(node_id)
    if node is None and (annotation := graph.annotation(node_id)) is not None:
        return annotation_rect(graph, annotation)
    return _rect(graph.layout.get(node_id) or DEFAULT_BOX, isinstance(node, CompositeNode))


def shown_rect(graph: Graph, node_id: str) -> Rect:
    """Return what a node, a frame or a note covers as it is drawn: a collapsed composite is as small as a server."""
    box = graph.layout.get(node_id)
    if box is not None and box.collapsed and isinstance(graph.node(node_id), CompositeNode):
        return Rect(box.x, box.y, NODE_WIDTH, NODE_HEIGHT)
    return rect_of(graph, node_id)


def annotation_rect(graph: Graph, annotation: Frame | Note) -> Rect:
    """Return what a frame or a note covers."""
    box = graph.layout.get(annotation.id) or DEFAULT_BOX
    width, height = FRAME_SIZE if isinstance(annotation, Frame) else NOTE_SIZE
    return Rect(box.x, box.y, box.width or width, box.height or height)


def is_locked(graph: Graph, node_id: str) -> bool:
    """Tell whether something is neither moved nor deleted by hand."""
    box = graph.layout.get(node_id)
    return box is not None and box.locked


def _rect(box: Box, is_composite: bool) -> Rect:
    if is_composite:
        return Rect(box.x, box.y, box.width or COMPOSITE_WIDTH, box.height or COMPOSITE_HEIGHT)
    return Rect(box.x, box.y, NODE_WIDTH, NODE_HEIGHT)


def _rects(graph: Graph) -> dict[str, Rect]:
    layout = graph.layout
    return {
        node.id: _rect(layout[node.id], isinstance(node, CompositeNode)) for node in graph.nodes if node.id in layout
    }


def homes(graph: Graph) -> dict[str, str]:
    """Return for each node drawn inside a composite the id of that composite: the smallest that holds its middle."""
    rects = _rects(graph)
    found: dict[str, str] = {}
    for edge in graph.edges:
        member, composite = rects.get(edge.source), rects.get(edge.target)
        if member is None or composite is None or not composite.holds(member.middle):
            continue
        # A composite that is smaller than its member cannot hold it; this also breaks circles.
        if _area(composite) <= _area(member):
            continue
        if edge.source not in found or _area(composite) < _area(rects[found[edge.source]]):
            found[edge.source] = edge.target
    return found


def levels(graph: Graph) -> dict[str, str]:
    """Return for each node, frame and note drawn inside a composite the id of that composite."""
    found = homes(graph)
    for annotation in graph.annotations:
        if annotation.inside is not None and isinstance(graph.node(annotation.inside), CompositeNode):
            found[annotation.id] = annotation.inside
    return found


def holders(graph: Graph) -> dict[str, str]:
    """Return for each node, frame and note what it moves along with: the innermost frame or composite it lies in.

    Something lies in a frame if it does so wholly, and if both lie in the same composite.
    """
    level = levels(graph)
    found = dict(level)
    frames = [one for one in graph.annotations if isinstance(one, Frame)]
    beside: dict[str | None, list[tuple[str, Rect]]] = {}
    for one in (*graph.nodes, *graph.annotations) if frames else ():
        beside.setdefault(level.get(one.id), []).append((one.id, shown_rect(graph, one.id)))
    for frame in sorted(frames, key=lambda one: _area(annotation_rect(graph, one)), reverse=True):
        around = annotation_rect(graph, frame)
        for one_id, rect in beside.get(level.get(frame.id), ()):
            if one_id != frame.id and around.contains(rect):
                found[one_id] = frame.id
    return found


def _area(rect: Rect) -> float:
    return rect.width * rect.height


def inside(home: Mapping[str, str], node_ids: Iterable[str]) -> set[str]:
    """Return the nodes and everything drawn inside them, at any depth."""
    children: dict[str, list[str]] = {}
    for child, parent in home.items():
        children.setdefault(parent, []).append(child)
    found: set[str] = set()
    waiting = list(node_ids)
    while waiting:
        node_id = waiting.pop()
        if node_id not in found:
            found.add(node_id)
            waiting.extend(children.get(node_id, ()))
    return found


def outermost(home: Mapping[str, str], node_ids: Collection[str]) -> list[str]:
    """Return those of the nodes that do not lie inside another of them, in the given order."""
    chosen = set(node_ids)
    return [node_id for node_id in node_ids if not any(parent in chosen for parent in ancestors(home, node_id))]


def ancestors(home: Mapping[str, str], node_id: str) -> Iterator[str]:
    """Yield the composites a node is drawn in, from the inside out."""
    seen = {node_id}
    while (parent := home.get(node_id)) is not None and parent not in seen:
        seen.add(parent)
        yield parent
        node_id = parent


def shifted(graph: Graph, node_ids: Collection[str], dx: float, dy: float) -> Graph:
    """Return the graph with these nodes, frames and notes, and everything that lies in them, moved."""
    return pushed(graph, inside(holders(graph), node_ids), dx, dy)


def pushed(graph: Graph, ids: Collection[str], dx: float, dy: float) -> Graph:
    """Return the graph with exactly these nodes, frames and notes moved."""
    return edit.move(graph, [(n, box.but(x=box.x + dx, y=box.y + dy)) for n, box in graph.layout.items() if n in ids])


def grown(graph: Graph, composite_id: str | None) -> Graph:
    """Return the graph in which the composite, and each one around it, is large enough for what it holds."""
    home = levels(graph)
    chain = [composite_id, *ancestors(home, composite_id)] if composite_id else []
    for current in chain:
        members = [rect_of(graph, child) for child, parent in home.items() if parent == current]
        box = graph.layout.get(current)
        if not members or box is None:
            continue
        old = rect_of(graph, current)
        left = min(old.x, min(m.x for m in members) - PADDING)
        top = min(old.y, min(m.y for m in members) - HEADER - PADDING)
        right = max(old.x + old.width, max(m.x + m.width for m in members) + PADDING)
        bottom = max(old.y + old.height, max(m.y + m.height for m in members) + PADDING)
        graph = edit.move(graph, [(current, box.but(x=left, y=top, width=right - left, height=bottom - top))])
    return graph


def free_spot(graph: Graph, composite_id: str | None, size: tuple[float, float]) -> tuple[float, float]:
    """Return where something of this size fits: in a composite below its header, or on the empty canvas."""
    home = homes(graph)
    taken = [rect for node_id, rect in _rects(graph).items() if home.get(node_id) == composite_id]
    if composite_id is None:
        start_x, start_y, columns = 0.0, 0.0, 4
    else:
        around = rect_of(graph, composite_id)
        start_x, start_y = around.x + PADDING, around.y + HEADER + PADDING
        columns = max(1, int((around.width - 2 * PADDING + GAP) // (size[0] + GAP)))
    for step in range(len(taken) * 4 + 64):
        row, column = divmod(step, columns)
        spot = Rect(start_x + column * (size[0] + GAP), start_y + row * (size[1] + GAP), *size)
        if not any(spot.overlaps(other.with_margin(GAP / 2)) for other in taken):
            return spot.x, spot.y
    return start_x, max((r.y + r.height for r in taken), default=start_y) + GAP


def enclosing(graph: Graph, composite_id: str, *members: str) -> Graph:
    """Return the graph in which the composite, and those around it, reach around what lies in it."""
    around, rects = rect_of(graph, composite_id), [rect_of(graph, member) for member in members]
    width = max([around.width, *(rect.x + rect.width + PADDING - around.x for rect in rects)])
    height = max([around.height, *(rect.y + rect.height + PADDING - around.y for rect in rects)])
    home = homes(graph)
    parent = home.get(composite_id)
    graph = edit.move(graph, [(composite_id, graph.layout[composite_id].but(width=width, height=height))])
    return enclosing(graph, parent, composite_id) if parent else graph


def covered(rects: Sequence[Rect]) -> Rect:
    """Return the smallest rectangle around some."""
    left, top = min(r.x for r in rects), min(r.y for r in rects)
    right, bottom = max(r.x + r.width for r in rects), max(r.y + r.height for r in rects)
    return Rect(left, top, right - left, bottom - top)
