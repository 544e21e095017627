"""One open MCP connection, raw: what is sent and what comes back are plain JSON values, so that no field is lost.

The SDK carries the messages and pairs answers with requests. Its typed layer is not used: it drops fields it does not
know, and one malformed tool would hide all the others.
"""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any, Protocol

import anyio
from mcp.client import Transport
from mcp.shared.dispatcher import CallOptions, DispatchContext, ProgressFnT
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import (
    MCP_METHOD_HEADER,
    MCP_NAME_HEADER,
    MCP_PROTOCOL_VERSION_HEADER,
    NAME_BEARING_METHODS,
    encode_header_value,
    mcp_param_headers,
    x_mcp_header_map,
)
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp.shared.message import SessionMessage
from mcp.shared.transport_context import TransportContext
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    LOG_LEVEL_META_KEY,
    METHOD_NOT_FOUND,
    PROTOCOL_VERSION_META_KEY,
    SERVER_INFO_META_KEY,
    UNSUPPORTED_PROTOCOL_VERSION,
)
from mcp_types.version import LATEST_HANDSHAKE_VERSION, LATEST_MODERN_VERSION, MODERN_PROTOCOL_VERSIONS

from composite_runtime.errors import FusionError
from fusion_desktop.run import transport
from fusion_desktop.run.frames import Direction, Frame, JsonObject, Patience, Progress, Refused, ServerError
from fusion_desktop.run.process import RuntimeProcess
from fusion_desktop.run.server_tasks import EXTENSION

DISCOVER_S = 10.0
HANDSHAKE_S = 30.0
_REFUSED = -1
"""What the specification shows for a user who does not want to answer."""
_USUAL = Patience()
ROUNDS = 10
"""How often a server may ask for more before it answers one call."""

_CAPABILITIES: JsonObject = {
    "sampling": {},
    "elicitation": {"form": {}, "url": {}},
    "roots": {"listChanged": True},
}
_EXTENSIONS: JsonObject = {EXTENSION: {}}
"""What is declared to modern servers only."""
_QUESTIONS = frozenset({"sampling/createMessage", "elicitation/create", "roots/list"})
_LONG = frozenset({"tools/call", "prompts/get", "resources/read"})
"""The requests a server may report progress of."""


class Host(Protocol):
    """What a connection tells upwards."""

    async def ask(self, method: str, params: JsonObject) -> JsonObject:
        """Return the answer to a question of the server; raise `Refused` to give none."""

    def notify(self, method: str, params: JsonObject) -> None:
        """Take in a notification of the server."""

    def saw(self, frame: Frame) -> None:
        """Take note of a message in either direction."""


@dataclass(frozen=True)
class Server:
    """What a server says about itself; `revision` is the protocol it agreed to."""

    revision: str
    is_modern: bool
    info: JsonObject
    capabilities: JsonObject
    instructions: str | None

    @property
    def title(self) -> str:
        """The name to show."""
        return str(self.info.get("title") or self.info.get("name") or "unnamed server")


class _Clock:
    """The time one request still has. Progress gives it more; while the user is asked it stands still."""

    def __init__(
        self, scope: anyio.CancelScope, patience: Patience, tell: Callable[[float], None] | None = None
    ) -> None:
        self._scope = scope
        self._tell = tell
        self._idle_s = patience.idle_s
        self._left_s = patience.total_s if patience.total_s is not None else float("inf")
        self._end = anyio.current_time() + self._left_s
        self._holds = 0
        self.touch()

    def touch(self) -> None:
        """Count the idle time from now on, unless the clock stands still."""
        if self._holds:
            return
        idle_end = anyio.current_time() + self._idle_s if self._idle_s is not None else float("inf")
        self._scope.deadline = min(self._end, idle_end)
        if self._tell is not None:
            self._tell(self._scope.deadline - anyio.current_time())

    def hold(self) -> None:
        """Stop the clock, until it was released as often as it was held."""
        if not self._holds:
            self._left_s = self._end - anyio.current_time()
        self._holds += 1
        self._scope.deadline = float("inf")
        if self._tell is not None:
            self._tell(self._scope.deadline)

    def release(self) -> None:
        """Let the clock go on."""
        self._holds -= 1
        if not self._holds:
            self._end = anyio.current_time() + self._left_s
            self.touch()


