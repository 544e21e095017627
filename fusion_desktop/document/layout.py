"""Arrange a graph: what lies inside composites in rows, what is wired from left to right in layers."""

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence

from composite_runtime.graph import edit
from composite_runtime.graph.model import Box, CompositeNode, Frame, Graph
from fusion_desktop.document import places
from fusion_desktop.document.places import GAP, HEADER, PADDING, Rect

LAYER_GAP = 100.0
SWEEPS = 8

Size = tuple[float, float]


def tidied(graph: Graph, chosen: Collection[str] | None = None, within: str | None = None) -> Graph:
    """Return the graph in which the chosen things are arranged, or all in a composite, or all there is.

    What is chosen in several composites or frames is arranged in each of them; they grow if need be.
    """
    held, levels = places.holders(graph), places.levels(graph)
    if chosen is None and within is None:
        return edit.move(graph, arranged(graph))
    wanted = set(chosen) if chosen is not None else {one for one, holder in held.items() if holder == within}
    beside: dict[str | None, list[str]] = {}
    for one in places.outermost(held, [one.id for one in (*graph.nodes, *graph.annotations) if one.id in wanted]):
        beside.setdefault(held.get(one), []).append(one)
    for holder, group in beside.items():
        graph = edit.move(graph, arranged(graph, group))
        if holder is not None:
            graph = places.enclosing(graph, holder, *group)
            if (around := levels.get(holder)) is not None:
                graph = places.enclosing(graph, around, holder)
    return graph


def arranged(graph: Graph, chosen: Collection[str] | None = None) -> list[tuple[str, Box]]:
    """Return new places for the chosen things, or for all, with everything inside them.

    Nothing overlaps, members stay in their composites and framed things in their frames, wires point to the right,
    and a second run moves nothing. What is locked stays, and so does all beside it in the same composite or frame.
    """
    held = places.holders(graph)
    ids = [one.id for one in (*graph.nodes, *graph.annotations)]
    if chosen is None:
        tops = [one for one in ids if one not in held]
    else:
        wanted = set(chosen)
        tops = places.outermost(held, [one for one in ids if one in wanted])
    locked = {one for one in tops if places.is_locked(graph, one)}
    tops = [one for one in tops if one not in locked]
    if not tops:
        return []
    plan = _Plan(graph, held)
    sizes = [plan.measure(top) for top in tops]
    rects = [places.shown_rect(graph, top) for top in tops]
    x, y = min(r.x for r in rects), min(r.y for r in rects)
    columns = plan.layers(tops, held.get(tops[0]))
    extent = plan.extent(columns, held.get(tops[0])) if sizes else (0.0, 0.0)
    stays = [places.shown_rect(graph, one).with_margin(GAP) for one in locked]
    # Below what stays, if it would come to lie on it.
    while below := [rect for rect in stays if Rect(x, y, *extent).overlaps(rect)]:
        y = max(rect.y + rect.height for rect in below)
    plan.place(columns, x, y, held.get(tops[0]))
    return list(plan.boxes.items())


def completed(graph: Graph) -> Graph:
    """Return the graph in which every node has a place: arranged, in its first composite, where there is room."""
    missing = {node.id: None for node in graph.nodes if node.id not in graph.layout}
    if not missing:
        return graph
    first = _first_composites(graph, missing)
    held = {**places.holders(graph), **first}
    plan = _Plan(graph, held, missing)
    tops: dict[str | None, list[str]] = {}
    for node_id in missing:
        if first.get(node_id) not in missing:
            tops.setdefault(first.get(node_id), []).append(node_id)
    for parent, nodes in tops.items():
        for node_id in nodes:
            plan.measure(node_id)
        columns = plan.layers(nodes, parent)
        extent = plan.extent(columns, parent)
        plan.place(columns, *places.free_spot(graph, parent, extent), parent)
        graph = edit.move(graph, plan.boxes.items())
        if parent is not None:
            for last in (_last(graph, nodes, across=True), _last(graph, nodes, across=False)):
                graph = places.enclosing(graph, parent, last)
    return graph


