"""Messages at the hops of a composite: read from what the runtime tells, each answer paired with its request."""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from composite_runtime.events import ChildChanged, ChildState, Event, Http, decode
from fusion_desktop.run.alone import marked, split

Json: TypeAlias = Any

CLIENT = "client"
"""The hop between the client and the composite; every other hop is the id of a child's node."""
_FRAME = ',"event":"frame","message":'
_RECORDED = ',"message":'
_PREVIEW = 160
_DONE = 1_000
_Key: TypeAlias = tuple[str, str, str, str]


class Kind(StrEnum):
    """What a row is."""

    REQUEST = "request"
    RESPONSE = "response"
    NOTIFICATION = "notification"
    HTTP = "http"


class Outcome(StrEnum):
    """What became of a request; a row that has none needs none."""

    PENDING = "pending"
    OK = "ok"
    ERROR = "error"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def is_bad(self) -> bool:
        """Whether it is what a search for errors is for."""
        return self in {Outcome.ERROR, Outcome.FAILED, Outcome.LOST}


@dataclass(slots=True, eq=False)
class Row:
    """One message at one hop; `way` is `in` towards the runtime. What is known only later is filled in by `Pairing`."""

    number: int
    at: float
    hop: str
    way: str
    kind: Kind
    text: str
    link: str = ""
    id: Json = None
    method: str = ""
    name: str = ""
    preview: str = ""
    call: str = ""
    span: int = 0
    outcome: Outcome | None = None
    code: int | None = None
    milliseconds: float | None = None
    partner: int | None = None
    http: Json = None
    alone: str = ""
    """The node that is inspected alone where this was said; nothing in what runs or is watched."""
    _folded: str = field(default="", repr=False)

    @property
    def message(self) -> Json:
        """The message as a JSON value; None for a row that HTTP alone makes."""
        return json.loads(self.text) if self.text else None

    @property
    def size(self) -> int:
        """How many characters the message has."""
        return len(self.text)

    @property
    def place(self) -> str:
        """The hop, and whether that is one of a node inspected alone."""
        return marked(self.hop, self.alone)

    @property
    def folded(self) -> str:
        """What a search for words looks at."""
        if not self._folded:
            self._folded = (self.text or json.dumps(self.http, ensure_ascii=False)).casefold()
        return self._folded


