"""One call as spans across its hops: the client, each composite, the child, and each time the child was asked again."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias

from composite_runtime.events import CallFinished, CallRepeated, CallStarted
from fusion_desktop.run.traffic import CLIENT, Kind, Outcome, Row

CALLS = 5_000
"""How many calls are kept; a trace is looked at soon or never."""
_SPANS_LIMIT = 2_000
_WORDS = 2_000

CallEvent: TypeAlias = CallStarted | CallFinished | CallRepeated


class Part(StrEnum):
    """What a span stands for."""

    CLIENT = "client"
    COMPOSITE = "composite"
    CHILD = "child"
    ATTEMPT = "attempt"


@dataclass(frozen=True)
class Span:
    """One part of a call; times are seconds since the epoch. `ended` is None while it is under way."""

    id: str
    parent: str | None
    part: Part
    node: str
    name: str
    what: str
    depth: int
    began: float
    ended: float | None
    error: str | None = None
    wire: tuple[tuple[float, float | None], ...] = ()
    """When a request was out at the child's server, and when its answer came."""
    sent: int | None = None
    received: int | None = None
    """How many bytes the request and the answer have at the child, where that is told."""

    @property
    def milliseconds(self) -> float | None:
        """How long it took, once it has ended."""
        return None if self.ended is None else (self.ended - self.began) * 1000


@dataclass
class _Hop:
    started: CallStarted
    finished: CallFinished | None = None
    repeats: list[CallRepeated] = field(default_factory=list)
    asked: dict[int, Row] = field(default_factory=dict)
    inner: list[int] = field(default_factory=list)


@dataclass
class _Call:
    hops: dict[int, _Hop] = field(default_factory=dict)
    request: Row | None = None
    answer: Row | None = None


class Traces:
    """What is known of the newest calls."""

    def __init__(self) -> None:
        self._calls: OrderedDict[str, _Call] = OrderedDict()
        self._callers: dict[int, str] = {}

    def clear(self) -> None:
        """Forget every call."""
        self._calls.clear()
        self._callers.clear()

    def take(self, event: CallEvent) -> None:
        """Take in what is told of a hop."""
        call = self._call(event.call)
        hop = call.hops.get(event.span)
        if isinstance(event, CallStarted):
            if hop is None and len(call.hops) < _SPANS_LIMIT:
                call.hops[event.span] = _Hop(event)
                outer = call.hops.get(event.parent or 0)
                if outer is not None:
                    outer.inner.append(event.span)
                    self._callers[event.span] = outer.started.node
        elif hop is not None and isinstance(event, CallFinished):
            hop.finished = event
        elif hop is not None and isinstance(event, CallRepeated):
            hop.repeats.append(event)

    def see(self, row: Row) -> None:
        """Take in a message that belongs to a call."""
        if not row.call:
            return
        call = self._call(row.call)
        if row.hop == CLIENT:
            if row.kind is Kind.REQUEST and row.way == "in":
                call.request = _bare(row)
            elif row.kind is Kind.RESPONSE and row.way == "out":
                call.answer = _bare(row)
        elif row.kind is Kind.REQUEST and row.span in call.hops:
            call.hops[row.span].asked[row.number] = _bare(row)

    def note(self, row: Row) -> None:
        """Take in that more is known about a message."""
        call = self._calls.get(row.call)
        if call is None:
            return
        hop = call.hops.get(row.span)
        if call.request is not None and call.request.number == row.number:
            call.request = _bare(row)
        elif hop is not None and row.number in hop.asked:
            hop.asked[row.number] = _bare(row)

    def caller_of(self, span: int) -> str | None:
        """Return the composite that passed a call on to the hop of this span."""
        return self._callers.get(span)

    def events(self) -> Iterator[CallEvent]:
        """Return all that was told of the calls that are kept, in time."""
        told: list[CallEvent] = []
        for call in self._calls.values():
            for hop in call.hops.values():
                told += [hop.started, *hop.repeats, *([hop.finished] if hop.finished else [])]
        return iter(sorted(told, key=lambda event: event.at))

    def spans(self, call_id: str, name_of: Callable[[str], str]) -> tuple[Span, ...]:
        """Return the spans of a call, each after the one it lies in."""
        call = self._calls.get(call_id)
        return tuple(_spans(call, name_of)) if call is not None else ()

    def _call(self, call_id: str) -> _Call:
        call = self._calls.get(call_id)
        if call is None:
            call = self._calls[call_id] = _Call()
            if len(self._calls) > CALLS:
                _, gone = self._calls.popitem(last=False)
                for span in gone.hops:
                    self._callers.pop(span, None)
        return call


def _spans(call: _Call, name_of: Callable[[str], str]) -> Iterator[Span]:
    depth, parent = 0, None
    if call.request is not None:
        asked = call.request
        ended = call.answer.at if call.answer is not None else None
        if ended is None and asked.outcome is not Outcome.PENDING and asked.milliseconds is not None:
            ended = asked.at + asked.milliseconds / 1000
        error = (call.answer.preview or "failed") if call.answer is not None and _is_bad(call.answer) else None
        what = f"{asked.method} {asked.name}".strip()
        yield Span("client", None, Part.CLIENT, CLIENT, name_of(CLIENT), what, 0, asked.at, ended, error)
        depth, parent = 1, "client"
    for span, hop in call.hops.items():
        if hop.started.parent is None or hop.started.parent not in call.hops:
            yield from _hop_spans(call, span, parent, depth, name_of)


def _hop_spans(
    call: _Call, number: int, parent: str | None, depth: int, name_of: Callable[[str], str]
) -> Iterator[Span]:
    hop = call.hops[number]
    started, finished = hop.started, hop.finished
    ended = None if finished is None else started.at + finished.milliseconds / 1000
    part = Part.COMPOSITE if hop.inner else Part.CHILD
    what = f"{started.method} {started.name or ''}".strip()
    error = finished.error if finished is not None else None
    wire = tuple((row.at, _answered(row)) for row in hop.asked.values())
    name, own = name_of(started.node), str(number)
    sent, received = (finished.request_bytes, finished.response_bytes) if finished is not None else (None, None)
    yield Span(own, parent, part, started.node, name, what, depth, started.at, ended, error, wire, sent, received)
    if hop.repeats:
        yield from _attempts(hop, own, depth + 1, wire, ended)
    for inner in hop.inner:
        yield from _hop_spans(call, inner, own, depth + 1, name_of)


def _attempts(
    hop: _Hop, parent: str, depth: int, wire: tuple[tuple[float, float | None], ...], ended: float | None
) -> Iterator[Span]:
    """Return one span for each time the child was asked."""
    began = hop.started.at
    last = hop.finished.error if hop.finished is not None else None
    ends: list[tuple[float | None, str | None]] = [(repeat.at, repeat.error) for repeat in hop.repeats]
    for count, (end, error) in enumerate([*ends, (ended, last)], 1):
        inside = tuple((a, b) for a, b in wire if began <= a and (end is None or a <= end))
        name = f"Attempt {count}"
        yield Span(
            f"{parent}/{count}", parent, Part.ATTEMPT, hop.started.node, name, "", depth, began, end, error, inside
        )
        began = end if end is not None else began


def _bare(row: Row) -> Row:
    """Return a message without its text: many calls are kept, and what they hold together has no limit."""
    return replace(row, text="", http=None, preview=row.preview[:_WORDS], _folded="")


def _answered(row: Row) -> float | None:
    return None if row.milliseconds is None else row.at + row.milliseconds / 1000


def _is_bad(row: Row) -> bool:
    return row.outcome is not None and row.outcome.is_bad
