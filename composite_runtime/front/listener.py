"""An HTTP/1.1 server for one application: requests are read whole, answers go out in one piece or as a stream."""

import asyncio
import functools
import logging
import re
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, NamedTuple, Protocol
from urllib.parse import urlsplit

from composite_runtime.wire.http1 import CHUNKED, Head, Malformed, Reader, body_length, header_lines, keeps_alive

_log = logging.getLogger(__name__)

_FAREWELL_S: Final = 1.0
_BACKLOG: Final = 512
_UNREAD_LIMIT: Final = 256 * 1024
_SHORT: Final = 64 * 1024

_REQUEST = re.compile(r"([A-Z]{1,20}) ([\x21-\x7e]+) (HTTP/1\.[01])").fullmatch
_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True)
class Limits:
    """How much a client may send, and how long it may be silent between two requests or in the middle of one.

    After `quiet_s` without a sign of ours in the middle of an answer, the application is asked for one.
    """

    body_bytes: int = 64 * 1024 * 1024
    silence_s: float = 75.0
    quiet_s: float = 10.0


class _Request(NamedTuple):
    """What the head of a request says."""

    head: Head
    method: str
    path: str
    length: int
    speaks_chunks: bool
    is_last: bool


class Exchange:
    """One request, and the way back to whoever sent it."""

    def __init__(self, connection: "_Connection", request: "_Request") -> None:
        self._connection = connection
        self._is_chunked = False
        self.method = request.method
        self.path = request.path
        self.headers = request.head.headers
        self.repeated = request.head.repeated
        self.body = b""
        self.gone: Callable[[], object] | None = None
        """Called when the client hangs up before its answer is complete."""
        self.silent: Callable[[], object] | None = None
        """Called when nothing was sent for so long that somebody on the way may take the connection for dead."""
        self.is_answered = False
        self.number = ""
        """Which exchange this is, for who watches; empty while nobody does."""
        self.request_id: int | str | None = None
        self.answered: Callable[[int, Mapping[str, str]], object] | None = None
        """Called with the status and the headers of the answer, if somebody wants to know."""

    @property
    def unsent(self) -> int:
        """How many bytes wait because the client does not read."""
        return self._connection.unsent

    def answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer."""
        self.answer_pieces(status, [body], headers)

    def answer_pieces(self, status: int, body: list[bytes], headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer that is there in pieces."""
        self.is_answered = True
        fields = {"content-length": str(sum(map(len, body))), **(headers or {})}
        if self.answered is not None:
            self.answered(status, fields)
        head = self._connection.head_of(status, fields)
        if self.method == "HEAD":
            body = []
        self._connection.write_all([head, *body])
        self._connection.finished(self)

    def begin(self, headers: Mapping[str, str]) -> None:
        """Send the head of an answer whose body comes in parts."""
        self.is_answered = True
        self._is_chunked = self._connection.speaks_chunks
        framing = {"transfer-encoding": "chunked"} if self._is_chunked else {}
        if self.answered is not None:
            self.answered(200, headers)
        self._connection.write(self._connection.head_of(200, {**headers, **framing}))

    def write(self, data: bytes) -> None:
        """Send a part of the body."""
        self._connection.write(self._framed(data))

    def end(self, last: list[bytes] | None = None) -> None:
        """Have done with an answer that was begun, after a last part that is there in pieces."""
        parts = last or []
        if self._is_chunked:
            size = [b"%x\r\n" % sum(map(len, parts))] if parts else []
            parts = [*size, *parts, b"\r\n0\r\n\r\n" if parts else b"0\r\n\r\n"]
        self._connection.write_all(parts)
        self._connection.finished(self)

    def _framed(self, data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data) if self._is_chunked else data

    def abort(self) -> None:
        """Break the connection off."""
        self._connection.abort()


class Application(Protocol):
    """What answers requests."""

    def admit(self, exchange: Exchange) -> None:
        """Look at a request before its body is read, and answer at once if it is to be refused."""
        ...

    def serve(self, exchange: Exchange) -> None:
        """Take a whole request; it is answered now or later."""
        ...


