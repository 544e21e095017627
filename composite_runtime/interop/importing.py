"""Taking servers over from other programs: read their files, see which are the same, make nodes of them."""

import re
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PureWindowsPath

from composite_runtime import secrets
from composite_runtime.errors import ConfigError
from composite_runtime.graph import edit
from composite_runtime.graph.model import Box, CompositeNode, Graph, Limits, ServerNode, StdioTransport
from composite_runtime.graph.naming import slug
from composite_runtime.interop import bundle_file, config_file
from composite_runtime.interop.clients import clients
from composite_runtime.interop.clients.format import FoundServer, Reading
from composite_runtime.interop.machine import Machine
from composite_runtime.interop.plain_secrets import PlainSecret, Transport, move
from composite_runtime.interop.registry_entry import fill

_SECRET = re.compile(r"\$\{secret:[^}]*\}")


@dataclass(frozen=True)
class Source:
    """Where servers were read: which client's file, or a text a person pasted."""

    label: str
    reading: Reading = field(default_factory=Reading)
    path: Path | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Candidate:
    """A server that can become a node; `labels` name every source that has it."""

    found: FoundServer
    labels: tuple[str, ...]
    differs: bool = False
    """Whether its sources give it different settings, so that somebody should look."""


@dataclass(frozen=True)
class Gathered:
    """What several sources hold: each server once, our own entries apart."""

    candidates: tuple[Candidate, ...] = ()
    ours: tuple[Candidate, ...] = ()
    problems: tuple[str, ...] = ()


def installed(machine: Machine | None = None, client_ids: Iterable[str] | None = None) -> list[Source]:
    """Return a source for each configuration file that is on this machine."""
    here = machine or Machine.this()
    return [
        _read(client_id, location.path, f"{clients[client_id].title}{f' ({location.note})' if location.note else ''}")
        for client_id in (client_ids or clients)
        for location in clients[client_id].paths(here.platform, here.env, here.home)
        if location.path.is_file()
    ]


def from_file(path: Path, client_id: str) -> Source:
    """Return the source in a file that is written as this client writes it."""
    return _read(client_id, path, str(path))


def from_bundle(path: Path) -> Source:
    """Return the server of a bundle, unpacked; raise `FusionError` if it asks for something or is blocked."""
    found = bundle_file.look(path, sys.platform)
    transport = fill(found.way, {}, lambda prompt: f"{found.name}.{prompt.id}")
    bundle_file.unpack(found)
    return Source(str(path), Reading((FoundServer(found.title, transport),)), path)


def _read(client_id: str, path: Path, label: str) -> Source:
    try:
        text = config_file.load(path)
        return Source(label, clients[client_id].read(text or ""), path)
    except ConfigError as error:
        message = str(error)
        return Source(label, path=path, problem=message if str(path) in message else f"{path}: {message}")


def gather(sources: Sequence[Source]) -> Gathered:
    """Return the servers of all sources, each once, in the order in which they were met."""
    met: dict[tuple[str, ...], Candidate] = {}
    problems: list[str] = []
    for source in sources:
        if source.problem:
            problems.append(source.problem)
        problems.extend(f"{source.label}: {problem}" for problem in source.reading.problems)
        for found in source.reading.servers:
            key = identity(found.transport)
            met[key] = _merged(met[key], found, source.label) if key in met else Candidate(found, (source.label,))
    everything = tuple(met.values())
    return Gathered(
        tuple(one for one in everything if not one.found.is_ours),
        tuple(one for one in everything if one.found.is_ours),
        tuple(problems),
    )


def identity(transport: Transport) -> tuple[str, ...]:
    """Return what makes two servers the same: the program and its arguments, or the URL.

    Not how the program is found, and not what its secrets are called or whether they are plain text.
    """
    transport = move(transport, "x").transport
    if isinstance(transport, StdioTransport):
        program = re.sub(r"\.(?:exe|cmd|bat)$", "", PureWindowsPath(transport.command).name, flags=re.IGNORECASE)
        args = (arg for arg in transport.args if not (program == "npx" and arg in {"-y", "--yes"}))
        words = (program, *args, *(("in", transport.cwd) if transport.cwd else ()))
    else:
        words = ("url", transport.url.rstrip("/"))
    return tuple(_SECRET.sub("${secret}", word) for word in words)


def _merged(known: Candidate, found: FoundServer, label: str) -> Candidate:
    old, new = known.found, found
    differs = known.differs or _settings(old) != _settings(new)
    # The one that says more is likelier to work; being switched on somewhere is enough to be wanted.
    richer = new if len(_settings(new)) > len(_settings(old)) else old
    notes = tuple(dict.fromkeys((*old.notes, *new.notes)))
    merged = replace(richer, name=old.name, enabled=old.enabled or new.enabled, notes=notes)
    return Candidate(merged, tuple(dict.fromkeys((*known.labels, label))), differs)


