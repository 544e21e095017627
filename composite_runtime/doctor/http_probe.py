"""One plain HTTP request by hand, since what matters here is what a real client hides: status, headers, first bytes."""

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

_HEAD_LIMIT = 64 * 1024
_BODY_LIMIT = 16 * 1024
_QUIET_S = 1.0


class NotHttp(Exception):
    """What answered does not speak HTTP; `said` is what it said."""

    def __init__(self, said: bytes) -> None:
        super().__init__(f"the answer is not HTTP: {said[:40]!r}")
        self.said = said


@dataclass(frozen=True)
class Answer:
    """The beginning of an HTTP answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def kind(self) -> str:
        """The content type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_rpc(self) -> bool:
        """Whether the body looks like a JSON-RPC message."""
        return '"jsonrpc"' in self.body and ('"error"' in self.body or '"result"' in self.body)


def tls_context() -> ssl.SSLContext:
    """Return what decides whom we trust: the system's certificates."""
    return ssl.create_default_context()


def port_of(parts: SplitResult) -> int:
    """Return the port a URL means."""
    return parts.port or (443 if parts.scheme == "https" else 80)


async def ask(
    url: str, method: str, headers: Mapping[str, str], body: bytes, *, limit_s: float, tls: ssl.SSLContext | None
) -> Answer:
    """Return the answer to a request; raise `OSError`, `TimeoutError` or `NotHttp`."""
    parts = urlsplit(url)
    async with asyncio.timeout(limit_s):
        reader, writer = await asyncio.open_connection(
            parts.hostname, port_of(parts), ssl=tls, server_hostname=parts.hostname if tls else None
        )
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            lines = {
                "host": parts.netloc.rpartition("@")[2],
                "content-length": str(len(body)),
                "connection": "close",
                **{key.lower(): value for key, value in headers.items()},
            }
            head = "".join(f"{key}: {value}\r\n" for key, value in lines.items())
            writer.write(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1", "replace") + body)
            await writer.drain()
            return await _answer(reader)
        finally:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader) -> Answer:
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _HEAD_LIMIT:
        part = await reader.read(4096)
        if not part:
            break
        head += part
        if not head.startswith(b"HTTP/"[: len(head)]):
            raise NotHttp(head)
    head, separator, body = head.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split()
    if not separator or len(words) < 2 or not words[1].isdecimal():
        raise NotHttp(head)
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    return Answer(int(words[1]), headers, (await _body(reader, body)).decode("utf-8", "replace"))


async def _body(reader: asyncio.StreamReader, body: bytes) -> bytes:
    """Read on until it ends, is long enough, or pauses: an event stream never ends."""
    while len(body) < _BODY_LIMIT:
        try:
            async with asyncio.timeout(_QUIET_S):
                part = await reader.read(4096)
        except TimeoutError:
            break
        if not part:
            break
        body += part
        if b"\n\n" in body or b"\r\n\r\n" in body:
            break
    return body
