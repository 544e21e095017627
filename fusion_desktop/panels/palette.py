"""A list to type into: all commands, all that can be added, or all nodes of the graph."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtGui import QFontMetrics, QHideEvent, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from fusion_desktop import assets, fuzzy, theme

Index: TypeAlias = QModelIndex | QPersistentModelIndex

WIDTH, ROW, ROWS = 520, 40, 9


@dataclass(frozen=True)
class Entry:
    """One thing to choose."""

    title: str
    choose: Callable[[], object] = field(repr=False)
    detail: str = ""
    keys: str = ""
    icon: str | None = None
    enabled: bool = True
    preview: Callable[[bool], object] | None = field(default=None, repr=False)
    """Told True when the entry becomes the current one, and False when it no longer is."""


class _Entries(QAbstractListModel):
    EntryRole = Qt.ItemDataRole.UserRole

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._all: Sequence[Entry] = ()
        self._texts: list[str] = []
        self._shown: list[int] = []

    def offer(self, entries: Sequence[Entry]) -> None:
        self._all = entries
        self._texts = [f"{entry.title} {entry.detail}".casefold() for entry in entries]
        self.search("")

    def search(self, words: str) -> None:
        self.beginResetModel()
        self._shown = fuzzy.best(words, self._texts)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own default
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry = self._all[self._shown[index.row()]]
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.title
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return " ".join(filter(None, (entry.detail, entry.keys)))
        return entry if role == self.EntryRole else None


class _Row(QStyledItemDelegate):
    """Paints an icon, a title, its detail, and the keys at the right."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        # As wide as the list is anyway: a wider row would have to be scrolled when the list is long.
        return QSize(100, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        entry: Entry = index.data(_Entries.EntryRole)
        area: QRect = option.rect.adjusted(4, 1, -4, -1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("selection"))
            painter.drawRoundedRect(area, theme.RADIUS, theme.RADIUS)
        if entry.icon:
            role = "accent" if entry.enabled else "faint"
            assets.icon(entry.icon, role).paint(painter, QRect(area.x() + 8, area.y() + 10, 18, 18))
        title, small = theme.font(), theme.font(theme.CAPTION)
        keys_width = QFontMetrics(small).horizontalAdvance(entry.keys) + 12 if entry.keys else 0
        text = QRect(area.x() + 36, area.y(), area.width() - 44 - keys_width, area.height())
        painter.setFont(title)
        painter.setPen(theme.colour("text" if entry.enabled else "faint"))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(
            text, middle, QFontMetrics(title).elidedText(entry.title, Qt.TextElideMode.ElideRight, text.width())
        )
        used = QFontMetrics(title).horizontalAdvance(entry.title) + 12
        painter.setFont(small)
        painter.setPen(theme.colour("muted"))
        rest = text.adjusted(used, 0, 0, 0)
        if rest.width() > 40:
            painter.drawText(
                rest, middle, QFontMetrics(small).elidedText(entry.detail, Qt.TextElideMode.ElideRight, rest.width())
            )
        painter.drawText(area.adjusted(0, 0, -8, 0), middle | Qt.AlignmentFlag.AlignRight, entry.keys)
        painter.restore()


class Palette(QFrame):
    """Lies over the window until something is chosen, Escape is pressed, or the focus goes elsewhere."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("palette")
        self.search = QLineEdit()
        self.search.setAccessibleName("Search")
        self.search.addAction(assets.icon("magnifier", "muted"), QLineEdit.ActionPosition.LeadingPosition)
        self.list = QListView()
        self.list.setAccessibleName("What fits")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._model = _Entries(self)
        self.list.setModel(self._model)
        self.list.setItemDelegate(_Row(self.list))
        self._nothing = QLabel("Nothing fits")
        self._nothing.setProperty("role", "muted")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self.search)
        layout.addWidget(self.list)
        layout.addWidget(self._nothing)
        self.search.textChanged.connect(self._search)
        self.search.installEventFilter(self)
        self.list.clicked.connect(self._choose)
        self._before: QWidget | None = None
        self._previewed: Entry | None = None
        self.hide()

    def offer(self, entries: Sequence[Entry], prompt: str, at: QPoint | None = None) -> None:
        """Let the user choose; `at` is where it appears in the window, else in the middle above."""
        window = self.parentWidget()
        assert window is not None
        self._before = window.focusWidget()
        self._model.offer(entries)
        self.search.setPlaceholderText(prompt)
        self.search.clear()
        self.setFixedWidth(WIDTH)
        self._search("")
        corner = at if at is not None else QPoint((window.width() - WIDTH) // 2, 24)
        x = max(8, min(corner.x(), window.width() - WIDTH - 8))
        y = max(8, min(corner.y(), window.height() - self.height() - 8))
        self.move(x, y)
        self.show()
        self.raise_()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)

    def _search(self, words: str) -> None:
        self._model.search(words)
        self._go_to(0)
        found = bool(self._model.rowCount())
        self.list.setVisible(found)
        self.list.setFixedHeight(ROW * min(ROWS, self._model.rowCount()) + 2 * self.list.frameWidth())
        self._nothing.setVisible(not found)
        self.adjustSize()

    def _choose(self, index: QModelIndex) -> None:
        entry: Entry | None = index.data(_Entries.EntryRole)
        if entry is not None and entry.enabled:
            self._leave()
            entry.choose()

    def _go_to(self, row: int) -> None:
        index = self._model.index(row, 0)
        self.list.setCurrentIndex(index)
        self._show_preview(index.data(_Entries.EntryRole) if index.isValid() else None)

    def _show_preview(self, entry: Entry | None) -> None:
        before, self._previewed = self._previewed, entry
        if before is not None and before.preview is not None:
            before.preview(False)
        if entry is not None and entry.preview is not None:
            entry.preview(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._show_preview(None)

    def _leave(self) -> None:
        self.hide()
        if self._before is not None:
            self._before.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusOut and self.isVisible():
            self.hide()
        elif isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._key(event.key())
        return False

    def _key(self, key: int) -> bool:
        row, count = self.list.currentIndex().row(), self._model.rowCount()
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: ROWS, Qt.Key.Key_PageUp: -ROWS}
        if key == Qt.Key.Key_Escape:
            self._leave()
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self._choose(self.list.currentIndex())
        elif key in steps and count:
            step = steps[Qt.Key(key)]
            target = (row + step) % count if abs(step) == 1 else max(0, min(count - 1, row + step))
            self._go_to(target)
        else:
            return False
        return True
