"""Telling clients what changed: to legacy sessions as notifications, to modern ones on the streams they listen to."""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from composite_runtime.errors import FusionError
from composite_runtime.front.session import Send, Session
from composite_runtime.provider import Kind, Notice, Provider
from composite_runtime.tasks import Tasks
from composite_runtime.watches import covers
from composite_runtime.wire import jsonrpc
from composite_runtime.wire.call import Caller
from composite_runtime.wire.era import SUBSCRIPTION_KEY
from composite_runtime.wire.jsonrpc import INTERNAL_ERROR, INVALID_PARAMS, Json, RequestId, RpcError

COALESCE_S = 0.05
_READERS_LIMIT = 1024
_LISTS = (Kind.TOOLS, Kind.PROMPTS, Kind.RESOURCES)


@dataclass(eq=False)
class _Stream:
    """One `subscriptions/listen` of a modern client."""

    request_id: RequestId
    send: Send
    kinds: frozenset[Kind]
    uris: frozenset[str]
    tasks: frozenset[str]
    caller: Caller
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, method: str, params: Json) -> None:
        meta = {**params.get("_meta", {}), SUBSCRIPTION_KEY: self.request_id}
        self.send(jsonrpc.encode(jsonrpc.notification(method, {**params, "_meta": meta})))


