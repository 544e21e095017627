"""What the runtime and its children said: a bounded list that a table shows filtered."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any, TypeAlias

from PySide6.QtCore import QObject, Signal

from composite_runtime.events import (
    CallFinished,
    CallStarted,
    ChildChanged,
    ChildState,
    ClientChanged,
    Event,
    GraphChanged,
    Log,
    Ready,
    Stopped,
)
from fusion_desktop.run.alone import marked, words_for
from fusion_desktop.run.rows import NewestRows

LIMIT = 50_000
"""How many entries are kept."""
SIZE_LIMIT = 64 * 1024 * 1024
"""How many characters the kept entries may have together: a few very long lines must not fill the memory."""
FLUSH_MS = 50
"""How often new entries reach the table."""
SHOWN_LENGTH = 1000
"""A cell shows no more of a message; copying and saving take all of it."""

RUNTIME = "runtime"
"""The source of entries that belong to no node."""


class Level(IntEnum):
    """How serious an entry is, in the order and words of MCP."""

    DEBUG = 0
    INFO = 1
    NOTICE = 2
    WARNING = 3
    ERROR = 4
    CRITICAL = 5
    ALERT = 6
    EMERGENCY = 7

    @classmethod
    def named(cls, name: str) -> "Level":
        """Return the level of this name in any case; an unknown one counts as info."""
        return cls.__members__.get(name.upper(), cls.INFO)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log; `stream` is `stderr` for what a child printed, `number` counts entries of this log."""

    at: float
    level: Level
    source: str
    text: str
    stream: str | None = None
    number: int = 0

    @property
    def clock(self) -> str:
        """The time of day, to the millisecond."""
        return datetime.fromtimestamp(self.at).strftime("%H:%M:%S.%f")[:-3]

    @property
    def size(self) -> int:
        """How many characters it has."""
        return len(self.text)


@dataclass(frozen=True)
class Filter:
    """Which entries are shown: from which level on, of which sources (None: all), with which text."""

    level: Level = Level.DEBUG
    sources: frozenset[str] | None = None
    text: str = ""
    _needle: str = field(init=False, repr=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "_needle", self.text.casefold())

    def choose(self, entries: Iterable[Entry]) -> list[Entry]:
        """Return the entries that pass."""
        level, sources, needle = self.level, self.sources, self._needle
        chosen = [entry for entry in entries if entry.level >= level]
        if sources is not None:
            chosen = [entry for entry in chosen if entry.source in sources]
        if needle:
            chosen = [entry for entry in chosen if needle in entry.text.casefold()]
        return chosen


