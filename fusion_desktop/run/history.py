"""Every call the inspector makes, kept per graph: across restarts and crashes, searchable, without secrets.

Files and the keyring are asked in one worker thread, in order; what it finds out arrives as signals. A call never waits
for its record, and a record that cannot be written costs the record, not the call.
"""

import contextlib
import json
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from composite_runtime import paths
from composite_runtime.errors import FusionError
from composite_runtime.graph.model import Graph
from fusion_desktop.run.frames import JsonObject, Outcome, text_of
from fusion_desktop.run.hiding import Hiding, secret_names
from fusion_desktop.run.history_store import CallStatus, Entry, HistoryStore, Texts
from fusion_desktop.run.session import Ended, InspectorSession, Sent

Json: TypeAlias = Any

KEPT = frozenset({"tools/call", "resources/read", "prompts/get"})
"""The methods that are calls of a user; lists, pings and completions are not."""
_TARGETS = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_MESSAGE = 500
_TRACED = 5_000
"""Of how many calls of this session it is known which trace is theirs."""
_SETTLE_MS = 50
"""How long a burst of calls is collected before the list is read again."""


@dataclass(frozen=True)
class Kept:
    """A call with all that is kept of it. Of what was hidden only the marks are left."""

    entry: Entry
    params: JsonObject
    outcome: Outcome | None

    @property
    def arguments(self) -> JsonObject:
        """What was given to the tool or prompt."""
        found = self.params.get("arguments")
        return found if isinstance(found, dict) else {}


