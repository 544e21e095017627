"""What each node of the running composite is doing, read from the events."""

from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal

from composite_runtime.events import CallFinished, CallStarted, ChildChanged, ChildState, Event


@dataclass(frozen=True)
class NodeStatus:
    """The state of one node; `calls` and `errors` count since the run began, `last_ms` is the newest call's time."""

    state: ChildState = ChildState.STOPPED
    reason: str | None = None
    tools: int | None = None
    pid: int | None = None
    active: int = 0
    calls: int = 0
    errors: int = 0
    last_ms: float | None = None
    last_error: str | None = None
    total_ms: float = 0.0

    @property
    def mean_ms(self) -> float | None:
        """How long a call took on average, once one has come back."""
        finished = self.calls - self.active
        return self.total_ms / finished if finished > 0 else None


_UNKNOWN = NodeStatus()


class Status(QObject):
    """The newest state of every node; `changed` names the node, `reset` says that all have started anew."""

    changed = Signal(str)
    reset = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._nodes: dict[str, NodeStatus] = {}

    def of(self, node_id: str) -> NodeStatus:
        """Return what is known about a node; one that never said anything is stopped."""
        return self._nodes.get(node_id, _UNKNOWN)

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
                replace(before, state=ChildState(event.state), reason=event.reason, tools=tools, pid=event.pid),
            )
        elif isinstance(event, CallStarted):
            before = self.of(event.node)
            self._set(event.node, replace(before, active=before.active + 1, calls=before.calls + 1))
        elif isinstance(event, CallFinished):
            self._set(event.node, _finished(self.of(event.node), event))

    def clear(self) -> None:
        """Forget everything: a new run begins."""
        self._nodes.clear()
        self.reset.emit()

    def stop(self) -> None:
        """Mark every node as stopped, since the runtime is gone; what was counted stays."""
        for node_id, status in self._nodes.items():
            self._nodes[node_id] = replace(status, state=ChildState.STOPPED, reason=None, pid=None, active=0)
        self.reset.emit()

    def _set(self, node_id: str, status: NodeStatus) -> None:
        if self._nodes.get(node_id) != status:
            self._nodes[node_id] = status
            self.changed.emit(node_id)


def _finished(before: NodeStatus, event: CallFinished) -> NodeStatus:
    return replace(
        before,
        active=max(0, before.active - 1),
        errors=before.errors + (event.error is not None),
        last_ms=event.milliseconds,
        total_ms=before.total_ms + event.milliseconds,
        last_error=event.error or before.last_error,
    )
