"""Pan with the middle button, or with Space held."""

from typing import Protocol

from PySide6.QtCore import QPointF, Qt


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
