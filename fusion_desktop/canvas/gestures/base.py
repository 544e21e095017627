"""What every gesture is given and must offer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QPointF, QRectF, Qt

from fusion_desktop.canvas.scene import CanvasScene
from fusion_desktop.document.document import Document

SNAP = 10.0
NO_WAY_BETWEEN = "Only a composite can go into a wire: a server has no members"


@dataclass(frozen=True)
class Ground:
    """Where gestures happen."""

    document: Document
    scene: CanvasScene
    sight: Callable[[], tuple[QRectF, float]] | None = None
    """Tells which part of the scene is in view, and how large."""


class Gesture(Protocol):
    """Something the user does by pressing, moving and releasing."""

    hint: str
    """What releasing here would do, in words; empty when nothing needs saying."""
    is_refused: bool
    """Whether releasing here would do nothing, and `hint` says why."""
    cursor: Qt.CursorShape

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Follow the pointer, given in scene coordinates."""

    def finish(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Do it."""

    def cancel(self) -> None:
        """Leave everything as it was."""


def snapped(value: float, step: float = SNAP) -> float:
    """Return the nearest multiple of the step."""
    return round(value / step) * step
