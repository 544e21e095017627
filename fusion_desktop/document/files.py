"""The file of the document: open, save, and lose nothing in between."""

import uuid
from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

from composite_runtime import files, paths
from composite_runtime.errors import FusionError, GraphError
from composite_runtime.graph import file
from composite_runtime.graph.edit import new_graph
from fusion_desktop.document.document import Document
from fusion_desktop.document.journal import Journal, Recovered, digest

JOURNAL_DELAY_S = 1.0
"""How long after an edit the journal is written at the latest."""
VERSIONS_KEPT = 20


class DocumentFile(QObject):
    """Knows where the document is saved, keeps a journal of what is not, and notices when others change the file."""

    path_changed = Signal()
    changed_on_disk = Signal()
    failed = Signal(str)
    """What is on the screen is no longer safe: words why."""

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._path: Path | None = None
        self._text_on_disk: str | None = None
        self._journal = Journal()
        self._watcher = QFileSystemWatcher(self)
        self._watcher.fileChanged.connect(self._look)
        self._watcher.directoryChanged.connect(self._look)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._write_journal)
        document.edited.connect(self._edited)

    @property
    def path(self) -> Path | None:
        """Return where the document is saved, or None if it never was."""
        return self._path

    @property
    def title(self) -> str:
        """Return what the document is called."""
        return self._path.name if self._path else "Untitled"

    def new(self) -> None:
        """Begin an empty graph."""
        self._document.load(new_graph())
        self._settle(None, None)

    def open(self, path: Path) -> None:
        """Open a file; raise `GraphError` and change nothing if that is impossible."""
        text = _read(path)
        self._document.load(file.load(path))
        self._settle(path, text)

    def open_copy(self, path: Path) -> None:
        """Open a file as a graph of its own that has no file yet; raise `GraphError`."""
        self._document.load(file.load(path).but(id=str(uuid.uuid4())))
        self._settle(None, None)

    def save(self, path: Path | None = None) -> None:
        """Save to a file, or to the one it came from; raise `GraphError` if that is impossible."""
        target = path or self._path
        if target is None:
            raise GraphError("The graph has no file yet: choose where to save it")
        if target.exists():
            keep_version(target, self._document.graph.id)
        text = file.dumps(self._document.graph)
        file.save(self._document.graph, target)
        self._document.undo_stack.setClean()
        self._settle(target, text)

    @property
    def conflict(self) -> bool:
        """Tell whether the file holds something else than was read from or written to it."""
        if self._path is None or self._text_on_disk is None or not self._path.exists():
            return False
        try:
            return _read(self._path) != self._text_on_disk
        except GraphError:
            return True

    def accept_disk(self) -> None:
        """Keep what is shown, which is then what remains to be saved, although the file holds something else."""
        if self._path is not None and self._path.exists():
            self._text_on_disk = _read(self._path)
            self._count_as_unsaved()

    def restore(self, recovered: Recovered) -> None:
        """Go on where a program died; the graph counts as not saved."""
        self._document.load(recovered.graph)
        self._document.mark_modified()
        self._settle(recovered.path, _known(recovered))
        if self._write_journal():
            recovered.drop()

    def close(self) -> None:
        """Forget the journal: the document was saved, or given up on purpose."""
        self._timer.stop()
        self._journal.drop()

    def _settle(self, path: Path | None, text: str | None) -> None:
        if watched := self._watcher.files() + self._watcher.directories():
            self._watcher.removePaths(watched)
        self._path = path.resolve() if path is not None else None
        self._text_on_disk = text
        if self._path is not None:
            # Programs that replace a file instead of writing into it are seen in its folder only.
            self._watcher.addPaths([str(self._path), str(self._path.parent)])
        if not self._document.is_modified:
            self.close()
        self.path_changed.emit()

    def _look(self) -> None:
        if self._path is None:
            return
        if not self._path.exists():
            self._miss()
        elif str(self._path) not in self._watcher.files():
            self._watcher.addPath(str(self._path))
        if self.conflict:
            self.changed_on_disk.emit()

    def _miss(self) -> None:
        if not self._document.is_modified:
            self._count_as_unsaved()
            self.failed.emit(f"{self.title} is no longer where it was saved: save it again to keep it")

    def _count_as_unsaved(self) -> None:
        self._document.mark_modified()
        self._edited()

    def _edited(self) -> None:
        if not self._document.is_modified:
            self.close()
        elif not self._timer.isActive():
            self._timer.start(round(JOURNAL_DELAY_S * 1000))

    def _write_journal(self) -> bool:
        known = digest(self._text_on_disk) if self._text_on_disk is not None else None
        try:
            self._journal.write(self._document.graph, self._path, known)
        except FusionError as error:
            self.failed.emit(f"Unsaved changes cannot be kept safe: {error.message}")
            return False
        return True


def versions_folder(graph_id: str) -> Path:
    """Return where earlier versions of a graph are kept."""
    return paths.home() / "versions" / "".join(c for c in graph_id if c.isalnum() or c in "-_")[:64]


def keep_version(path: Path, graph_id: str) -> None:
    """Copy a file that is about to be replaced, and drop the oldest copies."""
    folder = versions_folder(graph_id)
    try:
        text = files.read_text(path)
        kept = sorted(folder.glob("*.fusion"))
        if kept and kept[-1].read_text(encoding="utf-8") == text:
            return
        # The names sort by time; UTC has no hour that comes twice.
        name = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
        files.write_text(folder / f"{name}.fusion", text)
        for old in kept[: max(0, len(kept) + 1 - VERSIONS_KEPT)]:
            old.unlink(missing_ok=True)
    except (FusionError, OSError):
        # A copy that cannot be kept must not keep the user from saving.
        return


def _known(recovered: Recovered) -> str | None:
    """Return what the file of a recovered graph held when it was read; a text no file holds if it has changed since."""
    if recovered.path is None or not recovered.path.exists():
        return None
    try:
        text = files.read_text(recovered.path)
    except FusionError:
        return ""
    return text if recovered.known in {None, digest(text)} else ""


def _read(path: Path) -> str:
    try:
        return files.read_text(path)
    except FusionError as error:
        raise GraphError(error.message) from None