class Connection:
    """Requests to one server. Made by `connect`."""

    def __init__(self, dispatcher: JSONRPCDispatcher, host: Host) -> None:
        self._dispatcher = dispatcher
        self._host = host
        self._clocks: set[_Clock] = set()
        self._streams = 0
        self._header_maps: dict[str, Mapping[tuple[str, ...], str]] = {}
        self.log_level: str | None = None
        """From which level on the server shall send log messages; modern servers are told with each request."""
        self.lost = anyio.Event()
        """Set when the other side is gone."""
        self.server = Server("", False, {}, {}, None)

    async def request(
        self,
        method: str,
        params: JsonObject,
        *,
        patience: Patience = _USUAL,
        on_progress: Callable[[Progress], None] | None = None,
        on_deadline: Callable[[float], None] | None = None,
        request_id: str = "",
    ) -> JsonObject:
        """Send one request, with an id of our own if wanted, and return its raw result.

        Raises:
            ServerError: the server refused, or is gone.
            FusionError: the time is over; the server was told to stop.
        """
        stamped, options = self._stamped(method, params)
        with anyio.CancelScope() as scope:
            clock = _Clock(scope, patience, on_deadline)
            if method in _LONG:
                options["on_progress"] = _progress(clock, on_progress)
            if request_id:
                options["request_id"] = request_id
            self._clocks.add(clock)
            try:
                return await self._dispatcher.send_raw_request(method, stamped, options)
            except MCPError as error:
                raise ServerError(error.code, error.message, error.error.data) from None
            finally:
                self._clocks.discard(clock)
        raise FusionError(f"{self.server.title} did not answer {method} in time; it was told to stop")

    async def exchange(
        self,
        method: str,
        params: JsonObject,
        *,
        patience: Patience = _USUAL,
        on_progress: Callable[[Progress], None] | None = None,
        on_deadline: Callable[[float], None] | None = None,
        request_id: str = "",
    ) -> JsonObject:
        """Send a request, answer what a modern server asks before it goes on, and return the final raw result.

        When it goes on, the request is another, whose id is the first one's with a dot and a number.
        """
        told = partial(self.request, method, patience=patience, on_progress=on_progress, on_deadline=on_deadline)
        result = await told(params, request_id=request_id)
        for round_ in range(ROUNDS):
            if result.get("resultType") != "input_required":
                return result
            more: JsonObject = {}
            if asked := result.get("inputRequests"):
                if on_deadline is not None:
                    on_deadline(float("inf"))
                more["inputResponses"] = await self.answers(asked)
            else:
                await anyio.sleep(min(0.05 * 2**round_, 0.25))
            if "requestState" in result:
                more["requestState"] = result["requestState"]
            result = await told({**params, **more}, request_id=request_id and f"{request_id}.{round_ + 2}")
        raise FusionError(f"{self.server.title} asked for more {ROUNDS} times without coming to an end")

    async def ping(self) -> None:
        """Return when the server has answered the least there is to ask."""
        is_modern = self.server.is_modern
        params = {"_meta": _envelope(self.server.revision)} if is_modern else {}
        await self.request("server/discover" if is_modern else "ping", params, patience=_DISCOVERY)

    async def notify(self, method: str, params: JsonObject | None = None) -> None:
        """Send a notification."""
        headers = {} if self.server.is_modern else self._version_header()
        await self._dispatcher.notify(method, params, {"headers": headers})

    async def listen(self, wanted: JsonObject) -> None:
        """Keep a modern server telling what changes until cancelled, or until it ends the stream."""
        stamped, options = self._stamped("subscriptions/listen", {"notifications": wanted})
        # The server may still be ending the last stream when the next one begins.
        self._streams += 1
        options["request_id"] = f"listen-{self._streams}"
        try:
            await self._dispatcher.send_raw_request("subscriptions/listen", stamped, options)
        except MCPError as error:
            raise ServerError(error.code, error.message, error.error.data) from None

    def learn(self, tools: Sequence[JsonObject]) -> None:
        """Remember which arguments of the tools a modern HTTP server also expects as headers."""
        self._header_maps = {tool["name"]: x_mcp_header_map(tool.get("inputSchema")) for tool in tools}

    async def answer(
        self, context: DispatchContext[TransportContext], method: str, params: Mapping[str, Any] | None
    ) -> JsonObject:
        """Answer a request of the server."""
        if method == "ping":
            return {}
        try:
            return await self._ask(method, dict(params or {}))
        except Refused as refusal:
            code = _REFUSED if method in _QUESTIONS else METHOD_NOT_FOUND
            raise MCPError(code, refusal.message) from None

    async def hear(
        self, context: DispatchContext[TransportContext], method: str, params: Mapping[str, Any] | None
    ) -> None:
        """Pass on a notification of the server."""
        self._host.notify(method, dict(params or {}))

    async def negotiate(self, *, is_legacy: bool = False) -> None:
        """Agree with the server on a protocol, the newest both speak.

        Raises:
            ServerError: the server refused both ways to begin.
        """
        found = None if is_legacy else await self._discover()
        self.server = found or await self._initialize()

    async def _discover(self) -> Server | None:
        revision = LATEST_MODERN_VERSION
        for _ in range(2):
            try:
                result = await self.request("server/discover", {"_meta": _envelope(revision)}, patience=_DISCOVERY)
            except ServerError as error:
                mutual = _mutual(error.data, "supported")
                if error.code != UNSUPPORTED_PROTOCOL_VERSION or mutual is None or mutual == revision:
                    return None
                revision = mutual
                continue
            except FusionError:
                return None
            chosen = _mutual(result, "supportedVersions")
            return None if chosen is None else _described(result, chosen, is_modern=True)
        return None

    async def _initialize(self) -> Server:
        result = await self.request(
            "initialize",
            {"protocolVersion": LATEST_HANDSHAKE_VERSION, "capabilities": _CAPABILITIES, "clientInfo": _client()},
            patience=Patience(HANDSHAKE_S, HANDSHAKE_S),
        )
        server = _described(result, str(result.get("protocolVersion", LATEST_HANDSHAKE_VERSION)), is_modern=False)
        self.server = server
        await self.notify("notifications/initialized")
        return server

    def _stamped(self, method: str, params: JsonObject) -> tuple[JsonObject | None, CallOptions]:
        """Return the parameters and headers as the agreed protocol wants them."""
        if method == "server/discover":
            revision = params["_meta"][PROTOCOL_VERSION_META_KEY]
            headers = {MCP_PROTOCOL_VERSION_HEADER: revision, MCP_METHOD_HEADER: method}
            return params, {"headers": headers, "cancel_on_abandon": False}
        if not self.server.is_modern:
            return params or None, {"headers": self._version_header(), "cancel_on_abandon": method != "initialize"}
        meta = {**_envelope(self.server.revision), **(params.get("_meta") or {})}
        if self.log_level is not None:
            meta.setdefault(LOG_LEVEL_META_KEY, self.log_level)
        headers = {**self._version_header(), MCP_METHOD_HEADER: method}
        name = params.get("taskId" if method.startswith("tasks/") else NAME_BEARING_METHODS.get(method, ""))
        if isinstance(name, str):
            headers[MCP_NAME_HEADER] = encode_header_value(name)
        if method == "tools/call":
            headers |= mcp_param_headers(self._header_maps.get(str(name), {}), params.get("arguments") or {})
        return {**params, "_meta": meta}, {"headers": headers}

    def _version_header(self) -> dict[str, str]:
        return {MCP_PROTOCOL_VERSION_HEADER: self.server.revision} if self.server.revision else {}

    async def answers(self, asked: Mapping[str, JsonObject]) -> JsonObject:
        """Return the answers to what a modern server asks; raise `Refused` when one of them is not given."""
        answers: JsonObject = {}
        refusal: Refused | None = None

        async def answer(key: str, question: JsonObject) -> None:
            nonlocal refusal
            try:
                answers[key] = await self._ask(str(question.get("method")), dict(question.get("params") or {}))
            except Refused as refused:
                refusal = refused
                tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            for key, question in asked.items():
                tasks.start_soon(answer, key, question)
        if refusal is not None:
            raise refusal
        return answers

    async def _ask(self, method: str, params: JsonObject) -> JsonObject:
        if method not in _QUESTIONS:
            raise Refused(f"The server asks for {method}, which is not known here.")
        # The user thinks as long as the user likes: the calls that wait for the answer must not run out of time.
        held = set(self._clocks)
        for clock in held:
            clock.hold()
        try:
            return await self._host.ask(method, params)
        finally:
            for clock in held:
                clock.release()


