"""What the lists of rows that keep coming have in common: the bar above, the table, and the line below."""

from collections.abc import Callable, Iterable
from typing import Any

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QTableView,
    QToolButton,
    QWidget,
)

from fusion_desktop import theme
from fusion_desktop.controls import icon_button, restyle, word_button
from fusion_desktop.run.rows import NewestRows

_ROW = 6 * theme.GRID

IconButton = tuple[str, str, str, Callable[[], object]]
"""The word for what a button does, its icon, what it does in full, and how."""


class RowTable(QTableView):
    """Copies whole rows, where Qt's own copies one cell, and stays at its end until somebody scrolls up."""

    copied = Signal()
    menu_wanted = Signal(QMenu, object)
    """A menu that is about to open, to be filled, and the row it is for."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_following = True
        self.setAccessibleName(name)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        rows = self.verticalHeader()
        rows.hide()
        # A fixed height: the cost of an update is then that of the visible rows.
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(_ROW)
        columns = self.horizontalHeader()
        columns.setHighlightSections(False)
        columns.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.verticalScrollBar().valueChanged.connect(self._note_place)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._open_menu)

    def follow(self) -> None:
        """Show the newest row, unless somebody reads an older one."""
        if self._is_following:
            self.scrollToBottom()

    def chosen(self) -> list[Any]:
        """Return the selected rows in their order."""
        indexes = sorted(self.selectionModel().selectedRows(), key=lambda index: index.row())
        return [index.data(NewestRows.RowRole) for index in indexes]

    def _note_place(self, value: int) -> None:
        # Whoever scrolls up, or looks into a row, wants to read; whoever is at the end wants to see what comes.
        self._is_following = value >= self.verticalScrollBar().maximum()

    def _open_menu(self, place: QPoint) -> None:
        index = self.indexAt(place)
        if not index.isValid():
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.menu_wanted.emit(menu, index.data(NewestRows.RowRole))
        menu.popup(self.viewport().mapToGlobal(place))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copied.emit()
        else:
            super().keyPressEvent(event)


class RowWords(QLabel):
    """The line below a list."""

    def __init__(self) -> None:
        super().__init__(textFormat=Qt.TextFormat.PlainText)
        self.setContentsMargins(3 * theme.GRID, 0, 3 * theme.GRID, theme.GRID)
        self.setFont(theme.font(theme.CAPTION))

    def tell(self, words: str, role: str = "muted") -> None:
        """Show words, as an `error` if they are one."""
        self.setText(words)
        restyle(self, role=role)


def pause_button(about: str, set_paused: Callable[[bool], object]) -> QToolButton:
    """Return a button that lets a list stand still until it is pressed again."""

    def pause(is_paused: bool) -> None:
        button.setText("Go on" if is_paused else "Pause")
        set_paused(is_paused)

    button = word_button("Pause", about)
    button.setCheckable(True)
    button.toggled.connect(pause)
    return button


def bar_above(search: QLineEdit, parts: Iterable[QWidget], buttons: Iterable[IconButton]) -> QHBoxLayout:
    """Return a line of what a list is filtered with, and what can be done with it."""
    bar = QHBoxLayout()
    bar.setContentsMargins(2 * theme.GRID, 2 * theme.GRID, 2 * theme.GRID, 0)
    bar.setSpacing(2 * theme.GRID)
    bar.addWidget(search, 1)
    for part in parts:
        bar.addWidget(part)
    for word, icon, about, do in buttons:
        button = icon_button(icon, about, do)
        button.setAccessibleName(f"{word}: {about}")
        bar.addWidget(button)
    return bar
