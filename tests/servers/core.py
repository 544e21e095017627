"""A small MCP server kit on the standard library alone: raw messages, both protocol eras, nothing hidden.

It starts in some fifty milliseconds, sends exactly what a test tells it to, and shares no code with what it tests.
"""

import asyncio
import base64
import itertools
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
Send: TypeAlias = Callable[[Json], None]
Method: TypeAlias = Callable[["Call"], Awaitable[Json]]
Tool: TypeAlias = Callable[["Call", Json], Awaitable[Json]]

LEGACY_VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
MODERN_VERSION = "2026-07-28"
META = "io.modelcontextprotocol/"
LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
CACHEABLE = {
    "server/discover",
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "resources/read",
}
# What each notification of a change is called in the filter of a modern subscription.
LIST_CHANGED = {
    "notifications/tools/list_changed": "toolsListChanged",
    "notifications/prompts/list_changed": "promptsListChanged",
    "notifications/resources/list_changed": "resourcesListChanged",
}


class Refused(Exception):
    """A request answered with an error."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.error: Json = {"code": code, "message": message} | ({} if data is None else {"data": data})


def text(value: str) -> Json:
    return {"content": [{"type": "text", "text": value}]}


def report(value: Any) -> Json:
    """Return a tool result that tells `value` as JSON text, which every era and client can carry."""
    return text(json.dumps(value, sort_keys=True))


class Session:
    """One connection: a stdio process, a legacy HTTP session, or one modern HTTP exchange."""

    def __init__(self, server: "Server", era: str | None, send: Send) -> None:
        self.server = server
        self.era = era
        self.send = send
        self.version = MODERN_VERSION if era == "modern" else ""
        self.initialize: Json | None = None
        self.level = "info"
        self.subscribed: set[str] = set()
        self.calls: dict[Any, Call] = {}
        self._asked: dict[str, asyncio.Future[Json]] = {}
        self._ids = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()

    def receive(self, message: Json, reply: Send | None = None) -> None:
        """Take one message of the client; answers go to `reply`, by default to the connection itself."""
        if "method" not in message:
            self._take_answer(message)
        elif "id" in message:
            call = Call(self, message, reply or self.send)
            self.calls[call.id] = call
            call.task = self._start(self._serve(call))
        else:
            self._take_notification(message)

    async def ask(self, send: Send, method: str, params: Json) -> Json:
        """Send a request to the client and return its result, as a legacy server may."""
        name = f"server-{next(self._ids)}"
        self._asked[name] = asyncio.get_running_loop().create_future()
        send({"jsonrpc": "2.0", "id": name, "method": method, "params": params})
        try:
            return await self._asked[name]
        except asyncio.CancelledError:
            send(
                {
                    "jsonrpc": "2.0",
                    "method": "notifications/cancelled",
                    "params": {"requestId": name, "reason": "no longer needed"},
                }
            )
            raise
        finally:
            del self._asked[name]

    def close(self) -> None:
        """Stop what is still being served."""
        for task in tuple(self._tasks):
            task.cancel()
        self.server.sessions.discard(self)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _serve(self, call: "Call") -> None:
        answer: Json = {"jsonrpc": "2.0", "id": call.id}
        try:
            answer["result"] = await self.server.answer(call)
        except Refused as refused:
            answer["error"] = refused.error
        except asyncio.CancelledError:
            call.over()
            return
        except Exception as error:
            answer["error"] = {"code": -32603, "message": f"{type(error).__name__}: {error}"}
        finally:
            self.calls.pop(call.id, None)
        call.send(answer)

    def _take_answer(self, message: Json) -> None:
        waiting = self._asked.get(message.get("id", ""))
        if waiting is None or waiting.done():
            return
        if "error" in message:
            error = message["error"]
            waiting.set_exception(Refused(error["code"], error["message"], error.get("data")))
        else:
            waiting.set_result(message["result"])

    def _take_notification(self, message: Json) -> None:
        params = message.get("params") or {}
        if message["method"] == "notifications/cancelled":
            call = self.calls.get(params.get("requestId"))
            if call is not None and call.task is not None:
                self.server.cancelled.append(call.params.get("arguments") or {})
                call.task.cancel()
        self.server.notified(self, message["method"], params)


class Call:
    """One request being served, with the channel that belongs to it."""

    def __init__(self, session: Session, message: Json, send: Send) -> None:
        self.session = session
        self.id = message["id"]
        self.method: str = message["method"]
        self.params: Json = message.get("params") or {}
        self.meta: Json = self.params.get("_meta") or {}
        self.send = send
        self.over: Callable[[], None] = lambda: None
        self.task: asyncio.Task[None] | None = None

    @property
    def era(self) -> str:
        return self.session.era or "legacy"

    @property
    def capabilities(self) -> Json:
        if self.era == "modern":
            return self.meta.get(META + "clientCapabilities") or {}
        return (self.session.initialize or {}).get("capabilities") or {}

    @property
    def inputs(self) -> Json:
        return self.params.get("inputResponses") or {}

    def notify(self, method: str, params: Json) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def progress(self, progress: float, **more: Any) -> None:
        if "progressToken" in self.meta:
            self.notify(
                "notifications/progress",
                {"progressToken": self.meta["progressToken"], "progress": progress, **more},
            )

    def log(self, level: str, data: Any, **more: Any) -> None:
        """Send a log message when the client asked for this level: per request when modern, per session before."""
        wanted = self.meta.get(META + "logLevel") if self.era == "modern" else self.session.level
        if wanted in LEVELS and LEVELS.index(level) >= LEVELS.index(wanted):
            self.notify("notifications/message", {"level": level, "data": data, **more})

    async def ask(self, method: str, params: Json) -> Json:
        return await self.session.ask(self.send, method, params)


class Server:
    """What is offered, and to which eras. Subclasses add tools, resources and prompts."""

    name = "fixture"
    version = "1.0"
    instructions: str | None = None
    page_size = 1000

    def __init__(self, eras: Iterable[str] = ("legacy", "modern")) -> None:
        self.eras = frozenset(eras)
        self.sessions: set[Session] = set()
        self.cancelled: list[Json] = []
        self.listens: dict[tuple[int, Any], tuple[Call, Json]] = {}
        self.tools: dict[str, tuple[Json, Tool]] = {}
        self.resources: list[Json] = []
        self.templates: list[Json] = []
        self.prompts: list[Json] = []
        self.methods: dict[str, Method] = {
            "initialize": self._initialize,
            "server/discover": self._discover,
            "ping": self._nothing,
            "logging/setLevel": self._set_level,
            "tools/list": lambda call: self._page(call, "tools", [definition for definition, _ in self.tools.values()]),
            "tools/call": self._call_tool,
            "resources/list": lambda call: self._page(call, "resources", self.resources),
            "resources/templates/list": lambda call: self._page(call, "resourceTemplates", self.templates),
            "resources/read": self.read_resource,
            "resources/subscribe": self._subscribe,
            "resources/unsubscribe": self._unsubscribe,
            "prompts/list": lambda call: self._page(call, "prompts", self.prompts),
            "prompts/get": self.get_prompt,
            "completion/complete": self.complete,
            "subscriptions/listen": self._listen,
        }

    # What a subclass says.

    def capabilities(self, era: str) -> Json:
        changes = {"listChanged": True}
        offered: Json = {
            "tools": changes,
            "prompts": changes,
            "resources": {"subscribe": True, **changes},
            "completions": {},
        }
        return offered if era == "modern" else {**offered, "logging": {}}

    async def read_resource(self, call: Call) -> Json:
        raise not_found(call)

    async def get_prompt(self, call: Call) -> Json:
        raise Refused(-32602, f"Unknown prompt: {call.params.get('name')}")

    async def complete(self, call: Call) -> Json:
        return {"completion": {"values": [], "total": 0, "hasMore": False}}

    def notified(self, session: Session, method: str, params: Json) -> None:
        """Hear a notification of the client."""

    def tool(self, name: str, **definition: Any) -> Callable[[Tool], Tool]:
        """Offer the decorated coroutine as a tool; `definition` is listed as it stands."""
        listed = {"name": name, "description": f"The tool {name}.", "inputSchema": {"type": "object"}, **definition}

        def add(handler: Tool) -> Tool:
            self.tools[name] = (listed, handler)
            return handler

        return add

    # What the kit does.

    async def answer(self, call: Call) -> Json:
        """Return the result of a request, or raise `Refused`."""
        self._admit(call)
        handler = self.methods.get(call.method)
        if handler is None or not _exists(call.method, call.era):
            raise Refused(-32601, f"Method not found: {call.method}")
        return self._finish(call, await handler(call))

    def changed(self, method: str, params: Json | None = None) -> None:
        """Tell every client that wants to know about a change of a list or of one resource."""
        params = params or {}
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        for session in tuple(self.sessions):
            if session.initialize is not None and ("uri" not in params or params["uri"] in session.subscribed):
                session.send(message)
        for call, wanted in tuple(self.listens.values()):
            if wanted.get(LIST_CHANGED.get(method, "")) or params.get("uri") in wanted.get("resourceSubscriptions", ()):
                call.notify(method, {**params, "_meta": {META + "subscriptionId": call.id}})

    def _admit(self, call: Call) -> None:
        """Refuse what the era of the connection does not allow; a connection takes the era of its first request."""
        asked = "modern" if META + "protocolVersion" in call.meta else "legacy"
        if call.method == "server/discover":
            asked = "modern"
        session = call.session
        if session.era is None:
            if asked not in self.eras:
                raise self._wrong_era(call, asked)
            session.era = asked
        if session.era == "modern":
            self._check_envelope(call)
        elif asked == "modern":
            raise self._wrong_era(call, asked)
        elif session.initialize is None and call.method not in ("initialize", "ping"):
            raise Refused(-32600, "Not initialized")

    def _wrong_era(self, call: Call, asked: str) -> Refused:
        if asked == "modern":
            return Refused(-32601, f"Method not found: {call.method}")
        requested = call.params.get("protocolVersion", "")
        return Refused(-32022, "Unsupported protocol version", {"supported": [MODERN_VERSION], "requested": requested})

    def _check_envelope(self, call: Call) -> None:
        version = call.meta.get(META + "protocolVersion")
        if call.method == "initialize" and version is None:
            raise self._wrong_era(call, "legacy")
        if version is None or not isinstance(call.meta.get(META + "clientCapabilities"), dict):
            raise Refused(-32602, "Invalid params: _meta lacks protocolVersion or clientCapabilities")
        if version != MODERN_VERSION:
            data = {"supported": [MODERN_VERSION], "requested": version}
            raise Refused(-32022, "Unsupported protocol version", data)

    def _finish(self, call: Call, result: Json) -> Json:
        if call.era == "legacy":
            return result
        result = {"resultType": "complete", **result}
        result["_meta"] = {META + "serverInfo": {"name": self.name, "version": self.version}, **result.get("_meta", {})}
        if call.method in CACHEABLE and result["resultType"] == "complete":
            result = {"ttlMs": 0, "cacheScope": "private", **result}
        return result

    async def _initialize(self, call: Call) -> Json:
        call.session.initialize = call.params
        asked = call.params.get("protocolVersion")
        call.session.version = asked if asked in LEGACY_VERSIONS else LEGACY_VERSIONS[0]
        self.sessions.add(call.session)
        told = {} if self.instructions is None else {"instructions": self.instructions}
        return {
            "protocolVersion": call.session.version,
            "capabilities": self.capabilities("legacy"),
            "serverInfo": {"name": self.name, "version": self.version},
            **told,
        }

    async def _discover(self, call: Call) -> Json:
        told = {} if self.instructions is None else {"instructions": self.instructions}
        return {"supportedVersions": [MODERN_VERSION], "capabilities": self.capabilities("modern"), **told}

    async def _nothing(self, call: Call) -> Json:
        return {}

    async def _set_level(self, call: Call) -> Json:
        if call.params.get("level") not in LEVELS:
            raise Refused(-32602, "Unknown level")
        call.session.level = call.params["level"]
        return {}

    async def _page(self, call: Call, key: str, items: list[Json]) -> Json:
        cursor = call.params.get("cursor")
        try:
            start = 0 if cursor is None else int(base64.b64decode(cursor, validate=True))
        except ValueError:
            raise Refused(-32602, "Invalid cursor") from None
        page: Json = {key: items[start : start + self.page_size]}
        if start + self.page_size < len(items):
            page["nextCursor"] = base64.b64encode(str(start + self.page_size).encode()).decode()
        return page

    async def _call_tool(self, call: Call) -> Json:
        _, handler = self.tools.get(call.params.get("name", ""), (None, None))
        if handler is None:
            raise Refused(-32602, f"Unknown tool: {call.params.get('name')}")
        return await handler(call, call.params.get("arguments") or {})

    async def _subscribe(self, call: Call) -> Json:
        call.session.subscribed.add(call.params["uri"])
        return {}

    async def _unsubscribe(self, call: Call) -> Json:
        call.session.subscribed.discard(call.params["uri"])
        return {}

    async def _listen(self, call: Call) -> Json:
        wanted = {key: value for key, value in (call.params.get("notifications") or {}).items() if value}
        meta = {META + "subscriptionId": call.id}
        key = (id(call.session), call.id)
        self.listens[key] = (call, wanted)
        call.notify("notifications/subscriptions/acknowledged", {"notifications": wanted, "_meta": meta})
        try:
            await asyncio.Event().wait()
        finally:
            del self.listens[key]
        return {"_meta": meta}


def not_found(call: Call) -> Refused:
    """Return the error for a resource that does not exist, which the modern era gives another code."""
    uri = call.params.get("uri")
    return Refused(-32602 if call.era == "modern" else -32002, f"Resource not found: {uri}", {"uri": uri})


def _exists(method: str, era: str) -> bool:
    gone = {"initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"}
    return method not in (gone if era == "modern" else {"server/discover", "subscriptions/listen"})
