"""Seeing every message at both ends: for a file that records a session, and for whoever watches it live.

Each line of such a file is `{"at": seconds since the epoch, "hop": "client" or a node's id, "way": "in" or "out",
"link": which connection, "call": which call, "message": ...}`, where *in* means towards the runtime. What HTTP adds to
a message is a line with `"http"` instead of way and message. Values of secrets are replaced by their references, and
credentials in headers are left out.
"""

import json
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import urlsplit, urlunsplit

from composite_runtime import secrets
from composite_runtime.errors import FusionError
from composite_runtime.wire import headers as names
from composite_runtime.wire import jsonrpc
from composite_runtime.wire.call import HOP
from composite_runtime.wire.jsonrpc import Json, RequestId
from composite_runtime.wire.transport import Receiver, Transport

LINK: ContextVar[str] = ContextVar("link", default="")
"""The HTTP exchange a client's request came by, set only while somebody watches."""

HIDDEN = "•••"
_SECRET_WORDS = ("auth", "cookie", "token", "secret", "password", "apikey", "signature", "session")
# What belongs to a call of a client; all else a connection says for itself.
_CALLED = frozenset({"tools/call", "prompts/get", "resources/read", "completion/complete"})


@dataclass(frozen=True, slots=True)
class Seen:
    """One message at one hop: on which of its connections, and of which call and span, where that is known."""

    way: str
    message: Json | bytes
    link: str = ""
    call: str = ""
    span: int = 0


@dataclass(frozen=True, slots=True)
class HttpSeen:
    """What HTTP added to a message: `id` is the request's, None where the exchange carried none."""

    link: str
    id: RequestId | None
    method: str
    url: str
    status: int
    sent: Mapping[str, str]
    received: Mapping[str, str]


class Answer(Protocol):
    """The head of an answer of HTTP."""

    @property
    def status(self) -> int:
        """Its status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers."""
        ...


class Tap(Protocol):
    """Sees what passes one hop."""

    def message(self, way: str, message: Json | bytes, link: str, call: str = "") -> None:
        """Take a message; `call` is given where it is not the one that is under way here."""
        ...

    def http(self, seen: Callable[[], HttpSeen]) -> None:
        """Take what HTTP added to a message; it is only made when somebody wants it."""
        ...


class _Untapped:
    def message(self, way: str, message: Json | bytes, link: str, call: str = "") -> None:
        """Record nothing."""

    def http(self, seen: Callable[[], HttpSeen]) -> None:
        """Record nothing."""


untapped: Tap = _Untapped()


class Taps(Protocol):
    """Gives each hop its tap."""

    def at(self, hop: str) -> Tap:
        """Return the tap of one hop."""
        ...


class Listener(Protocol):
    """Hears what passes all hops."""

    def frame(self, hop: str, seen: Seen) -> None:
        """Take a message."""
        ...

    def http(self, hop: str, seen: HttpSeen) -> None:
        """Take what HTTP added to a message; nothing in it is secret any more."""
        ...


class Switch:
    """Taps that cost next to nothing while nobody listens: a file may, and whoever sets `listener`."""

    def __init__(self, recorder: "Recorder | None" = None) -> None:
        self.recorder = recorder
        self.listener: Listener | None = None

    def at(self, hop: str) -> Tap:
        """Return the tap of one hop."""
        return _Hop(self, hop)


class _Hop:
    def __init__(self, switch: Switch, hop: str) -> None:
        self._switch = switch
        self._hop = hop

    def message(self, way: str, message: Json | bytes, link: str, call: str = "") -> None:
        switch = self._switch
        if switch.listener is None and switch.recorder is None:
            return
        span = 0
        if not call and isinstance(message, dict) and message.get("method") in _CALLED:
            call, span = HOP.get()
        seen = Seen(way, message, link, call, span)
        for listener in (switch.recorder, switch.listener):
            if listener is not None:
                listener.frame(self._hop, seen)

    def http(self, seen: Callable[[], HttpSeen]) -> None:
        switch = self._switch
        if switch.listener is None and switch.recorder is None:
            return
        shown = _shown(seen())
        for listener in (switch.recorder, switch.listener):
            if listener is not None:
                listener.http(self._hop, shown)


class Recorder:
    """Writes the messages of all hops into one file."""

    def __init__(self, path: Path) -> None:
        try:
            path.touch(mode=0o600)  # what is called and answered is nobody else's business
            self._file: IO[str] = path.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise FusionError(f"{path} cannot be written: {error.strerror}") from None

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

    def frame(self, hop: str, seen: Seen) -> None:
        """Write a message down."""
        self._write(f"{frame_head(hop, seen)},{frame_body(seen)}")

    def http(self, hop: str, seen: HttpSeen) -> None:
        """Write down what HTTP added to a message."""
        self._write(f'{_at(hop)},"http":{json.dumps(asdict(seen), ensure_ascii=False)}}}')

    def _write(self, line: str) -> None:
        if not self._file.closed:
            self._file.write(f"{secrets.redact(line)}\n")


