"""Serving over streamable HTTP, against raw requests."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from composite_runtime.front.http import HttpFront
from composite_runtime.front.listener import Listener
from composite_runtime.front.server import Server
from composite_runtime.graph.model import ServingLimits
from composite_runtime.provider import Kind, Provider
from composite_runtime.wire import jsonrpc
from composite_runtime.wire.era import CAPABILITIES_KEY, LATEST_LEGACY, LATEST_MODERN, VERSION_KEY, Era
from composite_runtime.wire.http import HttpChild
from composite_runtime.wire.jsonrpc import Json
from composite_runtime.wire.link import Link
from tests.support.breaking import breaking
from tests.support.links import TestRelay, Told
from tests.support.providers import HandMade

HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
JSON_TYPES = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
ENVELOPE = {VERSION_KEY: LATEST_MODERN, CAPABILITIES_KEY: {"elicitation": {}}}


class Answer:
    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def messages(self) -> list[Json]:
        """The messages in the order they came, whichever form the answer has."""
        if self.headers.get("content-type", "").startswith("text/event-stream"):
            return [json.loads(line[6:]) for line in self.body.decode().split("\n") if line.startswith("data: ")]
        return [json.loads(self.body)] if self.body else []

    @property
    def code(self) -> Any:
        return self.messages[-1]["error"]["code"]


class Stream:
    """An answer that is still being written."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.last_event = ""

    async def message(self) -> Json:
        while True:
            line = await asyncio.wait_for(self.reader.readline(), 5)
            if not line:
                raise EOFError
            if line.startswith(b"id: "):
                self.last_event = line[4:].decode().strip()
            if line.startswith(b"data: "):
                message: Json = json.loads(line[6:])
                return message

    def close(self) -> None:
        self.writer.close()


