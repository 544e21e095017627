"""Start Qt and the event loop; build every object once and wire it."""

import asyncio
import sys
import tempfile
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from composite_runtime.interop import login_path
from fusion_desktop import assets, tasks, theme
from fusion_desktop.calling import Calling
from fusion_desktop.diagnosing import Diagnosing
from fusion_desktop.document.document import Document
from fusion_desktop.document.files import DocumentFile
from fusion_desktop.document.journal import Recovered, left_behind
from fusion_desktop.first_starts import FirstStarts
from fusion_desktop.inspector.inspector import Inspector
from fusion_desktop.inspector.json_tree import JsonTree
from fusion_desktop.loop import EventLoop
from fusion_desktop.older_tools import OlderTools
from fusion_desktop.panels.log import LogPanel
from fusion_desktop.panels.traffic import TrafficPanel
from fusion_desktop.run.direct import Directs
from fusion_desktop.run.direct_feed import DirectFeed
from fusion_desktop.run.log_model import LogModel
from fusion_desktop.run.process import RuntimeProcess
from fusion_desktop.run.session import InspectorSession
from fusion_desktop.run.status import Status
from fusion_desktop.run.traffic_model import TrafficModel
from fusion_desktop.running import Running
from fusion_desktop.settings import Settings
from fusion_desktop.tracing import Tracing
from fusion_desktop.watching import Watching
from fusion_desktop.window import MainWindow


class Program(QObject):
    """All objects of one start."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.document = Document(self)
        self.file = DocumentFile(self.document, self)
        self.process = RuntimeProcess(self)
        self.status = Status(self)
        self.log = LogModel(self)
        self.session = InspectorSession(self)
        self.first_starts = FirstStarts(self.document, settings, self)
        self.running = Running(
            self.document,
            self.process,
            status=self.status,
            log=self.log,
            session=self.session,
            first_starts=self.first_starts,
            parent=self,
        )
        self._answers_of = ""
        self.directs = Directs(self, guard=self.first_starts.guard, held_back=self.first_starts.held_back)
        self.inspector = Inspector(self.session, self.directs)
        self.process.event.connect(self.inspector.take)
        self.document.edited.connect(self._show_graph)
        self.inspector.answers.changed.connect(self._keep_answers)
        self._show_graph()
        self.calling = Calling(
            self.document, self.inspector, self.directs, self.file, guard=self.first_starts.guard, parent=self
        )
        self.log.hidden = self.calling.history.hidden
        self.diagnosing = Diagnosing(self.document, self.first_starts.guard, self)
        self.traffic = TrafficModel(self)
        self.direct_feed = DirectFeed(self.directs, self.traffic, self.log, self)
        self.watching = Watching(
            self.document, self.running, traffic=self.traffic, log=self.log, status=self.status, parent=self
        )
        self.window = MainWindow(
            self.document,
            self.file,
            settings,
            running=self.running,
            first_starts=self.first_starts,
            status=self.status,
            log_panel=LogPanel(self.log),
            inspector=self.inspector,
            calling=self.calling,
            diagnosing=self.diagnosing,
            watching=self.watching,
            traffic_panel=TrafficPanel(self.traffic, JsonTree),
        )
        self.process.event.connect(self.window.drifting.take)
        self.older_tools = OlderTools(self.traffic, self.inspector, self)
        self.process.event.connect(self.older_tools.take)
        self.tracing = Tracing(self.inspector, self.calling.history_view, self.window.traffic_panel, self)
        self.tracing.shown.connect(lambda: self.window.focus.show("traffic"))
        self.tracing.refused.connect(lambda text: self.window.banner.tell(text, role="warning"))

    def _show_graph(self) -> None:
        graph = self.document.graph
        if graph.id != self._answers_of:
            self._answers_of = ""
            self.inspector.answers.load(self.settings.inspected(graph.id))
            self._answers_of = graph.id
        self.directs.set_graph(graph)

    def _keep_answers(self) -> None:
        if self._answers_of:
            self.settings.save_inspected(self._answers_of, self.inspector.answers.text())

    def offer_recovery(self) -> None:
        """Offer what a program that died has not saved."""
        found = next(left_behind(), None)
        if found is None:
            return
        name = found.path.name if found.path else found.graph.name
        self.window.banner.tell(
            f"{name} was open when Fusion ended unexpectedly. Its unsaved changes were kept.",
            role="warning",
            choices=(
                ("Restore them", lambda: self.window.filing.restore(found)),
                ("Discard them", lambda: self._discard(found)),
            ),
        )

    def _discard(self, found: Recovered) -> None:
        found.drop()
        self.offer_recovery()  # there may be more than one

    async def end(self) -> None:
        """Stop what runs, then everything that is under way."""
        await self.diagnosing.end()
        await self.calling.close()
        await self.directs.end()
        await self.running.end()
        await tasks.cancel_all()
        self.calling.end()


def run(graph: Path | None, *, mode: str | None = None, picture: Path | None = None, select: str | None = None) -> int:
    """Show the window until it is closed, or save a picture of it; return the exit code."""
    app = QApplication(sys.argv[:1])
    app.setApplicationName("Fusion")
    app.setApplicationDisplayName("Fusion")
    app.setDesktopFileName("fusion-desktop")
    app.setQuitOnLastWindowClosed(False)
    with EventLoop(app) as loop, tempfile.TemporaryDirectory(prefix="fusion-") as scratch:
        # A picture shows a fresh window, whatever this user has arranged.
        settings = Settings(Path(scratch) / "desktop.ini") if picture else Settings()
        look = mode or str(settings.mode)
        theme.apply(look)
        app.setWindowIcon(assets.icon("composite", "accent"))
        _follow_system(settings, mode)
        work = _picture(settings, graph, picture, select) if picture else _show(settings, graph)
        code: int = loop.run_until_complete(work)
    return code


async def _show(settings: Settings, graph: Path | None) -> int:
    program = Program(settings)
    window = program.window
    closed = asyncio.Event()
    window.closed.connect(closed.set)
    window.show()
    if graph is not None:
        window.filing.open(graph)
    program.offer_recovery()
    # Known by the time something is run; asking a shell may take a while.
    tasks.spawn(asyncio.to_thread(login_path.login_shell_path))
    await closed.wait()
    login_path.give_up()
    await program.end()
    return 0


async def _picture(settings: Settings, graph: Path | None, picture: Path, select: str | None) -> int:
    program = Program(settings)
    window = program.window
    window.show()
    if graph is not None:
        window.filing.open(graph)
    if select is not None:
        window.scene.select([select])
    # One round for the layout, one for what is delayed, one for the paint.
    for _ in range(3):
        await asyncio.sleep(0.1)
    saved = window.grab().save(str(picture))
    window.file.close()
    window.document.undo_stack.setClean()
    window.close()
    await program.end()
    return 0 if saved else 1


def _follow_system(settings: Settings, mode: str | None) -> None:
    def follow(_: Qt.ColorScheme) -> None:
        if (mode or settings.mode) == theme.Mode.SYSTEM:
            theme.apply(theme.Mode.SYSTEM)

    QGuiApplication.styleHints().colorSchemeChanged.connect(follow)