def _at(hop: str) -> str:
    return f'{{"at":{time.time():.6f},"hop":{json.dumps(hop)}'


def frame_head(hop: str, seen: Seen) -> str:
    """Return the beginning of the line that tells of a message: all but the message."""
    link = f',"link":{json.dumps(seen.link)}' if seen.link else ""
    call = f',"call":{json.dumps(seen.call)}' if seen.call else ""
    span = f',"span":{seen.span}' if seen.span else ""
    return f'{_at(hop)},"way":"{seen.way}"{link}{call}{span}'


def frame_body(seen: Seen) -> str:
    """Return the rest of that line; the text of the message is what went over the wire."""
    message = seen.message
    if isinstance(message, bytes):
        text = message.decode("utf-8", "replace")
    else:
        try:
            text = jsonrpc.encode(message).decode("utf-8")
        except (ValueError, RecursionError):  # whoever is to send it finds that out, too
            text = '"a message that cannot be written as JSON"'
    return f'"message":{text}}}'


def _shown(seen: HttpSeen) -> HttpSeen:
    """Return what may be shown of it: no credentials."""
    return HttpSeen(
        seen.link,
        seen.id,
        seen.method,
        _public_url(seen.url),
        seen.status,
        {name: _public(name, value) for name, value in seen.sent.items()},
        {name: _public(name, value) for name, value in seen.received.items()},
    )


def _public(name: str, value: str) -> str:
    lower = name.lower()
    if lower == names.SESSION:
        return f"{value[:8]}…"  # enough to tell one session from another, too little to speak in it
    if lower == "www-authenticate" or not (lower.endswith("key") or any(word in lower for word in _SECRET_WORDS)):
        return value
    scheme, separator, _ = value.partition(" ")
    is_scheme = separator and lower.endswith("authorization")
    return f"{scheme} {HIDDEN}" if is_scheme else HIDDEN


def _public_url(url: str) -> str:
    parts = urlsplit(url)
    query = "&".join(_public_pair(pair) for pair in parts.query.split("&")) if parts.query else ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


def _public_pair(pair: str) -> str:
    name, separator, value = pair.partition("=")
    is_secret = any(word in name.lower() for word in (*_SECRET_WORDS, "key"))
    return f"{name}{separator}{HIDDEN if is_secret and value else value}"


_links = count(1)


class TappedTransport:
    """A transport whose messages are recorded."""

    def __init__(self, transport: Transport, tap: Tap) -> None:
        self._transport = transport
        self._tap = tap
        self._link = str(next(_links))
        self.needs_headers = transport.needs_headers
        self._receiver: Receiver | None = None
        if hasattr(transport, "exchanged"):
            transport.exchanged = self._exchanged

    def _exchanged(
        self, request_id: RequestId | None, method: str, url: str, sent: Mapping[str, str], answer: Answer
    ) -> None:
        self._tap.http(lambda: HttpSeen(self._link, request_id, method, url, answer.status, sent, answer.headers))

    @property
    def pid(self) -> int | None:
        """The number of the child's process, if it has one."""
        return getattr(self._transport, "pid", None)

    async def open(self, receiver: Receiver) -> None:
        """Connect."""
        self._receiver = receiver
        await self._transport.open(self)

    def send(self, message: Json, headers: Mapping[str, str] | None = None) -> int:
        """Send a message."""
        self._tap.message("out", message, self._link)
        return self._transport.send(message, headers)

    def negotiated(self, version: str) -> None:
        """Take note of the revision."""
        self._transport.negotiated(version)

    def abort(self, request_id: RequestId) -> bool:
        """Give a request up."""
        return self._transport.abort(request_id)

    async def close(self) -> None:
        """End the connection."""
        await self._transport.close()

    def received(self, message: Any, related: RequestId | None = None, size: int = 0) -> None:
        """Take a message off the wire."""
        self._tap.message("in", message, self._link)
        if self._receiver is not None:
            self._receiver.received(message, related, size)

    def noise(self, line: str) -> None:
        """Take a line that is no message."""
        if self._receiver is not None:
            self._receiver.noise(line)

    def failed(self, request_id: RequestId, error: Exception) -> None:
        """Take note that a request cannot be answered."""
        if self._receiver is not None:
            self._receiver.failed(request_id, error)

    def lost(self, reason: str, *, forgotten: bool = False) -> None:
        """Take note that nothing more can come."""
        if self._receiver is not None:
            self._receiver.lost(reason, forgotten=forgotten)
