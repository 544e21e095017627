"""The filter language of the traffic view: `method:tools/call status:error >500ms node:fs words`."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from typing import TypeAlias

from fusion_desktop.run.traffic import CLIENT, Kind, Outcome, Row

Fits: TypeAlias = Callable[[Row], bool]

HELP = """All terms must fit; a minus before one turns it round, quotes keep words together.
words              anywhere in the message
method:tools/call  the method, or a part of it; * stands for anything
node:fs            the hop at this node; node:client is the client's
alone:fs           what was said while this node was inspected alone; alone:* is all of that
tool:search        the tool, prompt or resource
status:error       ok, error, pending, cancelled, lost, or a number such as -32601, 404, 5xx
is:request         request, response, notification or http
way:in             in is towards the composite, out is away from it
>500ms  <2s        how long the answer took
size:>10kb         how long the message is
id:7  call:ab12    a request's id, or all messages of one call"""

_SUGGESTIONS = 30
_TERM = re.compile(r'(-?)((?:"[^"]*"?|[^\s"])+)')
_AMOUNT = re.compile(r"([<>])=?\s*([0-9]*\.?[0-9]+)([a-z]*)", re.IGNORECASE)
_TIMES = {"": 1.0, "ms": 1.0, "s": 1000.0, "m": 60_000.0, "min": 60_000.0, "us": 0.001}
_SIZES = {"": 1.0, "b": 1.0, "kb": 1e3, "k": 1e3, "mb": 1e6, "m": 1e6}