def _first_composites(graph: Graph, nodes: Collection[str]) -> dict[str, str]:
    """Return the composite each of these nodes is to lie in; one that would close a circle lies in none."""
    found: dict[str, str] = {}
    for node_id in nodes:
        edges = graph.memberships(node_id)
        target = edges[0].target if edges else None
        if target is None or target == node_id or not isinstance(graph.node(target), CompositeNode):
            continue
        if node_id not in places.ancestors(found, target):
            found[node_id] = target
    return found


def _last(graph: Graph, nodes: Sequence[str], *, across: bool) -> str:
    def end(node_id: str) -> float:
        rect = places.rect_of(graph, node_id)
        return rect.x + rect.width if across else rect.y + rect.height

    return max(nodes, key=end)


class _Plan:
    """Measures from the inside out, then places from the outside in. `only` are the ones that may be placed."""

    def __init__(self, graph: Graph, held: Mapping[str, str], only: Collection[str] | None = None) -> None:
        self._graph = graph
        self._held = held
        self._holds: dict[str, list[str]] = {}
        for one in (*graph.nodes, *graph.annotations):
            if one.id in held and (only is None or one.id in only):
                self._holds.setdefault(held[one.id], []).append(one.id)
        self._containers = {one.id for one in graph.nodes if isinstance(one, CompositeNode)}
        self._containers |= {one.id for one in graph.annotations if isinstance(one, Frame)}
        self._sizes: dict[str, Size] = {}
        self._columns: dict[str, list[list[str]]] = {}
        self._wires = sibling_wires(graph, held)
        self.boxes: dict[str, Box] = {}

    def measure(self, node_id: str) -> Size:
        """Return how much room a node, a frame or a note needs."""
        if node_id not in self._containers or self._is_stiff(node_id):
            rect = places.shown_rect(self._graph, node_id)
            self._sizes[node_id] = (rect.width, rect.height)
            return self._sizes[node_id]
        members = self._holds.get(node_id, [])
        for member in members:
            self.measure(member)
        columns = self.layers(members, node_id)
        self._columns[node_id] = columns
        width, height = self.extent(columns, node_id)
        self._sizes[node_id] = (
            max(places.COMPOSITE_WIDTH, width + 2 * PADDING),
            max(places.COMPOSITE_HEIGHT, height + HEADER + 2 * PADDING),
        )
        return self._sizes[node_id]

    def _is_stiff(self, node_id: str) -> bool:
        """Tell whether a container is moved as it is, because it is collapsed or something in it is locked."""
        box = self._graph.layout.get(node_id)
        return (box is not None and box.collapsed) or any(
            places.is_locked(self._graph, one) for one in self._holds.get(node_id, ())
        )

    def place(self, columns: list[list[str]], x: float, y: float, parent: str | None) -> None:
        """Place what lies side by side in a container from a corner on."""
        gap = self._gap(columns, parent)
        for column in columns:
            top = y
            for node_id in column:
                self._place_node(node_id, x, top)
                top += self._sizes[node_id][1] + GAP
            x += max(self._sizes[n][0] for n in column) + gap

    def _place_node(self, node_id: str, x: float, y: float) -> None:
        old = self._graph.layout.get(node_id, places.DEFAULT_BOX)
        width, height = self._sizes[node_id]
        if node_id in self._columns:
            self.boxes[node_id] = old.but(x=x, y=y, width=width, height=height)
            self.place(self._columns[node_id], x + PADDING, y + HEADER + PADDING, node_id)
            return
        self.boxes[node_id] = old.but(x=x, y=y)
        if node_id in self._containers:
            for one in places.inside(self._held, [node_id]) - {node_id}:
                box = self._graph.layout.get(one, places.DEFAULT_BOX)
                self.boxes[one] = box.but(x=box.x + x - old.x, y=box.y + y - old.y)

    def _gap(self, columns: list[list[str]], parent: str | None) -> float:
        members = {n for column in columns for n in column}
        return LAYER_GAP if self._between(members, parent) else GAP

    def _between(self, members: Collection[str], parent: str | None) -> list[tuple[str, str]]:
        """Return the wires among some nodes that lie in the same composite."""
        return sorted({(a, b) for a, b in self._wires.get(parent, ()) if a in members and b in members})

    def extent(self, columns: list[list[str]], parent: str | None) -> Size:
        """Return how much room columns need."""
        if not columns:
            return 0.0, 0.0
        gap = self._gap(columns, parent)
        width = sum(max(self._sizes[n][0] for n in column) for column in columns) + gap * (len(columns) - 1)
        height = max(sum(self._sizes[n][1] for n in column) + GAP * (len(column) - 1) for column in columns)
        return width, height

    def layers(self, nodes: list[str], parent: str | None) -> list[list[str]]:
        """Return the nodes in columns: by wires where there are any, else in a compact block."""
        wires = self._between(set(nodes), parent)
        if not wires:
            return _block(nodes)
        layer = _longest_paths(nodes, wires)
        columns: list[list[str]] = [[] for _ in range(max(layer.values()) + 1)]
        for node_id in nodes:
            columns[layer[node_id]].append(node_id)
        return _uncrossed(columns, wires)


