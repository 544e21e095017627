"""A pointer that presses, moves and drops on a view as a hand does, in coordinates of the scene."""

from typing import cast

from PySide6.QtCore import QEvent, QLibraryInfo, QMimeData, QPoint, QPointF, Qt, QVersionNumber
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QGraphicsView

NONE = Qt.KeyboardModifier.NoModifier
LEFT = Qt.MouseButton.LeftButton
# Qt 6.12 deprecates whole points in drag events; older versions take nothing else.
_place = cast("type[QPoint]", QPointF if QLibraryInfo.version() >= QVersionNumber(6, 12) else QPoint)


class Pointer:
    def __init__(self, view: QGraphicsView) -> None:
        self._view = view
        self._area = view.viewport()

    def press(self, x: float, y: float, *, keys: Qt.KeyboardModifier = NONE, button: Qt.MouseButton = LEFT) -> None:
        QTest.mousePress(self._area, button, keys, self._at(x, y))

    def move(self, x: float, y: float, *, keys: Qt.KeyboardModifier = NONE) -> None:
        # QTest.mouseMove knows no modifiers.
        at = QPointF(self._at(x, y))
        event = QMouseEvent(QEvent.Type.MouseMove, at, self._area.mapToGlobal(at), Qt.MouseButton.NoButton, LEFT, keys)
        QApplication.sendEvent(self._area, event)

    def release(self, x: float, y: float, *, keys: Qt.KeyboardModifier = NONE, button: Qt.MouseButton = LEFT) -> None:
        QTest.mouseRelease(self._area, button, keys, self._at(x, y))

    def click(self, x: float, y: float, *, keys: Qt.KeyboardModifier = NONE, button: Qt.MouseButton = LEFT) -> None:
        QTest.mouseClick(self._area, button, keys, self._at(x, y))

    def double_click(self, x: float, y: float) -> None:
        QTest.mouseDClick(self._area, LEFT, NONE, self._at(x, y))

    def drag(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        *,
        keys: Qt.KeyboardModifier = NONE,
        button: Qt.MouseButton = LEFT,
    ) -> None:
        """Press, move in a dozen steps, release."""
        # The view may pan meanwhile, as it does at its border; a hand aims at what it sees.
        self.press(*start, keys=keys, button=button)
        for step in range(1, 13):
            part = step / 12
            self.move(start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part, keys=keys)
        self.release(*end, keys=keys, button=button)

    def wheel(
        self,
        x: float,
        y: float,
        *,
        up: int = 0,
        pixels: tuple[int, int] | None = None,
        keys: Qt.KeyboardModifier = NONE,
    ) -> None:
        at = QPointF(self._at(x, y))
        phase = Qt.ScrollPhase.ScrollUpdate if pixels else Qt.ScrollPhase.NoScrollPhase
        event = QWheelEvent(
            at,
            self._area.mapToGlobal(at),
            QPoint(*pixels) if pixels else QPoint(),
            QPoint(0, 120 * up),
            Qt.MouseButton.NoButton,
            keys,
            phase,
            False,
        )
        QApplication.sendEvent(self._area, event)

    def drag_in(self, mime: QMimeData, x: float, y: float) -> bool:
        """Bring something from outside over a point; tell whether it would be taken."""
        at = _place(self._at(x, y))
        actions = Qt.DropAction.CopyAction
        enter = QDragEnterEvent(at, actions, mime, LEFT, NONE)
        QApplication.sendEvent(self._area, enter)
        if not enter.isAccepted():
            return False
        move = QDragMoveEvent(at, actions, mime, LEFT, NONE)
        QApplication.sendEvent(self._area, move)
        return move.isAccepted()

    def drop(self, mime: QMimeData, x: float, y: float) -> None:
        event = QDropEvent(QPointF(self._at(x, y)), Qt.DropAction.CopyAction, mime, LEFT, NONE)
        QApplication.sendEvent(self._area, event)

    def drag_out(self) -> None:
        QApplication.sendEvent(self._area, QDragLeaveEvent())

    def _at(self, x: float, y: float) -> QPoint:
        return self._view.mapFromScene(QPointF(x, y))
