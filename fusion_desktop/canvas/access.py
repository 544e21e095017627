"""What a screen reader is told about the canvas: nodes with their ports, then wires; what each is called and can do.

Graphics items are no widgets, so Qt tells nothing about them by itself.
"""

from functools import cache

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QAccessibleEvent, QAccessibleInterface
from PySide6.QtWidgets import QAccessibleWidget, QLabel, QWidget

from composite_runtime.graph.model import CompositeNode
from fusion_desktop.canvas.access_parts import AnyItem, EdgeAccess, NodeAccess
from fusion_desktop.canvas.annotation_item import AnnotationItem
from fusion_desktop.canvas.edge_item import EdgeItem
from fusion_desktop.canvas.scene import CanvasScene
from fusion_desktop.canvas.view import CanvasView
from fusion_desktop.document import marks
from fusion_desktop.document.document import Document


class Access(QObject):
    """Answers for one canvas, and announces what happens on it."""

    delete_wanted = Signal()
    """What is selected shall be deleted."""
    connect_wanted = Signal()
    """The user shall choose what the selected node is connected with."""
    fix_wanted = Signal(str)
    """Somebody wants to know why a server does not come up, and what helps."""

    def __init__(self, document: Document, scene: CanvasScene, view: CanvasView) -> None:
        super().__init__(view)
        self.document = document
        self.scene = scene
        self.view = view
        # Qt keeps no references to what it was given; without these the interfaces would vanish while in use.
        self._canvas: QAccessibleInterface | None = None
        self._nodes: dict[str, NodeAccess] = {}
        self._edges: dict[tuple[str, str], EdgeAccess] = {}
        self._parts: list[AnyItem | EdgeItem] | None = None
        self._steps = document.undo_stack.index()
        _install()
        scene.selection_changed.connect(self._announce_selection)
        scene.arranged.connect(self._forget)
        document.edited.connect(self._announce_step)

    @property
    def canvas(self) -> QAccessibleInterface:
        """Return what stands for the whole canvas."""
        if self._canvas is None:
            self._canvas = CanvasAccess(self)
        return self._canvas

    def shown(self) -> list[AnyItem]:
        """Return the items of this level, in reading order."""
        return sorted(self.scene.shown(), key=lambda item: (item.body.top(), item.body.left()))

    def wires(self) -> list[EdgeItem]:
        """Return the wires of this level, in the order of the graph."""
        found = (self.scene.edge_item(edge.source, edge.target) for edge in self.document.graph.edges)
        return [item for item in found if item is not None and item.isVisible()]

    def parts(self) -> list[AnyItem | EdgeItem]:
        """Return all that is on this level: what is wired first, then the wires."""
        if self._parts is None:
            self._parts = [*self.shown(), *self.wires()]
        return self._parts

    def _forget(self) -> None:
        # A screen reader asks for thousands of children one by one: sorting them for each would take minutes.
        self._parts = None

    def part_at(self, place: QPoint) -> NodeAccess | EdgeAccess | None:
        """Return what stands for the thing at a place of the screen."""
        point = self.view.mapToScene(self.view.viewport().mapFromGlobal(place))
        item = self.scene.edge_at(point) or self.scene.thing_at(point)
        return self.part(item) if item is not None else None

    def part(self, item: AnyItem | EdgeItem) -> NodeAccess | EdgeAccess:
        """Return what stands for something on the canvas."""
        return self.edge(item) if isinstance(item, EdgeItem) else self.node(item)

    def chosen(self) -> AnyItem | EdgeItem | None:
        """Return what is selected, if it is one thing."""
        things, wires = self.scene.selected(), self.scene.selected_edges()
        if len(things) + len(wires) != 1:
            return None
        return self.scene.thing(things[0]) if things else self.scene.edge_item(*wires[0])

    def edge(self, item: EdgeItem) -> EdgeAccess:
        """Return what stands for a wire."""
        known = self._edges.get(item.ends)
        if known is None or known.item is not item:
            known = self._edges[item.ends] = EdgeAccess(self, item)
        return known

    def node(self, item: AnyItem) -> NodeAccess:
        """Return what stands for a node."""
        known = self._nodes.get(item.node_id)
        if known is None or known.item is not item:
            known = self._nodes[item.node_id] = NodeAccess(self, item)
        return known

    def describe(self, item: AnyItem) -> str:
        """Return a node, a frame or a note in words: name, kind, state and memberships."""
        node = self.document.node(item.node_id)
        locked = ["locked"] if item.is_locked else []
        if isinstance(item, AnnotationItem):
            annotation = self.document.annotation(item.node_id)
            if annotation is None:
                return ""
            words = [annotation.text.strip() or "empty"] if annotation.type == "note" else [annotation.title, "frame"]
            held = sum(holder == item.node_id for holder in self.document.holders.values())
            words = ["Note", *words] if annotation.type == "note" else [*words, f"{held} in it"]
            return ", ".join([*words, *locked])
        if node is None:
            return ""
        graph = self.document.graph
        if isinstance(node, CompositeNode):
            count = len(graph.members(node.id))
            words = [node.name, "composite", f"{count} member{'s' if count != 1 else ''}"]
            words += ["bypassed"] if node.bypassed else []
            words += ["collapsed"] if self.document.box(node.id).collapsed else []
        else:
            words = [node.name, "server"]
        if (state := self.scene.state_of(node.id)) is not None:
            words.append(state.look.words.lower())
        if item.detail:
            words.append(item.detail)
        around = [other.name for edge in graph.memberships(node.id) if (other := self.document.node(edge.target))]
        words += [f"in {' and '.join(around)}"] if around else []
        return ", ".join([*words, *locked])

    def describe_wire(self, item: EdgeItem) -> str:
        """Return a wire in words: who is a member of what."""
        source, target = (marks.called(self.document.graph, end) for end in item.ends)
        return f"{source} is a member of {target}"

    def describe_port(self, node_id: str, *, is_input: bool) -> str:
        """Return a port in words: whose it is, and what it is connected with."""
        graph = self.document.graph
        if is_input:
            others = [edge.source for edge in graph.edges if edge.target == node_id]
        else:
            others = [edge.target for edge in graph.edges if edge.source == node_id]
        named = " and ".join(marks.called(graph, other) for other in others)
        return f"{'Input' if is_input else 'Output'} of {marks.called(graph, node_id)}, {named or 'not connected'}"

    def _announce_step(self) -> None:
        """Say what was done or undone: whoever does not see the canvas would not know that it happened."""
        stack = self.document.undo_stack
        index = stack.index()
        before, self._steps = self._steps, index
        words = f"Undone: {stack.redoText()}" if index < before else stack.undoText()
        if QAccessible.isActive() and (stack.canRedo() if index < before else index):
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self.view, words))

    def _announce_selection(self) -> None:
        if not QAccessible.isActive():
            return
        if (item := self.chosen()) is not None:
            event = QAccessibleEvent(self.view, QAccessible.Event.Focus)
            event.setChild(self.parts().index(item) if item.isVisible() else 0)
            QAccessible.updateAccessibility(event)


