"""Draw a wire: the node at its right end becomes a member of the composite at its left one."""

from collections.abc import Callable

from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QGraphicsPathItem

from composite_runtime.graph.edit import connect, why_not_connect
from fusion_desktop.canvas.composite_item import CompositeItem
from fusion_desktop.canvas.edge_item import wire_path
from fusion_desktop.canvas.gestures.base import Ground
from fusion_desktop.canvas.ink import ink
from fusion_desktop.canvas.node_item import NodeItem
from fusion_desktop.document.places import ancestors

AnyNodeItem = NodeItem | CompositeItem


class Wire:
    """Starts at an output and looks for a composite, or at a composite's input and looks for a member."""

    cursor = Qt.CursorShape.CrossCursor

    def __init__(
        self,
        ground: Ground,
        start: AnyNodeItem,
        *,
        from_input: bool,
        dropped_on_nothing: Callable[[str, bool, QPointF], None] | None = None,
    ) -> None:
        self._ground = ground
        self._start = start
        self._from_input = from_input
        self._dropped_on_nothing = dropped_on_nothing
        self._over: AnyNodeItem | None = None
        self._line = QGraphicsPathItem()
        self._line.setZValue(2000)
        self._line.setPen(ink().wire_dragged)
        ground.scene.addItem(self._line)
        self.hint = ""
        self.is_refused = False

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        self._aim(point)
        self._line.setPen(ink().wire_refused if self.is_refused else ink().wire_dragged)
        if isinstance(self._start, CompositeItem) and self._from_input:
            end = self._over.output if self._over is not None and not self.is_refused else point
            self._line.setPath(wire_path(end, self._start.input))
        else:
            over = self._over
            end = over.input if isinstance(over, CompositeItem) and not self.is_refused else point
            self._line.setPath(wire_path(self._start.output, end))

    def finish(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        self._aim(point)
        over, refused = self._over, self.is_refused
        self.cancel()
        if over is None:
            if self._dropped_on_nothing is not None:
                self._dropped_on_nothing(self._start.node_id, self._from_input, point)
        elif not refused:
            source, target = self._ends(over)
            document = self._ground.document
            text = f"Connect {self._name(source)} to {self._name(target)}"
            document.edit(text, connect(document.graph, source, target))

    def cancel(self) -> None:
        self._mark(None)
        if self._line.scene() is not None:
            self._ground.scene.removeItem(self._line)

    def _aim(self, point: QPointF) -> None:
        scene = self._ground.scene
        over: AnyNodeItem | None
        if self._from_input:
            over = scene.node_at(point)
            homes, start = self._ground.document.homes, self._start.node_id
            if over is not None and over.node_id in (start, *ancestors(homes, start)):
                over = None  # what it lies in is the ground it starts from
        else:
            over = scene.composite_at(point, without={self._start.node_id})
            home = self._ground.document.homes.get(self._start.node_id)
            if over is not None and over.node_id == home:
                over = None
        self._mark(over)
        if over is None:
            self.hint, self.is_refused = "", False
            return
        source, target = self._ends(over)
        reason = why_not_connect(self._ground.document.graph, source, target)
        self.is_refused = reason is not None
        self.hint = reason or f"Connect {self._name(source)} to {self._name(target)}"
        if isinstance(over, CompositeItem) and not self._from_input:
            over.show_target(not self.is_refused)

    def _mark(self, over: AnyNodeItem | None) -> None:
        if over is not self._over:
            if isinstance(self._over, CompositeItem):
                self._over.show_target(None)
            self._over = over

    def _ends(self, over: AnyNodeItem) -> tuple[str, str]:
        return (over.node_id, self._start.node_id) if self._from_input else (self._start.node_id, over.node_id)

    def _name(self, node_id: str) -> str:
        node = self._ground.document.node(node_id)
        return node.name if node is not None else node_id
