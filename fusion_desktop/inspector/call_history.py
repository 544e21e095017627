"""The call history: every call that was made, to be found, looked at, changed, made again and saved."""

from collections.abc import Callable

from PySide6.QtCore import QItemSelectionModel, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QListView,
    QMenu,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from fusion_desktop import theme
from fusion_desktop.controls import icon_button, push_button, reading, search_field
from fusion_desktop.inspector.call_detail import CallDetail
from fusion_desktop.inspector.call_list import STATUS, CallModel, CallRow, duration, when
from fusion_desktop.run.hiding import has_hidden, without_hidden
from fusion_desktop.run.history import History, Kept
from fusion_desktop.run.history_store import CallStatus, Entry

_TYPING_MS = 150


class CallHistory(QWidget):
    """Lists the calls of the graph that is open."""

    edit_wanted = Signal(str, object, object)
    """Method, parameters and node of a call that shall be shown in the form."""
    replay_wanted = Signal(str, object, object)
    """Method, parameters and node of a call that shall be made again."""
    save_wanted = Signal(object)
    """A `Kept` call that shall be saved."""
    trace_wanted = Signal(object)
    """The trace of the call with this `Outcome` shall be shown."""

    def __init__(self, history: History, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("role", "panel")
        self._history = history
        self._kept: Kept | None = None
        self._model = CallModel(self)
        self._is_stale = True
        self._typing = QTimer(self, interval=_TYPING_MS, singleShot=True)
        self._typing.timeout.connect(self.refresh)
        self._build()
        history.found.connect(self._list)
        history.read.connect(self._show)
        history.changed.connect(self._changed)
        self._show_nothing()

    def set_names(self, name_of: Callable[[str], str]) -> None:
        """Say what nodes are called."""
        self._model.name_of = name_of

    def refresh(self) -> None:
        """Look again for what is searched."""
        self._is_stale = False
        self._history.look(self.search.text())

    @property
    def newest(self) -> Entry | None:
        """The newest of the calls that are listed."""
        return max(self._model.entries, key=lambda entry: entry.id, default=None)

    def select_newest(self) -> None:
        """Select the newest call."""
        if (newest := self.newest) is not None:
            self.list.setCurrentIndex(self._model.index(self._model.row_of(newest.id)))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_stale:
            self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._typing.stop()

    def _build(self) -> None:
        self._build_list()
        self._build_detail()
        self._count = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._count.setProperty("role", "caption")
        self._count.setContentsMargins(3 * theme.GRID, theme.GRID, 3 * theme.GRID, theme.GRID)
        self._empty = QLabel(wordWrap=True, alignment=Qt.AlignmentFlag.AlignTop)
        self._empty.setProperty("role", "muted")
        self._empty.setContentsMargins(3 * theme.GRID, 2 * theme.GRID, 3 * theme.GRID, 0)
        bar = QHBoxLayout()
        bar.setContentsMargins(2 * theme.GRID, 2 * theme.GRID, 2 * theme.GRID, theme.GRID)
        bar.setSpacing(2 * theme.GRID)
        bar.addWidget(self.search, 1)
        bar.addWidget(self._clear)
        self._pages = QStackedLayout()
        self._pages.addWidget(self.list)
        self._pages.addWidget(self._empty)
        listed = QWidget()
        left = QVBoxLayout(listed)
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(0)
        left.addLayout(bar)
        left.addLayout(self._pages, 1)
        left.addWidget(self._count)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._detail.beside(listed))

    def _build_list(self) -> None:
        self.search = search_field("Search calls, arguments and answers", "Search the call history")
        self.search.textChanged.connect(self._typing.start)
        self._clear = icon_button("trash", "Forget calls…", self._offer_to_clear)
        self.list = QListView()
        self.list.setModel(self._model)
        self.list.setItemDelegate(CallRow(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setAccessibleName("Calls that were made")
        self.list.selectionModel().currentChanged.connect(self._choose)
        self.list.doubleClicked.connect(lambda _: self._edit())
        QShortcut(QKeySequence.StandardKey.Delete, self.list, self._delete, context=_WIDGET)
        QShortcut(QKeySequence("Return"), self.list, self._edit, context=_WIDGET)

    def _build_detail(self) -> None:
        self.edit = push_button("Edit and call…", self._edit, "Show it in the inspector, with these arguments")
        self.replay = push_button("Call again", self._replay, "Send exactly this again")
        self.save = push_button("Save…", self._save, "Keep it beside the graph, with what is expected of it")
        self.pin = push_button("Pin", self._pin, "Keep it however old it gets")
        self.pin.setCheckable(True)
        self.forget = push_button("Delete", self._delete, "Forget the selected calls")
        self._detail = CallDetail((self.edit, self.replay, self.save, self.pin, self.forget))
        self.result = self._detail.result
        self.result.trace_wanted.connect(self.trace_wanted)
        self._note = reading("What was secret in the arguments was not kept; it has to be entered again.", "warning")
        self._detail.add(self._note)

    def _offer_to_clear(self) -> None:
        # What is forgotten cannot be had back, so one press alone does not do it.
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Forget all calls that are not pinned", self._history.clear)
        menu.popup(self._clear.mapToGlobal(QPoint(0, self._clear.height())))

    def _changed(self) -> None:
        if self.isVisible():
            self.refresh()
        else:
            self._is_stale = True

    def _list(self, words: str, entries: tuple[Entry, ...]) -> None:
        if words != self.search.text():
            return  # something else is looked for by now
        chosen = self._entry()
        newest = max((entry.id for entry in self._model.entries), default=0)
        self._model.show(entries)
        self._pages.setCurrentIndex(0 if entries else 1)
        self._empty.setText(f"No call holds “{words}”." if words.strip() else _NOTHING)
        self._count.setText(f"{len(entries):,} call{'' if len(entries) == 1 else 's'}" if entries else "")
        self.search.setVisible(bool(entries or words.strip()))
        self._clear.setVisible(bool(entries))
        row = self._model.row_of(chosen.id) if chosen is not None else -1
        # Who looks at the newest call wants to see the next one; who looks at an older one wants to read.
        if chosen is not None and chosen.id == newest and any(entry.id > newest for entry in entries):
            self.select_newest()
        elif row >= 0:
            self.list.selectionModel().setCurrentIndex(
                self._model.index(row), QItemSelectionModel.SelectionFlag.ClearAndSelect
            )
            self._choose()
        elif entries:
            self.list.setCurrentIndex(self._model.index(0))
        else:
            self._show_nothing()

    def _entry(self) -> Entry | None:
        return self._kept.entry if self._kept is not None else None

    def _chosen(self) -> list[Entry]:
        rows = sorted({index.row() for index in self.list.selectionModel().selectedIndexes()})
        return [self._model.entries[row] for row in rows]

    def _choose(self) -> None:
        index = self.list.currentIndex()
        if index.isValid():
            self._history.fetch(index.data(CallModel.EntryRole))

    def _show_nothing(self) -> None:
        self._kept = None
        self._detail.setVisible(False)

    def _show(self, kept: Kept) -> None:
        index = self.list.currentIndex()
        if not index.isValid() or index.data(CallModel.EntryRole).id != kept.entry.id:
            return
        self._kept = kept
        entry = kept.entry
        _, _, word = STATUS[entry.status]
        took = f" · {duration(entry.milliseconds)}" if entry.milliseconds is not None else ""
        place = f" · {self._model.name_of(entry.node)}" if entry.node else ""
        about = f"{entry.method}{place} · {when(entry.at)}{took} · {word}"
        self._detail.show_call(entry.target or entry.method, about, kept.arguments)
        is_hidden = has_hidden(kept.params)
        self._note.setVisible(is_hidden)
        self.replay.setEnabled(not is_hidden)
        self.pin.setChecked(entry.is_pinned)
        self.pin.setText("Pinned" if entry.is_pinned else "Pin")
        if kept.outcome is not None:
            self.result.show_outcome(kept.outcome)
        else:
            none = "No answer yet." if entry.status is CallStatus.RUNNING else f"There is no answer: {word}."
            self.result.show_nothing(entry.message or none)
        self._detail.setVisible(True)

    def _edit(self) -> None:
        if self._kept is not None:
            entry = self._kept.entry
            self.edit_wanted.emit(entry.method, without_hidden(self._kept.params), entry.node)

    def _replay(self) -> None:
        if self._kept is not None and self.replay.isEnabled():
            entry = self._kept.entry
            self.replay_wanted.emit(entry.method, self._kept.params, entry.node)

    def _save(self) -> None:
        if self._kept is not None:
            self.save_wanted.emit(self._kept)

    def _pin(self) -> None:
        if self._kept is not None:
            self._history.pin([self._kept.entry], is_pinned=self.pin.isChecked())

    def _delete(self) -> None:
        if chosen := self._chosen():
            self._history.delete(chosen)


_WIDGET = Qt.ShortcutContext.WidgetShortcut
_NOTHING = (
    "No call was made yet. Every call from the inspector is kept here, for this graph and across restarts; what is"
    " secret in it is not."
)
