"""Frames and notes on the canvas: what people write there for each other, drawn behind and beside the nodes."""

from abc import abstractmethod

from PySide6.QtCore import QPointF, QRectF, Qt, QUrl
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QColor,
    QPainter,
    QPainterPath,
    QPalette,
    QPen,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
)
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from composite_runtime.graph.model import Frame, Note
from fusion_desktop import assets, theme
from fusion_desktop.canvas import ink as inks
from fusion_desktop.canvas.node_item import MARGIN

BAR = 32.0
"""How high the title of a frame is; it is what a frame is taken hold of by."""
CORNER = 16.0
RADIUS = 8.0
_INSET = 12.0


class AnnotationItem(QGraphicsItem):
    """Shows one frame or note; decides nothing. `node_id` is its id, from the same stock as those of nodes."""

    def __init__(self, node_id: str) -> None:
        super().__init__()
        self.node_id = node_id
        self.is_locked = False
        self._body = QRectF(0, 0, 200, 100)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIsSelectable)

    @abstractmethod
    def restyle(self) -> None:
        """Take the fonts and colours of another theme."""

    def show_locked(self, locked: bool) -> None:
        """Say whether it can be moved."""
        if locked is not self.is_locked:
            self.is_locked = locked
            self.update()

    def set_size(self, width: float, height: float) -> None:
        """Cover this much."""
        if (width, height) != (self._body.width(), self._body.height()):
            self.prepareGeometryChange()
            self._body = QRectF(0, 0, width, height)
            self.restyle()

    def boundingRect(self) -> QRectF:
        return self._body.adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN)

    @property
    def body(self) -> QRectF:
        """Return what it covers, in scene coordinates."""
        return self._body.translated(self.pos())

    def corner_holds(self, point: QPointF) -> bool:
        """Tell whether a point of the scene lies in the corner at which it is resized."""
        corner = self.body.bottomRight()
        return corner.x() - CORNER <= point.x() <= corner.x() and corner.y() - CORNER <= point.y() <= corner.y()

    def _paint_corner(self, painter: QPainter, colour: QColor) -> None:
        painter.setPen(QPen(colour, 1))
        right, bottom = self._body.width(), self._body.height()
        for reach in (5, 9):
            painter.drawLine(QPointF(right - 4 - reach, bottom - 5), QPointF(right - 5, bottom - 4 - reach))

    def _border(self, colour: QColor) -> QPen:
        pens = inks.ink()
        if self.isSelected():
            return pens.selected_border
        pen = QPen(colour, 1)
        pen.setCosmetic(True)
        return pen


class FrameItem(AnnotationItem):
    """A coloured region with a title. Only title, rim and corner can be taken hold of: the rest is ground."""

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame.id)
        self.show_annotation(frame)

    def show_annotation(self, frame: Frame) -> None:
        """Show what the frame says now."""
        self._frame = frame
        self.update()

    def restyle(self) -> None:
        self.update()

    def shape(self) -> QPainterPath:
        whole, hole = QPainterPath(), QPainterPath()
        whole.addRect(self._body)
        hole.addRect(self._body.adjusted(6, BAR, -6, -6))
        corner = QPainterPath()
        corner.addRect(QRectF(self._body.right() - CORNER, self._body.bottom() - CORNER, CORNER, CORNER))
        return whole.subtracted(hole).united(corner)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        scale = option.levelOfDetailFromTransform(painter.worldTransform())
        role = theme.SHADES[self._frame.colour]
        detailed = scale >= inks.FULL_DETAIL
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, detailed)
        body = self._body.adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(self._border(theme.colour(role, 190)))
        painter.setBrush(theme.colour(role, 22))
        painter.drawRoundedRect(body, RADIUS, RADIUS)
        bar = QPainterPath()
        bar.addRoundedRect(body, RADIUS, RADIUS)
        strip = QPainterPath()
        strip.addRect(QRectF(0, 0, body.width() + 1, BAR))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(role, 44))
        painter.drawPath(bar.intersected(strip))
        if not detailed:
            return
        pens = inks.ink()
        room = self._body.width() - 2 * _INSET - (20 if self.is_locked else 0)
        painter.setFont(pens.title)
        painter.setPen(pens.text)
        title = pens.title_metrics.elidedText(self._frame.title or "Frame", Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(_INSET, 0, room, BAR), Qt.AlignmentFlag.AlignVCenter, title)
        if self.is_locked:
            lock = QRectF(self._body.width() - _INSET - 14, BAR / 2 - 7, 14, 14)
            assets.draw_icon(painter, "lock", lock, theme.current().muted)
        self._paint_corner(painter, theme.colour(role, 190))


