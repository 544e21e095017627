"""A raw MCP client for tests: both eras, over pipes or HTTP; what it returns is what was on the wire."""

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, Protocol, Self, TypeAlias

from tests.servers.core import META, MODERN_VERSION

Json: TypeAlias = dict[str, Any]
Answer: TypeAlias = Callable[[str, Json], Json]

PATIENCE_S = 10.0
"""How long a test waits for what should come at once."""


class Refused(Exception):
    """The other side answered with an error."""

    def __init__(self, error: Json) -> None:
        super().__init__(f"{error.get('code')}: {error.get('message')}")
        self.error = error
        self.code = error.get("code")
        self.data = error.get("data")


class Wire(Protocol):
    """Carries messages; `receive` of the client is called, in wire order, with what comes back."""

    def open(self, client: "Client") -> None: ...

    def send(self, message: Json) -> None: ...

    def abort(self, request_id: Any) -> bool:
        """Hang up on one request, where the wire can; return whether it could."""

    def opened(self) -> None:
        """Learn that a legacy session is initialised."""

    def close(self) -> None: ...


class Pending:
    """A request on its way."""

    def __init__(self, client: "Client", request_id: Any, token: Any) -> None:
        self.id = request_id
        self.token = token
        self.future: Future[Json] = Future()
        self._client = client

    def result(self, timeout: float = PATIENCE_S) -> Json:
        """Return the result, or raise `Refused`."""
        answer = self.future.result(timeout)
        if "error" in answer:
            raise Refused(answer["error"])
        result: Json = answer["result"]
        return result

    def progress(self) -> list[Json]:
        """Return the parameters of the progress told so far, in wire order."""
        return [p for p in self._client.heard("notifications/progress") if p["progressToken"] == self.token]

    def wait_for_progress(self, timeout: float = PATIENCE_S) -> None:
        self._client.wait(lambda: bool(self.progress()), timeout, "progress")

    def cancel(self) -> None:
        """Cancel as the era and the wire demand: by hanging up, else by a notification."""
        if not (self._client.era == "modern" and self._client.wire.abort(self.id)):
            self._client.notify("notifications/cancelled", {"requestId": self.id, "reason": "test"})


