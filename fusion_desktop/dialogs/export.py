"""Enter the graph into the configuration of an MCP client, after showing what would change."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from composite_runtime.errors import FusionError
from composite_runtime.graph import file as graph_file
from composite_runtime.graph.model import Graph
from composite_runtime.interop import export, launch
from composite_runtime.interop.clients import clients
from composite_runtime.interop.machine import Machine
from fusion_desktop import theme
from fusion_desktop.dialogs.diff_view import DiffView


class ExportDialog(QDialog):
    """Asks for client and name, shows the change, and makes it. Open it with `open()`."""

    exported = Signal(str)
    """A sentence: what was written where, and where the former file is kept."""

    def __init__(
        self,
        graph_path: Path,
        parent: QWidget | None = None,
        *,
        composite: str | None = None,
        machine: Machine | None = None,
    ) -> None:
        super().__init__(parent)
        self._graph_path = graph_path
        self._machine = machine or Machine.this()
        self._file: Path | None = None
        self._plan: export.Plan | None = None
        self._written: export.Plan | None = None
        self._graph, fault = _loaded(graph_path)
        self._build()
        self._offer_composites(composite)
        if fault:
            self._refuse(fault)
        else:
            self._preview()

    def _build(self) -> None:
        self.setWindowTitle("Export to a client")
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.resize(720, 560)
        self.client = QComboBox()
        self.client.setAccessibleName("Client")
        for client_id, title in self._offered():
            self.client.addItem(title, client_id)
        self.client.currentIndexChanged.connect(lambda: self.choose_file(None))
        self.name = QLineEdit(export.entry_name(self._graph.name if self._graph else self._graph_path.stem))
        self.name.setAccessibleName("Name of the entry")
        self.name.textChanged.connect(self._preview)
        self.composite = QComboBox()
        self.composite.setAccessibleName("Composite")
        self.composite.currentIndexChanged.connect(self._preview)
        self._where = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._where.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._where.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._choose = QPushButton("Other file…")
        self._choose.setAutoDefault(False)
        self._choose.clicked.connect(self._ask_file)
        place = QHBoxLayout()
        place.addWidget(self._where, 1)
        place.addWidget(self._choose)
        self._fields = QFormLayout()
        self._fields.setSpacing(3 * theme.GRID)
        self._fields.addRow("Client", self.client)
        self._fields.addRow("Name there", self.name)
        self._fields.addRow("Composite", self.composite)
        self._fields.addRow("File", place)
        self.diff = DiffView()
        self._note = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._note.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._note.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(5 * theme.GRID, 5 * theme.GRID, 5 * theme.GRID, 4 * theme.GRID)
        layout.setSpacing(3 * theme.GRID)
        layout.addLayout(self._fields)
        layout.addWidget(self.diff, 1)
        layout.addWidget(self._note)
        layout.addLayout(self._buttons())

    def _buttons(self) -> QHBoxLayout:
        self._undo = _push("Take it back", self.undo)
        self._undo.hide()
        self._close = _push("Cancel", self.reject)
        self._export = _push("Export", self.write)
        self._export.setProperty("primary", True)
        self._export.setDefault(True)
        row = QHBoxLayout()
        row.addWidget(self._undo)
        row.addStretch(1)
        row.addWidget(self._close)
        row.addWidget(self._export)
        return row

    def choose_file(self, path: Path | None) -> None:
        """Write to this file instead of the client's own; None returns to that."""
        self._file = path
        self._preview()

    def write(self) -> None:
        """Make the change that is shown; nothing else is ever written."""
        if self._plan is None:
            return
        plan = self._plan
        try:
            backup = export.apply(plan)
        except FusionError as error:
            self._refuse(error.message)
            return
        client = clients[plan.client_id]
        kept = f"The former file is kept as {backup}. " if backup is not None else ""
        self._note.setText(f"Written to {plan.path}. {kept}{client.restart}")
        self._mark_note("muted")
        self._done(plan)
        self.exported.emit(f"{plan.entry_name} was entered into {client.title}: {plan.path}")

    def undo(self) -> None:
        """Take the change back."""
        if self._written is None:
            return
        try:
            export.undo(self._written)
        except FusionError as error:
            self._refuse(error.message)
            return
        self._written = None
        for field in (self.client, self.name, self.composite, self._choose):
            field.setEnabled(True)
        self._undo.hide()
        self._close.setText("Cancel")
        self._export.show()
        self._preview()

    def _offered(self) -> list[tuple[str, str]]:
        """Return the clients that can be written, those on this machine first."""
        here = self._machine
        found: list[tuple[bool, str, str]] = []
        for client_id, client in clients.items():
            if client.why_read_only:
                continue
            places = client.paths(here.platform, here.env, here.home)
            is_here = any(place.is_installed() for place in places)
            found.append((not is_here, client_id, client.title if is_here else f"{client.title} (not found here)"))
        return [
            (client_id, title) for _, client_id, title in sorted(found, key=lambda each: (each[0], each[2].lower()))
        ]

    def _offer_composites(self, chosen: str | None) -> None:
        roots = self._graph.roots() if self._graph is not None else ()
        is_choice = len(roots) > 1 or chosen is not None
        if is_choice and self._graph is not None:
            listed = [node for node in self._graph.nodes if node.type == "composite"]
            for node in sorted(listed, key=lambda node: node not in roots):
                self.composite.addItem(node.name, node.id)
            self.composite.setCurrentIndex(max(0, self.composite.findData(chosen)))
        self._fields.setRowVisible(self.composite, is_choice)

    def _preview(self) -> None:
        """Show what would change; whatever is shown is what `write` does."""
        if self._graph is None or self._written is not None:
            return
        self._where.setText(str(self._file or "the client's own file"))
        try:
            plan = export.plan(
                self.client.currentData(),
                self.name.text(),
                launch.serve_command(self._graph_path, self.composite.currentData()),
                file=self._file,
                graph_id=self._graph.id,
                machine=self._machine,
            )
        except FusionError as error:
            self._refuse(error.message)
            return
        self._plan = plan
        self._where.setText(str(plan.path))
        self.diff.setPlainText(plan.diff if plan.diff else "Nothing would change: the entry is there already.")
        self._note.setText(_words(plan))
        self._mark_note("muted")
        self._export.setEnabled(not plan.changes_nothing)

    def _refuse(self, message: str) -> None:
        self._plan = None
        self.diff.clear()
        self._note.setText(message)
        self._mark_note("error")
        self._export.setEnabled(False)

    def _done(self, plan: export.Plan) -> None:
        self._written, self._plan = plan, None
        for field in (self.client, self.name, self.composite, self._choose):
            field.setEnabled(False)
        self._undo.show()
        self._export.hide()
        self._close.setText("Close")
        self._close.setDefault(True)

    def _ask_file(self) -> None:
        dialog = QFileDialog(self, "The client's configuration file")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.choose_file(Path(name)))
        dialog.open()

    def _mark_note(self, role: str) -> None:
        self._note.setProperty("role", role)
        self._note.style().polish(self._note)


def _loaded(path: Path) -> tuple[Graph | None, str]:
    try:
        return graph_file.load(path), ""
    except FusionError as error:
        return None, error.message


def _words(plan: export.Plan) -> str:
    if plan.changes_nothing:
        return "The client already starts this graph."
    if not plan.existed:
        return "The file does not exist yet and will be made. It holds no secret: the graph keeps references to them."
    what = f"The entry {plan.entry_name} is replaced" if plan.replaces else "One entry is added"
    return f"{what}; everything else stays as it is, and the file as it was is kept beside it. No secret is written."


def _push(text: str, action: Callable[[], object]) -> QPushButton:
    button = QPushButton(text)
    button.setAutoDefault(False)
    button.clicked.connect(action)
    return button
