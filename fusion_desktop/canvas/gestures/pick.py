"""Which gesture a press begins, once the pointer moves."""

from collections.abc import Callable

from PySide6.QtCore import QLineF, QPointF, Qt

from fusion_desktop.canvas.annotation_item import AnnotationItem
from fusion_desktop.canvas.composite_item import CompositeItem
from fusion_desktop.canvas.gestures.band import RubberBand
from fusion_desktop.canvas.gestures.base import Gesture, Ground
from fusion_desktop.canvas.gestures.drag import DragNodes
from fusion_desktop.canvas.gestures.resize import Resize
from fusion_desktop.canvas.gestures.wire import Wire
from fusion_desktop.canvas.node_item import PORT_REACH


def gesture_for(
    ground: Ground,
    point: QPointF,
    modifiers: Qt.KeyboardModifier,
    wire_dropped: Callable[[str, bool, QPointF], None],
) -> Callable[[], Gesture | None]:
    """Return what makes the gesture that a press at `point` begins."""
    item = ground.scene.thing_at(point)
    if item is None:
        return lambda: RubberBand(ground, point)
    node_id = item.node_id
    if isinstance(item, AnnotationItem):
        if item.corner_holds(point) and not item.is_locked:
            return lambda: Resize(ground, point, item)
        return lambda: _dragged(ground, point, node_id, modifiers)
    if QLineF(point, item.output).length() <= PORT_REACH:
        return lambda: Wire(ground, item, from_input=False, dropped_on_nothing=wire_dropped)
    if isinstance(item, CompositeItem):
        if QLineF(point, item.input).length() <= PORT_REACH:
            return lambda: Wire(ground, item, from_input=True, dropped_on_nothing=wire_dropped)
        if item.corner_holds(point) and not item.is_locked:
            return lambda: Resize(ground, point, item)
        if node_id == ground.scene.root and not item.header_holds(point):
            return lambda: RubberBand(ground, point)  # one looks at its inside
    return lambda: _dragged(ground, point, node_id, modifiers)


def _dragged(ground: Ground, point: QPointF, node_id: str, modifiers: Qt.KeyboardModifier) -> Gesture:
    chosen = ground.scene.selected()
    if node_id not in chosen:
        adding = modifiers & Qt.KeyboardModifier.ShiftModifier
        ground.scene.select([*chosen, node_id] if adding else [node_id])
    return DragNodes(ground, point, ground.scene.selected())
