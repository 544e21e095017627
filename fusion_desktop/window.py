"""The main window: puts canvas, panels and actions together and connects them."""

import sys

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import QMainWindow, QVBoxLayout, QWidget

from composite_runtime.graph.model import ServerNode
from fusion_desktop.actions import Actions, commands
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
from fusion_desktop.dialogs.filing import Filing
from fusion_desktop.dialogs.first_start import FirstStartDialog
from fusion_desktop.docks import docked
from fusion_desktop.document.document import Document
from fusion_desktop.document.files import DocumentFile
from fusion_desktop.drifting import Drifting
from fusion_desktop.enabling import Enabling
from fusion_desktop.finding import Finding
from fusion_desktop.first_starts import FirstStarts
from fusion_desktop.focus import Focus
from fusion_desktop.inspector.inspector import Inspector
from fusion_desktop.keymap import Keymap
from fusion_desktop.liveness import Liveness
from fusion_desktop.menus import Menus
from fusion_desktop.panels.banner import Banner, Choice
from fusion_desktop.panels.catalogue import CataloguePanel, load_catalogue
from fusion_desktop.panels.crumbs import Crumbs
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
from fusion_desktop.toolbar import Toolbar
from fusion_desktop.watching import Watching
from fusion_desktop.wiring import Wiring