class Pairing:
    """Makes rows of what is told. `changed` hears of rows that are known better than before."""

    def __init__(self, find: Callable[[int], Row | None], changed: Callable[[Row], None]) -> None:
        self._find = find
        self._changed = changed
        self._count = 0
        self._open: dict[_Key, int] = {}
        self._of_span: dict[int, _Key] = {}
        self._last: dict[tuple[str, str], int] = {}
        self._done: OrderedDict[_Key, int] = OrderedDict()

    def clear(self) -> None:
        """Forget what is open; numbers go on."""
        self._open.clear()
        self._of_span.clear()
        self._done.clear()
        self._last.clear()

    def frame(self, head: Json, text: str) -> Row | None:
        """Return the row of a message: `head` is all that is told beside it."""
        try:
            message = json.loads(text)
            at, way = float(head["at"]), str(head["way"])
            alone, hop = split(str(head["hop"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        row = Row(self._next(), at, hop, way, Kind.NOTIFICATION, text, alone=alone)
        row.link, row.call, row.span = str(head.get("link", "")), str(head.get("call", "")), int(head.get("span") or 0)
        if isinstance(message, dict):
            self._describe(row, message)
        return row

    def http(self, at: float, hop: str, seen: Json) -> Row | None:
        """Take what HTTP added to a message; return a row of its own when there is no such message."""
        link, place = str(seen.get("link")), hop
        alone, hop = split(place)
        way = "in" if hop == CLIENT else "out"
        number = None
        if seen.get("id") is not None:
            key = _key(place, link, way, seen["id"])
            number = self._open.get(key) or self._done.get(key)
        if number is None and seen.get("method") == "POST":
            number = self._last.pop((place, link), None)
        row = self._find(number) if number is not None else None
        if row is not None and row.http is None:
            row.http = seen
            if (answer := self._find(row.partner or 0)) is not None:
                answer.http = seen
                self._changed(answer)
            self._changed(row)
            return None
        made = Row(self._next(), at, hop, way, Kind.HTTP, "", link=link, method=f"HTTP {seen.get('method')}", http=seen)
        made.alone = alone
        status = int(seen.get("status") or 0)
        made.preview = str(seen.get("url"))
        # A server need not have the stream a GET asks for, nor end sessions.
        made.outcome = Outcome.ERROR if status >= 400 and status != 405 else Outcome.OK
        made.code = status
        return made

    def span_over(self, span: int) -> None:
        """Give up what was asked in a span that is over, or begins anew."""
        key = self._of_span.pop(span, None)
        if key is not None:
            self._give_up(key)

    def child_lost(self, node: str) -> None:
        """Give up what was asked of a child that is gone."""
        for key in [key for key in self._open if key[0] == node]:
            self._give_up(key)

    def _give_up(self, key: _Key) -> None:
        number = self._open.pop(key, None)
        row = self._find(number) if number is not None else None
        if row is not None:
            row.outcome = Outcome.LOST
            self._changed(row)

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _describe(self, row: Row, message: dict[str, Json]) -> None:
        method, row.id = message.get("method"), message.get("id")
        params = message.get("params")
        params = params if isinstance(params, dict) else {}
        if isinstance(method, str):
            row.method, row.name = method, _name(params)
            row.preview = _words(params.get("arguments") if "arguments" in params else _bare(params))
            if row.id is not None:
                row.kind, row.outcome = Kind.REQUEST, Outcome.PENDING
                key = _key(row.place, row.link, row.way, row.id)
                self._open[key] = row.number
                if row.span:
                    self._of_span[row.span] = key
            else:
                self._last[row.place, row.link] = row.number
                if method == "notifications/cancelled":
                    self._cancel(row, params.get("requestId"))
        elif "result" in message or "error" in message:
            row.kind = Kind.RESPONSE
            self._answer(row, message)

    def _answer(self, row: Row, message: dict[str, Json]) -> None:
        row.outcome, row.code, row.preview = _outcome(message)
        number = self._open.pop(_key(row.place, row.link, "out" if row.way == "in" else "in", row.id), None)
        asked = self._find(number) if number is not None else None
        if asked is None:
            return
        # HTTP is done with an exchange only after its last message.
        self._done[_key(asked.place, asked.link, asked.way, asked.id)] = asked.number
        if len(self._done) > _DONE:
            self._done.popitem(last=False)
        row.method, row.name, row.partner = asked.method, asked.name, asked.number
        row.call, row.span, row.http = row.call or asked.call, row.span or asked.span, asked.http
        row.milliseconds = max(0.0, (row.at - asked.at) * 1000)
        asked.outcome, asked.code, asked.milliseconds, asked.partner = (
            row.outcome,
            row.code,
            row.milliseconds,
            row.number,
        )
        self._changed(asked)

    def _cancel(self, row: Row, request_id: Json) -> None:
        number = self._open.pop(_key(row.place, row.link, row.way, request_id), None)
        asked = self._find(number) if number is not None else None
        if asked is not None:
            row.name, row.call, row.partner = asked.name, asked.call, asked.number
            asked.outcome = Outcome.CANCELLED
            asked.milliseconds = max(0.0, (row.at - asked.at) * 1000)
            self._changed(asked)


Told: TypeAlias = tuple[Json, str] | Event
"""A message with what is told beside it, or an event."""


def read(line: str) -> Told:
    """Return what a line tells, live or recorded; the text of a message stays as it was."""
    for mark in (_FRAME, _RECORDED):
        head, separator, text = line.partition(mark)
        if separator and head.startswith('{"at":') and text.endswith("}"):
            try:
                return json.loads(f"{head}}}"), text[:-1]
            except ValueError:
                break
    if '"http":' in line and line.startswith('{"at":'):
        line = f'{{"event":"http",{line[1:]}'  # as a recording has it
    return decode(line)


def is_gone(event: Event) -> bool:
    """Whether an event says that what was asked of a child will not be answered."""
    gone = {ChildState.RETRYING, ChildState.FAILED, ChildState.STOPPED}
    return isinstance(event, ChildChanged) and event.state in gone


def line_of(row: Row) -> str:
    """Return a row as a line of a recording."""
    head = {"at": row.at, "hop": row.place}
    if row.kind is not Kind.HTTP:
        head |= {"way": row.way}
        head |= {key: value for key, value in (("link", row.link), ("call", row.call), ("span", row.span)) if value}
        return f"{json.dumps(head, separators=(',', ':'), ensure_ascii=False)[:-1]}{_RECORDED}{row.text}}}"
    return http_line(row)


def http_line(row: Row) -> str:
    """Return what HTTP added to a row as a line of a recording."""
    head = {"at": row.at, "hop": row.place, "http": row.http}
    return json.dumps(head, separators=(",", ":"), ensure_ascii=False)


def lines_of(rows: Iterable[Row]) -> Iterable[str]:
    """Return rows as lines of a recording, in their order."""
    for row in rows:
        yield line_of(row)
        if row.http is not None and row.kind in {Kind.REQUEST, Kind.NOTIFICATION}:
            yield http_line(row)


def _key(hop: str, link: str, way: str, request_id: Json) -> _Key:
    return hop, link, way, json.dumps(request_id)  # 1 and "1" are two ids


def _outcome(message: dict[str, Json]) -> tuple[Outcome, int | None, str]:
    error = message.get("error")
    if error is not None:
        code = error.get("code") if isinstance(error, dict) else None
        words = error.get("message") if isinstance(error, dict) else error
        return Outcome.ERROR, code if isinstance(code, int) else None, str(words)
    result = message.get("result")
    result = result if isinstance(result, dict) else {}
    failed = result.get("isError") is True
    return (Outcome.FAILED if failed else Outcome.OK), None, _result_words(result)


def _result_words(result: dict[str, Json]) -> str:
    content = result.get("content")
    if isinstance(content, list):
        texts = [str(block.get("text")) for block in content if isinstance(block, dict) and "text" in block]
        return _short(texts[0]) if texts else _words(content)
    lists = [f"{len(value)} {key}" for key, value in result.items() if isinstance(value, list)]
    return ", ".join(lists) if lists else _words(_bare(result))


def _name(params: dict[str, Json]) -> str:
    for key in ("name", "uri", "message", "level"):
        if isinstance(value := params.get(key), str):
            return _short(value)
    reference = params.get("ref")
    return str(reference.get("name") or reference.get("uri") or "") if isinstance(reference, dict) else ""


def _bare(value: dict[str, Json]) -> dict[str, Json]:
    return {key: part for key, part in value.items() if key not in {"_meta", "name", "uri", "resultType"}}


def _words(value: Json) -> str:
    return _short(json.dumps(value, ensure_ascii=False)) if value not in (None, {}, []) else ""


def _short(text: str) -> str:
    return " ".join(text[:_PREVIEW].split())


def http_of(event: Event) -> tuple[float, str, Json] | None:
    """Return what an event tells of HTTP, if that is what it tells."""
    return (event.at, event.hop, dict(event.http)) if isinstance(event, Http) else None
