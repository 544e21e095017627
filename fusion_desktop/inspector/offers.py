"""The list of what a server offers, with search: tools, resources, templates or prompts."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QLabel,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from fusion_desktop import theme
from fusion_desktop.run.frames import JsonObject

Index: TypeAlias = QModelIndex | QPersistentModelIndex

BadgeRole = Qt.ItemDataRole.UserRole
AboutRole = Qt.ItemDataRole.UserRole + 1


class OfferModel(QAbstractListModel):
    """The offers that match a search; `key` is the member that names them."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key
        self._items: tuple[JsonObject, ...] = ()
        self._shown: list[JsonObject] = []
        self._needle = ""
        self._marks: dict[str, str] = {}

    def mark(self, name: str, words: str) -> None:
        """Put words before the description of an offer; no words take them away."""
        self._marks = {**self._marks, name: words}
        if (row := self.row_of(name)) >= 0:
            self.dataChanged.emit(self.index(row), self.index(row))

    def set_items(self, items: Sequence[JsonObject]) -> None:
        """Show another list."""
        self._items = tuple(items)
        self.search(self._needle)

    def search(self, text: str) -> None:
        """Show what has the text in its name, title or description."""
        self._needle = text.casefold()
        self.beginResetModel()
        self._shown = [item for item in self._items if self._needle in self._searched(item)]
        self.endResetModel()

    def item(self, row: int) -> JsonObject:
        """Return an offer as it is; as data of an index Qt would turn its numbers into small ones."""
        return self._shown[row]

    def row_of(self, name: str) -> int:
        """Return where the offer of this name is shown, or -1."""
        return next((row for row, item in enumerate(self._shown) if item[self._key] == name), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 — Qt's own signature
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        item = self._shown[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return item[self._key] if self._key == "name" else item.get("title") or item.get("name") or item[self._key]
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{item[self._key]}\n{item.get('description') or ''}".strip()
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join([str(item[self._key]), *self._notes(item)])
        if role == BadgeRole:
            return " · ".join(self._notes(item))
        if role == AboutRole:
            return str(item.get("description") or item.get("title") or item.get("uri") or "").partition("\n")[0]
        return None

    def _notes(self, item: JsonObject) -> list[str]:
        word = self._marks.get(item[self._key])
        return [word, *badges(item)] if word else badges(item)

    def _searched(self, item: JsonObject) -> str:
        return " ".join(str(item.get(key) or "") for key in (self._key, "name", "title", "description")).casefold()


def badges(item: JsonObject) -> list[str]:
    """Return in words what a tool says about its effects, which is a hint and no promise, and about tasks."""
    notes, execution = item.get("annotations"), item.get("execution")
    support = execution.get("taskSupport") if isinstance(execution, dict) else None
    task = {"required": ["only as a task"], "optional": ["also as a task"]}.get(str(support), [])
    if not isinstance(notes, dict):
        return task
    words = {"readOnlyHint": "reads only", "destructiveHint": "may destroy", "openWorldHint": "reaches outside"}
    found = [word for key, word in words.items() if notes.get(key) is True]
    return [*found, *(["repeatable"] if notes.get("idempotentHint") is True else []), *task]


class _Lines(QStyledItemDelegate):
    """Paints a name and, below it, the first line of its description."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(120, 11 * theme.GRID)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        look = theme.current()
        painter.save()
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(look.selection))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, QColor(look.hover))
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QColor(look.accent))
            painter.drawRect(rect.adjusted(0, 0, -1, -1))
        inner = rect.adjusted(3 * theme.GRID, theme.GRID, -2 * theme.GRID, -theme.GRID)
        badge, about = str(index.data(BadgeRole)), str(index.data(AboutRole))
        below = f"{badge} — {about}" if badge and about else badge or about
        half = inner.height() // 2 if below else inner.height()
        self._line(
            painter, QRect(inner.left(), inner.top(), inner.width(), half), str(index.data()), theme.BODY, "text"
        )
        under = QRect(inner.left(), inner.top() + half, inner.width(), half)
        self._line(painter, under, below, theme.CAPTION, "muted")
        painter.restore()

    def _line(self, painter: QPainter, rect: QRect, text: str, size: int, role: str) -> None:
        font = theme.font(size)
        painter.setFont(font)
        painter.setPen(theme.colour(role))
        shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
        painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)


class Offers(QWidget):
    """A list with a search field; words stand in its place while it is empty."""

    chosen = Signal(object)
    """The offer that is selected, or None."""

    def __init__(self, kind: str, key: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kind = kind
        self._key = key
        self._items: tuple[JsonObject, ...] = ()
        self._model = OfferModel(key)
        self.search = QLineEdit()
        self.search.setPlaceholderText(f"Search {kind}")
        self.search.setAccessibleName(f"Search {kind}")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._search)
        self.view = QListView()
        self.view.setModel(self._model)
        self.view.setItemDelegate(_Lines(self.view))
        self.view.setUniformItemSizes(True)
        self.view.setMouseTracking(True)
        # One entry at least, where a question or a form needs the room.
        self.view.setMinimumHeight(11 * theme.GRID)
        self.view.setAccessibleName(kind.capitalize())
        self.view.selectionModel().currentChanged.connect(self._choose)
        self._empty = QLabel(wordWrap=True, alignment=Qt.AlignmentFlag.AlignTop)
        self._empty.setProperty("role", "muted")
        self._empty.setContentsMargins(3 * theme.GRID, 2 * theme.GRID, 3 * theme.GRID, 0)
        search = QVBoxLayout()
        search.setContentsMargins(3 * theme.GRID, 0, 3 * theme.GRID, 0)
        search.addWidget(self.search)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * theme.GRID)
        layout.addLayout(search)
        layout.addWidget(self.view, 1)
        layout.addWidget(self._empty, 1)
        self._settled = QTimer(self, interval=0, singleShot=True)
        self._settled.timeout.connect(self._keep_in_view)
        self.set_items((), "")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # Below a form or a question the list gets shorter; the list itself knows its height only after this.
        self._settled.start()

    def _keep_in_view(self) -> None:
        if (index := self.view.currentIndex()).isValid():
            self.view.scrollTo(index)

    def set_items(self, items: Sequence[JsonObject], words: str) -> None:
        """Show another list and keep what is selected; the words are for when it is empty."""
        name = self.current_name()
        self._items = tuple(items)
        self._words = words
        self._model.set_items(items)
        self.select(name) if name is not None else None
        if name is not None and self.current_name() is None:
            self.chosen.emit(None)
        self._show_empty()

    def current(self) -> JsonObject | None:
        """Return the selected offer."""
        index = self.view.currentIndex()
        return self._model.item(index.row()) if index.isValid() else None

    def current_name(self) -> str | None:
        """Return the name of the selected offer."""
        item = self.current()
        return None if item is None else str(item[self._key])

    def mark(self, name: str, words: str) -> None:
        """Put words before the description of an offer; no words take them away."""
        self._model.mark(name, words)

    def select(self, name: str) -> bool:
        """Select an offer by its name, and tell whether it is there."""
        row = self._model.row_of(name)
        if row < 0:
            return False
        self.view.setCurrentIndex(self._model.index(row))
        return True

    def _search(self, text: str) -> None:
        self._model.search(text)
        self._show_empty()

    def _choose(self, index: QModelIndex) -> None:
        self.chosen.emit(self._model.item(index.row()) if index.isValid() else None)

    def _show_empty(self) -> None:
        is_empty = self._model.rowCount() == 0
        found_nothing = f"None of the {len(self._items)} {self._kind} matches." if self._items else self._words
        self._empty.setText(found_nothing)
        self._empty.setVisible(is_empty)
        self.view.setVisible(not is_empty)
        self.search.setVisible(bool(self._items))
