"""Tell where servers have changed what they offer since that was accepted, show what, and accept it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from composite_runtime.events import ChildDrifted, Event
from composite_runtime.graph.model import ServerNode
from fusion_desktop.actions import on_first
from fusion_desktop.document.document import Document
from fusion_desktop.panels.drift import DriftPanel
from fusion_desktop.tasks import spawn

if TYPE_CHECKING:
    from composite_runtime.drift import Drift


class Drifting(QObject):
    """Follows what a run tells about its servers."""

    marked = Signal(str, str)
    """The id of a node, and in words what it changed; no words when nothing is left to look at."""
    shown = Signal()
    """The panel has something to show."""
    refused = Signal(str)

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._marks: dict[str, str] = {}
        self._node_id: str | None = None
        self.panel = DriftPanel()
        self.panel.accepted.connect(self.accept)
        document.loaded.connect(self._forget)

    def handlers(self, selected: Callable[[], Sequence[str]]) -> dict[str, Callable[[], object]]:
        """Return what the action does to the one node that is selected."""
        return {"run.drift": on_first(selected, self.examine)}

    def take(self, event: Event) -> None:
        """Note what a server has changed."""
        if not isinstance(event, ChildDrifted):
            return
        words = event.summary if event.added or event.removed or event.changed else ""
        self._mark(event.node, words)
        if event.node == self._node_id and self.panel.isVisible():
            self._look()

    def examine(self, node_id: str) -> None:
        """Show what a server has changed."""
        self._node_id = node_id
        self.shown.emit()
        self._look()

    def accept(self) -> None:
        """Accept what the server that is shown offers now."""
        if (node := self._server()) is not None:
            spawn(self._accept(node), failed=self.refused.emit)

    def _look(self) -> None:
        if (node := self._server()) is not None:
            spawn(self._show(node), failed=self.refused.emit)

    async def _show(self, node: ServerNode) -> None:
        drift = await asyncio.to_thread(_known, node)
        if node.id != self._node_id:
            return
        if drift:
            self.panel.show_drift(node.name, drift)
        else:
            self.panel.show_nothing(node.name, _SAME)
        self._mark(node.id, drift.summary)

    async def _accept(self, node: ServerNode) -> None:
        await asyncio.to_thread(_accept, node)
        self._mark(node.id, "")
        await self._show(node)

    def _server(self) -> ServerNode | None:
        node = self._document.node(self._node_id) if self._node_id is not None else None
        return node if isinstance(node, ServerNode) else None

    def _mark(self, node_id: str, words: str) -> None:
        if self._marks.get(node_id, "") != words:
            self._marks[node_id] = words
            self.marked.emit(node_id, words)

    def _forget(self) -> None:
        for node_id in self._marks:
            self._mark(node_id, "")
        self._node_id = None
        self.panel.show_nothing("No server is chosen", "Choose What changed… in the menu of a server.")


_SAME = "Nothing it offers has changed since it was accepted. What is seen of a server first counts as accepted."


# The runtime's memory is loaded when it is first asked, not when the window opens.


def _known(node: ServerNode) -> "Drift":
    from composite_runtime import accepting

    return accepting.known_drift(node)


def _accept(node: ServerNode) -> None:
    from composite_runtime import accepting

    accepting.accept(node)
