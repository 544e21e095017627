"""The main window: puts canvas, panels and actions together and connects them."""

import sys
from functools import partial

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import (
    QMainWindow,
    QSizePolicy,
    QTabWidget,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from composite_runtime import paths
from composite_runtime.graph.model import CompositeNode, ServerNode
from fusion_desktop import assets, theme
from fusion_desktop.actions import Actions, Situation, commands
from fusion_desktop.arrivals import Arrivals
from fusion_desktop.attaching import Attaching
from fusion_desktop.calling import Calling
from fusion_desktop.canvas.access import Access
from fusion_desktop.canvas.editing import Editing
from fusion_desktop.canvas.scene import CanvasScene
from fusion_desktop.canvas.view import CanvasView
from fusion_desktop.canvas.welcome import Welcome
from fusion_desktop.completing import Completing
from fusion_desktop.diagnosing import Diagnosing
from fusion_desktop.dialogs.export import ExportDialog
from fusion_desktop.dialogs.filing import Filing
from fusion_desktop.dialogs.first_start import FirstStartDialog
from fusion_desktop.document.document import Document
from fusion_desktop.document.files import DocumentFile
from fusion_desktop.drifting import Drifting
from fusion_desktop.finding import Finding
from fusion_desktop.first_starts import FirstStarts
from fusion_desktop.focus import Focus
from fusion_desktop.inspector.inspector import Inspector
from fusion_desktop.keymap import Keymap
from fusion_desktop.liveness import Liveness
from fusion_desktop.menu_table import TOOLBAR
from fusion_desktop.menus import Menus
from fusion_desktop.panels.banner import Banner, Choice
from fusion_desktop.panels.catalogue import CataloguePanel, load_catalogue
from fusion_desktop.panels.crumbs import Crumbs
from fusion_desktop.panels.dock import Dock
from fusion_desktop.panels.footer import Footer
from fusion_desktop.panels.history import HistoryPanel
from fusion_desktop.panels.log import LogPanel
from fusion_desktop.panels.minimap import Minimap
from fusion_desktop.panels.problems import ProblemsPanel
from fusion_desktop.panels.properties import PropertiesPanel
from fusion_desktop.panels.traffic import TrafficPanel
from fusion_desktop.picturing import Picturing
from fusion_desktop.restoring import Restoring
from fusion_desktop.run.status import Status
from fusion_desktop.running import Running
from fusion_desktop.settings import WINDOW_VERSION, Settings
from fusion_desktop.signing import Signing
from fusion_desktop.watching import Watching
from fusion_desktop.wiring import Wiring

_IS_MAC = sys.platform == "darwin"

LEFT, RIGHT, BOTTOM = (
    Qt.DockWidgetArea.LeftDockWidgetArea,
    Qt.DockWidgetArea.RightDockWidgetArea,
    Qt.DockWidgetArea.BottomDockWidgetArea,
)


class MainWindow(QMainWindow):
    """Shows one document."""

    closed = Signal()

    def __init__(
        self,
        document: Document,
        file: DocumentFile,
        settings: Settings,
        *,
        running: Running,
        first_starts: FirstStarts,
        status: Status,
        log_panel: LogPanel,
        traffic_panel: TrafficPanel,
        watching: Watching,
        inspector: Inspector,
        calling: Calling,
        diagnosing: Diagnosing,
    ) -> None:
        super().__init__()
        self.setObjectName("main")
        self.document = document
        self.file = file
        self.settings = settings
        self.running = running
        self._first_starts = first_starts
        self._is_closing = False
        self.scene = CanvasScene(document, self)
        self._liveness = Liveness(
            status, self.scene, lambda: self.running.is_running or self.attaching.shows_document, self
        )
        self.view = CanvasView(document, self.scene)
        self.actions_table = Actions(self, self.view, Keymap(commands(is_mac=_IS_MAC), settings.keys))
        self.editing = Editing(document, self.scene, self.view)
        self._access = Access(document, self.scene, self.view)
        self.filing = Filing(document, file, settings, self)
        self.completing = Completing(self)
        self.arrivals = Arrivals(
            document, self.view, self.editing, self.filing, completing=self.completing, settings=settings, window=self
        )
        self.banner = Banner()
        self.crumbs = Crumbs(document)
        self.welcome = Welcome(self.view.viewport())
        templates = load_catalogue()
        self.catalogue = CataloguePanel(templates)
        self.finding = Finding(
            document,
            self.view,
            self.editing,
            self.actions_table,
            templates=templates,
            completing=self.completing,
            settings=settings,
        )
        self.wiring = Wiring(document, self.scene, self.view, editing=self.editing, finding=self.finding)
        self.picturing = Picturing(document, self.scene, self)
        self.restoring = Restoring(document, first_starts.untyped, self)
        self.properties = PropertiesPanel(document)
        self.problems = ProblemsPanel(document)
        self.minimap = Minimap(document, self._liveness.colour_of)
        self.log_panel = log_panel
        self.traffic_panel = traffic_panel
        self.attaching = Attaching(
            watching, self.scene.selected_nodes, log=log_panel, traffic=traffic_panel, banner=self.banner, window=self
        )
        self.inspector = inspector
        self.calling = calling
        self.diagnosing = diagnosing
        self.signing = Signing(document, status, self)
        diagnosing.follow(status, self.banner)
        self.drifting = Drifting(document, self)
        self._docks: dict[str, Dock] = {}
        self._titles_timer = QTimer(self, interval=0, singleShot=True)
        self._titles_timer.timeout.connect(self._fit_titles)
        self._lay_out()
        self.focus = Focus(self.view, self._docks, self, beside=(self.welcome, self.banner))
        self.menus = Menus(self, self.actions_table, settings, self.filing, self._docks.values())
        self._make_toolbar()
        self._make_status_bar()
        self._connect()
        self._update_title()
        self._update_running()
        self._update_situation()
        self._restore()
        self.view.setFocus()

    # Layout

    def _lay_out(self) -> None:
        centre = QWidget()
        layout = QVBoxLayout(centre)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.banner)
        layout.addWidget(self.crumbs)
        layout.addWidget(self.view, 1)
        self.setCentralWidget(centre)
        self.setDockNestingEnabled(True)
        self.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        self.setCorner(Qt.Corner.BottomRightCorner, RIGHT)
        self.setCorner(Qt.Corner.BottomLeftCorner, LEFT)
        history = HistoryPanel(self.document)
        for name, title, panel, area in (
            ("catalogue", "Catalogue", self.catalogue, LEFT),
            ("minimap", "Map", self.minimap, LEFT),
            ("properties", "Properties", self.properties, RIGHT),
            ("inspector", "Inspector", self.inspector, RIGHT),
            ("history", "History", history, RIGHT),
            ("log", "Log", self.log_panel, BOTTOM),
            ("traffic", "Traffic", self.traffic_panel, BOTTOM),
            ("problems", "Problems", self.problems, BOTTOM),
            ("calls", "Calls", self.calling.view, BOTTOM),
            ("doctor", "Doctor", self.diagnosing.panel, RIGHT),
            ("drift", "Changes", self.drifting.panel, RIGHT),
        ):
            dock = Dock(name, title, panel, self)
            self._docks[name] = dock
            self.addDockWidget(area, dock)
            dock.toggleViewAction().toggled.connect(self._titles_timer.start)
            dock.dockLocationChanged.connect(self._titles_timer.start)
        together = {
            "properties": ("inspector", "history"),
            "log": ("traffic", "problems", "calls"),
            "inspector": ("doctor", "drift"),
        }
        for first, second in ((first, second) for first, others in together.items() for second in others):
            self.tabifyDockWidget(self._docks[first], self._docks[second])
        for name in ("properties", "log"):
            self._docks[name].raise_()
        for name in ("history", "doctor", "drift"):
            self._docks[name].hide()
        docks = [self._docks[name] for name in ("catalogue", "properties")]
        self.resizeDocks(docks, [248, 328], Qt.Orientation.Horizontal)
        self.resizeDocks([self._docks["log"]], [232], Qt.Orientation.Vertical)
        self.resizeDocks([self._docks["catalogue"], self._docks["minimap"]], [560, 160], Qt.Orientation.Vertical)
        self.resize(1440, 900)

    def _fit_titles(self) -> None:
        for dock in self._docks.values():
            dock.fit_title()

    def _make_toolbar(self) -> None:
        bar = QToolBar("Toolbar", self)
        bar.setObjectName("toolbar")
        bar.setMovable(False)
        bar.setIconSize(QSize(20, 20))
        for name in TOOLBAR:
            bar.addAction(self.actions_table[name]) if name else bar.addSeparator()
        space = QWidget()
        space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        bar.addWidget(space)
        self._run_button = QToolButton()
        self._run_button.setObjectName("run-button")
        self._run_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._run_button.clicked.connect(self._run_or_stop)
        bar.addWidget(self._run_button)
        export = QToolButton()
        export.setDefaultAction(self.actions_table["file.export"])
        export.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        export.setText("Export")
        bar.addWidget(export)
        self.addToolBar(bar)
        for button in bar.findChildren(QToolButton):
            action = button.defaultAction()
            button.setAccessibleName(action.text().rstrip("…") if action is not None else button.toolTip())

    def _make_status_bar(self) -> None:
        bar = self.statusBar()
        bar.setSizeGripEnabled(False)
        self.footer = Footer()
        bar.addPermanentWidget(self.footer)

    # Connections

    def _connect(self) -> None:
        known = {action.objectName() for action in self.actions_table}
        self.actions_table.bind(
            {
                **self.editing.handlers(),
                **self.filing.handlers(),
                **self.arrivals.handlers(),
                "file.export": self.export,
                "file.quit": self.close,
                **self.finding.handlers(),
                **self.wiring.handlers(),
                **self.focus.handlers(),
                **{
                    f"panel.{name}": partial(self.focus.toggle, name)
                    for name in self._docks
                    if f"panel.{name}" in known
                },
                "graph.properties": self._edit_properties,
                **self.menus.handlers(),
                **self.picturing.handlers(),
                **self.restoring.handlers(),
                "view.full_screen": self._toggle_full_screen,
                "run.start": lambda: self.running.start(self.settings.transport),
                "run.stop": self.running.stop,
                "run.save_call": self.calling.save_newest,
                "run.drift": lambda: self.drifting.examine(self.scene.selected_nodes()[0]),
                "run.doctor": lambda: self.diagnosing.examine(self.scene.selected_nodes()[0]),
                **self.signing.handlers(self.scene.selected_nodes),
                **self.attaching.handlers(),
                "run.inspect": self._inspect,
            }
        )
        for source in (self.editing, self.filing, self.arrivals, self.view, self.properties, self.running):
            source.refused.connect(self.show_error)
        for helper in (self.inspector, self.picturing, self.restoring, self.calling, self.diagnosing, self.drifting):
            helper.refused.connect(self.show_error)
        self.file.failed.connect(self.show_error)
        for teller in (self.picturing, self.restoring, self.editing, self.filing, self.arrivals, self.completing):
            teller.said.connect(lambda text: self.statusBar().showMessage(text, 4000))
        self.completing.asked.connect(self.show_error)
        self._first_starts.asked.connect(self._ask_first_start)
        self._first_starts.refused.connect(self.show_error)
        for helper, panel in ((self.calling, "inspector"), (self.diagnosing, "doctor"), (self.drifting, "drift")):
            helper.shown.connect(partial(self.show_panel, panel))
        self.drifting.marked.connect(self.scene.show_mark)
        self.diagnosing.properties_wanted.connect(self.editing.show_node)
        self.diagnosing.properties_wanted.connect(lambda _: self.show_panel("properties"))
        self.calling.noticed.connect(lambda text: self.banner.tell(text, role="warning"))
        self.calling.save_graph_wanted.connect(self.filing.save)
        self.running.warned.connect(lambda text: self.banner.tell(text, role="warning"))
        askers = (self.view.sign_in_wanted, self.diagnosing.sign_in_wanted)
        self.signing.show_in(self.banner, self.problems, self.properties.node_page, *askers)
        self.running.changed.connect(self._update_running)
        self.attaching.changed.connect(self._show_watching)
        self.attaching.panel_wanted.connect(self.show_panel)
        self.attaching.node_wanted.connect(self.editing.show_node)
        self._liveness.shown.connect(self.minimap.refresh)
        self.file.path_changed.connect(self._update_title)
        self.file.changed_on_disk.connect(self._tell_conflict)
        self.filing.opened.connect(self._opened)
        self.document.undo_stack.cleanChanged.connect(lambda _clean: self._update_title())
        self.document.edited.connect(self._update_situation)
        self.scene.selection_changed.connect(self._select)
        self._access.delete_wanted.connect(self.editing.delete)
        self._access.connect_wanted.connect(self.wiring.connect_nodes)
        self.catalogue.chosen.connect(self.arrivals.add)
        self.catalogue.registry_wanted.connect(self.arrivals.browse)
        self.problems.chosen.connect(self.editing.show_node)
        self.problems.counted.connect(self._count_problems)
        self.minimap.wanted.connect(self.view.centerOn)
        self.crumbs.wanted.connect(self.editing.show_level)
        self.editing.entered.connect(self._entered)
        self.view.moved.connect(self.minimap.show_visible)
        self.view.zoomed.connect(self.footer.show_scale)
        self.footer.problems_wanted.connect(lambda: self.show_panel("problems"))
        self.footer.copied.connect(lambda: self.statusBar().showMessage("Copied the address", 4000))
        self.view.menu_wanted.connect(self.menus.open_context)
        self.welcome.example_wanted.connect(self.open_example)
        self.welcome.open_wanted.connect(self.filing.choose)
        self.welcome.import_wanted.connect(self.arrivals.choose)
        self.welcome.composite_wanted.connect(self.editing.add_composite)
        QGuiApplication.clipboard().dataChanged.connect(self._update_situation)
        theme.signals.changed.connect(self._update_running)
        self.problems.refresh()

    # What is shown

    def show_error(self, text: str, choices: tuple[Choice, ...] = ()) -> None:
        """Tell what went wrong, over the canvas."""
        self.banner.tell(text, role="error", choices=choices)

    def _update_title(self) -> None:
        self.setWindowTitle(f"{self.file.title}[*] – Fusion")
        self.setWindowModified(self.document.is_modified)
        self.setWindowFilePath(str(self.file.path or ""))

    def _update_situation(self) -> None:
        nodes, things = self.scene.selected_nodes(), self.scene.selected()
        stack = self.document.undo_stack
        self.actions_table.update(
            Situation(
                nodes=len(nodes),
                annotations=len(things) - len(nodes),
                edges=len(self.scene.selected_edges()),
                remotes=sum(self.signing.is_remote(n) for n in nodes),
                composites=sum(isinstance(self.document.node(n), CompositeNode) for n in nodes),
                shown=len(self.document.graph.nodes),
                can_undo=stack.canUndo(),
                can_redo=stack.canRedo(),
                can_paste=(mime := QGuiApplication.clipboard().mimeData()) is not None
                and (mime.hasText() or mime.hasUrls()),
                is_running=self.running.is_running,
                is_attached=self.attaching.is_attached,
                is_inside=self.scene.root is not None,
            )
        )
        undo, redo = self.actions_table["edit.undo"], self.actions_table["edit.redo"]
        undo.setText(f"Undo {stack.undoText()}".strip())
        redo.setText(f"Redo {stack.redoText()}".strip())
        self.welcome.setVisible(not self.document.graph.nodes)
        self._run_button.setEnabled(bool(self.document.graph.nodes))

    def _select(self) -> None:
        self.properties.show_selection(self.scene.selected(), self.scene.selected_edges())
        self._update_situation()

    def _update_running(self) -> None:
        running = self.running
        words = "Stop" if running.is_running else "Run"
        self._run_button.setText(words)
        self._run_button.setAccessibleName(words)
        self._run_button.setIcon(assets.icon(words.lower(), "failed" if running.is_running else "on_accent"))
        self._run_button.setProperty("primary", not running.is_running)
        self._run_button.style().polish(self._run_button)
        self.footer.show_run("Running" if running.is_ready else "Starting…" if running.is_running else "", running.url)
        if not running.is_running:
            self.scene.clear_states()
        self._update_situation()

    def _count_problems(self, errors: int, warnings: int) -> None:
        self.footer.show_problems(errors, warnings)
        total = errors + warnings
        self._docks["problems"].setWindowTitle(f"Problems ({total})" if total else "Problems")

    def _entered(self) -> None:
        self.crumbs.show_path(self.scene.root)
        self.minimap.show_level(self.scene.root)
        self._update_situation()

    def _opened(self) -> None:
        self.banner.hide()
        self.crumbs.show_path(None)
        self.minimap.show_level(None)
        self.editing.fit()
        self.view.setFocus()

    # Actions of the window itself

    def _run_or_stop(self) -> None:
        self.actions_table["run.stop" if self.running.is_running else "run.start"].trigger()

    def _show_watching(self, word: str) -> None:
        self.footer.show_run(word, None)
        self._liveness.refresh()
        self._update_situation()

    def export(self) -> None:
        """Save if need be, then open the export dialog: clients are given the path of the file."""
        if self.file.path is None or self.document.is_modified:
            self.filing.save(self._export)
        else:
            self._export()

    def _export(self) -> None:
        assert self.file.path is not None
        dialog = ExportDialog(self.file.path, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.exported.connect(lambda text: self.statusBar().showMessage(text, 8000))
        dialog.open()

    def _ask_first_start(self, nodes: list[ServerNode]) -> None:
        dialog = FirstStartDialog(nodes, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.agreed.connect(self._first_starts.decide)
        dialog.rejected.connect(self._first_starts.give_up)
        dialog.open()

    def open_example(self) -> None:
        """Open the graph that comes with Fusion and needs nothing else."""
        self.filing.open_copy(paths.resource("examples/first.fusion"))

    def show_panel(self, name: str) -> None:
        """Bring a panel to the front."""
        self._docks[name].show()
        self._docks[name].raise_()

    def _inspect(self) -> None:
        if chosen := self.scene.selected_nodes():
            self.inspector.inspect(chosen[0])
        self.focus.enter("inspector")

    def _edit_properties(self) -> None:
        self.focus.enter("properties")
        self.properties.focus_name()

    def _toggle_full_screen(self) -> None:
        self.showNormal() if self.isFullScreen() else self.showFullScreen()

    def _tell_conflict(self) -> None:
        path = self.file.path
        assert path is not None
        self.banner.tell(
            f"{self.file.title} was changed by another program.",
            role="warning",
            choices=(("Load what it holds now", lambda: self.filing.open(path)), ("Keep mine", self.file.accept_disk)),
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        # Escape that nobody else took leads from any panel back to the canvas.
        if event.key() == Qt.Key.Key_Escape:
            self.focus.to_canvas()
        else:
            super().keyPressEvent(event)

    def focusNextPrevChild(self, next: bool) -> bool:  # Qt's own name
        return self.focus.tab(forward=next) or super().focusNextPrevChild(next)

    # Opening and closing

    def _restore(self) -> None:
        geometry, state = self.settings.window()
        if not geometry.isEmpty():
            self.restoreGeometry(geometry)
        if not state.isEmpty():
            self.restoreState(state, WINDOW_VERSION)

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._is_closing or not self.document.is_modified:
            self.settings.save_window(self.saveGeometry(), self.saveState(WINDOW_VERSION))
            self.file.close()
            event.accept()
            self.closed.emit()
            return
        event.ignore()
        self.filing.guarded(self._close_for_good)

    def _close_for_good(self) -> None:
        self._is_closing = True
        # The question that led here must have gone before its parent goes.
        QTimer.singleShot(0, self.close)
