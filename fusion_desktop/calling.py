"""Calls that outlast the moment: the history of all that were made, and those that are saved beside the graph."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QTabWidget

from composite_runtime.calls.model import ErrorExpected, SavedCall
from composite_runtime.errors import FusionError
from composite_runtime.graph.model import Node
from fusion_desktop.dialogs.ask import ask
from fusion_desktop.document.document import Document
from fusion_desktop.document.files import DocumentFile
from fusion_desktop.inspector.call_history import CallHistory
from fusion_desktop.inspector.inspector import Inspector
from fusion_desktop.inspector.panel import InspectorPanel
from fusion_desktop.inspector.save_call import SaveCallDialog
from fusion_desktop.inspector.saved_view import SavedView
from fusion_desktop.run.direct import Directs
from fusion_desktop.run.frames import JsonObject, Outcome
from fusion_desktop.run.hiding import has_hidden, has_references, with_references, without_references
from fusion_desktop.run.history import History, Kept
from fusion_desktop.run.history_store import Entry
from fusion_desktop.run.saved import SavedCalls
from fusion_desktop.run.session import SessionState
from fusion_desktop.tasks import spawn

Guard = Callable[[Callable[[], object], Sequence[Node] | None], None]

_HIDDEN_NOTE = "What was secret is read from the environment or the keyring when the call is made."
_PATIENCE_S = 30.0
"""How long a node that has to be started may take."""
_LISTING_S = 2.0
"""How long a list that was just fetched may take to arrive."""


class Calling(QObject):
    """Connects the history and the saved calls with the inspector; `guard` asks before a command is first started."""

    refused = Signal(str)
    """Words why something cannot be done."""
    noticed = Signal(str)
    """Something about the history the user should know."""
    save_graph_wanted = Signal(object)
    """The graph has to be saved before something that is handed over can be done."""
    shown = Signal()
    """A call stands in the form of the inspector."""

    def __init__(
        self,
        document: Document,
        inspector: Inspector,
        directs: Directs,
        file: DocumentFile,
        *,
        guard: Guard,
        folder: Path | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._inspector = inspector
        self.history = History(self, folder=folder)
        self._guard = guard
        self.saved = SavedCalls(self)
        self.saved_view = SavedView(self.saved)
        self.saved_view.name_of = self._name_of
        self.history_view = CallHistory(self.history)
        self.history_view.set_names(self._name_of)
        self.view = QTabWidget(documentMode=True)
        self.view.tabBar().setDrawBase(False)
        self.view.setAccessibleName("Calls")
        self.view.addTab(self.history_view, "History")
        self.view.addTab(self.saved_view, "Saved")
        self.history_view.edit_wanted.connect(self.show)
        self.history_view.replay_wanted.connect(lambda *call: self.show(*call, is_sent=True))
        self.history_view.save_wanted.connect(self.save)
        self.saved_view.run_wanted.connect(self.run)
        self.saved_view.edit_wanted.connect(self.change)
        self.saved_view.open_wanted.connect(self._open_saved)
        self.saved_view.delete_wanted.connect(self._ask_delete)
        self.saved.failed.connect(self.refused)
        file.path_changed.connect(lambda: self.saved.open(file.path))
        self.saved.open(file.path)
        self.history.noticed.connect(self.noticed)
        self.history.follow(inspector.panel.session)
        inspector.save_wanted.connect(self._save_made)
        directs.opened.connect(lambda direct: self.history.follow(direct.session, lambda: direct.node_id))
        document.edited.connect(self._open)
        self._open()

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Return what does the action of the table that saves a call."""
        return {"run.save_call": self.save_newest}

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
        if "task" in params:
            panel.session.speak(is_legacy=True)  # only older clients ask for one
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
            is_there = panel.session.state is SessionState.OPEN and "task" not in params
            async with asyncio.timeout(_LISTING_S if is_there else _PATIENCE_S):
                await listed.wait()
        except TimeoutError:
            raise FusionError(f"{params.get('name') or params.get('uri')} is not offered now.") from None
        finally:
            panel.session.listed.disconnect(look)

    def save(self, kept: Kept) -> None:
        """Ask how a call of the history shall be saved."""
        if self.saved.folder is None:
            self.save_graph_wanted.emit(lambda: self.save(kept))
            return
        entry = kept.entry
        fields: dict[str, object] = {"method": entry.method, "at": entry.node}
        if entry.method in {"tools/call", "prompts/get"}:
            fields |= {"target": kept.params.get("name", ""), "arguments": with_references(kept.arguments)}
        else:
            fields |= {"target": kept.params.get("uri", "")}
        call = SavedCall.model_validate(fields)
        if kept.outcome is not None and kept.outcome.is_failure:
            call = call.model_copy(update={"expect": (ErrorExpected(kind="error"),)})
        self._open_dialog(call, "", kept.outcome, has_hidden(kept.params))

    def save_newest(self) -> None:
        """Ask how the call that was made last shall be saved."""
        self._save_newest(lambda entry: True)

    def _save_made(self, outcome: Outcome, node: str | None) -> None:
        target = outcome.params.get("name") or outcome.params.get("uri")
        made = (node, outcome.method, target)

        def is_meant(entry: Entry) -> bool:
            if outcome.request_id:
                return self.history.is_of(entry, outcome.request_id)
            return (entry.node, entry.method, entry.target) == made

        self._save_newest(is_meant)

    def _save_newest(self, is_meant: Callable[[Entry], bool]) -> None:
        def choose(words: str, entries: tuple[Entry, ...]) -> None:
            if words:
                return  # somebody searches meanwhile
            self.history.found.disconnect(choose)
            newest = max(filter(is_meant, entries), key=lambda entry: entry.id, default=None)
            if newest is None:
                self.refused.emit("No call was made yet that could be saved.")
                return
            self.history.read.connect(take)
            wanted.append(newest.id)
            self.history.fetch(newest)

        def take(kept: Kept) -> None:
            if kept.entry.id in wanted:
                self.history.read.disconnect(take)
                self.save(kept)

        wanted: list[int] = []
        self.history.found.connect(choose)
        self.history.look()

    def change(self, key: str) -> None:
        """Ask how a saved call shall be changed."""
        call = self.saved.calls.get(key)
        if call is not None:
            result = self.saved.results.get(key)
            answer = result.answer if result is not None else None
            outcome = None
            if isinstance(answer, dict) and set(answer) != {"error"} and result is not None:
                outcome = Outcome(call.method, dict(call.arguments), result.milliseconds or 0.0, answer)
            self._open_dialog(call, key, outcome, False)

    def run(self, keys: Sequence[str] | None = None) -> None:
        """Make saved calls, all when none is named, on servers of their own."""
        graph = self._document.graph
        self._guard(lambda: self.saved.run(graph, keys), graph.nodes)

    def _open_dialog(self, call: SavedCall, key: str, outcome: Outcome | None, is_hidden: bool) -> None:
        def keep(new: str, made: SavedCall) -> None:
            self.saved.save(new, made, instead_of=key or None)
            self.view.setCurrentWidget(self.saved_view)
            self.saved_view.select(new)

        dialog = SaveCallDialog(
            call,
            keep,
            key=key,
            folders=self.saved.folders(),
            place=f"{self._name_of(call.at)} alone" if call.at else "",
            note=_HIDDEN_NOTE if is_hidden else "",
            outcome=outcome,
            parent=self.view.window(),
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _open_saved(self, key: str) -> None:
        call = self.saved.calls[key]
        node = next((n.id for n in self._document.graph.nodes if call.at in {n.id, n.name}), call.at)
        arguments = without_references(call.arguments)
        if has_references(call.arguments):
            self.noticed.emit(
                "What the call refers to by ${…} has to be entered here; a run of saved calls fills it in."
            )
        self.show(call.method, call.params(arguments), node)

    def _ask_delete(self, key: str) -> None:
        ask(
            self.view.window(),
            f"Delete {key}.json?",
            "The file is removed from the folder beside the graph.",
            {"Delete": lambda: self.saved.delete(key), "Keep": lambda: None},
            default="Keep",
        )

    async def close(self) -> None:
        """Return when nothing runs any more."""
        await self.saved.end()

    def end(self) -> None:
        """Return when all calls are written down."""
        self.history.end()

    def _open(self) -> None:
        self.history.open(self._document.graph)

    def _name_of(self, node_id: str) -> str:
        node = self._document.node(node_id)
        return node.name if node is not None else node_id
