"""The scene mirrors the document: items are made, changed and removed by its signals, and by nothing else."""

from collections.abc import Collection, Iterable, Iterator
from typing import TypeAlias

from PySide6.QtCore import QObject, QPointF, QRectF, QTimer, Signal
from PySide6.QtWidgets import QGraphicsScene

from composite_runtime.graph.model import CompositeNode, ServerNode
from fusion_desktop import theme
from fusion_desktop.canvas.composite_item import CompositeItem
from fusion_desktop.canvas.edge_item import EdgeItem
from fusion_desktop.canvas.node_item import NodeItem
from fusion_desktop.canvas.state import State, worst
from fusion_desktop.document import places
from fusion_desktop.document.document import Document

Ends: TypeAlias = tuple[str, str]
AnyNodeItem: TypeAlias = NodeItem | CompositeItem

EXTENT = 200_000.0
"""Half the side of the scene; fixed, so that Qt never has to compute it anew."""


class CanvasScene(QGraphicsScene):
    """Shows a document, or the inside of one of its composites."""

    selection_changed = Signal()

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setSceneRect(-EXTENT, -EXTENT, 2 * EXTENT, 2 * EXTENT)
        self._document = document
        self._items: dict[str, AnyNodeItem] = {}
        self._edges: dict[Ends, EdgeItem] = {}
        self._edges_of: dict[str, set[Ends]] = {}
        self._stale: set[str] = set()
        self._states: dict[str, tuple[State, str]] = {}
        self._calls: dict[str, str] = {}
        self._root: str | None = None
        self._told = QTimer(self)
        self._told.setSingleShot(True)
        self._told.timeout.connect(self.selection_changed)
        self.selectionChanged.connect(self._tell_selection)
        document.node_added.connect(self._add_node)
        document.node_removed.connect(self._remove_node)
        document.node_changed.connect(self._change_node)
        document.edge_added.connect(self._add_edge)
        document.edge_removed.connect(self._remove_edge)
        document.box_changed.connect(self._place)
        document.edited.connect(self._arrange)
        theme.signals.changed.connect(self._restyle)
        for node in document.graph.nodes:
            self._add_node(node.id)
        for edge in document.graph.edges:
            self._add_edge(edge.source, edge.target)
        self._arrange()

    # What is shown

    def item(self, node_id: str) -> AnyNodeItem | None:
        """Return the item of a node."""
        return self._items.get(node_id)

    def edge_item(self, source: str, target: str) -> EdgeItem | None:
        """Return the item of an edge."""
        return self._edges.get((source, target))

    @property
    def node_items(self) -> Collection[AnyNodeItem]:
        """Return the items of all nodes."""
        return self._items.values()

    @property
    def edge_items(self) -> Collection[EdgeItem]:
        """Return the items of all edges; those drawn as containment are hidden."""
        return self._edges.values()

    @property
    def root(self) -> str | None:
        """Return the composite whose inside is shown, or None when all is shown."""
        return self._root

    def show_inside(self, composite_id: str | None) -> None:
        """Show only what lies inside a composite, or everything."""
        self._root = composite_id if composite_id in self._items else None
        self.clearSelection()
        self._arrange()

    def content_rect(self, node_ids: Iterable[str] | None = None) -> QRectF:
        """Return what some nodes, or all that are shown, cover."""
        rect = QRectF()
        chosen = (self._items[n] for n in node_ids if n in self._items) if node_ids is not None else self._shown()
        for item in chosen:
            rect = rect.united(item.body)
        return rect

    def _shown(self) -> Iterator[AnyNodeItem]:
        return (item for item in self._items.values() if item.isVisible())

    # Finding

    def node_at(self, point: QPointF) -> AnyNodeItem | None:
        """Return the topmost node at a point."""
        return next((item for item in self.items(point) if isinstance(item, NodeItem | CompositeItem)), None)

    def edge_at(self, point: QPointF) -> EdgeItem | None:
        """Return the topmost wire at a point, if no card lies over it."""
        for item in self.items(point):
            if isinstance(item, EdgeItem):
                return item
            if isinstance(item, NodeItem):
                return None
        return None

    def composite_at(self, point: QPointF, without: Collection[str] = ()) -> CompositeItem | None:
        """Return the innermost composite at a point that is none of `without`."""
        for item in self.items(point):
            if isinstance(item, CompositeItem) and item.node_id not in without and item.body.contains(point):
                return item
        return None

    # Selection

    def selected_nodes(self) -> list[str]:
        """Return the ids of the selected nodes, in the order of the document."""
        chosen = {item.node_id for item in self.selectedItems() if isinstance(item, NodeItem | CompositeItem)}
        return [node.id for node in self._document.graph.nodes if node.id in chosen] if chosen else []

    def selected_edges(self) -> list[Ends]:
        """Return the ends of the selected edges."""
        return [ends for ends, item in self._edges.items() if item.is_chosen]

    def select(self, node_ids: Iterable[str] = (), edges: Iterable[Ends] = ()) -> None:
        """Select exactly these."""
        nodes, ends = set(node_ids), set(edges)
        for node_id, item in self._items.items():
            item.setSelected(node_id in nodes)
        for key, edge in self._edges.items():
            if edge.is_chosen is not (key in ends):
                edge.choose(key in ends)
        self._tell_selection()

    def _tell_selection(self) -> None:
        self._told.start(0)

    # Previews of gestures, which end in an edit

    def preview_move(self, node_ids: Collection[str], dx: float, dy: float) -> None:
        """Show nodes, and all that lies in them, moved, until the document says where they are."""
        for node_id in places.inside(self._document.homes, node_ids):
            if (item := self._items.get(node_id)) is not None:
                box = self._document.box(node_id)
                item.setPos(box.x + dx, box.y + dy)
                self._stale.add(node_id)
        self._draw_wires()

    def preview_rect(self, composite_id: str, rect: QRectF) -> None:
        """Show a composite covering `rect`."""
        item = self._items.get(composite_id)
        if isinstance(item, CompositeItem):
            item.setPos(rect.topLeft())
            item.set_size(rect.width(), rect.height())
            self._stale.add(composite_id)
            self._draw_wires()

    def end_preview(self, node_ids: Collection[str]) -> None:
        """Show nodes, and all that lies in them, where the document has them."""
        for node_id in places.inside(self._document.homes, node_ids):
            if node_id in self._items:
                self._place(node_id)
        self._draw_wires()

    # States

    def show_state(self, node_id: str, state: State | None, detail: str = "") -> None:
        """Show what a child is doing; None when nothing runs. Composites show the worst of what they hold."""
        if state is None:
            self._states.pop(node_id, None)
        else:
            self._states[node_id] = (state, detail)
        if (item := self._items.get(node_id)) is not None:
            item.show_state(state, detail)
        for composite in self._offering(node_id):
            self._sum_up(composite)

    def show_calls(self, composite_id: str, words: str) -> None:
        """Show beside a composite's state how it is called."""
        self._calls[composite_id] = words
        self._sum_up(composite_id)

    def show_busy(self, node_id: str, busy: bool) -> None:
        """Mark the wires by which a node is reached, or no longer."""
        for ends in self._edges_of.get(node_id, ()):
            if ends[0] == node_id and (wire := self._edges.get(ends)) is not None:
                wire.show_busy(busy)

    def is_composite(self, node_id: str) -> bool:
        """Tell whether a node is drawn as a composite."""
        return isinstance(self._items.get(node_id), CompositeItem)

    def clear_states(self) -> None:
        """Show no states, since nothing runs."""
        self._states.clear()
        self._calls.clear()
        for wire in self._edges.values():
            wire.show_busy(False)
        for item in self._items.values():
            item.show_state(None, "")

    def state_of(self, node_id: str) -> State | None:
        """Return the state a node shows."""
        item = self._items.get(node_id)
        return item.shown_state if item is not None else None

    def _offering(self, node_id: str) -> set[str]:
        """Return every composite that offers a node, at any depth."""
        found: set[str] = set()
        waiting = [node_id]
        while waiting:
            for source, target in self._edges_of.get(waiting.pop(), ()):
                if target not in found and (source == node_id or source in found):
                    found.add(target)
                    waiting.append(target)
        return found

    def _sum_up(self, composite_id: str) -> None:
        item = self._items.get(composite_id)
        if isinstance(item, CompositeItem):
            states = [state for node_id, (state, _) in self._states.items() if composite_id in self._offering(node_id)]
            ready = sum(state in {State.READY, State.BUSY} for state in states)
            words = (f"{ready} of {len(states)} ready" if states else "", self._calls.get(composite_id, ""))
            item.show_state(worst(set(states)), " · ".join(word for word in words if word))

    # Following the document

    def _add_node(self, node_id: str) -> None:
        node = self._document.node(node_id)
        assert node is not None
        item = CompositeItem(node) if isinstance(node, CompositeNode) else NodeItem(node)
        self._items[node_id] = item
        self.addItem(item)
        self._place(node_id)
        if node_id in self._states:
            item.show_state(*self._states[node_id])

    def _remove_node(self, node_id: str) -> None:
        self.removeItem(self._items.pop(node_id))
        self._stale.discard(node_id)
        if self._root == node_id:
            self._root = None

    def _change_node(self, node_id: str) -> None:
        node, item = self._document.node(node_id), self._items[node_id]
        if isinstance(item, NodeItem):
            assert isinstance(node, ServerNode)
            item.show_node(node)
        else:
            assert isinstance(node, CompositeNode)
            item.show_node(node)

    def _add_edge(self, source: str, target: str) -> None:
        item = EdgeItem(source, target)
        self._edges[source, target] = item
        for end in (source, target):
            self._edges_of.setdefault(end, set()).add((source, target))
        self.addItem(item)
        self._stale.add(source)

    def _remove_edge(self, source: str, target: str) -> None:
        self.removeItem(self._edges.pop((source, target)))
        for end in (source, target):
            self._edges_of[end].discard((source, target))

    def _place(self, node_id: str) -> None:
        item, box = self._items[node_id], self._document.box(node_id)
        if isinstance(item, CompositeItem):
            item.set_size(box.width or places.COMPOSITE_WIDTH, box.height or places.COMPOSITE_HEIGHT)
        item.setPos(box.x, box.y)
        self._stale.add(node_id)

    def _arrange(self) -> None:
        """Bring what follows from the whole graph up to date: counts, depths, what is a wire, what is shown."""
        homes = self._document.homes
        members: dict[str, int] = {}
        offered = set()
        for source, target in self._edges:
            members[target] = members.get(target, 0) + 1
            offered.add(source)
        shown = None
        if self._root is not None:
            shown = places.inside(homes, [self._root])
            shown |= {source for source, target in self._edges if target in shown}
        for node_id, item in self._items.items():
            item.setVisible(shown is None or node_id in shown)
            if isinstance(item, CompositeItem):
                depth = sum(1 for _ in places.ancestors(homes, node_id))
                item.show_place(members=members.get(node_id, 0), depth=depth, is_served=node_id not in offered)
        for (source, target), edge in self._edges.items():
            ends_exist = source in self._items and target in self._items
            visible = shown is None or (source in shown and target in shown)
            edge.setVisible(ends_exist and visible and homes.get(source) != target)
        self._draw_wires()

    def _draw_wires(self) -> None:
        for ends in {ends for node_id in self._stale for ends in self._edges_of.get(node_id, ())}:
            source, target = self._items.get(ends[0]), self._items.get(ends[1])
            if source is not None and isinstance(target, CompositeItem):
                self._edges[ends].connect_points(source.output, target.input)
        self._stale.clear()

    def _restyle(self) -> None:
        for item in (*self._items.values(), *self._edges.values()):
            item.restyle()
        self.update()
