"""What is not saved yet, written down all the same: one file for each program, offered again after a crash."""

import hashlib
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from composite_runtime import files, paths
from composite_runtime.errors import GraphError
from composite_runtime.graph import file
from composite_runtime.graph.model import Graph


@dataclass(frozen=True)
class Recovered:
    """A graph that was being edited when a program died.

    `known` is a digest of what its file held then, as far as that program knew.
    """

    journal: Path
    path: Path | None
    graph: Graph
    saved_at: float
    known: str | None = None

    def drop(self) -> None:
        """Forget it for good."""
        for one in (self.journal, _lock_of(self.journal)):
            one.unlink(missing_ok=True)


class Journal:
    """The file of one program. It is locked while it exists, so that others know whether its owner lives.

    The number of the owner's process would not tell: another process may have it after a restart.
    """

    def __init__(self) -> None:
        self._file = _folder() / f"{uuid.uuid4().hex}.json"
        self._lock = FileLock(_lock_of(self._file), timeout=0)

    def write(self, graph: Graph, path: Path | None, known: str | None) -> None:
        """Write the graph and what is known of its file; raise `FusionError` if that is impossible."""
        record = {"path": str(path) if path else None, "at": time.time(), "known": known, "graph": file.dumps(graph)}
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            if not self._lock.is_locked:
                self._lock.acquire()
        except (OSError, NotImplementedError, Timeout):
            pass  # on a disk without locks: what is offered while its owner lives is better than what is not offered
        files.write_text(self._file, json.dumps(record))

    def drop(self) -> None:
        """Forget what was written: it is saved, or given up on purpose."""
        self._file.unlink(missing_ok=True)
        if self._lock.is_locked:
            self._lock.release()
            _lock_of(self._file).unlink(missing_ok=True)


def left_behind() -> Iterator[Recovered]:
    """Yield what programs that are gone have not saved, newest first. Unreadable journals are skipped, not deleted."""
    found = []
    for journal in _folder().glob("*.json"):
        try:
            record = json.loads(journal.read_text(encoding="utf-8"))
            if _is_in_use(journal):
                continue
            path = Path(record["path"]) if record["path"] else None
            graph, known = file.loads(record["graph"]), record.get("known")
            found.append(Recovered(journal, path, graph, float(record["at"]), known))
        except (OSError, ValueError, KeyError, TypeError, GraphError):
            continue
    return iter(sorted(found, key=lambda one: -one.saved_at))


def digest(text: str) -> str:
    """Return what tells one text from another."""
    return hashlib.sha256(text.encode()).hexdigest()


def _is_in_use(journal: Path) -> bool:
    try:
        with FileLock(_lock_of(journal), timeout=0):
            return False
    except Timeout:
        return True
    except (OSError, NotImplementedError):
        return False


def _lock_of(journal: Path) -> Path:
    return journal.with_suffix(".lock")


def _folder() -> Path:
    return paths.home() / "recovery"
