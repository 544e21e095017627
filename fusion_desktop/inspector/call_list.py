"""The calls that were made, as a list: what was called with what, how it went, when, and how long it took."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from fusion_desktop import assets, theme
from fusion_desktop.run.history_store import CallStatus, Entry

Index: TypeAlias = QModelIndex | QPersistentModelIndex

_SIGN = 16
# Icon, colour role and word: never the colour alone.
STATUS: dict[CallStatus, tuple[str, str, str]] = {
    CallStatus.RUNNING: ("clock", "busy", "running"),
    CallStatus.DONE: ("check", "ready", "done"),
    CallStatus.FAILED: ("error", "error", "failed"),
    CallStatus.CANCELLED: ("stop", "stopped", "cancelled"),
    CallStatus.UNANSWERED: ("warning", "warning", "no answer"),
    CallStatus.INTERRUPTED: ("warning", "warning", "interrupted"),
}


class CallModel(QAbstractListModel):
    """The entries that were found."""

    EntryRole = Qt.ItemDataRole.UserRole
    AboutRole = Qt.ItemDataRole.UserRole + 1
    WhenRole = Qt.ItemDataRole.UserRole + 2

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: tuple[Entry, ...] = ()
        self.name_of: Callable[[str], str] = str

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All that are listed."""
        return self._entries

    def show(self, entries: Sequence[Entry]) -> None:
        """List these."""
        self.beginResetModel()
        self._entries = tuple(entries)
        self.endResetModel()

    def row_of(self, number: int) -> int:
        """Return where a call is listed, or -1."""
        return next((row for row, entry in enumerate(self._entries) if entry.id == number), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own default
        return 0 if parent.isValid() else len(self._entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry = self._entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.target or entry.method
        if role == self.EntryRole:
            return entry
        if role == self.AboutRole:
            return about(entry, self.name_of)
        if role == self.WhenRole:
            return when(entry.at)
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{entry.method} {entry.target}\n{_word(entry)}{': ' if entry.message else ''}{entry.message[:500]}"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            pinned = ", pinned" if entry.is_pinned else ""
            return f"{entry.target or entry.method}, {_word(entry)}, {when(entry.at)}{pinned}"
        return None


class CallRow(QStyledItemDelegate):
    """Paints a call in two lines."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(160, 11 * theme.GRID)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        entry: Entry = index.data(CallModel.EntryRole)
        rect: QRect = option.rect
        paint_back(painter, option)
        icon, role, _ = STATUS[entry.status]
        assets.icon(icon, role).paint(painter, QRect(rect.left() + 12, rect.top() + 7, _SIGN, _SIGN))
        inner = rect.adjusted(36, theme.GRID, -3 * theme.GRID, -theme.GRID)
        top = QRect(inner.left(), inner.top(), inner.width(), inner.height() // 2)
        under = top.translated(0, top.height())
        used = draw_text(painter, top, str(index.data(CallModel.WhenRole)), "muted", size=theme.CAPTION, right=True)
        if entry.is_pinned:
            used += 5 * theme.GRID
            spot = QRect(top.right() - used + 1, top.top() + 2, 14, 14)
            assets.icon("pin", "accent").paint(painter, spot)
        draw_text(painter, top.adjusted(0, 0, -used - 8, 0), str(index.data()), "text")
        took = duration(entry.milliseconds) if entry.milliseconds is not None else STATUS[entry.status][2]
        used = draw_text(painter, under, took, "muted", size=theme.CAPTION, right=True)
        is_bad = entry.status not in {CallStatus.DONE, CallStatus.RUNNING}
        colour = role if is_bad else "muted"
        about_text = str(index.data(CallModel.AboutRole))
        draw_text(painter, under.adjusted(0, 0, -used - 8, 0), about_text, colour, size=theme.CAPTION)


def paint_back(painter: QPainter, option: QStyleOptionViewItem) -> None:
    """Paint what shows whether a row is selected, pointed at, or has the focus."""
    state: QStyle.StateFlag = option.state
    rect: QRect = option.rect
    if state & QStyle.StateFlag.State_Selected:
        painter.fillRect(rect, theme.colour("selection"))
    elif state & QStyle.StateFlag.State_MouseOver:
        painter.fillRect(rect, theme.colour("hover"))
    if state & QStyle.StateFlag.State_HasFocus:
        painter.setPen(theme.colour("accent"))
        painter.drawRect(rect.adjusted(0, 0, -1, -1))


def draw_text(
    painter: QPainter, rect: QRect, text: str, role: str, *, size: int = theme.BODY, right: bool = False
) -> int:
    """Paint one line, shortened to fit, and return how wide it is."""
    font = theme.font(size)
    painter.setFont(font)
    painter.setPen(theme.colour(role))
    metrics = QFontMetrics(font)
    plain = " ".join(text.split())
    shown = metrics.elidedText(plain, Qt.TextElideMode.ElideRight, rect.width())
    side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter | side, shown)
    return metrics.horizontalAdvance(shown)


def about(entry: Entry, name_of: Callable[[str], str]) -> str:
    """Return in a line what a call was given, or why it failed."""
    place = f"{name_of(entry.node)} · " if entry.node else ""
    if entry.message:
        return f"{place}{entry.message}"
    _, found, given = entry.start_of_params.partition('"arguments": ')
    if found:
        return f"{place}{given.removesuffix('}') if given.endswith('}}') else given}"
    return f"{place}{entry.method}"


def when(at: float) -> str:
    """Return a time as somebody would say it today."""
    moment, now = datetime.fromtimestamp(at), datetime.now()
    if moment.date() == now.date():
        return moment.strftime("%H:%M:%S")
    return moment.strftime("%d %b %H:%M" if moment.year == now.year else "%d %b %Y")


def duration(milliseconds: float) -> str:
    """Return how long something took."""
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def _word(entry: Entry) -> str:
    return STATUS[entry.status][2]
