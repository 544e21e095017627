"""The answer to a post: JSON when nothing comes before it, else a stream of events."""

from collections.abc import Mapping
from typing import Final

from composite_runtime.front.listener import Exchange

UNSENT_LIMIT: Final = 64 * 1024 * 1024

_EVENTS: Final = {
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
}
_JSON: Final = {"content-type": "application/json"}


class EventStream:
    """Writes messages in order. A client that does not read loses the stream, not our memory."""

    def __init__(self, exchange: Exchange, extra: Mapping[str, str] | None = None) -> None:
        self._exchange = exchange
        self._extra = extra or {}
        self._begun = False
        self._closed = False
        exchange.silent = self._still_here

    def begin(self) -> None:
        """Send the head, so that the client knows the stream is there."""
        if not self._begun and not self._closed:
            self._begun = True
            self._exchange.begin({**_EVENTS, **self._extra})

    def push(self, message: bytes) -> None:
        """Send an encoded message that comes before the response."""
        self.begin()
        self._write(_event(message))

    def finish(self, response: list[bytes], status: int = 200) -> None:
        """Send the response, given in pieces: as plain JSON if it is the first thing to be sent, else as an event."""
        if self._closed:
            return
        self.abandon()
        if self._begun:
            self._exchange.end([b"event: message\ndata: ", *response, b"\n\n"])
        else:
            self._exchange.answer_pieces(status, response, {**_JSON, **self._extra})

    def close(self) -> None:
        """End without a response; on a stream that was never begun, too."""
        if not self._closed:
            self.begin()
            self.abandon()
            self._exchange.end()

    def abandon(self) -> None:
        """Write no more: there is nobody to read it."""
        self._closed = True
        self._exchange.silent = None

    def _write(self, data: bytes) -> None:
        if self._closed:
            return
        if self._exchange.unsent > UNSENT_LIMIT:
            self.abandon()
            self._exchange.abort()
        else:
            self._exchange.write(data)

    def _still_here(self) -> None:
        """Say something now and then, so that nobody between us and the client takes the silence for an end."""
        self.begin()
        self._write(b": ping\n\n")


def _event(message: bytes) -> bytes:
    return b"event: message\ndata: %b\n\n" % message
