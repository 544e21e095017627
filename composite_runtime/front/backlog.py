"""What was sent on the streams of one session, kept for a client that loses one and comes back for the rest.

Each event has an id, `STREAM-NUMBER`; a client that was cut off names the last one it has (2025-11-25,
basic/transports#resumability-and-redelivery). Stream 0 is the one for what nobody asked; each answer has its own.
"""

import re
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from composite_runtime.front.stream import EventStream

EVENTS_LIMIT: Final = 256
BYTES_LIMIT: Final = 1024 * 1024
RETRY_MS: Final = 1000

_ID = re.compile(r"(\d{1,15})-(\d{1,15})").fullmatch


class Backlog:
    """The newest events of one session, within bounds, and its streams that are not over."""

    def __init__(self) -> None:
        self._events: deque[tuple[int, int, list[bytes]]] = deque()
        self._bytes = 0
        self._last_event = 0
        self._last_stream = 0
        self.open: dict[int, EventStream] = {}
        """The answers that are being streamed."""
        self.primes = False
        """Whether the client knows events without a message."""

    def begin(self, stream: "EventStream") -> int:
        """Return the number of a stream that begins."""
        self._last_stream += 1
        self.open[self._last_stream] = stream
        return self._last_stream

    def primer(self, stream: int) -> bytes:
        """Return an event without a message, by which a client can come back before it was sent any."""
        if not self.primes:
            return b""
        self._last_event += 1
        return b"id: %d-%d\nretry: %d\ndata:\n\n" % (stream, self._last_event, RETRY_MS)

    def event(self, stream: int, message: list[bytes]) -> list[bytes]:
        """Return the next event of a stream in pieces; it is kept, unless it is too long."""
        self._last_event += 1
        event = [b"id: %d-%d\nevent: message\ndata: " % (stream, self._last_event), *message, b"\n\n"]
        length = sum(map(len, event))
        if length <= BYTES_LIMIT:
            self._events.append((stream, self._last_event, event))
            self._bytes += length
            while self._bytes > BYTES_LIMIT or len(self._events) > EVENTS_LIMIT:
                self._bytes -= sum(map(len, self._events.popleft()[2]))
        return event

    def place(self, event_id: str) -> tuple[int, int] | None:
        """Return the stream of an event and its number; None when it is none of ours."""
        found = _ID(event_id)
        if found is None:
            return None
        stream, number = int(found[1]), int(found[2])
        return (stream, number) if stream <= self._last_stream and number <= self._last_event else None

    def after(self, stream: int, number: int) -> bytes:
        """Return what came after an event on its stream, as far as it is still there."""
        return b"".join(
            piece for of, event, pieces in self._events if of == stream and event > number for piece in pieces
        )
