"""Nodes that are inspected alone: each has a runtime and a connection of its own, beside the composite that runs."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from composite_runtime import paths
from composite_runtime.errors import FusionError
from composite_runtime.events import ChildChanged, ChildState, Event, Ready
from composite_runtime.graph import file
from composite_runtime.graph.model import CompositeNode, Edge, Graph, ServerNode
from fusion_desktop.run.alone import ALONE
from fusion_desktop.run.process import RuntimeProcess
from fusion_desktop.run.session import InspectorSession, SessionState
from fusion_desktop.tasks import spawn

_NOT_AGREED = "Nobody has agreed to start its command; press Run to be asked."
_DELAY_MS = 250
"""Edits in a row reach what runs together."""


def alone(graph: Graph, node_id: str) -> tuple[Graph, str] | None:
    """Return a graph and the composite of it to serve, so that a client sees one node under its own names.

    An inner composite is served as it is; a server becomes the only member of a composite that adds nothing to its
    names. None when there is no such node.
    """
    node = graph.node(node_id)
    if isinstance(node, CompositeNode):
        return graph, node.id
    if not isinstance(node, ServerNode):
        return None
    served = CompositeNode(id=ALONE if node.id != ALONE else f"{ALONE}-1", name=node.name)
    enabled = node.but(enabled=True)
    edges = (Edge(source=node.id, target=served.id, namespace=""),)
    return Graph(id=graph.id, name=node.name, nodes=(enabled, served), edges=edges), served.id


class Direct(QObject):
    """One node, run alone and connected to until it is ended."""

    changed = Signal()
    """What is known about the node, or why it does not run, changed."""

    def __init__(self, node_id: str, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.node_id = node_id
        self.name = name
        self.process = RuntimeProcess(self)
        self.session = InspectorSession(self)
        self._trouble = ""
        self._is_ending = False
        self._graph: Graph | None = None
        self._path: Path | None = None
        self._held_back: Callable[[Graph], Graph] | None = None
        self.process.event.connect(self._take)
        self.process.stopped.connect(self._stopped)
        self.session.state_changed.connect(lambda *_: self.changed.emit())

    @property
    def path(self) -> Path | None:
        """The file that is served, once it was started."""
        return self._path

    @property
    def trouble(self) -> str:
        """Why the node does not answer, in words."""
        return self._trouble

    @property
    def is_open(self) -> bool:
        """Whether the node can be called."""
        return self.session.state is SessionState.OPEN

    def start(self, graph: Graph, held_back: Callable[[Graph], Graph]) -> None:
        """Run the node, but no command that is held back; raise `FusionError` when its graph cannot be written."""
        if self.process.is_running:
            return
        chosen = alone(graph, self.node_id)
        if chosen is None:
            raise FusionError(f"{self.name} is not in the graph any more.")
        self.tell("")
        self._held_back = held_back
        self._graph, composite = held_back(chosen[0]), chosen[1]
        node = self._graph.node(self.node_id)
        if isinstance(node, ServerNode) and not node.enabled:
            self.tell(_NOT_AGREED)
            return
        # Two programs may inspect the same node of the same graph.
        name = "".join(c for c in f"{os.getpid()}-{self.node_id}" if c.isalnum() or c in "-_")[:80]
        folder = "".join(c for c in graph.id if c.isalnum() or c in "-_")[:64]
        self._path = paths.home() / "run" / folder / f"direct-{name}.fusion"
        file.save(self._graph, self._path)
        self.process.start(self._path, transport="stdio", composite=composite)
        self.changed.emit()

    def follow(self, graph: Graph) -> None:
        """Take over how the node is defined now; what runs follows the file."""
        chosen = alone(graph, self.node_id)
        if chosen is None or self._path is None or self._held_back is None:
            return
        if (now := self._held_back(chosen[0])) == self._graph:
            return
        self._graph = now
        try:
            file.save(self._graph, self._path)
        except FusionError as error:
            self.tell(error.message)

    async def end(self) -> None:
        """Leave the node and return when it no longer runs."""
        self._is_ending = True
        await self.session.end()
        await self.process.end()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _take(self, event: Event) -> None:
        if isinstance(event, Ready) and not self._is_ending:
            self.session.open_pipes(self.process)
        elif isinstance(event, ChildChanged):
            is_down = event.state in {ChildState.RETRYING, ChildState.FAILED}
            self.tell(event.reason or "It does not answer." if is_down else "")

    def _stopped(self, reason: str) -> None:
        self.session.close()
        self.tell(reason)

    def tell(self, trouble: str) -> None:
        """Say why the node does not answer; nothing when it does."""
        self._trouble = trouble
        self.changed.emit()


class Directs(QObject):
    """The nodes that are inspected alone."""

    opened = Signal(object)
    """A `Direct` was started."""
    closed = Signal(object)
    """A `Direct` is ending: its node is gone, or nobody wants it any more."""
    listed = Signal()
    """The graph has other nodes, or others names."""

    def __init__(
        self,
        parent: QObject | None = None,
        *,
        guard: Callable[[Callable[[], object]], object] = lambda go_on: go_on(),
        held_back: Callable[[Graph], Graph] = lambda graph: graph,
    ) -> None:
        """`guard` asks whether commands may be started and then goes on; `held_back` disables those that may not."""
        super().__init__(parent)
        self._guard = guard
        self._held_back = held_back
        self._graph: Graph | None = None
        self._open: dict[str, Direct] = {}
        self._timer = QTimer(self, interval=_DELAY_MS, singleShot=True)
        self._timer.timeout.connect(self._follow)

    @property
    def graph(self) -> Graph | None:
        """The graph whose nodes can be opened."""
        return self._graph

    def set_graph(self, graph: Graph) -> None:
        """Offer the nodes of a graph; those that are open follow it, those that are gone are closed."""
        before, self._graph = self._graph, graph
        is_other = before is None or before.id != graph.id
        for node_id in [node_id for node_id in self._open if is_other or graph.node(node_id) is None]:
            self.close(node_id)
        self._timer.start()
        if before is None or [(n.id, n.name) for n in before.nodes] != [(n.id, n.name) for n in graph.nodes]:
            self.listed.emit()

    def of(self, node_id: str) -> Direct | None:
        """Return what was opened for a node."""
        return self._open.get(node_id)

    def open(self, node_id: str) -> Direct:
        """Run a node alone, unless it already does, as soon as its command is agreed to.

        Raises:
            FusionError: it is not there.
        """
        direct = self._open.get(node_id)
        if direct is None:
            node = self._graph.node(node_id) if self._graph is not None else None
            if node is None:
                raise FusionError("That node is not in the graph any more.")
            direct = Direct(node_id, node.name, self)
            self._open[node_id] = direct
            self.opened.emit(direct)
        if not direct.process.is_running:
            self._guard(partial(self._start, direct))
        return direct

    def _start(self, direct: Direct) -> None:
        if self._graph is not None and self._open.get(direct.node_id) is direct:
            try:
                direct.start(self._graph, self._held_back)
            except FusionError as error:
                direct.tell(error.message)

    def close(self, node_id: str) -> None:
        """Let a node run alone no more."""
        if (gone := self._open.pop(node_id, None)) is not None:
            self.closed.emit(gone)
            spawn(self._ended(gone))

    async def end(self) -> None:
        """Close all and return when none runs any more."""
        self._timer.stop()
        for node_id in list(self._open):
            self.close(node_id)
        # Those that were closed before may still be stopping.
        for direct in self.findChildren(Direct):
            await direct.end()

    async def _ended(self, direct: Direct) -> None:
        await direct.end()
        direct.deleteLater()

    def _follow(self) -> None:
        if self._graph is not None:
            for direct in self._open.values():
                direct.follow(self._graph)
