"""Enter the graph into the configuration of an MCP client, after showing what would change; or hand it on otherwise."""

import re
from functools import partial
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
    QMenu,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from composite_runtime.errors import ConfigError, FusionError
from composite_runtime.graph import file as graph_file
from composite_runtime.graph.model import Graph
from composite_runtime.interop import export, launch
from composite_runtime.interop.clients import clients
from composite_runtime.interop.clients.format import MARK, Entry
from composite_runtime.interop.machine import Machine
from composite_runtime.interop.status import ClientStatus, OurEntry, State, entries_in, status
from fusion_desktop import theme
from fusion_desktop.controls import push_button, reading, restyle
from fusion_desktop.dialogs.diff_view import DiffView
from fusion_desktop.dialogs.export_ways import ExportWays, ways

_STATES = {
    State.NOT_INSTALLED: "not found here",
    State.EXPORTED: "has a graph of Fusion’s",
    State.STALE: "has a graph of Fusion’s, not up to date",
    State.UNREADABLE: "its file cannot be read",
}


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
        self._is_removal = False
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
        self.resize(720, 640)
        self._build_fields()
        self._build_tabs()
        self._note = reading()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(5 * theme.GRID, 5 * theme.GRID, 5 * theme.GRID, 4 * theme.GRID)
        layout.setSpacing(3 * theme.GRID)
        layout.addLayout(self._fields)
        layout.addWidget(self.tabs, 1)
        layout.addWidget(self._note)
        layout.addLayout(self._buttons())

    def _build_fields(self) -> None:
        self.client = QComboBox()
        self.client.setAccessibleName("Client")
        for client_id, title in self._offered():
            self.client.addItem(title, client_id)
        self.client.currentIndexChanged.connect(lambda: self.choose_file(None))
        self.reach = QComboBox()
        self.reach.setAccessibleName("How the client reaches it")
        self.reach.addItem("The client starts it")
        self.reach.addItem("The client connects to a URL where it is served already")
        self.reach.currentIndexChanged.connect(self._preview)
        self.url = QLineEdit()
        self.url.setPlaceholderText("http://127.0.0.1:8000/mcp")
        self.url.setAccessibleName("URL")
        self.url.textChanged.connect(self._preview)
        self.name = QLineEdit(export.entry_name(self._graph.name if self._graph else self._graph_path.stem))
        self.name.setAccessibleName("Name of the entry")
        self.name.textChanged.connect(self._preview)
        self.composite = QComboBox()
        self.composite.setAccessibleName("Composite")
        self.composite.currentIndexChanged.connect(self._preview)
        self._fields = QFormLayout()
        self._fields.setSpacing(3 * theme.GRID)
        self._fields.addRow("Client", self.client)
        self._fields.addRow("Name there", self.name)
        self._fields.addRow("Composite", self.composite)
        self._fields.addRow("Reached", self.reach)
        self._fields.addRow("URL", self.url)
        self._fields.addRow("File", self._make_place())
        self._fields.addRow("State", self._make_state())

    def _build_tabs(self) -> None:
        self.diff = DiffView()
        self.ways = ExportWays()
        self.ways.said.connect(lambda words: self._say(words, "muted"))
        self.ways.refused.connect(lambda words: self._say(words, "error"))
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName("Ways to export")
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.diff, "Change of its file")
        self.tabs.addTab(self.ways, "Without changing a file")
        self.tabs.currentChanged.connect(self._show_tab)

    def _make_place(self) -> QHBoxLayout:
        self._where = reading()
        self._choose = QPushButton("Change")
        self._choose.setAutoDefault(False)
        menu = QMenu(self)
        menu.aboutToShow.connect(lambda: self._fill_places(menu))
        self._choose.setMenu(menu)
        self._choose.setProperty("menu", True)
        row = QHBoxLayout()
        row.addWidget(self._where, 1)
        row.addWidget(self._choose)
        return row

    def _buttons(self) -> QHBoxLayout:
        self._undo = push_button("Take it back", self.undo)
        self._undo.hide()
        self._close = push_button("Cancel", self.reject)
        self._export = push_button("Export", self.write, primary=True)
        self._export.setDefault(True)
        row = QHBoxLayout()
        row.addWidget(self._undo)
        row.addStretch(1)
        row.addWidget(self._close)
        row.addWidget(self._export)
        return row

    def _make_state(self) -> QHBoxLayout:
        self._state = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self.remove = push_button("Take it out…", self._toggle_removal)
        self.remove.setCheckable(True)
        row = QHBoxLayout()
        row.addWidget(self._state, 1)
        row.addWidget(self.remove)
        return row

    def _fill_places(self, menu: QMenu) -> None:
        menu.clear()
        client = clients[self.client.currentData()]
        here = self._machine
        for place in client.paths(here.platform, here.env, here.home):
            note = f" ({place.note})" if place.note else ""
            menu.addAction(f"{place.path}{note}", partial(self.choose_file, place.path))
        menu.addSeparator()
        if client.project_file is not None:
            menu.addAction("In the folder of a project…", self._ask_project)
        menu.addAction("Another file…", self._ask_file)

    def _ask_project(self) -> None:
        dialog = QFileDialog(self, "The project’s folder", str(self._graph_path.parent))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.choose_project(Path(name)))
        dialog.open()

    def choose_project(self, folder: Path) -> None:
        """Write to the client's file in the folder of a project."""
        project_file = clients[self.client.currentData()].project_file
        if project_file is not None:
            self.choose_file(folder / project_file)

    def choose_file(self, path: Path | None) -> None:
        """Write to this file instead of the client's own; None returns to that."""
        self._file = path
        self._is_removal = False
        self.remove.setChecked(False)
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
        done = "Taken out of" if self._is_removal else "Written to"
        self._say(f"{done} {plan.path}. {kept}{client.restart}", "muted")
        self._done(plan)
        word = "taken out of" if self._is_removal else "entered into"
        self.exported.emit(f"{plan.entry_name} was {word} {client.title}: {plan.path}")

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
        for field in self._inputs():
            field.setEnabled(True)
        self._undo.hide()
        self._close.setText("Cancel")
        self._export.show()
        self._preview()

    def _offered(self) -> list[tuple[str, str]]:
        """Return the clients that can be written, those on this machine first, each with how it stands."""
        stands = [status(client_id, self._machine) for client_id in clients if not clients[client_id].why_read_only]
        stands.sort(key=lambda each: (each.state is State.NOT_INSTALLED, each.title.lower()))
        return [(each.client_id, _with_state(each)) for each in stands]

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
        client = clients[self.client.currentData()]
        self._fields.setRowVisible(self.reach, client.opens_urls)
        self._fields.setRowVisible(self.url, self._is_url)
        self._where.setText(str(self._file or "the client’s own file"))
        ours = self._ours()
        self._show_state(ours)
        self._show_ways()
        try:
            plan = self._planned(self._graph, ours)
        except FusionError as error:
            self._refuse(_for_window(error.message))
            return
        self._plan = plan
        self._where.setText(str(plan.path))
        self.diff.setPlainText(plan.diff if plan.diff else "Nothing would change: the entry is there already.")
        self._say(_words(plan, is_removal=self._is_removal) if self._is_file_tab else "", "muted")
        self._export.setText("Take it out" if self._is_removal else "Export")
        self._export.setEnabled(not plan.changes_nothing and self._is_file_tab)

    def _planned(self, graph: Graph, ours: OurEntry | None) -> export.Plan:
        client_id, name = self.client.currentData(), self.name.text()
        if self._is_removal and ours is not None:
            return export.plan_removal(client_id, ours.name, file=self._file, machine=self._machine)
        if self._is_url:
            return export.plan_url(client_id, name, _address(self.url.text()), file=self._file, machine=self._machine)
        command = launch.serve_command(self._graph_path, self.composite.currentData())
        return export.plan(client_id, name, command, file=self._file, graph_id=graph.id, machine=self._machine)

    @property
    def _is_url(self) -> bool:
        return self.reach.currentIndex() == 1 and clients[self.client.currentData()].opens_urls

    @property
    def _is_file_tab(self) -> bool:
        return self.tabs.currentWidget() is self.diff

    def _ours(self) -> OurEntry | None:
        """Return the entry of this graph that the file has already."""
        assert self._graph is not None
        try:
            path = export.target(clients[self.client.currentData()], self._file, self._machine)
            entries = entries_in(self.client.currentData(), path)
        except FusionError:
            return None
        graph = str(self._graph_path.resolve())
        return next((one for one in entries if graph in {one.graph} or one.graph_id == self._graph.id), None)

    def _show_state(self, ours: OurEntry | None) -> None:
        self.remove.setVisible(ours is not None)
        self.remove.setText("Keep it" if self._is_removal else "Take it out…")
        if ours is None:
            self._state.setText("This graph is not in this file yet.")
        elif ours.problem:
            self._state.setText(f"It has this graph as {ours.name}, but {ours.problem}.")
        else:
            self._state.setText(f"It has this graph as {ours.name}, up to date.")
        restyle(self._state, role="warning" if ours is not None and ours.problem else "muted")

    def _show_ways(self) -> None:
        assert self._graph is not None
        command = launch.serve_command(self._graph_path, self.composite.currentData())
        name = self.name.text() or "fusion"
        entry = Entry(name, command, {MARK: self._graph.id})
        if self._is_url:
            entry = Entry(name, url=self.url.text().strip() or self.url.placeholderText())
        found = ways(entry, self.client.currentData(), self._graph.name)
        self.ways.show_ways(found, self._graph, self.composite.currentData())

    def _show_tab(self) -> None:
        self._export.setVisible(self._is_file_tab and self._written is None)
        self._close.setText("Cancel" if self._export.isVisibleTo(self) else "Close")
        self._preview()

    def _toggle_removal(self) -> None:
        self._is_removal = self.remove.isChecked()
        self.tabs.setCurrentWidget(self.diff)
        self._preview()

    def _inputs(self) -> tuple[QWidget, ...]:
        return (self.client, self.name, self.composite, self.reach, self.url, self._choose, self.remove)

    def _refuse(self, message: str) -> None:
        self._plan = None
        self.diff.clear()
        self._say(message, "error")
        self._export.setEnabled(False)

    def _done(self, plan: export.Plan) -> None:
        self._written, self._plan = plan, None
        self._show_state(self._ours())
        for field in self._inputs():
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

    def _say(self, words: str, role: str) -> None:
        self._note.setText(words)
        restyle(self._note, role=role)


def _with_state(stands: ClientStatus) -> str:
    words = _STATES.get(stands.state)
    return f"{stands.title} ({words})" if words else stands.title


def _for_window(message: str) -> str:
    """Return an error without the options of the command line in it."""
    return re.sub(r" \(--\w+\)", "", message)


def _address(text: str) -> str:
    url = text.strip()
    if not re.match(r"https?://[^\s/]+", url):
        raise ConfigError("Enter the URL where the composite is served, such as http://127.0.0.1:8000/mcp")
    return url


def _loaded(path: Path) -> tuple[Graph | None, str]:
    try:
        return graph_file.load(path), ""
    except FusionError as error:
        return None, error.message


def _words(plan: export.Plan, *, is_removal: bool) -> str:
    if is_removal:
        return "The entry is taken out; everything else stays as it is, and the file as it was is kept beside it."
    if plan.changes_nothing:
        return "The client already starts this graph."
    if not plan.existed:
        return "The file does not exist yet and will be made. It holds no secret: the graph keeps references to them."
    what = f"The entry {plan.entry_name} is replaced" if plan.replaces else "One entry is added"
    return f"{what}; everything else stays as it is, and the file as it was is kept beside it. No secret is written."
