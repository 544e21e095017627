"""The inspector's own connection to the running composite: an ordinary MCP client, kept by one task.

The SDK is imported when the first connection opens, not before: it takes longer to load than the window.
"""

import asyncio
import contextlib
import itertools
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

import anyio
from PySide6.QtCore import QObject, Signal

from composite_runtime.errors import FusionError
from fusion_desktop.run.frames import Frame, JsonObject, Outcome, Patience, Progress, Question, ServerError
from fusion_desktop.run.listing import KINDS, Listing, fetched
from fusion_desktop.run.process import RuntimeProcess
from fusion_desktop.run.server_tasks import ServerTask, ServerTasks, TaskState
from fusion_desktop.tasks import spawn

if TYPE_CHECKING:
    from fusion_desktop.run.connection import Connection, Server


_LISTEN_FIRST_S = 0.5
"""So long the lists wait for the stream that tells their changes."""
_TASK = {"taskIds"}
"""What a stream is told to listen for that tells of a task only."""
ACKNOWLEDGE_S = 5.0
"""So long a server may take to take note of a subscription."""


class SessionState(StrEnum):
    """Whether the inspector reaches a server."""

    CLOSED = "closed"
    CONNECTING = "connecting"
    OPEN = "open"
    LOST = "lost"


_STALE = {
    "notifications/tools/list_changed": ("tools",),
    "notifications/resources/list_changed": ("resources", "templates"),
    "notifications/prompts/list_changed": ("prompts",),
}


@dataclass(frozen=True)
class Sent:
    """A request is on its way; `number` is its own within this program."""

    number: int
    method: str
    params: JsonObject
    request_id: str = ""


@dataclass(frozen=True)
class Ended:
    """What became of a request; without an outcome `reason` says why there is none."""

    number: int
    milliseconds: float
    outcome: Outcome | None = None
    reason: str = ""
    is_cancelled: bool = False


_numbers = itertools.count(1)
_program = secrets.token_hex(4)
"""Makes the ids of our requests differ from those of all other clients of a runtime."""
Opened: TypeAlias = "Callable[[bool], AbstractAsyncContextManager[Connection]]"
"""How a connection is opened, given whether the protocol before 2026-07-28 is wanted."""


