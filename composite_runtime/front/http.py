"""Serving over streamable HTTP, in both eras (specification, basic/transports).

A legacy client has a session, posts its messages, and may keep a GET stream open for what nobody asked; by another GET
it comes back to a stream it has lost, and is given what it missed. A modern client
posts single requests, each complete in itself. In both eras the answer to a post is JSON when nothing came before it,
and a stream of events as soon as something does.
"""

import asyncio
import functools
import hmac
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Final

from composite_runtime.front.backlog import Backlog
from composite_runtime.front.listener import Exchange
from composite_runtime.front.server import Server, parts_of
from composite_runtime.front.session import Session
from composite_runtime.front.stream import EventStream
from composite_runtime.tasks import Tasks
from composite_runtime.wire import headers as names
from composite_runtime.wire import jsonrpc
from composite_runtime.wire.era import LEGACY_VERSIONS, MODERN_VERSIONS, VERSION_KEY, meta_of
from composite_runtime.wire.jsonrpc import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    MISSING_CLIENT_CAPABILITY,
    PARSE_ERROR,
    UNSUPPORTED_VERSION,
    Json,
    RpcError,
)
from composite_runtime.wire.tap import LINK, HttpSeen, untapped

_DRAIN_S: Final = 1.0
_PRIMED_SINCE: Final = "2025-11-25"
_exchanges = count(1)

_STATUS: Final = {
    PARSE_ERROR: 400,
    INVALID_REQUEST: 400,
    INVALID_PARAMS: 400,
    HEADER_MISMATCH: 400,
    MISSING_CLIENT_CAPABILITY: 400,
    UNSUPPORTED_VERSION: 400,
    METHOD_NOT_FOUND: 404,
}


