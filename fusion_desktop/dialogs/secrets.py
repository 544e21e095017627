"""The secrets that are kept and those a graph refers to: where they are and who needs them, never their values."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from composite_runtime import secrets
from composite_runtime.errors import FusionError
from composite_runtime.graph.model import Graph, ServerNode
from fusion_desktop import assets, tasks, theme

_PLACES = {"keyring": "System keyring", "file": "Private file"}
_WORDS = "A graph only refers to secrets, as ${secret:NAME}. Their values are kept here, and never shown."


def used_in(graph: Graph) -> dict[str, list[str]]:
    """Return the names of the secrets a graph refers to, each with the servers that need it."""
    used: dict[str, list[str]] = {}
    for node in graph.nodes:
        if isinstance(node, ServerNode):
            for reference in secrets.references(node.transport.model_dump_json()):
                if reference.kind == "secret" and node.name not in used.setdefault(reference.name, []):
                    used[reference.name].append(node.name)
    return used


class SecretsDialog(QDialog):
    """Lists names; the form below stores a value under one. The keyring is asked in a thread, for it may wait."""

    stored = Signal(str)
    """The name of a secret that was stored."""

    def __init__(self, used: Mapping[str, Sequence[str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._used = used
        self.setWindowTitle("Secrets")
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.resize(QSize(640, 520))
        self._note = QLabel(_WORDS, textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._note.setProperty("role", "muted")
        self.list = self._make_list()
        self.name, self.value, self.place = QLineEdit(), QLineEdit(), QComboBox()
        self.fault = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self.fault.setProperty("role", "error")
        self.fault.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(5 * theme.GRID, 5 * theme.GRID, 5 * theme.GRID, 4 * theme.GRID)
        layout.setSpacing(3 * theme.GRID)
        layout.addWidget(self._note)
        layout.addWidget(self.list, 1)
        layout.addLayout(self._form())
        layout.addWidget(self.fault)
        layout.addLayout(self._buttons())
        self._edited()
        self._work(self._look())

    def _make_list(self) -> QTreeWidget:
        made = QTreeWidget()
        made.setAccessibleName("Secrets")
        made.setHeaderLabels(["Name", "Kept in", "Needed by"])
        made.setRootIsDecorated(False)
        made.setUniformRowHeights(True)
        made.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = made.header()
        header.setStretchLastSection(True)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.resizeSection(1, 140)
        header.resizeSection(2, 160)
        made.currentItemChanged.connect(self._select)
        return made

    def _form(self) -> QFormLayout:
        self.name.setPlaceholderText("What ${secret:…} calls it")
        self.name.setAccessibleName("Name")
        self.value.setEchoMode(QLineEdit.EchoMode.Password)
        self.value.setAccessibleName("Value")
        show = QAction(assets.icon("eye", "muted"), "Show what is typed", self.value, checkable=True)
        show.toggled.connect(
            lambda is_on: self.value.setEchoMode(QLineEdit.EchoMode.Normal if is_on else QLineEdit.EchoMode.Password)
        )
        self.value.addAction(show, QLineEdit.ActionPosition.TrailingPosition)
        self.place.setAccessibleName("Keep in")
        for place, words in _PLACES.items():
            self.place.addItem(words, place)
        for line in (self.name, self.value):
            line.textChanged.connect(self._edited)
        form = QFormLayout()
        form.setSpacing(2 * theme.GRID)
        form.addRow("Name", self.name)
        form.addRow("Value", self.value)
        form.addRow("Keep in", self.place)
        return form

    def _buttons(self) -> QHBoxLayout:
        self.delete, self.store = QPushButton("Delete"), QPushButton("Store")
        close = QPushButton("Close")
        for button in (self.delete, close):
            button.setAutoDefault(False)
        self.store.setDefault(True)
        self.store.setProperty("primary", True)
        self.delete.clicked.connect(self._delete)
        self.store.clicked.connect(self._store)
        close.clicked.connect(self.reject)
        row = QHBoxLayout()
        row.addWidget(self.delete)
        row.addStretch(1)
        row.addWidget(close)
        row.addWidget(self.store)
        return row

    # What is there

    async def _look(self) -> None:
        kept = await asyncio.to_thread(secrets.names)
        problem = await asyncio.to_thread(_keyring_problem)
        self._fill(kept)
        if problem:
            self._note.setText(f"{_WORDS}\n{problem}")
            self.place.setCurrentIndex(self.place.findData("file"))

    def _fill(self, kept: Mapping[str, str]) -> None:
        chosen = self.name.text()
        self.list.clear()
        missing = [name for name in self._used if name not in kept]
        for name in (*sorted(missing), *sorted(kept)):
            row = QTreeWidgetItem(
                [name, _PLACES.get(kept.get(name, ""), "Missing"), ", ".join(self._used.get(name, ()))]
            )
            row.setIcon(0, assets.icon("key", "muted") if name in kept else assets.icon("warning", "warning"))
            for column in range(3):
                row.setToolTip(column, row.text(column))
            self.list.addTopLevelItem(row)
            if name == chosen:
                self.list.setCurrentItem(row)
        if not chosen and (first := self.list.topLevelItem(0)) is not None:
            self.list.setCurrentItem(first)

    def _select(self, row: QTreeWidgetItem | None) -> None:
        if row is not None:
            self.name.setText(row.text(0))
            self.value.clear()
        self._edited()

    def _edited(self) -> None:
        self.fault.hide()
        self.store.setEnabled(bool(self.name.text().strip()) and bool(self.value.text()))
        row = self.list.currentItem()
        self.delete.setEnabled(row is not None and row.text(1) != "Missing" and row.text(0) == self.name.text())

    # What can be done

    def _store(self) -> None:
        name, value, in_file = self.name.text().strip(), self.value.text(), self.place.currentData() == "file"

        async def keep() -> None:
            await asyncio.to_thread(lambda: secrets.store(name, value, in_file=in_file))
            self.value.clear()
            self._fill(await asyncio.to_thread(secrets.names))
            self.stored.emit(name)

        self._work(keep())

    def _delete(self) -> None:
        name = self.name.text()

        async def forget() -> None:
            await asyncio.to_thread(secrets.delete, name)
            self._fill(await asyncio.to_thread(secrets.names))

        self._work(forget())

    def _work(self, coroutine: Coroutine[Any, Any, None]) -> None:
        for button in (self.store, self.delete):
            button.setEnabled(False)
        task = tasks.spawn_for(self, coroutine, failed=self._fail)
        task.add_done_callback(lambda done: None if done.cancelled() else self._edited_unless_failed(done))

    def _edited_unless_failed(self, done: "asyncio.Task[None]") -> None:
        if done.exception() is None:
            self._edited()

    def _fail(self, words: str) -> None:
        self._edited()
        self.fault.setText(f"{words[:1].upper()}{words[1:]}")
        self.fault.show()


def _keyring_problem() -> str:
    """Return why there is no keyring to keep anything in; empty if there is one."""
    try:
        secrets.check_keyring()
    except FusionError as error:
        way_out = (
            "unlock it, or keep them in a private file" if "locked" in error.message else "keep them in a private file"
        )
        return f"{error.message[:1].upper()}{error.message[1:]}: {way_out}."
    return ""
