"""The saved calls: in folders, run one by one or all together, each with what is expected and what came."""

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QStackedLayout,
    QTreeWidget,
    QTreeWidgetItem,
    QTreeWidgetItemIterator,
    QVBoxLayout,
    QWidget,
)

from composite_runtime.calls.model import SavedCall
from fusion_desktop import theme
from fusion_desktop.assets import icon
from fusion_desktop.controls import clear, push_button, reading
from fusion_desktop.inspector.call_detail import CallDetail
from fusion_desktop.inspector.call_list import duration
from fusion_desktop.inspector.room import Room
from fusion_desktop.run.frames import Outcome
from fusion_desktop.run.saved import Result, SavedCalls, words_of

_KEY = Qt.ItemDataRole.UserRole
_FOLDER = Qt.ItemDataRole.UserRole + 1
# Icon, colour role and word of each status; the colour is never the only sign.
_SIGNS = {
    "passed": ("check", "ready", "passed"),
    "failed": ("error", "error", "failed"),
    "not_made": ("warning", "warning", "could not be made"),
    "waiting": ("clock", "busy", "waiting"),
    "broken": ("warning", "warning", "cannot be read"),
    "": ("send", "faint", "not run yet"),
}


class SavedView(QWidget):
    """Lists the saved calls of the graph that is open."""

    run_wanted = Signal(object)
    """The keys of the calls to run, or None for all."""
    edit_wanted = Signal(str)
    """The key of a call to be changed."""
    open_wanted = Signal(str)
    """The key of a call to be shown in the inspector."""
    delete_wanted = Signal(str)
    """The key of a call to be removed."""

    def __init__(self, saved: SavedCalls, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("role", "panel")
        self._saved = saved
        self._items: dict[str, QTreeWidgetItem] = {}
        self._total = 0
        self.name_of: Callable[[str], str] = str
        self._build()
        saved.changed.connect(self._list)
        saved.began.connect(self._begin)
        saved.made.connect(self._take)
        saved.finished.connect(self._finish)
        theme.signals.changed.connect(self._list)
        self._list()

    @property
    def selected(self) -> str | None:
        """The key of the call that is selected."""
        item = self.tree.currentItem()
        key = item.data(0, _KEY) if item is not None else None
        return key if isinstance(key, str) else None

    def select(self, key: str) -> None:
        """Select a call."""
        if key in self._items:
            self.tree.setCurrentItem(self._items[key])

    def _build(self) -> None:
        self._build_tree()
        self._build_detail()
        self._words = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._words.setObjectName("saved-summary")
        self._bar = QProgressBar(textVisible=False)
        self._bar.setFixedHeight(theme.GRID)
        self._bar.setStyleSheet(_BAR)
        self._bar.setAccessibleName("Progress of the run")
        self.run_all = push_button("Run all", lambda: self.run_wanted.emit(None), primary=True)
        self.stop = push_button("Stop", self._saved.stop)
        head = QHBoxLayout()
        head.setContentsMargins(3 * theme.GRID, 2 * theme.GRID, 3 * theme.GRID, theme.GRID)
        head.setSpacing(2 * theme.GRID)
        head.addWidget(self.run_all)
        head.addWidget(self.stop)
        head.addWidget(self._words, 1)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self._bar)
        column.addWidget(self.tree, 1)
        self._empty = QLabel(wordWrap=True, alignment=Qt.AlignmentFlag.AlignTop)
        self._empty.setProperty("role", "muted")
        self._empty.setContentsMargins(3 * theme.GRID, 3 * theme.GRID, 3 * theme.GRID, 0)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self._detail.beside(left))

    def _build_tree(self) -> None:
        self.tree = QTreeWidget()
        self.tree.setColumnCount(2)
        self.tree.setHeaderHidden(True)
        self.tree.setIconSize(QSize(16, 16))
        self.tree.setAccessibleName("Saved calls")
        header = self.tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.currentItemChanged.connect(lambda *_: self._show())
        self.tree.itemDoubleClicked.connect(lambda *_: self._emit(self.edit_wanted))
        delete = QShortcut(QKeySequence.StandardKey.Delete, self.tree)
        delete.setContext(Qt.ShortcutContext.WidgetShortcut)
        delete.activated.connect(lambda: self._emit(self.delete_wanted))

    def _build_detail(self) -> None:
        self.run_one = push_button("Run", lambda: self.run_wanted.emit([self.selected]) if self.selected else None)
        self.edit = push_button("Change…", lambda: self._emit(self.edit_wanted))
        self.open = push_button("Open in inspector", lambda: self._emit(self.open_wanted))
        self.delete = push_button("Delete", lambda: self._emit(self.delete_wanted))
        self._detail = CallDetail((self.run_one, self.edit, self.open, self.delete))
        self.result = self._detail.result
        expected = QWidget()
        self._expected = QVBoxLayout(expected)
        self._expected.setContentsMargins(0, 0, 0, 0)
        self._expected.setSpacing(theme.GRID)
        self._detail.add(Room(expected, least=14 * theme.GRID, most=40 * theme.GRID, name="What is expected"))

    def _emit(self, signal: SignalInstance) -> None:
        if self.selected is not None:
            signal.emit(self.selected)

    # The list

    def _list(self) -> None:
        chosen = self.selected
        closed = {path for path, item in self._folders() if not item.isExpanded()}
        self.tree.blockSignals(True)
        self.tree.clear()
        self._items.clear()
        folders: dict[str, QTreeWidgetItem] = {"": self.tree.invisibleRootItem()}
        for key in sorted((*self._saved.calls, *self._saved.broken)):
            inside, _, last = key.rpartition("/")
            call = self._saved.calls.get(key)
            item = QTreeWidgetItem([call.name if call is not None and call.name else last, ""])
            item.setData(0, _KEY, key)
            self._folder(inside, folders, closed).addChild(item)
            self._items[key] = item
            self._sign(key)
        for path, item in folders.items():
            if path:
                item.setExpanded(path not in closed)
        self.tree.blockSignals(False)
        is_there = bool(self._items)
        self._pages.setCurrentIndex(1 if is_there else 0)
        self._empty.setText(_NOTHING if self._saved.folder is not None else _NO_FILE)
        self.select(chosen if chosen in self._items else next(iter(self._items), ""))
        self._sum_up()
        self._show()

    def _folder(self, path: str, known: dict[str, QTreeWidgetItem], closed: set[str]) -> QTreeWidgetItem:
        if path not in known:
            inside, _, last = path.rpartition("/")
            item = QTreeWidgetItem([last, ""])
            item.setIcon(0, icon("folder", "muted"))
            item.setData(0, _FOLDER, path)
            self._folder(inside, known, closed).addChild(item)
            known[path] = item
        return known[path]

    def _folders(self) -> list[tuple[str, QTreeWidgetItem]]:
        found: list[tuple[str, QTreeWidgetItem]] = []
        walk = QTreeWidgetItemIterator(self.tree)
        while (item := walk.value()) is not None:
            if isinstance(path := item.data(0, _FOLDER), str):
                found.append((path, item))
            walk += 1
        return found

    def _status(self, key: str) -> str:
        if key in self._saved.broken:
            return "broken"
        result = self._saved.results.get(key)
        return result.status if result is not None else "waiting" if key in self._saved.waiting else ""

    def _sign(self, key: str) -> None:
        item = self._items[key]
        name, role, word = _SIGNS[self._status(key)]
        item.setIcon(0, icon(name, role))
        result = self._saved.results.get(key)
        took = duration(result.milliseconds) if result is not None and result.milliseconds is not None else ""
        item.setText(1, took or (word if self._status(key) in {"waiting", "not_made"} else ""))
        item.setForeground(1, theme.colour("muted"))
        item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        item.setToolTip(0, f"{key}: {word}")
        item.setData(0, Qt.ItemDataRole.AccessibleTextRole, f"{item.text(0)}, {word} {took}")

    # A run

    def _begin(self, total: int) -> None:
        self._total = total
        self._bar.setRange(0, total)
        for key in self._items:
            self._sign(key)
        self._sum_up()
        self._show()

    def _take(self, key: str) -> None:
        if key in self._items:
            self._sign(key)
        self._sum_up()
        if key == self.selected:
            self._show()

    def _finish(self) -> None:
        for key in self._items:
            self._sign(key)
        self._sum_up()
        self._show()

    def _sum_up(self) -> None:
        is_running = self._saved.is_running
        self.run_all.setVisible(not is_running)
        self.stop.setVisible(is_running)
        self.run_one.setEnabled(not is_running)
        left = len(self._saved.waiting)
        self._bar.setVisible(is_running)
        self._bar.setValue(self._total - left)
        counts = {status: sum(r.status == status for r in self._saved.results.values()) for status in _SIGNS}
        parts = [
            f"{counts[status]} {_SIGNS[status][2]}" for status in ("passed", "failed", "not_made") if counts[status]
        ]
        words = ", ".join(parts)
        if is_running:
            words = f"{self._total - left} of {self._total}…" + (f" {words}" if words else " starting the servers")
        elif not words and self._items:
            words = f"{len(self._items)} saved call{'' if len(self._items) == 1 else 's'}"
        self._words.setText(words)
        bad = counts["failed"] + counts["not_made"]
        self._words.setStyleSheet(
            f"color: {getattr(theme.current(), 'error' if bad else 'ready' if parts else 'muted')};"
        )

    # What is selected

    def _show(self) -> None:
        key = self.selected
        call = self._saved.calls.get(key) if key is not None else None
        self._detail.setVisible(key is not None)
        if key is None:
            return
        is_whole = call is not None
        for button in (self.run_one, self.edit, self.open):
            button.setVisible(is_whole)
        result = self._saved.results.get(key)
        clear(self._expected)
        if call is None:
            self._detail.show_call(key, f"{key}.json", None)
            self.result.show_nothing(self._saved.broken.get(key, ""))
            return
        place = f" of {self.name_of(call.at)}" if call.at is not None else ""
        about = f"{key}.json · {call.method} {call.target}{place}"
        self._detail.show_call(call.name or key.rpartition("/")[2], about, dict(call.arguments))
        self._show_expected(call, result)
        self._show_answer(key, call, result)

    def _show_expected(self, call: SavedCall, result: Result | None) -> None:
        if result is not None and result.verdicts:
            for verdict in result.verdicts:
                sign = "check" if verdict.is_met else "error"
                self._line(sign, "ready" if verdict.is_met else "error", verdict.kind, verdict.message)
            return
        if not any(expected.kind == "error" for expected in call.expect):
            self._line("minus", "faint", "success", "it succeeds")
        for expected in call.expect:
            self._line("minus", "faint", expected.kind, words_of(expected.model_dump()))

    def _show_answer(self, key: str, call: SavedCall, result: Result | None) -> None:
        if result is None:
            waits = key in self._saved.waiting
            self.result.show_nothing("Waiting for its turn…" if waits else "Not run yet.")
        elif isinstance(result.answer, dict):
            error = result.answer.get("error") if set(result.answer) == {"error"} else None
            found = None if error is not None else result.answer
            params = call.params(call.arguments)
            self.result.show_outcome(Outcome(call.method, params, result.milliseconds or 0.0, found, error))
        else:
            self.result.show_failure(f"It could not be made: {result.message}")

    def _line(self, sign: str, role: str, kind: str, words: str) -> None:
        line = QWidget()
        row = QHBoxLayout(line)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * theme.GRID)
        mark = QLabel()
        mark.setPixmap(icon(sign, role).pixmap(QSize(16, 16)))
        mark.setFixedWidth(16)
        name = QLabel(kind)
        name.setFont(theme.font(bold=True))
        name.setFixedWidth(64)
        text = reading(words, role if role == "error" else "")
        for part in (mark, name):
            row.addWidget(part, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(text, 1)
        self._expected.addWidget(line)


_BAR = """
QProgressBar { background: palette(mid); border: none; }
QProgressBar::chunk { background: palette(link); }
"""
_NOTHING = (
    "No call is saved yet. Save one from the history: it is kept as a readable file beside the graph, with what is"
    " expected of its answer, and “composite-runtime test” makes the same calls in scripts."
)
_NO_FILE = "Save the graph first: its saved calls are kept beside it."
