"""Links without a network: the test is the other side of the wire."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from composite_runtime.wire.call import Caller, Relay, Sizes
from composite_runtime.wire.era import CAPABILITIES_KEY, LATEST_LEGACY, LATEST_MODERN, Era
from composite_runtime.wire.jsonrpc import Json, RequestId, RpcError
from composite_runtime.wire.link import Link
from composite_runtime.wire.transport import Receiver

MODERN = Caller(Era.MODERN, LATEST_MODERN)
LEGACY = Caller(Era.LEGACY, LATEST_LEGACY, info={"name": "test"})


@dataclass
class Wire:
    """A transport that ends in the test: `sent` is what the link wrote, `says` is what comes back."""

    needs_headers: bool = False
    aborts: bool = False
    hello: Json = field(default_factory=dict)
    sent: list[Json] = field(default_factory=list)
    headers: list[Mapping[str, str] | None] = field(default_factory=list)
    aborted: list[RequestId] = field(default_factory=list)
    version: str = ""
    closed: bool = False
    receiver: Receiver = field(init=False)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self, receiver: Receiver) -> None:
        self.receiver = receiver

    def send(self, message: Json, headers: Mapping[str, str] | None = None) -> int:
        self.sent.append(message)
        self.headers.append(headers)
        self._news.set()
        if message.get("method") in ("initialize", "server/discover"):
            asyncio.get_running_loop().call_soon(self.says, {"id": message["id"], **self._greeting(message)})
        return len(str(message))

    def negotiated(self, version: str) -> None:
        self.version = version

    def abort(self, request_id: RequestId) -> bool:
        self.aborted.append(request_id)
        return self.aborts

    async def close(self) -> None:
        self.closed = True

    def says(self, message: Any, related: RequestId | None = None) -> None:
        self.receiver.received({"jsonrpc": "2.0", **message} if isinstance(message, dict) else message, related)

    async def request(self, method: str) -> Json:
        """Return the newest request of this method, once there is one."""
        while not (found := [m for m in self.sent if m.get("method") == method and "id" in m]):
            self._news.clear()
            await self._news.wait()
        return found[-1]

    def told(self, method: str) -> list[Json]:
        return [m.get("params", {}) for m in self.sent if m.get("method") == method and "id" not in m]

    def _greeting(self, message: Json) -> Json:
        if self.hello:
            return self.hello
        if message["method"] == "initialize":
            return {"result": {"protocolVersion": LATEST_LEGACY, "capabilities": {}, "serverInfo": {"name": "w"}}}
        return {"result": {"supportedVersions": [LATEST_MODERN], "capabilities": {}}}


@dataclass
class Told:
    """What a link said to its owner, and how the owner answers what it is asked."""

    notices: list[tuple[str, Json]] = field(default_factory=list)
    noise: list[str] = field(default_factory=list)
    asked: list[tuple[str, Json]] = field(default_factory=list)
    answer: Callable[[str, Json], Any] = lambda method, params: {}

    async def ask(self, method: str, params: Json, relay: Relay | None) -> Json:
        self.asked.append((method, params))
        if relay is not None:
            return await relay.ask(method, params)
        answer = self.answer(method, params)
        return answer if isinstance(answer, dict) else await answer

    def tell(self, method: str, params: Json, relay: Relay | None) -> None:
        self.notices.append((method, params))


@dataclass
class TestRelay:
    """The caller's end of one call."""

    __test__ = False

    caller: Caller = LEGACY
    call: str = "call"
    progress_token: Any = None
    log_level: str | None = None
    sizes: Sizes = field(default_factory=Sizes)
    notices: list[tuple[str, Json]] = field(default_factory=list)
    asked: list[tuple[str, Json]] = field(default_factory=list)
    answers: Any = None
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def can_answer(self, method: str) -> bool:
        return self.caller.era is Era.LEGACY

    def notify(self, method: str, params: Json) -> None:
        self.notices.append((method, params))
        self.news.set()

    async def ask(self, method: str, params: Json) -> Json:
        self.asked.append((method, params))
        self.news.set()
        if self.answers is None:
            raise RpcError(-32601, "nobody is asked in this test")
        answer = self.answers(method, params)
        return answer if isinstance(answer, dict) else await answer


@asynccontextmanager
async def linked(
    era: Era = Era.LEGACY, wire: Wire | None = None, told: Told | None = None
) -> AsyncIterator[tuple[Link, Wire, Told]]:
    """Open a link over a wire that ends in the test."""
    wire, told = wire or Wire(), told or Told()
    link = Link(
        wire,
        capabilities={},
        client_info={"name": "test", "version": "1"},
        ask=told.ask,
        tell=told.tell,
        noise=told.noise.append,
    )
    try:
        await link.open(era)
        yield link, wire, told
    finally:
        await link.close()


def declares(capability: str, era: Era = Era.LEGACY, session: str = "s") -> Caller:
    """Return a caller that can be asked something."""
    version = LATEST_LEGACY if era is Era.LEGACY else LATEST_MODERN
    return Caller(era, version, {capability: {}}, {"name": "test"}, session=session if era is Era.LEGACY else "")


def capabilities_in(message: Json) -> Any:
    return message["params"]["_meta"].get(CAPABILITIES_KEY)