_IS_MAC = sys.platform == "darwin"


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
        self.resize(1440, 900)
        self.document = document
        self.file = file
        self.settings = settings
        self.running = running
        self.log_panel = log_panel
        self.traffic_panel = traffic_panel
        self.inspector = inspector
        self.calling = calling
        self.diagnosing = diagnosing
        self._first_starts = first_starts
        self._is_closing = False
        self._build_canvas()
        self._build_editing()
        self._build_running(status, watching)
        self._build_frame()
        self._bind()
        self._connect_words()
        self._connect_canvas()
        self._connect_run()
        self._update_title()
        self._show_graph()
        self._show_run()
        self.problems.refresh()
        self._restore()
        self.view.setFocus()

    # What there is

    def _build_canvas(self) -> None:
        self.scene = CanvasScene(self.document, self)
        self.view = CanvasView(self.document, self.scene)
        self.actions_table = Actions(self, self.view, Keymap(commands(is_mac=_IS_MAC), self.settings.keys))
        self.editing = Editing(self.document, self.scene, self.view)
        self._access = Access(self.document, self.scene, self.view)
        self.welcome = Welcome(self.view.viewport())
        self.banner = Banner()
        self.crumbs = Crumbs(self.document)
        centre = QWidget()
        layout = QVBoxLayout(centre)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.banner)
        layout.addWidget(self.crumbs)
        layout.addWidget(self.view, 1)
        self.setCentralWidget(centre)

    def _build_editing(self) -> None:
        document, view, editing, settings = self.document, self.view, self.editing, self.settings
        templates = load_catalogue()
        self.catalogue = CataloguePanel(templates)
        self.properties = PropertiesPanel(document)
        self.problems = ProblemsPanel(document)
        self.filing = Filing(document, self.file, settings, self)
        self.completing = Completing(self)
        self.arrivals = Arrivals(
            document, view, editing, self.filing, completing=self.completing, settings=settings, window=self
        )
        self.finding = Finding(
            document,
            view,
            editing,
            self.actions_table,
            templates=templates,
            completing=self.completing,
            settings=settings,
        )
        self.wiring = Wiring(document, self.scene, view, editing=editing, finding=self.finding)
        self.picturing = Picturing(document, self.scene, self)
        self.restoring = Restoring(document, self._first_starts.untyped, self)

    def _build_running(self, status: Status, watching: Watching) -> None:
        self.attaching = Attaching(
            watching,
            self.scene.selected_nodes,
            log=self.log_panel,
            traffic=self.traffic_panel,
            banner=self.banner,
            window=self,
        )
        self._liveness = Liveness(
            status, self.scene, lambda: self.running.is_running or self.attaching.shows_document, self
        )
        self.minimap = Minimap(self.document, self._liveness.colour_of)
        self.signing = Signing(self.document, status, self)
        self.diagnosing.follow(status, self.banner)
        self.drifting = Drifting(self.document, self)

    def _build_frame(self) -> None:
        panels = {
            "catalogue": self.catalogue,
            "minimap": self.minimap,
            "properties": self.properties,
            "inspector": self.inspector,
            "history": HistoryPanel(self.document),
            "log": self.log_panel,
            "traffic": self.traffic_panel,
            "problems": self.problems,
            "calls": self.calling.view,
            "doctor": self.diagnosing.panel,
            "drift": self.drifting.panel,
        }
        self.docks = docked(panels, self)
        self.focus = Focus(self.view, self.docks, self, beside=(self.welcome, self.banner))
        self.menus = Menus(self, self.actions_table, self.settings, self.filing, self.docks.values())
        self.addToolBar(Toolbar(self.actions_table, self))
        self.footer = Footer()
        self.statusBar().setSizeGripEnabled(False)
        self.statusBar().addPermanentWidget(self.footer)
        self.enabling = Enabling(
            self.actions_table,
            self.document,
            self.scene,
            editing=self.editing,
            running=self.running,
            attaching=self.attaching,
            signing=self.signing,
        )

    # Who does what, and who hears of it

    def _bind(self) -> None:
        selected = self.scene.selected_nodes
        for handlers in (
            self.editing.handlers(),
            self.filing.handlers(),
            self.arrivals.handlers(),
            self.finding.handlers(),
            self.wiring.handlers(),
            self.focus.handlers(),
            self.menus.handlers(),
            self.picturing.handlers(),
            self.restoring.handlers(),
            self.attaching.handlers(),
            self.calling.handlers(),
            self.diagnosing.handlers(selected),
            self.drifting.handlers(selected),
            self.signing.handlers(selected),
        ):
            self.actions_table.bind(handlers)
        self.actions_table.bind(
            {
                "file.quit": self.close,
                "graph.properties": self._edit_properties,
                "view.full_screen": self._toggle_full_screen,
                "run.start": self._run,
                "run.stop": self.running.stop,
                "run.inspect": self._inspect,
            }
        )

    def _connect_words(self) -> None:
        for refused in (
            *(self.editing.refused, self.filing.refused, self.arrivals.refused, self.view.refused),
            *(self.properties.refused, self.running.refused, self.inspector.refused, self.picturing.refused),
            *(self.restoring.refused, self.calling.refused, self.diagnosing.refused, self.drifting.refused),
            *(self._first_starts.refused, self.file.failed, self.completing.asked),
        ):
            refused.connect(self.show_error)
        for warned in (self.calling.noticed, self.running.warned):
            warned.connect(lambda text: self.banner.tell(text, role="warning"))
        for teller in (self.picturing, self.restoring, self.editing, self.filing, self.arrivals, self.completing):
            teller.said.connect(self._say)
        self.footer.copied.connect(lambda: self._say("Copied the address"))

    def _connect_canvas(self) -> None:
        self.file.path_changed.connect(self._update_title)
        self.file.changed_on_disk.connect(self._tell_conflict)
        self.filing.opened.connect(self._opened)
        self.document.undo_stack.cleanChanged.connect(lambda _clean: self._update_title())
        self.document.edited.connect(self._show_graph)
        self.scene.selection_changed.connect(self._show_selection)
        self._access.delete_wanted.connect(self.editing.delete)
        self._access.connect_wanted.connect(self.wiring.connect_nodes)
        for asker in (self.view, self._access):
            asker.fix_wanted.connect(self.diagnosing.examine)
        self.view.menu_wanted.connect(self.menus.open_context)
        self.view.moved.connect(self.minimap.show_visible)
        self.view.zoomed.connect(self.footer.show_scale)
        self.minimap.wanted.connect(self.view.centerOn)
        self.crumbs.wanted.connect(self.editing.show_level)
        self.editing.entered.connect(self._show_level)
        self.catalogue.chosen.connect(self.arrivals.add)
        self.catalogue.registry_wanted.connect(self.arrivals.browse)
        self.problems.chosen.connect(self.editing.show_node)
        self.problems.counted.connect(self._count_problems)
        self.footer.problems_wanted.connect(lambda: self.focus.show("problems"))
        self.welcome.example_wanted.connect(self.filing.open_example)
        self.welcome.open_wanted.connect(self.filing.choose)
        self.welcome.import_wanted.connect(self.arrivals.choose)
        self.welcome.composite_wanted.connect(self.editing.add_composite)

    def _connect_run(self) -> None:
        self.running.changed.connect(self._show_run)
        self._first_starts.asked.connect(self._ask_first_start)
        self._liveness.shown.connect(self.minimap.refresh)
        self.attaching.changed.connect(self._show_watching)
        self.attaching.panel_wanted.connect(self.focus.show)
        self.attaching.node_wanted.connect(self.editing.show_node)
        self.calling.shown.connect(lambda: self.focus.show("inspector"))
        self.calling.save_graph_wanted.connect(self.filing.save)
        self.diagnosing.shown.connect(lambda: self.focus.show("doctor"))
        self.diagnosing.properties_wanted.connect(self.editing.show_node)
        self.diagnosing.properties_wanted.connect(lambda _: self.focus.show("properties"))
        self.drifting.shown.connect(lambda: self.focus.show("drift"))
        self.drifting.marked.connect(self.scene.show_mark)
        askers = (self.view.sign_in_wanted, self.diagnosing.sign_in_wanted)
        self.signing.show_in(self.banner, self.problems, self.properties.node_page, *askers)

    # What is shown

    def show_error(self, text: str, choices: tuple[Choice, ...] = ()) -> None:
        """Tell what went wrong, over the canvas."""
        self.banner.tell(text, role="error", choices=choices)

    def _say(self, text: str) -> None:
        # Longer words take longer to read.
        self.statusBar().showMessage(text, max(4000, 100 * len(text)))

    def _update_title(self) -> None:
        self.setWindowTitle(f"{self.file.title}[*] – Fusion")
        self.setWindowModified(self.document.is_modified)
        self.setWindowFilePath(str(self.file.path or ""))

    def _show_graph(self) -> None:
        self.welcome.setVisible(not (self.document.graph.nodes or self.document.graph.annotations))

    def _show_selection(self) -> None:
        self.properties.show_selection(self.scene.selected(), self.scene.selected_edges())

    def _show_level(self) -> None:
        self.crumbs.show_path(self.scene.root)
        self.minimap.show_level(self.scene.root)

    def _show_run(self) -> None:
        running = self.running
        words = "Running" if running.is_ready else "Starting…" if running.is_running else ""
        self.footer.show_run(words, running.url)
        if not running.is_running:
            self.scene.clear_states()

    def _show_watching(self, word: str) -> None:
        self.footer.show_run(word, None)
        self._liveness.refresh()

    def _count_problems(self, errors: int, warnings: int) -> None:
        self.footer.show_problems(errors, warnings)
        total = errors + warnings
        self.docks["problems"].setWindowTitle(f"Problems ({total})" if total else "Problems")

    def _opened(self) -> None:
        self.banner.hide()
        self._show_level()
        self.editing.fit()
        self.view.setFocus()

    # Actions of the window itself

    def _ask_first_start(self, nodes: list[ServerNode]) -> None:
        dialog = FirstStartDialog(nodes, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.agreed.connect(self._first_starts.decide)
        dialog.rejected.connect(self._first_starts.give_up)
        dialog.open()

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

    def _run(self) -> None:
        self.filing.finish_typing()
        self.running.start(self.settings.transport)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.filing.finish_typing()
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