class FilterError(ValueError):
    """A term that means nothing, and where it stands in the text."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.start = start
        self.end = end


@dataclass(frozen=True)
class TrafficFilter:
    """Which rows are shown."""

    text: str = ""
    terms: Sequence[Fits] = field(default=(), compare=False)
    is_settled: bool = field(default=True, compare=False)
    """Whether a row that fits now always will: how a call ended is not among the terms."""

    def choose(self, rows: Iterable[Row]) -> list[Row]:
        """Return the rows that fit."""
        chosen = list(rows)
        for fits in self.terms:
            chosen = [row for row in chosen if fits(row)]
        return chosen

    def fits(self, row: Row) -> bool:
        """Say whether one row fits."""
        return all(fits(row) for fits in self.terms)


def parse(text: str, names: Mapping[str, str] | None = None) -> TrafficFilter:
    """Return the filter a text describes; `names` are what nodes are called. Raises `FilterError`."""
    terms: list[Fits] = []
    is_settled = True
    for match in _TERM.finditer(text):
        start, end = match.span()
        fits, settled = _term(match[2], names or {}, start, end)
        is_settled &= settled
        terms.append(_turned(fits) if match[1] else fits)
    return TrafficFilter(" ".join(text.split()), tuple(terms), is_settled)


def _term(term: str, names: Mapping[str, str], start: int, end: int) -> tuple[Fits, bool]:
    """Return what a term asks for, and whether its answer never changes."""
    if term[0] in "<>":
        return _amount(term, _TIMES, lambda row: row.milliseconds, start, end), False
    key, colon, value = term.partition(":")
    is_address = value.startswith("//") and key.lower() not in _KEYS
    if not colon or term.startswith('"') or not key.isalpha() or is_address:
        return _words(term.replace('"', "").casefold()), True
    value = value.replace('"', "")
    make = _KEYS.get(key.lower())
    if make is None:
        known = ", ".join(sorted(_KEYS))
        raise FilterError(f"“{key}:” is no filter; there are {known}. Quotes make it plain text.", start, end)
    if not value:
        raise FilterError(f"“{key}:” needs a value", start, end)
    return make(value, names, start, end), key.lower() != "status"


def _turned(fits: Fits) -> Fits:
    return lambda row: not fits(row)


def _words(needle: str) -> Fits:
    return lambda row: needle in row.folded


def _amount(term: str, units: Mapping[str, float], of: Callable[[Row], float | None], start: int, end: int) -> Fits:
    match = _AMOUNT.fullmatch(term)
    unit = units.get(match[3].lower()) if match else None
    if match is None or unit is None:
        known = " or ".join(name for name in units if len(name) > 1)
        raise FilterError(f"“{term}” is no amount; write > or <, a number and {known}", start, end)
    bound = float(match[2]) * unit
    if match[1] == ">":
        return lambda row: (value := of(row)) is not None and value >= bound
    return lambda row: (value := of(row)) is not None and value <= bound


def _matching(value: str) -> Callable[[str], bool]:
    """Return whether a text holds the value in any case, or is like it where there are stars."""
    needle = value.casefold()
    if "*" in needle:
        pattern = re.compile(translate(needle)).match
        return lambda text: pattern(text.casefold()) is not None
    return lambda text: needle in text.casefold()


class _Seen(dict[str, bool]):
    """Answers for texts that come again and again."""

    def __init__(self, ask: Callable[[str], bool]) -> None:
        self._ask = ask

    def __missing__(self, text: str) -> bool:
        if len(self) > 10_000:
            self.clear()
        answer = self[text] = self._ask(text)
        return answer


def _method(value: str, names: Mapping[str, str], start: int, end: int) -> Fits:
    seen = _Seen(_matching(value))
    return lambda row: seen[row.method]


def _tool(value: str, names: Mapping[str, str], start: int, end: int) -> Fits:
    seen = _Seen(_matching(value))
    return lambda row: seen[row.name]


def _node(value: str, names: Mapping[str, str], start: int, end: int) -> Fits:
    # Who writes a whole name, or an id, means no other node that begins alike.
    exact = {hop for hop, name in names.items() if value.casefold() in {hop.casefold(), name.casefold()}}
    if exact:
        return lambda row: row.hop in exact
    matching = _matching(value)
    seen = _Seen(lambda hop: matching(hop) or (hop != CLIENT and matching(names.get(hop, ""))))
    return lambda row: seen[row.hop]


def _alone(value: str, names: Mapping[str, str], start: int, end: int) -> Fits:
    matching = _matching(value)
    seen = _Seen(lambda node: bool(node) and (matching(node) or matching(names.get(node, ""))))
    return lambda row: seen[row.alone]


def _status(value: str, names: Mapping[str, str], start: int, end: int) -> Fits:
    lower = value.lower()
    if lower in {"error", "failed"}:
        return lambda row: row.outcome is not None and row.outcome.is_bad
    if lower in Outcome.__members__.values():
        wanted = Outcome(lower)
        return lambda row: row.outcome is wanted
    if re.fullmatch(r"[1-5]xx", lower):
        century = int(lower[0])
        return lambda row: row.http is not None and int(row.http.get("status") or 0) // 100 == century
    if re.fullmatch(r"-?[0-9]+", lower):
        number = int(lower)
        return lambda row: row.code == number or (row.http is not None and row.http.get("status") == number)
    known = "ok, error, pending, cancelled, lost, or a number"
    raise FilterError(f"“{value}” is no status; there are {known}", start, end)


def _is(value: str, names: Mapping[str, str], start: int, end: int) -> Fits:
    if value.lower() not in Kind.__members__.values():
        raise FilterError(f"“{value}” is no kind of message; there are {', '.join(Kind)}", start, end)
    wanted = Kind(value.lower())
    return lambda row: row.kind is wanted


def _way(value: str, names: Mapping[str, str], start: int, end: int) -> Fits:
    if value.lower() not in {"in", "out"}:
        raise FilterError(f"“{value}” is no direction; there are in and out", start, end)
    wanted = value.lower()
    return lambda row: row.way == wanted


def _size(value: str, names: Mapping[str, str], start: int, end: int) -> Fits:
    return _amount(value if value[0] in "<>" else f">{value}", _SIZES, lambda row: row.size, start, end)


def _id(value: str, names: Mapping[str, str], start: int, end: int) -> Fits:
    return lambda row: row.id is not None and str(row.id) == value


def _call(value: str, names: Mapping[str, str], start: int, end: int) -> Fits:
    return lambda row: bool(row.call) and row.call.startswith(value)


def suggestions(text: str, rows: Iterable[Row], names: Mapping[str, str]) -> list[str]:
    """Return what the last term of a text may become: a filter while its name is typed, then values that occur."""
    term = text.rpartition(" ")[2].removeprefix("-")
    key, colon, value = term.partition(":")
    if text.count('"') % 2 or not term:
        return []
    if not colon:
        return [f"{name}:" for name in _KEYS if name.startswith(key.lower())]
    known = _values(key.lower(), rows, names)
    wanted = value.replace('"', "").casefold()
    fitting = sorted({found for found in known if wanted in found.casefold() and wanted != found.casefold()})
    return [f'{key}:"{found}"' if " " in found else f"{key}:{found}" for found in fitting[:_SUGGESTIONS]]


def _values(key: str, rows: Iterable[Row], names: Mapping[str, str]) -> Iterable[str]:
    match key:
        case "method":
            return {row.method for row in rows if row.method}
        case "tool":
            return {row.name for row in rows if row.name and row.kind is Kind.REQUEST}
        case "node" | "hop":
            return {names.get(row.hop, row.hop) for row in rows}
        case "alone":
            return {names.get(row.alone, row.alone) for row in rows if row.alone}
        case "status":
            return [outcome.value for outcome in Outcome if outcome is not Outcome.FAILED]
        case "is":
            return [kind.value for kind in Kind]
        case "way":
            return ["in", "out"]
    return []


_KEYS: dict[str, Callable[[str, Mapping[str, str], int, int], Fits]] = {
    "method": _method,
    "tool": _tool,
    "node": _node,
    "hop": _node,
    "alone": _alone,
    "status": _status,
    "is": _is,
    "way": _way,
    "size": _size,
    "id": _id,
    "call": _call,
}
