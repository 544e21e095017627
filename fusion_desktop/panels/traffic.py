"""The traffic dock: every message at every hop, filtered, followed, looked into, saved and opened again."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal, SignalInstance
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from composite_runtime.errors import FusionError
from fusion_desktop import theme
from fusion_desktop.controls import restyle, word_button
from fusion_desktop.panels.filter_field import FilterField
from fusion_desktop.panels.rows import RowWords, bar_above, pause_button
from fusion_desktop.panels.traffic_detail import TrafficDetail
from fusion_desktop.panels.traffic_table import TrafficTable
from fusion_desktop.run import traffic_file
from fusion_desktop.run.rows import Index
from fusion_desktop.run.traffic import CLIENT, Kind, Row, line_of
from fusion_desktop.run.traffic_filter import HELP, FilterError, parse, suggestions
from fusion_desktop.run.traffic_model import TrafficModel
from fusion_desktop.tasks import spawn

_TYPING_MS = 120
"""How long the user must have stopped typing before the list is searched."""


class TrafficPanel(QWidget):
    """Shows the messages of what runs, of another program's runtime, or of a recording."""

    node_wanted = Signal(str)
    """The id of a node that shall be shown."""

    def __init__(self, model: TrafficModel, tree: Callable[[], QWidget], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._live = model
        self._model = model
        self._opened: TrafficModel | None = None
        self._typing = QTimer(self, interval=_TYPING_MS, singleShot=True)
        self._typing.timeout.connect(self.apply)
        self.detail = TrafficDetail(tree)
        self.detail.node_wanted.connect(self.node_wanted)
        self._build()
        self._use(model)

    @property
    def model(self) -> TrafficModel:
        """What is shown: what happens now, or a recording."""
        return self._model

    @property
    def words(self) -> str:
        """The line below the list."""
        return self._words.text()

    def apply(self) -> None:
        """Filter by what is typed; what cannot be understood is marked, and the list stays as it was."""
        self._typing.stop()
        text = self.search.text()
        try:
            wanted = parse(text, self._model.names)
        except FilterError as error:
            self.fault.setText(str(error))
            self.fault.show()
            restyle(self.search, invalid=True)
        else:
            self.fault.hide()
            restyle(self.search, invalid=False)
            if wanted != self._model.filter:
                self._model.set_filter(wanted)

    def _suggest(self, text: str) -> list[str]:
        return suggestions(text, self._model.rows(), self._model.names)

    def show_only(self, text: str) -> None:
        """Filter by this text."""
        self.search.setText(text)
        self.apply()

    def choose(self, number: int) -> None:
        """Mark a message, if it is shown."""
        place = self._model.place_of(number)
        if place is not None:
            self.table.selectRow(place)
            self.table.scrollTo(self._model.index(place, 0))

    def show_trace(self, request_id: str) -> bool:
        """Show the trace of the call a client made with a request of this id; tell whether it is kept."""
        self._live.flush()
        row = self._live.request(request_id)
        if row is None:
            return False
        self.go_live()
        self.pause.setChecked(False)
        if self._model.place_of(row.number) is None:
            self.show_only("")
        self.choose(row.number)
        self.detail.show_row(self._model, row)
        self._show_detail()
        self.detail.show_trace()
        return True

    def copy(self) -> None:
        """Put the chosen messages on the clipboard, one in a line, as they were on the wire."""
        rows = self.table.chosen() or self._model.shown()
        QGuiApplication.clipboard().setText("".join(f"{row.text}\n" for row in rows if row.text).rstrip("\n"))

    def copy_with_context(self) -> None:
        """Put the chosen messages on the clipboard as JSON, with hop, direction and time."""
        rows = self.table.chosen() or self._model.shown()
        values = [json.loads(line_of(row)) for row in rows]
        QGuiApplication.clipboard().setText(json.dumps(values, ensure_ascii=False, indent=2))

    def save(self) -> None:
        """Ask for a file and write what is shown."""
        dialog = QFileDialog(self, "Save the traffic", f"traffic{traffic_file.SUFFIX}", traffic_file.FILTER)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(traffic_file.SUFFIX)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.save_to(Path(name)))
        dialog.open()

    def save_to(self, path: Path) -> None:
        """Write what is shown to a file, beside everything else; the line below the list tells how that went."""
        rows = self._model.shown()
        lines = list(traffic_file.lines(self._model, rows))
        self._words.tell(f"Writing {len(rows):,} messages…")
        spawn(self._write(path, lines, len(rows)), failed=lambda words: self._words.tell(words, "error"))

    async def _write(self, path: Path, lines: Sequence[str], count: int) -> None:
        await asyncio.to_thread(traffic_file.write, path, lines)
        self._words.tell(f"{count:,} messages were written to {path}.")

    def open(self) -> None:
        """Ask for a recording and show it."""
        dialog = QFileDialog(self, "Open recorded traffic", "", traffic_file.FILTER)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.open_file(Path(name)))
        dialog.open()

    def open_file(self, path: Path) -> None:
        """Show a recording; what happens now goes on being collected."""
        try:
            recording = traffic_file.load(path)
        except FusionError as error:
            self._words.tell(error.message, "error")
            return
        model = TrafficModel(self)
        model.set_graph(recording.names, recording.parents, recording.root)
        model.load(recording.told)
        skipped = f" {recording.skipped} lines could not be read." if recording.skipped else ""
        self._note.setText(f"Recording {path.name}.{skipped}")
        self._opened = model
        self._use(model)

    def go_live(self) -> None:
        """Show again what happens now."""
        if self._opened is not None:
            opened, self._opened = self._opened, None
            self._use(self._live)
            opened.deleteLater()

    # Building

    def _build(self) -> None:
        self.search = FilterField(self._suggest)
        self.search.setPlaceholderText("Filter, such as  method:tools/call  status:error  >500ms  node:fs  words")
        self.search.setAccessibleName("Filter the traffic")
        self.search.setToolTip(f"<pre>{HELP.replace('<', '&lt;').replace('>', '&gt;')}</pre>")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._typing.start)
        self.search.returnPressed.connect(self.apply)
        self.fault = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self.fault.setProperty("role", "error")
        self.fault.setContentsMargins(3 * theme.GRID, 0, 3 * theme.GRID, 0)
        self.fault.setFont(theme.font(theme.CAPTION))
        self.fault.hide()
        # What happens now stands still, not a recording.
        self.pause = pause_button("Let the list stand still; messages are still collected", self._live.set_paused)
        bar = bar_above(
            self.search,
            (self.pause,),
            (
                ("Copy", "copy", "Copy the chosen messages, or all that are shown", self.copy),
                ("Save", "save", "Save what is shown to a file that can be opened again", self.save),
                ("Open", "folder-open", "Open recorded traffic", self.open),
                ("Clear", "trash", "Forget all messages", lambda: self._model.clear()),
            ),
        )
        self._build_note()
        self._build_table()
        self._words = RowWords()
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self.table)
        self.splitter.addWidget(self.detail)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setStretchFactor(1, 1)
        self.detail.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.GRID)
        layout.addLayout(bar)
        layout.addWidget(self.fault)
        layout.addWidget(self._strip)
        layout.addWidget(self.splitter, 1)
        layout.addWidget(self._words)

    def _build_note(self) -> None:
        self._strip = QWidget()
        self._strip.setObjectName("recording")
        self._strip.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        theme.signals.changed.connect(self._tint)
        self._tint()
        self._note = QLabel(textFormat=Qt.TextFormat.PlainText)
        back = word_button("Back to live", "Show what happens now")
        back.clicked.connect(self.go_live)
        layout = QHBoxLayout(self._strip)
        layout.setContentsMargins(3 * theme.GRID, theme.GRID, 2 * theme.GRID, theme.GRID)
        layout.addWidget(self._note, 1)
        layout.addWidget(back)

    def _tint(self) -> None:
        back = theme.colour("info", 34)
        red, green, blue, alpha = back.red(), back.green(), back.blue(), back.alpha()
        self._strip.setStyleSheet(f"#recording {{ background: rgba({red},{green},{blue},{alpha}); }}")

    def _build_table(self) -> None:
        self.table = TrafficTable()
        self.table.menu_wanted.connect(self._offer)
        self.table.doubleClicked.connect(self._go)
        self.table.copied.connect(self.copy)

    def _use(self, model: TrafficModel) -> None:
        if self._model is not model:
            for signal, slot in self._links(self._model):
                signal.disconnect(slot)
        self._model = model
        self.table.setModel(model)
        for signal, slot in self._links(model):
            signal.connect(slot)
        self.table.selectionModel().selectionChanged.connect(self._show_chosen)
        self._strip.setVisible(self._opened is not None)
        self.pause.setEnabled(self._opened is None)
        self.detail.show_row(None, None)
        self.detail.hide()
        self.apply()
        self._count(model.rowCount(), len(model.rows()))
        self.table.follow()

    def _links(self, model: TrafficModel) -> tuple[tuple[SignalInstance, Callable[..., None]], ...]:
        return (
            (model.counted, self._count),
            (model.call_changed, self.detail.refresh),
            (model.rowsInserted, self.table.follow),
            (model.modelReset, self._reset),
        )

    # What happens

    def _count(self, shown: int, kept: int) -> None:
        missed = f" {self._model.missed:,} came too fast to be kept." if self._model.missed else ""
        if not kept:
            self._words.tell("No message yet. Run the composite: what client, composite and servers say appears here.")
        elif shown == kept:
            self._words.tell(f"{kept:,} messages.{missed}")
        else:
            self._words.tell(f"{shown:,} of {kept:,} messages; the filter hides the others.{missed}")

    def _reset(self) -> None:
        row = self.detail.row
        if row is not None and self._model.row(row.number) is not row:
            self.detail.show_row(None, None)
        elif row is not None:
            self.choose(row.number)
        self.table.follow()

    def _show_chosen(self) -> None:
        chosen = self.table.chosen()
        if chosen:
            self.detail.show_row(self._model, chosen[-1])
            self._show_detail()

    def _show_detail(self) -> None:
        if not self.detail.isVisibleTo(self):
            self.detail.show()
            width = self.splitter.width()
            self.splitter.setSizes([width * 11 // 20, width * 9 // 20])

    def _go(self, index: Index) -> None:
        row: Row = index.data(TrafficModel.RowRole)
        if row.hop != CLIENT:
            self.node_wanted.emit(row.hop)
        elif self._model.root:
            self.node_wanted.emit(self._model.root)

    def _offer(self, menu: QMenu, row: Row) -> None:
        menu.addAction("Copy as on the wire", self.copy)
        menu.addAction("Copy as JSON with hop and time", self.copy_with_context)
        menu.addSeparator()
        if row.call:
            menu.addAction("Show the trace of this call", self.detail.show_trace)
            menu.addAction("Only this call", lambda: self.show_only(f"call:{row.call}"))
        if row.method:
            menu.addAction("Only this method", lambda: self.show_only(f'method:"{row.method}"'))
        menu.addAction("Only this hop", lambda: self.show_only(f'node:"{row.hop}"'))
        if (partner := row.partner) is not None:
            words = "Go to its request" if row.kind is Kind.RESPONSE else "Go to its answer"
            menu.addAction(words, lambda: self.choose(partner))
        if row.hop != CLIENT:
            menu.addSeparator()
            menu.addAction("Show the node", lambda: self.node_wanted.emit(row.hop))
