"""Templates of what the catalogue, a registry or a bundle offers, each with the ways in which it can be run."""

import json
from collections.abc import Mapping
from typing import Any

from composite_runtime import files, paths
from composite_runtime.errors import FusionError
from composite_runtime.graph.model import HttpTransport, ServerNode, SseTransport, StdioTransport
from composite_runtime.interop import catalogue
from composite_runtime.interop.bundle_file import BundleFile
from composite_runtime.interop.catalogue import KnownServer
from composite_runtime.interop.plain_secrets import Transport
from composite_runtime.interop.registry_entry import Entry, Severity, Way, fill
from fusion_desktop.document.template import Template


def with_fusion() -> tuple[Template, ...]:
    """Return the servers that come with Fusion and need nothing else."""
    data: dict[str, Any] = json.loads(files.read_text(paths.resource("catalogue.json")))
    return tuple(_own(entry) for entry in data["servers"])


def known() -> tuple[Template, ...]:
    """Return the servers of the catalogue."""
    return tuple(_known(server) for server in catalogue.known_servers())


def of_entry(entry: Entry) -> Template | None:
    """Return the template of a registry's entry, None if no way to run it is allowed."""
    ways = usable(entry)
    if not ways:
        return None
    needs = ways[0].needs or ""
    node = ServerNode(id="", name=entry.title, transport=_draft(ways[0]))
    return Template(node, entry.description, note=entry.status_message, needs=needs, ways=ways)


def of_bundle(bundle: BundleFile) -> Template:
    """Return the template of a bundle that is not unpacked yet."""
    node = ServerNode(id="", name=bundle.title, transport=_draft(bundle.way))
    author = f"By {bundle.author or 'nobody who says so'}"
    signed = "signed, which Fusion does not check" if bundle.is_signed else "not signed"
    note = f"{author}, version {bundle.version or 'unknown'}, {signed}"
    return Template(node, bundle.description, "puzzle", note=note, ways=(bundle.way,), bundle=bundle)


def usable(entry: Entry) -> tuple[Way, ...]:
    """Return the ways of an entry that nothing forbids; those that need a bundle only if there are no others."""
    allowed = [way for way in entry.ways if not way.is_blocked]
    return tuple([way for way in allowed if way.download is None] or allowed)


def reasons(entry: Entry) -> list[str]:
    """Return why ways of an entry cannot be taken."""
    if not entry.ways:
        return ["It says neither how to start it nor where to reach it."]
    blocking = ((way, one) for way in entry.ways for one in way.findings if one.severity is Severity.BLOCK)
    return list(dict.fromkeys(f"{way.label}: {one.message}" for way, one in blocking))


def _own(entry: Mapping[str, Any]) -> Template:
    node = ServerNode.model_validate({"id": entry["id"], "name": entry["name"], "transport": entry["transport"]})
    return Template(node, entry["summary"], entry["icon"], tuple(entry["tags"]), categories=("with Fusion",))


def _known(server: KnownServer) -> Template:
    entry = server.entry
    ways = tuple(way for way in entry.ways if not way.is_blocked)
    return Template(
        ServerNode(id=server.id, name=entry.title, transport=_draft(ways[0])),
        entry.description,
        server.icon,
        tags=(server.id, *server.categories, *(way.origin for way in ways)),
        note=f"{server.note[:1].upper()}{server.note[1:]}",
        categories=server.categories,
        needs=server.needs or "",
        known=server.id,
        ways=ways,
    )


def _draft(way: Way) -> Transport:
    """Return the transport of a way as far as it is known before anything is filled in."""
    try:
        return fill(way, {}, lambda prompt: prompt.label)
    except FusionError:
        if way.origin != "remote":
            return StdioTransport(command=way.command)
        kind = SseTransport if way.transport == "sse" else HttpTransport
        return kind(url="".join(part for part in way.url if isinstance(part, str)))
