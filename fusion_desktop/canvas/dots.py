"""The dots of the canvas: one every grid step, and none where they would be a grey haze."""

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QPainter, QPixmap, QTransform

from fusion_desktop import theme
from fusion_desktop.document.places import GRID


class Dots:
    """Fills with a tile, made anew only when the scale or the theme changes: lines or dots drawn singly are dear."""

    def __init__(self) -> None:
        self._made: tuple[tuple[int, float, float], QPixmap] | None = None

    def forget(self) -> None:
        """Take the colours of another theme."""
        self._made = None

    def paint(self, painter: QPainter, rect: QRectF | QRect, scale: float, ratio: float) -> None:
        """Fill a part of the scene that is shown at a scale, on a screen with so many pixels per point."""
        painter.fillRect(rect, theme.colour("canvas"))
        if scale < 0.4:
            return
        brush = QBrush(self._tile(GRID * (2 if scale < 0.8 else 1), scale, ratio))
        brush.setTransform(QTransform.fromScale(1 / scale, 1 / scale))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.fillRect(rect, brush)

    def _tile(self, step: int, scale: float, ratio: float) -> QPixmap:
        key = (step, round(scale, 4), ratio)
        if self._made is None or self._made[0] != key:
            side = max(1, round(step * scale * ratio))
            tile = QPixmap(side, side)
            tile.setDevicePixelRatio(ratio)
            tile.fill(Qt.GlobalColor.transparent)
            painter = QPainter(tile)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("grid"))
            middle = side / ratio / 2
            painter.drawEllipse(QPointF(middle, middle), 1.1, 1.1)
            painter.end()
            self._made = (key, tile)
        return self._made[1]
