"""What a server offers now, compared with what a person has last accepted."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from composite_runtime.provider import Offers
from composite_runtime.wire.jsonrpc import Json

_SHOWN = 120
_BEFORE_CHANGE = 20


class How(StrEnum):
    """What happened to something."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True)
class Part:
    """A place in an entry that differs, as a JSON pointer, with the values there; one that is not there is None."""

    pointer: str
    how: How
    before: Any = None
    after: Any = None

    def __str__(self) -> str:
        place = self.pointer.removeprefix("/") or "all of it"
        if self.how is How.ADDED:
            return f"{place}: added {_shown(self.after)}"
        if self.how is How.REMOVED:
            return f"{place}: removed {_shown(self.before)}"
        return f"{place}: {' -> '.join(_around_change(self.before, self.after))}"


@dataclass(frozen=True)
class Entry:
    """One tool, prompt, resource or template that is new, gone or different; `server` is what it says of itself."""

    kind: str
    name: str
    how: How
    parts: tuple[Part, ...] = ()

    def __str__(self) -> str:
        sign = {How.ADDED: "+", How.REMOVED: "-", How.CHANGED: "~"}[self.how]
        return "\n".join((f"{sign} {self.kind} {self.name}", *(f"    {part}" for part in self.parts)))


@dataclass(frozen=True)
class Drift:
    """All that differs; empty when nothing does."""

    entries: tuple[Entry, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.entries)

    def __str__(self) -> str:
        return "\n".join(map(str, self.entries))

    def count(self, how: How) -> int:
        """Return how many entries are new, gone or different."""
        return sum(entry.how is how for entry in self.entries)

    @property
    def summary(self) -> str:
        """The counts in words, such as `2 tools added, 1 prompt changed`."""
        counts = Counter((entry.kind, entry.how) for entry in self.entries)
        return ", ".join(f"{count} {kind}{'s' if count > 1 else ''} {how}" for (kind, how), count in counts.items())


NO_DRIFT = Drift()


def compare(before: Offers, after: Offers) -> Drift:
    """Return what was added, removed and changed; the order of lists does not matter."""
    entries: list[Entry] = []
    for kind, key, old, new in (
        ("tool", "name", before.tools, after.tools),
        ("prompt", "name", before.prompts, after.prompts),
        ("resource", "uri", before.resources, after.resources),
        ("template", "uriTemplate", before.templates, after.templates),
    ):
        entries.extend(_entries(kind, _by(key, old), _by(key, new)))
    for name, one, other in (
        ("instructions", before.instructions, after.instructions),
        ("capabilities", before.capabilities, after.capabilities),
    ):
        if parts := _parts(one, other):
            entries.append(Entry("server", name, How.CHANGED, parts))
    return Drift(tuple(entries))


def merged(drifts: Iterable[Drift]) -> Drift:
    """Return all that several comparisons of one server found, each entry once."""
    return Drift(tuple({str(entry): entry for drift in drifts for entry in drift.entries}.values()))


def _by(key: str, items: Sequence[Json]) -> dict[str, Json]:
    return {str(item.get(key)): item for item in items}


def _entries(kind: str, before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[Entry]:
    for name, item in after.items():
        if name not in before:
            yield Entry(kind, name, How.ADDED)
        elif parts := _parts(before[name], item):
            yield Entry(kind, name, How.CHANGED, parts)
    for name in before:
        if name not in after:
            yield Entry(kind, name, How.REMOVED)


def _parts(before: Any, after: Any) -> tuple[Part, ...]:
    try:
        return tuple(_differences("", before, after))
    except RecursionError:
        return (Part("", How.CHANGED, "something nested very deeply", "something else"),)


def _differences(place: str, before: Any, after: Any) -> Iterator[Part]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            below = f"{place}/{str(key).replace('~', '~0').replace('/', '~1')}"
            if key not in after:
                yield Part(below, How.REMOVED, before=before[key])
            elif key not in before:
                yield Part(below, How.ADDED, after=after[key])
            else:
                yield from _differences(below, before[key], after[key])
    elif _are_nested(before, after) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _differences(f"{place}/{index}", old, new)
    elif type(before) is not type(after) or before != after:
        yield Part(place, How.CHANGED, before, after)


def _are_nested(before: Any, after: Any) -> bool:
    """Say whether both are lists in which something lies deeper; plain ones, like `required`, are shown whole."""
    return all(
        isinstance(value, list) and any(isinstance(item, dict | list) for item in value) for value in (before, after)
    )


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _around_change(before: Any, after: Any) -> tuple[str, str]:
    """Return both values, and of long texts only what surrounds the first difference."""
    one, other = json.dumps(before, ensure_ascii=False), json.dumps(after, ensure_ascii=False)
    if max(len(one), len(other)) <= _SHOWN:
        return one, other
    same = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    start = max(0, same - _BEFORE_CHANGE)
    return _cut(one, start), _cut(other, start)


def _cut(text: str, start: int) -> str:
    end = start + _SHOWN
    return ("…" if start else "") + text[start:end] + ("…" if len(text) > end else "")
