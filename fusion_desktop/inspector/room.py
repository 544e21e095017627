"""A part that takes the height it needs, up to a limit, and scrolls what there is no room for."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QWidget


class Room(QScrollArea):
    """Shows one widget; a long text in it must not make a window higher than the screen."""

    def __init__(self, inside: QWidget, *, least: int, most: int, name: str) -> None:
        super().__init__(widgetResizable=True)
        self._inside = inside
        self._least = least
        self._most = most
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setWidget(inside)
        # Whatever the part lies on shows through.
        self.viewport().setAutoFillBackground(False)
        inside.setAutoFillBackground(False)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), min(self._needed(), self._most))

    def minimumSizeHint(self) -> QSize:
        return QSize(super().minimumSizeHint().width(), min(self._needed(), self._least))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # Only what can be scrolled is worth a stop of the keyboard.
        is_cut = self._needed() > self.height()
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus if is_cut else Qt.FocusPolicy.NoFocus)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def _needed(self) -> int:
        width = self.viewport().width()
        return (
            self._inside.heightForWidth(width) if self._inside.hasHeightForWidth() else self._inside.sizeHint().height()
        )
