"""The doctor for one node of the graph: examined by the runtime's own command, told check by check."""

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from composite_runtime import paths
from composite_runtime.errors import FusionError
from composite_runtime.graph import file
from composite_runtime.graph.model import Graph, ServerNode, StdioTransport
from fusion_desktop.run.command import RuntimeCommand

if TYPE_CHECKING:
    from composite_runtime.doctor import Diagnosis


class Doctor(QObject):
    """Examines one server at a time."""

    began = Signal(object)
    """The `ServerNode` that is examined from now on; the steps are those of `steps_of`."""
    checked = Signal(object)
    """A `Check` was made."""
    finished = Signal(object)
    """The `Diagnosis`."""
    failed = Signal(str)
    """The examination itself cannot be made: words why."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._command = RuntimeCommand(self)
        self._command.told.connect(self._take)
        self._command.ended.connect(self._ended)
        self.diagnosis: Diagnosis | None = None

    @property
    def is_running(self) -> bool:
        """Whether an examination goes on."""
        return self._command.is_running

    def examine(self, graph: Graph, node: ServerNode) -> None:
        """Examine a server as it is in a graph that may not be saved; an examination under way is given up."""
        self._command.stop()
        self.diagnosis = None
        self.began.emit(node)
        folder = paths.home() / "run"
        alone = Graph(id=graph.id, name=graph.name, nodes=(node.but(enabled=True),))
        path = folder / "".join(c for c in graph.id if c.isalnum() or c in "-_")[:64] / "doctor.fusion"
        try:
            file.save(alone, path)
        except FusionError as error:
            self.failed.emit(error.message)
            return
        self._command.start(("doctor", str(path), "--supervised"), folder=str(path.parent))

    def stop(self) -> None:
        """Give up."""
        self._command.stop()

    async def end(self) -> None:
        """Give up, and return when nothing runs any more."""
        await self._command.end()

    def _take(self, data: dict[str, Any]) -> None:
        from composite_runtime.doctor import Check, Diagnosis

        if data.get("event") == "check":
            self.checked.emit(Check.from_json(data["check"]))
        elif data.get("event") == "diagnosis":
            self.diagnosis = Diagnosis.from_json(data)
            self.finished.emit(self.diagnosis)

    def _ended(self, code: int, words: str) -> None:
        if self.diagnosis is None:
            self.failed.emit(f"The examination ended early. {words}" if words else f"It ended with exit code {code}.")


def steps_of(node: ServerNode) -> tuple[str, ...]:
    """Return the names of the steps an examination of this server has."""
    from composite_runtime.doctor.findings import LOCAL_STEPS, REMOTE_STEPS

    return LOCAL_STEPS if isinstance(node.transport, StdioTransport) else REMOTE_STEPS


def report(node: ServerNode, diagnosis: "Diagnosis") -> str:
    """Return an examination as text, to be pasted into a question to others; secrets in it are references."""
    lines = [f"{node.name}: {'works' if diagnosis.is_healthy else diagnosis.fault}"]
    for check in diagnosis.checks:
        lines.append(f"{check.outcome:8} {check.step:14} {check.message}")
        lines += [f"{'':24}{line}" for line in check.detail]
        if check.finding is not None:
            lines.append(f"{'':24}{check.finding.remedy}")
    return "\n".join(lines) + "\n"
