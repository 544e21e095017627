"""Tasks: calls a server answers later, each followed at the server's own pace until it ends, or the connection does.

There are two kinds. Those of the core protocol (2025-11-25, basic/utilities/tasks) are wanted by the client, and their
result is asked for. Those of the extension `io.modelcontextprotocol/tasks` (2026-07-28) are made when the server likes,
and tell their result and what they ask in their state.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import anyio
from anyio.abc import TaskGroup
from PySide6.QtCore import QObject, Signal

from composite_runtime.errors import FusionError
from fusion_desktop.run.frames import Json, JsonObject, Outcome, Patience, Progress, Refused, ServerError
from fusion_desktop.tasks import spawn

if TYPE_CHECKING:
    from fusion_desktop.run.connection import Connection

EXTENSION: Final = "io.modelcontextprotocol/tasks"
_USUAL_MS = 1000.0
"""How often a task is asked for when the server does not say."""
_LEAST_S = 0.05
"""However much a server tells, it is not asked more often than this."""
_MOST_S = 3600.0
_POLL = Patience(30.0, 30.0)
_FETCH = Patience(60.0, 600.0)
_FOR_EVER = Patience(None, None)
_FAILURES = 3
"""So often in a row a server may fail to say how a task stands."""
_GONE = frozenset({-32602, -32601, -32002})
"""What servers answer about a task they do not know, or any more."""
_PAGES = 100
_KEPT = 200
"""So many tasks that have ended are listed, with what they gave."""


class TaskState(StrEnum):
    """How a task stands; the last two are said by nobody, but found out."""

    WORKING = "working"
    INPUT_REQUIRED = "input_required"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    LOST = "lost"

    @property
    def is_over(self) -> bool:
        """Whether it stays like that."""
        return self not in {TaskState.WORKING, TaskState.INPUT_REQUIRED}


_OPEN = frozenset({TaskState.WORKING, TaskState.INPUT_REQUIRED})
_ENDS = frozenset({TaskState.COMPLETED, TaskState.FAILED, TaskState.CANCELLED})


@dataclass(eq=False)
class ServerTask:
    """One task as it is known now; `ServerTasks` changes it. Times are in seconds since the epoch."""

    id: str
    number: int = 0
    """Of the request that made it; 0 when the server only listed it."""
    request_id: str = ""
    method: str = "tools/call"
    params: JsonObject = field(default_factory=dict)
    began: float = field(default_factory=time.time)
    ended: float | None = None
    state: TaskState = TaskState.WORKING
    message: str = ""
    """What the server says about its state."""
    note: str = ""
    """What we found out about it."""
    ttl_ms: float | None = None
    """How long the server keeps it; None when it does not say, or for ever."""
    poll_ms: float | None = None
    progress: Progress | None = None
    is_cancelling: bool = False
    outcome: Outcome | None = None
    _woken: anyio.Event = field(default_factory=anyio.Event, repr=False)
    _over: anyio.Event = field(default_factory=anyio.Event, repr=False)
    _answer: tuple[JsonObject | None, JsonObject | None] | None = field(default=None, repr=False)
    _fetched: anyio.Event = field(default_factory=anyio.Event, repr=False)

    @property
    def tool(self) -> str:
        """What was called, as far as it is known."""
        return str(self.params.get("name") or "")

    @property
    def milliseconds(self) -> float:
        """How long it took, or takes until now."""
        return ((self.ended or time.time()) - self.began) * 1000

    @property
    def is_expired(self) -> bool:
        """Whether the server need not know it any more."""
        return self.ttl_ms is not None and (time.time() - self.began) * 1000 >= self.ttl_ms


def handle_in(result: JsonObject | None) -> JsonObject | None:
    """Return what describes a task in the answer to a call, or None when the call was answered itself."""
    found = result if result is not None and result.get("resultType") == "task" else (result or {}).get("task")
    return found if isinstance(found, dict) and isinstance(found.get("taskId"), str) else None


class ServerTasks(QObject):
    """The tasks of one session, oldest first; they are followed while `kept` is entered, and no longer."""

    added = Signal(object)
    """A `ServerTask` was made."""
    changed = Signal(object)
    """More is known about it."""
    removed = Signal(object)
    """It is not listed any more."""
    over = Signal(object)
    """It has ended, or nothing more will be known about it."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks: list[ServerTask] = []
        self._connection: Connection | None = None
        self._group: TaskGroup | None = None

    @property
    def all(self) -> tuple[ServerTask, ...]:
        """Every task that is listed."""
        return tuple(self._tasks)

    @property
    def open(self) -> tuple[ServerTask, ...]:
        """Those that have not ended."""
        return tuple(task for task in self._tasks if not task.state.is_over)

    @property
    def is_offered(self) -> bool:
        """Whether the server says that it makes tasks."""
        connection = self._connection
        if connection is None or not connection.server.is_modern:
            return bool(self._capability)
        extensions = connection.server.capabilities.get("extensions")
        return isinstance(extensions, dict) and EXTENSION in extensions

    def support(self, tool: JsonObject) -> str:
        """Return whether a client may want a task of a tool: `required`, `optional` or `forbidden`."""
        wanted = self._capability.get("requests")
        tools = wanted.get("tools") if isinstance(wanted, dict) else None
        execution = tool.get("execution")
        if not isinstance(tools, dict) or "call" not in tools or not isinstance(execution, dict):
            return "forbidden"
        found = execution.get("taskSupport")
        return found if found in {"required", "optional"} else "forbidden"

    @property
    def can_list(self) -> bool:
        """Whether the server can be asked which tasks it has."""
        return "list" in self._capability

    @property
    def can_cancel(self) -> bool:
        """Whether the server can be asked to cancel a task."""
        connection = self._connection
        return connection is not None and (connection.server.is_modern or "cancel" in self._capability)

    def made_by(self, outcome: Outcome) -> ServerTask | None:
        """Return the task a call was answered with."""
        found = (task for task in self._tasks if task.request_id and task.request_id == outcome.request_id)
        return next(found, None)

    def begin(self, number: int, answer: Outcome) -> ServerTask | None:
        """Follow the task an answer names, if it names one."""
        found = handle_in(answer.result)
        if found is None:
            return None
        began = time.time() - answer.milliseconds / 1000
        task = ServerTask(found["taskId"], number, answer.request_id, answer.method, dict(answer.params), began)
        self._add(task, found)
        return task

    async def settled(self, answer: Outcome) -> Outcome:
        """Return the answer to a call, once its task has ended if it is one; whoever gives up waiting cancels it.

        Raises:
            FusionError: it ended without an answer.
        """
        task = self.made_by(answer)
        if task is None:
            return answer
        try:
            await task._over.wait()
        except BaseException:
            self.cancel(task)
            raise
        if task.outcome is None:
            raise FusionError(task.note or f"The task was {task.state}.")
        return task.outcome

    def cancel(self, task: ServerTask) -> None:
        """Ask the server to cancel a task. It may end otherwise all the same."""
        if self._connection is not None and not task.state.is_over and not task.is_cancelling:
            task.is_cancelling, task.note = True, ""
            self.changed.emit(task)
            spawn(self._cancel(self._connection, task))

    def remove(self, task: ServerTask) -> None:
        """List a task no longer that has ended."""
        if task.state.is_over and task in self._tasks:
            self._tasks.remove(task)
            self.removed.emit(task)

    async def look(self) -> None:
        """Ask the server which tasks it has for this session, and follow those that are new here."""
        connection = self._connection
        if connection is None or not self.can_list:
            return
        cursor: Json = None
        for _ in range(_PAGES):
            page = await connection.request("tasks/list", {"cursor": cursor} if cursor is not None else {})
            for found in page.get("tasks") or ():
                if isinstance(found, dict) and isinstance(found.get("taskId"), str):
                    known = self._newest(found["taskId"])
                    self._take(known, found) if known is not None else self._add(ServerTask(found["taskId"]), found)
            cursor = page.get("nextCursor")
            if not isinstance(cursor, str):
                return

    def hear(self, method: str, params: JsonObject) -> None:
        """Take in what the server tells of a task by itself."""
        if method == "notifications/progress":
            self._progress(params)
        elif method in {"notifications/tasks", "notifications/tasks/status"}:
            task = self._newest(str(params.get("taskId")))
            if task is not None and not task.state.is_over:
                self._take(task, params)
                task._woken.set()

    @asynccontextmanager
    async def kept(self, connection: "Connection") -> AsyncIterator[None]:
        """Follow what is begun on a connection; leaving ends that, and tells which tasks are lost by it."""
        try:
            async with anyio.create_task_group() as group:
                self._connection, self._group = connection, group
                try:
                    yield
                finally:
                    group.cancel_scope.cancel()
        finally:
            self._connection = self._group = None
            for task in self.open:
                self._leave(task, TaskState.LOST, "The connection ended before the task did.")

    @property
    def _capability(self) -> JsonObject:
        connection = self._connection
        found = connection.server.capabilities.get("tasks") if connection is not None else None
        return found if isinstance(found, dict) and connection is not None and not connection.server.is_modern else {}

    def _newest(self, task_id: str) -> ServerTask | None:
        """Return the task of this id; a server that was started again may give an id twice."""
        return next((task for task in reversed(self._tasks) if task.id == task_id), None)

    def _add(self, task: ServerTask, found: JsonObject) -> None:
        for old in [one for one in self._tasks if one.state.is_over][:-_KEPT]:
            self.remove(old)
        self._tasks.append(task)
        self._describe(task, found)
        self.added.emit(task)
        if self._group is None or self._connection is None:
            self._leave(task, TaskState.LOST, "The connection ended before the task did.")
        else:
            self._group.start_soon(self._follow, self._connection, task)

    # How a task is followed

    async def _follow(self, connection: "Connection", task: ServerTask) -> None:
        async with anyio.create_task_group() as group:
            if connection.server.is_modern:
                group.start_soon(self._listen, connection, task)
            asked: set[str] = set()
            while (found := await self._get(connection, task)) is not None:
                if (told := found.get("status")) in _ENDS:
                    await self._finish(connection, task, TaskState(told), found)
                    break
                if task.state is TaskState.INPUT_REQUIRED and not connection.server.is_modern:
                    # What it asks comes along with the result, so that is asked for before there is one.
                    if not asked:
                        asked.add("result")
                        group.start_soon(self._fetch, connection, task, _FOR_EVER)
                elif task.state is TaskState.INPUT_REQUIRED:
                    questions = found.get("inputRequests")
                    new = {key: q for key, q in questions.items() if key not in asked} if questions else {}
                    asked |= new.keys()
                    if new:
                        group.start_soon(self._answer, connection, task, new)
                await self._pause(task)
            group.cancel_scope.cancel()

    async def _get(self, connection: "Connection", task: ServerTask) -> JsonObject | None:
        """Return how a task stands; None when that cannot be known any more, which is said on the task."""
        for attempt in range(1, _FAILURES + 1):
            try:
                found = await connection.request("tasks/get", {"taskId": task.id}, patience=_POLL)
            except FusionError as error:
                if isinstance(error, ServerError) and error.code in _GONE:
                    self._forget(task, error.message)
                    return None
                if attempt == _FAILURES:
                    self._leave(task, TaskState.LOST, f"The server does not say how it stands: {error.message}")
                    return None
                await self._pause(task)
            else:
                self._take(task, found)
                return found
        return None

    async def _finish(self, connection: "Connection", task: ServerTask, end: TaskState, found: JsonObject) -> None:
        """Get what a task that has ended gave, and let it be over."""
        if end is TaskState.CANCELLED:
            self._leave(task, end, "")
            return
        if connection.server.is_modern:
            result, error = found.get("result"), found.get("error")
        else:
            if not task._fetched.is_set():
                with anyio.move_on_after(_FETCH.idle_s):
                    await self._fetch(connection, task, _FETCH)
            result, error = task._answer or (None, {"code": 0, "message": "the result did not come"})
        if isinstance(error, dict) and end is TaskState.COMPLETED and error.get("code") in _GONE:
            self._forget(task, str(error.get("message")))
            return
        if not isinstance(result, dict) and not isinstance(error, dict):
            reason = {"code": 0, "message": task.message or "no reason was given"}
            result, error = (None, reason) if end is TaskState.FAILED else ({}, None)
        task.outcome = Outcome(
            task.method,
            task.params,
            task.milliseconds,
            result if not isinstance(error, dict) else None,
            error if isinstance(error, dict) else None,
            request_id=task.request_id,
        )
        self._leave(task, end, "")

    async def _fetch(self, connection: "Connection", task: ServerTask, patience: Patience) -> None:
        """Ask for the result of a task of the core protocol, which comes when there is one."""
        try:
            task._answer = await connection.request("tasks/result", {"taskId": task.id}, patience=patience), None
        except ServerError as refusal:
            task._answer = None, refusal.to_json()
        except FusionError as failure:
            task._answer = None, {"code": 0, "message": failure.message}
        task._fetched.set()
        task._woken.set()

    async def _answer(self, connection: "Connection", task: ServerTask, questions: JsonObject) -> None:
        """Have the user answer what a task of the extension asks."""
        try:
            answers = await connection.answers(questions)
            await connection.request("tasks/update", {"taskId": task.id, "inputResponses": answers}, patience=_POLL)
        except Refused as refused:
            task.note = f"{refused.message} The server was told to cancel the task."
            self.changed.emit(task)
            await self._cancel(connection, task)
        except FusionError as error:
            task.note = f"The answer did not reach the task: {error.message}"
            self.changed.emit(task)
        task._woken.set()

    async def _listen(self, connection: "Connection", task: ServerTask) -> None:
        # A server need not tell anything by itself; it is asked all the same.
        with suppress(FusionError):
            await connection.listen({"taskIds": [task.id]})

    async def _cancel(self, connection: "Connection", task: ServerTask) -> None:
        try:
            found = await connection.request("tasks/cancel", {"taskId": task.id}, patience=_POLL)
        except FusionError as error:
            task.is_cancelling = False
            if not task.state.is_over:
                task.note = f"It could not be cancelled: {error.message}"
                self.changed.emit(task)
        else:
            if "message" in found or "statusMessage" in found:
                task.message = str(found.get("statusMessage") or task.message)
        task._woken.set()

    async def _pause(self, task: ServerTask) -> None:
        """Wait as long as the server wants, or until it tells something."""
        await anyio.sleep(_LEAST_S)
        with anyio.move_on_after(min(max((task.poll_ms or _USUAL_MS) / 1000 - _LEAST_S, 0.0), _MOST_S)):
            await task._woken.wait()
        task._woken = anyio.Event()

    # What is known of a task

    def _take(self, task: ServerTask, found: JsonObject) -> None:
        if not task.state.is_over and self._describe(task, found):
            self.changed.emit(task)

    def _describe(self, task: ServerTask, found: JsonObject) -> bool:
        """Note what the server says of a task; tell whether that is news. It has ended once its result is here."""
        before = (task.state, task.message, task.ttl_ms, task.poll_ms)
        if (state := found.get("status")) in _OPEN:
            task.state = TaskState(state)
        message = found.get("statusMessage")
        task.message = message if isinstance(message, str) else ""
        task.ttl_ms = _number(found, "ttlMs", "ttl")
        task.poll_ms = _number(found, "pollIntervalMs", "pollInterval")
        return before != (task.state, task.message, task.ttl_ms, task.poll_ms)

    def _progress(self, params: JsonObject) -> None:
        token, progress = params.get("progressToken"), params.get("progress")
        task = next((task for task in self.open if task.request_id and task.request_id == token), None)
        if task is not None and isinstance(progress, int | float):
            total, message = params.get("total"), params.get("message")
            task.progress = Progress(
                progress,
                total if isinstance(total, int | float) else None,
                message if isinstance(message, str) else None,
            )
            self.changed.emit(task)

    def _forget(self, task: ServerTask, message: str) -> None:
        """Say that the server does not know a task any more, and why that may be."""
        if task.is_expired:
            kept = (task.ttl_ms or 0) / 1000
            self._leave(task, TaskState.EXPIRED, f"The server keeps a task for {kept:g} s, and that time is over.")
        else:
            self._leave(task, TaskState.LOST, f"The server does not know the task any more: {message}")

    def _leave(self, task: ServerTask, state: TaskState, note: str) -> None:
        if task._over.is_set():
            return
        task.state, task.ended, task.is_cancelling = state, time.time(), False
        task.note = note or task.note
        task._over.set()
        self.changed.emit(task)
        self.over.emit(task)


def _number(found: JsonObject, *keys: str) -> float | None:
    """Return the first of these members that is a number."""
    values = (found.get(key) for key in keys)
    return next((float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool) and v >= 0), None)