class Refusal(Exception):
    """A request that is answered by a status of HTTP, before it means anything to MCP."""

    def __init__(self, status: int, text: str, *, code: int = INVALID_REQUEST, allow: str | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.error = RpcError(code, text)
        self.allow = allow


class HttpFront:
    """The application. `hosts` are the names it may be called by; `token` is what every client must bring."""

    def __init__(self, server: Server, *, path: str, hosts: frozenset[str] | None, token: str | None) -> None:
        self._server = server
        self._path = path.rstrip("/")
        self._hosts = hosts
        self._token = token
        self._sessions: dict[str, _HttpSession] = {}
        self._tasks = Tasks()

    def admit(self, exchange: Exchange) -> None:
        """Refuse what a web page of somebody else could have sent, and whoever does not know the token."""
        if self._server.tap is not untapped:
            self._tap(exchange)
        try:
            self._admit(exchange)
        except Refusal as refusal:
            _refuse(exchange, refusal)

    def serve(self, exchange: Exchange) -> None:
        """Answer one HTTP request."""
        try:
            self._route(exchange)
        except Refusal as refusal:
            _refuse(exchange, refusal)

    def _tap(self, exchange: Exchange) -> None:
        exchange.number = str(next(_exchanges))

        def answered(status: int, received: Mapping[str, str]) -> None:
            session = received.get(names.SESSION) or exchange.headers.get(names.SESSION)
            link = session[:8] if session else f"h{exchange.number}"
            sent = exchange.headers
            self._server.tap.http(
                lambda: HttpSeen(link, exchange.request_id, exchange.method, exchange.path, status, sent, received)
            )

        exchange.answered = answered

    async def close(self) -> None:
        """End every session, and what runs in it once it has had a moment to finish."""
        await self._tasks.wait(_DRAIN_S)
        for session in tuple(self._sessions.values()):
            self._end(session)
        await self._tasks.close()

    def _admit(self, exchange: Exchange) -> None:
        sent = exchange.headers
        if exchange.path.rstrip("/") != self._path:
            raise Refusal(404, f"there is nothing here; the server is at {self._path}")
        if self._hosts is not None:
            if _hostname(sent.get("host", "")) not in self._hosts:
                raise Refusal(421, "the Host header names another host")
            origin = sent.get("origin")
            if origin is not None and _hostname(origin.partition("://")[2]) not in self._hosts:
                raise Refusal(403, "the Origin header names another site")
        if self._token is not None:
            scheme, _, token = sent.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), self._token.encode()):
                raise Refusal(401, "a bearer token is needed")

    def _route(self, exchange: Exchange) -> None:
        method = exchange.method
        modern = exchange.headers.get(names.VERSION, LEGACY_VERSIONS[0]) not in LEGACY_VERSIONS
        if method == "POST":
            self._post(exchange, modern=modern)
        elif modern or method not in {"GET", "DELETE"}:
            raise Refusal(405, f"{method} is not allowed", allow="POST" if modern else "GET, POST, DELETE")
        elif method == "DELETE":
            self._end(self._session(exchange.headers))
            exchange.answer(200)
        else:
            self._listen(exchange)

    def _post(self, exchange: Exchange, *, modern: bool) -> None:
        sent = exchange.headers
        if not sent.get("content-type", "").lower().startswith("application/json"):
            raise Refusal(415 if not modern else 400, "the Content-Type must be application/json")
        if not _accepts_both(sent.get("accept", "")):
            raise Refusal(406, "the client must accept both application/json and text/event-stream")
        body, exchange.body = exchange.body, b""
        try:
            message = jsonrpc.decode(body)
        except ValueError:
            raise Refusal(400, "Parse error", code=PARSE_ERROR) from None
        if not isinstance(message, dict):
            raise Refusal(400, "the body must be a single JSON-RPC message")
        if "id" in message and "method" in message:
            if not _is_id(message["id"]):
                raise Refusal(400, "the id of a request is a string or an integer")
            exchange.request_id = message["id"]
        if modern:
            self._modern(exchange, message)
        else:
            self._legacy(exchange, message)

    def _modern(self, exchange: Exchange, message: Json) -> None:
        method = message.get("method")
        if not isinstance(method, str):
            raise Refusal(400, "the body must be a single JSON-RPC request or notification")
        version = exchange.headers[names.VERSION]
        if "id" not in message:
            if version not in MODERN_VERSIONS:
                raise Refusal(400, "Unsupported protocol version", code=UNSUPPORTED_VERSION)
            exchange.answer(202)
            return
        params = message.get("params")
        params = params if isinstance(params, dict) else {}
        error = _envelope_error(exchange, version, method, params)
        if error is not None:
            _fail(exchange, message["id"], error)
        else:
            # Closing the stream is how a modern client cancels.
            exchange.gone = self._tasks.start(self._answer_modern(exchange, message, params)).cancel

    async def _answer_modern(self, exchange: Exchange, message: Json, params: Json) -> None:
        if message["method"] == "tools/call":
            error = await self._param_error(params, exchange.headers)
            if error is not None:
                _fail(exchange, message["id"], error)
                return
        if exchange.number:
            LINK.set(f"h{exchange.number}")
        stream = EventStream(exchange)
        try:
            response = await self._server.respond(message, None, stream.push)
        except asyncio.CancelledError:
            stream.close()
            raise
        status, parts = _status(response), parts_of(response)
        del response
        await _released(parts)
        stream.finish(jsonrpc.expanded(parts), status)

    async def _param_error(self, params: Json, sent: Mapping[str, str]) -> RpcError | None:
        if not params.get("arguments") and not any(name.startswith(names.PARAM_PREFIX) for name in sent):
            return None
        schema = await self._server.input_schema(params)
        wrong = names.param_mismatch(schema, params, sent) if schema is not None else None
        return RpcError(HEADER_MISMATCH, f"Header mismatch: {wrong}") if wrong else None

    def _legacy(self, exchange: Exchange, message: Json) -> None:
        if message.get("method") == "initialize" and "id" in message:
            self._make_room()
            session = _HttpSession(self._end, self._server.limits.session_idle_s)
            self._sessions[session.id] = session
        else:
            session = self._session(exchange.headers)
        session.touch()
        extra = {names.SESSION: session.id}
        if "method" not in message or "id" not in message:
            self._server.hear(message, session)
            exchange.answer(202, headers=extra)
            return
        request_id = message["id"]
        stream = EventStream(exchange, extra, session.backlog)
        task = self._tasks.start(self._answer_legacy(message, session, stream))
        session.running[request_id] = task
        exchange.gone = stream.cut_off  # a legacy client that hangs up has not cancelled

    async def _answer_legacy(self, message: Json, session: "_HttpSession", stream: EventStream) -> None:
        try:
            response = await self._server.respond(message, session, stream.push)
        except asyncio.CancelledError:
            stream.close()
            raise
        finally:
            if session.running.get(message["id"]) is asyncio.current_task():
                del session.running[message["id"]]
        parts = parts_of(response)
        del response
        await _released(parts)
        stream.finish(jsonrpc.expanded(parts))
        if message["method"] == "initialize" and not session.is_initialized:
            self._end(session)

    def _listen(self, exchange: Exchange) -> None:
        """Keep the stream for what nobody asked open."""
        session = self._session(exchange.headers)
        accept = exchange.headers.get("accept", "")
        if "text/event-stream" not in accept and "*/*" not in accept:
            raise Refusal(406, "the client must accept text/event-stream")
        session.touch()
        last = exchange.headers.get(names.LAST_EVENT)
        if last is None and session.stream is not None:
            raise Refusal(409, "this session has its stream already")
        place = session.backlog.place(last) if last is not None else None
        if last is not None and place is None:
            raise Refusal(400, "the Last-Event-ID header names no event of this session")
        number, seen = place or (0, 0)
        if number:
            _resume(exchange, session, number, seen)
            return
        if session.stream is not None:  # who comes back knows better than we that the connection was lost
            session.stream.supersede()
        stream = EventStream(exchange, {names.SESSION: session.id}, session.backlog, number)

        def gone() -> None:
            stream.abandon()
            session.attach(None)
            session.touch()

        exchange.gone = gone
        stream.begin(primed=last is None)
        if last is not None:
            stream.catch_up(seen)
        session.attach(stream)

    def _session(self, sent: Mapping[str, str]) -> "_HttpSession":
        session_id = sent.get(names.SESSION)
        if session_id is None:
            raise Refusal(400, "the Mcp-Session-Id header is missing; start with initialize")
        session = self._sessions.get(session_id)
        if session is None:
            raise Refusal(404, "Session not found")
        return session

    def _make_room(self) -> None:
        """End the session that was idle for longest when there are as many as there may be."""
        if len(self._sessions) < self._server.limits.sessions:
            return
        idle = [session for session in self._sessions.values() if not session.running]
        if not idle:
            raise Refusal(503, f"there are {len(self._sessions)} sessions already, and none is idle")
        # A client that has gone keeps no stream open, so those without one go first.
        self._end(min(idle, key=lambda session: (session.stream is not None, session.seen_at)))

    def _end(self, session: "_HttpSession") -> None:
        if self._sessions.pop(session.id, None) is not None:
            for task in session.running.values():
                task.cancel()
            session.finish()
            self._server.leave(session)