class Listener:
    """Serves an application on a socket that is bound already."""

    def __init__(self, application: Application, listening: socket.socket, limits: Limits | None = None) -> None:
        self._application = application
        self.limits = limits or Limits()
        """What applies from the next request on."""
        self._listening = listening
        self._connections: set[_Connection] = set()
        self._stopping = asyncio.Event()

    async def serve(self) -> None:
        """Serve until `stop`."""
        server = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self._application, self._connections, lambda: self.limits),
            sock=self._listening,
            backlog=_BACKLOG,
        )
        try:
            await self._stopping.wait()
            await self._farewell()
        finally:
            server.close()
            for connection in tuple(self._connections):
                connection.abort()

    async def stop(self) -> None:
        """Take no more requests; those in flight have a second."""
        self._stopping.set()

    async def _farewell(self) -> None:
        lost = [connection.lost for connection in self._connections]
        for connection in tuple(self._connections):
            connection.retire()
        if lost:
            await asyncio.wait(lost, timeout=_FAREWELL_S)


class _Connection(asyncio.Protocol):
    """One connection; serves one request after the other."""

    def __init__(self, application: Application, connections: "set[_Connection]", limits: Callable[[], Limits]) -> None:
        self._application = application
        self._present_limits = limits
        self._limits = limits()
        self._connections = connections
        self._reader = Reader(self)
        self._transport: asyncio.Transport
        self._exchange: Exchange | None = None
        self._request: _Request | None = None
        self._pieces: list[bytes] = []
        self._length = 0
        self._is_bare = False
        self._is_read = False
        self._is_last = False
        self._heard_at = self._sent_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.speaks_chunks = True
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[None] = self._loop.create_future()

    @property
    def unsent(self) -> int:
        """How many bytes wait to be sent."""
        return self._transport.get_write_buffer_size()

    def write(self, data: bytes) -> None:
        """Send bytes, or drop them if the client has gone."""
        if not self._transport.is_closing():
            self._sent_at = self._loop.time()
            self._transport.write(data)

    def write_all(self, pieces: Sequence[bytes]) -> None:
        """Send bytes that are there in pieces, short ones in one go."""
        if sum(map(len, pieces)) < _SHORT:
            self.write(b"".join(pieces))
        else:
            for piece in pieces:
                self.write(piece)

    def head_of(self, status: int, headers: Mapping[str, str]) -> bytes:
        """Return the head of an answer."""
        # An answer that overtakes its request leaves bytes behind that would be taken for the next one.
        self._is_last |= not self._is_read and not self._is_bare
        last = "connection: close\r\n" if self._is_last else ""
        fields = header_lines(headers)
        return f"{_status_and_date(status, int(time.time()))}{fields}{last}\r\n".encode("latin-1")

    def finished(self, exchange: Exchange) -> None:
        """Take note that an answer is complete."""
        if exchange is not self._exchange or not self._is_read:
            return  # what is left of a refused request is read first, else the client might not get to see the answer
        self._exchange = exchange.gone = exchange.silent = None  # what is kept there holds the exchange in turn
        if self._is_last:
            self._transport.close()
            return
        self._heard_at = self._loop.time()
        self._transport.resume_reading()
        self._guarded(self._reader.resume)

    def retire(self) -> None:
        """Close once the request that is being served is answered."""
        self._is_last = True
        if self._exchange is None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport asyncio has made."""
        self._transport = transport  # type: ignore[assignment]  # a stream has a transport that reads and writes
        self._connections.add(self)
        self._heard_at = self._loop.time()
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Take bytes of a request."""
        exchange = self._exchange
        # A head, and what is left of a refused request, has to be through in time: a byte now and then is no progress.
        if self._reader.is_between or (exchange is not None and not exchange.is_answered):
            self._heard_at = self._loop.time()
        self._guarded(self._reader.feed, data)
        if self._reader.is_paused and self._reader.waiting > _UNREAD_LIMIT:
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the application that the client has gone."""
        self._connections.discard(self)
        self._reader.close()
        self.lost.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        exchange, self._exchange = self._exchange, None
        if exchange is not None and exchange.gone is not None:
            exchange.gone()

    def head(self, head: Head) -> int:
        """Take the head of a request."""
        request = self._request
        if request is None or request.head is not head:
            request = self._request = _understood(head)
        self._limits = self._present_limits()
        length = request.length
        self.speaks_chunks = request.speaks_chunks
        self._is_last |= request.is_last
        self._exchange = exchange = Exchange(self, request)
        self._pieces, self._length = [], 0
        self._is_bare, self._is_read = length == 0, False
        self._application.admit(exchange)
        if length > self._limits.body_bytes:
            self._refuse_size(exchange)
        elif length and not exchange.is_answered and head.headers.get("expect", "").lower() == "100-continue":
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return length

    def piece(self, data: bytes) -> None:
        """Take a part of a request's body."""
        exchange = self._exchange
        self._length += len(data)
        if exchange is None:
            return
        if self._length > self._limits.body_bytes:
            self._refuse_size(exchange)
        if not exchange.is_answered:
            self._pieces.append(data)

    def end(self) -> None:
        """Take note that a request is complete."""
        self._reader.is_paused = True
        self._is_read = True
        exchange = self._exchange
        if exchange is None:
            return
        if exchange.is_answered:
            self.finished(exchange)
            return
        exchange.body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces = []
        self._application.serve(exchange)

    def _refuse_size(self, exchange: Exchange) -> None:
        if not exchange.is_answered:
            self._pieces = []
            exchange.answer(
                413, b"the body has more than %d bytes" % self._limits.body_bytes, {"content-type": "text/plain"}
            )
        if self._length > 2 * self._limits.body_bytes:
            self._transport.abort()

    def _guarded(self, work: Callable[..., None], *args: bytes) -> None:
        try:
            work(*args)
        except Malformed as error:
            self._is_last = True
            text = f"Bad request: {error}".encode()
            self.write(self.head_of(400, {"content-length": str(len(text)), "content-type": "text/plain"}) + text)
            self._transport.close()
        except Exception:
            _log.exception("unexpected")
            self._transport.abort()

    def _watch(self) -> None:
        """Close when nothing came for too long while something should; an answer may take its time, and says so."""
        now, exchange = self._loop.time(), self._exchange
        is_waiting = exchange is None or not self._is_read
        if is_waiting and now - self._heard_at > self._limits.silence_s:
            self._transport.close()
        is_quiet = now - max(self._heard_at, self._sent_at) >= self._limits.quiet_s
        if is_quiet and exchange is not None and exchange.silent is not None:
            exchange.silent()
        self._timer = self._loop.call_later(min(self._limits.quiet_s / 2, self._limits.silence_s / 3), self._watch)


