"""Long parts of a result go on as they were written.

To write five megabytes anew costs more than all else that is done with them. So while a long message is read, the
parts of its result (`content`, `structuredContent`) remember their own text, and who writes a result puts that text
back. It is never text that was not read: each part is a complete JSON value that has been decoded, without a line end
that would break the frame of another transport. A part that is replaced on the way is a new value without a memory,
and parts are never changed in place.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from json import JSONDecoder
from typing import Any, Final, TypeAlias

Json: TypeAlias = dict[str, Any]

LONG: Final = 64 * 1024
_PIECE: Final = 256 * 1024
_blanks = re.compile(r"[ \t]+").match


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a message's text. Only the text is kept, so that a long message is never in memory three times."""

    text: str
    start: int
    end: int

    def pieces(self) -> Iterator[bytes]:
        """Yield it as UTF-8, piece by piece."""
        for at in range(self.start, self.end, _PIECE):
            yield self.text[at : min(at + _PIECE, self.end)].encode()


class WrittenList(list[Any]):
    """A list that remembers how it was written."""

    written: Slice


class WrittenObject(dict[str, Any]):
    """An object that remembers how it was written."""

    written: Slice


_WRITTEN: Final = (WrittenList, WrittenObject)


def decode(decoder: JSONDecoder, text: str) -> Any:
    """Return the JSON value of a long message; raise `ValueError` when it is none."""
    start = _end_of_blanks(text, 0)
    if not text.startswith("{", start) or "\n" in text or "\r" in text:
        return decoder.decode(text)
    value, end = _Walk(decoder, text).object(start, "")
    if _end_of_blanks(text, end) != len(text):
        raise ValueError("something follows the message")
    return value


class _Walk:
    """Reads an object member by member, to know where its parts begin and end."""

    def __init__(self, decoder: JSONDecoder, text: str) -> None:
        self._decoder = decoder
        self._text = text

    def object(self, at: int, name: str) -> tuple[Json, int]:
        """Return the object that begins here, and where it ends."""
        found: Json = {}
        at = self._past(at, "{")
        if self._text.startswith("}", at):
            return found, at + 1
        while True:
            if not self._text.startswith('"', at):
                raise ValueError("a name is missing")
            key, at = self._decoder.raw_decode(self._text, at)
            at = self._past(self._past(at), ":")
            found[key], at = self._value(at, key, name)
            at = self._past(at)
            if self._text.startswith("}", at):
                return found, at + 1
            at = self._past(at, ",")

    def _value(self, at: int, key: str, parent: str) -> tuple[Any, int]:
        if not parent and key == "result" and self._text.startswith("{", at):
            return self.object(at, key)
        value, end = self._decoder.raw_decode(self._text, at)
        if parent and end - at >= LONG and isinstance(value, list | dict):
            value = WrittenList(value) if isinstance(value, list) else WrittenObject(value)
            value.written = Slice(self._text, at, end)
        return value, end

    def _past(self, at: int, expected: str = "") -> int:
        if not self._text.startswith(expected, at):
            raise ValueError(f"{expected} is missing")
        return _end_of_blanks(self._text, at + len(expected))


def _end_of_blanks(text: str, at: int) -> int:
    blanks = _blanks(text, at)
    return blanks.end() if blanks else at


def remembers(message: Any) -> bool:
    """Say whether a message holds parts that need not be written anew."""
    result = message.get("result") if type(message) is dict else None
    return type(result) is dict and any(type(part) in _WRITTEN for part in result.values())


def encode(message: Json, plain: Callable[[Any], bytes]) -> list[bytes | Slice]:
    """Return a message that `remembers`, with its long parts as they were; `plain` encodes all else."""
    return list(_members(message, plain, "result"))


def _members(value: Json, plain: Callable[[Any], bytes], nested: str | None) -> Iterator[bytes | Slice]:
    before = b"{"
    for key, part in value.items():
        yield b"%b%b:" % (before, plain(key))
        before = b","
        if key == nested:
            yield from _members(part, plain, None)
        else:
            yield part.written if type(part) in _WRITTEN else plain(part)
    yield b"}"
