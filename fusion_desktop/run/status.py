"""What each node of the running composite is doing, read from the events."""

from dataclasses import dataclass, replace
from typing import TypeAlias

from PySide6.QtCore import QObject, Signal

from composite_runtime.events import CallFinished, CallStarted, ChildChanged, ChildState, Event, Following


@dataclass(frozen=True)
class NodeStatus:
    """The state of one node; `calls` and `errors` count since the run began, `last_ms` is the newest call's time."""

    state: ChildState = ChildState.STOPPED
    reason: str | None = None
    action: str | None = None
    """What a person has to do about it: `sign-in`."""
    tools: int | None = None
    pid: int | None = None
    running: frozenset[int] = frozenset()
    """The spans of the calls under way."""
    calls: int = 0
    finished: int = 0
    errors: int = 0
    last_ms: float | None = None
    last_error: str | None = None
    total_ms: float = 0.0

    @property
    def active(self) -> int:
        """How many calls are under way."""
        return len(self.running)

    @property
    def mean_ms(self) -> float | None:
        """How long a call took on average, once one has come back."""
        return self.total_ms / self.finished if self.finished else None


_UNKNOWN = NodeStatus()
Ends: TypeAlias = tuple[str, str]


class Status(QObject):
    """The newest state of every node; `changed` names the node, `reset` says that all have started anew."""

    changed = Signal(str)
    reset = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._nodes: dict[str, NodeStatus] = {}
        self._wires: dict[Ends, NodeStatus] = {}
        self._open: dict[int, str] = {}
        self._callers: dict[int, str] = {}

    def of(self, node_id: str) -> NodeStatus:
        """Return what is known about a node; one that never said anything is stopped."""
        return self._nodes.get(node_id, _UNKNOWN)

    def wires_from(self, node_id: str) -> dict[str, NodeStatus]:
        """Return how a node is called by each composite that has called it."""
        return {target: status for (source, target), status in self._wires.items() if source == node_id}

    def nodes(self) -> dict[str, NodeStatus]:
        """Return what is known about every node that said something."""
        return dict(self._nodes)

    def show(self, event: Event) -> None:
        """Take in what one event says about a node."""
        if isinstance(event, ChildChanged):
            before = self.of(event.node)
            is_ready = event.state is ChildState.READY
            tools = before.tools if event.tools is None and is_ready else event.tools
            self._set(
                event.node,
                replace(
                    before,
                    state=ChildState(event.state),
                    reason=event.reason,
                    action=event.action,
                    tools=tools,
                    pid=event.pid,
                    # A child that is down answers no call any more.
                    running=before.running if is_ready else frozenset(),
                ),
            )
            if not is_ready:
                self._end_wires(event.node)
        elif isinstance(event, CallStarted):
            caller = self._open.get(event.parent or 0)
            self._open[event.span] = event.node
            if caller is not None:
                self._callers[event.span] = caller
                self._wires[event.node, caller] = _started(self._wires.get((event.node, caller), _UNKNOWN), event)
            self._set(event.node, _started(self.of(event.node), event))
        elif isinstance(event, CallFinished):
            self._open.pop(event.span, None)
            caller = self._callers.pop(event.span, None)
            if caller is not None and (event.node, caller) in self._wires:
                self._wires[event.node, caller] = _finished(self._wires[event.node, caller], event)
            self._set(event.node, _finished(self.of(event.node), event))
        elif isinstance(event, Following) and event.missed:
            self._end_calls()

    def clear(self) -> None:
        """Forget everything: a new run begins."""
        for known in (self._nodes, self._wires, self._open, self._callers):
            known.clear()
        self.reset.emit()

    def stop(self) -> None:
        """Mark every node as stopped, since the runtime is gone; what was counted stays."""
        for node_id, status in self._nodes.items():
            self._nodes[node_id] = replace(status, state=ChildState.STOPPED, reason=None, action=None, pid=None)
        self._end_calls()
        self.reset.emit()

    def _end_calls(self) -> None:
        """Take no call for one under way: their ends may be among what was lost."""
        self._open.clear()
        self._callers.clear()
        self._end_wires()
        for node_id, status in list(self._nodes.items()):
            self._set(node_id, replace(status, running=frozenset()))

    def _end_wires(self, source: str | None = None) -> None:
        for ends, status in self._wires.items():
            if source is None or ends[0] == source:
                self._wires[ends] = replace(status, running=frozenset())

    def _set(self, node_id: str, status: NodeStatus) -> None:
        if self._nodes.get(node_id) != status:
            self._nodes[node_id] = status
            self.changed.emit(node_id)


def _started(before: NodeStatus, event: CallStarted) -> NodeStatus:
    return replace(before, running=before.running | {event.span}, calls=before.calls + 1)


def _finished(before: NodeStatus, event: CallFinished) -> NodeStatus:
    return replace(
        before,
        running=before.running - {event.span},
        finished=before.finished + 1,
        errors=before.errors + (event.error is not None),
        last_ms=event.milliseconds,
        total_ms=before.total_ms + event.milliseconds,
        last_error=event.error or before.last_error,
    )