def _resume(exchange: Exchange, session: "_HttpSession", number: int, seen: int) -> None:
    """Go on with the answer to a post for a client that was cut off."""
    stream = session.backlog.open.get(number)
    if stream is not None:
        stream.resume(exchange, seen)
    else:  # it was given meanwhile
        rest = EventStream(exchange, {names.SESSION: session.id}, session.backlog, number)
        rest.begin()
        rest.catch_up(seen)
        rest.close()


class _HttpSession(Session):
    """A legacy client's session. What nobody asked waits, within a bound, until the client opens its stream."""

    def __init__(self, expired: "Callable[[_HttpSession], None]", idle_s: float) -> None:
        super().__init__(self._push)
        self._idle_s = idle_s
        self.stream: EventStream | None = None
        self.backlog = Backlog()
        self._waiting: list[bytes] = []
        self._expired = expired
        self._loop = asyncio.get_running_loop()
        self.seen_at = self._loop.time()
        self._timer = self._loop.call_later(idle_s, self._look)

    def introduce(self, version: str, capabilities: Json, info: Json) -> None:
        """Take what the client says in `initialize`."""
        super().introduce(version, capabilities, info)
        self.backlog.primes = version >= _PRIMED_SINCE

    def attach(self, stream: EventStream | None) -> None:
        """Have a stream for what nobody asked, or have none any more."""
        self.stream = stream
        if stream is not None:
            for message in self._waiting:
                stream.push(message)
            self._waiting.clear()

    def touch(self) -> None:
        """Let the session live on from now."""
        self.seen_at = self._loop.time()

    def finish(self) -> None:
        """End the stream."""
        self._timer.cancel()
        if self.stream is not None:
            self.stream.close()

    def _look(self) -> None:
        # One timer that looks now and then, since one per request would have to be made and cancelled each time.
        if self.stream is not None or self.running:
            self.touch()
        left_s = self.seen_at + self._idle_s - self._loop.time()
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._look)
        else:
            self._expired(self)

    def _push(self, message: bytes) -> None:
        if self.stream is not None:
            self.stream.push(message)
        elif len(self._waiting) < 100:
            self._waiting.append(message)


