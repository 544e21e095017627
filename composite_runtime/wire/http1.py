"""HTTP/1.1 framing for both ends (RFC 9112): bytes into heads and bodies, without any input or output.

Strict on purpose. What two readers could understand differently (a length beside chunks, a folded or blank-padded
field name, a bare line end) is how requests are smuggled past a proxy, so it is refused rather than interpreted.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Protocol

HEAD_LIMIT: Final = 64 * 1024
_LINE_LIMIT: Final = 1024

CHUNKED: Final = -1
UNTIL_CLOSE: Final = -2

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
# Of the control characters a field may hold the tab only, and of line ends the pair only.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n").search
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?").fullmatch
_LENGTH = re.compile(r"[0-9]{1,15}").fullmatch


class Malformed(Exception):
    """The other side does not speak HTTP/1.1 as it should; the connection is of no more use."""


class Head(NamedTuple):
    """The first line of a message, and its fields by lower-case name; repeated ones are joined by commas."""

    line: str
    headers: Mapping[str, str]
    repeated: frozenset[str]


class Sink(Protocol):
    """Takes what a `Reader` finds, in the order of the wire."""

    def head(self, head: Head) -> int:
        """Take a head; return how long its body is: a number of bytes, `CHUNKED` or `UNTIL_CLOSE`."""
        ...

    def piece(self, data: bytes) -> None:
        """Take a part of a body."""
        ...

    def end(self) -> None:
        """Take note that the message is complete."""
        ...


def parse_head(block: bytes) -> Head:
    """Return the head written in `block`, which lacks the empty line; raise `Malformed` when it is none."""
    text = block.decode("latin-1")
    if _FORBIDDEN(text):
        raise Malformed("a control character in the head")
    line, *fields = text.split("\r\n")
    headers: dict[str, str] = {}
    repeated: set[str] = set()
    for field in fields:
        name, colon, value = field.partition(":")
        if not colon or not _TOKEN(name):
            raise Malformed("a header without a proper name")
        name = name.lower()
        value = value.strip(" \t")
        if name in headers:
            repeated.add(name)
            value = f"{headers[name]}, {value}"
        headers[name] = value
    return Head(line, headers, frozenset(repeated))


def body_length(headers: Mapping[str, str]) -> int | None:
    """Return the length these headers state, or `CHUNKED`; None when they state nothing."""
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None:
        if length is not None:
            raise Malformed("both a length and a transfer coding")
        if coding.lower() != "chunked":
            raise Malformed("an unknown transfer coding")
        return CHUNKED
    if length is None:
        return None
    values = {value.strip() for value in length.split(",")} if "," in length else {length}
    value = values.pop()
    if values or not _LENGTH(value):
        raise Malformed("an impossible length")
    return int(value)


def keeps_alive(version: str, headers: Mapping[str, str]) -> bool:
    """Say whether the connection may be used again after this message."""
    wish = headers.get("connection", "").lower()
    return "close" not in wish if version == "HTTP/1.1" else "keep-alive" in wish


def header_lines(headers: Mapping[str, str]) -> str:
    """Return fields as they are written in a head; raise `ValueError` when one would break out of its line."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    if lines.count("\n") != len(headers) or _FORBIDDEN(lines):
        raise ValueError("a header holds a line end or another control character")
    return lines


class _Nobody:
    def head(self, head: Head) -> int:
        return 0

    def piece(self, data: bytes) -> None:
        pass

    def end(self) -> None:
        pass


_NOBODY: Final = _Nobody()


def _nothing() -> bool:
    return False