class InspectorSession(QObject):
    """One MCP connection, or none."""

    state_changed = Signal(object, str)
    """The new `SessionState`, and in words why it was lost."""
    listed = Signal(str)
    """A list is known anew: tools, resources, templates or prompts."""
    asked = Signal(object)
    """The server asks a `Question`: sampling or elicitation."""
    withdrawn = Signal(object)
    """A `Question` needs no answer any more."""
    logged = Signal(object)
    """The parameters of a log message the server sent."""
    updated = Signal(str)
    """The server tells that a resource one has subscribed to is another now: its URI."""
    frame = Signal(object)
    """A `Frame` that was sent or received."""
    sent = Signal(object)
    """A request of the user is on its way: `Sent`."""
    ended = Signal(object)
    """It was answered, cancelled or given up: `Ended`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = SessionState.CLOSED
        self._reason = ""
        self._connection: Connection | None = None
        self._scope: anyio.CancelScope | None = None
        self._actor: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._roots: tuple[JsonObject, ...] = ()
        self._watched: tuple[str, ...] = ()
        self._listen_anew: anyio.Event | None = None
        self._honoured: anyio.Event | None = None
        self._listings: dict[str, Listing] = {}
        self._stale: dict[str, anyio.Event] = {}
        self._opened: Opened | None = None
        self._speaks_legacy = False
        self.tasks = ServerTasks(self)
        self.tasks.over.connect(self._end_task)

    @property
    def state(self) -> SessionState:
        """Whether a server is reached."""
        return self._state

    @property
    def reason(self) -> str:
        """Why the connection was lost, in words."""
        return self._reason

    @property
    def server(self) -> "Server | None":
        """What the server says about itself, while one is reached."""
        return self._connection.server if self._connection is not None else None

    @property
    def roots(self) -> tuple[JsonObject, ...]:
        """The folders a server is told it may work in. They are a setting: no call waits for the user to name them."""
        return self._roots

    def set_roots(self, roots: Sequence[JsonObject]) -> None:
        """Offer other roots, and tell a server that can be told."""
        if self._roots == (named := tuple(roots)):
            return
        self._roots = named
        if self._connection is not None and not self._connection.server.is_modern:
            spawn(self._connection.notify("notifications/roots/list_changed"))

    def listing(self, kind: str) -> Listing:
        """Return the newest list of a kind."""
        return self._listings.get(kind, Listing())

    def open_url(self, url: str, token: str = "", *, is_legacy: bool = False) -> None:
        """Connect to a server over streamable HTTP; `state_changed` tells how it went."""

        def opened(speaks_legacy: bool) -> "AbstractAsyncContextManager[Connection]":
            from fusion_desktop.run.connection import over_http

            return over_http(url, token, self, is_legacy=is_legacy or speaks_legacy)

        self._open(opened)

    def open_pipes(self, process: RuntimeProcess, *, is_legacy: bool = False) -> None:
        """Connect to a runtime over its pipes; `state_changed` tells how it went."""

        def opened(speaks_legacy: bool) -> "AbstractAsyncContextManager[Connection]":
            from fusion_desktop.run.connection import over_pipes

            return over_pipes(process, self, is_legacy=is_legacy or speaks_legacy)

        self._open(opened)

    @property
    def speaks_legacy(self) -> bool:
        """Whether the protocol before 2026-07-28 is spoken even to a server that knows a newer one."""
        return self._speaks_legacy

    def speak(self, *, is_legacy: bool) -> None:
        """Speak the protocol before 2026-07-28, or the newest both know; an open connection is opened anew."""
        if is_legacy == self._speaks_legacy:
            return
        self._speaks_legacy = is_legacy
        if self._state in {SessionState.OPEN, SessionState.CONNECTING} and self._opened is not None:
            self._open(self._opened)

    def close(self) -> None:
        """Leave the server."""
        self._closing.set()
        if self._scope is not None:
            self._scope.cancel()

    async def end(self) -> None:
        """Leave the server and return when the connection is gone."""
        self.close()
        if self._actor is not None:
            await asyncio.wait({self._actor})

    async def call(
        self,
        tool: str,
        arguments: JsonObject,
        *,
        patience: Patience | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Outcome:
        """Call a tool; cancelling the task that awaits this cancels the call on the server."""
        params = {"name": tool, "arguments": arguments}
        return await self.send("tools/call", params, patience=patience, on_progress=on_progress)

    async def send(
        self,
        method: str,
        params: JsonObject,
        *,
        patience: Patience | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        on_deadline: Callable[[float], None] | None = None,
    ) -> Outcome:
        """Send any request and return what became of it; raise `FusionError` when there is no answer in time.

        A call may be answered with a task: that is followed by `tasks`, and the call has `ended` when the task has.
        `on_deadline` is told each time how many seconds are left: progress gives more, and while the user is asked
        there is no end.
        """
        connection = self._reached()
        number, began = next(_numbers), time.perf_counter()
        outcome, reason, task = None, "", None
        request_id = f"call-{_program}-{number}"
        self.sent.emit(Sent(number, method, params, request_id))
        try:
            result, error = await _answered(
                connection.exchange(
                    method,
                    params,
                    patience=patience or Patience(),
                    on_progress=on_progress,
                    on_deadline=on_deadline,
                    request_id=request_id,
                )
            )
            spent = (time.perf_counter() - began) * 1000
            outcome = Outcome(method, params, spent, result, error, request_id=request_id)
            task = self.tasks.begin(number, outcome)
            return outcome
        except FusionError as failure:
            reason = failure.message
            raise
        finally:
            if task is None:
                spent = (time.perf_counter() - began) * 1000
                self.ended.emit(Ended(number, spent, outcome, reason, is_cancelled=outcome is None and not reason))

    def _end_task(self, task: ServerTask) -> None:
        if task.number:
            is_cancelled = task.state is TaskState.CANCELLED
            self.ended.emit(Ended(task.number, task.milliseconds, task.outcome, task.note, is_cancelled=is_cancelled))

    async def set_log_level(self, level: str) -> None:
        """Tell the server from which level on it shall send log messages."""
        connection = self._reached()
        connection.log_level = level
        if not connection.server.is_modern and "logging" in connection.server.capabilities:
            await connection.request("logging/setLevel", {"level": level})

    def offers(self, capability: str, detail: str = "") -> bool:
        """Whether the server says that it can do something, such as `resources` with `subscribe`."""
        server = self.server
        found = server.capabilities.get(capability) if server is not None else None
        return found is not None and (not detail or (isinstance(found, dict) and found.get(detail) is True))

    async def ping(self) -> float:
        """Return in how many milliseconds the server answers; a modern one is asked what it is, for want of a ping."""
        connection = self._reached()
        began = time.perf_counter()
        await connection.ping()
        return (time.perf_counter() - began) * 1000

    async def complete(self, ref: JsonObject, name: str, value: str, others: JsonObject) -> list[str]:
        """Return what the server proposes for an argument of a prompt or a template, given the other arguments."""
        context = {"context": {"arguments": others}} if others else {}
        params = {"ref": ref, "argument": {"name": name, "value": value}, **context}
        result = await self._reached().request("completion/complete", params)
        found = result.get("completion")
        values = found.get("values") if isinstance(found, dict) else None
        return [text for text in values if isinstance(text, str)] if isinstance(values, list) else []

    @property
    def watched(self) -> tuple[str, ...]:
        """The resources one has subscribed to."""
        return self._watched

    async def watch(self, uri: str, *, on: bool) -> None:
        """Subscribe to a resource, or no longer; `updated` tells when it is another."""
        connection = self._reached()
        others = tuple(known for known in self._watched if known != uri)
        if not connection.server.is_modern:
            await connection.request(f"resources/{'subscribe' if on else 'unsubscribe'}", {"uri": uri})
            self._watched = (*others, uri) if on else others
            return
        self._watched = (*others, uri) if on else others
        self._honoured = anyio.Event()
        if self._listen_anew is not None:
            self._listen_anew.set()
        # An update between the call and the acknowledgement would go unheard.
        with anyio.move_on_after(ACKNOWLEDGE_S):
            await self._honoured.wait()

    def refresh(self, *kinds: str) -> None:
        """Fetch lists anew, all of them when none is named."""
        for kind in kinds or KINDS:
            if kind in self._stale:
                self._stale[kind].set()

    async def ask(self, method: str, params: JsonObject) -> JsonObject:
        """Pass a question of the server on to the user; what is a setting is answered at once."""
        if method == "roots/list":
            return {"roots": list(self._roots)}
        question = Question(method, params)
        self.asked.emit(question)
        try:
            return await question.answered()
        finally:
            self.withdrawn.emit(question)

    def notify(self, method: str, params: JsonObject) -> None:
        """Take in a notification of the server."""
        self.refresh(*_STALE[method]) if method in _STALE else None
        if method == "notifications/message":
            self.logged.emit(params)
        elif method == "notifications/resources/updated":
            self.updated.emit(str(params.get("uri")))
        elif method == "notifications/subscriptions/acknowledged" and set(params.get("notifications") or ()) != _TASK:
            # What changed before the server took note of the stream was told to nobody.
            self.refresh()
            self._honour()
        self.tasks.hear(method, params)

    def saw(self, frame: Frame) -> None:
        """Pass on a message that was sent or received."""
        self.frame.emit(frame)

    def _reached(self) -> "Connection":
        if self._connection is None:
            raise FusionError("There is no running composite to ask; press Run first.")
        return self._connection

    def _open(self, opened: Opened) -> None:
        self.close()
        self._opened = opened
        self._closing = asyncio.Event()
        self._actor = spawn(self._keep(opened, self._actor, self._closing), failed=self._fail)

    async def _keep(
        self,
        opened: Opened,
        before: "asyncio.Task[None] | None",
        closing: asyncio.Event,
    ) -> None:
        """Open the connection, keep it until it is lost or closed, and close it: all in this one task."""
        if before is not None:
            await asyncio.wait({before})
        if closing.is_set():
            return
        self._set(SessionState.CONNECTING)
        reason = ""
        try:
            with anyio.CancelScope() as self._scope:
                async with opened(self._speaks_legacy) as connection, self.tasks.kept(connection):
                    self._connection = connection
                    self._set(SessionState.OPEN)
                    await self._follow(connection)
                reason = "The server closed the connection."
        except (FusionError, OSError, ExceptionGroup) as error:
            reason = _words(error)
        finally:
            self._forget("" if closing.is_set() else reason)

    async def _follow(self, connection: "Connection") -> None:
        """Keep the lists current until the connection is lost."""
        async with anyio.create_task_group() as tasks:
            if connection.server.is_modern:
                self._honoured = anyio.Event()
                tasks.start_soon(self._keep_listening, connection)
                with anyio.move_on_after(_LISTEN_FIRST_S):
                    await self._honoured.wait()
            for kind in KINDS:
                self._stale[kind] = anyio.Event()
                tasks.start_soon(self._keep_listed, connection, kind)
            await connection.lost.wait()
            tasks.cancel_scope.cancel()

    def _honour(self) -> None:
        if self._honoured is not None:
            self._honoured.set()

    async def _keep_listening(self, connection: "Connection") -> None:
        """Have a modern server tell what changes; another subscription is another stream."""
        capabilities = connection.server.capabilities
        lists = {
            f"{kind}ListChanged": True
            for kind in ("tools", "resources", "prompts")
            if (capabilities.get(kind) or {}).get("listChanged")
        }
        while True:
            self._listen_anew = anyio.Event()
            wanted: JsonObject = {**lists, **({"resourceSubscriptions": [*self._watched]} if self._watched else {})}
            async with anyio.create_task_group() as tasks:
                if wanted:
                    tasks.start_soon(self._listen, connection, wanted)
                else:
                    self._honour()
                await self._listen_anew.wait()
                tasks.cancel_scope.cancel()

    async def _listen(self, connection: "Connection", wanted: JsonObject) -> None:
        # A server need not offer it; the lists are then refreshed by hand.
        with contextlib.suppress(ServerError):
            await connection.listen(wanted)
        self._honour()

    async def _keep_listed(self, connection: "Connection", kind: str) -> None:
        while True:
            self._stale[kind] = anyio.Event()
            listing = await fetched(connection, KINDS[kind])
            if kind == "tools":
                connection.learn(listing.items)
            self._listings[kind] = listing
            self.listed.emit(kind)
            await self._stale[kind].wait()

    def _forget(self, reason: str) -> None:
        self._scope = None
        self._connection = None
        self._watched = ()
        self._listings.clear()
        self._stale.clear()
        self._set(SessionState.LOST if reason else SessionState.CLOSED, reason)
        for kind in KINDS:
            self.listed.emit(kind)

    def _fail(self, message: str) -> None:
        self._set(SessionState.LOST, message)

    def _set(self, state: SessionState, reason: str = "") -> None:
        self._state = state
        self._reason = reason
        self.state_changed.emit(state, reason)


async def _answered(exchange: Awaitable[JsonObject]) -> tuple[JsonObject | None, JsonObject | None]:
    """Return the result or the error a server answered with."""
    try:
        return await exchange, None
    except ServerError as refusal:
        return None, refusal.to_json()


def _words(error: BaseException) -> str:
    """Return what went wrong, from inside the groups that concurrent tasks wrap around it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, FusionError):
        return error.message
    return f"The server cannot be reached: {error or type(error).__name__}"