@cache
def _install() -> None:
    QAccessible.installFactory(_interface_of)


def _interface_of(_key: str, widget: QObject) -> QAccessibleInterface | None:
    access = widget.findChild(Access) if isinstance(widget, CanvasView) else None
    return access.canvas if access is not None else None


class CanvasAccess(QAccessibleWidget):
    """The canvas as a list of its nodes and wires, and of the fields and buttons that lie over it."""

    def __init__(self, access: Access) -> None:
        super().__init__(access.view, QAccessible.Role.List, "Canvas")
        self._access = access

    def childCount(self) -> int:
        return len(self._access.parts()) + len(self._over())

    def child(self, index: int) -> QAccessibleInterface | None:  # type: ignore[override]  # Qt takes None
        parts, over = self._access.parts(), self._over()
        if index >= len(parts):
            above = index - len(parts)
            return QAccessible.queryAccessibleInterface(over[above]) if above < len(over) else None
        return self._access.part(parts[index]) if index >= 0 else None

    def childAt(self, x: int, y: int) -> QAccessibleInterface | None:  # type: ignore[override]  # Qt takes None
        place = QPoint(x, y)
        for widget in self._over():
            if widget.rect().contains(widget.mapFromGlobal(place)):
                return QAccessible.queryAccessibleInterface(widget)
        return self._access.part_at(place) if self.rect().contains(place) else None

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        parts = self._access.parts()
        if isinstance(child, NodeAccess | EdgeAccess):
            return parts.index(child.item) if child.item in parts else -1
        places = (place for place, widget in enumerate(self._over()) if widget is child.object())
        return next((len(parts) + place for place in places), -1)

    def _over(self) -> list[QWidget]:
        """Return the fields and buttons over the canvas; the words at the pointer are for those who see it."""
        view, direct = self._access.view, Qt.FindChildOption.FindDirectChildrenOnly
        found = (w for parent in (view.viewport(), view) for w in parent.findChildren(QWidget, options=direct))
        return [w for w in found if w.isVisible() and w is not view.viewport() and not isinstance(w, QLabel)]

    def focusChild(self) -> QAccessibleInterface | None:  # type: ignore[override]  # Qt takes None
        item = self._access.chosen()
        return self._access.part(item) if item is not None else None
