"""Resize a composite, a frame or a note by its corner."""

from PySide6.QtCore import QPointF, QRectF, Qt

from composite_runtime.graph.model import Graph
from fusion_desktop.canvas.annotation_item import AnnotationItem
from fusion_desktop.canvas.composite_item import CompositeItem
from fusion_desktop.canvas.gestures.base import Ground, snapped
from fusion_desktop.document import annotating, changes, marks
from fusion_desktop.document.places import Rect


class Resize:
    """Pulls the lower right corner; a composite never becomes smaller than what it holds."""

    cursor = Qt.CursorShape.SizeFDiagCursor
    hint = ""
    is_refused = False

    def __init__(self, ground: Ground, start: QPointF, item: CompositeItem | AnnotationItem) -> None:
        self._ground = ground
        self._start = start
        self._item = item
        self._body = QRectF(item.body)

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        box = self._resized(point).layout[self._item.node_id]
        self._ground.scene.preview_rect(self._item.node_id, QRectF(box.x, box.y, box.width or 0, box.height or 0))

    def finish(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        document = self._ground.document
        document.edit(f"Resize {marks.called(document.graph, self._item.node_id)}", self._resized(point))
        self._ground.scene.end_preview([self._item.node_id])

    def cancel(self) -> None:
        self._ground.scene.end_preview([self._item.node_id])

    def _resized(self, point: QPointF) -> Graph:
        graph, node_id = self._ground.document.graph, self._item.node_id
        change = annotating.resized if isinstance(self._item, AnnotationItem) else changes.resized
        return change(graph, node_id, self._rect(point))

    def _rect(self, point: QPointF) -> Rect:
        way = point - self._start
        body = self._body
        return Rect(body.x(), body.y(), snapped(body.width() + way.x()), snapped(body.height() + way.y()))
