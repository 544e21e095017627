"""The view: zooms and pans, turns presses into gestures, and takes what is dropped."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeGuard

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPixmapCache,
    QResizeEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QGraphicsView, QWidget

from composite_runtime.errors import FusionError
from fusion_desktop import theme
from fusion_desktop.canvas.annotation_item import AnnotationItem, NoteItem
from fusion_desktop.canvas.composite_item import CompositeItem
from fusion_desktop.canvas.dots import Dots
from fusion_desktop.canvas.gestures.base import Gesture, Ground
from fusion_desktop.canvas.gestures.drop import Drop
from fusion_desktop.canvas.gestures.pan import Pan, step_at_edge
from fusion_desktop.canvas.gestures.pick import gesture_for
from fusion_desktop.canvas.ink import FULL_DETAIL
from fusion_desktop.canvas.node_item import NodeItem
from fusion_desktop.canvas.overlay import Hint, NameEdit, NoteEdit
from fusion_desktop.canvas.scene import CanvasScene
from fusion_desktop.document.document import Document
from fusion_desktop.document.template import Template

SMALLEST, LARGEST, STEP = 0.1, 2.5, 1.15
DRAG_DISTANCE = 4


class CanvasView(QGraphicsView):
    """Where the graph is drawn and edited."""

    zoomed = Signal(float)
    moved = Signal(QRectF)
    """Another part of the scene is in view."""
    refused = Signal(str)
    """Words why a gesture did nothing."""
    menu_wanted = Signal(QPoint, str)
    """A context menu at a global position, for `node`, `edge` or `canvas`."""
    add_wanted = Signal(QPointF)
    """Something is to be added at a point of the scene."""
    wire_dropped = Signal(str, bool, QPointF)
    """A wire from a node (or to it, when the flag is set) ended on empty ground."""
    enter_wanted = Signal(str)
    escaped = Signal()
    """Escape was pressed, and no gesture was under way."""
    rename_done = Signal(str, str)
    fold_wanted = Signal(str)
    """A composite is to be collapsed, or expanded."""
    sign_in_wanted = Signal(str)
    fix_wanted = Signal(str)
    """Somebody wants to know why a server does not come up, and what helps."""
    worded = Signal(str, str)
    """A note was written."""
    files_dropped = Signal(list, QPointF)
    template_dropped = Signal(object, QPointF)
    """A `Template` that asks for something first, and where it shall be."""
    text_dropped = Signal(str, QPointF)

    def __init__(self, document: Document, scene: CanvasScene, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # The view does not keep its scene alive.
        self._scene = scene
        self._ground = Ground(document, scene, self._sight)
        self._gesture: Gesture | None = None
        self._pressed: tuple[QPoint, Callable[[], Gesture | None]] | None = None
        self._button = Qt.MouseButton.NoButton
        self._modifiers = Qt.KeyboardModifier.NoModifier
        self._space_held = self._space_used = False
        self._drop: Drop | None = None
        self._pointer = QPoint()
        self._dots = Dots()
        self.setScene(scene)
        self.setAccessibleName("Canvas")
        self.viewport().setAccessibleName("Canvas")
        self.setAccessibleDescription("The graph of servers and composites")
        self.setAcceptDrops(True)
        self.setFrameShape(QGraphicsView.Shape.NoFrame)
        self.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setOptimizationFlags(
            QGraphicsView.OptimizationFlag.DontSavePainterState
            | QGraphicsView.OptimizationFlag.DontAdjustForAntialiasing
        )
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        # The default of 10 MB thrashes as soon as a screen has two device pixels per point.
        QPixmapCache.setCacheLimit(256 * 1024)
        self._hint = Hint(self.viewport())
        self._name_edit = NameEdit(self.viewport())
        self._name_edit.accepted.connect(self.rename_done)
        self._note_edit = NoteEdit(self.viewport())
        self._note_edit.accepted.connect(self.worded)
        self._auto_pan = QTimer(self)
        self._auto_pan.setInterval(16)
        self._auto_pan.timeout.connect(self._pan_at_edge)
        theme.signals.changed.connect(self._restyle)
        # What a gesture began with may be gone.
        document.edited.connect(self._give_up)
        self._restyle()

    # Looks

    @property
    def scale_factor(self) -> float:
        """Return how large the scene is shown; 1.0 is its true size."""
        return self.transform().m11()

    def _restyle(self) -> None:
        self.setBackgroundBrush(theme.colour("canvas"))
        self._dots.forget()
        self.viewport().update()

    def drawBackground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        self._dots.paint(painter, rect, self.scale_factor, self.devicePixelRatioF())

    # Navigation

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom by a factor, so that the scene point under `at` (view coordinates) stays where it is."""
        wanted = max(SMALLEST, min(LARGEST, self.scale_factor * factor))
        point = at if at is not None else QPointF(self.viewport().rect().center())
        before = self._to_scene(point)
        self.setTransform(QTransform.fromScale(wanted, wanted))
        shift = self._to_scene(point) - before
        self._shift(shift.x(), shift.y())
        self.zoomed.emit(self.scale_factor)

    def reset_zoom(self) -> None:
        """Show the scene in its true size."""
        self.zoom(1 / self.scale_factor)

    def fit(self, rect: QRectF) -> None:
        """Show a part of the scene, not larger than its true size."""
        if rect.isEmpty():
            self.setTransform(QTransform())
            self.centerOn(0, 0)
        else:
            roomy = rect.adjusted(-48, -48, 48, 48)
            size = self.viewport().size()
            scale = min(size.width() / roomy.width(), size.height() / roomy.height(), 1.0)
            scale = max(SMALLEST, scale)
            self.setTransform(QTransform.fromScale(scale, scale))
            self.centerOn(rect.center())
        self.zoomed.emit(self.scale_factor)

    def reveal(self, rect: QRectF) -> None:
        """Bring a part of the scene into view with as little movement as possible."""
        visible = self.mapToScene(self.viewport().rect()).boundingRect()
        if not visible.contains(rect):
            self.centerOn(rect.center())

    def pan(self, delta: QPointF) -> None:
        """Move what is shown by some pixels of the view."""
        self._shift(delta.x() / self.scale_factor, delta.y() / self.scale_factor)

    def _shift(self, dx: float, dy: float) -> None:
        centre = self._to_scene(QPointF(self.viewport().width() / 2, self.viewport().height() / 2))
        self.centerOn(centre - QPointF(dx, dy))

    def _to_scene(self, point: QPointF) -> QPointF:
        inverted, _ = self.viewportTransform().inverted()
        return inverted.map(point)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._hint.place()
        self._tell_moved()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        super().scrollContentsBy(dx, dy)
        self._tell_moved()

    def _sight(self) -> tuple[QRectF, float]:
        return self.mapToScene(self.viewport().rect()).boundingRect(), self.scale_factor

    def _tell_moved(self) -> None:
        self.moved.emit(self.mapToScene(self.viewport().rect()).boundingRect())

    def wheelEvent(self, event: QWheelEvent) -> None:
        pixels, angle = event.pixelDelta(), event.angleDelta()
        is_touch = not pixels.isNull() or event.phase() != Qt.ScrollPhase.NoScrollPhase
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier or not is_touch:
            amount = angle.y() or angle.x()
            self.zoom(STEP ** (amount / 120), event.position())
        else:
            self.pan(QPointF(pixels) if not pixels.isNull() else QPointF(angle) / 2)
        event.accept()

    # Gestures

    @property
    def gesture(self) -> Gesture | None:
        """Return what the user is in the middle of."""
        return self._gesture

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if self._gesture is not None or self._pressed is not None:
            if event.buttons() != event.button():
                return  # another button, while one is held
            self.cancel_gesture()  # its release went elsewhere
        self._button = event.button()
        point = self.mapToScene(event.position().toPoint())
        if event.button() == Qt.MouseButton.MiddleButton or self._space_held:
            self._space_used = True
            self._begin(Pan(self, event.position()))
            return
        if event.button() == Qt.MouseButton.RightButton:
            self._select_under(point)
            return
        if event.button() == Qt.MouseButton.LeftButton:
            start = gesture_for(self._ground, point, event.modifiers(), self.wire_dropped.emit)
            self._pressed = (event.position().toPoint(), start)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointer, self._modifiers = event.position().toPoint(), event.modifiers()
        if self._gesture is None and self._pressed is not None:
            start, make = self._pressed
            if (self._pointer - start).manhattanLength() >= DRAG_DISTANCE:
                self._pressed = None
                if (gesture := make()) is not None:
                    self._begin(gesture)
        if self._gesture is not None:
            self._follow(event.modifiers())
        else:
            self._show_cursor()
            super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != self._button:
            return
        pressed, self._pressed = self._pressed, None
        if self._gesture is not None:
            self._end(event.position(), event.modifiers())
        elif pressed is not None:
            self._click(self.mapToScene(pressed[0]), event.modifiers())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        point = self.mapToScene(event.position().toPoint())
        item = self._scene.thing_at(point)
        if isinstance(item, CompositeItem) and item.fold_holds(point):
            return
        if isinstance(item, CompositeItem) and item.node_id == self._scene.root and not item.header_holds(point):
            self.add_wanted.emit(point)
        elif isinstance(item, CompositeItem):
            self.enter_wanted.emit(item.node_id)
        elif item is not None:
            self.rename(item.node_id)
        else:
            self.add_wanted.emit(point)

    def _begin(self, gesture: Gesture) -> None:
        self._gesture = gesture
        self.viewport().setCursor(gesture.cursor)
        if not isinstance(gesture, Pan):
            self._auto_pan.start()

    def _follow(self, modifiers: Qt.KeyboardModifier) -> None:
        if (gesture := self._gesture) is None:
            return
        point = QPointF(self._pointer) if isinstance(gesture, Pan) else self.mapToScene(self._pointer)
        gesture.move(point, modifiers)
        self._hint.show_text(gesture.hint, self._pointer, is_refusal=gesture.is_refused)

    def _end(self, position: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        gesture, self._gesture = self._gesture, None
        self._settle()
        assert gesture is not None
        point = position if isinstance(gesture, Pan) else self.mapToScene(position.toPoint())
        try:
            gesture.finish(point, modifiers)
        except FusionError as error:
            self.refused.emit(error.message)
        else:
            if gesture.is_refused:
                self.refused.emit(gesture.hint)

    def cancel_gesture(self) -> bool:
        """Give up what the user is in the middle of; tell whether there was anything."""
        gesture, self._gesture = self._gesture, None
        self._pressed = None
        self._settle()
        if gesture is not None:
            gesture.cancel()
        return gesture is not None

    def _give_up(self) -> None:
        if self._gesture is not None and not isinstance(self._gesture, Pan):
            self.cancel_gesture()

    def _settle(self) -> None:
        self._auto_pan.stop()
        self._hint.hide()
        self.viewport().unsetCursor()

    def _pan_at_edge(self) -> None:
        step = step_at_edge(self.viewport().rect(), self._pointer)
        if self._gesture is not None and not step.isNull():
            self.pan(step)
            self._follow(self._modifiers)

    def _click(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Select what was clicked; with Shift or Ctrl add it or take it away."""
        scene = self._scene
        edge = scene.edge_at(point)
        item = None if edge is not None else scene.thing_at(point)
        if isinstance(item, CompositeItem) and item.fold_holds(point):
            self.fold_wanted.emit(item.node_id)
            return
        if isinstance(item, NodeItem) and item.pill_holds(point):
            self.sign_in_wanted.emit(item.node_id)
            return
        if self._has_fix(item, point):
            self.fix_wanted.emit(item.node_id)
            return
        adding = modifiers & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier)
        nodes = {item.node_id} if item is not None else set()
        edges = scene.bundle(edge) if edge is not None else set()
        if adding:
            scene.select(set(scene.selected()) ^ nodes, set(scene.selected_edges()) ^ edges)
        else:
            scene.select(nodes, edges)

    def _select_under(self, point: QPointF) -> None:
        edge, item = self._scene.edge_at(point), self._scene.thing_at(point)
        if edge is not None and not edge.is_chosen:
            self._scene.select([], self._scene.bundle(edge))
        elif edge is None and item is not None and not item.isSelected():
            self._scene.select([item.node_id])
        elif edge is None and item is None:
            self._scene.select()

    def _show_cursor(self) -> None:
        if self._space_held:
            self.viewport().setCursor(Qt.CursorShape.OpenHandCursor)
            return
        item = self._scene.thing_at(self.mapToScene(self._pointer))
        if isinstance(item, CompositeItem | AnnotationItem) and item.corner_holds(self.mapToScene(self._pointer)):
            self.viewport().setCursor(Qt.CursorShape.SizeFDiagCursor)
        elif self._has_fix(item, self.mapToScene(self._pointer)):
            self.viewport().setCursor(Qt.CursorShape.PointingHandCursor)
        else:
            self.viewport().unsetCursor()

    def _has_fix(self, item: object, point: QPointF) -> TypeGuard[NodeItem]:
        """Return whether the button that finds out what helps is there, and is shown at this zoom."""
        return isinstance(item, NodeItem) and item.fix_holds(point) and self.transform().m11() >= FULL_DETAIL

    # Keyboard

    def event(self, event: QEvent) -> bool:
        zooms = Qt.NativeGestureType.ZoomNativeGesture
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == zooms:
            self.zoom(1 + event.value(), event.position())
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            if not self.cancel_gesture():
                self.escaped.emit()
            return
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space_held, self._space_used = True, False
            self._show_cursor()
            return
        # Arrow keys are actions; the view itself would scroll away from its own pan.
        event.ignore()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            # Held it pans; a tap asks what to add, where the pointer is.
            if self._space_held and not self._space_used:
                self.add_wanted.emit(self.mapToScene(self._pointer))
            self._space_held = False
            self._show_cursor()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._space_held = False
        super().focusOutEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self._gesture is not None:
            return
        chosen = "edge" if self._scene.selected_edges() else "canvas"
        if self._scene.selected():
            chosen = "node" if self._scene.selected_nodes() else "annotation"
        at = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard and (rect := self._chosen_rect()) is not None:
            # The menu key means what is selected, wherever the pointer is.
            at = self.viewport().mapToGlobal(self.mapFromScene(rect.center()))
        self.menu_wanted.emit(at, chosen)

    def _chosen_rect(self) -> QRectF | None:
        nodes = self._scene.selected()
        rect = self._scene.content_rect(nodes)
        visible = self.mapToScene(self.viewport().rect()).boundingRect()
        return rect.intersected(visible) if nodes and rect.intersects(visible) else None

    def rename(self, node_id: str) -> None:
        """Let the user type another name for a node, a title for a frame, or a note's text, in its place."""
        item, document = self._scene.thing(node_id), self._ground.document
        if item is None:
            return
        self.reveal(item.body)
        shown = self.mapFromScene(item.body).boundingRect()
        if isinstance(item, NoteItem):
            note = document.annotation(node_id)
            self._note_edit.begin(node_id, note.text if note is not None and note.type == "note" else "", shown)
            return
        node, frame = document.node(node_id), document.annotation(node_id)
        name = node.name if node is not None else frame.title if frame is not None and frame.type == "frame" else ""
        width = round(min(item.body.width(), 320) * self.scale_factor)
        self._name_edit.begin(node_id, name, shown.topLeft(), max(160, width))

    def pointer_point(self) -> QPointF:
        """Return where the pointer last was over the canvas, or the middle of what is shown, in scene coordinates."""
        area = self.viewport().rect()
        at = self._pointer if self.viewport().underMouse() and area.contains(self._pointer) else area.center()
        return self.mapToScene(at)

    # Drops from outside

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        template = Template.from_mime(event.mimeData())
        if template is not None:
            self._drop = Drop(self._ground, template)
            event.acceptProposedAction()
        elif event.mimeData().hasUrls() or event.mimeData().hasText():
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        if self._drop is not None:
            position = event.position().toPoint()
            self._drop.move(self.mapToScene(position), event.modifiers())
            self._hint.show_text(self._drop.hint, position, is_refusal=False)
        event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        if self._drop is not None:
            self._drop.cancel()
            self._drop = None
        self._hint.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        self._hint.hide()
        point = self.mapToScene(event.position().toPoint())
        event.acceptProposedAction()
        if self._drop is not None:
            drop, self._drop = self._drop, None
            template = Template.from_mime(event.mimeData())
            if template is not None and template.asks:
                drop.cancel()
                self.template_dropped.emit(template, point)
            else:
                drop.finish(point, event.modifiers())
            self.setFocus()
            return
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            self.files_dropped.emit(paths, point)
        elif event.mimeData().hasText():
            self.text_dropped.emit(event.mimeData().text(), point)

    def add(self, template: Template, at: QPointF | None = None) -> None:
        """Add a node without a drag: at a point, or in the middle of what is shown."""
        centre = at if at is not None else self.mapToScene(self.viewport().rect().center())
        drop = Drop(self._ground, template)
        try:
            drop.finish(centre, Qt.KeyboardModifier.NoModifier)
        finally:
            drop.cancel()
