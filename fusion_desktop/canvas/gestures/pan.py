"""Pan with the middle button, with Space held, or by holding something near the border."""

from typing import Protocol

from PySide6.QtCore import QPoint, QPointF, QRect, Qt

MARGIN, SPEED = 24, 15
"""How near the border the view begins to pan by itself, and by how many pixels at a time."""


class Pannable(Protocol):
    """What can be panned."""

    def pan(self, delta: QPointF) -> None:
        """Move what is shown by some pixels."""


class Pan:
    """Takes the ground along; its points are those of the view, since the scene moves under them."""

    cursor = Qt.CursorShape.ClosedHandCursor
    hint = ""
    is_refused = False

    def __init__(self, view: Pannable, start: QPointF) -> None:
        self._view = view
        self._last = start

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        self._view.pan(point - self._last)
        self._last = point

    def finish(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        self.move(point, modifiers)

    def cancel(self) -> None:
        pass


def step_at_edge(area: QRect, pointer: QPoint) -> QPointF:
    """Return how far to pan so that what is held near the border reaches what is not in view."""
    dx = (pointer.x() < MARGIN) - (pointer.x() > area.width() - MARGIN)
    dy = (pointer.y() < MARGIN) - (pointer.y() > area.height() - MARGIN)
    return QPointF(SPEED * dx, SPEED * dy)
