"""Which clients are on this machine, and whether they have a graph of ours and the right command for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from composite_runtime.errors import ConfigError
from composite_runtime.graph.model import StdioTransport
from composite_runtime.interop import config_file
from composite_runtime.interop.clients import clients
from composite_runtime.interop.clients.format import ClientFormat, FoundServer, Location
from composite_runtime.interop.launch import runtime_command
from composite_runtime.interop.machine import Machine


class State(StrEnum):
    """How a client stands to Fusion."""

    NOT_INSTALLED = "not installed"
    CAN_EXPORT = "can export"
    EXPORTED = "exported"
    STALE = "stale"
    UNREADABLE = "unreadable"
    READ_ONLY = "read only"


@dataclass(frozen=True)
class OurEntry:
    """An entry of ours in a client's file; `problem` says why it does not start this Fusion on an existing graph."""

    name: str
    graph: str
    graph_id: str | None
    problem: str | None = None


@dataclass(frozen=True)
class ClientStatus:
    """One client on this machine."""

    client_id: str
    title: str
    state: State
    path: Path | None = None
    entries: tuple[OurEntry, ...] = ()
    problem: str | None = None


def statuses(machine: Machine | None = None) -> list[ClientStatus]:
    """Return how each client stands, in the order of the registry. Files are read, never written."""
    here = machine or Machine.this()
    return [status(client_id, here) for client_id in clients]


def status(client_id: str, machine: Machine) -> ClientStatus:
    """Return how one client stands."""
    client = clients[client_id]
    locations = client.paths(machine.platform, machine.env, machine.home)
    here = [location for location in locations if location.is_installed()]
    if not here:
        return ClientStatus(client_id, client.title, State.NOT_INSTALLED)
    path = locations[0].path
    try:
        entries = _entries(client, here)
    except ConfigError as error:
        return ClientStatus(client_id, client.title, State.UNREADABLE, path, problem=str(error))
    if client.why_read_only:
        return ClientStatus(client_id, client.title, State.READ_ONLY, path, entries, client.why_read_only)
    if not entries:
        return ClientStatus(client_id, client.title, State.CAN_EXPORT, path)
    is_stale = any(entry.problem for entry in entries)
    return ClientStatus(client_id, client.title, State.STALE if is_stale else State.EXPORTED, path, entries)


def entries_in(client_id: str, path: Path) -> tuple[OurEntry, ...]:
    """Return the entries of ours in one file, which need not be the client's own; raise `ConfigError`."""
    text = config_file.load(path)
    servers = clients[client_id].read(text).servers if text is not None else ()
    return tuple(_ours(server) for server in servers if server.is_ours)


def _entries(client: ClientFormat, locations: Sequence[Location]) -> tuple[OurEntry, ...]:
    found: dict[str, OurEntry] = {}
    for location in locations:
        try:
            text = config_file.load(location.path)
            servers = client.read(text).servers if text is not None else ()
            reason = client.why_unreadable(text) if text is not None else None
        except ConfigError as error:
            raise ConfigError(_with_path(location.path, str(error))) from None
        if reason is not None:
            raise ConfigError(_with_path(location.path, f"{client.title} itself cannot read it: {reason}"))
        for server in servers:
            if server.is_ours:
                found.setdefault(server.name, _ours(server))
    return tuple(found.values())


def _with_path(path: Path, message: str) -> str:
    return message if str(path) in message else f"{path}: {message}"


def _ours(server: FoundServer) -> OurEntry:
    transport = server.transport
    assert isinstance(transport, StdioTransport)
    words = (transport.command, *transport.args)
    graph = next(iter(_after(words, "serve")), "")
    return OurEntry(server.name, graph, server.graph_id, _why_stale(words, graph))


def _after(words: Sequence[str], word: str) -> Sequence[str]:
    rest = words[words.index(word) + 1 :] if word in words else ()
    return [word for word in rest if not word.startswith("-")]


def _why_stale(words: Sequence[str], graph: str) -> str | None:
    if not graph or not Path(graph).is_file():
        return f"the graph {graph or 'it serves'} is not there any more"
    command = runtime_command()
    if tuple(words[: len(command)]) == command:
        return None
    if not Path(words[0]).is_file():
        return f"the program {words[0]} is not there any more"
    return "it starts another installation of Fusion"
