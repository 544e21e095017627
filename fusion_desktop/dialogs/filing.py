"""New, open, save, recent files, export, and the guard of unsaved changes. Every dialog is opened, none blocks."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from composite_runtime import paths
from composite_runtime.errors import FusionError
from composite_runtime.graph.file import SUFFIX
from fusion_desktop import plain
from fusion_desktop.dialogs.ask import ask
from fusion_desktop.dialogs.export import ExportDialog
from fusion_desktop.document.document import Document
from fusion_desktop.document.files import DocumentFile
from fusion_desktop.document.journal import Recovered
from fusion_desktop.settings import Settings

_FILTER = "Graphs (*.fusion *.fusion.json *.json);;All files (*)"


class Filing(QObject):
    """Carries out the file actions."""

    refused = Signal(str)
    said = Signal(str)
    opened = Signal()

    def __init__(self, document: Document, file: DocumentFile, settings: Settings, window: QWidget) -> None:
        super().__init__(window)
        self._document = document
        self._file = file
        self._settings = settings
        self._window = window

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Return what does each file action of the table."""
        return {
            "file.new": self.new,
            "file.open": self.choose,
            "file.save": self.save,
            "file.save_as": self.save_as,
            "file.export": self.export,
        }

    def new(self) -> None:
        """Begin an empty graph."""
        self.guarded(self._new)

    def _new(self) -> None:
        self._file.new()
        self.opened.emit()

    def choose(self) -> None:
        """Ask for a file and open it."""
        self.guarded(self._choose)

    def _choose(self) -> None:
        dialog = self._dialog("Open a graph")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda name: self._open(Path(name)))
        dialog.open()

    def open(self, path: Path) -> None:
        """Open a file, after the present one is safe."""
        self.guarded(lambda: self._open(path))

    def open_copy(self, path: Path) -> None:
        """Open a file as a new graph without a place, as for an example."""
        self.guarded(lambda: self._open_copy(path))

    def open_example(self) -> None:
        """Open the graph that comes with Fusion and needs nothing else."""
        self.open_copy(paths.resource("examples/first.fusion"))

    def _open(self, path: Path) -> None:
        try:
            self._file.open(path)
        except FusionError as error:
            self.refused.emit(f"{error.message}. Nothing was changed.")
            return
        self._settings.add_recent(path)
        self.opened.emit()

    def _open_copy(self, path: Path) -> None:
        try:
            self._file.open_copy(path)
        except FusionError as error:
            self.refused.emit(error.message)
            return
        self.opened.emit()

    def restore(self, recovered: Recovered) -> None:
        """Go on with what a program that died has not saved, after the present graph is safe."""
        self.guarded(lambda: self._restore(recovered))

    def _restore(self, recovered: Recovered) -> None:
        self._file.restore(recovered)
        self.opened.emit()

    def finish_typing(self) -> None:
        """Take what is being typed as it is: a field tells what it holds only when it loses the focus."""
        field = self._window.focusWidget()
        if field is None:
            return
        for kind in (QEvent.Type.FocusOut, QEvent.Type.FocusIn):
            if field.isVisible():
                QCoreApplication.sendEvent(field, QFocusEvent(kind, Qt.FocusReason.OtherFocusReason))
        # One that went away with that leaves the focus to what it lay on.
        ground: QWidget | None = field
        while ground is not None and not (ground.isVisible() and ground.focusPolicy() != Qt.FocusPolicy.NoFocus):
            ground = ground.parentWidget()
        if ground is not None:
            ground.setFocus()

    def save(self, then: Callable[[], object] | None = None) -> None:
        """Save to the file it came from, or ask where."""
        self.finish_typing()
        if self._file.path is None:
            self.save_as(then)
        elif self._file.conflict:
            ask(
                self._window,
                f"{self._file.title} was changed by another program",
                "Saving replaces what the other program wrote. A copy of it is kept in ~/.fusion/versions.",
                {
                    "Save": lambda: self._save(self._file.path, then),
                    "Save as…": lambda: self.save_as(then),
                    "Cancel": lambda: None,
                },
                default="Save as…",
            )
        else:
            self._save(self._file.path, then)

    def save_as(self, then: Callable[[], object] | None = None) -> None:
        """Ask where to save, and save there."""
        self.finish_typing()
        dialog = self._dialog("Save the graph")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(SUFFIX.removeprefix("."))
        dialog.selectFile(str(self._file.path or f"{self._document.graph.name}{SUFFIX}"))
        dialog.fileSelected.connect(lambda name: self._save(Path(name), then))
        dialog.open()

    def _save(self, path: Path | None, then: Callable[[], object] | None) -> None:
        try:
            self._file.save(path)
        except FusionError as error:
            self.refused.emit(f"{error.message}. The graph is not saved.")
            return
        assert self._file.path is not None
        self._settings.add_recent(self._file.path)
        self.said.emit(f"Saved {self._file.title}")
        if then is not None:
            then()

    def export(self) -> None:
        """Save if need be, then open the export dialog: clients are given the path of the file."""
        if self._file.path is None or self._document.is_modified:
            self.save(self._export)
        else:
            self._export()

    def _export(self) -> None:
        assert self._file.path is not None
        dialog = ExportDialog(self._file.path, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.exported.connect(self.said)
        dialog.open()

    def guarded(self, go_on: Callable[[], object]) -> None:
        """Go on at once if nothing is unsaved, else when the user has said what shall become of it."""
        self.finish_typing()
        if not self._document.is_modified:
            go_on()
            return
        ask(
            self._window,
            f"Save the changes to {self._file.title}?",
            "What is not saved is lost.",
            {"Save": lambda: self.save(go_on), "Don’t save": go_on, "Cancel": lambda: None},
            default="Save",
        )

    def fill_recent(self, menu: QMenu) -> None:
        """Put the files opened last into a menu."""
        menu.clear()
        for path in self._settings.recent:
            action = menu.addAction(plain.label(path.name))
            action.setToolTip(str(path))
            action.setStatusTip(str(path))
            action.triggered.connect(lambda _checked=False, path=path: self.open(path))
        if menu.isEmpty():
            menu.addAction("No files yet").setEnabled(False)

    def _dialog(self, title: str) -> QFileDialog:
        start = self._file.path or next(iter(self._settings.recent), None)
        dialog = QFileDialog(self._window, title, str(start.parent if start else Path.home()), _FILTER)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return dialog
