"""What a screen reader is told about the canvas: each node as an item with a name, a state and a place.

Graphics items are no widgets, so Qt tells nothing about them by itself.
"""

from functools import cache

from PySide6.QtCore import QObject, QRect
from PySide6.QtGui import QAccessible, QAccessibleEvent, QAccessibleInterface
from PySide6.QtWidgets import QAccessibleWidget

from composite_runtime.graph.model import CompositeNode
from fusion_desktop.canvas.annotation_item import AnnotationItem
from fusion_desktop.canvas.composite_item import CompositeItem
from fusion_desktop.canvas.node_item import NodeItem
from fusion_desktop.canvas.scene import CanvasScene
from fusion_desktop.canvas.view import CanvasView
from fusion_desktop.document.document import Document

AnyItem = NodeItem | CompositeItem | AnnotationItem


class Access(QObject):
    """Answers for one canvas, and announces what happens on it."""

    def __init__(self, document: Document, scene: CanvasScene, view: CanvasView) -> None:
        super().__init__(view)
        self.document = document
        self.scene = scene
        self.view = view
        # Qt keeps no references to what it was given; without these the interfaces would vanish while in use.
        self._canvas: QAccessibleInterface | None = None
        self._nodes: dict[str, NodeAccess] = {}
        _install()
        scene.selection_changed.connect(self._announce_selection)

    @property
    def canvas(self) -> QAccessibleInterface:
        """Return what stands for the whole canvas."""
        if self._canvas is None:
            self._canvas = CanvasAccess(self)
        return self._canvas

    def shown(self) -> list[AnyItem]:
        """Return the items of this level, in reading order."""
        return sorted(self.scene.shown(), key=lambda item: (item.body.top(), item.body.left()))

    def node(self, item: AnyItem) -> "NodeAccess":
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

    def _announce_selection(self) -> None:
        if not QAccessible.isActive():
            return

        chosen = self.scene.selected()
        if len(chosen) == 1 and (item := self.scene.thing(chosen[0])) is not None:
            event = QAccessibleEvent(self.view, QAccessible.Event.Focus)
            event.setChild(self.shown().index(item) if item.isVisible() else 0)
            QAccessible.updateAccessibility(event)


@cache
def _install() -> None:
    QAccessible.installFactory(_interface_of)


def _interface_of(_key: str, widget: QObject) -> QAccessibleInterface | None:
    access = widget.findChild(Access) if isinstance(widget, CanvasView) else None
    return access.canvas if access is not None else None


class CanvasAccess(QAccessibleWidget):
    """The canvas as a list of its nodes."""

    def __init__(self, access: Access) -> None:
        super().__init__(access.view, QAccessible.Role.List, "Canvas")
        self._access = access

    def childCount(self) -> int:
        return len(self._access.shown())

    def child(self, index: int) -> QAccessibleInterface | None:  # type: ignore[override]  # Qt takes None
        shown = self._access.shown()
        return self._access.node(shown[index]) if 0 <= index < len(shown) else None

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        ids = [item.node_id for item in self._access.shown()]
        return ids.index(child.item.node_id) if isinstance(child, NodeAccess) and child.item.node_id in ids else -1

    def focusChild(self) -> QAccessibleInterface | None:  # type: ignore[override]  # Qt takes None
        chosen = self._access.scene.selected()
        item = self._access.scene.thing(chosen[0]) if len(chosen) == 1 else None
        return self._access.node(item) if item is not None else None


class NodeAccess(QAccessibleInterface):
    """One node as an item of the list."""

    def __init__(self, access: Access, item: AnyItem) -> None:
        super().__init__()
        self._access = access
        self.item = item

    def isValid(self) -> bool:
        return self._access.scene.thing(self.item.node_id) is self.item

    def object(self) -> QObject | None:  # type: ignore[override]  # Qt takes None
        return None

    def parent(self) -> QAccessibleInterface:
        return self._access.canvas

    def childCount(self) -> int:
        return 0

    def child(self, index: int) -> QAccessibleInterface | None:  # type: ignore[override]  # Qt takes None
        return None

    def childAt(self, x: int, y: int) -> QAccessibleInterface | None:  # type: ignore[override]  # Qt takes None
        return None

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        return -1

    def role(self) -> QAccessible.Role:
        return QAccessible.Role.ListItem

    def rect(self) -> QRect:
        view = self._access.view
        shown = view.mapFromScene(self.item.body).boundingRect()
        return QRect(view.viewport().mapToGlobal(shown.topLeft()), shown.size())

    def text(self, kind: QAccessible.Text) -> str:
        return self._access.describe(self.item) if kind == QAccessible.Text.Name else ""

    def setText(self, kind: QAccessible.Text, text: str) -> None:
        pass

    def state(self) -> QAccessible.State:
        state = QAccessible.State()
        state.selectable = True
        if isinstance(self.item, CompositeItem):
            state.expandable = True
            state.collapsed, state.expanded = self.item.is_collapsed, not self.item.is_collapsed
        state.focusable = True
        state.selected = self.item.isSelected()
        state.focused = self.item.isSelected() and self._access.view.hasFocus()
        state.offscreen = (
            not self._access.view.viewport()
            .rect()
            .intersects(self._access.view.mapFromScene(self.item.body).boundingRect())
        )
        return state
