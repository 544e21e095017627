"""One client at the other end: what it said about itself, what it is waiting for, and what it was asked."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from composite_runtime.wire import jsonrpc
from composite_runtime.wire.call import Caller, Sizes
from composite_runtime.wire.era import LATEST_LEGACY, Era, is_wanted
from composite_runtime.wire.jsonrpc import INTERNAL_ERROR, METHOD_NOT_FOUND, Json, RequestId, RpcError

Send = Callable[[bytes], None]

_NEEDS = {"elicitation/create": "elicitation", "sampling/createMessage": "sampling", "roots/list": "roots"}
_DEFAULT_LEVEL = "debug"  # a legacy client that never chose a level gets everything, as it would from the child


class Session:
    """A connection with a client; `push` sends what belongs to no request."""

    def __init__(self, push: Send, principal: str = "") -> None:
        self.id = secrets.token_hex(16)
        self.push = push
        self.level: str | None = None
        self.watched: set[str] = set()
        self.running: dict[RequestId, asyncio.Task[Any]] = {}
        self.is_initialized = False
        self._asked: dict[RequestId, asyncio.Future[Json]] = {}
        self._next_id = 0
        self.caller = Caller(Era.LEGACY, LATEST_LEGACY, session=self.id, principal=principal, channel=self)

    def introduce(self, version: str, capabilities: Json, info: Json) -> None:
        """Take what the client says in `initialize`."""
        self.caller = replace(self.caller, version=version, capabilities=capabilities, info=info)
        self.is_initialized = True

    @property
    def log_level(self) -> str:
        """The level from which the client wants log messages."""
        return self.level or _DEFAULT_LEVEL

    def wants_log(self, level: Any) -> bool:
        """Say whether a log message of this level is for the client."""
        return is_wanted(level, self.log_level)

    async def ask(self, method: str, params: Json) -> Json:
        """Ask the client outside of any request."""
        return await self.ask_through(self.push, method, params)

    async def ask_through(self, send: Send, method: str, params: Json) -> Json:
        """Send a request to the client and return its result; raise `RpcError` when it refuses."""
        needed = _NEEDS.get(method)
        if needed is not None and needed not in self.caller.capabilities:
            raise RpcError(METHOD_NOT_FOUND, f"the client does not support {method}")
        self._next_id += 1
        request_id = f"f{self._next_id}"
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._asked[request_id] = answer
        try:
            send(jsonrpc.encode(jsonrpc.request(request_id, method, params or None)))
            return await answer
        except asyncio.CancelledError:
            send(jsonrpc.encode(jsonrpc.notification("notifications/cancelled", {"requestId": request_id})))
            raise
        finally:
            del self._asked[request_id]

    def answered(self, message: Json) -> None:
        """Take the client's response to something it was asked."""
        request_id = message.get("id")
        answer = self._asked.get(request_id) if isinstance(request_id, str) else None
        if answer is None or answer.done():
            return
        result = message.get("result")
        if "error" in message:
            answer.set_exception(RpcError.from_wire(message["error"]))
        elif isinstance(result, dict):
            answer.set_result(result)
        else:
            answer.set_exception(RpcError(INTERNAL_ERROR, "the client answered with neither a result nor an error"))

    def cancel(self, request_id: Any) -> None:
        """Cancel a request of the client; one that is finished or unknown is no matter."""
        task = self.running.get(request_id) if isinstance(request_id, int | str) else None
        if task is not None:
            task.cancel()

    def close(self) -> None:
        """Fail what the client was asked: nobody will answer any more."""
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(RpcError(INTERNAL_ERROR, "the client has gone"))


@dataclass(frozen=True, slots=True)
class FrontRelay:
    """The side traffic of one request, on the stream that belongs to it."""

    caller: Caller
    call: str
    progress_token: Any
    log_level: str | None
    send: Send
    session: Session | None
    sizes: Sizes = field(default_factory=Sizes)

    def can_answer(self, method: str) -> bool:
        """Say whether the client can be asked this, on the stream of its request."""
        return (
            self.session is not None
            and self.caller.era is Era.LEGACY
            and _NEEDS.get(method) in self.caller.capabilities
        )

    def notify(self, method: str, params: Json) -> None:
        """Send a notification that belongs to the request."""
        self.send(jsonrpc.encode(jsonrpc.notification(method, params)))

    async def ask(self, method: str, params: Json) -> Json:
        """Ask the client on the stream of its request; modern clients cannot be asked that way."""
        if self.session is None or self.caller.era is Era.MODERN:
            raise RpcError(METHOD_NOT_FOUND, f"the client cannot be asked {method} in the middle of a call")
        return await self.session.ask_through(self.send, method, params)
