"""One open connection to a child: who is asked, who answers, and what comes beside the answers."""

import asyncio
import logging
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from composite_runtime.errors import ChildError
from composite_runtime.tasks import Tasks
from composite_runtime.wire import headers, jsonrpc
from composite_runtime.wire.alarm import Alarm
from composite_runtime.wire.call import Relay
from composite_runtime.wire.era import (
    LEGACY_VERSIONS,
    LOG_LEVEL_KEY,
    MODERN_VERSIONS,
    SERVER_INFO_KEY,
    Era,
    envelope,
    era_of,
    is_wanted,
    meta_of,
)
from composite_runtime.wire.jsonrpc import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    UNSUPPORTED_VERSION,
    Json,
    RequestId,
    RpcError,
)
from composite_runtime.wire.transport import NotUnderstood, SessionForgotten, Transport

_log = logging.getLogger(__name__)

OPENING_S = 60.0
_TICK_S = 0.01
_QUESTIONS_LIMIT = 256
_LASTING_LIMIT = 1024
DISCOVERY_S = 5.0

# The id of an answer that could not be read as JSON: it stands before the result, or at the very end.
_UNREADABLE = re.compile(
    r'\s*\{(?:\s*"jsonrpc"\s*:\s*"2\.0"\s*,)?\s*"id"\s*:\s*(\d{1,9})\s*,\s*"(?:result|error)"'
    r'|\s*\{\s*"(?:result|error)".*"id"\s*:\s*(\d{1,9})\s*\}\s*$',
    re.DOTALL,
)


class WrongEra(ChildError):
    """The child does not speak the era it was addressed in."""


class EraUnclear(WrongEra):
    """The child gave no answer that tells; it may be slow, or it may not know the question."""


@dataclass(slots=True)
class _Pending:
    answer: asyncio.Future[Json]
    relay: Relay | None
    timeouts: "Timeouts"
    deadline: float
    expires_at: float = 0.0


@dataclass(frozen=True)
class Timeouts:
    """How long a call may take: `idle_s` without a sign of progress, `total_s` in all."""

    idle_s: float = 300.0
    total_s: float = 3600.0


# What a child asks of us outside of any call of ours, or tells us; (method, params).
Ask = Callable[[str, Json, Relay | None], Awaitable[Json]]
Tell = Callable[[str, Json, Relay | None], None]


