"""What is watched: the messages of our own run, or all that a runtime of another program tells."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from composite_runtime.attach.place import Run
from composite_runtime.errors import FusionError
from composite_runtime.events import Event, Following, GraphChanged, Ready
from composite_runtime.graph import file
from composite_runtime.graph.model import Graph
from fusion_desktop.document.document import Document
from fusion_desktop.run.log_model import LogModel
from fusion_desktop.run.status import Status
from fusion_desktop.run.traffic import Told
from fusion_desktop.run.traffic_model import TrafficModel
from fusion_desktop.run.watcher import Watcher
from fusion_desktop.running import Running


class Watching(QObject):
    """Passes on what a watched runtime tells. A runtime of another program is only looked at, never changed."""

    changed = Signal()
    """Another runtime is watched than before, or none."""
    refused = Signal(str)
    """Words why nothing can be watched, or why it ended."""

    def __init__(
        self,
        document: Document,
        running: Running,
        *,
        traffic: TrafficModel,
        log: LogModel,
        status: Status,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._running = running
        self._traffic = traffic
        self._log = log
        self._status = status
        self._attached: Run | None = None
        self._graph: Graph | None = None
        self._watched: Path | None = None
        self._watcher = Watcher(self)
        self._watcher.told.connect(self._take)
        self._watcher.ended.connect(self._ended)
        running.changed.connect(self._follow_own)
        document.edited.connect(self._name)
        self._name()

    @property
    def attached(self) -> Run | None:
        """The runtime of another program that is watched."""
        return self._attached

    @property
    def shows_document(self) -> bool:
        """Whether what is watched serves the graph that is open, so that the canvas can show it."""
        return self._attached is not None and self._graph is not None and self._graph.id == self._document.graph.id

    @property
    def who(self) -> str:
        """Whose runtime is watched, in words."""
        run = self._attached
        if run is None:
            return ""
        name = self._graph.name if self._graph is not None else Path(run.graph).stem
        client = f"{run.client}, " if run.client else ""
        return f"{name} ({client}process {run.pid})"

    def attach(self, run: Run) -> None:
        """Watch a runtime another program has started."""
        if self._running.is_running:
            self.refused.emit("Stop your own run first: log, traffic and canvas show one run at a time.")
            return
        self._log.clear()
        self._status.clear()
        self._traffic.clear()
        self._attached = run
        self._read_graph()
        self._watcher.watch(run)
        self.changed.emit()

    def detach(self) -> None:
        """Watch it no longer; what it told stays."""
        if self._attached is not None:
            self._watcher.stop()
            self._leave()

    def _leave(self) -> None:
        self._attached = self._graph = None
        self._status.stop()
        self.changed.emit()

    def _follow_own(self) -> None:
        """Watch our own run from its beginning."""
        if self._running.is_running and self._watched is None:
            if self._attached is not None:
                self.detach()
            self._watched = self._running.served
            if self._watched is not None:
                self._traffic.clear()
                self._name()
                self._watcher.watch_graph(self._watched)
        elif not self._running.is_running:
            self._watched = None

    def _take(self, told: Told) -> None:
        self._traffic.take(told)
        if isinstance(told, tuple):
            return
        if isinstance(told, Following):
            if told.missed:
                self._traffic.miss(told.missed)
        elif isinstance(told, Ready | GraphChanged) and told.composite:
            self._name(told.composite)
        if self._attached is not None:
            self._take_foreign(told)

    def _take_foreign(self, event: Event) -> None:
        # Our own run tells these things on its stderr.
        self._log.append(event)
        self._status.show(event)
        if isinstance(event, GraphChanged):
            self._read_graph()

    def _ended(self, reason: str) -> None:
        if self._attached is not None:
            who = self.who
            self._leave()
            self.refused.emit(reason or f"{who} has ended. What it told is still here.")
        elif reason and self._running.is_running:
            self.refused.emit(reason)

    def _read_graph(self) -> None:
        assert self._attached is not None
        try:
            self._graph = file.load(Path(self._attached.graph))
        except FusionError:
            self._graph = None  # ids have to do for names
        self._name(self._attached.composite)

    def _name(self, root: str | None = None) -> None:
        if self._attached is not None:
            graph = self._graph
            if graph is None:
                self._traffic.set_graph({}, {}, root or self._traffic.root)
                return
        else:
            graph = self._document.graph
        names = {node.id: node.name for node in graph.nodes}
        self._log.set_names(names)
        parents = {edge.source: edge.target for edge in graph.edges}
        self._traffic.set_graph(names, parents, root or self._traffic.root)