def sibling_wires(graph: Graph, home: Mapping[str, str]) -> dict[str | None, list[tuple[str, str]]]:
    """Return the wires by the composite in which they run; one to something inside a sibling counts as one to it."""
    found: dict[str | None, list[tuple[str, str]]] = {}
    for edge in graph.edges:
        if home.get(edge.source) == edge.target:
            continue
        # From each end outwards: who holds it, and what of that holder's members it lies in.
        start = dict(_holders(home, edge.source))
        for holder, member in _holders(home, edge.target):
            if holder in start:
                if start[holder] != member:
                    found.setdefault(holder, []).append((start[holder], member))
                break
    return found


def _holders(home: Mapping[str, str], node_id: str) -> Iterator[tuple[str | None, str]]:
    """Yield each composite around a node, None for the whole graph at last, with the member the node lies in."""
    member = node_id
    for holder in places.ancestors(home, node_id):
        yield holder, member
        member = holder
    yield None, member


def _block(nodes: list[str]) -> list[list[str]]:
    """Return nodes without wires in columns, about twice as wide as high, read row by row."""
    if not nodes:
        return []
    across = max(1, min(len(nodes), round((len(nodes) * 0.8) ** 0.5 + 0.3)))
    return [nodes[start::across] for start in range(across)]


def _longest_paths(nodes: list[str], wires: list[tuple[str, str]]) -> dict[str, int]:
    """Return for each node how many wires lead to it at most; a wire that closes a circle is left out."""
    order = _ordered(nodes, wires)
    rank = {node: place for place, node in enumerate(order)}
    forward: dict[str, list[str]] = {node: [] for node in nodes}
    for source, target in wires:
        if rank[source] < rank[target]:
            forward[source].append(target)
    layer = dict.fromkeys(nodes, 0)
    for node in order:
        for step in forward[node]:
            layer[step] = max(layer[step], layer[node] + 1)
    # Pull sources towards what they lead to, so that wires are short.
    for node in reversed(order):
        if forward[node]:
            layer[node] = max(layer[node], min(layer[step] for step in forward[node]) - 1)
    return layer


def _ordered(nodes: list[str], wires: list[tuple[str, str]]) -> list[str]:
    """Return the nodes so that each comes after what leads to it, as far as circles allow."""
    after: dict[str, list[str]] = {node: [] for node in nodes}
    before = dict.fromkeys(nodes, 0)
    for source, target in wires:
        after[source].append(target)
        before[target] += 1
    left = dict.fromkeys(nodes)
    ready = deque(node for node in nodes if not before[node])
    order = []
    while left:
        node = ready.popleft() if ready else next(iter(left))
        if node not in left:
            continue
        del left[node]
        order.append(node)
        for step in after[node]:
            before[step] -= 1
            if before[step] == 0:
                ready.append(step)
    return order


def _uncrossed(columns: list[list[str]], wires: list[tuple[str, str]]) -> list[list[str]]:
    """Return the columns ordered so that few wires cross: each node goes to the middle of its neighbours."""
    near: dict[str, list[str]] = {}
    for source, target in wires:
        near.setdefault(source, []).append(target)
        near.setdefault(target, []).append(source)
    for _ in range(SWEEPS):
        spot = {node: row / max(1, len(column)) for column in columns for row, node in enumerate(column)}
        for column in columns:
            column.sort(key=lambda node: _mean([spot[other] for other in near.get(node, ())], spot[node]))
            spot.update({node: row / max(1, len(column)) for row, node in enumerate(column)})
    return [column for column in columns if column]


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
