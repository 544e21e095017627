"""An HTTP/1.1 client for one origin: what a relay needs of one and no more, so that a call costs little.

Redirects are answers like any other, nothing is sent twice, and no time limit ends an answer: who waits decides.
"""

import asyncio
import base64
import contextlib
import functools
import os
import re
import ssl
import sys
from collections import deque
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from composite_runtime.errors import ChildError
from composite_runtime.wire.http1 import UNTIL_CLOSE, Head, Malformed, Reader, body_length, header_lines, keeps_alive

CONNECT_S: Final = 10.0
# Common servers close a connection that was idle for five seconds, and a request must not meet that moment.
_REUSE_S: Final = 4.0
_IDLE_LIMIT: Final = 100
_QUEUE_LIMIT: Final = 1024 * 1024
_TRUSTED: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

_STATUS = re.compile(r"(HTTP/1\.[01]) ([1-9][0-9]{2})(?: .*)?").fullmatch
_KEEP = re.compile(r"timeout=([0-9]{1,6})").search


class Broken(ChildError):
    """The connection was lost before the answer was complete."""


class Refused(ChildError):
    """Nothing listens where the server was."""


class HttpClient:
    """Connections to one origin, kept while they are idle; each carries one request at a time."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ChildError(f"{url!r} is not an address of the kind http://host/path")
        self.host = parts.hostname
        self._tls = parts.scheme == "https"
        self._port = parts.port or (443 if self._tls else 80)
        self._authority = _authority(parts)
        self._proxy = _proxy_for(parts)
        self._idle: list[_Connection] = []
        self._open: set[_Connection] = set()

    async def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> "Response":
        """Send a request and return its answer, of which the head has come; the caller closes it.

        Raises:
            ChildError: the server cannot be reached, or a header cannot be sent.
            Broken: the connection was lost, and nobody knows whether the request has been served.
        """
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        extra = {}
        if self._proxy is not None and not self._tls:
            target = f"http://{self._authority}{target}"
            extra = _proxy_credentials(self._proxy)
        length = {} if body is None else {"content-length": str(len(body))}
        try:
            fields = header_lines({"host": self._authority, **headers, **extra, **length})
        except ValueError as error:
            raise ChildError(f"a header for {self.host} cannot be sent: {error}") from None
        head = f"{method} {target} HTTP/1.1\r\n{fields}\r\n".encode("latin-1", "replace")
        connection = self._rested() or await self._connected()
        return await connection.exchange(head, body or b"")

    async def close(self) -> None:
        """Close all connections."""
        for connection in tuple(self._open):
            connection.close()

    def _rested(self) -> "_Connection | None":
        """Return a connection that surely is still open."""
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()
            if connection.is_good(now):
                return connection
            connection.close()
        return None

    def rest(self, connection: "_Connection") -> None:
        """Take a connection back that has done its work."""
        if len(self._idle) < _IDLE_LIMIT:
            self._idle.append(connection)
        else:
            connection.close()

    def forget(self, connection: "_Connection") -> None:
        """Take note that a connection is closed."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    async def _connected(self) -> "_Connection":
        connection = _Connection(self)
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._connect(connection)
        except TimeoutError:
            raise ChildError(f"{self.host} cannot be reached: it did not answer within {CONNECT_S:.0f} s") from None
        except ConnectionRefusedError:
            raise Refused(f"{self.host} cannot be reached: nothing listens on port {self._port}") from None
        except OSError as error:  # TLS errors are among them
            raise ChildError(f"{self.host} cannot be reached: {error.strerror or error}") from None
        self._open.add(connection)
        return connection

    async def _connect(self, connection: "_Connection") -> None:
        loop = asyncio.get_running_loop()
        context = _tls_context(*map(os.environ.get, _TRUSTED)) if self._tls else None
        # uvloop tries one address after the other and knows no other way.
        eyeballs: dict[str, float] = {"happy_eyeballs_delay": 0.25} if isinstance(loop, asyncio.BaseEventLoop) else {}
        host, port = (self.host, self._port) if self._proxy is None else _address(self._proxy)
        if self._proxy is None or context is None:
            await loop.create_connection(lambda: connection, host, port, ssl=context, **eyeballs)  # type: ignore[call-overload]  # the stubs know only one way to give the options
            return
        reader, writer = await asyncio.open_connection(host, port, **eyeballs)  # type: ignore[arg-type]  # as above
        try:
            await self._tunnel(reader, writer)
            transport = await loop.start_tls(writer.transport, connection, context, server_hostname=self.host)
        except BaseException:
            writer.close()
            raise
        assert transport is not None
        connection.connection_made(transport)

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Have the proxy connect us with the server."""
        assert self._proxy is not None
        name = f"[{self.host}]" if ":" in self.host else self.host
        fields = header_lines({"host": f"{name}:{self._port}", **_proxy_credentials(self._proxy)})
        writer.write(f"CONNECT {name}:{self._port} HTTP/1.1\r\n{fields}\r\n".encode("ascii"))
        try:
            line, *_ = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            line = "nothing"
        status = _STATUS(line)
        if status is None or status[2] != "200":
            raise ChildError(f"{self.host} cannot be reached: the proxy {self._proxy.hostname} answered {line}")


class Response:
    """An answer whose head has come; its body comes piece by piece."""

    def __init__(self, connection: "_Connection", status: int, headers: Mapping[str, str]) -> None:
        self._connection = connection
        self._pieces: deque[bytes] = deque()
        self._queued = 0
        self._news: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._is_complete = False
        self.status = status
        self.headers = headers

    def __aiter__(self) -> "Response":
        """Return the body as an iterator over its pieces, as they come."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece of the body; raise `Broken` when it is broken off."""
        while not self._pieces:
            if self._error is not None:
                raise self._error
            if self._is_complete:
                raise StopAsyncIteration
            self._news = asyncio.get_running_loop().create_future()
            await self._news
        piece = self._pieces.popleft()
        self._queued -= len(piece)
        self._connection.flow(self._queued)
        return piece

    async def read(self, limit: int) -> bytes:
        """Return the whole body; raise `OverflowError` when it is longer than the limit."""
        parts: list[bytes] = []
        length = 0
        async for piece in self:
            parts.append(piece)
            length += len(piece)
            if length > limit:
                raise OverflowError(f"a message of more than {limit} bytes")
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def skip(self, patience_s: float) -> None:
        """Let the rest go by, so that the connection can be used again, if that takes no longer than this."""
        with contextlib.suppress(Broken, TimeoutError):
            async with asyncio.timeout(patience_s):
                async for _ in self:
                    pass

    @property
    def is_complete(self) -> bool:
        """Whether the whole body has come."""
        return self._is_complete

    def close(self) -> None:
        """Have done with it; a body that is not complete takes its connection along."""
        if not self._is_complete:
            self._connection.close()

    def piece(self, data: bytes) -> int:
        """Take a part of the body; return how much waits to be read."""
        self._pieces.append(data)
        self._queued += len(data)
        self._wake()
        return self._queued

    def end(self, error: Exception | None = None) -> None:
        """Take note that the body is complete, or never will be."""
        self._is_complete = error is None
        self._error = error
        self._wake()

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)


