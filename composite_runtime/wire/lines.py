"""Bytes into lines, in time linear in their number, with a bound on the length of one."""

from collections.abc import Iterator

_BLANKS = " \t\r\x0b\x0c"


class LineBuffer:
    """Collects chunks until a line is whole."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        """How many bytes a line may have."""
        self._parts: list[bytes] = []
        self._length = 0

    def feed(self, data: bytes) -> Iterator[bytes | str]:
        """Yield the lines that `data` completes, without their ends; raise `OverflowError` when one is too long.

        A line that came in parts is text already, where it is UTF-8: it may be long, and whoever is given its bytes
        would keep them beside the text.
        """
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            line: bytes | str = data[start:end]
            start = end + 1
            if self._parts:
                line = self._whole(data[:end])
            else:
                self._check(len(line))
            stripped = line.strip() if isinstance(line, bytes) else line.strip(_BLANKS)
            del line
            if stripped:
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

    def _whole(self, last: bytes) -> bytes | str:
        line = b"".join((*self._parts, last))
        self._parts.clear()
        self._length = 0
        self._check(len(line))
        try:
            return line.decode()
        except UnicodeDecodeError:
            return line

    def _check(self, length: int) -> None:
        if length > self.limit:
            raise OverflowError(f"a message of more than {self.limit} bytes")
