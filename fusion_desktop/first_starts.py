"""Programs are started when a person has agreed to them: once for each command, unless the command was typed here."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from PySide6.QtCore import QObject, Signal

from composite_runtime.errors import FusionError
from composite_runtime.graph.model import Graph, Node, ServerNode, StdioTransport
from composite_runtime.interop.first_start import Confirmed, digest, starts_programs
from fusion_desktop.document.document import Document
from fusion_desktop.settings import Settings


class FirstStarts(QObject):
    """Knows which nodes have to wait. What is typed into a node of the window is agreed to by being typed."""

    asked = Signal(list)
    """Nodes whose commands somebody has to agree to; answer with `decide` or `give_up`."""
    agreed = Signal()
    """More may be started than before."""
    refused = Signal(str)

    def __init__(self, document: Document, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._settings = settings
        self._confirmed = Confirmed()
        self._left_out: set[str] = set()
        self._go_on: Callable[[], object] | None = None
        self._is_asking = self._is_strict = False
        self._is_typing = True
        self._before = _commands(document.graph)
        document.edited.connect(self._take_typed)

    def untyped(self, edit: Callable[[], object]) -> None:
        """Make an edit that brings in commands nobody has typed: they are asked about."""
        self._is_typing = False
        try:
            edit()
        finally:
            self._is_typing = True

    def waiting(self, graph: Graph | None = None) -> list[ServerNode]:
        """Return the nodes nobody has agreed to start, unless the user does not want to be asked."""
        looked_at = self._document.graph if graph is None else graph
        return self._confirmed.waiting(looked_at) if self._settings.asks_first_start else []

    def guard(self, go_on: Callable[[], object], nodes: Sequence[Node] | None = None) -> None:
        """Go on at once if everything may be started, else when the user has decided; or not at all.

        With `nodes`, exactly these are about to be started: nothing goes on unless all of them may. Without, what the
        user leaves out is held back by whoever starts the rest (`held_back`).
        """
        self._left_out.clear()
        subject = None if nodes is None else self._document.graph.but(nodes=tuple(_switched_on(nodes)), edges=())
        if not (waiting := self.waiting(subject)):
            go_on()
        elif not self._is_asking:
            self._go_on, self._is_asking, self._is_strict = go_on, True, nodes is not None
            self.asked.emit(waiting)

    def look(self) -> None:
        """Ask about what was added while the composite runs."""
        nodes = [node for node in self.waiting() if not self._is_left_out(node)]
        if nodes and not self._is_asking:
            self._is_asking, self._is_strict = True, False
            self.asked.emit(nodes)

    def held_back(self, graph: Graph) -> Graph:
        """Return the graph with everything disabled that has to wait."""
        if not self._settings.asks_first_start:
            return graph
        waiting = {node.id for node in self._confirmed.waiting(graph)}
        if not waiting:
            return graph
        return graph.but(nodes=tuple(n.but(enabled=False) if n.id in waiting else n for n in graph.nodes))

    def decide(self, started: Iterable[ServerNode], left_out: Iterable[ServerNode]) -> None:
        """Remember for good what may be started, and until the next run what is left out; then go on."""
        left_out = list(left_out)
        self._left_out |= {digest(command) for command in _started_by(left_out)}
        try:
            self._confirmed.add(_started_by(started))
        except FusionError as error:
            self.refused.emit(f"{error.message}. You will be asked again.")
        go_on, self._go_on, self._is_asking = self._go_on, None, False
        if go_on is not None and not (self._is_strict and left_out):
            go_on()
        self.agreed.emit()

    def give_up(self) -> None:
        """Start nothing; what was added to a running composite waits until the next run."""
        if self._go_on is None:
            self._left_out |= {digest(command) for command in _started_by(self.waiting())}
        self._go_on, self._is_asking = None, False

    def _is_left_out(self, node: ServerNode) -> bool:
        command = starts_programs(node)
        return command is not None and digest(command) in self._left_out

    def _take_typed(self) -> None:
        """Agree to a command that came about by editing one that was empty, or agreed to already."""
        before, self._before = self._before, _commands(self._document.graph)
        stack = self._document.undo_stack
        if not self._is_typing or not stack.count() or stack.index() < stack.count():
            return  # another graph was opened, or edits were taken back: nothing in it was typed
        # Edits keep the values they do not change, so that a large graph is compared in no time.
        changed = ((before[node_id], now) for node_id, now in self._before.items() if node_id in before)
        typed = [now for old, now in changed if old is not now and (_is_empty(old) or old in self._confirmed)]
        fresh = [command for command in typed if not _is_empty(command) and command not in self._confirmed]
        if fresh:
            try:
                self._confirmed.add(fresh)
            except FusionError as error:
                self.refused.emit(f"{error.message}. You will be asked before these commands are started.")


def _switched_on(nodes: Iterable[Node]) -> Iterator[Node]:
    """Yield the nodes as those that are to be started, even if the graph leaves them switched off."""
    return (node.but(enabled=True) if isinstance(node, ServerNode) else node for node in nodes)


def _commands(graph: Graph) -> Mapping[str, StdioTransport]:
    return {
        node.id: node.transport
        for node in graph.nodes
        if isinstance(node, ServerNode) and isinstance(node.transport, StdioTransport)
    }


def _is_empty(transport: StdioTransport) -> bool:
    # One that has arguments, a folder or variables already got them from whoever made the graph.
    return not transport.command.strip() and transport.but(command="") == StdioTransport(command="")


def _started_by(nodes: Iterable[ServerNode]) -> list[StdioTransport]:
    return [command for node in nodes if (command := starts_programs(node)) is not None]
