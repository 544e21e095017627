"""Earlier versions of the file: which there are, and in words how each differs from the graph as it is now."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from composite_runtime.graph import file
from composite_runtime.graph.model import Graph
from fusion_desktop.document.files import versions_folder

_STAMP = "%Y%m%d-%H%M%S-%f"
_NAMED = 3
"""How many nodes are named before they are only counted."""


@dataclass(frozen=True)
class Version:
    """A file as it was before it was saved anew."""

    path: Path
    replaced_at: datetime

    def load(self) -> Graph:
        """Return the graph of then; raise `GraphError` if it cannot be read."""
        return file.load(self.path)

    @property
    def size(self) -> int:
        """Return how many bytes it has."""
        return self.path.stat().st_size if self.path.exists() else 0

    def words(self, now: datetime | None = None) -> str:
        """Return until when it was the file, as people say it."""
        then, today = self.replaced_at.astimezone(), (now or datetime.now(UTC)).astimezone().date()
        days = (today - then.date()).days
        day = {0: "today", 1: "yesterday"}.get(days, f"{then:%d %B %Y}".lstrip("0"))
        return f"Until {day}, {then:%H:%M:%S}"


def versions_of(graph_id: str) -> list[Version]:
    """Return the versions that are kept of a graph, newest first."""
    found = []
    for path in versions_folder(graph_id).glob("*.fusion"):
        try:
            found.append(Version(path, datetime.strptime(path.stem, _STAMP).replace(tzinfo=UTC)))
        except ValueError:
            continue  # not one of ours
    return sorted(found, key=lambda version: version.replaced_at, reverse=True)


def restored(now: Graph, then: Graph) -> Graph:
    """Return the graph of then, as the same graph it is now."""
    return then.but(id=now.id)


def difference(now: Graph, then: Graph) -> list[str]:
    """Return what restoring `then` would do to the graph as it is now, one fact per line; nothing if they are equal."""
    return list(_facts(now, then))


def _facts(now: Graph, then: Graph) -> Iterator[str]:
    here, there = {node.id: node for node in now.nodes}, {node.id: node for node in then.nodes}
    yield from _names("Brings back", (there[n].name for n in there if n not in here))
    yield from _names("Removes", (here[n].name for n in here if n not in there))
    both = [n for n in here if n in there]
    for node_id in both:
        if here[node_id].name != there[node_id].name:
            yield f"Renames {here[node_id].name} to {there[node_id].name}"
    changed = [n for n in both if here[n].but(name="") != there[n].but(name="")]
    yield from _names("Changes the settings of", (there[n].name for n in changed))
    own, other = ({(e.source, e.target): e for e in graph.edges} for graph in (now, then))
    yield from _count("Connects", "pair", sum(ends not in own for ends in other))
    yield from _count("Disconnects", "pair", sum(ends not in other for ends in own))
    yield from _count("Changes", "connection", sum(ends in other and other[ends] != edge for ends, edge in own.items()))
    yield from _count("Moves", "node", _moved(now.layout, then.layout, both))
    if now.annotations != then.annotations or _moved(now.layout, then.layout, [one.id for one in now.annotations]):
        yield "Changes frames and notes"
    bare = {"nodes": (), "edges": (), "annotations": (), "layout": {}, "id": ""}
    if now.but(**bare) != then.but(**bare):
        yield "Changes the name or the settings of the graph"


def _moved(now: Mapping[str, object], then: Mapping[str, object], both: Iterable[str]) -> int:
    return sum(now.get(node_id) != then.get(node_id) for node_id in both)


def _names(verb: str, names: Iterable[str]) -> Iterator[str]:
    found = list(names)
    if len(found) > _NAMED:
        yield f"{verb} {len(found)} nodes"
    elif found:
        *others, last = found
        yield f"{verb} {', '.join(others)} and {last}" if others else f"{verb} {last}"


def _count(verb: str, noun: str, count: int) -> Iterator[str]:
    if count:
        yield f"{verb} {count} {noun}{'' if count == 1 else 's'}"
