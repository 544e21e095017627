"""The saved calls of the graph that is open: the files beside it, and a run of them by the runtime's own command."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

from composite_runtime import paths
from composite_runtime.calls import folder as calls
from composite_runtime.calls.folder import Collection
from composite_runtime.calls.model import SavedCall
from composite_runtime.errors import FusionError
from composite_runtime.graph import file
from composite_runtime.graph.model import Graph
from fusion_desktop.run.command import RuntimeCommand
from fusion_desktop.run.frames import text_of

Json: TypeAlias = Any

_SETTLE_MS = 200


@dataclass(frozen=True)
class Verdict:
    """Whether one expectation was met, and what was found."""

    kind: str
    is_met: bool
    message: str


@dataclass(frozen=True)
class Result:
    """What came of one call; `status` is passed, failed or not_made."""

    status: str
    message: str
    milliseconds: float | None
    verdicts: tuple[Verdict, ...]
    answer: Json | None


class SavedCalls(QObject):
    """Lists, changes and runs the saved calls; results are kept until the call changes."""

    changed = Signal()
    """Other calls are there, or the folder is another one."""
    began = Signal(int)
    """A run of so many calls began."""
    made = Signal(str)
    """The key of a call that has a new result."""
    finished = Signal()
    """The run is over, or was given up."""
    failed = Signal(str)
    """Words why something could not be done."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder: Path | None = None
        self._collection = Collection()
        self.results: dict[str, Result] = {}
        self.waiting: set[str] = set()
        self._command = RuntimeCommand(self)
        self._command.told.connect(self._take)
        self._command.ended.connect(self._ended)
        self._watcher = QFileSystemWatcher(self)
        self._settling = QTimer(self, interval=_SETTLE_MS, singleShot=True)
        self._settling.timeout.connect(self.reload)
        self._watcher.directoryChanged.connect(self._settling.start)
        self._watcher.fileChanged.connect(self._settling.start)

    @property
    def folder(self) -> Path | None:
        """Where the calls are; None while the graph has no file."""
        return self._folder

    @property
    def calls(self) -> Mapping[str, SavedCall]:
        """The calls by key."""
        return self._collection.calls

    @property
    def broken(self) -> Mapping[str, str]:
        """What could not be read, by key, and why."""
        return self._collection.broken

    @property
    def is_running(self) -> bool:
        """Whether calls are being made."""
        return self._command.is_running

    def open(self, graph_path: Path | None) -> None:
        """Show the calls beside a graph file."""
        folder = calls.folder_of(graph_path) if graph_path is not None else None
        if folder != self._folder:
            self.stop()
            self._folder = folder
            self.results.clear()
            self.reload()

    def reload(self) -> None:
        """Read the files again."""
        before = self._collection
        folder = self._folder
        self._collection = calls.load_all(folder) if folder is not None and folder.is_dir() else Collection()
        for key in [key for key in self.results if before.calls.get(key) != self.calls.get(key)]:
            del self.results[key]
        self._watch()
        self.changed.emit()

    def folders(self) -> list[str]:
        """Return the folders there are, without the outermost."""
        keys = (*self.calls, *self.broken)
        return sorted({key.rpartition("/")[0] for key in keys} - {""})

    def save(self, key: str, call: SavedCall, *, instead_of: str | None = None) -> None:
        """Write a call, in place of another if so; raise `FusionError` when that is impossible."""
        if self._folder is None:
            raise FusionError("Save the graph first: its calls are kept beside it.")
        if key != instead_of and (key in self.calls or key in self.broken):
            raise FusionError(f"There is a call {key!r} already.")
        calls.save(self._folder, key, call)
        if instead_of is not None and instead_of != key:
            calls.delete(self._folder, instead_of)
        self.results.pop(key, None)
        self.reload()

    def delete(self, key: str) -> None:
        """Remove a call."""
        if self._folder is None:
            return
        try:
            calls.delete(self._folder, key)
        except FusionError as error:
            self.failed.emit(error.message)
        self.reload()

    def run(self, graph: Graph, keys: Iterable[str] | None = None) -> None:
        """Make calls against a graph that may not be saved; all of them when none is named."""
        chosen = [key for key in (self.calls if keys is None else keys) if key in self.calls]
        if self._folder is None or not chosen:
            return
        path = paths.home() / "run" / "".join(c for c in graph.id if c.isalnum() or c in "-_")[:64] / "calls.fusion"
        try:
            file.save(graph, path)
        except FusionError as error:
            self.failed.emit(error.message)
            return
        for key in chosen:
            self.results.pop(key, None)
        self.waiting = set(chosen)
        names = [] if keys is None else [f"{key}.json" for key in chosen]
        self._command.start(
            ("test", str(path), *names, "--folder", str(self._folder), "--supervised"), folder=str(path.parent)
        )
        self.began.emit(len(chosen))

    def stop(self) -> None:
        """Give up what is under way; what has a result keeps it."""
        if self._command.is_running:
            self._command.stop()
            self.waiting.clear()
            self.finished.emit()

    async def end(self) -> None:
        """Give up, and return when nothing runs any more."""
        await self._command.end()

    def _take(self, data: dict[str, Any]) -> None:
        key = str(data.get("call"))
        if data.get("event") != "result" or key not in self.calls:
            return
        verdicts = tuple(Verdict(v["kind"], v["met"], v["message"]) for v in data["expectations"])
        self.results[key] = Result(
            data["status"], data["message"], data.get("milliseconds"), verdicts, data.get("answer")
        )
        self.waiting.discard(key)
        self.made.emit(key)

    def _ended(self, code: int, words: str) -> None:
        left, self.waiting = self.waiting, set()
        self.finished.emit()
        if left:
            why = words.splitlines()[-1].removeprefix("composite-runtime: ") if words else f"exit code {code}"
            self.failed.emit(f"The calls could not be made: {why}")

    def _watch(self) -> None:
        if watched := [*self._watcher.directories(), *self._watcher.files()]:
            self._watcher.removePaths(watched)
        if self._folder is not None and self._folder.is_dir():
            below = [path for path in self._folder.rglob("*") if path.is_dir() or path.suffix == ".json"]
            self._watcher.addPaths([str(self._folder), *map(str, below)])


def words_of(data: Mapping[str, Json]) -> str:
    """Return in words what is expected."""
    where = data.get("pointer") or "the result"
    match data.get("kind"):
        case "schema":
            own = "the schema given here" if data.get("against") is not None else "the schema the tool declares"
            return f"{where} fits {own}"
        case "equals":
            return f"{where} is {_short(data.get('value'))}"
        case "contains":
            return f"{where} contains {_short(data.get('value'))}"
        case "latency":
            return f"answers in less than {data.get('under_ms'):g} ms"
        case "error":
            parts = [f"with code {data['code']}"] if data.get("code") is not None else []
            parts += [f"saying {data['contains']!r}"] if data.get("contains") else []
            return " ".join(("fails", *parts))
        case kind:
            return f"{kind}: not known to this version of Fusion"


def _short(value: Json) -> str:
    text = text_of(value, indent=None)
    return text if len(text) <= 80 else f"{text[:79]}…"
