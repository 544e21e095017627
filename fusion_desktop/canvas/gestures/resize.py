"""Resize a composite, a frame or a note by its corner."""

from PySide6.QtCore import QPointF, QRectF, Qt

from composite_runtime.graph.model import Graph
from fusion_desktop.canvas.annotation_item import AnnotationItem
from fusion_desktop.canvas.composite_item import CompositeItem
from fusion_desktop.canvas.gestures.base import Ground, snapped
from fusion_desktop.canvas.gestures.guides import REACH, GuideLines, Guides
from fusion_desktop.document import annotating, changes, marks, places
from fusion_desktop.document.places import Rect


class Resize:
    """Pulls the lower right corner, which snaps as in a drag; a composite never becomes smaller than what it holds."""

    cursor = Qt.CursorShape.SizeFDiagCursor
    hint = ""
    is_refused = False

    def __init__(self, ground: Ground, start: QPointF, item: CompositeItem | AnnotationItem) -> None:
        self._ground = ground
        self._start = start
        self._item = item
        self._body = QRectF(item.body)
        sight, self._scale = ground.sight() if ground.sight is not None else (QRectF(), 1.0)
        holders = ground.document.holders
        related = {*places.inside(holders, [item.node_id]), *places.ancestors(holders, item.node_id)}
        self._guides = Guides(
            other.body
            for other in ground.scene.shown()
            if other.node_id not in related and sight.intersects(other.body)
        )
        self._lines = GuideLines(ground.scene)

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        box = self._resized(point, modifiers).layout[self._item.node_id]
        self._ground.scene.preview_rect(self._item.node_id, QRectF(box.x, box.y, box.width or 0, box.height or 0))

    def finish(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        self._lines.remove()
        document = self._ground.document
        document.edit(f"Resize {marks.called(document.graph, self._item.node_id)}", self._resized(point, modifiers))
        self._ground.scene.end_preview([self._item.node_id])

    def cancel(self) -> None:
        self._lines.remove()
        self._ground.scene.end_preview([self._item.node_id])

    def _resized(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> Graph:
        graph, node_id = self._ground.document.graph, self._item.node_id
        change = annotating.resized if isinstance(self._item, AnnotationItem) else changes.resized
        return change(graph, node_id, self._rect(point, modifiers))

    def _rect(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> Rect:
        body = self._body
        corner = body.bottomRight() + point - self._start
        width, height = corner.x() - body.x(), corner.y() - body.y()
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            self._lines.show(())
            return Rect(body.x(), body.y(), round(width), round(height))
        snap = self._guides.snap(QRectF(corner, corner), REACH / self._scale, evenly=False)
        self._lines.show(snap.lines)
        width = width + snap.dx if snap.dx is not None else snapped(width)
        height = height + snap.dy if snap.dy is not None else snapped(height)
        return Rect(body.x(), body.y(), round(width, 3), round(height, 3))