@functools.lru_cache(maxsize=8)
def _status_and_date(status: int, second: int) -> str:
    """Return how the head of every answer begins."""
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(second))
    return f"HTTP/1.1 {status} {_REASONS.get(status, '')}\r\ndate: {date}\r\n"


def _understood(head: Head) -> _Request:
    """Return what a head says; raise `Malformed` when that is not clear."""
    parts = _REQUEST(head.line)
    if parts is None:
        raise Malformed("no request line of HTTP/1.1")
    method, target, version = parts.groups()
    length = body_length(head.headers) or 0
    speaks_chunks = version == "HTTP/1.1"
    if speaks_chunks and ("host" not in head.headers or "host" in head.repeated):
        raise Malformed("one Host header is needed")
    if length == CHUNKED and not speaks_chunks:
        raise Malformed("HTTP/1.0 has no transfer coding")
    # A client of HTTP/1.0 knows the end of an answer by the end of the connection.
    is_last = not speaks_chunks or not keeps_alive(version, head.headers)
    return _Request(head, method, _path(target), length, speaks_chunks, is_last)


def _path(target: str) -> str:
    """Return the path of a request's target, which may be a whole address."""
    if not target.startswith("/"):
        try:
            target = urlsplit(target).path
        except ValueError:
            raise Malformed("no address") from None
    return target.partition("?")[0]
