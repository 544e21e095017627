"""The servers that come with Fusion as known: entries of the registry's form, searchable, each with ways to run it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from composite_runtime import files, paths
from composite_runtime.errors import UnknownName
from composite_runtime.interop.registry_entry import Entry

# Where the catalogue says which Node.js a server wants.
_NODE = re.compile(r"Node (\d+(?:\.\d+)*) or later")


@dataclass(frozen=True)
class KnownServer:
    """A server somebody looked at: what it is good for, what it asks for, and what to know before the first start."""

    id: str
    entry: Entry
    categories: tuple[str, ...]
    icon: str
    login: str
    note: str
    checked: str

    @property
    def needs(self) -> str | None:
        """Return what has to be installed for the way that is tried first, None if nothing has."""
        return self.entry.ways[0].needs if self.entry.ways else None


@cache
def known_servers() -> tuple[KnownServer, ...]:
    """Return the catalogue in its order."""
    data: dict[str, Any] = json.loads(files.read_text(paths.resource("known_servers.json")))
    return tuple(_known(entry) for entry in data["servers"])


def _known(data: Mapping[str, Any]) -> KnownServer:
    ours = data["_meta"]["io.modelcontextprotocol.registry/publisher-provided"]["fusion"]
    entry = Entry.read(data)
    return KnownServer(
        id=entry.name.rpartition("/")[2],
        entry=entry,
        categories=tuple(ours["categories"]),
        icon=ours["icon"],
        login=ours["login"],
        note=ours.get("note", ""),
        checked=ours["checked"],
    )


def known_server(server_id: str) -> KnownServer:
    """Return the known server with this id; raise `UnknownName`."""
    found = next((server for server in known_servers() if server.id == server_id), None)
    if found is None:
        raise UnknownName(f"the catalogue has no server {server_id!r}; `composite-runtime catalogue search` lists it")
    return found


def least_version(words: Sequence[str]) -> tuple[int, ...]:
    """Return the oldest Node.js that runs the known server a command line starts; empty if any will do."""
    for server in known_servers():
        names = {way.label.partition(" ")[2] for way in server.entry.ways if way.origin == "npm"}
        if any(word == name or word.startswith(f"{name}@") for name in names for word in words):
            match = _NODE.search(server.note)
            return tuple(int(part) for part in match[1].split(".")) if match else ()
    return ()


def categories() -> tuple[str, ...]:
    """Return every category, by name."""
    return tuple(sorted({category for server in known_servers() for category in server.categories}))


def search(text: str = "", category: str | None = None) -> list[KnownServer]:
    """Return the servers in which every word occurs, those named like it first."""
    words = text.casefold().split()
    found = [
        (_rank(server, words), number, server)
        for number, server in enumerate(known_servers())
        if category in (None, *server.categories) and all(word in _hay(server) for word in words)
    ]
    return [server for _, _, server in sorted(found, key=lambda item: item[:2])]


def _hay(server: KnownServer) -> str:
    entry = server.entry
    return " ".join((server.id, entry.title, entry.description, *server.categories, server.note)).casefold()


def _rank(server: KnownServer, words: list[str]) -> int:
    title = f"{server.id} {server.entry.title}".casefold()
    return 0 if all(word in title for word in words) else 1
