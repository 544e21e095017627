"""Bytes into lines, in time linear in their number, with a bound on the length of one."""

from collections.abc import Iterator


class LineBuffer:
    """Collects chunks until a line is whole."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._length = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the lines that `data` completes, without their ends; raise `OverflowError` when one is too long."""
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            line = data[start:end]
            if self._parts:
                line = b"".join((*self._parts, line))
                self._parts.clear()
                self._length = 0
            self._check(len(line))
            start = end + 1
            if stripped := line.strip():
                yield stripped
        if start < len(data):
            self._parts.append(data[start:])
            self._length += len(data) - start
            self._check(self._length)

    def rest(self) -> bytes:
        """Return what came after the last line end."""
        rest = b"".join(self._parts).strip()
        self._parts.clear()
        self._length = 0
        return rest

    def _check(self, length: int) -> None:
        if length > self._limit:
            raise OverflowError(f"a message of more than {self._limit} bytes")
