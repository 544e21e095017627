"""The answer to a post: JSON, or a stream of events."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest

from composite_runtime.front.listener import Exchange
from composite_runtime.front.stream import UNSENT_LIMIT, EventStream


class Wire:
    """What an exchange is told to send."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.unsent = 0
        self.silent: Callable[[], object] | None = None

    def answer_pieces(self, status: int, body: list[bytes], headers: Mapping[str, str] | None = None) -> None:
        self.sent.append((status, b"".join(body), dict(headers or {})))

    def begin(self, headers: Mapping[str, str]) -> None:
        self.sent.append(("begin", headers["content-type"], headers.get("x")))

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def end(self, last: list[bytes] | None = None) -> None:
        self.sent += [b"".join(last), "end"] if last else ["end"]

    def abort(self) -> None:
        self.sent.append("abort")


@pytest.fixture
def wire() -> Wire:
    return Wire()


def stream(wire: Wire) -> EventStream:
    return EventStream(cast(Exchange, wire), {"x": "y"})


BEGIN = ("begin", "text/event-stream", "y")


async def test_an_answer_with_nothing_before_it_is_plain_json(wire: Wire) -> None:
    stream(wire).finish([b"{}"], 404)
    assert wire.sent == [(404, b"{}", {"content-type": "application/json", "x": "y"})]


async def test_what_comes_before_the_answer_makes_it_a_stream_in_order(wire: Wire) -> None:
    events = stream(wire)
    events.push(b"1")
    events.push(b"2")
    events.finish([b"3"])
    written = [b"event: message\ndata: %b\n\n" % number for number in (b"1", b"2", b"3")]
    assert wire.sent == [BEGIN, *written, "end"]


async def test_nothing_is_written_after_the_end(wire: Wire) -> None:
    events = stream(wire)
    events.finish([b"{}"])
    events.push(b"late")
    events.finish([b"again"])
    events.close()
    assert len(wire.sent) == 1


async def test_a_stream_that_ends_without_an_answer_is_still_one(wire: Wire) -> None:
    events = stream(wire)
    events.close()
    events.close()
    assert wire.sent == [BEGIN, "end"]


async def test_a_stream_nobody_reads_writes_nothing(wire: Wire) -> None:
    events = stream(wire)
    events.abandon()
    events.push(b"1")
    events.finish([b"2"])
    assert wire.sent == []


async def test_a_client_that_does_not_read_loses_the_stream_and_not_our_memory(wire: Wire) -> None:
    events = stream(wire)
    events.push(b"1")
    wire.unsent = UNSENT_LIMIT + 1
    events.push(b"2")
    events.push(b"3")
    assert wire.sent[2:] == ["abort"]


async def test_a_client_that_waits_for_long_is_told_that_somebody_is_there(wire: Wire) -> None:
    events = stream(wire)
    silent = cast(Exchange, wire).silent
    assert silent is not None
    silent()
    silent()
    events.finish([b"{}"])
    assert wire.sent == [BEGIN, b": ping\n\n", b": ping\n\n", b"event: message\ndata: {}\n\n", "end"]
    assert cast(Exchange, wire).silent is None
