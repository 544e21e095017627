"""The whole graph in small: shows what is in view and moves it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from composite_runtime.graph.model import Frame, Note
from fusion_desktop import theme
from fusion_desktop.document import places
from fusion_desktop.document.document import Document


class Colours(Protocol):
    """Tells the colour role of a node's state, or None while nothing runs."""

    def __call__(self, node_id: str) -> str | None:
        """Return the role."""


@dataclass(frozen=True)
class _Block:
    node: str
    kind: str
    rect: QRectF
    depth: int
    order: float
    shade: str


_ALARMING = {"failed", "quarantined", "retrying"}


class Minimap(QWidget):
    """Paints each node as a block in the colour of its state, within the composites and frames it lies in.

    Press or drag to go there. Inside a composite it shows that composite.
    """

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
        self._root: str | None = None
        self._blocks: list[_Block] | None = None
        document.edited.connect(self._forget)
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

    def show_level(self, composite_id: str | None) -> None:
        """Show the inside of a composite, or everything."""
        self._root = composite_id
        self._blocks = None
        self.refresh()

    def _forget(self) -> None:
        if self._root is not None and self._document.node(self._root) is None:
            self._root = None
        self._blocks = None
        self.refresh()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.colour("canvas"))
        scale, origin = self._fit()
        alarming: list[tuple[QRectF, str]] = []
        for block in self._found():
            small = QRectF((block.rect.topLeft() - origin) * scale, block.rect.size() * scale)
            if block.kind == "frame":
                painter.setPen(QPen(theme.colour(block.shade, 150), 1))
                painter.setBrush(theme.colour(block.shade, 40))
                painter.drawRect(small)
                continue
            role = self._colour_of(block.node) if block.kind != "note" else None
            if block.kind == "composite":
                painter.setPen(QPen(theme.colour(role or "composite_border"), 1))
                painter.setBrush(theme.colour("composite" if block.depth % 2 == 0 else "canvas"))
                painter.drawRect(small)
            else:
                # A note is pale, so that none is taken for a server in trouble; what is off is pale everywhere.
                pale = block.kind == "note" or role == "disabled"
                fill = theme.colour(role or block.shade, 90) if pale else theme.colour(role or block.shade)
                painter.fillRect(small.adjusted(0, 0, 0.5, 0.5), fill)
            if role in _ALARMING and block.kind != "composite":
                alarming.append((small, role))
        self._paint_alarms(painter, alarming)
        if not self._visible.isEmpty():
            top_left = (self._visible.topLeft() - origin) * scale
            painter.setPen(QPen(theme.colour("accent"), 1.5))
            painter.setBrush(theme.colour("accent", 24))
            painter.drawRect(QRectF(top_left, self._visible.size() * scale))

    def _paint_alarms(self, painter: QPainter, alarming: Sequence[tuple[QRectF, str]]) -> None:
        """Mark what needs attention with a dot that is seen however small its block is."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour("canvas"), 1))
        for small, role in alarming:
            painter.setBrush(theme.colour(role))
            painter.drawEllipse(small.center(), 4, 4)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._go(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._go(event)

    def _go(self, event: QMouseEvent) -> None:
        scale, origin = self._fit()
        self.wanted.emit(event.position() / scale + origin)

    def _found(self) -> Sequence["_Block"]:
        """Return what there is to paint, from the back to the front."""
        if self._blocks is None:
            self._blocks = sorted(self._made(), key=lambda block: block.order)
        return self._blocks

    def _made(self) -> Iterator["_Block"]:
        graph, homes, holders = self._document.graph, self._document.homes, self._document.holders
        within = None
        if self._root is not None:
            within = places.inside(holders, [self._root])
            within |= {edge.source for edge in graph.edges if edge.target in within}
        above = {self._root, *places.ancestors(homes, self._root)} if self._root is not None else set()
        folded = {n for n, box in graph.layout.items() if box.collapsed and n not in above}
        for one in (*graph.annotations, *graph.nodes):
            around = list(places.ancestors(holders, one.id))
            if (within is not None and one.id not in within) or not folded.isdisjoint(around):
                continue
            rect = places.rect_of(graph, one.id) if one.id in above else places.shown_rect(graph, one.id)
            kind = "card" if one.id in folded else one.type
            shade = theme.SHADES[one.colour] if isinstance(one, Frame | Note) else "outline"
            depth = len(around)
            order = depth - 0.5 if kind == "frame" else depth if kind == "composite" else 1e6
            yield _Block(one.id, kind, QRectF(rect.x, rect.y, rect.width, rect.height), depth, order, shade)

    def _fit(self) -> tuple[float, QPointF]:
        """Return the scale, and the scene point at the left upper corner."""
        whole = QRectF(self._visible)
        for block in self._found():
            whole = whole.united(block.rect)
        whole = whole.adjusted(-40, -40, 40, 40)
        scale = min(self.width() / whole.width(), self.height() / whole.height())
        spare = QPointF(self.width() / scale - whole.width(), self.height() / scale - whole.height()) / 2
        return scale, whole.topLeft() - spare
