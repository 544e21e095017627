"""What stands for one thing on the canvas before a screen reader: a node, one of its ports, a wire."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QRect, QRectF
from PySide6.QtGui import QAccessible, QAccessibleActionInterface, QAccessibleInterface
from shiboken6.Shiboken import VoidPtr

from fusion_desktop.canvas.annotation_item import AnnotationItem
from fusion_desktop.canvas.composite_item import CompositeItem
from fusion_desktop.canvas.edge_item import EdgeItem
from fusion_desktop.canvas.node_item import PORT_REACH, NodeItem

if TYPE_CHECKING:
    from fusion_desktop.canvas.access import Access

AnyItem = NodeItem | CompositeItem | AnnotationItem
_NOTHING = VoidPtr(0)
"""No interface. Qt would take the address of `None` for one, and crash."""


class Doings(QAccessibleActionInterface):
    """What can be done with something, by the words for it."""

    def __init__(self, doings: Mapping[str, Callable[[], object]]) -> None:
        super().__init__()
        self._doings = doings

    def actionNames(self) -> list[str]:
        return [*self._doings]

    def localizedActionName(self, name: str) -> str:
        return name

    def localizedActionDescription(self, name: str) -> str:
        return name

    def keyBindingsForAction(self, name: str) -> list[str]:
        return []

    def doAction(self, name: str) -> None:
        if (doing := self._doings.get(name)) is not None:
            doing()


class Part(QAccessibleInterface):
    """One thing within the canvas; none has parts of its own unless it says so."""

    def __init__(self, access: "Access", **doings: Callable[[], object]) -> None:
        super().__init__()
        self._access = access
        self._doings = Doings({name.capitalize(): doing for name, doing in doings.items()})

    def called(self) -> str:
        """Return what is read out."""
        raise NotImplementedError

    def place(self) -> QRectF:
        """Return where it lies in the scene."""
        raise NotImplementedError

    def interface_cast(self, kind: QAccessible.InterfaceType) -> Any:
        return self._doings if kind == QAccessible.InterfaceType.ActionInterface else _NOTHING

    def object(self) -> QObject | None:  # type: ignore[override]  # Qt takes None
        return None

    def parent(self) -> QAccessibleInterface:
        return self._access.canvas

    def childCount(self) -> int:
        return 0

    def child(self, index: int) -> QAccessibleInterface | None:  # type: ignore[override]  # Qt takes None
        return None

    def childAt(self, x: int, y: int) -> QAccessibleInterface | None:  # type: ignore[override]  # Qt takes None
        for child in (self.child(index) for index in range(self.childCount())):
            if child is not None and child.rect().contains(x, y):
                return child
        return None

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        return -1

    def role(self) -> QAccessible.Role:
        return QAccessible.Role.ListItem

    def rect(self) -> QRect:
        view = self._access.view
        shown = view.mapFromScene(self.place()).boundingRect()
        return QRect(view.viewport().mapToGlobal(shown.topLeft()), shown.size())

    def text(self, kind: QAccessible.Text) -> str:
        return self.called() if kind == QAccessible.Text.Name else ""

    def setText(self, kind: QAccessible.Text, text: str) -> None:
        pass

    def state(self) -> QAccessible.State:
        view = self._access.view
        state = QAccessible.State()
        state.offscreen = not view.viewport().rect().intersects(view.mapFromScene(self.place()).boundingRect())
        return state

    def _selectable(self, *, selected: bool) -> QAccessible.State:
        state = Part.state(self)
        state.selectable = state.focusable = True
        state.selected = selected
        state.focused = selected and self._access.view.hasFocus()
        return state


class NodeAccess(Part):
    """One node, frame or note as an item of the list; its ports lie in it."""

    def __init__(self, access: "Access", item: AnyItem) -> None:
        super().__init__(access, select=self._select, delete=self._delete)
        self.item = item
        self._doings_failed = Doings({"Select": self._select, "Fix": self._fix, "Delete": self._delete})
        sides = (True, False) if isinstance(item, CompositeItem) else (False,)
        self._ports = [PortAccess(self, access, item, is_input) for is_input in sides if isinstance(item, Ported)]

    def interface_cast(self, kind: QAccessible.InterfaceType) -> Any:
        is_failed = isinstance(self.item, NodeItem) and self.item.can_be_fixed
        if is_failed and kind == QAccessible.InterfaceType.ActionInterface:
            return self._doings_failed
        return super().interface_cast(kind)

    def called(self) -> str:
        return self._access.describe(self.item)

    def place(self) -> QRectF:
        return self.item.body

    def isValid(self) -> bool:
        return self._access.scene.thing(self.item.node_id) is self.item

    def childCount(self) -> int:
        return len(self._ports)

    def child(self, index: int) -> QAccessibleInterface | None:  # type: ignore[override]  # Qt takes None
        return self._ports[index] if 0 <= index < len(self._ports) else None

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        return self._ports.index(child) if child in self._ports else -1

    def state(self) -> QAccessible.State:
        state = self._selectable(selected=self.item.isSelected())
        if isinstance(self.item, CompositeItem):
            state.expandable = True
            state.collapsed, state.expanded = self.item.is_collapsed, not self.item.is_collapsed
        return state

    def _select(self) -> None:
        self._access.scene.select([self.item.node_id])

    def _delete(self) -> None:
        self._select()
        self._access.delete_wanted.emit()

    def _fix(self) -> None:
        self._select()
        self._access.fix_wanted.emit(self.item.node_id)


Ported = NodeItem | CompositeItem


class PortAccess(Part):
    """The place of a node at which wires begin or end."""

    def __init__(self, node: NodeAccess, access: "Access", item: Ported, is_input: bool) -> None:
        super().__init__(access, connect=self._connect)
        self._node = node
        self._item = item
        self._is_input = is_input

    def called(self) -> str:
        return self._access.describe_port(self._item.node_id, is_input=self._is_input)

    def place(self) -> QRectF:
        middle = self._item.input if self._is_input and isinstance(self._item, CompositeItem) else self._item.output
        return QRectF(middle.x() - PORT_REACH, middle.y() - PORT_REACH, 2 * PORT_REACH, 2 * PORT_REACH)

    def isValid(self) -> bool:
        return self._node.isValid()

    def parent(self) -> QAccessibleInterface:
        return self._node

    def role(self) -> QAccessible.Role:
        return QAccessible.Role.Button

    def _connect(self) -> None:
        self._access.scene.select([self._item.node_id])
        self._access.connect_wanted.emit()


class EdgeAccess(Part):
    """One wire as an item of the list."""

    def __init__(self, access: "Access", item: EdgeItem) -> None:
        super().__init__(access, select=self._select, delete=self._delete)
        self.item = item

    def called(self) -> str:
        return self._access.describe_wire(self.item)

    def place(self) -> QRectF:
        return self.item.path().boundingRect()

    def isValid(self) -> bool:
        return self._access.scene.edge_item(*self.item.ends) is self.item

    def state(self) -> QAccessible.State:
        return self._selectable(selected=self.item.is_chosen)

    def _select(self) -> None:
        self._access.scene.select(edges=[self.item.ends])

    def _delete(self) -> None:
        self._select()
        self._access.delete_wanted.emit()