class History(QObject):
    """The calls of the graph that is open."""

    found = Signal(str, object)
    """What was looked for, and the entries that hold it, as a tuple."""
    read = Signal(object)
    """The `Kept` call that was asked for."""
    changed = Signal()
    """Something was added, changed or removed."""
    noticed = Signal(str)
    """A sentence the user should know: the file was broken, or cannot be written."""
    _done = Signal(object)

    def __init__(self, parent: QObject | None = None, *, folder: Path | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._graph: Graph | None = None
        self._store: HistoryStore | None = None
        self._hiding = Hiding()
        self._begun: dict[int, tuple[Future[int], HistoryStore, Hiding]] = {}
        self._request_ids: dict[int, str] = {}
        self._told: set[str] = set()
        # One thread: what is written first is found first.
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="history")
        self._done.connect(self._finish, Qt.ConnectionType.QueuedConnection)
        self._settling = QTimer(self, interval=_SETTLE_MS, singleShot=True)
        self._settling.timeout.connect(self.changed)

    @property
    def path(self) -> Path | None:
        """Where the calls of the graph that is open are kept."""
        return self._store.path if self._store is not None else None

    def open(self, graph: Graph) -> None:
        """Show the calls of a graph from now on; one that is only edited stays the same."""
        self._graph = graph
        folder = self._folder or paths.home() / "history"
        name = "".join(c for c in graph.id if c.isalnum() or c in "-_")[:64] or "graph"
        path = folder / f"{name}.sqlite"
        if self._store is not None and self._store.path == path:
            return
        store = self._store = HistoryStore(path)
        self._request_ids.clear()
        self._hiding = Hiding()
        self._submit(store.interrupt)
        self.changed.emit()

    def follow(self, session: InspectorSession, at: Callable[[], str | None] = lambda: None) -> None:
        """Keep what this session sends; `at` tells the id of the node it reaches, None for what is served."""
        session.sent.connect(lambda sent: self._begin(sent, at(), _secret_arguments(session, sent)))
        session.ended.connect(self._end)

    def look(self, words: str = "") -> None:
        """Search; `found` brings the entries."""
        store = self._store
        if store is None:
            self.found.emit(words, ())
            return
        self._submit(lambda: store.find(words), lambda entries: self.found.emit(words, entries))

    def is_of(self, entry: Entry, request_id: str) -> bool:
        """Whether a call of this session was made by the request of this id."""
        return bool(request_id) and self._request_ids.get(entry.id) == request_id

    def fetch(self, entry: Entry) -> None:
        """Read all that is kept of a call; `read` brings it."""
        if (store := self._store) is not None:
            self._submit(lambda: store.read(entry.id), lambda texts: self._tell(entry, texts))

    def pin(self, entries: Iterable[Entry], *, is_pinned: bool) -> None:
        """Keep calls however old they get, or no longer."""
        numbers = [entry.id for entry in entries]
        self._change(lambda store: store.pin(numbers, is_pinned=is_pinned))

    def delete(self, entries: Iterable[Entry]) -> None:
        """Forget calls."""
        numbers = [entry.id for entry in entries]
        self._change(lambda store: store.delete(numbers))

    def clear(self) -> None:
        """Forget all calls that are not pinned."""
        self._change(lambda store: store.clear())

    def hidden(self, text: str) -> str:
        """Return a text without what was found to be secret in the calls and servers of the graph."""
        return str(self._hiding.hide(text))

    def end(self) -> None:
        """Return when everything is written."""
        self._worker.shutdown(wait=True)

    def _begin(self, sent: Sent, node: str | None, names: frozenset[str]) -> None:
        graph, store, hiding = self._graph, self._store, self._hiding
        if sent.method not in KEPT or graph is None or store is None:
            return
        at, method, params = time.time(), sent.method, sent.params
        target = str(params.get(_TARGETS[method], ""))

        def write() -> int:
            # Asked anew for each call: what a reference stands for can change while the program runs.
            hiding.learn(graph)
            hidden = text_of(hiding.hide_arguments(params, names), indent=None)
            return store.begin(at=at, node=node, method=method, target=str(hiding.hide(target)), params=hidden)

        def note(number: int) -> None:
            if store is self._store:
                self._request_ids[number] = sent.request_id
                if len(self._request_ids) > _TRACED:
                    del self._request_ids[next(iter(self._request_ids))]
            self._changed()

        if (future := self._submit(write, note)) is not None:
            self._begun[sent.number] = (future, store, hiding)

    def _end(self, ended: Ended) -> None:
        # Another graph may be open by now: the call ends where it began.
        begun = self._begun.pop(ended.number, None)
        if begun is None:
            return
        began, store, hiding = begun

        def write() -> None:
            # A beginning that could not be written was told then.
            if began.exception() is not None:
                return
            message = _message(ended)
            answer = _answer(ended.outcome)
            store.finish(
                began.result(),
                _status(ended),
                milliseconds=ended.milliseconds,
                answer=text_of(hiding.hide_answer(answer), indent=None) if answer is not None else None,
                message=str(hiding.hide_answer(message)),
            )

        self._submit(write, self._changed)

    def _changed(self, _: object = None) -> None:
        if not self._settling.isActive():
            self._settling.start()

    def _change(self, do: Callable[[HistoryStore], None]) -> None:
        if (store := self._store) is not None:
            self._submit(lambda: do(store), lambda _: self.changed.emit())

    def _tell(self, entry: Entry, texts: Texts | None) -> None:
        if texts is None:
            return
        params = json.loads(texts.params)
        answer = json.loads(texts.answer) if texts.answer is not None else None
        outcome = None
        if answer is not None:
            outcome = Outcome(
                entry.method,
                params,
                entry.milliseconds or 0.0,
                answer.get("result"),
                answer.get("error"),
                request_id=self._request_ids.get(entry.id, ""),
            )
        self.read.emit(Kept(entry, params, outcome))

    def _submit(self, work: Callable[[], Any], then: Callable[[Any], object] | None = None) -> "Future[Any] | None":
        """Do something in the worker, and `then` something with its result here."""
        try:
            future = self._worker.submit(work)
        except RuntimeError:  # the program ends
            return None
        store = self._store

        def hand_over(done: "Future[Any]") -> None:
            # The window may be gone by now.
            with contextlib.suppress(RuntimeError):
                self._done.emit((done, then, store))

        future.add_done_callback(hand_over)
        return future

    def _finish(self, what: "tuple[Future[Any], Callable[[Any], object] | None, HistoryStore | None]") -> None:
        done, then, store = what
        if store is not None and store.moved is not None:
            self._notice(
                f"The call history of this graph could not be read. It was put aside as {store.moved}, and a new one"
                " was begun."
            )
            store.moved = None
        error = done.exception()
        if isinstance(error, FusionError):
            self._notice(f"{error.message[:1].upper()}{error.message[1:]}. Calls go on without being kept.")
        elif error is not None:
            raise error
        elif then is not None:
            then(done.result())

    def _notice(self, text: str) -> None:
        # The same again and again would only be in the way.
        if text not in self._told:
            self._told.add(text)
            self.noticed.emit(text)


def _status(ended: Ended) -> CallStatus:
    outcome = ended.outcome
    if ended.is_cancelled:
        return CallStatus.CANCELLED
    if outcome is None:
        return CallStatus.UNANSWERED
    return CallStatus.FAILED if outcome.is_failure else CallStatus.DONE


def _message(ended: Ended) -> str:
    """Return in a line why a call failed, or nothing."""
    outcome = ended.outcome
    if outcome is None:
        return ended.reason
    if outcome.error is not None:
        return f"{outcome.error.get('message')} ({outcome.error.get('code')})"
    if not outcome.is_failure or outcome.result is None:
        return ""
    blocks = outcome.result.get("content")
    texts = (
        [block["text"] for block in blocks if isinstance(block, dict) and isinstance(block.get("text"), str)]
        if isinstance(blocks, list)
        else []
    )
    return " ".join(texts)[:_MESSAGE]


def _answer(outcome: Outcome | None) -> JsonObject | None:
    if outcome is None:
        return None
    return {"error": outcome.error} if outcome.error is not None else {"result": outcome.result}


def _secret_arguments(session: InspectorSession, sent: Sent) -> frozenset[str]:
    """Return the arguments of a tool that nobody shall see because its schema says so."""
    if sent.method != "tools/call":
        return frozenset()
    tools = session.listing("tools").items
    called = (tool for tool in tools if tool["name"] == sent.params.get("name"))
    return frozenset().union(*(secret_names(tool.get("inputSchema")) for tool in called))
