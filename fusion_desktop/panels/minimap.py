"""The whole graph in small: shows what is in view and moves it."""

from typing import Protocol

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from composite_runtime.graph.model import CompositeNode
from fusion_desktop import theme
from fusion_desktop.document import places
from fusion_desktop.document.document import Document


class Colours(Protocol):
    """Tells the colour role of a node's state, or None while nothing runs."""

    def __call__(self, node_id: str) -> str | None:
        """Return the role."""


class Minimap(QWidget):
    """Paints each node as a block in the colour of its state; press or drag to go there."""

    wanted = Signal(QPointF)
    """A point of the scene that shall be the middle of the view."""

    def __init__(self, document: Document, colour_of: Colours, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._colour_of = colour_of
        self._visible = QRectF()
        self.setAccessibleName("Map of the graph")
        self.setToolTip("Press or drag to move the view")
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(100)
        self._later.timeout.connect(self.update)
        document.edited.connect(self.refresh)
        theme.signals.changed.connect(self.update)

    def refresh(self) -> None:
        """Paint anew, but not more than ten times a second."""
        if not self._later.isActive():
            self._later.start()

    def show_visible(self, rect: QRectF) -> None:
        """Mark which part of the scene is in view."""
        if rect != self._visible:
            self._visible = rect
            self.refresh()

    def sizeHint(self) -> QSize:
        return QSize(200, 140)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.colour("canvas"))
        graph = self._document.graph
        scale, origin = self._fit()
        for node in sorted(graph.nodes, key=lambda node: not isinstance(node, CompositeNode)):
            rect = self._rect(node.id)
            small = QRectF(
                (rect.x - origin.x()) * scale, (rect.y - origin.y()) * scale, rect.width * scale, rect.height * scale
            )
            role = self._colour_of(node.id)
            if isinstance(node, CompositeNode):
                painter.setPen(QPen(theme.colour(role or "composite_border"), 1))
                painter.setBrush(theme.colour("composite"))
                painter.drawRect(small)
            else:
                painter.fillRect(small.adjusted(0, 0, 0.5, 0.5), theme.colour(role or "outline"))
        if not self._visible.isEmpty():
            top_left = (self._visible.topLeft() - origin) * scale
            painter.setPen(QPen(theme.colour("accent"), 1.5))
            painter.setBrush(theme.colour("accent", 24))
            painter.drawRect(QRectF(top_left, self._visible.size() * scale))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._go(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._go(event)

    def _go(self, event: QMouseEvent) -> None:
        scale, origin = self._fit()
        self.wanted.emit(event.position() / scale + origin)

    def _rect(self, node_id: str) -> places.Rect:
        box = self._document.box(node_id)
        if isinstance(self._document.node(node_id), CompositeNode):
            width, height = box.width or places.COMPOSITE_WIDTH, box.height or places.COMPOSITE_HEIGHT
            return places.Rect(box.x, box.y, width, height)
        return places.Rect(box.x, box.y, places.NODE_WIDTH, places.NODE_HEIGHT)

    def _fit(self) -> tuple[float, QPointF]:
        """Return the scale, and the scene point at the left upper corner."""
        whole = QRectF(self._visible)
        for node in self._document.graph.nodes:
            rect = self._rect(node.id)
            whole = whole.united(QRectF(rect.x, rect.y, rect.width, rect.height))
        whole = whole.adjusted(-40, -40, 40, 40)
        scale = min(self.width() / whole.width(), self.height() / whole.height())
        spare = QPointF(self.width() / scale - whole.width(), self.height() / scale - whole.height()) / 2
        return scale, whole.topLeft() - spare
