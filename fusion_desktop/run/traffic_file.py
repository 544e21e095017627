"""Recordings: the messages of a session in a file of JSON lines, to be opened again without any server.

A recording is what `composite-runtime serve --trace` writes. One that was saved here begins with a line that tells what
nodes are called, and holds the events of calls too, from which traces are made.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from composite_runtime import files
from composite_runtime.errors import FusionError
from composite_runtime.events import Log, encode
from fusion_desktop.run.hiding import hidden_lines
from fusion_desktop.run.traffic import Row, Told, lines_of, read
from fusion_desktop.run.traffic_model import TrafficModel

SUFFIX = ".jsonl"
FILTER = f"Recorded traffic (*{SUFFIX});;All files (*)"
_LARGEST = 512 * 1024 * 1024


@dataclass(frozen=True)
class Recording:
    """What a file holds."""

    told: tuple[Told, ...]
    names: dict[str, str] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    root: str = ""
    skipped: int = 0
    """How many lines could not be read."""


def save(path: Path, model: TrafficModel, rows: Iterable[Row]) -> int:
    """Write these messages of the model, and the calls they belong to; return how many. Raises `FusionError`."""
    kept = list(rows)
    write(path, lines(model, kept))
    return len(kept)


def write(path: Path, lines: Iterable[str]) -> None:
    """Write the lines of a recording without what must not be seen, which takes a while; raise `FusionError`."""
    files.write_text(path, "".join(f"{line}\n" for line in hidden_lines(lines)), new_mode=0o600)


def lines(model: TrafficModel, rows: list[Row]) -> Iterator[str]:
    """Return messages of the model, and the calls they belong to, as the lines of a recording."""
    about = {"fusion": "traffic", "version": 1, "names": dict(model.names), "parents": dict(model.parents)}
    yield json.dumps({**about, "root": model.root}, ensure_ascii=False)
    calls = {row.call for row in rows if row.call}
    told = [(event.at, encode(event)) for event in model.traces.events() if event.call in calls]
    # In time, as it was told: that a call was repeated says that its first message got no answer.
    said = [(row.at, line) for row in rows for line in lines_of([row])]
    yield from (line for _, line in sorted([*told, *said], key=lambda part: part[0]))


def load(path: Path) -> Recording:
    """Return what a recording holds; raise `FusionError` when it is none."""
    try:
        if path.stat().st_size > _LARGEST:
            raise FusionError(f"{path.name} is larger than {_LARGEST // 1024**2} MB, which is too much to show")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise FusionError(f"{path.name} cannot be read: {reason}") from None
    lines = [line for line in text.split("\n") if line.strip()]
    about = _about(lines[0]) if lines else None
    told = [read(line) for line in (lines[1:] if about is not None else lines)]
    # What is no event is taken for a log entry, so a file of something else would be read as one long log.
    kept = tuple(part for part in told if not (isinstance(part, Log) and part.stream == "stderr"))
    if not kept and about is None:
        raise FusionError(f"{path.name} is no recording of traffic: it holds no message")
    about = about or {}
    return Recording(
        kept,
        _words(about.get("names")),
        _words(about.get("parents")),
        str(about.get("root", "")),
        len(told) - len(kept),
    )


def _about(line: str) -> dict[str, Any] | None:
    try:
        data = json.loads(line)
    except ValueError:
        return None
    return data if isinstance(data, dict) and data.get("fusion") == "traffic" else None


def _words(value: Any) -> dict[str, str]:
    return {str(key): str(name) for key, name in value.items()} if isinstance(value, dict) else {}