class Client:
    """One client. `answer` gives the results of what servers ask; `asked` keeps what they asked."""

    def __init__(
        self,
        wire: Wire,
        era: str,
        *,
        capabilities: Json | None = None,
        answer: Answer | None = None,
        version: str = "2025-11-25",
    ) -> None:
        self.wire = wire
        self.era = era
        self.capabilities = (
            {"sampling": {}, "elicitation": {"form": {}, "url": {}}, "roots": {"listChanged": True}}
            if capabilities is None
            else capabilities
        )
        self.info = {"name": "raw-test-client", "version": "7", "title": "Raw"}
        self.initialized: Json = {}
        self.log_level: str | None = None
        self.asked: list[tuple[str, Json]] = []
        self.received: list[Json] = []
        self._version = version
        self._answer = answer
        self._ids = itertools.count(1)
        self._pending: dict[Any, Pending] = {}
        self._news = threading.Condition()

    def __enter__(self) -> Self:
        self.wire.open(self)
        if self.era == "legacy":
            self.initialized = self.request(
                "initialize",
                {"protocolVersion": self._version, "capabilities": self.capabilities, "clientInfo": self.info},
            )
            self.notify("notifications/initialized")
            self.wire.opened()
        else:
            self.initialized = self.request("server/discover")
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.close()

    def start(self, method: str, params: Mapping[str, Any] | None = None, *, progress: Any = None) -> Pending:
        """Send a request and return at once. `progress` is the token by which progress is asked for."""
        request_id = next(self._ids)
        body = self._enveloped(dict(params or {}), progress)
        pending = self._pending[request_id] = Pending(self, request_id, progress)
        message: Json = {"jsonrpc": "2.0", "id": request_id, "method": method}
        self.wire.send({**message, "params": body} if body else message)
        return pending

    def request(self, method: str, params: Mapping[str, Any] | None = None, *, timeout: float = PATIENCE_S) -> Json:
        return self.start(method, params).result(timeout)

    def call(self, tool: str, arguments: Json | None = None, *, timeout: float = PATIENCE_S) -> Json:
        """Call a tool, giving whatever input is asked for on the way."""
        return self.converse("tools/call", {"name": tool, "arguments": arguments or {}}, timeout=timeout)

    def converse(self, method: str, params: Json, *, timeout: float = PATIENCE_S, rounds: int = 8) -> Json:
        """Send a request and answer rounds of `input_required` until it is complete."""
        more: Json = {}
        for _ in range(rounds):
            result = self.request(method, {**params, **more}, timeout=timeout)
            if result.get("resultType") != "input_required":
                return result
            wanted = result.get("inputRequests") or {}
            more = {
                "inputResponses": {
                    key: self._give(ask["method"], ask.get("params") or {}) for key, ask in wanted.items()
                }
            }
            if "requestState" in result:
                more["requestState"] = result["requestState"]
        raise AssertionError(f"{method} still asks for input after {rounds} rounds")

    def notify(self, method: str, params: Json | None = None) -> None:
        message: Json = {"jsonrpc": "2.0", "method": method}
        self.wire.send(message if params is None else {**message, "params": params})

    def list_all(self, method: str, key: str) -> list[Json]:
        """Return the items of every page."""
        items: list[Json] = []
        cursor: Json = {}
        for _ in range(1000):
            page = self.request(method, cursor)
            items += page[key]
            if "nextCursor" not in page:
                return items
            cursor = {"cursor": page["nextCursor"]}
        raise AssertionError(f"{method} never ends")

    def tools(self) -> dict[str, Json]:
        return {tool["name"]: tool for tool in self.list_all("tools/list", "tools")}

    def wait_for_tool(self, name: str, timeout: float = 15.0) -> None:
        self.wait(lambda: name in self.tools(), timeout, f"the tool {name}")

    def heard(self, method: str) -> list[Json]:
        """Return the parameters of the notifications received so far, in wire order."""
        with self._news:
            return [m.get("params") or {} for m in self.received if m.get("method") == method and "id" not in m]

    def wait_to_hear(self, method: str, count: int = 1, timeout: float = PATIENCE_S) -> list[Json]:
        self.wait(lambda: len(self.heard(method)) >= count, timeout, method)
        return self.heard(method)

    def wait(self, condition: Callable[[], bool], timeout: float, what: str) -> None:
        """Wait until a condition over what was received holds; fail when it does not in time."""
        deadline = time.monotonic() + timeout
        while not condition():
            with self._news:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise AssertionError(f"{what} did not come within {timeout} s; received {self.received[-5:]}")
                self._news.wait(min(remaining, 0.2))

    def receive(self, message: Json) -> None:
        """Take one message of the server; called by the wire."""
        with self._news:
            self.received.append(message)
            self._news.notify_all()
        if "method" not in message:
            pending = self._pending.get(message.get("id"))
            if pending is not None and not pending.future.done():
                pending.future.set_result(message)
        elif "id" in message:
            threading.Thread(target=self._reply, args=(message,), daemon=True).start()

    def lost(self, reason: str, request_id: Any = None) -> None:
        """Fail what waits: all of it, or one request whose stream ended."""
        waiting = [self._pending[request_id]] if request_id in self._pending else [*self._pending.values()]
        for pending in waiting:
            if not pending.future.done():
                pending.future.set_result({"error": {"code": 0, "message": f"connection lost: {reason}"}})

    def _enveloped(self, params: Json, progress: Any) -> Json:
        meta = dict(params.get("_meta") or {})
        if progress is not None:
            meta["progressToken"] = progress
        if self.era == "modern":
            meta.setdefault(META + "protocolVersion", MODERN_VERSION)
            meta.setdefault(META + "clientCapabilities", self.capabilities)
            meta.setdefault(META + "clientInfo", self.info)
            if self.log_level is not None:
                meta.setdefault(META + "logLevel", self.log_level)
        return {**params, "_meta": meta} if meta else params

    def _give(self, method: str, params: Json) -> Json:
        self.asked.append((method, params))
        if self._answer is None:
            raise AssertionError(f"the server asked {method}, which this test does not expect")
        return self._answer(method, params)

    def _reply(self, message: Json) -> None:
        reply: Json = {"jsonrpc": "2.0", "id": message["id"]}
        try:
            reply["result"] = (
                {} if message["method"] == "ping" else self._give(message["method"], message.get("params") or {})
            )
        except Refused as refused:
            reply["error"] = refused.error
        except Exception as error:
            reply["error"] = {"code": -32603, "message": str(error)}
        with contextlib.suppress(OSError):
            self.wire.send(reply)
