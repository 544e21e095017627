"""The answer to a post: JSON when nothing comes before it, else a stream of events."""

from collections.abc import Mapping
from typing import Final

from composite_runtime.front.backlog import Backlog
from composite_runtime.front.listener import Exchange

UNSENT_LIMIT: Final = 64 * 1024 * 1024

_EVENTS: Final = {
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
}
_JSON: Final = {"content-type": "application/json"}


class EventStream:
    """Writes messages in order. A client that does not read loses the stream, not our memory.

    With a backlog, one that was cut off may come back for the rest; `number` is that of a stream that has one already.
    """

    def __init__(
        self,
        exchange: Exchange,
        extra: Mapping[str, str] | None = None,
        backlog: Backlog | None = None,
        number: int | None = None,
    ) -> None:
        self._exchange: Exchange | None = exchange
        self._extra = extra or {}
        self._backlog = backlog
        self._number = number
        self._begun = False
        self._closed = False
        exchange.silent = self._still_here

    def begin(self, *, primed: bool = False) -> None:
        """Send the head, so that the client knows the stream is there; `primed` says that no message comes with it."""
        if self._begun or self._closed or self._exchange is None:
            return
        self._begun = True
        self._exchange.begin({**_EVENTS, **self._extra})
        if self._backlog is not None:
            if self._number is None:
                self._number = self._backlog.begin(self)
            if primed:
                self._write(self._backlog.primer(self._number))

    def resume(self, exchange: Exchange, after: int) -> None:
        """Go on with a client that comes back, after the last event it has, and no longer with who was there before."""
        self._let_go()
        self._exchange = exchange
        exchange.gone, exchange.silent = self.cut_off, self._still_here
        exchange.begin({**_EVENTS, **self._extra})
        self.catch_up(after)

    def catch_up(self, after: int) -> None:
        """Send again what came after an event."""
        if self._backlog is not None and self._number is not None:
            self._write(self._backlog.after(self._number, after))

    def push(self, message: bytes) -> None:
        """Send an encoded message that comes before the response."""
        if not self._closed:
            self.begin()
            self._write(b"".join(self._event([message])))

    def finish(self, response: list[bytes], status: int = 200) -> None:
        """Send the response, given in pieces: as plain JSON if it is the first thing to be sent, else as an event."""
        if self._closed:
            return
        exchange = self._exchange
        event = self._event(response) if self._begun else []
        self.abandon()
        if exchange is None:
            return
        if self._begun:
            exchange.end(event)
        else:
            exchange.answer_pieces(status, response, {**_JSON, **self._extra})

    def close(self) -> None:
        """End without a response; on a stream that was never begun, too."""
        if not self._closed:
            self.begin()
            exchange = self._exchange
            self.abandon()
            if exchange is not None:
                exchange.end()

    def cut_off(self) -> None:
        """Take note that the client is gone; if it can come back, what is sent meanwhile will be there for it."""
        if self._begun and self._backlog is not None:
            self._exchange = None
        else:
            self.abandon()

    def supersede(self) -> None:
        """Break off: the client has come back by another connection, without having been missed."""
        self._let_go()
        self.abandon()

    def abandon(self) -> None:
        """Write no more: there is nobody to read it."""
        self._closed = True
        if self._exchange is not None:
            self._exchange.silent = None
        if self._backlog is not None and self._number is not None:
            self._backlog.open.pop(self._number, None)

    def _let_go(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.gone = exchange.silent = None
            exchange.abort()

    def _event(self, message: list[bytes]) -> list[bytes]:
        if self._backlog is None or self._number is None:
            return [b"event: message\ndata: ", *message, b"\n\n"]
        return self._backlog.event(self._number, message)

    def _write(self, data: bytes) -> None:
        exchange = self._exchange
        if self._closed or exchange is None or not data:  # a part without bytes would be the last
            return
        if exchange.unsent > UNSENT_LIMIT:
            self.abandon()
            exchange.abort()
        else:
            exchange.write(data)

    def _still_here(self) -> None:
        """Say something now and then, so that nobody between us and the client takes the silence for an end."""
        self.begin(primed=True)
        self._write(b": ping\n\n")
