"""Show earlier versions of the graph and restore one, as one step that can be undone."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from composite_runtime.errors import FusionError
from fusion_desktop import theme
from fusion_desktop.canvas import picture
from fusion_desktop.dialogs.versions import Shown, VersionsDialog
from fusion_desktop.document.document import Document
from fusion_desktop.document.versions import Version, difference, restored, versions_of

_QUICKLY_READ = 100_000
"""Bytes: about 200 nodes; there may be 20 versions."""

Untyped = Callable[[Callable[[], object]], None]
"""Makes an edit that brings in commands nobody has typed."""


class Restoring(QObject):
    """Carries out the action that shows earlier versions."""

    refused = Signal(str)
    said = Signal(str)

    def __init__(self, document: Document, untyped: Untyped, window: QWidget) -> None:
        super().__init__(window)
        self._document = document
        self._untyped = untyped
        self._window = window

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Return what does each action of the table that is about versions."""
        return {"file.versions": self.open}

    def open(self) -> None:
        """Let the user choose a version to restore."""
        found = versions_of(self._document.graph.id)
        titles = [f"{version.words()}\n{self._summary(version)}" for version in found]
        dialog = VersionsDialog(titles, lambda row: self._show(found[row]), self._window)
        dialog.restore_wanted.connect(lambda row: self.restore(found[row]))
        dialog.open()

    def restore(self, version: Version) -> None:
        """Make the graph what it was then."""
        try:
            then = version.load()
        except FusionError as error:
            self.refused.emit(error.message)
            return
        when = version.words().removeprefix("Until ")
        graph = restored(self._document.graph, then)
        self._untyped(lambda: self._document.edit(f"Restore the version of {when}", graph))
        self.said.emit(f"Restored the version of {when}")

    def _summary(self, version: Version) -> str:
        """Return in a line how a version differs from now, unless reading all of them would make the user wait."""
        if version.size > _QUICKLY_READ:
            return f"{version.size // 1024} KB"
        try:
            facts = difference(self._document.graph, version.load())
        except FusionError:
            return "Cannot be read"
        if len(facts) > 2:
            return f"{facts[0]}, and {len(facts) - 1} more changes"
        return "; ".join(facts) or "The same as now"

    def _show(self, version: Version) -> Shown:
        try:
            then = version.load()
        except FusionError as error:
            return Shown(version.words(), QImage(), (), error.message)
        image = picture.image(then, theme.current().name, self._window.devicePixelRatioF(), clear=True)
        return Shown(version.words(), image, difference(self._document.graph, then))
