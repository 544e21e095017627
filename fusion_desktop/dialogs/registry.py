"""Search the registry of MCP servers, and add what is found there. Nothing is asked before somebody presses Search."""

import asyncio
import time
from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QScrollArea,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from composite_runtime.errors import FusionError
from composite_runtime.interop.online_registry import DEFAULT_URL, OnlineRegistry, Page
from composite_runtime.interop.registry_entry import Entry, Severity
from fusion_desktop import assets, tasks, theme
from fusion_desktop.controls import restyle, search_field
from fusion_desktop.document import offers

_ENTRY = Qt.ItemDataRole.UserRole
_WAITING = "Type part of a name and press Search. Only then is the registry asked."


class RegistryDialog(QDialog):
    """A list that grows page by page, and what is known about the entry that is selected."""

    chosen = Signal(object)
    """The `Template` of an entry to be added."""
    address_changed = Signal(str)
    """Another registry is to be asked from now on."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        parent: QWidget | None = None,
        *,
        open_registry: Callable[[str], OnlineRegistry] = OnlineRegistry,
    ) -> None:
        super().__init__(parent)
        self._open = open_registry
        self._url = url
        self._cursor: str | None = None
        self._words = ""
        self._turn = 0
        self.setWindowTitle("Registry")
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.resize(QSize(840, 560))
        self.search = search_field("Part of a server’s name")
        self.search.addAction(assets.icon("magnifier", "muted"), QLineEdit.ActionPosition.LeadingPosition)
        self.go = QPushButton("Search")
        self.go.setDefault(True)
        self.go.clicked.connect(self.start)
        self.list = QListWidget()
        self.list.setAccessibleName("Servers found")
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.currentItemChanged.connect(self._select)
        self.list.itemActivated.connect(lambda _item: self._choose())
        self.more = QPushButton("More")
        self.more.setAutoDefault(False)
        self.more.clicked.connect(self._ask)
        self.more.hide()
        self.status = QLabel(_WAITING, textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self.status.setProperty("role", "muted")
        self.details = _Details()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(5 * theme.GRID, 5 * theme.GRID, 5 * theme.GRID, 4 * theme.GRID)
        layout.setSpacing(3 * theme.GRID)
        layout.addLayout(self._search_row())
        layout.addWidget(self.status)
        layout.addWidget(self._halves(), 1)
        layout.addLayout(self._buttons())
        self.search.setFocus()

    def _search_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(2 * theme.GRID)
        row.addWidget(self.search, 1)
        row.addWidget(self.go)
        return row

    def _halves(self) -> QSplitter:
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2 * theme.GRID)
        column.addWidget(self.list, 1)
        column.addWidget(self.more)
        halves = QSplitter(Qt.Orientation.Horizontal)
        halves.setChildrenCollapsible(False)
        halves.setHandleWidth(3 * theme.GRID)
        halves.setStyleSheet("QSplitter::handle { background: transparent; }")
        halves.addWidget(left)
        right = QScrollArea()
        right.setAccessibleName("About the chosen server")
        right.setFrameShape(QFrame.Shape.NoFrame)
        right.setWidgetResizable(True)
        right.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        right.setWidget(self.details)
        halves.addWidget(right)
        halves.setSizes([360, 440])
        return halves

    def _buttons(self) -> QHBoxLayout:
        self._address = QToolButton()
        self._address.setToolTip("Ask another registry")
        self._address.clicked.connect(self._ask_address)
        self._show_address()
        close = QPushButton("Close")
        close.setAutoDefault(False)
        close.clicked.connect(self.reject)
        self.add = QPushButton("Add")
        self.add.setAutoDefault(False)
        self.add.setProperty("primary", True)
        self.add.setEnabled(False)
        self.add.clicked.connect(self._choose)
        row = QHBoxLayout()
        row.addWidget(self._address)
        row.addStretch(1)
        row.addWidget(close)
        row.addWidget(self.add)
        return row

    # Asking

    def start(self) -> None:
        """Ask for the first page of what is typed."""
        self._words, self._cursor = self.search.text().strip(), None
        self.list.clear()
        self.more.hide()
        self._ask()

    def _ask(self) -> None:
        self._turn += 1
        self.go.setEnabled(False)
        self.more.setEnabled(False)
        self._say("Asking the registry…")
        turn = self._turn
        tasks.spawn_for(self, self._fetch(turn), failed=lambda words: self._fail(turn, words))

    async def _fetch(self, turn: int) -> None:
        url, words, cursor = self._url, self._words, self._cursor
        open_registry = self._open  # the thread must not hold the dialog: it could be the last to let it go
        page = await asyncio.to_thread(lambda: open_registry(url).search(words, cursor))
        if turn == self._turn:
            self._show(page)

    def _show(self, page: Page) -> None:
        self._free()
        for entry in page.entries:
            self.list.addItem(_row(entry))
        self._cursor = page.cursor
        self.more.setVisible(page.cursor is not None)
        count = self.list.count()
        if page.offline_reason:
            age = _age(time.time() - page.fetched_at)
            self._say(f"No answer: {page.offline_reason}. What you see was fetched {age} ago.", "warning")
        elif not count:
            self._say("No server’s name holds that. Try a shorter part of it." if self._words else "It lists nothing.")
        else:
            self._say(f"{count} server{'s' if count != 1 else ''}{' and more' if page.cursor else ''}")
        if count and self.list.currentRow() < 0:
            self.list.setCurrentRow(0)

    def _fail(self, turn: int, words: str) -> None:
        if turn == self._turn:
            self._free()
            self._say(f"No answer: {words}. Nothing is kept from an earlier search to show instead.", "error")

    def _free(self) -> None:
        self.go.setEnabled(True)
        self.more.setEnabled(True)

    def _say(self, text: str, role: str = "muted") -> None:
        self.status.setText(text)
        restyle(self.status, role=role)

    # Choosing

    def _select(self, item: QListWidgetItem | None) -> None:
        entry: Entry | None = item.data(_ENTRY) if item is not None else None
        self.details.show_entry(entry)
        self.add.setEnabled(entry is not None and bool(offers.usable(entry)))

    def _choose(self) -> None:
        item = self.list.currentItem()
        template = offers.of_entry(item.data(_ENTRY)) if item is not None else None
        if template is not None:
            self.accept()
            self.chosen.emit(template)

    # Another registry

    def _ask_address(self) -> None:
        dialog = QInputDialog(self)
        dialog.setWindowTitle("Registry")
        dialog.setLabelText("Address of a registry with the same interface; empty for the official one:")
        dialog.setTextValue("" if self._url == DEFAULT_URL else self._url)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.textValueSelected.connect(self.set_address)
        dialog.open()

    def set_address(self, text: str) -> None:
        """Ask this registry from now on; an empty text means the official one."""
        url = text.strip() or DEFAULT_URL
        try:
            self._open(url)
        except FusionError as error:
            self._say(_sentence(error.message), "error")
            return
        self._url = url
        self._show_address()
        self.list.clear()
        self.more.hide()
        self._say(_WAITING)
        self.address_changed.emit(url)

    def _show_address(self) -> None:
        self._address.setText(self._url.split("://")[-1])


class _Details(QWidget):
    """What an entry says about itself, as plain text: nothing in it is trusted."""

    def __init__(self) -> None:
        super().__init__()
        self._title = _label("heading")
        self._name = _label("caption")
        self._description = _label("")
        self._ways = _label("muted")
        self._blocked = _label("error")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.GRID, 0, 0, 0)
        layout.setSpacing(2 * theme.GRID)
        for label in (self._title, self._name, self._description, self._ways, self._blocked):
            layout.addWidget(label)
        layout.addStretch(1)

    def show_entry(self, entry: Entry | None) -> None:
        """Show what is known; without an entry nothing."""
        self.setVisible(entry is not None)
        if entry is None:
            return
        status = "" if entry.status == "active" else f"{entry.status.upper()} {entry.status_message}".strip()
        self._title.setText(entry.title)
        self._name.setText("  ·  ".join(filter(None, (entry.name, entry.version, entry.website, status))))
        self._description.setText(entry.description)
        self._ways.setText("\n".join(_way_lines(entry)))
        reasons = offers.reasons(entry)
        words = "Blocked" if not offers.usable(entry) else "Some ways to run it are blocked"
        restyle(self._blocked, role="warning" if offers.usable(entry) else "error")
        self._blocked.setText("\n".join([f"{words}:", *(f"• {reason}" for reason in reasons)]) if reasons else "")
        for label in (self._description, self._ways, self._blocked):
            label.setVisible(bool(label.text()))


def _way_lines(entry: Entry) -> list[str]:
    lines = []
    for way in offers.usable(entry):
        verb = "Fetches the bundle" if way.download else "Connects to" if way.origin == "remote" else "Runs"
        lines.append(f"{verb} {way.label}")
        asked = [prompt.label + (" (secret)" if prompt.is_secret else "") for prompt in way.prompts.values()]
        needs = f"needs {way.needs}" if way.needs else ""
        if details := "; ".join(filter(None, (needs, f"asks for {', '.join(asked)}" if asked else ""))):
            lines.append(f"    {details}")
        lines += [f"    {one.message}" for one in way.findings if one.severity is Severity.WARNING]
    return lines


def _row(entry: Entry) -> QListWidgetItem:
    is_usable = bool(offers.usable(entry))
    item = QListWidgetItem(
        assets.icon("server" if is_usable else "lock", "accent" if is_usable else "error"), entry.title
    )
    item.setData(_ENTRY, entry)
    item.setToolTip(entry.name)
    item.setText(f"{entry.title}\n{entry.name}" if is_usable else f"{entry.title}\nBlocked: {entry.name}")
    item.setSizeHint(QSize(120, 44))
    return item


def _label(role: str) -> QLabel:
    label = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
    label.setProperty("role", role)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _age(seconds: float) -> str:
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if (count := int(seconds // size)) >= 1:
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return "a moment"


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."
