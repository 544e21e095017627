"""What every gesture is given and must offer."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsPathItem

from fusion_desktop import theme
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


class Ghosts:
    """Outlines of what would come to lie somewhere, for as long as it is dragged."""

    def __init__(self, scene: CanvasScene) -> None:
        self._scene = scene
        self._item = QGraphicsPathItem()
        self._item.setZValue(2000)
        pen = QPen(theme.colour("accent"), 1.5, Qt.PenStyle.DashLine)
        pen.setCosmetic(True)
        self._item.setPen(pen)
        self._item.setBrush(theme.colour("accent", 24))
        scene.addItem(self._item)

    def show(self, rects: Iterable[QRectF]) -> None:
        """Show these outlines and no others."""
        path = QPainterPath()
        for rect in rects:
            path.addRoundedRect(rect, theme.RADIUS, theme.RADIUS)
        self._item.setPath(path)

    def remove(self) -> None:
        """Take them off the canvas."""
        if self._item.scene() is not None:
            self._scene.removeItem(self._item)


def snapped(value: float, step: float = SNAP) -> float:
    """Return the nearest multiple of the step."""
    return round(value / step) * step
