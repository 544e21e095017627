"""Bring in what comes from outside: pasted and dropped text, dropped files, the servers of other clients."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QPointF, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from composite_runtime.errors import FusionError
from composite_runtime.graph.model import CompositeNode, ServerNode
from composite_runtime.interop import importing
from composite_runtime.interop.importing import Candidate
from fusion_desktop import tasks
from fusion_desktop.canvas.editing import Editing
from fusion_desktop.canvas.view import CanvasView
from fusion_desktop.completing import Completing, sentence
from fusion_desktop.dialogs.filing import Filing
from fusion_desktop.dialogs.importing import ImportDialog
from fusion_desktop.dialogs.registry import RegistryDialog
from fusion_desktop.dialogs.secrets import SecretsDialog, used_in
from fusion_desktop.document import foreign
from fusion_desktop.document.document import Document
from fusion_desktop.document.foreign import Arrival
from fusion_desktop.document.template import Template
from fusion_desktop.settings import Settings


class Arrivals(QObject):
    """Turns what was brought into nodes; nodes first, then their secrets, which may take a while to store."""

    refused = Signal(str)
    said = Signal(str)

    def __init__(
        self,
        document: Document,
        view: CanvasView,
        editing: Editing,
        filing: Filing,
        *,
        completing: Completing,
        settings: Settings,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._view = view
        self._completing = completing
        self._settings = settings
        self._document = document
        self._editing = editing
        self._filing = filing
        self._window = window
        view.text_dropped.connect(self.take_text)
        view.files_dropped.connect(self.take_files)
        # Queued, because no dialog may open while the other program still waits for the end of its drag.
        view.template_dropped.connect(self._drop, Qt.ConnectionType.QueuedConnection)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Return what does each action of the table that brings something in."""
        return {
            "edit.paste": self.paste,
            "edit.paste_wired": lambda: self.paste(wired=True),
            "file.import": self.choose,
            "file.registry": self.browse,
            "file.secrets": self.show_secrets,
        }

    def paste(self, *, wired: bool = False) -> None:
        """Add what lies on the clipboard: nodes, a configuration, a command, a link or a URL, or files.

        With `wired`, copied nodes are connected with what their originals were connected with.
        """
        mime = QGuiApplication.clipboard().mimeData()
        files = [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()] if mime is not None else []
        if files:
            self.take_files(files, None)
        else:
            self.take_text(QGuiApplication.clipboard().text(), None, wired=wired)

    def take_text(self, text: str, at: QPointF | None, *, wired: bool = False) -> None:
        """Add the nodes in a text."""
        if (template := foreign.offer_in(text)) is not None:
            self.add(template, at)
            return
        try:
            arrival = foreign.from_text(text, self._document.graph)
        except FusionError as error:
            self.refused.emit(sentence(error.message))
            return
        self._add("Paste", arrival, at, wired=wired)

    def take_files(self, paths: Sequence[Path], at: QPointF | None) -> None:
        """Open a graph; add the servers of anything else."""
        if len(paths) == 1 and paths[0].is_file() and foreign.is_graph_file(paths[0]):
            self._filing.open(paths[0])
        else:
            tasks.spawn(self._read(paths, at), failed=lambda words: self.refused.emit(sentence(words)))

    async def _read(self, paths: Sequence[Path], at: QPointF | None) -> None:
        found, rest = await asyncio.to_thread(foreign.offers_in_files, paths)
        if rest:
            self._add("Add", await asyncio.to_thread(foreign.from_paths, rest, self._document.graph), at)
        for template in found:
            self.add(template, at)

    def _add(self, word: str, arrival: Arrival, at: QPointF | None, *, wired: bool = False) -> None:
        self._editing.add_part(word, arrival.part, at, wired=wired)
        self._completing.keep(arrival.secrets)
        if arrival.problems:
            self.refused.emit("; ".join(sentence(problem) for problem in arrival.problems))

    # What may ask for something first

    def add(self, template: Template, at: QPointF | None = None) -> None:
        """Add a template, after what it asks for is filled in, at a point of the scene or where there is room."""
        self._completing.complete(template, lambda done: self._editing.add(done, at))

    def _drop(self, template: Template, at: QPointF) -> None:
        self._completing.complete(template, lambda done: self._view.add(done, at))

    def browse(self) -> None:
        """Search the registry of servers."""
        dialog = RegistryDialog(self._settings.registry_url, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.chosen.connect(self.add)
        dialog.address_changed.connect(lambda url: setattr(self._settings, "registry_url", url))
        dialog.open()

    def show_secrets(self) -> None:
        """Show the secrets that are kept, and those the graph refers to."""
        dialog = SecretsDialog(used_in(self._document.graph), self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.stored.connect(lambda name: self.said.emit(f"Stored {name}"))
        dialog.open()

    # Other clients

    def choose(self) -> None:
        """Show the servers of the clients on this machine, and add those that are ticked."""
        nodes = self._document.graph.nodes
        known = {importing.identity(node.transport) for node in nodes if isinstance(node, ServerNode)}
        dialog = ImportDialog(known, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.chosen.connect(self.take_over)
        dialog.files_chosen.connect(lambda paths: self.take_files(paths, None))
        dialog.open()

    def take_over(self, candidates: Sequence[Candidate], keep_plain_secrets: bool = False) -> None:
        """Add servers of other clients to the selected composite, to the only one there is, or to a new one."""
        chosen = [node for n in self._editing.chosen() if isinstance(node := self._document.node(n), CompositeNode)]
        try:
            imported = foreign.taken_over(
                self._document.graph,
                candidates,
                chosen[0].id if len(chosen) == 1 else None,
                keep_plain_secrets=keep_plain_secrets,
            )
        except FusionError as error:
            self.refused.emit(sentence(error.message))
            return
        count = len(imported.nodes)
        words = imported.nodes[0].name if count == 1 else f"{count} servers"
        self._document.edit(f"Import {words}", imported.graph)
        self._editing.show_nodes([node.id for node in imported.nodes])
        self.said.emit(f"Imported {words}")
        self._completing.keep(imported.secrets)