@asynccontextmanager
async def over_http(url: str, token: str, host: Host, *, is_legacy: bool = False) -> AsyncIterator[Connection]:
    """Open a connection over streamable HTTP."""
    async with transport.http(url, token) as prepared, connect(prepared, host, is_legacy=is_legacy) as connection:
        yield connection


def over_pipes(
    process: RuntimeProcess, host: Host, *, is_legacy: bool = False
) -> AbstractAsyncContextManager[Connection]:
    """Open a connection over the pipes of a runtime."""
    return connect(transport.pipes(process), host, is_legacy=is_legacy)


_DISCOVERY = Patience(DISCOVER_S, DISCOVER_S)


@asynccontextmanager
async def connect(carrier: Transport, host: Host, *, is_legacy: bool = False) -> AsyncIterator[Connection]:
    """Open a connection and agree on a protocol; leaving closes it, in the task that entered."""
    async with carrier as (read, write), anyio.create_task_group() as tasks:
        arrived_in, arrived = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        leaving_in, leaving = anyio.create_memory_object_stream[SessionMessage](0)
        dispatcher = JSONRPCDispatcher[TransportContext](arrived, leaving_in)
        connection = Connection(dispatcher, host)

        async def take() -> None:
            try:
                async with arrived_in:
                    async for item in read:
                        _note(host, Direction.RECEIVED, item)
                        await arrived_in.send(item)
            finally:
                connection.lost.set()

        async def give() -> None:
            async with leaving:
                async for message in leaving:
                    _note(host, Direction.SENT, message)
                    try:
                        await write.send(message)
                    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                        connection.lost.set()
                        return

        async with arrived_in, arrived, leaving_in, leaving:
            tasks.start_soon(take)
            tasks.start_soon(give)
            await tasks.start(dispatcher.run, connection.answer, connection.hear)
            try:
                await connection.negotiate(is_legacy=is_legacy)
                yield connection
            finally:
                tasks.cancel_scope.cancel()


