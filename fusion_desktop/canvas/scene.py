"""The scene mirrors the document: items are made, changed and removed by its signals, and by nothing else."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from PySide6.QtCore import QObject, QPointF, QRectF, QTimer, Signal
from PySide6.QtWidgets import QGraphicsScene

from composite_runtime.graph.model import CompositeNode, Frame, Note, ServerNode
from fusion_desktop import theme
from fusion_desktop.canvas.annotation_item import AnnotationItem, FrameItem, NoteItem
from fusion_desktop.canvas.composite_item import CompositeItem
from fusion_desktop.canvas.edge_item import EdgeItem
from fusion_desktop.canvas.node_item import NodeItem
from fusion_desktop.canvas.state import UP, State, together
from fusion_desktop.document import changes, marks, places
from fusion_desktop.document.document import Document

Ends: TypeAlias = tuple[str, str]
AnyNodeItem: TypeAlias = NodeItem | CompositeItem
AnyItem: TypeAlias = NodeItem | CompositeItem | AnnotationItem

EXTENT = 200_000.0
"""Half the side of the scene; fixed, so that Qt never has to compute it anew."""


class CanvasScene(QGraphicsScene):
    """Shows a document, or the inside of one of its composites."""

    selection_changed = Signal()
    arranged = Signal()
    """What is shown has changed, or where it lies."""

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setSceneRect(-EXTENT, -EXTENT, 2 * EXTENT, 2 * EXTENT)
        self._document = document
        self._items: dict[str, AnyNodeItem] = {}
        self._annotations: dict[str, AnnotationItem] = {}
        self._edges: dict[Ends, EdgeItem] = {}
        self._edges_of: dict[str, set[Ends]] = {}
        self._stale: set[str] = set()
        self._cards: dict[str, str] = {}
        self._states: dict[str, tuple[State, str]] = {}
        self._calls: dict[str, str] = {}
        self._root: str | None = None
        self._unsummed: set[str] = set()
        self._summing = QTimer(self)
        self._summing.setSingleShot(True)
        self._summing.timeout.connect(self.sum_up)
        self._told = QTimer(self)
        self._told.setSingleShot(True)
        self._told.timeout.connect(self.selection_changed)
        self.selectionChanged.connect(self._tell_selection)
        document.node_added.connect(self._add_node)
        document.node_removed.connect(self._remove_node)
        document.node_changed.connect(self._change_node)
        document.annotation_added.connect(self._add_annotation)
        document.annotation_removed.connect(self._remove_annotation)
        document.annotation_changed.connect(self._change_annotation)
        document.edge_added.connect(self._add_edge)
        document.edge_removed.connect(self._remove_edge)
        document.box_changed.connect(self._place)
        document.edited.connect(self._arrange)
        theme.signals.changed.connect(self._restyle)
        for node in document.graph.nodes:
            self._add_node(node.id)
        for annotation in document.graph.annotations:
            self._add_annotation(annotation.id)
        for edge in document.graph.edges:
            self._add_edge(edge.source, edge.target)
        self._arrange()

    # What is shown

    def item(self, node_id: str) -> AnyNodeItem | None:
        """Return the item of a node."""
        return self._items.get(node_id)

    def thing(self, one: str) -> AnyItem | None:
        """Return the item of a node, a frame or a note."""
        return self._items.get(one) or self._annotations.get(one)

    def card_of(self, node_id: str) -> str:
        """Return the collapsed composite that stands for a node here, or the node itself."""
        return self._cards.get(node_id, node_id)

    def edge_item(self, source: str, target: str) -> EdgeItem | None:
        """Return the item of an edge."""
        return self._edges.get((source, target))

    @property
    def node_items(self) -> Collection[AnyNodeItem]:
        """Return the items of all nodes."""
        return self._items.values()

    @property
    def annotation_items(self) -> Collection[AnnotationItem]:
        """Return the items of all frames and notes."""
        return self._annotations.values()

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
        left, self._root = self._root, composite_id if composite_id in self._items else None
        for composite in (left, self._root):
            if composite in self._items:
                self._place(composite)  # a collapsed one is drawn in full while one looks at its inside
        self.select()
        self._arrange()

    def content_rect(self, node_ids: Iterable[str] | None = None) -> QRectF:
        """Return what some things, or all that are shown, cover."""
        rect = QRectF()
        chosen = (item for n in node_ids if (item := self.thing(n))) if node_ids is not None else self.shown()
        for item in chosen:
            rect = rect.united(item.body)
        return rect

    def shown(self) -> Iterator[AnyItem]:
        """Return the items of all that can be seen here."""
        everything: tuple[Collection[AnyItem], ...] = (self._items.values(), self._annotations.values())
        return (item for items in everything for item in items if item.isVisible())

    # Finding

    def node_at(self, point: QPointF) -> AnyNodeItem | None:
        """Return the topmost node at a point."""
        return next((item for item in self.items(point) if isinstance(item, NodeItem | CompositeItem)), None)

    def thing_at(self, point: QPointF) -> AnyItem | None:
        """Return the topmost node, frame or note at a point."""
        kinds = NodeItem | CompositeItem | AnnotationItem
        return next((item for item in self.items(point) if isinstance(item, kinds)), None)

    def edge_at(self, point: QPointF) -> EdgeItem | None:
        """Return the topmost wire at a point, if no card lies over it."""
        for item in self.items(point):
            if isinstance(item, EdgeItem):
                return item
            if isinstance(item, NodeItem | NoteItem) or (isinstance(item, CompositeItem) and item.is_collapsed):
                return None
        return None

    def wires_near(self, point: QPointF) -> Iterator[EdgeItem]:
        """Return the wires at a point that something could be put into."""
        reach = QRectF(point.x() - 4, point.y() - 4, 8, 8)
        return (item for item in self.items(reach) if isinstance(item, EdgeItem) and not item.is_stand_in)

    def wire_for(self, composite_id: str | None, point: QPointF) -> EdgeItem | None:
        """Return the wire at a point between whose ends a composite could go; None stands for a new one."""
        graph = self._document.graph
        fits = (
            wire
            for wire in self.wires_near(point)
            if composite_id is None or changes.fits_between(graph, composite_id, *wire.ends)
        )
        return next(fits, None)

    def composite_at(self, point: QPointF, without: Collection[str] = ()) -> CompositeItem | None:
        """Return the innermost composite at a point that is none of `without`."""
        for item in self.items(point):
            if isinstance(item, CompositeItem) and item.node_id not in without and item.body.contains(point):
                return item
        return None

    def level_at(self, point: QPointF, without: Collection[str] = ()) -> str | None:
        """Return the composite that something at a point lies in: beside all others, the one whose inside is shown."""
        item = self.level_item(point, without)
        return item.node_id if item is not None else None

    def level_item(self, point: QPointF, without: Collection[str] = ()) -> CompositeItem | None:
        """Return what shows the composite that something at a point lies in."""
        around = self._items.get(self._root) if self._root is not None and self._root not in without else None
        return self.composite_at(point, without) or (around if isinstance(around, CompositeItem) else None)

    # Selection

    def selected_nodes(self) -> list[str]:
        """Return the ids of the selected nodes, in the order of the document."""
        chosen = {item.node_id for item in self.selectedItems() if isinstance(item, NodeItem | CompositeItem)}
        return [node.id for node in self._document.graph.nodes if node.id in chosen] if chosen else []

    def selected(self) -> list[str]:
        """Return the ids of all that is selected but wires: nodes, then frames and notes, in their order."""
        chosen = {item.node_id for item in self.selectedItems() if isinstance(item, AnnotationItem)}
        return [*self.selected_nodes(), *(a.id for a in self._document.graph.annotations if a.id in chosen)]

    def selected_edges(self) -> list[Ends]:
        """Return the ends of the selected edges."""
        return [ends for ends, item in self._edges.items() if item.is_chosen]

    def select(self, node_ids: Iterable[str] = (), edges: Iterable[Ends] = ()) -> None:
        """Select exactly these nodes, frames, notes and wires."""
        nodes, ends = set(node_ids), set(edges)
        for node_id, item in (*self._items.items(), *self._annotations.items()):
            if item.isSelected() is not (node_id in nodes):
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
        for node_id in places.inside(self._document.holders, node_ids):
            if (item := self.thing(node_id)) is not None:
                box = self._document.box(node_id)
                item.setPos(box.x + dx, box.y + dy)
                self._stale.add(node_id)
        self._draw_wires()

    def preview_rect(self, composite_id: str, rect: QRectF) -> None:
        """Show a composite, a frame or a note covering `rect`."""
        item = self.thing(composite_id)
        if isinstance(item, CompositeItem | AnnotationItem):
            item.setPos(rect.topLeft())
            item.set_size(rect.width(), rect.height())
            self._stale.add(composite_id)
            self._draw_wires()

    def end_preview(self, node_ids: Collection[str]) -> None:
        """Show nodes, and all that lies in them, where the document has them."""
        for node_id in places.inside(self._document.holders, node_ids):
            if self.thing(node_id) is not None:
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
        self._sum_up_later(self._offering(node_id))

    def show_calls(self, composite_id: str, words: str) -> None:
        """Show beside a composite's state how it is called."""
        self._calls[composite_id] = words
        self._sum_up_later([composite_id])

    def show_wire(self, source: str, target: str, *, busy: bool, words: str) -> None:
        """Show whether calls go along a wire, and say how many have and how long they took."""
        if (wire := self._edges.get((source, target))) is not None:
            wire.show_calls(busy, words)

    def show_mark(self, node_id: str, words: str) -> None:
        """Mark a server somebody should look at, or no longer."""
        if isinstance(item := self._items.get(node_id), NodeItem):
            item.show_mark(words)

    def is_composite(self, node_id: str) -> bool:
        """Tell whether a node is drawn as a composite."""
        return isinstance(self._items.get(node_id), CompositeItem)

    def clear_states(self) -> None:
        """Show no states, since nothing runs."""
        self._states.clear()
        self._calls.clear()
        self._unsummed.clear()
        for wire in self._edges.values():
            wire.show_calls(False, "")
        for item in self._items.values():
            item.show_state(None, "")

    def state_of(self, node_id: str) -> State | None:
        """Return the state a node shows."""
        self.sum_up()
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

    def _sum_up_later(self, composites: Iterable[str]) -> None:
        # When a large graph starts, thousands of children tell their state at once.
        self._unsummed.update(composites)
        if self._unsummed and not self._summing.isActive():
            self._summing.start(0)

    def sum_up(self) -> None:
        """Show at each composite whose members changed what they are doing; it happens by itself before long."""
        stale, self._unsummed = self._unsummed, set()
        if not stale:
            return
        found: dict[str, list[State]] = {composite: [] for composite in stale}
        for node_id, (state, _) in self._states.items():
            for composite in self._offering(node_id) & stale:
                found[composite].append(state)
        for composite, states in found.items():
            item = self._items.get(composite)
            if isinstance(item, CompositeItem):
                ready = sum(state in UP for state in states)
                words = (f"{ready} of {len(states)} ready" if states else "", self._calls.get(composite, ""))
                item.show_state(together(set(states)), " · ".join(word for word in words if word))

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

    def _add_annotation(self, annotation_id: str) -> None:
        annotation = self._document.annotation(annotation_id)
        assert annotation is not None
        item = FrameItem(annotation) if isinstance(annotation, Frame) else NoteItem(annotation)
        self._annotations[annotation_id] = item
        self.addItem(item)
        self._place(annotation_id)

    def _remove_annotation(self, annotation_id: str) -> None:
        self.removeItem(self._annotations.pop(annotation_id))

    def _change_annotation(self, annotation_id: str) -> None:
        match self._annotations[annotation_id], self._document.annotation(annotation_id):
            case (FrameItem() as item, Frame() as frame):
                item.show_annotation(frame)
            case (NoteItem() as item, Note() as note):
                item.show_annotation(note)

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
        item, box = self.thing(node_id), self._document.box(node_id)
        if isinstance(item, CompositeItem):
            width, height = box.width or places.COMPOSITE_WIDTH, box.height or places.COMPOSITE_HEIGHT
            item.set_size(width, height, collapsed=box.collapsed and node_id != self._root)
        elif isinstance(item, AnnotationItem) and (annotation := self._document.annotation(node_id)) is not None:
            rect = places.annotation_rect(self._document.graph, annotation)
            item.set_size(rect.width, rect.height)
        if item is not None:
            item.setPos(box.x, box.y)
            item.show_locked(box.locked)
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
            shown = places.inside(self._document.holders, [self._root])
            shown |= {source for source, target in self._edges if target in shown}
        self._collapse(homes)
        for node_id, item in self._items.items():
            item.setVisible((shown is None or node_id in shown) and node_id not in self._cards)
            if isinstance(item, CompositeItem):
                depth = sum(1 for _ in places.ancestors(homes, node_id))
                item.show_place(members=members.get(node_id, 0), depth=depth, is_served=node_id not in offered)
        self._arrange_annotations(shown)
        cards = self._cards
        bundles: dict[Ends, list[Ends]] = {}
        for (source, target), edge in self._edges.items():
            ends_exist = source in self._items and target in self._items
            visible = ends_exist and (shown is None or (source in shown and target in shown))
            if cards and (source in cards or target in cards):
                start, end = self.card_of(source), self.card_of(target)
                edge.setVisible(visible and start != end and homes.get(start) != end)
                if edge.isVisible():
                    bundles.setdefault((start, end), []).append(edge.ends)
            else:
                edge.setVisible(visible and homes.get(source) != target)
                edge.stand_for("")
        self._name_bundles(bundles)
        self._draw_wires()
        self._let_go()
        self.arranged.emit()

    def _let_go(self) -> None:
        """Select no wire that is hidden: nobody would expect a command to reach it. Qt does the same for nodes."""
        hidden = [edge for edge in self._edges.values() if edge.is_chosen and not edge.isVisible()]
        for edge in hidden:
            edge.choose(False)
        if hidden:
            self._tell_selection()

    def _name_bundles(self, bundles: Mapping[Ends, Sequence[Ends]]) -> None:
        """Let each wire that stands for others say all that lie where it does."""
        graph = self._document.graph
        for bundle in bundles.values():
            lines = [f"{marks.called(graph, a)} is a member of {marks.called(graph, b)}" for a, b in bundle]
            for ends in bundle:
                self._edges[ends].stand_for("\n".join(lines))

    def bundle(self, edge: EdgeItem) -> set[Ends]:
        """Return all wires that lie where this one does, because collapsed composites stand for their ends."""
        if not edge.is_stand_in:
            return {edge.ends}
        start, end = (self.card_of(one) for one in edge.ends)
        return {
            other.ends
            for other in self._edges.values()
            if other.is_stand_in and (self.card_of(other.ends[0]), self.card_of(other.ends[1])) == (start, end)
        }

    def _collapse(self, homes: Mapping[str, str]) -> None:
        """Find which collapsed composite stands for each node that lies in one; those left below `root` count."""
        old, self._cards = self._cards, {}
        collapsed = {n for n, i in self._items.items() if isinstance(i, CompositeItem) and i.is_collapsed}
        if self._root is not None:
            collapsed -= set(places.ancestors(homes, self._root))
        if collapsed:
            for node_id in homes:
                outer = [n for n in places.ancestors(homes, node_id) if n in collapsed]
                if outer:
                    self._cards[node_id] = outer[-1]
        self._stale |= {n for n in old.keys() | self._cards.keys() if old.get(n) != self._cards.get(n)}

    def _arrange_annotations(self, shown: Collection[str] | None) -> None:
        """Show frames and notes where they belong: frames behind nodes, inner ones in front of outer ones."""
        if not self._annotations:
            return
        holders = self._document.holders
        for one, item in self._annotations.items():
            around = list(places.ancestors(holders, one))
            hidden = any(isinstance(i := self._items.get(n), CompositeItem) and i.is_collapsed for n in around)
            item.setVisible((shown is None or one in shown) and not hidden)
            if isinstance(item, FrameItem):
                frames = sum(n in self._annotations for n in around)
                item.setZValue(len(around) - frames - 0.5 + 0.01 * frames)

    def _draw_wires(self) -> None:
        for ends in {ends for node_id in self._stale for ends in self._edges_of.get(node_id, ())}:
            source, target = self._items.get(self.card_of(ends[0])), self._items.get(self.card_of(ends[1]))
            if source is not None and isinstance(target, CompositeItem):
                self._edges[ends].connect_points(source.output, target.input)
        self._stale.clear()

    def _restyle(self) -> None:
        for item in (*self._items.values(), *self._annotations.values(), *self._edges.values()):
            item.restyle()
        self.update()