class Site:
    """One served provider."""

    def __init__(self, port: int, front: HttpFront, server: Server) -> None:
        self.port = port
        self.front = front
        self.server = server
        self._streams: list[Stream] = []

    async def send(self, method: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Return the whole answer to one request."""
        stream = await self.begin(method, body, headers)
        try:
            data = await asyncio.wait_for(stream.reader.read(), 10)
        finally:
            stream.close()
        head, _, rest = data.partition(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").split("\r\n")
        named = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
        return Answer(int(line.split()[1]), named, _unchunked(rest) if "transfer-encoding" in named else rest)

    async def begin(self, method: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Stream:
        """Return the answer to one request as it comes."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {"host": f"127.0.0.1:{self.port}", "connection": "close", "content-length": str(len(raw)), **JSON_TYPES}
        sent |= headers or {}
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        fields = "".join(f"{name}: {value}\r\n" for name, value in sent.items() if value)
        path = sent.pop("path", "/mcp")
        writer.write(f"{method} {path} HTTP/1.1\r\n{fields}\r\n".encode("latin-1") + raw)
        stream = Stream(reader, writer)
        self._streams.append(stream)
        return stream

    async def post(self, method: str, params: Any = None, *, request_id: Any = 1, **headers: str) -> Answer:
        """Send a modern request."""
        return await self.send("POST", *self.modern(method, params, request_id=request_id, **headers))

    def modern(self, method: str, params: Any = None, *, request_id: Any = 1, **headers: str) -> tuple[Json, Any]:
        params = {**(params or {}), "_meta": {**ENVELOPE, **(params or {}).get("_meta", {})}}
        routing = {"mcp-protocol-version": LATEST_MODERN, "mcp-method": method}
        key = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}.get(method)
        if key and key in params:
            routing["mcp-name"] = str(params[key])
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
        return body, {**routing, **named}

    async def session(self, **capabilities: Any) -> "Session":
        params = {"protocolVersion": LATEST_LEGACY, "capabilities": capabilities, "clientInfo": {"name": "t"}}
        answer = await self.send("POST", {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
        return Session(self, answer.headers["mcp-session-id"])

    def close(self) -> None:
        for stream in self._streams:
            stream.close()


class Session:
    """A legacy client's session."""

    def __init__(self, site: Site, session_id: str) -> None:
        self.site = site
        self.headers = {"mcp-session-id": session_id, "mcp-protocol-version": LATEST_LEGACY}

    def body(self, method: str, params: Any = None, request_id: Any = 1) -> Json:
        return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params or {}}

    async def ask(self, method: str, params: Any = None, request_id: Any = 1) -> Answer:
        return await self.site.send("POST", self.body(method, params, request_id), self.headers)

    async def begin(self, method: str, params: Any = None, request_id: Any = 1) -> Stream:
        return await self.site.begin("POST", self.body(method, params, request_id), self.headers)

    async def tell(self, message: Json) -> Answer:
        return await self.site.send("POST", {"jsonrpc": "2.0", **message}, self.headers)

    async def listen(self) -> Stream:
        stream = await self.site.begin("GET", None, {**self.headers, "accept": "text/event-stream"})
        await asyncio.wait_for(stream.reader.readuntil(b"\r\n\r\n"), 5)
        return stream

    async def come_back(self, last_event: str) -> Stream:
        headers = {**self.headers, "accept": "text/event-stream", "last-event-id": last_event}
        return await self.site.begin("GET", None, headers)

    async def end(self) -> Answer:
        return await self.site.send("DELETE", None, self.headers)


def _unchunked(data: bytes) -> bytes:
    whole = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        whole, data = whole + data[: int(size, 16)], data[int(size, 16) + 2 :]
    return whole


@asynccontextmanager
async def served(provider: Provider, *, token: str | None = None, hosts: Any = HOSTS) -> AsyncIterator[Site]:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    server = Server(provider, "1.0")
    front = HttpFront(server, path="/mcp", hosts=hosts, token=token)
    listener = Listener(front, listening)
    serving = asyncio.get_running_loop().create_task(listener.serve())
    site = Site(listening.getsockname()[1], front, server)
    try:
        yield site
    finally:
        site.close()
        server.close()
        await front.close()
        await listener.stop()
        await serving


def asking(method: str, params: Json, relay: Any) -> Any:
    """Ask the client of the call something, telling progress before it and a log message after it."""

    async def work() -> Json:
        who = params["arguments"]["who"]
        if relay.progress_token is not None:
            relay.notify("notifications/progress", {"progressToken": relay.progress_token, "progress": 1, "who": who})
        answer = await relay.ask("elicitation/create", {"message": who})
        relay.notify("notifications/message", {"level": "info", "data": who})
        return {"content": [], "answer": answer}

    return work()


def hanging(method: str, params: Json, relay: Any) -> Any:
    async def work() -> Json:
        await asyncio.Event().wait()
        return {}

    return work()


ORIGINS = [
    ("http://localhost:1", 200),
    ("http://127.0.0.1", 200),
    ("http://[::1]:80", 200),
    ("https://evil.example", 403),
    ("http://localhost.evil.example", 403),
    ("http://127.0.0.1.evil.example", 403),
    ("http://evil.example/localhost", 403),
    ("null", 403),
    ("file://", 403),
    ("localhost", 403),
]


@pytest.mark.parametrize(("origin", "status"), ORIGINS)
async def test_web_pages_of_others_are_refused_by_their_origin(origin: str, status: int) -> None:
    async with served(HandMade("p")) as site:
        assert (await site.post("server/discover", origin=origin)).status == status


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:80", "[::2]:80", "127.0.0.1.nip.example"])
async def test_other_names_of_this_machine_are_refused(host: str) -> None:
    async with served(HandMade("p")) as site:
        assert (await site.post("server/discover", host=host)).status == 421


TOKENS = [
    ("", 401),
    ("Bearer wrong", 401),
    ("Bearer ", 401),
    ("Basic s3cret", 401),
    ("s3cret", 401),
    ("Bearer s3creté", 401),
    ("Bearer s3cret", 200),
    ("bearer  s3cret ", 200),
]


@pytest.mark.parametrize(("header", "status"), TOKENS)
async def test_a_token_is_asked_of_everybody(header: str, status: int) -> None:
    async with served(HandMade("p"), token="s3cret") as site:
        answer = await site.post("server/discover", authorization=header)
        assert answer.status == status
        assert ("www-authenticate" in answer.headers) is (status == 401)


@pytest.mark.parametrize(("method", "status"), [("GET", 400), ("DELETE", 400), ("PUT", 405), ("OPTIONS", 405)])
async def test_what_is_not_a_post_is_answered_by_its_status(method: str, status: int) -> None:
    async with served(HandMade("p")) as site:
        assert (await site.send(method)).status == status


BODIES: list[tuple[bytes, int]] = [
    (b"", 400),
    (b"nonsense", 400),
    (b"[]", 400),
    (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', 400),
    (b"5", 400),
    (b"null", 400),
    (b'{"jsonrpc":"2.0","id":NaN,"method":"ping"}', 400),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":1e999}}', 400),
    (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', 400),
    (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', 400),
    (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', 400),
    (b'{"jsonrpc":"2.0","id":[],"method":"ping"}', 400),
    (b"[" * 100_000, 400),
    (b'{"a":' * 100_000, 400),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping"}garbage', 400),
    (b"\xff\xfe\x00", 400),
    (b"\xef\xbb\xbf" + b'{"jsonrpc":"2.0","id":1,"method":"ping"}', 200),
    (b'  \r\n{"jsonrpc":"2.0","id":1,"method":"ping"}\r\n', 200),
]


@pytest.mark.parametrize(("body", "status"), BODIES, ids=lambda value: repr(value)[:40])
async def test_a_body_that_is_no_message_is_refused_and_the_next_is_served(body: bytes, status: int) -> None:
    async with served(HandMade("p")) as site:
        session = await site.session()
        assert (await site.send("POST", body, session.headers)).status == status
        assert (await session.ask("ping")).messages == [{"jsonrpc": "2.0", "id": 1, "result": {}}]


async def test_a_legacy_client_has_a_session_from_handshake_to_farewell() -> None:
    provider = HandMade("p", tools=("t",))
    async with served(provider) as site:
        session = await site.session()
        assert [tool["name"] for tool in (await session.ask("tools/list")).messages[0]["result"]["tools"]] == ["t"]
        assert (await session.tell({"method": "notifications/initialized"})).status == 202
        assert (await session.end()).status == 200
        assert (await session.ask("tools/list")).status == 404
        assert (await session.end()).status == 404
        assert len(provider.forgotten) == 1


async def test_a_request_without_or_with_an_unknown_session_is_told_what_to_do() -> None:
    async with served(HandMade("p")) as site:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        assert (await site.send("POST", body)).status == 400
        assert (await site.send("POST", body, {"mcp-session-id": "x"})).status == 404


async def test_a_handshake_that_fails_leaves_no_session() -> None:
    async with served(HandMade("p")) as site:
        answer = await site.send("POST", {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}})
        assert answer.code == jsonrpc.INVALID_PARAMS
        assert site.front._sessions == {}


async def test_a_modern_request_needs_headers_that_say_what_its_body_says() -> None:
    async with served(HandMade("p", tools=("t",))) as site:
        good = {"name": "t", "arguments": {}}
        assert (await site.post("tools/call", good)).status == 200
        for header, value in (("mcp_method", "tools/list"), ("mcp_name", "u"), ("mcp_method", ""), ("mcp_name", "")):
            answer = await site.post("tools/call", good, **{header: value})
            assert (answer.status, answer.code) == (400, jsonrpc.HEADER_MISMATCH)
        answer = await site.post("tools/call", {**good, "_meta": {VERSION_KEY: "2031-01-01"}})
        assert (answer.status, answer.code) == (400, jsonrpc.HEADER_MISMATCH)


async def test_modern_errors_have_their_status() -> None:
    async with served(HandMade("p")) as site:
        assert (await site.post("no/such")).status == 404
        assert (await site.post("tools/call", {"arguments": []})).status == 400
        answer = await site.post(
            "tools/list", {"_meta": {VERSION_KEY: "2031-01-01"}}, mcp_protocol_version="2031-01-01"
        )
        assert (answer.status, answer.code) == (400, jsonrpc.UNSUPPORTED_VERSION)


async def test_an_answer_with_something_before_it_is_a_stream_in_order() -> None:
    def telling(method: str, params: Json, relay: Any) -> Json:
        for step in range(20):
            relay.notify("notifications/progress", {"progressToken": relay.progress_token, "progress": step})
        return {"content": []}

    async with served(HandMade("p", answers=telling)) as site:
        session = await site.session()
        answer = await session.ask("tools/call", {"name": "t", "_meta": {"progressToken": "tok"}})
        *progress, last = answer.messages
        assert [message["params"]["progress"] for message in progress] == list(range(20))
        assert last["result"] == {"content": []}


async def test_two_clients_that_do_the_same_at_once_get_their_own_questions_progress_and_logs() -> None:
    async with served(HandMade("p", answers=asking)) as site:
        sessions = [await site.session(elicitation={}) for _ in range(2)]
        standing = [await session.listen() for session in sessions]
        params = [{"name": "t", "arguments": {"who": who}, "_meta": {"progressToken": 1}} for who in "ab"]
        streams = [await session.begin("tools/call", one) for session, one in zip(sessions, params, strict=True)]
        for who, session, stream in reversed(list(zip("ab", sessions, streams, strict=True))):
            assert (await stream.message())["params"]["who"] == who
            question = await stream.message()
            assert question["params"] == {"message": who}
            assert (await session.tell({"id": question["id"], "result": {"action": who}})).status == 202
            assert (await stream.message())["params"]["data"] == who
            assert (await stream.message())["result"]["answer"] == {"action": who}
        for stream in standing:
            stream.close()


async def test_an_answer_of_one_client_cannot_answer_the_question_of_another() -> None:
    async with served(HandMade("p", answers=asking)) as site:
        victim, other = await site.session(elicitation={}), await site.session(elicitation={})
        stream = await victim.begin("tools/call", {"name": "t", "arguments": {"who": "victim"}})
        question = await stream.message()
        await other.tell({"id": question["id"], "result": {"action": "stolen"}})
        await victim.tell({"id": question["id"], "result": {"action": "own"}})
        await stream.message()
        assert (await stream.message())["result"]["answer"] == {"action": "own"}


async def test_cancelling_reaches_the_call_of_that_client_only() -> None:
    provider = HandMade("p", answers=hanging)
    async with served(provider) as site:
        one, other = await site.session(), await site.session()
        first = await one.begin("tools/call", {"name": "t"}, request_id=7)
        second = await other.begin("tools/call", {"name": "t"}, request_id=7)
        while len(provider.asked) < 2:
            await asyncio.sleep(0.01)
        await one.tell({"method": "notifications/cancelled", "params": {"requestId": 7}})
        await asyncio.wait_for(first.reader.read(), 5)  # it ends
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(second.reader.readuntil(b"\r\n0\r\n"), 0.1)
        assert [len(session.running) for session in site.front._sessions.values()] == [0, 1]


async def test_a_modern_client_that_hangs_up_has_cancelled() -> None:
    cancelled = asyncio.Event()

    def hang(method: str, params: Json, relay: Any) -> Any:
        async def work() -> Json:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()
            return {}

        return work()

    async with served(HandMade("p", answers=hang)) as site:
        stream = await site.begin("POST", *site.modern("tools/call", {"name": "t"}))
        await asyncio.sleep(0.05)
        stream.close()
        await asyncio.wait_for(cancelled.wait(), 5)
        await asyncio.sleep(0)
        assert not len(site.front._tasks)


async def test_a_change_reaches_the_standing_stream_and_waits_for_one() -> None:
    provider = HandMade("p")
    async with served(provider) as site:
        session = await site.session()
        provider.notice(Kind.TOOLS)
        await asyncio.sleep(0.1)
        stream = await session.listen()
        assert (await stream.message())["method"] == "notifications/tools/list_changed"
        provider.notice(Kind.PROMPTS)
        assert (await stream.message())["method"] == "notifications/prompts/list_changed"
        assert (await site.send("GET", None, {**session.headers, "accept": "text/event-stream"})).status == 409
        stream.close()


class Steps:
    """A tool that tells a step of progress whenever it is let, and ends with the last."""

    def __init__(self, count: int = 3) -> None:
        self.count = count
        self.turns = asyncio.Semaphore(0)
        self.done = asyncio.Event()

    def __call__(self, method: str, params: Json, relay: Any) -> Any:
        async def work() -> Json:
            for step in range(self.count):
                await self.turns.acquire()
                relay.notify("notifications/progress", {"progressToken": relay.progress_token, "progress": step})
            self.done.set()
            return {"content": []}

        return work()

    async def begin(self, session: Session) -> Stream:
        return await session.begin("tools/call", {"name": "t", "_meta": {"progressToken": "p"}})


def told(message: Json) -> Any:
    return message["params"]["progress"] if "params" in message else message["result"]["content"]


async def test_a_client_that_was_cut_off_comes_back_for_the_rest_of_an_answer() -> None:
    steps = Steps()
    async with served(HandMade("p", answers=steps)) as site:
        session = await site.session()
        stream = await steps.begin(session)
        steps.turns.release()
        assert told(await stream.message()) == 0
        stream.close()
        steps.turns.release()

        again = await session.come_back(stream.last_event)
        assert told(await again.message()) == 1
        steps.turns.release()
        assert [told(await again.message()) for _ in range(2)] == [2, []]
        with pytest.raises(EOFError):
            await again.message()


async def test_an_answer_that_was_given_meanwhile_is_there_for_a_client_that_comes_back() -> None:
    steps = Steps(count=1)
    async with served(HandMade("p", answers=steps)) as site:
        session = await site.session()
        stream, other = await steps.begin(session), await steps.begin(session)
        steps.turns.release()
        steps.turns.release()
        assert told(await stream.message()) == told(await other.message()) == 0
        stream.close()
        await steps.done.wait()

        for _ in range(2):  # it may be cut off again
            again = await session.come_back(stream.last_event)
            assert told(await again.message()) == []
            with pytest.raises(EOFError):  # and what belongs to the other answer is not repeated
                await again.message()
        assert told(await other.message()) == []


async def test_who_comes_back_before_it_was_missed_takes_the_stream_over() -> None:
    provider = HandMade("p")
    async with served(provider) as site:
        session = await site.session()
        stream = await session.listen()
        provider.notice(Kind.TOOLS)
        await stream.message()
        first = stream.last_event
        provider.notice(Kind.PROMPTS)
        await stream.message()

        again = await session.come_back(first)
        assert (await again.message())["method"] == "notifications/prompts/list_changed"
        with pytest.raises((EOFError, ConnectionError)):
            await stream.message()
        provider.notice(Kind.TOOLS)
        assert (await again.message())["method"] == "notifications/tools/list_changed"
        again.close()


async def test_a_standing_stream_can_be_taken_over_before_anything_was_told() -> None:
    async with served(HandMade("p")) as site:
        session = await site.session()
        stream = await session.listen()
        lines = (await asyncio.wait_for(stream.reader.readuntil(b"\n\n"), 5)).decode().split()
        assert lines[1:] == ["id:", lines[2], "retry:", "1000", "data:"]

        again = await session.come_back(lines[2])
        assert (await asyncio.wait_for(again.reader.readline(), 5)).split()[1] == b"200"
        again.close()


async def test_a_composite_gets_the_whole_answer_of_another_over_a_connection_that_breaks() -> None:
    """Both ends are ours: one keeps what was sent, the other comes back for it."""
    steps, relay = Steps(), TestRelay(progress_token="p")
    async with served(HandMade("p", answers=steps)) as site, breaking(site.port) as (port, cut):

        async def extra() -> Mapping[str, str]:
            return {}

        told = Told()
        link = Link(
            HttpChild(f"http://127.0.0.1:{port}/mcp", extra),
            capabilities={},
            client_info={"name": "t"},
            ask=told.ask,
            tell=told.tell,
            noise=told.noise.append,
        )
        await link.open(Era.LEGACY)
        calling = asyncio.get_running_loop().create_task(link.request("tools/call", {"name": "t"}, relay))
        for _ in range(steps.count):
            steps.turns.release()
            async with asyncio.timeout(5):
                await relay.news.wait()
            relay.news.clear()
            cut()
        assert await asyncio.wait_for(calling, 5) == {"content": []}
        assert [params["progress"] for _, params in relay.notices] == [0, 1, 2]
        await link.close()


@pytest.mark.parametrize("event", ["9-1", "0-99", "", "x", "1", "-1-1", "1-1-1"])
async def test_an_event_that_never_was_is_refused(event: str) -> None:
    async with served(HandMade("p")) as site:
        session = await site.session()
        headers = {**session.headers, "accept": "text/event-stream", "last-event-id": event or " "}
        assert (await site.send("GET", None, headers)).status == 400


async def test_clients_of_older_revisions_are_sent_no_event_without_a_message() -> None:
    async with served(HandMade("p")) as site:
        params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t"}}
        answer = await site.send("POST", {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
        session = Session(site, answer.headers["mcp-session-id"])
        stream = await session.listen()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stream.reader.read(1), 0.1)
        stream.close()


async def test_a_modern_client_hears_of_changes_on_the_stream_it_listens_to() -> None:
    provider = HandMade("p")
    async with served(provider) as site:
        params = {"notifications": {"toolsListChanged": True}}
        stream = await site.begin("POST", *site.modern("subscriptions/listen", params, request_id="sub"))
        assert (await stream.message())["method"] == "notifications/subscriptions/acknowledged"
        provider.notice(Kind.TOOLS)
        assert (await stream.message())["method"] == "notifications/tools/list_changed"
        site.server.close()
        assert (await stream.message())["id"] == "sub"
        with pytest.raises(EOFError):
            await stream.message()


async def test_one_session_too_many_ends_the_one_that_was_idle_for_longest() -> None:
    async with served(HandMade("p")) as site:
        site.server.limit(ServingLimits(sessions=3))
        listening, idle, used = [await site.session() for _ in range(3)]
        stream = await listening.listen()
        await used.ask("ping")
        for _ in range(2):
            fresh = await site.session()
            assert (await fresh.ask("ping")).status == 200
        assert [(await one.ask("ping")).status for one in (idle, used, listening)] == [404, 404, 200]
        assert len(site.front._sessions) == 2 + 1
        stream.close()


async def test_sessions_with_calls_in_flight_are_not_ended_for_one_more() -> None:
    async with served(HandMade("p", answers=hanging)) as site:
        site.server.limit(ServingLimits(sessions=1))
        session = await site.session()
        stream = await session.begin("tools/call", {"name": "t"})
        await asyncio.sleep(0.05)
        params = {"protocolVersion": LATEST_LEGACY, "capabilities": {}, "clientInfo": {"name": "t"}}
        refused = await site.send("POST", {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
        assert (refused.status, "none is idle" in refused.messages[0]["error"]["message"]) == (503, True)
        stream.close()


async def test_an_idle_session_ends_after_its_time() -> None:
    async with served(HandMade("p")) as site:
        site.server.limit(ServingLimits(session_idle_s=0.1))
        session = await site.session()
        async with asyncio.timeout(5):
            while site.front._sessions:
                await asyncio.sleep(0.02)
        assert (await session.ask("ping")).status == 404


async def test_ending_answers_what_runs_or_ends_its_stream_and_leaves_nothing() -> None:
    async with served(HandMade("p", answers=hanging)) as site:
        session = await site.session()
        stream = await session.begin("tools/call", {"name": "t"})
        modern = await site.begin("POST", *site.modern("tools/call", {"name": "t"}))
        await asyncio.sleep(0.05)
        site.server.close()
        await site.front.close()
        for one in (stream, modern):
            await asyncio.wait_for(one.reader.read(), 5)
        assert (site.front._sessions, len(site.front._tasks)) == ({}, 0)


async def test_a_bug_in_a_provider_answers_that_request_and_no_more() -> None:
    async with served(HandMade("p", answers=lambda method, params, relay: {"x": float("inf")})) as site:
        session = await site.session()
        assert (await session.ask("tools/call", {"name": "t"})).code == jsonrpc.INTERNAL_ERROR
        assert (await session.ask("ping")).status == 200
