"""Calls that outlast the moment: the history of all that were made, and those that are saved beside the graph."""

import asyncio
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from composite_runtime.errors import FusionError
from fusion_desktop.document.document import Document
from fusion_desktop.inspector.call_history import CallHistory
from fusion_desktop.inspector.inspector import Inspector
from fusion_desktop.inspector.panel import InspectorPanel
from fusion_desktop.run.direct import Directs
from fusion_desktop.run.frames import JsonObject
from fusion_desktop.run.history import History
from fusion_desktop.run.session import SessionState
from fusion_desktop.tasks import spawn

_PATIENCE_S = 30.0
"""How long a node that has to be started may take."""
_LISTING_S = 2.0
"""How long a list that was just fetched may take to arrive."""


class Calling(QObject):
    """Connects the history with the inspector."""

    refused = Signal(str)
    """Words why something cannot be done."""
    noticed = Signal(str)
    """Something about the history the user should know."""
    shown = Signal()
    """A call stands in the form of the inspector."""

    def __init__(
        self,
        document: Document,
        inspector: Inspector,
        directs: Directs,
        *,
        folder: Path | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._inspector = inspector
        self.history = History(self, folder=folder)
        self.view = CallHistory(self.history)
        self.view.set_names(self._name_of)
        self.view.edit_wanted.connect(self.show)
        self.view.replay_wanted.connect(lambda *call: self.show(*call, is_sent=True))
        self.history.noticed.connect(self.noticed)
        self.history.follow(inspector.panel.session)
        directs.opened.connect(lambda direct: self.history.follow(direct.session, lambda: direct.node_id))
        document.edited.connect(self._open)
        self._open()

    def show(self, method: str, params: JsonObject, node_id: str | None = None, *, is_sent: bool = False) -> None:
        """Show a call in the inspector, and send it if wanted; say why if that cannot be.

        A node that is called alone is started if need be.
        """
        if node_id is None:
            self._inspector.show_running()
            panel = self._inspector.panel
        else:
            found = self._inspector.panel_of(node_id) if self._inspector.inspect(node_id) else None
            if found is None:
                self.refused.emit("The server that was called is not in the graph any more.")
                return
            panel = found
        if node_id is None and panel.session.state is not SessionState.OPEN:
            self.refused.emit("Nothing is running that could be called. Press Run first.")
            return
        self.shown.emit()
        spawn(self._show(panel, method, params, is_sent=is_sent), failed=self.refused.emit)

    async def _show(self, panel: InspectorPanel, method: str, params: JsonObject, *, is_sent: bool) -> None:
        """Wait until the call is offered, then show it."""
        listed = asyncio.Event()

        def look(*_: object) -> None:
            if panel.show_call(method, params, is_sent=is_sent):
                listed.set()

        look()
        if listed.is_set():
            return
        panel.session.listed.connect(look)
        try:
            async with asyncio.timeout(_PATIENCE_S if panel.session.state is not SessionState.OPEN else _LISTING_S):
                await listed.wait()
        except TimeoutError:
            raise FusionError(f"{params.get('name') or params.get('uri')} is not offered now.") from None
        finally:
            panel.session.listed.disconnect(look)

    def end(self) -> None:
        """Return when all calls are written down."""
        self.history.end()

    def _open(self) -> None:
        self.history.open(self._document.graph)

    def _name_of(self, node_id: str) -> str:
        node = self._document.node(node_id)
        return node.name if node is not None else node_id
