"""Entering a graph into the configuration of a client: first a plan that can be shown, then the change.

The entry holds nothing but an absolute command and the id of the graph: no secret, and no reference a client might
expand in its own way.
"""

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from composite_runtime.errors import ConfigError
from composite_runtime.graph.model import StdioTransport
from composite_runtime.interop import config_file
from composite_runtime.interop.clients import clients
from composite_runtime.interop.clients.format import MARK, ClientFormat, Entry, FoundServer
from composite_runtime.interop.machine import Machine

T = TypeVar("T")

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True)
class Plan:
    """One change of one file, not made yet. `diff` can be shown: it hides what other entries may keep secret."""

    client_id: str
    path: Path
    before: str = field(repr=False)
    after: str = field(repr=False)
    diff: str
    entry_name: str
    existed: bool = True
    replaces: bool = False

    @property
    def changes_nothing(self) -> bool:
        """Return whether the file is already as it should be."""
        return self.existed and self.before == self.after


def plan(
    client_id: str,
    name: str,
    command: Sequence[str],
    *,
    file: Path | None = None,
    graph_id: str | None = None,
    machine: Machine | None = None,
) -> Plan:
    """Return the change that enters `command` as the server `name`; nothing is written yet.

    Without `file`, the client's own file is meant. An entry of ours with this name is replaced.

    Raises:
        UnknownName: there is no such client.
        ConfigError: the file cannot be read or changed safely, or the name belongs to another server.
    """
    client = clients[client_id]
    _check(client, name, command)
    env = {MARK: graph_id} if graph_id else {}
    return _planned(client_id, file, machine, Entry(name, tuple(command), env))


def plan_url(client_id: str, name: str, url: str, *, file: Path | None = None, machine: Machine | None = None) -> Plan:
    """Return the change that enters a running composite by its URL; raise as `plan`."""
    client = clients[client_id]
    _check_name(name)
    if not client.opens_urls:
        raise ConfigError(f"{client.title} cannot be given a URL in its file; export the command instead")
    return _planned(client_id, file, machine, Entry(name, url=url))


def plan_removal(client_id: str, name: str, *, file: Path | None = None, machine: Machine | None = None) -> Plan:
    """Return the change that takes the entry `name` out again; raise `ConfigError` if it is not there or not ours."""
    client = clients[client_id]
    path = target(client, file, machine)
    before = config_file.load(path)
    found = _at(path, lambda: client.read(before or "")).server(name)
    if before is None or found is None:
        raise ConfigError(f"{path} has no entry {name!r}")
    _refuse_foreign(client, path, found)
    after = _without(client, path, before, found)
    return Plan(client_id, path, before, after, _diff(client, path, before, after, name), name, replaces=True)


def apply(plan: Plan) -> Path | None:
    """Make the change and return the backup of the file as it was; None if there was none or nothing changes.

    Raises:
        ConfigError: the file was changed since the plan was made, or cannot be written.
    """
    if plan.changes_nothing:
        return None
    return config_file.replace(plan.path, plan.before if plan.existed else None, plan.after)


def remove(client_id: str, name: str, *, file: Path | None = None, machine: Machine | None = None) -> Path | None:
    """Take the entry `name` out again and return the backup; raise as `plan_removal` and `apply`."""
    return apply(plan_removal(client_id, name, file=file, machine=machine))


def undo(plan: Plan) -> None:
    """Take a change back; raise `ConfigError` if the file was changed since."""
    if plan.changes_nothing:
        return
    if plan.existed:
        config_file.replace(plan.path, plan.after, plan.before)
    else:
        config_file.discard(plan.path, plan.after)


def entry_name(text: str) -> str:
    """Return a text as a name every client accepts."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].rstrip("-") or "fusion"


def target(client: ClientFormat, file: Path | None = None, machine: Machine | None = None) -> Path:
    """Return the file to change; raise `ConfigError` if the client has none or a person has to choose."""
    if client.why_read_only:
        raise ConfigError(f"{client.title} cannot be exported to: {client.why_read_only}")
    if file is not None:
        return file.absolute()
    here = machine or Machine.this()
    locations = client.paths(here.platform, here.env, here.home)
    if not locations:
        raise ConfigError(f"it is not known where {client.title} keeps its file here: choose the file (--file)")
    rivals = [location for location in locations if location.is_rival]
    if len(rivals) > 1:
        listed = "\n".join(f"  {location.path}" for location in rivals)
        raise ConfigError(f"{client.title} is installed more than once; choose one of its files (--file):\n{listed}")
    return locations[0].path


def _planned(client_id: str, file: Path | None, machine: Machine | None, entry: Entry) -> Plan:
    client = clients[client_id]
    path = target(client, file, machine)
    before = config_file.load(path)
    found = _at(path, lambda: client.read(before or "")).server(entry.name)
    if found is not None:
        _refuse_foreign(client, path, found)
    after = _at(path, lambda: client.write(before or "", entry))
    return Plan(
        client_id=client_id,
        path=path,
        before=before or "",
        after=after,
        diff=_diff(client, path, before or "", after, entry.name),
        entry_name=entry.name,
        existed=before is not None,
        replaces=found is not None,
    )


def _check(client: ClientFormat, name: str, command: Sequence[str]) -> None:
    _check_name(name)
    program = command[0] if command else ""
    if not Path(program).is_absolute():
        raise ConfigError(f"{client.title} needs an absolute command, not {program!r}")
    if "/AppTranslocation/" in program or program.startswith("/Volumes/"):
        raise ConfigError(
            "Fusion runs from a place that will not last: move it to Applications and start it from there"
        )


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{name!r} is no name every client accepts; {entry_name(name)!r} would be one")


def _refuse_foreign(client: ClientFormat, path: Path, found: FoundServer) -> None:
    if not found.is_ours:
        raise ConfigError(
            f"{path} has a server {found.name!r} that is no graph of Fusion's; {client.title} would lose it:"
            " choose another name for this one (--name)"
        )


def _without(client: ClientFormat, path: Path, before: str, found: FoundServer) -> str:
    """Return the text without the entry: the very text before we added it, if nothing else has changed since."""
    entry = _as_entry(found)
    for backup in config_file.backups(path):
        try:
            text = config_file.load(backup) or ""
            if client.read(text).server(found.name) is None and client.write(text, entry) == before:
                return text
        except ConfigError:
            continue
    return _at(path, lambda: client.remove(before, found.name))


def _as_entry(found: FoundServer) -> Entry:
    if isinstance(found.transport, StdioTransport):
        return Entry(found.name, (found.transport.command, *found.transport.args), found.transport.env)
    return Entry(found.name, url=found.transport.url)


def _at(path: Path, work: Callable[[], T]) -> T:
    """Do the work and name the file if it fails."""
    try:
        return work()
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _diff(client: ClientFormat, path: Path, before: str, after: str, name: str) -> str:
    old, new = (client.masked(text, name).splitlines(keepends=True) for text in (before, after))
    lines = difflib.unified_diff(old, new, f"{path} (now)", f"{path} (then)", n=2)
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
