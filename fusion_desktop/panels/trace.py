"""A call as a timeline: one bar for each hop, nested as the hops are. A bar leads to its node on the canvas."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QToolTip, QWidget

from fusion_desktop import theme
from fusion_desktop.run.trace import Part, Span
from fusion_desktop.run.traffic_model import duration_words, size_words

_ROW = 6 * theme.GRID
_AXIS = 6 * theme.GRID
_INDENT = 4 * theme.GRID
_PAD = 3 * theme.GRID
_MARK = 2 * theme.GRID
_BAR = 3 * theme.GRID
_TICKS = (1, 2, 5)
_ROLES = {Part.CLIENT: "info", Part.COMPOSITE: "quarantined", Part.CHILD: "ready", Part.ATTEMPT: "ready"}


class Timeline(QAbstractScrollArea):
    """Shows the spans of one call."""

    chosen = Signal(str)
    """The id of the node whose bar was chosen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spans: tuple[Span, ...] = ()
        self._row = -1
        self._began = 0.0
        self._length_s = 0.001
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Trace of the call")
        self.viewport().setMouseTracking(True)
        theme.signals.changed.connect(self.viewport().update)

    @property
    def spans(self) -> tuple[Span, ...]:
        """What is shown, from top to bottom."""
        return self._spans

    @property
    def chosen_span(self) -> Span | None:
        """The span that is marked."""
        return self._spans[self._row] if 0 <= self._row < len(self._spans) else None

    def show_spans(self, spans: Sequence[Span]) -> None:
        """Show a call; what was marked stays marked while the same call grows."""
        before = self.chosen_span
        self._spans = tuple(spans)
        self._row = next((row for row, span in enumerate(spans) if before is not None and span.id == before.id), -1)
        if spans:
            self._began = min(span.began for span in spans)
            ends = [span.ended if span.ended is not None else span.began for span in spans]
            self._length_s = max(max(ends) - self._began, 0.000_05)
        self.setAccessibleDescription("\n".join(map(span_words, spans)))
        self._fit()
        self.viewport().update()

    def choose(self, row: int) -> None:
        """Mark a span and tell its node."""
        if not 0 <= row < len(self._spans):
            return
        self._row = row
        top = row * _ROW
        bar = self.verticalScrollBar()
        room = self.viewport().height() - _AXIS
        if top < bar.value():
            bar.setValue(top)
        elif top + _ROW > bar.value() + room:
            bar.setValue(top + _ROW - room)
        self.viewport().update()
        span = self._spans[row]
        if span.part is not Part.CLIENT:
            self.chosen.emit(span.node)

    def sizeHint(self) -> QSize:
        return QSize(480, 160)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
        if event.key() in steps:
            self.choose(max(0, min(len(self._spans) - 1, self._row + steps[Qt.Key(event.key())])))
        elif event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.choose(self._row)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.choose(self._row_at(event.position().toPoint()))

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            row = self._row_at(event.pos())
            words = span_words(self._spans[row]) if 0 <= row < len(self._spans) else ""
            QToolTip.showText(event.globalPos(), words, self.viewport())
            return True
        return super().viewportEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.fillRect(self.viewport().rect(), theme.colour("field"))
        if not self._spans:
            painter.setFont(theme.font(theme.BODY))
            painter.setPen(theme.colour("muted"))
            painter.drawText(self.viewport().rect(), Qt.AlignmentFlag.AlignCenter, "This message belongs to no call.")
            return
        left = self._left()
        offset = self.verticalScrollBar().value()
        first = offset // _ROW
        last = min(len(self._spans), first + self.viewport().height() // _ROW + 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for row in range(first, last):
            top = _AXIS + row * _ROW - offset
            self._paint_row(painter, self._spans[row], QRect(0, top, self.viewport().width(), _ROW), row == self._row)
        self._paint_axis(painter, left)

    def _fit(self) -> None:
        room = max(0, self.viewport().height() - _AXIS)
        bar = self.verticalScrollBar()
        bar.setRange(0, max(0, len(self._spans) * _ROW - room))
        bar.setPageStep(room)
        bar.setSingleStep(_ROW)

    def _row_at(self, place: QPoint) -> int:
        if place.y() < _AXIS:
            return -1
        return (place.y() - _AXIS + self.verticalScrollBar().value()) // _ROW

    def _left(self) -> int:
        """Return where the bars begin: after the longest name, but not beyond a part of the width."""
        metrics = QFontMetrics(theme.font(theme.BODY))
        widest = max(_PAD + span.depth * _INDENT + 16 + metrics.horizontalAdvance(span.name) for span in self._spans)
        deepest = max(_PAD + span.depth * _INDENT for span in self._spans)
        return max(min(widest + 4 * theme.GRID, self.viewport().width() // 2), deepest + 16 * theme.GRID)

    def _room(self) -> int:
        # Beside the longest bar there must be room for its duration.
        return max(40, self.viewport().width() - self._left() - 18 * theme.GRID)

    def _x(self, at: float) -> float:
        return self._left() + max(0.0, at - self._began) / self._length_s * self._room()

    def _paint_axis(self, painter: QPainter, left: int) -> None:
        width = self.viewport().width()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(QRect(0, 0, width, _AXIS), theme.colour("panel"))
        painter.setPen(theme.colour("border"))
        painter.drawLine(0, _AXIS - 1, width, _AXIS - 1)
        painter.setFont(theme.font(theme.CAPTION))
        step = _step(self._length_s * 1000, self._room() / 72)
        count = 0
        while (at := count * step) <= self._length_s * 1000 * 1.0001:
            x = round(self._x(self._began + at / 1000))
            painter.setPen(theme.colour("border"))
            painter.drawLine(x, _AXIS - 5, x, _AXIS - 1)
            painter.setPen(theme.colour("muted"))
            painter.drawText(x + 4, 0, 72, _AXIS - 1, Qt.AlignmentFlag.AlignVCenter, _tick_words(at, step))
            count += 1
        painter.setPen(theme.colour("muted"))
        painter.drawText(_PAD, 0, left - _PAD, _AXIS - 1, Qt.AlignmentFlag.AlignVCenter, "Hop")

    def _paint_row(self, painter: QPainter, span: Span, rect: QRect, is_chosen: bool) -> None:
        if is_chosen:
            painter.fillRect(rect, theme.colour("selection"))
        role = "error" if span.error is not None else _ROLES[span.part]
        left = self._left()
        indent = _PAD + span.depth * _INDENT
        mark = QRectF(indent, rect.center().y() - _MARK / 2 + 0.5, _MARK, _MARK)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(role))
        _draw_mark(painter, mark, span)
        painter.setFont(theme.font(theme.BODY))
        painter.setPen(theme.colour("error" if span.error is not None else "text"))
        words = QRect(indent + 16, rect.top(), left - indent - 16 - 2 * theme.GRID, rect.height())
        name = painter.fontMetrics().elidedText(span.name, Qt.TextElideMode.ElideRight, words.width())
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, name)
        end = self._paint_bar(painter, span, rect, role)
        said = "under way" if span.ended is None else duration_words(span.milliseconds)
        said = f"{said} · {span.error}" if span.error is not None else said
        painter.setFont(theme.font(theme.CAPTION))
        painter.setPen(theme.colour("error" if span.error is not None else "muted"))
        room = rect.right() - end - _PAD
        if span.error is not None and room < 120 and end - 8 - left > 200:
            return  # the tooltip says it
        painter.drawText(
            QRect(end, rect.top(), room, rect.height()),
            Qt.AlignmentFlag.AlignVCenter,
            painter.fontMetrics().elidedText(said, Qt.TextElideMode.ElideRight, room),
        )

    def _paint_bar(self, painter: QPainter, span: Span, rect: QRect, role: str) -> int:
        """Draw the bar, filled where the child's server was at work, and return where words may begin."""
        last = self._began + self._length_s
        top = rect.center().y() - _BAR / 2 + 0.5
        began, ended = self._x(span.began), self._x(span.ended if span.ended is not None else last)
        bar = QRectF(began, top, max(3.0, ended - began), _BAR)
        line = QPen(theme.colour(role), 1)
        if span.ended is None:
            line.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(line)
        painter.setBrush(theme.colour(role, 56))
        painter.drawRoundedRect(bar.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(role, 190))
        for out, back in span.wire:
            start = max(began, self._x(out))
            width = max(2.0, min(self._x(back if back is not None else span.ended or last), ended) - start)
            painter.drawRoundedRect(QRectF(start, top, min(width, bar.right() - start), _BAR), 3, 3)
        return round(bar.right()) + 2 * theme.GRID


def span_words(span: Span) -> str:
    """Return a span in a line: who, what, how long, and what went wrong."""
    took = "under way" if span.ended is None else duration_words(span.milliseconds)
    words = f"{span.name}: {span.what}, {took}" if span.what else f"{span.name}: {took}"
    server = sum(back - out for out, back in span.wire if back is not None) * 1000
    if server and span.part is Part.CHILD:
        words += f", of which its server {duration_words(server)}"
    if span.sent is not None and span.received is not None:
        words += f"\n{size_words(span.sent)} sent, {size_words(span.received)} received"
    return f"{words}\n{span.error}" if span.error is not None else words


def summary_words(spans: Sequence[Span]) -> str:
    """Return how the time of a call was spent, if that is known."""
    if not spans or spans[0].milliseconds is None:
        return ""
    total = spans[0].milliseconds
    servers = [(a, b) for span in spans if span.part is Part.CHILD for a, b in span.wire if b is not None]
    if not servers:
        return f"{duration_words(total)} in all"
    busy = _covered(servers) * 1000
    return f"{duration_words(total)} in all: servers {duration_words(busy)}, the rest {duration_words(total - busy)}"


def _covered(times: Sequence[tuple[float, float]]) -> float:
    """Return how long at least one of these times lasted."""
    covered, until = 0.0, 0.0
    for began, ended in sorted(times):
        covered += max(0.0, ended - max(began, until))
        until = max(until, ended)
    return covered


def _draw_mark(painter: QPainter, box: QRectF, span: Span) -> None:
    """Draw what the hop is as a shape: a dot, a ring of corners, a square; a triangle where it failed."""
    if span.error is not None:
        painter.drawPolygon([QPointF(box.center().x(), box.top()), box.bottomRight(), box.bottomLeft()])
    elif span.part is Part.COMPOSITE:
        painter.drawRoundedRect(box, 2, 2)
    elif span.part is Part.ATTEMPT:
        painter.drawRect(box.adjusted(2, 2, -2, -2))
    else:
        painter.drawEllipse(box)


def _step(milliseconds: float, count: float) -> float:
    """Return a round number of milliseconds of which about `count` fit into a time."""
    step = 0.001
    while True:
        for times in _TICKS:
            if milliseconds / (step * times) <= max(1.0, count):
                return step * times
        step *= 10


def _tick_words(at: float, step: float) -> str:
    if at == 0:
        return "0"
    if at >= 1000 and step >= 100:
        return f"{at / 1000:g} s"
    return f"{at:.3g} ms" if step < 1 else f"{at:.0f} ms"