class Changes:
    """Passes a provider's notices on to those who want them; a burst of list changes is told once."""

    def __init__(self, provider: Provider, streams_limit: int = 1024) -> None:
        self._provider = provider
        self.streams_limit = streams_limit
        self._sessions: dict[str, Session] = {}
        self._streams: set[_Stream] = set()
        self._tasks = Tasks()
        self._changed: set[Kind] = set()
        self._read: OrderedDict[tuple[str, ...], dict[Kind, int]] = OrderedDict()
        self.counts: dict[Kind, int] = dict.fromkeys(_LISTS, 0)
        """How often each list has changed."""
        self._timer: asyncio.TimerHandle | None = None
        self._unsubscribe: Callable[[], None] | None = provider.subscribe(self._heard)

    def listed(self, caller: Caller, counts: Mapping[Kind, int]) -> None:
        """Take note that a client was given lists as they were after so many changes of each.

        Clients without a session that say the same of themselves are taken for one, of which the earliest list counts.
        """
        key = _reader(caller)
        before = self._read.get(key) if not caller.session else None
        self._read[key] = {**self._read.get(key, {}), **counts, **(before or {})}
        self._read.move_to_end(key)
        if len(self._read) > _READERS_LIMIT:
            self._read.popitem(last=False)

    def missed(self, caller: Caller, kinds: frozenset[Kind]) -> list[Kind]:
        """Return which of these lists have changed since the client read them, and will not be told of anyway."""
        read = self._read.get(_reader(caller), {})
        return [
            kind
            for kind in sorted(kinds)
            if kind not in self._changed and self.counts[kind] > read.get(kind, self.counts[kind])
        ]

    def join(self, session: Session) -> None:
        """Tell a legacy session from now on."""
        self._sessions[session.id] = session

    def leave(self, session: Session) -> None:
        """Tell a session no more."""
        self._sessions.pop(session.id, None)

    def close(self) -> None:
        """End all streams the graceful way: each with its result."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        if self._timer is not None:
            self._timer.cancel()
        for stream in self._streams:
            stream.over.set()

    async def listen(self, request_id: RequestId, params: Json, caller: Caller, send: Send) -> Json:
        """Serve one `subscriptions/listen` until the client is gone or we stop."""
        wanted = params.get("notifications")
        if not isinstance(wanted, dict):
            raise RpcError(INVALID_PARAMS, "subscriptions/listen needs the object 'notifications'")
        if len(self._streams) >= self.streams_limit:
            raise RpcError(INTERNAL_ERROR, f"there are {self.streams_limit} listen streams already")
        kinds = frozenset(kind for kind in _LISTS if wanted.get(f"{kind}ListChanged") is True)
        uris = frozenset(uri for uri in _strings(wanted.get("resourceSubscriptions")))
        tasks = frozenset(_strings(wanted.get("taskIds")))
        stream = _Stream(request_id, send, kinds, uris, tasks, caller)
        honoured: Json = {f"{kind}ListChanged": True for kind in _LISTS if kind in kinds}
        if uris:
            honoured["resourceSubscriptions"] = list(dict.fromkeys(_strings(wanted["resourceSubscriptions"])))
        if tasks:
            honoured["taskIds"] = list(dict.fromkeys(_strings(wanted["taskIds"])))
        self._streams.add(stream)
        stream.tell("notifications/subscriptions/acknowledged", {"notifications": honoured})
        for kind in self.missed(caller, kinds):
            stream.tell(f"notifications/{kind}/list_changed", {})
        watched: list[tuple[str, Kind]] = []
        try:
            for name, kind in (*((uri, Kind.RESOURCE) for uri in uris), *((task, Kind.TASK) for task in tasks)):
                if await self._watch(name, caller, on=True, kind=kind):
                    watched.append((name, kind))
            await stream.over.wait()
        finally:
            self._streams.discard(stream)
            for name, kind in watched:
                self.unwatch(name, caller, kind)
        return {"_meta": {SUBSCRIPTION_KEY: request_id}}

    def unwatch(self, name: str, caller: Caller, kind: Kind = Kind.RESOURCE) -> None:
        """Have the provider tell about something no more, for the sake of a client that is gone."""
        self._tasks.start(self._watch(name, caller, on=False, kind=kind))

    async def _watch(self, name: str, caller: Caller, *, on: bool, kind: Kind) -> bool:
        # A subscription to something nobody has is honoured and never fires.
        try:
            await self._provider.watch(name, caller, on=on, kind=kind)
        except (RpcError, FusionError):
            return False
        return True

    def _heard(self, notice: Notice) -> None:
        if notice.kind in _LISTS:
            self._changed.add(notice.kind)
            self.counts[notice.kind] += 1
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(COALESCE_S, self._tell_lists)
        elif notice.kind is Kind.RESOURCE:
            self._tell_resource(notice)
        elif notice.kind in {Kind.TASK, Kind.TASK_STATUS}:
            self._tell_task(notice)
        elif notice.kind is Kind.PROGRESS:
            self._tell_progress(notice)
        elif notice.kind is Kind.LOG:
            self._tell_log(notice)
        else:
            self._tell_other(notice)

    def _tell_lists(self) -> None:
        self._timer = None
        changed, self._changed = self._changed, set()
        for kind in sorted(changed):
            method = f"notifications/{kind}/list_changed"
            for session in self._ready():
                session.push(jsonrpc.encode(jsonrpc.notification(method)))
            for stream in self._streams:
                if kind in stream.kinds:
                    stream.tell(method, {})

    def _tell_resource(self, notice: Notice) -> None:
        uri = str(notice.params.get("uri"))
        message = jsonrpc.encode(jsonrpc.notification("notifications/resources/updated", notice.params))
        for session in self._ready():
            if notice.concerns(session.caller) and any(covers(watched, uri) for watched in session.watched):
                session.push(message)
        for stream in self._streams:
            if notice.concerns(stream.caller) and any(covers(watched, uri) for watched in stream.uris):
                stream.tell("notifications/resources/updated", notice.params)

    def _tell_task(self, notice: Notice) -> None:
        if notice.kind is Kind.TASK:
            for stream in self._streams:
                if notice.params.get("taskId") in stream.tasks:
                    stream.tell("notifications/tasks", notice.params)
            return
        message = jsonrpc.encode(jsonrpc.notification("notifications/tasks/status", notice.params))
        for session in self._ready():
            if notice.session == session.id:
                session.push(message)

    def _tell_progress(self, notice: Notice) -> None:
        # Of a call that is answered already, so it goes where nothing belongs to a request.
        session = self._sessions.get(notice.session)
        if session is not None:
            session.push(jsonrpc.encode(jsonrpc.notification("notifications/progress", notice.params)))

    def _tell_log(self, notice: Notice) -> None:
        message = jsonrpc.encode(jsonrpc.notification("notifications/message", notice.params))
        for session in self._ready():
            if notice.concerns(session.caller) and session.wants_log(notice.params.get("level")):
                session.push(message)

    def _tell_other(self, notice: Notice) -> None:
        message = jsonrpc.encode(jsonrpc.notification(notice.method, notice.params or None))
        for session in self._ready():
            if notice.concerns(session.caller):
                session.push(message)

    def _ready(self) -> list[Session]:
        return [session for session in self._sessions.values() if session.is_initialized]


def _reader(caller: Caller) -> tuple[str, ...]:
    """Return what tells those who read lists apart."""
    if caller.session:
        return (caller.session,)
    return ("", caller.principal, json.dumps([caller.capabilities, caller.info], sort_keys=True))


def _strings(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
