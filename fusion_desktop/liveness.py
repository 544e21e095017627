"""The canvas while something runs: states, counts, times and busy wires, ten times a second however much happens."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from composite_runtime.events import ChildState
from fusion_desktop.canvas.scene import CanvasScene
from fusion_desktop.canvas.state import State
from fusion_desktop.run.status import NodeStatus, Status
from fusion_desktop.run.traffic_model import duration_words

FRAME_MS = 100
"""The canvas is brought up to date no more often than this."""


class Liveness(QObject):
    """Passes what nodes do on to the canvas, as long as `is_live` says that it is what is drawn there."""

    shown = Signal()
    """The canvas shows something new."""

    def __init__(
        self, status: Status, scene: CanvasScene, is_live: Callable[[], bool], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._status = status
        self._scene = scene
        self._is_live = is_live
        self._changed: set[str] = set()
        self._seen: dict[tuple[str, str], int] = {}
        self._busy: set[tuple[str, str]] = set()
        self._timer = QTimer(self, interval=FRAME_MS, singleShot=True)
        self._timer.timeout.connect(self._flush)
        status.changed.connect(self._note)
        status.reset.connect(self.refresh)

    def refresh(self) -> None:
        """Show everything anew."""
        self._scene.clear_states()
        self._seen.clear()
        self._busy.clear()
        self._changed = set(self._status.nodes())
        self._flush()

    def colour_of(self, node_id: str) -> str | None:
        """Return the colour role of the state a node shows."""
        state = self._scene.state_of(node_id)
        return state.value if state is not None else None

    def _note(self, node_id: str) -> None:
        self._changed.add(node_id)
        if not self._timer.isActive():  # the first change is seen at once, the rest of a burst together
            self._flush()

    def _flush(self) -> None:
        changed, self._changed = self._changed, set()
        if self._is_live():
            busy: set[tuple[str, str]] = set()
            for node in changed:
                self._show(node)
            for node in changed | {node for node, _ in self._busy}:
                for target, status in self._status.wires_from(node).items():
                    if self._is_busy((node, target), status):
                        busy.add((node, target))
                    self._scene.show_wire(node, target, busy=(node, target) in busy, words=call_words(status))
            self._busy = busy
        if changed or self._busy:
            self._timer.start()
            self.shown.emit()

    def _is_busy(self, ends: tuple[str, str], status: NodeStatus) -> bool:
        """Say whether calls are under way, or were since the last look: a short one is to be seen, too."""
        before = self._seen.get(ends, 0)
        self._seen[ends] = status.calls
        return status.active > 0 or status.calls > before

    def _show(self, node: str) -> None:
        status = self._status.of(node)
        if self._scene.is_composite(node):
            self._scene.show_calls(node, call_words(status))
            return
        state = State(status.state.value)
        if status.action == "sign-in":
            state = State.SIGN_IN
        elif state is State.READY and status.active:
            state = State.BUSY
        self._scene.show_state(node, state, _detail(status))


def call_words(status: NodeStatus) -> str:
    """Return in a few words how many calls there were, and how long they took; empty when there was none."""
    if not status.calls:
        return ""
    words = f"{status.calls:,} call{'s' if status.calls != 1 else ''}"
    if status.errors:
        words += f" · {status.errors:,} failed"
    took = status.mean_ms
    return words if took is None else f"{words} · {duration_words(took)}"


def _detail(status: NodeStatus) -> str:
    if status.reason:
        return status.reason
    if status.state is not ChildState.READY:
        return ""
    if calls := call_words(status):
        return calls
    return f"{status.tools} tool{'s' if status.tools != 1 else ''}" if status.tools is not None else ""