def _settings(found: FoundServer) -> dict[str, str]:
    transport = found.transport
    return dict(transport.env if isinstance(transport, StdioTransport) else transport.headers)


@dataclass(frozen=True)
class Imported:
    """A graph with the new nodes; the secrets they refer to are not stored yet."""

    graph: Graph
    nodes: tuple[ServerNode, ...]
    secrets: tuple[PlainSecret, ...]


def add_to(
    graph: Graph,
    candidates: Sequence[Candidate],
    composite: str | None = None,
    *,
    keep_plain_secrets: bool = False,
    taken: Collection[str] = (),
) -> Imported:
    """Return the graph with a node for each candidate it does not have yet, as members of a composite.

    Secrets in plain text are replaced by references, unless they are to be kept. Without `composite` the only composite
    that is nobody's member takes the nodes, or a new one. Secrets get none of the names that are `taken`, as by a graph
    to which the nodes will go on.
    """
    known = {identity(node.transport) for node in graph.nodes if isinstance(node, ServerNode)}
    taken = {*taken, *_secret_names(graph)}
    graph, target = _composite(graph, composite)
    nodes: list[ServerNode] = []
    moved: list[PlainSecret] = []
    for candidate in candidates:
        key = identity(candidate.found.transport)
        if key in known:
            continue
        transport: Transport = candidate.found.transport
        if not keep_plain_secrets:
            transport, found = _moved(candidate.found, taken)
            taken |= {secret.name for secret in found}
            moved.extend(found)
        node = _node(graph, candidate.found, transport)
        graph = edit.add_node(graph, node, Box(x=40 + 220 * (len(nodes) % 3), y=70 + 110 * (len(nodes) // 3)))
        graph = edit.connect(graph, node.id, target.id)
        known.add(key)
        nodes.append(node)
    return Imported(graph, tuple(nodes), tuple(moved))


def _secret_names(graph: Graph) -> set[str]:
    """Return the names that must not get another value: those in the graph, and those that are stored."""
    return named_in(graph) | set(secrets.names())


def named_in(graph: Graph) -> set[str]:
    """Return the names of the secrets that a graph refers to."""
    used = secrets.references(graph.model_dump_json())
    return {reference.name for reference in used if reference.kind == "secret"}


def _moved(found: FoundServer, taken: Collection[str]) -> tuple[Transport, list[PlainSecret]]:
    """Return the transport with its secrets moved out, under names that are not taken."""
    result = move(found.transport, slug(found.name).replace("_", "-"))
    text = result.transport.model_dump_json()
    renamed: list[PlainSecret] = []
    for secret in result.secrets:
        names = (secret.name, *(f"{secret.name}-{number}" for number in range(2, len(taken) + 3)))
        name = next(name for name in names if name not in taken)
        text = text.replace(f"${{secret:{secret.name}}}", f"${{secret:{name}}}")
        renamed.append(replace(secret, name=name))
    return type(result.transport).model_validate_json(text), renamed


def store(found: Sequence[PlainSecret], *, in_file: bool = False) -> None:
    """Store the secrets that were moved out; raise `FusionError` if the keyring does not take them."""
    for secret in {secret.name: secret for secret in found}.values():
        secrets.store(secret.name, secret.value, in_file=in_file)


def _composite(graph: Graph, wanted: str | None) -> tuple[Graph, CompositeNode]:
    if wanted is not None:
        node = graph.node(wanted)
        if not isinstance(node, CompositeNode):
            raise ConfigError(f"the graph has no composite with the id {wanted!r}")
        return graph, node
    roots = graph.roots()
    if len(roots) == 1:
        return graph, roots[0]
    composite = CompositeNode(id=edit.fresh_id(graph, "imported"), name="Imported")
    return edit.add_node(graph, composite, Box(x=0, y=0, width=720, height=480)), composite


def _node(graph: Graph, found: FoundServer, transport: Transport) -> ServerNode:
    # Names that differ in signs or capitals alone would give their tools the same public names.
    taken = {slug(node.name) for node in graph.nodes}
    names = (found.name, *(f"{found.name} {number}" for number in range(2, len(taken) + 3)))
    name = next(name for name in names if slug(name) not in taken)
    limits = Limits(idle_s=found.timeout_s) if found.timeout_s else Limits()
    node_id = edit.fresh_id(graph, name)
    return ServerNode(id=node_id, name=name, enabled=found.enabled, transport=transport, limits=limits)
