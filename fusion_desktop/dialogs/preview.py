"""A picture as large as there is room for, and never larger than it is."""

from PySide6.QtCore import QRectF, QSizeF, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget


class Preview(QWidget):
    """Shows an image in its middle; `points` is its size in points when it has several pixels per point."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setMinimumSize(320, 200)
        self.image = QImage()
        self._points = QSizeF()

    def show_image(self, image: QImage, pixels_per_point: float = 1.0) -> None:
        """Show another image."""
        self.image = image
        self._points = QSizeF(image.size()) / pixels_per_point
        self.update()

    @property
    def target(self) -> QRectF:
        """Return where the image lies."""
        room = QRectF(self.rect())
        size = self._points
        if size.width() > room.width() or size.height() > room.height():
            size = size.scaled(room.size(), Qt.AspectRatioMode.KeepAspectRatio)
        rect = QRectF(0, 0, size.width(), size.height())
        rect.moveCenter(room.center())
        return rect

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.image.isNull():
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        # Qt's quick scaling drops pixels when an image shrinks to less than half.
        target, ratio = self.target, self.devicePixelRatioF()
        size = (target.size() * ratio).toSize()
        smooth = Qt.TransformationMode.SmoothTransformation
        painter.drawImage(target, self.image.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, smooth))
        painter.end()
