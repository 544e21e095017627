"""What others wrote, as nodes: pasted text, dropped files and the servers of other clients.

Values that are secrets come apart from the nodes, which only refer to them; whoever adds the nodes stores them.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from composite_runtime.errors import ConfigError, FusionError
from composite_runtime.graph import edit, file
from composite_runtime.graph.model import Graph, ServerNode
from composite_runtime.interop import bundle_file, config_file, importing, paste
from composite_runtime.interop.importing import Candidate, Imported, Source
from composite_runtime.interop.plain_secrets import PlainSecret
from fusion_desktop.document import layout, offers
from fusion_desktop.document.template import Template

BUNDLES = {".mcpb", ".dxt"}
IN_FOLDERS = (".mcp.json", ".vscode/mcp.json", ".cursor/mcp.json", "mcp.json", "server.json")
"""What a folder of a project is searched for, first the one most tools write."""


@dataclass(frozen=True)
class Arrival:
    """Nodes that are not in the graph yet, their secrets, and what could not be read."""

    part: Graph
    secrets: tuple[PlainSecret, ...] = ()
    problems: tuple[str, ...] = ()


def from_text(text: str, beside: Graph | None = None) -> Arrival:
    """Return the nodes in a text: a piece of a graph, a client's configuration, a command, a link or a URL.

    Their secrets get other names than those of the graph they are to stand beside.

    Raises:
        FusionError: there is nothing in it that Fusion knows.
    """
    if (part := graph_in(text)) is not None:
        if not part.nodes and not part.annotations:
            raise ConfigError("There are no nodes in this graph")
        return Arrival(layout.completed(part))
    return from_sources([Source("the text", paste.read(text))], beside)


def from_paths(paths: Iterable[Path], beside: Graph | None = None) -> Arrival:
    """Return the servers in configurations, bundles and the folders of projects. It reads and unpacks: not for Qt.

    Raises:
        FusionError: one of them cannot be read, or holds no server.
    """
    return from_sources([source for path in paths for source in _sources(path)], beside)


def offer_in(text: str) -> Template | None:
    """Return what a text offers if it is one entry of a registry, which may ask for something; None if it is not.

    An entry that no way leads to is left to `from_text`, which says why.
    """
    entries = paste.entries(text)
    return offers.of_entry(entries[0]) if len(entries) == 1 else None


def offers_in_files(paths: Iterable[Path]) -> tuple[list[Template], list[Path]]:
    """Return what bundles and single entries offer, and the files that are neither. It reads: not for Qt.

    Raises:
        FusionError: a bundle is not one, or is not safe to be opened.
    """
    found: list[Template] = []
    rest: list[Path] = []
    for path in paths:
        if path.suffix.lower() in BUNDLES:
            found.append(offers.of_bundle(bundle_file.look(path, sys.platform)))
        elif (
            path.suffix in {".json", ".yaml", ".yml"}
            and (template := offer_in(config_file.load(path) or "")) is not None
        ):
            found.append(template)
        else:
            rest.append(path)
    return found, rest


def is_graph_file(path: Path) -> bool:
    """Tell whether a file is one that is opened rather than added."""
    if path.name.endswith((file.SUFFIX, f"{file.SUFFIX}.json")):
        return True
    try:
        return path.suffix == ".json" and graph_in(config_file.load(path) or "") is not None
    except FusionError:
        return False


def graph_in(text: str) -> Graph | None:
    """Return the graph a text is, or None; raise `GraphError` if it is one that cannot be used."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        data = json.loads(text)
    except ValueError:
        return None
    return file.loads(text) if isinstance(data, dict) and isinstance(data.get("nodes"), list) else None


def from_sources(sources: Sequence[Source], beside: Graph | None = None) -> Arrival:
    """Return the servers of several sources, each once and without a composite around them."""
    gathered = importing.gather(sources)
    if not gathered.candidates:
        ours = "It only starts Fusion itself" if gathered.ours else "There is no server in it"
        raise ConfigError("; ".join(gathered.problems) or ours)
    taken = importing.named_in(beside) if beside is not None else ()
    imported = importing.add_to(edit.new_graph(), gathered.candidates, taken=taken)
    servers = tuple(node for node in imported.graph.nodes if isinstance(node, ServerNode))
    part = imported.graph.but(nodes=servers, edges=(), layout={})
    return Arrival(layout.completed(part), imported.secrets, gathered.problems)


def taken_over(
    graph: Graph, candidates: Sequence[Candidate], composite: str | None, *, keep_plain_secrets: bool = False
) -> Imported:
    """Return the graph with other clients' servers in a composite, each where there is room."""
    imported = importing.add_to(graph, candidates, composite, keep_plain_secrets=keep_plain_secrets)
    known = {node_id: box for node_id, box in imported.graph.layout.items() if node_id in graph.layout}
    return replace(imported, graph=layout.completed(imported.graph.but(layout=known)))


def _sources(path: Path) -> list[Source]:
    if path.suffix.lower() in BUNDLES:
        return [importing.from_bundle(path)]
    if path.is_dir():
        found = [path / name for name in IN_FOLDERS if (path / name).is_file()]
        if not found:
            raise ConfigError(f"{path.name} holds no configuration of MCP servers, such as {IN_FOLDERS[0]}")
        return [_read(one) for one in found]
    return [_read(path)]


def _read(path: Path) -> Source:
    text = config_file.load(path)
    if text is None:
        raise ConfigError(f"{path} does not exist")
    try:
        return Source(path.name, paste.read(text), path)
    except ConfigError as error:
        raise ConfigError(f"nothing to add in {path.name}: {error.message}") from None
