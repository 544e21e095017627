"""The copy of the graph that runs. It follows every edit, and the running composite follows it."""

import contextlib
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from composite_runtime import paths
from composite_runtime.errors import GraphError
from composite_runtime.graph import file
from composite_runtime.graph.check import Level
from composite_runtime.graph.model import Graph
from fusion_desktop.document.document import Document

_STALE_S = 30 * 24 * 3600.0
"""So old a copy is of a window that ended without clearing up."""
DELAY_MS = 250
"""Edits in a row reach the running composite together."""


class WorkingCopy(QObject):
    """Writes the graph into the run folder while something runs."""

    failed = Signal(str)

    def __init__(
        self,
        document: Document,
        parent: QObject | None = None,
        *,
        held_back: Callable[[Graph], Graph] = lambda graph: graph,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._held_back = held_back
        self._path: Path | None = None
        self._written: Path | None = None
        self._of = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self.flush)
        document.edited.connect(self.refresh)

    def begin(self) -> Path:
        """Write the copy and keep it up to date until another graph is opened; raise `GraphError` if that cannot be."""
        name = "".join(c for c in self._document.graph.id if c.isalnum() or c in "-_")[:64]
        self._of = self._document.graph.id
        self.discard()
        # Two windows may run the same graph, each as it is drawn there. Servers start in the folder, so that stays.
        mine = f"graph-{os.getpid()}-{secrets.token_hex(2)}.fusion"
        self._path = self._written = paths.home() / "run" / name / mine
        _clear(self._path.parent)
        file.save(self._held_back(self._document.graph), self._path)
        return self._path

    def is_of(self, graph: Graph) -> bool:
        """Tell whether it is a copy of this graph, as it was or as it is now."""
        return graph.id == self._of

    def end(self) -> None:
        """No longer keep it up to date."""
        self._timer.stop()
        self._path = None

    def discard(self) -> None:
        """Remove the copy: nothing runs that follows it."""
        if self._written is not None:
            _remove(self._written)
            self._written = None

    def refresh(self) -> None:
        """Write it soon, as after an edit."""
        if self._path is not None:
            self._timer.start()

    def flush(self) -> None:
        """Write it now, unless another graph was opened, or the graph has errors."""
        if self._path is None or not self.is_of(self._document.graph):
            return
        # A graph with errors would be refused; what runs stays as it was until they are mended.
        if any(problem.level is Level.ERROR for problem in self._document.problems):
            return
        try:
            file.save(self._held_back(self._document.graph), self._path)
        except GraphError as error:
            self.failed.emit(error.message)


def _clear(folder: Path) -> None:
    for path in folder.glob("graph-*.fusion"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _STALE_S:
                path.unlink()


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
