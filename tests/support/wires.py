"""How the raw client reaches a server: the pipes of a process, or streamable HTTP."""

import base64
import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import IO, Any
from urllib.parse import urlsplit

from tests.servers.core import META, MODERN_VERSION
from tests.support.client import Client, Json

_NAME_OF = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    **dict.fromkeys(("tasks/get", "tasks/update", "tasks/cancel"), "taskId"),
}


class Pipes:
    """The standard input and output of a process that somebody else owns."""

    def __init__(self, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._writing = threading.Lock()

    def open(self, client: Client) -> None:
        threading.Thread(target=self._read, args=(client,), daemon=True).start()

    def send(self, message: Json) -> None:
        with self._writing, contextlib.suppress(BrokenPipeError):
            self._stdin.write(json.dumps(message).encode() + b"\n")
            self._stdin.flush()

    def abort(self, request_id: Any) -> bool:
        return False

    def opened(self) -> None:
        pass

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._stdin.close()

    def _read(self, client: Client) -> None:
        with contextlib.suppress(ValueError):
            for line in self._stdout:
                client.receive(json.loads(line))
        client.lost("the output ended")


class Http:
    """Streamable HTTP, one connection per request."""

    def __init__(self, url: str, *, token: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        self._url = urlsplit(url)
        self._headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        self._headers |= headers or {}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._session: dict[str, str] = {}
        self._sockets: dict[Any, socket.socket] = {}
        self._listening = threading.Event()
        self.param_headers: dict[str, str] = {}
        self._client: Client

    def open(self, client: Client) -> None:
        self._client = client

    def send(self, message: Json) -> None:
        if "id" in message and "method" in message and message["method"] != "initialize":
            threading.Thread(target=self._exchange, args=(message,), daemon=True).start()
        else:
            self._exchange(message)

    def abort(self, request_id: Any) -> bool:
        with contextlib.suppress(OSError, KeyError):
            self._sockets[request_id].shutdown(socket.SHUT_RDWR)
        return True

    def opened(self) -> None:
        """Open the standing stream, and wait until the server has it."""
        threading.Thread(target=self._listen, daemon=True).start()
        self._listening.wait(10)

    def close(self) -> None:
        if self._session and "Mcp-Session-Id" in self._session:
            errors = contextlib.suppress(OSError, http.client.HTTPException)
            with errors, self._opened("end", "DELETE", None, {}) as response:
                response.read()
        for sock in tuple(self._sockets.values()):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _exchange(self, message: Json) -> None:
        request_id = message.get("id")
        # Answers and notifications have no id of ours, and may be under way several at a time.
        key = request_id if "method" in message and "id" in message else object()
        reason = "the answer's stream ended"
        try:
            with self._opened(key, "POST", json.dumps(message).encode(), self._routing(message)) as response:
                if message.get("method") == "initialize":
                    self._begin(response)
                for received in _messages(response):
                    self._client.receive(received)
            reason = f"HTTP status {response.status}" if response.status >= 400 else reason
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = f"{type(error).__name__}: {error}"
        if "method" in message and request_id is not None:
            self._client.lost(reason, request_id)

    def _begin(self, response: http.client.HTTPResponse) -> None:
        self._session = {"MCP-Protocol-Version": "2025-11-25"}
        session = response.getheader("Mcp-Session-Id")
        if session:
            self._session["Mcp-Session-Id"] = session

    def _listen(self) -> None:
        errors = contextlib.suppress(OSError, http.client.HTTPException, ValueError)
        with errors, self._opened("standing", "GET", None, {"Accept": "text/event-stream"}) as response:
            self._listening.set()
            for received in _messages(response):
                self._client.receive(received)
        self._listening.set()

    @contextlib.contextmanager
    def _opened(
        self, key: Any, method: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request on a connection of its own, which another thread may hang up on by its key."""
        connection = http.client.HTTPConnection(self._url.hostname or "", self._url.port, timeout=60)
        connection.connect()
        with connection.sock as sock:
            self._sockets[key] = sock
            try:
                connection.request(method, self._url.path, body, {**self._headers, **self._session, **headers})
                with connection.getresponse() as response:
                    yield response
            finally:
                self._sockets.pop(key, None)

    def _routing(self, message: Json) -> dict[str, str]:
        """Return the headers that the modern era repeats from the body."""
        params = message.get("params") or {}
        if self._client.era != "modern":
            return {}
        version = (params.get("_meta") or {}).get(META + "protocolVersion", MODERN_VERSION)
        headers = {"MCP-Protocol-Version": version, "Mcp-Method": message.get("method", "")}
        key = _NAME_OF.get(message.get("method", ""))
        if key and key in params:
            headers["Mcp-Name"] = _encoded(params[key])
        return {**headers, **self.param_headers}


def _encoded(value: str) -> str:
    if value.isascii() and value.isprintable() and value == value.strip() and not value.startswith("=?"):
        return value
    return f"=?base64?{base64.b64encode(value.encode()).decode()}?="


def _messages(response: http.client.HTTPResponse) -> Iterator[Json]:
    """Yield the JSON-RPC messages of a response, whichever of its two forms it has."""
    if response.getheader("Content-Type", "").startswith("text/event-stream"):
        data: list[bytes] = []
        for line in response:
            if line.startswith(b"data:"):
                data.append(line[5:].strip())
            elif not line.strip():
                if joined := b"\n".join(data):
                    yield json.loads(joined)
                data.clear()
    elif body := response.read():
        yield json.loads(body)