class _Connection(asyncio.Protocol):
    """One connection; between two requests it rests with its client."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._reader = Reader(self)
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Response] | None = None
        self._response: Response | None = None
        self._is_interim = False
        self._is_reading = True
        self._keep_s: float | None = None
        self._good_until = 0.0

    def is_good(self, now: float) -> bool:
        """Say whether the connection can take another request."""
        return now < self._good_until and self._transport is not None and not self._transport.is_closing()

    async def exchange(self, head: bytes, body: bytes) -> Response:
        """Send a request and return its answer once the head is there."""
        transport = self._transport
        self._answer = asyncio.get_running_loop().create_future()
        if transport is None or transport.is_closing():
            self._lose()
        elif len(body) < 65536:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)
        try:
            return await self._answer
        except BaseException:
            self.close()
            raise

    def flow(self, queued: int) -> None:
        """Read on, or rest, after somebody took or brought something."""
        transport = self._transport
        if transport is not None and not transport.is_closing() and (queued <= _QUEUE_LIMIT) is not self._is_reading:
            self._is_reading = not self._is_reading
            (transport.resume_reading if self._is_reading else transport.pause_reading)()

    def close(self) -> None:
        """Close the connection, at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport asyncio has made."""
        self._transport = transport  # type: ignore[assignment]  # a stream has a transport that reads and writes

    def data_received(self, data: bytes) -> None:
        """Take bytes of an answer."""
        try:
            self._reader.feed(data)
        except Malformed as error:
            self._lose(f"{self._client.host} does not speak HTTP/1.1: {error}")
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note that the connection is gone."""
        with contextlib.suppress(Malformed):  # that it broke off is said below
            self._reader.eof()
        reason = f": {exc.strerror or exc}" if isinstance(exc, OSError) else ""
        self._reader.close()
        self._lose(f"the connection to {self._client.host} was closed{reason}")
        self._client.forget(self)

    def head(self, head: Head) -> int:
        """Take the head of an answer."""
        status = _STATUS(head.line)
        if status is None or self._answer is None or self._answer.done():
            raise Malformed("an answer nobody asked for" if status else "no status line")
        code = int(status[2])
        self._is_interim = code < 200
        if self._is_interim:
            if code == 101:
                raise Malformed("another protocol")
            return 0
        length = 0 if code in {204, 304} else body_length(head.headers)
        stated = _KEEP(head.headers.get("keep-alive", ""))
        keeps = length is not None and keeps_alive(status[1], head.headers)
        self._keep_s = (int(stated[1]) - 1 if stated else _REUSE_S) if keeps else None
        self._response = Response(self, code, head.headers)
        self._answer.set_result(self._response)
        return UNTIL_CLOSE if length is None else length

    def piece(self, data: bytes) -> None:
        """Take a part of an answer's body."""
        if self._response is not None:
            self.flow(self._response.piece(data))

    def end(self) -> None:
        """Take note that an answer is complete."""
        if self._is_interim or self._response is None:
            return
        response, self._response, self._answer = self._response, None, None
        response.end()
        self.flow(0)
        if self._keep_s is None:
            self.close()
            return
        self._good_until = asyncio.get_running_loop().time() + self._keep_s
        self._client.rest(self)

    def _lose(self, reason: str = "the connection was closed") -> None:
        if self._response is not None:
            self._response.end(Broken(reason))
            self._response = None
        elif self._answer is not None and not self._answer.done():
            self._answer.set_exception(Broken(reason))


