"""Serve a server of this kit over HTTP: streamable HTTP at /mcp in both eras, the old pair of SSE endpoints at /sse."""

import asyncio
import base64
import binascii
import contextlib
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.servers.core import LEGACY_VERSIONS, META, MODERN_VERSION, Json, Server, Session

_STATUS_OF_CODE = {-32700: 400, -32600: 400, -32602: 400, -32020: 400, -32021: 400, -32022: 400, -32601: 404}
_REASONS = {200: "OK", 202: "Accepted", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}
_NAME_OF = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    **dict.fromkeys(("tasks/get", "tasks/update", "tasks/cancel"), "taskId"),
}
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass
class Request:
    """One HTTP request, read whole."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes = b""


class _Rejected(Exception):
    """An HTTP request answered with a status and a JSON-RPC error."""

    def __init__(self, status: int, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.error: Json = {"code": code, "message": message} | ({} if data is None else {"data": data})


class _Connection(asyncio.StreamReaderProtocol):
    """A stream protocol that tells when the client hangs up, also while its request is being served."""

    def __init__(self, serve: Callable[["_Connection", asyncio.StreamReader], Any]) -> None:
        self.gone = asyncio.Event()
        self.writer: asyncio.StreamWriter
        self._work: asyncio.Task[None] | None = None
        self._serve = serve
        super().__init__(asyncio.StreamReader(limit=2**26), self._connected)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self._work = asyncio.get_running_loop().create_task(self._serve(self, reader))

    def eof_received(self) -> bool | None:
        self.gone.set()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()
        super().connection_lost(exc)

    def reply(self, status: int, body: bytes = b"", *more: str, kind: str = "application/json") -> None:
        """Write a whole response."""
        head = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Other')}", "Connection: close", *more]
        if body:
            head.append(f"Content-Type: {kind}")
        head.append(f"Content-Length: {len(body)}")
        self.writer.write("\r\n".join([*head, "", ""]).encode() + body)


@dataclass
class _Stream:
    """A response that becomes a stream of events with its first message, or stays one JSON answer."""

    connection: _Connection
    request_id: Any = None
    headers: tuple[str, ...] = ()
    begun: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self) -> None:
        head = ["HTTP/1.1 200 OK", "Content-Type: text/event-stream", "Cache-Control: no-store", "Connection: close"]
        self.connection.writer.write("\r\n".join([*head, *self.headers, "", ""]).encode())
        self.begun = True

    def send(self, message: Json) -> None:
        if self.ended.is_set() or self.connection.writer.is_closing():
            return
        is_answer = "method" not in message and message.get("id") == self.request_id
        if is_answer and not self.begun:
            status = _STATUS_OF_CODE.get(message.get("error", {}).get("code", 0), 200)
            self.connection.reply(status, json.dumps(message).encode(), *self.headers)
        else:
            if not self.begun:
                self.begin()
            self.event("message", json.dumps(message))
        if is_answer:
            self.ended.set()

    def event(self, kind: str, data: str) -> None:
        self.connection.writer.write(f"event: {kind}\r\ndata: {data}\r\n\r\n".encode())


@dataclass
class _Standing:
    """The standing stream of a legacy session: what is sent before the client opens it waits."""

    stream: _Stream | None = None
    waiting: list[Json] = field(default_factory=list)

    def send(self, message: Json) -> None:
        if self.stream is not None and not self.stream.connection.gone.is_set():
            self.stream.send(message)
        else:
            self.waiting.append(message)

    def open(self, stream: _Stream) -> None:
        self.stream = stream
        for message in self.waiting:
            stream.send(message)
        self.waiting.clear()


class HttpFront:
    """The HTTP side of one server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.sessions: dict[str, tuple[Session, _Standing]] = {}
        self.requests: list[Request] = []

    async def listen(self, port: int) -> asyncio.Server:
        """Start to listen on a loopback port; 0 picks one."""
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: _Connection(self._serve), "127.0.0.1", port)

    async def _serve(self, connection: _Connection, reader: asyncio.StreamReader) -> None:
        try:
            request = await _read(reader)
            self.requests.append(request)
            await self.handle(connection, request)
        except _Rejected as rejected:
            body = {"jsonrpc": "2.0", "id": _id_of(request), "error": rejected.error}
            connection.reply(rejected.status, json.dumps(body).encode())
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            pass
        finally:
            connection.writer.close()

    async def handle(self, connection: _Connection, request: Request) -> None:
        """Answer one request; subclasses misbehave here."""
        _check_origin(request)
        if request.path == "/sse" and request.method == "GET":
            await self._old_stream(connection)
        elif request.path == "/messages" and request.method == "POST":
            self._old_message(connection, request)
        elif request.path != "/mcp":
            raise _Rejected(404, -32601, "Not found")
        elif request.headers.get("mcp-protocol-version", LEGACY_VERSIONS[0]) in LEGACY_VERSIONS:
            await self._legacy(connection, request)
        else:
            await self._modern(connection, request)

    async def _modern(self, connection: _Connection, request: Request) -> None:
        if "modern" not in self.server.eras:
            raise _Rejected(400, -32000, "Bad Request: Unsupported protocol version")
        if request.method != "POST":
            raise _Rejected(405, -32601, "Method not allowed")
        message = json.loads(request.body)
        if "id" not in message:
            connection.reply(202)
            return
        self._check_headers(request, message)
        stream = _Stream(connection, message["id"])
        session = Session(self.server, "modern", stream.send)
        session.receive(message, stream.send)
        hung_up = await _first(stream.ended, connection.gone)
        if hung_up and not stream.ended.is_set():
            arguments = (message.get("params") or {}).get("arguments") or {}
            self.server.cancelled.append(arguments)
        session.close()
        await _flush(connection)

    async def _legacy(self, connection: _Connection, request: Request) -> None:
        if "legacy" not in self.server.eras:
            message = json.loads(request.body or b"{}")
            asked = (message.get("params") or {}).get("protocolVersion", "")
            data = {"supported": [MODERN_VERSION], "requested": asked}
            raise _Rejected(400, -32022, "Unsupported protocol version", data)
        if request.method == "POST":
            await self._legacy_post(connection, request)
            return
        session, standing = self._find(request)
        if request.method == "DELETE":
            session.close()
            del self.sessions[request.headers["mcp-session-id"]]
            connection.reply(200)
            return
        stream = _Stream(connection)
        stream.begin()
        standing.open(stream)
        await connection.gone.wait()

    async def _legacy_post(self, connection: _Connection, request: Request) -> None:
        message = json.loads(request.body)
        headers: tuple[str, ...] = ()
        if message.get("method") == "initialize":
            name, standing = uuid.uuid4().hex, _Standing()
            session = Session(self.server, "legacy", standing.send)
            self.sessions[name] = (session, standing)
            headers = (f"Mcp-Session-Id: {name}",)
        else:
            session, _ = self._find(request)
        if "id" not in message or "method" not in message:
            session.receive(message)
            connection.reply(202)
            return
        stream = _Stream(connection, message["id"], headers)
        stream.begin()
        session.receive(message, stream.send)
        call = session.calls.get(message["id"])
        if call is not None:
            call.over = stream.ended.set
        # A legacy client that hangs up has not cancelled: the call goes on, only its answer is lost.
        await _first(stream.ended, connection.gone)
        await _flush(connection)

    def _find(self, request: Request) -> tuple[Session, _Standing]:
        name = request.headers.get("mcp-session-id")
        if name is None:
            raise _Rejected(400, -32000, "Bad Request: no session id")
        if name not in self.sessions:
            raise _Rejected(404, -32001, "Session not found")
        return self.sessions[name]

    async def _old_stream(self, connection: _Connection) -> None:
        if "legacy" not in self.server.eras:
            raise _Rejected(405, -32601, "Method not allowed")
        name, stream = uuid.uuid4().hex, _Stream(connection)
        stream.begin()
        stream.event("endpoint", f"/messages?session={name}")
        standing = _Standing(stream)
        session = Session(self.server, "legacy", standing.send)
        self.sessions[name] = (session, standing)
        await connection.gone.wait()
        session.close()
        del self.sessions[name]

    def _old_message(self, connection: _Connection, request: Request) -> None:
        found = self.sessions.get(request.query.get("session", [""])[0])
        if found is None:
            raise _Rejected(404, -32001, "Session not found")
        found[0].receive(json.loads(request.body))
        connection.reply(202)

    def _check_headers(self, request: Request, message: Json) -> None:
        """Refuse a request whose routing headers and body disagree."""
        params = message.get("params") or {}
        version = (params.get("_meta") or {}).get(META + "protocolVersion")
        mismatch = _Rejected(400, -32020, "Header mismatch")
        if version is not None and request.headers["mcp-protocol-version"] != version:
            raise mismatch
        if request.headers["mcp-protocol-version"] != MODERN_VERSION:
            return
        if request.headers.get("mcp-method") != message.get("method"):
            raise mismatch
        key = _NAME_OF.get(message["method"])
        if key and key in params and _decoded(request.headers.get("mcp-name")) != params[key]:
            raise mismatch
        if message["method"] == "tools/call":
            for name, value in self._named_arguments(params):
                if _decoded(request.headers.get(f"mcp-param-{name}".lower())) != value:
                    raise mismatch

    def _named_arguments(self, params: Json) -> list[tuple[str, str]]:
        definition, _ = self.server.tools.get(params.get("name", ""), ({}, None))
        properties: Json = definition.get("inputSchema", {}).get("properties", {})
        arguments = params.get("arguments") or {}
        return [
            (schema["x-mcp-header"], _plain(arguments[key]))
            for key, schema in properties.items()
            if "x-mcp-header" in schema and arguments.get(key) is not None
        ]


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ", 2)
    pairs = (line.split(":", 1) for line in head[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    url = urlsplit(target)
    return Request(method, url.path, parse_qs(url.query), headers, body)


async def _flush(connection: _Connection) -> None:
    with contextlib.suppress(ConnectionError):
        await connection.writer.drain()


async def _first(done: asyncio.Event, gone: asyncio.Event) -> bool:
    """Wait for either event; return whether the client is gone."""
    loop = asyncio.get_running_loop()
    waits = [loop.create_task(event.wait()) for event in (done, gone)]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    return gone.is_set()


def _check_origin(request: Request) -> None:
    """Refuse what a page of another site could have made a browser send."""
    hosts = [urlsplit("//" + request.headers.get("host", "")).hostname]
    if "origin" in request.headers:
        hosts.append(urlsplit(request.headers["origin"]).hostname)
    if not set(hosts) <= _LOOPBACK:
        raise _Rejected(403, -32600, "Forbidden")


def _id_of(request: Request) -> Any:
    try:
        return json.loads(request.body).get("id")
    except (ValueError, AttributeError):
        return None


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _decoded(value: str | None) -> str | None:
    """Return a header's value, decoded when it is written as `=?base64?...?=`; None when it cannot be."""
    if value is None or not (value.startswith("=?base64?") and value.endswith("?=")):
        return value
    try:
        return base64.b64decode(value[9:-2], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
