"""The table of messages: which way each went, what it said, and what became of it."""

from PySide6.QtCore import QAbstractItemModel, QRect, Qt
from PySide6.QtGui import QPainter, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from fusion_desktop import theme
from fusion_desktop.panels.rows import RowTable
from fusion_desktop.run.rows import Index
from fusion_desktop.run.traffic import CLIENT, Kind, Outcome, Row
from fusion_desktop.run.traffic_model import HOP, MESSAGE, SIZE, STATUS, TIME, TOOK, TrafficModel

_WIDTHS = {TIME: 96, HOP: 148, MESSAGE: 280, STATUS: 100, TOOK: 64, SIZE: 64}
_BAD = {Outcome.ERROR: "error", Outcome.FAILED: "error", Outcome.LOST: "error", Outcome.CANCELLED: "warning"}


class TrafficTable(RowTable):
    """Narrow, it keeps the columns that matter."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Traffic", parent)
        self.setItemDelegate(_Cells(self))

    def setModel(self, model: QAbstractItemModel | None) -> None:
        super().setModel(model)
        columns = self.horizontalHeader()
        for column, width in _WIDTHS.items():
            self.setColumnWidth(column, width)
        columns.setSectionResizeMode(MESSAGE, QHeaderView.ResizeMode.Stretch)
        columns.setMinimumSectionSize(48)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        width = self.viewport().width()
        self.setColumnHidden(SIZE, width < 640)
        self.setColumnHidden(TIME, width < 560)
        self.setColumnWidth(HOP, 124 if width < 560 else _WIDTHS[HOP])
        self.setColumnWidth(STATUS, 88 if width < 560 else _WIDTHS[STATUS])


class _Cells(QStyledItemDelegate):
    """Paints a message: which way it went as an arrow, what became of it as a word and a colour."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        assert isinstance(model, TrafficModel)
        row: Row = index.data(TrafficModel.RowRole)
        rect, column = option.rect, index.column()
        role = _BAD.get(row.outcome) if row.outcome is not None else None
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, theme.colour("selection"))
        elif role is not None:
            painter.fillRect(rect, theme.colour(role, 22))
        inner = rect.adjusted(2 * theme.GRID, 0, -theme.GRID, 0)
        painter.save()
        if column == HOP:
            _paint_hop(painter, inner, model, row)
        elif column == MESSAGE:
            _paint_message(painter, inner, row)
        else:
            painter.setFont(theme.font(theme.CAPTION, mono=column == TIME))
            painter.setPen(theme.colour(_status_role(row, role) if column == STATUS else "muted"))
            align = Qt.AlignmentFlag.AlignRight if column in {TOOK, SIZE} else Qt.AlignmentFlag.AlignLeft
            text = painter.fontMetrics().elidedText(model.cell(row, column), Qt.TextElideMode.ElideRight, inner.width())
            painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | align, text)
        painter.restore()


def _status_role(row: Row, bad: str | None) -> str:
    return bad or {Outcome.OK: "ready", Outcome.PENDING: "starting"}.get(row.outcome or Outcome.LOST, "muted")


def _paint_message(painter: QPainter, rect: QRect, row: Row) -> None:
    """Write the method, what it is about, and the beginning of what was said."""
    painter.setFont(theme.font(theme.CAPTION, mono=True))
    metrics = painter.fontMetrics()
    left = rect.left()
    is_answer = row.kind in {Kind.RESPONSE, Kind.HTTP}
    for text, role in (
        (row.method or "answer to nothing", "muted" if is_answer else "text"),
        (row.name, "muted" if is_answer else "accent"),
        (row.preview, "muted"),
    ):
        room = rect.right() - left
        if not text or room < 16:
            continue
        painter.setPen(theme.colour(role))
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRect(left, rect.top(), room, rect.height()), Qt.AlignmentFlag.AlignVCenter, shown)
        left += metrics.horizontalAdvance(shown) + 3 * theme.GRID


def _paint_hop(painter: QPainter, rect: QRect, model: TrafficModel, row: Row) -> None:
    """Write from where to where, the arrow in the accent where the message is one the client sees."""
    start, end = model.ends_of(row)
    painter.setFont(theme.font(theme.CAPTION))
    metrics = painter.fontMetrics()
    arrow = " → "
    width = metrics.horizontalAdvance(arrow)
    half = (rect.width() - width) // 2
    left = min(
        metrics.horizontalAdvance(start) + 2, max(half, rect.width() - width - metrics.horizontalAdvance(end) - 2)
    )
    middle = Qt.AlignmentFlag.AlignVCenter
    painter.setPen(theme.colour("text"))
    elide = Qt.TextElideMode.ElideRight
    painter.drawText(
        QRect(rect.left(), rect.top(), left, rect.height()), middle, metrics.elidedText(start, elide, left)
    )
    painter.setPen(theme.colour("accent" if row.hop == CLIENT else "faint"))
    painter.drawText(QRect(rect.left() + left, rect.top(), width, rect.height()), middle, arrow)
    painter.setPen(theme.colour("text"))
    right = QRect(rect.left() + left + width, rect.top(), rect.width() - left - width, rect.height())
    painter.drawText(right, middle, metrics.elidedText(end, elide, right.width()))
