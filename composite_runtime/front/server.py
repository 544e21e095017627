"""One provider as an MCP server: what each method of each era means."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from secrets import token_hex
from typing import Any, Final

from composite_runtime import secrets
from composite_runtime.errors import ChildError, FusionError, UnknownName
from composite_runtime.events import ClientChanged, Emit, untold
from composite_runtime.front.changes import Changes
from composite_runtime.front.session import FrontRelay, Send, Session
from composite_runtime.graph.model import ServingLimits
from composite_runtime.provider import FIRST_LIST_S, Kind, Offers, Provider
from composite_runtime.wire import jsonrpc
from composite_runtime.wire.call import HOP, Caller
from composite_runtime.wire.era import (
    CAPABILITIES_KEY,
    CLIENT_INFO_KEY,
    LATEST_LEGACY,
    LEGACY_VERSIONS,
    LISTS,
    LOG_LEVEL_KEY,
    LOG_LEVELS,
    MODERN_VERSIONS,
    TASKS_EXTENSION,
    VERSION_KEY,
    Era,
    finished,
    is_enveloped,
    meta_of,
    tool_for_legacy,
    translated,
)
from composite_runtime.wire.jsonrpc import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    UNSUPPORTED_VERSION,
    Json,
    RpcError,
)
from composite_runtime.wire.tap import LINK, Tap, untapped
from composite_runtime.wire.verbatim import Slice

_log = logging.getLogger(__name__)

_ROUTED: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_TASKS: Final = {
    Era.LEGACY: frozenset({"tasks/get", "tasks/result", "tasks/cancel", "tasks/list"}),
    Era.MODERN: frozenset({"tasks/get", "tasks/update", "tasks/cancel"}),
}
_COMMON: Final = frozenset({*LISTS, *_ROUTED, "completion/complete"})
_METHODS: Final = {
    Era.LEGACY: _COMMON | {"initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"},
    Era.MODERN: _COMMON | {"server/discover", "subscriptions/listen"},
}
_PARTS: Final = {
    "tools/list": Kind.TOOLS,
    "prompts/list": Kind.PROMPTS,
    "resources/list": Kind.RESOURCES,
    "resources/templates/list": Kind.RESOURCES,
}
_READINGS: Final = 3
_PREPARED_LIMIT: Final = 64


class Server:
    """Answers the requests of clients by one provider."""

    def __init__(self, provider: Provider, version: str, emit: Emit = untold) -> None:
        self._emit = emit
        self._provider = provider
        self._info: Json = {"name": provider.name, "title": provider.name, "version": version}
        self._prepared: OrderedDict[tuple[int, str, Era, bool], tuple[Offers, bytes]] = OrderedDict()
        self._prepared_after = 0
        self.changes = Changes(provider)
        self.limits = ServingLimits()
        self.on_first_caller: Callable[[Caller], None] | None = None
        self.on_limits: Callable[[ServingLimits], None] | None = None
        self.tap: Tap = untapped
        self.is_heard = True
        """Whether anybody hears what is told of calls; while nobody does, nothing is made up to be told."""

    def limit(self, limits: ServingLimits) -> None:
        """Allow clients so much from now on."""
        self.limits = limits
        self.changes.streams_limit = limits.listen_streams
        if self.on_limits is not None:
            self.on_limits(limits)

    def close(self) -> None:
        """End what clients listen to; requests are still answered."""
        self.changes.close()

    def hear(self, message: Json, session: Session) -> None:
        """Take a message of a client that wants no answer: its own answers, and notifications."""
        self.tap.message("in", message, session.id[:8])
        params = message.get("params")
        params = params if isinstance(params, dict) else {}
        method = message.get("method")
        if method is None:
            session.answered(message)
        elif method == "notifications/cancelled":
            session.cancel(params.get("requestId"))
        elif method == "notifications/roots/list_changed":
            self._provider.tell(method, params, session.caller)

    def leave(self, session: Session) -> None:
        """End what was held for a session."""
        session.close()
        if session.is_initialized:
            self._emit(_client(session, connected=False))
        self.changes.leave(session)
        for uri in session.watched:
            self.changes.unwatch(uri, session.caller)
        session.watched.clear()
        self._provider.forget(session.id)

    async def respond(self, message: Json, session: Session | None, send: Send, principal: str = "") -> Json | bytes:
        """Return the response to a request, as a message or already encoded; never raises but for cancellation.

        `send` takes what comes before the response on the same stream.
        """
        if self.tap is untapped:
            return await self._respond(message, session, send, principal)

        tap, call = self.tap, token_hex(6)
        link = session.id[:8] if session is not None else LINK.get() or call

        def tapped(frame: bytes) -> None:
            tap.message("out", frame, link, call)
            send(frame)

        HOP.set((call, 0))
        tap.message("in", message, link, call)
        response = await self._respond(message, session, tapped, principal)
        tap.message("out", response, link, call)
        return response

    async def _respond(self, message: Json, session: Session | None, send: Send, principal: str) -> Json | bytes:
        request_id, method = message.get("id"), str(message.get("method"))
        params = message.get("params")
        params = params if isinstance(params, dict) else {}
        era = Era.MODERN if session is None or is_enveloped(params) else Era.LEGACY
        try:
            if not isinstance(message.get("params"), dict | None):
                raise RpcError(INVALID_PARAMS, "params must be an object")
            relay = self._relay(era, params, session, send, principal)
            self._met(relay.caller, method)
            if method in LISTS:
                return await self._list(request_id, method, params, relay.caller)
            result = await self._result(method, params, relay, request_id)
            return jsonrpc.response(request_id, finished(era, method, result, self._info))
        except RpcError as error:
            return jsonrpc.failure(request_id, translated(era, error))
        except UnknownName as error:
            return jsonrpc.failure(request_id, RpcError(INVALID_PARAMS, error.message))
        except FusionError as error:
            return self._down(request_id, method, era, ChildError(secrets.redact(error.message), error.node))
        except Exception:
            _log.exception("unexpected")
            return jsonrpc.failure(request_id, RpcError(INTERNAL_ERROR, "Internal error"))

    async def input_schema(self, params: Json) -> Any:
        """Return the input schema of the tool a modern request calls, or None when it is not known."""
        meta = meta_of(params)
        capabilities = meta.get(CAPABILITIES_KEY)
        caller = Caller(Era.MODERN, str(meta.get(VERSION_KEY)), capabilities if isinstance(capabilities, dict) else {})
        offers = await self._provider.offers(caller)
        tool = next((tool for tool in offers.tools if tool["name"] == params.get("name")), None)
        return None if tool is None else tool.get("inputSchema")

    def _down(self, request_id: Any, method: str, era: Era, error: ChildError) -> Json:
        """Return the answer for a child that is down; to a model, a failed tool says more than a failed protocol."""
        if method == "tools/call":
            result = {"content": [{"type": "text", "text": error.message}], "isError": True}
            return jsonrpc.response(request_id, finished(era, method, result, self._info))
        return jsonrpc.failure(request_id, RpcError(INTERNAL_ERROR, error.message, {"node": error.node}))

    def _relay(self, era: Era, params: Json, session: Session | None, send: Send, principal: str) -> FrontRelay:
        meta = meta_of(params)
        token = meta.get("progressToken")
        call = (HOP.get()[0] or token_hex(6)) if self.is_heard else ""  # given already where messages are seen
        if era is Era.LEGACY:
            assert session is not None
            return FrontRelay(session.caller, call, token, session.log_level, send, session)
        version, capabilities = meta.get(VERSION_KEY), meta.get(CAPABILITIES_KEY)
        if version not in MODERN_VERSIONS:
            data = {"supported": list(MODERN_VERSIONS), "requested": version}
            raise RpcError(UNSUPPORTED_VERSION, "Unsupported protocol version", data)
        if not isinstance(capabilities, dict):
            raise RpcError(INVALID_PARAMS, f"_meta needs the object {CAPABILITIES_KEY}")
        info = meta.get(CLIENT_INFO_KEY)
        caller = Caller(
            era,
            version,
            capabilities,
            info if isinstance(info, dict) else {},
            session=session.id if session is not None else "",
            principal=principal,
        )
        level = meta.get(LOG_LEVEL_KEY)
        return FrontRelay(caller, call, token, level if level in LOG_LEVELS else None, send, session)

    def _met(self, caller: Caller, method: str) -> None:
        # Children are started for the first client that shows itself, as it wants them; `initialize` tells it later.
        if self.on_first_caller is not None and method != "initialize":
            first, self.on_first_caller = self.on_first_caller, None
            first(caller)

    async def _result(self, method: str, params: Json, relay: FrontRelay, request_id: Any) -> Json:
        era = relay.caller.era
        if method in _TASKS[era] and await self._has_tasks(relay.caller):
            if method != "tasks/list":
                _need(params, "taskId", str)
            return await self._provider.request(method, params, relay)
        if method not in _METHODS[era]:
            raise RpcError(METHOD_NOT_FOUND, f"Method not found: {method}")
        if era is Era.LEGACY and method not in {"initialize", "ping"} and not relay.caller.info:
            raise RpcError(INVALID_REQUEST, f"{method} came before initialize")
        if method in _ROUTED:
            _need(params, _ROUTED[method], str)
            if "arguments" in params and not isinstance(params["arguments"], dict):
                raise RpcError(INVALID_PARAMS, "'arguments' must be an object")
            return await self._provider.request(method, params, relay)
        if method == "completion/complete":
            _need(params, "ref", dict)
            _need(params, "argument", dict)
            return await self._provider.request(method, params, relay)
        if method == "subscriptions/listen":
            return await self.changes.listen(request_id, params, relay.caller, relay.send)
        return await self._own(method, params, relay)

    async def _own(self, method: str, params: Json, relay: FrontRelay) -> Json:
        """Return the result of what we answer ourselves."""
        session = relay.session
        if method == "server/discover":
            return {"supportedVersions": list(MODERN_VERSIONS), **await self._described(relay.caller)}
        assert session is not None
        if method == "initialize":
            return await self._initialize(params, session)
        if method == "logging/setLevel":
            level = _need(params, "level", str)
            if level not in LOG_LEVELS:
                raise RpcError(INVALID_PARAMS, f"there is no log level {level!r}; there are {', '.join(LOG_LEVELS)}")
            session.level = level
            await self._provider.request(method, {"level": level}, relay)
        elif method in {"resources/subscribe", "resources/unsubscribe"}:
            uri, on = _need(params, "uri", str), method == "resources/subscribe"
            if (uri in session.watched) is not on:
                await self._watch(uri, session, on=on)
        return {}

    async def _watch(self, uri: str, session: Session, *, on: bool) -> None:
        # Noted before it is done: who asks twice at once is to be told once, and whoever leaves meanwhile not at all.
        (session.watched.add if on else session.watched.discard)(uri)
        try:
            await self._provider.watch(uri, session.caller, on=on)
        except BaseException:
            session.watched.discard(uri)
            raise

    async def _initialize(self, params: Json, session: Session) -> Json:
        wanted = _need(params, "protocolVersion", str)
        capabilities, info = _need(params, "capabilities", dict), _need(params, "clientInfo", dict)
        version = wanted if wanted in LEGACY_VERSIONS else LATEST_LEGACY
        session.introduce(version, capabilities, {"name": "unknown", **info})
        self._met(session.caller, "initialized")
        self.changes.join(session)
        self._emit(_client(session, connected=True))
        return {"protocolVersion": version, "serverInfo": self._info, **await self._described(session.caller)}

    async def _described(self, caller: Caller) -> Json:
        """Return capabilities and instructions without waiting for anybody: what is not known yet may come."""
        offers = await self._provider.offers(caller)
        capabilities: Json = {
            "tools": {"listChanged": True},
            "prompts": {"listChanged": True},
            "resources": {"subscribe": True, "listChanged": True},
            "completions": {},
            "logging": {},
        }
        for name in ("extensions", "experimental", *(("tasks",) if _knows_core_tasks(caller) else ())):
            if name in offers.capabilities:
                capabilities[name] = offers.capabilities[name]
        if caller.era is Era.LEGACY and isinstance(extensions := capabilities.get("extensions"), dict):
            capabilities["extensions"] = {k: value for k, value in extensions.items() if k != TASKS_EXTENSION}
        return {"capabilities": capabilities, **({"instructions": offers.instructions} if offers.instructions else {})}

    async def _has_tasks(self, caller: Caller) -> bool:
        """Say whether the client speaks of tasks in a way that one of the members does."""
        capabilities = (await self._provider.offers(caller)).capabilities
        if caller.era is Era.MODERN:
            extensions = capabilities.get("extensions")
            return isinstance(extensions, dict) and TASKS_EXTENSION in extensions
        return _knows_core_tasks(caller) and bool(caller.info) and "tasks" in capabilities

    async def _offers(self, kind: Kind, caller: Caller) -> Offers:
        """Return what there is to list, read again when it has changed meanwhile; its reader may listen later."""
        patience_s = FIRST_LIST_S
        for _ in range(_READINGS):
            count = self.changes.counts[kind]
            offers = await self._provider.offers(caller, patience_s)
            if count == self.changes.counts[kind]:
                break
            patience_s = 0.0  # the first reading has waited for all who are starting
        if caller.era is Era.MODERN:
            self.changes.listed(caller, {kind: count})
        return offers

    async def _list(self, request_id: Any, method: str, params: Json, caller: Caller) -> bytes:
        """Return a whole list as one page, encoded once for all who see the same."""
        if caller.era is Era.LEGACY and not caller.info:
            raise RpcError(INVALID_REQUEST, f"{method} came before initialize")
        if params.get("cursor") is not None:
            raise RpcError(INVALID_PARAMS, "Invalid cursor")  # we never gave one
        offers = await self._offers(_PARTS[method], caller)
        changes = sum(self.changes.counts.values())
        if changes != self._prepared_after:  # what was prepared before may be long, and is hardly asked for again
            self._prepared.clear()
            self._prepared_after = changes
        has_tasks = _knows_core_tasks(caller)
        key = (id(offers), method, caller.era, has_tasks)
        prepared = self._prepared.get(key)
        if prepared is None:
            listed = _listed(method, offers, caller.era, has_tasks=has_tasks)
            prepared = (offers, jsonrpc.encode(finished(caller.era, method, listed, self._info)))
            self._prepared[key] = prepared  # it holds the offers, so that the id stays theirs
            if len(self._prepared) > _PREPARED_LIMIT:
                self._prepared.popitem(last=False)
        return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (jsonrpc.encode(request_id), prepared[1])


def parts_of(response: Json | bytes) -> list[bytes | Slice]:
    """Return what a response is written in, of which its long parts are not bytes yet.

    One that cannot be written is an error, for the client waits for some answer.
    """
    if isinstance(response, bytes):
        return [response]
    try:
        return jsonrpc.parts(response)
    except (ValueError, RecursionError):
        error = RpcError(INTERNAL_ERROR, "the result cannot be written as JSON")
        return [jsonrpc.encode(jsonrpc.failure(response.get("id"), error))]


def _client(session: Session, *, connected: bool) -> ClientChanged:
    info = session.caller.info
    version = info.get("version")
    return ClientChanged(
        session=session.id[:8],  # the whole id lets its holder speak as this client
        name=str(info.get("title") or info.get("name")),
        version=version if isinstance(version, str) else None,
        protocol=session.caller.version,
        connected=connected,
    )


def _knows_core_tasks(caller: Caller) -> bool:
    """Say whether a client's revision has tasks in the core protocol: only the last before 2026-07-28."""
    return caller.version == LATEST_LEGACY


def _listed(method: str, offers: Offers, era: Era, *, has_tasks: bool) -> Json:
    entries = {
        "tools/list": offers.tools,
        "prompts/list": offers.prompts,
        "resources/list": offers.resources,
        "resources/templates/list": offers.templates,
    }[method]
    if method == "tools/list" and era is Era.LEGACY:
        entries = tuple(tool_for_legacy(tool) for tool in entries)
    if method == "tools/list" and not has_tasks:
        entries = tuple(tool for tool in entries if not _needs_task(tool))
    return {LISTS[method]: list(entries)}


def _needs_task(tool: Json) -> bool:
    """Say whether a tool can only be called as a task of the core protocol."""
    execution = tool.get("execution")
    return isinstance(execution, dict) and execution.get("taskSupport") == "required"


def _need(params: Json, key: str, kind: type[Any]) -> Any:
    value = params.get(key)
    if not isinstance(value, kind):
        raise RpcError(INVALID_PARAMS, f"{key!r} must be {'a string' if kind is str else 'an object'}")
    return value