def _authority(parts: SplitResult) -> str:
    """Return host and port as the Host header gives them."""
    authority = parts.netloc.rpartition("@")[2]
    return authority if authority.isascii() else authority.encode("idna").decode("ascii")


@functools.cache
def _tls_context(*trusted: str | None) -> ssl.SSLContext:
    """Return what certificates are checked by: what the user names, else the system's own store."""
    # Imported here because most graphs reach no server over TLS.
    from httpcore2 import default_ssl_context

    context = default_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _proxy_for(parts: SplitResult) -> SplitResult | None:
    """Return the proxy the environment or the system wants for an address; none stands before this machine."""
    host = parts.hostname or ""
    if host in _LOOPBACK or host.startswith("127."):
        return None
    if sys.platform not in {"win32", "darwin"} and not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    # Imported here because it takes longer than all else in this module, and few machines have a proxy.
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all")
    if not found or proxy_bypass(host):
        return None
    proxy = urlsplit(found if "://" in found else f"http://{found}")
    if proxy.scheme != "http" or not proxy.hostname:
        raise ChildError(f"{host} cannot be reached: proxies of the kind {proxy.scheme} are not supported")
    return proxy


def _address(proxy: SplitResult) -> tuple[str, int]:
    return proxy.hostname or "", proxy.port or 80


def _proxy_credentials(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    words = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"proxy-authorization": f"Basic {base64.b64encode(words.encode()).decode()}"}
