"""Arrange a graph: what lies inside composites in rows, what is wired from left to right in layers."""

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence

from composite_runtime.graph.model import Box, CompositeNode, Graph
from fusion_desktop.document import places
from fusion_desktop.document.places import GAP, HEADER, PADDING

LAYER_GAP = 100.0
SWEEPS = 8

Size = tuple[float, float]


def arranged(graph: Graph, chosen: Collection[str] | None = None) -> list[tuple[str, Box]]:
    """Return new places for the chosen nodes, or for all, with everything inside them.

    Nothing overlaps, members stay in their composites, wires point to the right, and a second run moves nothing.
    """
    home = places.homes(graph)
    tops = [node.id for node in graph.nodes if node.id not in home]
    if chosen is not None:
        tops = places.outermost(home, [node.id for node in graph.nodes if node.id in set(chosen)])
    children: dict[str, list[str]] = {}
    for node in graph.nodes:
        if node.id in home:
            children.setdefault(home[node.id], []).append(node.id)
    plan = _Plan(graph, home, children)
    for top in tops:
        plan.measure(top)
    rects = [places.rect_of(graph, top) for top in tops]
    if not rects:
        return []
    plan.place(tops, min(r.x for r in rects), min(r.y for r in rects))
    return list(plan.boxes.items())


class _Plan:
    """Measures from the inside out, then places from the outside in."""

    def __init__(self, graph: Graph, home: Mapping[str, str], children: Mapping[str, list[str]]) -> None:
        self._graph = graph
        self._children = children
        self._is_composite = {node.id: isinstance(node, CompositeNode) for node in graph.nodes}
        self._sizes: dict[str, Size] = {}
        self._columns: dict[str, list[list[str]]] = {}
        self._wires = sibling_wires(graph, home)
        self._home = home
        self.boxes: dict[str, Box] = {}

    def measure(self, node_id: str) -> Size:
        """Return how much room a node needs."""
        if not self._is_composite[node_id]:
            self._sizes[node_id] = (places.NODE_WIDTH, places.NODE_HEIGHT)
            return self._sizes[node_id]
        members = self._children.get(node_id, [])
        for member in members:
            self.measure(member)
        columns = self._layers(members, node_id)
        self._columns[node_id] = columns
        width, height = self._extent(columns, node_id)
        self._sizes[node_id] = (
            max(places.COMPOSITE_WIDTH, width + 2 * PADDING),
            max(places.COMPOSITE_HEIGHT, height + HEADER + 2 * PADDING),
        )
        return self._sizes[node_id]

    def place(self, tops: list[str], x: float, y: float) -> None:
        """Place nodes side by side from a corner on."""
        self._place_columns(self._layers(tops, self._parent(tops)), x, y, self._parent(tops))

    def _place_columns(self, columns: list[list[str]], x: float, y: float, parent: str | None) -> None:
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
        if self._is_composite[node_id]:
            self.boxes[node_id] = old.but(x=x, y=y, width=width, height=height)
            self._place_columns(self._columns[node_id], x + PADDING, y + HEADER + PADDING, node_id)
        else:
            self.boxes[node_id] = old.but(x=x, y=y)

    def _gap(self, columns: list[list[str]], parent: str | None) -> float:
        members = {n for column in columns for n in column}
        return LAYER_GAP if self._between(members, parent) else GAP

    def _between(self, members: Collection[str], parent: str | None) -> list[tuple[str, str]]:
        """Return the wires among some nodes that lie in the same composite."""
        return sorted({(a, b) for a, b in self._wires.get(parent, ()) if a in members and b in members})

    def _parent(self, tops: Sequence[str]) -> str | None:
        return self._home.get(tops[0]) if tops else None

    def _extent(self, columns: list[list[str]], parent: str | None) -> Size:
        if not columns:
            return 0.0, 0.0
        gap = self._gap(columns, parent)
        width = sum(max(self._sizes[n][0] for n in column) for column in columns) + gap * (len(columns) - 1)
        height = max(sum(self._sizes[n][1] for n in column) + GAP * (len(column) - 1) for column in columns)
        return width, height

    def _layers(self, nodes: list[str], parent: str | None) -> list[list[str]]:
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