class Reader:
    """Takes one direction of a connection apart, message by message."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._data = b""
        self._at = 0
        self._left = 0
        self._step: Callable[[], bool] = self._head
        self._block = b""
        self._known: Head | None = None
        self._is_running = False
        self.is_paused = False

    @property
    def waiting(self) -> int:
        """How many bytes wait to be understood."""
        return len(self._data) - self._at

    @property
    def is_between(self) -> bool:
        """Whether no message has begun."""
        return self._step == self._head and not self.waiting

    def feed(self, data: bytes) -> None:
        """Take bytes; raise `Malformed`. While paused, they are kept for `resume`."""
        self._data = self._data[self._at :] + data if self.waiting else data
        self._at = 0
        self._run()

    def close(self) -> None:
        """Take nothing more, and let go of the sink: else both would live on until they are collected as a circle."""
        self._sink, self._step, self._data = _NOBODY, _nothing, b""

    def resume(self) -> None:
        """Go on after a pause."""
        self.is_paused = False
        if not self._is_running:
            self._run()

    def eof(self) -> None:
        """Take note that nothing more comes; raise `Malformed` when that breaks a message off."""
        if self._step == self._until_close:
            self._finish()
        elif not self.is_between:
            raise Malformed("the connection ended in the middle of a message")

    def _run(self) -> None:
        # Pieces are cut from one buffer by position: many small chunks must not cost the square of their number.
        self._is_running = True
        try:
            while self._at < len(self._data) and not self.is_paused and self._step():
                pass
        finally:
            self._is_running = False
        if self._at == len(self._data):
            self._data, self._at = b"", 0

    def _head(self) -> bool:
        data, at = self._data, self._at
        if data.startswith((b"\r", b"\n"), at):
            return self._empty_line()
        end = data.find(b"\r\n\r\n", at, at + HEAD_LIMIT)
        if end < 0:
            if len(data) - at >= HEAD_LIMIT:
                raise Malformed("a head without end")
            return False
        self._at = end + 4
        self._begin(self._sink.head(self._parsed(data[at:end])))
        return True

    def _parsed(self, block: bytes) -> Head:
        """Return what a head says. The same side mostly says the same again, and gets the same object for it."""
        if self._known is None or block != self._block:
            self._known, self._block = parse_head(block), block
        return self._known

    def _empty_line(self) -> bool:
        """Overlook what some clients send after a body, as RFC 9112, section 2.2, wants it."""
        if self._data.startswith(b"\r\n", self._at):
            self._at += 2
            return True
        if self._data[self._at :] == b"\r":
            return False
        raise Malformed("no message")

    def _begin(self, length: int) -> None:
        self._left = length
        if length == 0:
            self._finish()
        elif length == CHUNKED:
            self._step = self._chunk_head
        else:
            self._step = self._until_close if length == UNTIL_CLOSE else self._fixed

    def _finish(self) -> None:
        self._step = self._head
        self._sink.end()

    def _fixed(self) -> bool:
        if self._take():
            self._finish()
        return True

    def _take(self) -> bool:
        """Pass on what belongs to the body; return whether that was all of it."""
        end = min(self._at + self._left, len(self._data))
        piece = self._data[self._at : end] if self._at or end < len(self._data) else self._data
        self._at = end
        self._left -= len(piece)
        self._sink.piece(piece)
        return self._left == 0

    def _until_close(self) -> bool:
        piece = self._data[self._at :]
        self._at = len(self._data)
        self._sink.piece(piece)
        return True

    def _chunk_head(self) -> bool:
        line = self._line()
        if line is None:
            return False
        size = _CHUNK(line)
        if size is None:
            raise Malformed("a chunk without a length")
        self._left = int(size[1], 16)
        self._step = self._chunk
        if self._left == 0:
            self._left, self._step = HEAD_LIMIT, self._trailer
        return True

    def _chunk(self) -> bool:
        if self._take():
            self._step = self._chunk_end
        return True

    def _chunk_end(self) -> bool:
        if self.waiting < 2:
            return False
        if not self._data.startswith(b"\r\n", self._at):
            raise Malformed("a chunk longer than it says")
        self._at += 2
        self._step = self._chunk_head
        return True

    def _trailer(self) -> bool:
        line = self._line()
        if line is None:
            return False
        self._left -= len(line) + 2
        if self._left < 0:
            raise Malformed("trailers without end")
        if not line:
            self._finish()
        return True

    def _line(self) -> bytes | None:
        end = self._data.find(b"\r\n", self._at, self._at + _LINE_LIMIT)
        if end < 0:
            if self.waiting >= _LINE_LIMIT:
                raise Malformed("a line without end")
            return None
        line = self._data[self._at : end]
        self._at = end + 2
        return line