class NoteItem(AnnotationItem):
    """Words in Markdown on a card. Pictures and HTML in them are not shown: a graph must not fetch anything."""

    def __init__(self, note: Note) -> None:
        super().__init__(note.id)
        self._words: QTextDocument | None = None
        self.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        self.setZValue(900)
        self.show_annotation(note)

    def show_annotation(self, note: Note) -> None:
        """Show what the note says now."""
        self._note = note
        self.restyle()

    def restyle(self) -> None:
        self._words = rendered(self._note.text or "*Empty note*", self._body.width() - 2 * _INSET)
        self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        scale = option.levelOfDetailFromTransform(painter.worldTransform())
        role = theme.SHADES[self._note.colour]
        detailed = scale >= inks.FULL_DETAIL
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, detailed)
        body = self._body.adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("node"))
        painter.drawRoundedRect(body, 4, 4)
        painter.setPen(self._border(theme.colour(role, 190)))
        painter.setBrush(theme.colour(role, 30))
        painter.drawRoundedRect(body, 4, 4)
        painter.fillRect(QRectF(1, 4, 3, self._body.height() - 8), theme.colour(role))
        if not detailed or self._words is None:
            return
        room = self._body.adjusted(_INSET, 8, -_INSET, -8)
        if is_cut := self._words.size().height() > room.height() + 1:
            room.setBottom(room.bottom() - 12)
        painter.save()
        painter.setClipRect(room)
        painter.translate(room.topLeft())
        looks = QAbstractTextDocumentLayout.PaintContext()
        looks.palette.setColor(QPalette.ColorRole.Text, theme.colour("text"))
        looks.clip = QRectF(0, 0, room.width(), room.height())
        self._words.documentLayout().draw(painter, looks)
        painter.restore()
        if is_cut:
            painter.setPen(inks.ink().muted)
            painter.setFont(inks.ink().title)
            painter.drawText(QPointF(_INSET, self._body.height() - 8), "…")
        if self.is_locked:
            lock = QRectF(self._body.width() - 18, 4, 14, 14)
            assets.draw_icon(painter, "lock", lock, theme.current().muted)
        self._paint_corner(painter, theme.colour(role, 190))


class _Words(QTextDocument):
    def loadResource(self, kind: int, name: QUrl | str) -> object:
        return None


def rendered(text: str, width: float) -> QTextDocument:
    """Return Markdown laid out in a width."""
    made = _Words()
    made.setDefaultFont(theme.font())
    made.setDocumentMargin(0)
    dialect = QTextDocument.MarkdownFeature.MarkdownDialectGitHub
    made.setMarkdown(text, dialect | QTextDocument.MarkdownFeature.MarkdownNoHTML)
    made.setIndentWidth(20)
    _scale_headings(made)
    made.setTextWidth(max(40.0, width))
    return made


def _scale_headings(words: QTextDocument) -> None:
    """Bring Qt's large headings to the type scale."""
    pen = QTextCursor(words)
    block = words.begin()
    while block.isValid():
        if level := block.blockFormat().headingLevel():
            pen.setPosition(block.position())
            pen.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
            looks = QTextCharFormat()
            looks.setFont(theme.font(theme.TITLE if level == 1 else theme.BODY, bold=True))
            looks.setProperty(QTextFormat.Property.FontSizeAdjustment, 0)
            pen.mergeCharFormat(looks)
        block = block.next()


def height_for(text: str, width: float) -> float:
    """Return how high a note of this width must be to show all its words."""
    return rendered(text, width - 2 * _INSET).size().height() + 20.0
