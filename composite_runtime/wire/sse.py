"""Server-sent events: bytes into events (WHATWG HTML, section 9.2.6)."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event of a stream."""

    data: str
    event: str = "message"
    id: str | None = None
    retry_ms: int | None = None


class EventParser:
    """Collects chunks until an event is whole."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pending: list[bytes] = []
        self._length = 0
        self._fields: list[tuple[str, str]] = []

    def feed(self, data: bytes) -> Iterator[ServerEvent]:
        """Yield the events that `data` completes; raise `OverflowError` when one is too long."""
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            line = b"".join((*self._pending, data[start:end])).rstrip(b"\r")
            self._pending.clear()
            start = end + 1
            if line:
                self._field(line.decode("utf-8", "replace"))
            elif self._fields:
                yield self._event()
        if start < len(data):
            self._pending.append(data[start:])
        self._length += len(data)
        if self._length > self._limit:
            raise OverflowError(f"an event of more than {self._limit} bytes")
        if not self._pending and not self._fields:
            self._length = 0

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        if name:  # a line that starts with a colon is a comment
            self._fields.append((name, value.removeprefix(" ")))

    def _event(self) -> ServerEvent:
        fields, self._fields = self._fields, []
        self._length = 0
        last = dict(fields)
        retry = last.get("retry", "")
        return ServerEvent(
            data="\n".join(value for name, value in fields if name == "data"),
            event=last.get("event") or "message",
            id=last.get("id"),
            retry_ms=int(retry) if retry.isdecimal() and len(retry) < 9 else None,
        )
