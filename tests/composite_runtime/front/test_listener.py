"""The HTTP server: one request after the other on each connection, whatever the client does."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from composite_runtime.front.listener import Exchange, Limits, Listener

PATIENCE_S = 5.0


class Echo:
    """Answers with the body; refuses what comes to /no; streams what comes to /stream; keeps /wait waiting."""

    def __init__(self) -> None:
        self.served: list[str] = []
        self.gone = asyncio.Event()
        self.waiting: asyncio.Queue[Exchange] = asyncio.Queue()

    def admit(self, exchange: Exchange) -> None:
        if exchange.path == "/no":
            exchange.answer(403, b"no")

    def serve(self, exchange: Exchange) -> None:
        self.served.append(exchange.path)
        if exchange.path == "/wait":
            exchange.gone = self.gone.set
            self.waiting.put_nowait(exchange)
        elif exchange.path == "/stream":
            exchange.begin({"content-type": "text/plain"})
            exchange.write(b"one,")
            exchange.write(b"two")
            exchange.end()
        elif exchange.path == "/bug":
            raise RuntimeError("a bug")
        else:
            exchange.answer(200, exchange.body)


class Peer:
    """A client that writes and reads bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        async with asyncio.timeout(PATIENCE_S):
            line, *fields = (await self.reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
            body = b""
            if headers.get("transfer-encoding") == "chunked":
                while size := int(await self.reader.readline(), 16):
                    body += await self.reader.readexactly(size)
                    await self.reader.readline()
                await self.reader.readline()
            elif "content-length" in headers:
                body = await self.reader.readexactly(int(headers["content-length"]))
            return int(line.split()[1]), headers, body

    async def flood(self, data: bytes) -> None:
        while True:
            self.send(data)
            await self.writer.drain()

    async def rest(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.read()


@asynccontextmanager
async def serving(
    application: Echo, limits: Limits | None = None
) -> AsyncIterator[tuple[Listener, Callable[[], "asyncio.Future[Peer]"]]]:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listener = Listener(application, listening, limits)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(listener.serve())
        peers: list[Peer] = []

        async def connect() -> Peer:
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            peers.append(Peer(reader, writer))
            return peers[-1]

        try:
            await asyncio.sleep(0)
            yield listener, lambda: group.create_task(connect())
        finally:
            for peer in peers:
                peer.writer.close()
            await listener.stop()
            await task


def post(path: str, body: bytes = b"", *fields: str) -> bytes:
    lines = "".join(f"{field}\r\n" for field in ("Host: here", f"Content-Length: {len(body)}", *fields))
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


async def test_requests_on_one_connection_are_answered_in_their_order() -> None:
    async with serving(Echo()) as (_, connect):
        peer = await connect()
        peer.send(post("/", b"a") + post("/stream") + post("/", b"b"))

        bodies = [(await peer.answer())[2] for _ in range(3)]

    assert bodies == [b"a", b"one,two", b"b"]


async def test_a_request_that_waits_makes_those_behind_it_wait() -> None:
    application = Echo()
    async with serving(application) as (_, connect):
        peer = await connect()
        peer.send(post("/wait") + post("/", b"next"))
        exchange = await application.waiting.get()
        assert application.served == ["/wait"]
        exchange.answer(200, b"first")

        assert [(await peer.answer())[2] for _ in range(2)] == [b"first", b"next"]


async def test_a_body_may_come_in_chunks_and_in_pieces() -> None:
    async with serving(Echo()) as (_, connect):
        peer = await connect()
        for (
            byte
        ) in b"POST http://here/x?y HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n":
            peer.send(bytes([byte]))
            await asyncio.sleep(0)

        status, headers, body = await peer.answer()

    assert (status, body) == (200, b"abc")
    assert headers["date"].endswith("GMT")


async def test_a_refused_request_is_answered_and_its_body_is_not_taken_for_another_one() -> None:
    async with serving(Echo()) as (_, connect):
        peer = await connect()
        peer.send(post("/no", post("/smuggled")))

        status, headers, _ = await peer.answer()
        assert (status, headers["connection"]) == (403, "close")
        assert await peer.rest() == b""


async def test_a_refused_request_without_a_body_keeps_its_connection() -> None:
    application = Echo()
    async with serving(application) as (_, connect):
        peer = await connect()
        peer.send(post("/no") + post("/", b"a"))

        assert (await peer.answer())[0] == 403
        assert (await peer.answer())[2] == b"a"


async def test_a_client_may_ask_before_it_sends_a_body() -> None:
    async with serving(Echo()) as (_, connect):
        peer = await connect()
        head, body = post("/", b"abc", "Expect: 100-continue").split(b"\r\n\r\n")
        peer.send(head + b"\r\n\r\n")
        assert (await peer.answer())[0] == 100
        peer.send(body)

        assert (await peer.answer())[2] == b"abc"


@pytest.mark.parametrize("stated", [True, False])
async def test_a_body_that_is_too_long_is_refused(stated: bool) -> None:
    application = Echo()
    async with serving(application, Limits(body_bytes=10)) as (_, connect):
        peer = await connect()
        if stated:
            peer.send(post("/", b"x" * 11))
        else:
            chunks = b"6\r\nabcdef\r\n" * 2 + b"0\r\n\r\n"
            peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)

        assert (await peer.answer())[0] == 413
        assert await peer.rest() == b""
    assert application.served == []


async def test_another_limit_applies_from_the_next_request_on() -> None:
    async with serving(Echo()) as (listener, connect):
        peer = await connect()
        peer.send(post("/", b"x" * 11))
        assert (await peer.answer())[0] == 200
        listener.limits = Limits(body_bytes=10)
        peer.send(post("/", b"x" * 11))
        assert (await peer.answer())[0] == 413


@pytest.mark.parametrize(
    "nonsense",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/3.0\r\nHost: a\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
async def test_nonsense_is_told_so_and_loses_its_connection(nonsense: bytes) -> None:
    application = Echo()
    async with serving(application) as (_, connect):
        peer = await connect()
        peer.send(nonsense)

        assert (await peer.answer())[0] == 400
        assert await peer.rest() == b""
    assert application.served == []


async def test_an_old_client_knows_the_end_of_an_answer_by_the_end_of_the_connection() -> None:
    async with serving(Echo()) as (_, connect):
        peer = await connect()
        peer.send(b"GET /stream HTTP/1.0\r\n\r\n")

        assert (await peer.answer())[0] == 200
        assert await peer.rest() == b"one,two"


async def test_the_answer_to_head_has_no_body() -> None:
    async with serving(Echo()) as (_, connect):
        peer = await connect()
        peer.send(b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")

        assert (await peer.rest()).endswith(b"\r\n\r\n")


async def test_a_client_that_hangs_up_is_noticed() -> None:
    application = Echo()
    async with serving(application) as (_, connect):
        peer = await connect()
        peer.send(post("/wait"))
        exchange = await application.waiting.get()
        peer.writer.close()
        async with asyncio.timeout(PATIENCE_S):
            await application.gone.wait()
        exchange.answer(200, b"too late")


async def test_a_bug_costs_one_connection() -> None:
    async with serving(Echo()) as (_, connect):
        peer, other = await connect(), await connect()
        peer.send(post("/bug"))
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await peer.answer()
        other.send(post("/", b"fine"))

        assert (await other.answer())[2] == b"fine"


async def test_a_silent_client_loses_its_connection() -> None:
    async with serving(Echo(), Limits(silence_s=0.1)) as (_, connect):
        peer = await connect()
        peer.send(b"POST / HT")

        assert await peer.rest() == b""


@pytest.mark.parametrize("beginning", [b"POST / HTTP/1.1\r\nhost: x\r\nx: ", post("/no", b"x" * 1000)[:-1000]])
async def test_a_client_that_sends_a_byte_now_and_then_loses_its_connection(beginning: bytes) -> None:
    async with serving(Echo(), Limits(silence_s=0.3)) as (_, connect):
        peer = await connect()
        peer.send(beginning)
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(dripping(peer), PATIENCE_S)


async def dripping(peer: Peer) -> None:
    while True:
        await asyncio.sleep(0.05)
        peer.send(b"x")
        await peer.writer.drain()


async def test_a_body_may_come_slowly() -> None:
    async with serving(Echo(), Limits(silence_s=0.3)) as (_, connect):
        peer = await connect()
        peer.send(post("/", b"x" * 15)[:-15])
        for _ in range(15):
            await asyncio.sleep(0.05)
            peer.send(b"x")
        assert (await peer.answer())[2] == b"x" * 15


async def test_requests_that_are_not_served_yet_do_not_pile_up() -> None:
    application = Echo()
    async with serving(application) as (_, connect):
        peer = await connect()
        peer.send(post("/wait"))
        exchange = await application.waiting.get()
        flood = post("/", b"x" * 1_000_000)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(peer.flood(flood), 0.5)
        exchange.answer(200)

        assert (await peer.answer())[2] == b""
        assert len((await peer.answer())[2]) == 1_000_000


async def test_a_client_that_does_not_read_can_be_told_by_what_is_unsent() -> None:
    application = Echo()
    async with serving(application) as (_, connect):
        peer = await connect()
        peer.send(post("/wait"))
        exchange = await application.waiting.get()
        exchange.begin({})
        for _ in range(100):
            exchange.write(b"x" * 1_000_000)
        assert exchange.unsent > 50_000_000
        exchange.abort()
        async with asyncio.timeout(PATIENCE_S):
            await application.gone.wait()


async def test_a_request_in_flight_is_answered_before_the_end() -> None:
    application = Echo()
    async with serving(application) as (listener, connect):
        idle, busy = await connect(), await connect()
        busy.send(post("/wait"))
        exchange = await application.waiting.get()
        await listener.stop()
        assert await idle.rest() == b""
        exchange.answer(200, b"done")

        _, headers, body = await busy.answer()

    assert (headers["connection"], body) == ("close", b"done")


async def test_a_head_that_was_said_before_is_understood_as_that_one_and_another_anew() -> None:
    echo = Echo()
    async with serving(echo) as (_, connect):
        peer = await connect()
        first = post("/wait", b"", "X-Who: a")
        for request in (first, first, post("/wait", b"", "X-Who: b"), post("/wait")):
            peer.send(request)
        seen = []
        for _ in range(4):
            exchange = await echo.waiting.get()
            seen.append(exchange.headers.get("x-who"))
            exchange.answer(200)

    assert seen == ["a", "a", "b", None]


async def test_who_lets_a_client_wait_is_asked_for_a_sign_now_and_then_until_it_has_answered() -> None:
    echo = Echo()
    signs: asyncio.Queue[bytes] = asyncio.Queue()
    async with serving(echo, Limits(quiet_s=0.1)) as (_, connect):
        peer = await connect()
        peer.send(post("/wait"))
        exchange = await echo.waiting.get()
        exchange.begin({"content-type": "text/plain"})

        def sign() -> None:
            exchange.write(b".")
            signs.put_nowait(b".")

        exchange.silent = sign
        async with asyncio.timeout(PATIENCE_S):
            said = [await signs.get(), await signs.get()]
        exchange.end()
        _, _, body = await peer.answer()

    assert body == b"".join(said)
    assert exchange.silent is None
