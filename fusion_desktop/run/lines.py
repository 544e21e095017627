"""Bytes from a pipe to lines of text."""

import codecs
from collections.abc import Iterator

LIMIT = 1024 * 1024
"""A longer line is cut, so that a program that never ends one cannot fill the memory."""


class Lines:
    """Collects chunks until a line ends; a character split between two chunks stays whole."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._limit = limit
        self._parts: list[str] = []
        self._length = 0

    def feed(self, chunk: bytes) -> Iterator[str]:
        """Yield each line that the chunk completes, without its end."""
        *ended, rest = self._decoder.decode(chunk).split("\n")
        for text in ended:
            self._keep(text)
            yield self._take()
        self._keep(rest)

    def close(self) -> Iterator[str]:
        """Yield the last line when it has no end."""
        self._keep(self._decoder.decode(b"", final=True))
        if self._length:
            yield self._take()

    def _keep(self, text: str) -> None:
        room = self._limit - self._length
        self._length += len(text)
        if room > 0 and text:
            self._parts.append(text[:room])

    def _take(self) -> str:
        cut = self._length - self._limit
        line = "".join(self._parts).removesuffix("\r")
        self._parts.clear()
        self._length = 0
        return f"{line}… ({cut} more characters)" if cut > 0 else line