def _envelope_error(exchange: Exchange, version: str, method: str, params: Json) -> RpcError | None:
    """Return what is wrong with how a modern request is wrapped: headers and body must tell the same."""
    if exchange.repeated & {names.METHOD, names.NAME, names.VERSION}:
        return RpcError(HEADER_MISMATCH, "Header mismatch: a routing header is there twice")
    stated = meta_of(params).get(VERSION_KEY)
    if not isinstance(stated, str):
        return RpcError(INVALID_PARAMS, f"_meta needs the string {VERSION_KEY}")
    if stated != version:
        return RpcError(HEADER_MISMATCH, "Header mismatch: the MCP-Protocol-Version header is not that of the body")
    if version not in MODERN_VERSIONS:
        data = {"supported": list(MODERN_VERSIONS), "requested": version}
        return RpcError(UNSUPPORTED_VERSION, "Unsupported protocol version", data)
    wrong = names.mismatch(method, params, exchange.headers)
    return RpcError(HEADER_MISMATCH, f"Header mismatch: {wrong}") if wrong else None


def _status(response: Json | bytes) -> int:
    error = response.get("error") if isinstance(response, dict) else None
    return _STATUS.get(error["code"], 200) if error else 200


async def _released(parts: list[Any]) -> None:
    """Return once nothing holds a long result any more but its text: until then it would be there a second time."""
    if len(parts) > 1:
        await asyncio.sleep(0)  # what woke the task holds the result until this turn of the loop is over


def _is_id(value: Any) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool)


@functools.lru_cache(maxsize=32)
def _accepts_both(accept: str) -> bool:
    """Say whether a client takes both forms an answer may have."""
    kinds = {part.split(";")[0].strip().lower() for part in accept.split(",")}
    if "*/*" in kinds or {"application/json", "text/event-stream"} <= kinds:
        return True
    return bool({"application/*", "text/*"} & kinds) and bool({"application/json", "application/*"} & kinds)


@functools.lru_cache(maxsize=32)
def _hostname(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0].lstrip("[").lower()
    return host.partition(":")[0].partition("/")[0].lower()


def _refuse(exchange: Exchange, refusal: Refusal) -> None:
    extra = {"content-type": "application/json"}
    if refusal.allow:
        extra["allow"] = refusal.allow
    if refusal.status == 401:
        extra["www-authenticate"] = "Bearer"
    exchange.answer(refusal.status, jsonrpc.encode(jsonrpc.failure(None, refusal.error)), extra)


def _fail(exchange: Exchange, request_id: Any, error: RpcError) -> None:
    body = jsonrpc.encode(jsonrpc.failure(request_id, error))
    exchange.answer(_STATUS.get(error.code, 200), body, {"content-type": "application/json"})
