"""Choose servers that other clients on this machine have, to take them over."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from composite_runtime.graph.model import StdioTransport
from composite_runtime.graph.naming import slug
from composite_runtime.interop import importing
from composite_runtime.interop.importing import Candidate, Gathered
from composite_runtime.interop.plain_secrets import PlainSecret, move
from fusion_desktop import tasks

_CANDIDATE = Qt.ItemDataRole.UserRole
_NAMED = 4


def look_around() -> Gathered:
    """Return what all clients on this machine have; it reads files."""
    return importing.gather(importing.installed())


class ImportDialog(QDialog):
    """Lists servers with a box to tick each; those that the graph has already cannot be ticked."""

    chosen = Signal(list, bool)
    """The ticked candidates, and whether their secrets stay in the graph as plain text."""
    files_chosen = Signal(list)
    """Files whose servers are wanted instead."""

    def __init__(
        self,
        known: Collection[tuple[str, ...]],
        parent: QWidget | None = None,
        *,
        look: Callable[[], Gathered] = look_around,
    ) -> None:
        super().__init__(parent)
        self._known = known
        self._candidates: Sequence[Candidate] = ()
        self.setWindowTitle("Import from clients")
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.resize(QSize(760, 460))
        heading = QLabel("Servers of your other clients")
        heading.setProperty("role", "heading")
        self.words = QLabel("Looking at the clients on this machine…")
        self.words.setWordWrap(True)
        self.words.setProperty("role", "muted")
        self.list = self._make_list()
        self.moves = QCheckBox("Move secrets to the keyring, so that the graph only refers to them")
        self.moves.setChecked(True)
        self.moves.toggled.connect(self._say_secrets)
        self.moves.hide()
        self.problems = QLabel()
        self.problems.setWordWrap(True)
        self.problems.setProperty("role", "warning")
        self.problems.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.problems.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 20)
        layout.setSpacing(12)
        layout.addWidget(heading)
        layout.addWidget(self.words)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.moves)
        layout.addWidget(self.problems)
        layout.addLayout(self._buttons())
        self._count()
        tasks.spawn_for(self, self._look(look), failed=self.words.setText)

    def _buttons(self) -> QHBoxLayout:
        self.all = QPushButton("Tick all")
        self.all.clicked.connect(self._tick_all)
        from_files = QPushButton("From files…")
        from_files.setAutoDefault(False)
        from_files.clicked.connect(self._ask_files)
        cancel = QPushButton("Cancel")
        cancel.clicked.connect(self.reject)
        self.take = QPushButton("Import")
        self.take.setProperty("primary", True)
        self.take.setDefault(True)
        self.take.clicked.connect(self._choose)
        buttons = QHBoxLayout()
        buttons.addWidget(self.all)
        buttons.addWidget(from_files)
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.take)
        return buttons

    def _make_list(self) -> QTreeWidget:
        made = QTreeWidget()
        made.setAccessibleName("Servers found")
        made.setHeaderLabels(["Server", "How it is reached", "Found in"])
        made.setRootIsDecorated(False)
        made.setUniformRowHeights(True)
        made.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        made.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        header = made.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.resizeSection(0, 200)
        header.resizeSection(2, 190)
        made.itemChanged.connect(lambda *_: self._count())
        made.itemActivated.connect(_flip)
        return made

    async def _look(self, look: Callable[[], Gathered]) -> None:
        self.show_found(await asyncio.to_thread(look))

    def show_found(self, found: Gathered) -> None:
        """Show what there is to take over."""
        rows = [self._row(candidate) for candidate in found.candidates]
        self.list.addTopLevelItems(rows)
        if rows:
            self._candidates = found.candidates
            self.moves.setVisible(bool(_secrets_in(found.candidates)))
            self._say_secrets()
            self.list.setCurrentItem(rows[0])
        else:
            self.words.setText(
                "No client on this machine has an MCP server. Drop a configuration onto the canvas, or paste one."
            )
        self.problems.setText("\n".join(found.problems))
        self.problems.setVisible(bool(found.problems))
        self._count()

    def _say_secrets(self) -> None:
        self.words.setText(_of_secrets(_secrets_in(self._candidates), moves=self.moves.isChecked()))

    def _row(self, candidate: Candidate) -> QTreeWidgetItem:
        transport = candidate.found.transport
        if isinstance(transport, StdioTransport):
            # Arguments may hold secrets: they are shown as they will be referred to.
            how = " ".join(importing.identity(transport))
        else:
            how = importing.identity(transport)[1]
        row = QTreeWidgetItem([candidate.found.name, how, ", ".join(candidate.labels)])
        row.setData(0, _CANDIDATE, candidate)
        notes = list(candidate.found.notes)
        if candidate.differs:
            notes.append("These clients give it different settings; the fuller ones are taken.")
        is_known = importing.identity(transport) in self._known
        if is_known:
            row.setText(2, "Already in the graph")
            row.setDisabled(True)
        else:
            row.setCheckState(0, Qt.CheckState.Checked if candidate.found.enabled else Qt.CheckState.Unchecked)
        for column in range(3):
            row.setToolTip(column, "\n".join([row.text(column), *notes]))
        return row

    def _rows(self) -> list[QTreeWidgetItem]:
        rows = (self.list.topLevelItem(number) for number in range(self.list.topLevelItemCount()))
        return [row for row in rows if row is not None and not row.isDisabled()]

    def ticked(self) -> list[Candidate]:
        """Return the servers that are ticked."""
        return [row.data(0, _CANDIDATE) for row in self._rows() if row.checkState(0) is Qt.CheckState.Checked]

    def _count(self) -> None:
        count = len(self.ticked())
        self.take.setEnabled(count > 0)
        self.take.setText(f"Import {count} server{'s' if count != 1 else ''}" if count else "Import")
        self.all.setEnabled(count < len(self._rows()))

    def _tick_all(self) -> None:
        for row in self._rows():
            row.setCheckState(0, Qt.CheckState.Checked)

    def _ask_files(self) -> None:
        dialog = QFileDialog(self, "Configurations, bundles or entries of a catalogue", str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(self.take_files)
        dialog.open()

    def take_files(self, names: Sequence[str]) -> None:
        """Take servers from these files instead of from clients."""
        self.accept()
        self.files_chosen.emit([Path(name) for name in names])

    def _choose(self) -> None:
        self.chosen.emit(self.ticked(), not self.moves.isChecked())
        self.accept()


def _secrets_in(candidates: Sequence[Candidate]) -> list[PlainSecret]:
    return [secret for one in candidates for secret in move(one.found.transport, slug(one.found.name)).secrets]


def _of_secrets(found: Sequence[PlainSecret], *, moves: bool) -> str:
    """Return how many secrets stand in the configurations, by name, and what becomes of them."""
    if not found:
        return "None of these configurations holds a secret in plain text."
    words, verb = ("1 secret", "s") if len(found) == 1 else (f"{len(found)} secrets", "")
    shown = _shortened([secret.name for secret in found])
    if moves:
        words += f" move{verb} to the keyring, and the graph only refers to them: {shown}."
    else:
        words += f" stay{verb} in the graph as plain text that whoever gets the file can read: {shown}."
    if visible := [secret.name for secret in found if secret.is_argument]:
        words += f" Servers get {_shortened(visible)} as arguments, which other programs can read."
    return words


def _shortened(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _flip(row: QTreeWidgetItem) -> None:
    is_ticked = row.checkState(0) is Qt.CheckState.Checked
    row.setCheckState(0, Qt.CheckState.Unchecked if is_ticked else Qt.CheckState.Checked)
