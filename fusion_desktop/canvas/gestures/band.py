"""Select with a rubber band."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QPen
from PySide6.QtWidgets import QGraphicsRectItem

from fusion_desktop import theme
from fusion_desktop.canvas.annotation_item import FrameItem
from fusion_desktop.canvas.composite_item import CompositeItem
from fusion_desktop.canvas.gestures.base import Ground
from fusion_desktop.canvas.scene import AnyItem


def _is_container(item: AnyItem) -> bool:
    return isinstance(item, FrameItem) or (isinstance(item, CompositeItem) and not item.is_collapsed)


class RubberBand:
    """Selects what it touches; a composite or a frame must lie inside whole. Shift adds, Ctrl takes away."""

    cursor = Qt.CursorShape.ArrowCursor
    hint = ""
    is_refused = False

    def __init__(self, ground: Ground, start: QPointF) -> None:
        self._ground = ground
        self._start = start
        self._before = set(ground.scene.selected())
        self._edges_before = set(ground.scene.selected_edges())
        self._rect = QGraphicsRectItem()
        self._rect.setZValue(3000)
        pen = QPen(theme.colour("accent"), 1)
        pen.setCosmetic(True)
        self._rect.setPen(pen)
        self._rect.setBrush(QBrush(theme.colour("accent", 28)))
        ground.scene.addItem(self._rect)

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        area = QRectF(self._start, point).normalized()
        self._rect.setRect(area)
        touched = {
            item.node_id
            for item in self._ground.scene.shown()
            if (area.contains(item.body) if _is_container(item) else area.intersects(item.body))
        }
        wires = {
            e.ends
            for e in self._ground.scene.edge_items
            if e.isVisible() and area.intersects(e.boundingRect()) and e.path().intersects(area)
        }
        if modifiers & Qt.KeyboardModifier.ShiftModifier:
            self._ground.scene.select(self._before | touched, self._edges_before | wires)
        elif modifiers & Qt.KeyboardModifier.ControlModifier:
            self._ground.scene.select(self._before - touched, self._edges_before - wires)
        else:
            self._ground.scene.select(touched, wires)

    def finish(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        self._remove()

    def cancel(self) -> None:
        self._remove()
        self._ground.scene.select(self._before, self._edges_before)

    def _remove(self) -> None:
        if self._rect.scene() is not None:
            self._ground.scene.removeItem(self._rect)