def _note(host: Host, direction: Direction, item: SessionMessage | Exception) -> None:
    if isinstance(item, SessionMessage):
        message = item.message.model_dump(by_alias=True, exclude_unset=True)
        host.saw(Frame(time.time(), direction, message))


def _progress(clock: _Clock, tell: Callable[[Progress], None] | None) -> ProgressFnT:
    async def heard(progress: float, total: float | None, message: str | None) -> None:
        clock.touch()
        if tell is not None:
            tell(Progress(progress, total, message))

    return heard


def _client() -> JsonObject:
    return {"name": "fusion-desktop", "title": "Fusion inspector", "version": version("fusion-desktop")}


def _envelope(revision: str) -> JsonObject:
    return {
        PROTOCOL_VERSION_META_KEY: revision,
        CLIENT_INFO_META_KEY: _client(),
        CLIENT_CAPABILITIES_META_KEY: {**_CAPABILITIES, "extensions": _EXTENSIONS},
    }


def _mutual(data: Any, key: str) -> str | None:
    """Return the newest modern revision both sides name."""
    offered = data.get(key) if isinstance(data, dict) else None
    mutual = [revision for revision in MODERN_PROTOCOL_VERSIONS if isinstance(offered, list) and revision in offered]
    return mutual[-1] if mutual else None


def _described(result: JsonObject, revision: str, *, is_modern: bool) -> Server:
    info = (result.get("_meta") or {}).get(SERVER_INFO_META_KEY) if is_modern else result.get("serverInfo")
    instructions = result.get("instructions")
    return Server(
        revision,
        is_modern,
        info if isinstance(info, dict) else {},
        result.get("capabilities") or {},
        instructions if isinstance(instructions, str) else None,
    )
