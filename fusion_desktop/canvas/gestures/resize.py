"""Resize a composite by its corner."""

from PySide6.QtCore import QPointF, QRectF, Qt

from fusion_desktop.canvas.composite_item import CompositeItem
from fusion_desktop.canvas.gestures.base import Ground, snapped
from fusion_desktop.document import changes
from fusion_desktop.document.places import Rect


class Resize:
    """Pulls the lower right corner; a composite never becomes smaller than what it holds."""

    cursor = Qt.CursorShape.SizeFDiagCursor
    hint = ""
    is_refused = False

    def __init__(self, ground: Ground, start: QPointF, item: CompositeItem) -> None:
        self._ground = ground
        self._start = start
        self._item = item
        self._body = QRectF(item.body)

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        box = changes.resized(self._ground.document.graph, self._item.node_id, self._rect(point)).layout[
            self._item.node_id
        ]
        self._ground.scene.preview_rect(self._item.node_id, QRectF(box.x, box.y, box.width or 0, box.height or 0))

    def finish(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        document = self._ground.document
        node = document.node(self._item.node_id)
        graph = changes.resized(document.graph, self._item.node_id, self._rect(point))
        document.edit(f"Resize {node.name if node else ''}", graph)
        self._ground.scene.end_preview([self._item.node_id])

    def cancel(self) -> None:
        self._ground.scene.end_preview([self._item.node_id])

    def _rect(self, point: QPointF) -> Rect:
        way = point - self._start
        body = self._body
        return Rect(body.x(), body.y(), snapped(body.width() + way.x()), snapped(body.height() + way.y()))