class LogModel(NewestRows[Entry, Filter]):
    """The newest entries, as rows of time, level, source and message."""

    COLUMNS = ("Time", "Level", "Source", "Message")

    sources_changed = Signal()
    """A source appeared that had not said anything before, or the names are others."""

    def __init__(self, parent: QObject | None = None, *, limit: int = LIMIT, size_limit: int = SIZE_LIMIT) -> None:
        super().__init__(Filter(), parent, limit=limit, size_limit=size_limit, flush_ms=FLUSH_MS)
        self.hidden: Callable[[str], str] = str
        """Takes what must not be seen out of a text that leaves the window."""
        self._count = 0
        self._names: Mapping[str, str] = {}
        self._sources: set[str] = set()

    def append(self, event: Event, *, alone: str = "") -> None:
        """Take in an event the runtime told, or that of a node which is inspected alone."""
        level, source, text, stream = _words(event)
        if text:
            self._add(event.at, level, marked(source, alone), text, stream)

    def say(self, level: Level, text: str, *, at: float, source: str = RUNTIME) -> None:
        """Take in something the desktop itself has to say."""
        self._add(at, level, source, text, None)

    def take_message(self, params: Mapping[str, Any], *, alone: str = "") -> None:
        """Take in a log message that a server, or a node inspected alone, sent its client, the inspector."""
        data = params.get("data")
        text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        logger = params.get("logger")
        self._add(
            time.time(),
            Level.named(str(params.get("level"))),
            marked("inspector", alone),
            f"{logger}: {text}" if logger else text,
            None,
        )

    def _add(self, at: float, level: Level, source: str, text: str, stream: str | None) -> None:
        self._count += 1
        self.add(Entry(at, level, source, text, stream, self._count))

    def flush(self) -> None:
        """Show at once what was told since the last time."""
        new = self.keep()
        fresh = {entry.source for entry in new} - self._sources
        if fresh:
            self._sources |= fresh
            self.sources_changed.emit()
        self.show_new(new)

    def clear(self) -> None:
        """Forget every entry and every source."""
        self._sources.clear()
        super().clear()
        self.sources_changed.emit()

    def set_names(self, names: Mapping[str, str]) -> None:
        """Show nodes by these names instead of their ids."""
        if names == self._names:
            return
        self._names = dict(names)
        self.column_changed(2)
        self.sources_changed.emit()

    def name_of(self, source: str) -> str:
        """Return how a source is shown."""
        return words_for(source, lambda place: self._names.get(place, place))

    def sources(self) -> list[str]:
        """Return the sources that said something, by name, the runtime first."""
        return sorted(self._sources, key=lambda source: (source != RUNTIME, self.name_of(source).casefold()))

    def text_of(self, entries: Iterable[Entry]) -> str:
        """Return entries as lines of text, for the clipboard or a file."""
        return "".join(
            f"{datetime.fromtimestamp(entry.at).isoformat(timespec='milliseconds')} {entry.level.name.lower():<9} "
            f"{self.name_of(entry.source)}{f' ({entry.stream})' if entry.stream else ''}: {self.hidden(entry.text)}\n"
            for entry in entries
        )

    def cell(self, entry: Entry, column: int) -> str:
        """Return the words of one cell; a long message is cut."""
        match column:
            case 0:
                return entry.clock
            case 1:
                return entry.level.name.capitalize()
            case 2:
                name = self.name_of(entry.source)
                return f"{name} · {entry.stream}" if entry.stream else name
            case _:
                return entry.text[:SHOWN_LENGTH].replace("\n", " ⏎ ")

    def tip(self, entry: Entry, column: int) -> str | None:
        """Return more of the message."""
        return entry.text[: 4 * SHOWN_LENGTH] if column == 3 else None


Words: TypeAlias = tuple[Level, str, str, str | None]


def _words(event: Event) -> Words:
    """Return level, source, text and stream of an event; without text it says nothing to a reader."""
    match event:
        case Log():
            return Level.named(event.level), event.source, event.message.rstrip("\n"), event.stream
        case ChildChanged():
            return _child_words(event)
        case CallStarted():
            return Level.DEBUG, event.node, f"→ {_called(event)}", None
        case CallFinished():
            text = f"← {_called(event)} in {event.milliseconds:.0f} ms"
            if event.error is not None:
                return Level.WARNING, event.node, f"{text}: {event.error}", None
            return Level.DEBUG, event.node, text, None
        case _:
            return _runtime_words(event)


def _runtime_words(event: Event) -> Words:
    match event:
        case ClientChanged():
            verb = "connected" if event.connected else "left"
            name = f"{event.name} {event.version}" if event.version else event.name
            return Level.INFO, RUNTIME, f"client {name} {verb} (MCP {event.protocol})", None
        case GraphChanged(error=str(error)):
            return Level.ERROR, RUNTIME, f"the edited graph cannot be used: {error}", None
        case GraphChanged():
            return Level.INFO, RUNTIME, "the edited graph is in use", None
        case Ready():
            return Level.NOTICE, RUNTIME, f"serving over {event.url or event.transport}", None
        case Stopped(reason=str(reason)):
            return Level.ERROR, RUNTIME, reason, None
        case Stopped():
            return Level.NOTICE, RUNTIME, "stopped", None
    return Level.DEBUG, RUNTIME, "", None


def _called(event: CallStarted | CallFinished) -> str:
    return f"{event.method} {event.name}" if event.name else event.method


def _child_words(event: ChildChanged) -> Words:
    level = {ChildState.FAILED: Level.ERROR, ChildState.RETRYING: Level.WARNING}.get(event.state, Level.INFO)
    text = str(event.state)
    if event.state == ChildState.READY and event.tools is not None:
        text = f"{text}, {event.tools} tool{'' if event.tools == 1 else 's'}"
    return level, event.node, f"{text}: {event.reason}" if event.reason else text, None