class Link:
    """A connection to one child, from the first byte to the last. Its owner opens and closes it in one task."""

    def __init__(
        self,
        transport: Transport,
        *,
        capabilities: Json,
        client_info: Json,
        ask: Ask,
        tell: Tell,
        noise: Callable[[str], None],
    ) -> None:
        self._transport = transport
        self._capabilities = capabilities
        self._client_info = client_info
        self._ask = ask
        self._tell = tell
        self._noise = noise
        self._pending: dict[RequestId, _Pending] = {}
        self._asked: dict[RequestId, asyncio.Task[None]] = {}
        self._lasting: OrderedDict[RequestId, Relay] = OrderedDict()
        self._awaited_calls: dict[str, asyncio.Future[Relay]] = {}
        self._alarm = Alarm(self._expire_all)
        self._tasks = Tasks()
        self._next_id = 0
        self._end: asyncio.Future[ChildError] = asyncio.get_running_loop().create_future()
        self.version = ""
        self.capabilities: Json = {}
        self.server_info: Json = {}
        self.instructions: str | None = None
        self.schemas: dict[str, Any] = {}
        self.log_level: str | None = None
        self.claims = 0
        """How many calls are about to be sent."""

    @property
    def era(self) -> Era:
        """The era the link speaks, once it is open."""
        return era_of(self.version)

    @property
    def mirrors_parameters(self) -> bool:
        """Whether arguments that a tool marks have to be repeated in headers."""
        return self._transport.needs_headers and self.era is Era.MODERN

    @property
    def is_open(self) -> bool:
        """Whether requests can be sent."""
        return bool(self.version) and not self._end.done()

    @property
    def in_flight(self) -> int:
        """How many requests are not answered yet."""
        return len(self._pending)

    def has_call_for(self, question: str) -> bool:
        """Say whether a call is not answered yet that can carry such a question to its client."""
        relays = (pending.relay for pending in self._pending.values())
        return any(relay is not None and relay.can_answer(question) for relay in relays)

    async def next_call(self, question: str) -> Relay:
        """Return the next call that can carry such a question to its client, as soon as it is made."""
        if question not in self._awaited_calls:
            self._awaited_calls[question] = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._awaited_calls[question])

    async def open(self, era: Era, *, only: bool = False) -> None:
        """Connect and agree on a revision of this era; `only` says that no other comes into question.

        Raises:
            WrongEra: the child speaks the other era only, as far as can be told.
            ChildError: it cannot be started or reached, ended, kept silent, or talks nonsense.
        """
        await self._transport.open(self)
        if era is Era.MODERN:
            await self._discover(only=only)
        else:
            await self._initialize()
        self._transport.negotiated(self.version)
        if era is Era.LEGACY:
            self.notify("notifications/initialized", {})

    async def ended(self) -> ChildError:
        """Return why the link ended, once it has."""
        return await asyncio.shield(self._end)

    async def close(self) -> None:
        """End the connection; requests in flight fail with `ChildError`."""
        self.lost("it was stopped")
        self._alarm.close()
        try:
            await self._tasks.close()
            await self._transport.close()
        finally:
            self._fail_all(ChildError(self._end.result().message))

    async def _discover(self, *, only: bool) -> None:
        version = MODERN_VERSIONS[-1]
        self.version = version
        patience_s = OPENING_S if only else DISCOVERY_S
        try:
            async with asyncio.timeout(patience_s):
                answer = await self._discovered(version)
        except TimeoutError:
            silence = f"it did not answer server/discover within {patience_s:g} s"
            raise (ChildError(silence) if only else EraUnclear(silence)) from None
        except RpcError as error:
            raise WrongEra(f"it refused server/discover: {error.message}") from None
        except NotUnderstood as error:
            raise WrongEra(error.message) from None
        except ChildError as error:
            # Some servers end when their first message is not the handshake.
            if only or not self._end.done():
                raise
            raise EraUnclear(error.message) from None
        finally:
            self.version = ""
        supported = answer.get("supportedVersions")
        if not isinstance(supported, list) or version not in supported:
            raise WrongEra(f"it speaks {supported}")
        self.version = version
        self.capabilities = _object(answer.get("capabilities"))
        self.instructions = answer.get("instructions")
        self.server_info = _object(meta_of(answer).get(SERVER_INFO_KEY))

    async def _discovered(self, version: str) -> Json:
        """Return the answer to `server/discover`, asked again when a modern server wants what we have said already."""
        try:
            return await self.request("server/discover", {}, None)
        except RpcError as error:
            supported = error.data.get("supported") if isinstance(error.data, dict) else None
            if error.code != jsonrpc.UNSUPPORTED_VERSION or not isinstance(supported, list) or version not in supported:
                raise
        return await self.request("server/discover", {}, None)

    async def _initialize(self) -> None:
        params = {
            "protocolVersion": LEGACY_VERSIONS[-1],
            "capabilities": self._capabilities,
            "clientInfo": self._client_info,
        }
        try:
            async with asyncio.timeout(OPENING_S):
                answer = await self.request("initialize", params, None)
        except TimeoutError:
            raise ChildError(f"it did not answer initialize within {OPENING_S:.0f} s") from None
        except RpcError as error:
            if error.code in {UNSUPPORTED_VERSION, METHOD_NOT_FOUND, INVALID_REQUEST, INVALID_PARAMS}:
                raise WrongEra(f"it refused initialize: {error.message}") from None
            raise ChildError(f"it refused initialize: {error.message}") from None
        version = answer.get("protocolVersion")
        if version in MODERN_VERSIONS:
            raise WrongEra(f"it speaks {version}")
        if version not in LEGACY_VERSIONS:
            raise ChildError(f"it speaks protocol revision {version!r}, which is not known here")
        self.version = version
        self.capabilities = _object(answer.get("capabilities"))
        self.instructions = answer.get("instructions")
        self.server_info = _object(answer.get("serverInfo"))

    def notify(self, method: str, params: Json) -> None:
        """Send a notification."""
        if not self._end.done():
            self._transport.send(jsonrpc.notification(method, params or None))

    async def request(
        self,
        method: str,
        params: Json,
        relay: Relay | None,
        *,
        meta: Json | None = None,
        timeouts: Timeouts | None = None,
    ) -> Json:
        """Return the raw result of a request.

        `meta` is the caller's `_meta` without its envelope; the link adds what belongs to its own hop.
        Progress extends the time; when the awaiting task is cancelled, so is the request.

        Raises:
            RpcError: the child's own error.
            ChildError: the child is gone, or took too long.
        """
        if self._end.done():
            raise self._end.result()
        self._next_id += 1
        request_id = self._next_id
        pending = self._register(request_id, relay, timeouts or Timeouts())
        message = jsonrpc.request(request_id, method, self._stamped(params, relay, meta, request_id))
        try:
            size = self._transport.send(message, self._headers(method, message.get("params") or {}))
            del message, params
            if relay is not None:
                relay.sizes.sent += size
            return await pending.answer
        except asyncio.CancelledError:
            self._give_up(request_id, "the caller cancelled")
            raise
        finally:
            self._pending.pop(request_id, None)

    def _register(self, request_id: RequestId, relay: Relay | None, timeouts: Timeouts) -> _Pending:
        loop = asyncio.get_running_loop()
        pending = _Pending(loop.create_future(), relay, timeouts, loop.time() + timeouts.total_s)
        self._pending[request_id] = pending
        if relay is not None and self._awaited_calls:
            for question in [question for question in self._awaited_calls if relay.can_answer(question)]:
                self._awaited_calls.pop(question).set_result(relay)
        self._extend(pending)
        return pending

    def _stamped(self, params: Json, relay: Relay | None, meta: Json | None, request_id: RequestId) -> Json | None:
        sent = dict(meta or {})
        if self.version and self.era is Era.MODERN:
            capabilities = self._capabilities if relay is None else relay.caller.capabilities
            sent |= envelope(self.version, capabilities, self._client_info)
            if relay is not None and relay.log_level is not None:
                sent[LOG_LEVEL_KEY] = relay.log_level
        if relay is not None:  # asked for even if the caller does not want it: it shows that the child is alive
            sent["progressToken"] = request_id
        if sent:
            return {**params, "_meta": sent}
        return params or None

    def _headers(self, method: str, params: Json) -> dict[str, str] | None:
        if not self._transport.needs_headers or not self.version:
            return None
        if self.era is Era.LEGACY:
            return {headers.VERSION: self.version}
        schema = self.schemas.get(params.get("name", "")) if method == "tools/call" else None
        return {headers.VERSION: self.version, **headers.request_headers(method, params, schema)}

    def _expire(self, request_id: RequestId, pending: _Pending) -> None:
        is_over = asyncio.get_running_loop().time() + _TICK_S >= pending.deadline
        if self._asked and not is_over:
            self._extend(pending)  # somebody is still thinking about a question of the child
            return
        limits = pending.timeouts
        why = f"was not done after {limits.total_s:g} s" if is_over else f"gave no sign of life for {limits.idle_s:g} s"
        self._give_up(request_id, "timeout")
        pending.answer.set_exception(ChildError(f"it {why}"))

    def _extend(self, pending: _Pending) -> None:
        now = asyncio.get_running_loop().time()
        pending.expires_at = min(now + pending.timeouts.idle_s, pending.deadline)
        self._alarm.set(pending.expires_at)

    def _expire_all(self) -> None:
        soon = asyncio.get_running_loop().time() + _TICK_S
        for request_id, pending in tuple(self._pending.items()):
            if not pending.answer.done() and pending.expires_at <= soon:
                self._expire(request_id, pending)
        waiting = [pending.expires_at for pending in self._pending.values() if not pending.answer.done()]
        if waiting:
            self._alarm.set(min(waiting))

    def _give_up(self, request_id: RequestId, reason: str) -> None:
        if (
            not self._end.done()
            and self._pending.pop(request_id, None) is not None
            and not self._transport.abort(request_id)
        ):
            self.notify("notifications/cancelled", {"requestId": request_id, "reason": reason})

    def received(self, message: Any, related: RequestId | None = None, size: int = 0) -> None:
        """Take a message off the wire; what is none is told as noise."""
        try:
            self._take(message, related, size)
        except Exception:  # the messages behind this one must not be lost with it
            _log.exception("unexpected")

    def _take(self, message: Any, related: RequestId | None, size: int) -> None:
        if not isinstance(message, dict):
            self.noise(f"not a message: {str(message)[:200]}")
        elif "method" not in message:
            self._answer(message, size)
        elif "id" in message:
            self._serve(message, related)
        else:
            self._hear(str(message["method"]), _object(message.get("params")), related)

    def noise(self, line: str) -> None:
        """Take a line that is no message; the call it may have been meant to answer is not left waiting."""
        self._noise(line)
        if answer := _UNREADABLE.match(line):
            self.failed(int(answer[1] or answer[2]), ChildError("its answer is not JSON"))

    def failed(self, request_id: RequestId, error: Exception) -> None:
        """Take note that a request cannot be answered."""
        pending = self._pending.get(request_id)
        if pending is not None and not pending.answer.done():
            pending.answer.set_exception(error)

    def lost(self, reason: str, *, forgotten: bool = False) -> None:
        """Take note that the child is gone."""
        if self._end.done():
            return
        error = SessionForgotten(reason) if forgotten else ChildError(reason)
        self._end.set_result(error)
        if not forgotten:
            self._fail_all(error)
        for task in self._asked.values():
            task.cancel()

    def _fail_all(self, error: ChildError) -> None:
        for pending in self._pending.values():
            if not pending.answer.done():
                pending.answer.set_exception(error)

    def _answer(self, message: Json, size: int) -> None:
        request_id = jsonrpc.number_in(message.get("id"))
        if message.get("id") is None and "error" in message:
            self._noise(f"an error that names no request: {str(message['error'])[:200]}")
        pending = self._pending.get(request_id)
        if pending is None or pending.answer.done():
            return  # late, after we gave up; or never asked
        if pending.relay is not None:
            pending.relay.sizes.received += size
        if "error" in message:
            pending.answer.set_exception(RpcError.from_wire(message["error"]))
        elif isinstance(message.get("result"), dict):
            pending.answer.set_result(message["result"])
            if "task" in message["result"]:
                self._outlives(request_id, pending.relay)
        else:
            pending.answer.set_exception(ChildError("it answered with neither a result nor an error"))

    def _outlives(self, request_id: Any, relay: Relay | None) -> None:
        """Take note that a call was answered by a task, for whose whole life the token of the call stays valid."""
        if relay is None or relay.progress_token is None:
            return
        self._lasting[request_id] = relay
        if len(self._lasting) > _LASTING_LIMIT:  # nobody says for certain when a task is over
            self._lasting.popitem(last=False)

    def _hear(self, method: str, params: Json, related: RequestId | None) -> None:
        if method == "notifications/progress":
            token = jsonrpc.number_in(params.get("progressToken"))
            pending = self._pending.get(token)
            if pending is not None and pending.relay is not None and not pending.answer.done():
                self._extend(pending)
                if pending.relay.progress_token is not None:
                    pending.relay.notify(method, {**params, "progressToken": pending.relay.progress_token})
            elif token in self._lasting:
                relay = self._lasting[token]
                self._tell(method, {**params, "progressToken": relay.progress_token}, relay)
        elif method == "notifications/cancelled":
            withdrawn = params.get("requestId")
            asked = self._asked.get(withdrawn) if isinstance(withdrawn, int | str) else None
            if asked is not None:
                asked.cancel()
        elif method == "notifications/message":
            self._log(params, related)
        else:
            self._tell(method, params, self._relay(related))

    def _log(self, params: Json, related: RequestId | None) -> None:
        # A log message names no request, so it goes to the newest call, like everything else that is not attributed.
        relay = self._relay(related)
        if relay is None:
            self._tell("notifications/message", params, None)
        elif relay.log_level is not None and is_wanted(params.get("level"), relay.log_level):
            relay.notify("notifications/message", params)

    def _relay(self, related: RequestId | None) -> Relay | None:
        if related is not None and related in self._pending:
            return self._pending[related].relay
        return next((p.relay for p in reversed(self._pending.values()) if p.relay is not None), None)

    def _asker(self, related: RequestId | None) -> Relay | None:
        """Return the call a question belongs to, or None rather than one that may be somebody else's."""
        if related is not None and related in self._pending:
            return self._pending[related].relay
        relays = [pending.relay for pending in self._pending.values() if pending.relay is not None]
        sessions = {relay.caller.session for relay in relays}
        is_clear = len(relays) == 1 or (len(sessions) == 1 and "" not in sessions)
        return relays[-1] if is_clear else None

    def _serve(self, message: Json, related: RequestId | None) -> None:
        request_id, method = message["id"], str(message["method"])
        if not isinstance(request_id, int | str):
            self.noise(f"not a request, for its id is neither a string nor an integer: {method}")
            return
        if method == "ping":
            self._transport.send(jsonrpc.response(request_id, {}))
            return
        if len(self._asked) >= _QUESTIONS_LIMIT:
            error = RpcError(INTERNAL_ERROR, f"{_QUESTIONS_LIMIT} questions wait for an answer already")
            self._transport.send(jsonrpc.failure(request_id, error))
            return
        task = self._tasks.start(self._reply(request_id, method, _object(message.get("params")), self._asker(related)))
        self._asked[request_id] = task
        task.add_done_callback(lambda done: self._answered(request_id, done))

    def _answered(self, request_id: RequestId, task: asyncio.Task[None]) -> None:
        if self._asked.get(request_id) is task:
            del self._asked[request_id]

    async def _reply(self, request_id: RequestId, method: str, params: Json, relay: Relay | None) -> None:
        try:
            reply = jsonrpc.response(request_id, await self._ask(method, params, relay))
        except RpcError as error:
            reply = jsonrpc.failure(request_id, error)
        except Exception:
            _log.exception("unexpected")
            reply = jsonrpc.failure(request_id, RpcError(INTERNAL_ERROR, "Internal error"))
        if not self._end.done():
            self._transport.send(reply)


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}
