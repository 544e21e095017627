"""Which commands a person has agreed to start: asked once for each, and remembered in a folder of our own.

A command counts as another one when its program, its arguments, its working folder, the names of its variables or the
values of those that decide which code is loaded differ. What is kept is a digest of them, because arguments may hold
what nobody else should read.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from composite_runtime import files, paths
from composite_runtime.errors import FusionError
from composite_runtime.graph.model import Graph, ServerNode, StdioTransport
from composite_runtime.interop.registry_entry.rules import changes_how_programs_start

_OWN = "composite-runtime"


def digest(transport: StdioTransport) -> str:
    """Return what a command is remembered by."""
    words = [transport.command, list(transport.args), sorted(transport.env), transport.cwd, steering(transport)]
    return hashlib.sha256(json.dumps(words, ensure_ascii=False).encode()).hexdigest()


def steering(transport: StdioTransport) -> dict[str, str]:
    """Return the variables of a command that decide which code it loads, by name."""
    return {name: text for name, text in sorted(transport.env.items()) if changes_how_programs_start(name)}


def starts_programs(node: ServerNode) -> StdioTransport | None:
    """Return the command of a node that starts a program somebody else has made."""
    transport = node.transport
    if not isinstance(transport, StdioTransport) or not transport.command.strip():
        return None
    # In a folder or with variables of somebody else's choice even our own program can load foreign code.
    is_ours = transport.but(args=()) == StdioTransport(command=_OWN) and transport.args[:1] == ("example",)
    return None if is_ours else transport


class Confirmed:
    """The commands that may be started on this machine."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._known: set[str] | None = None

    def __contains__(self, transport: StdioTransport) -> bool:
        """Tell whether somebody has agreed to this command."""
        return digest(transport) in self._digests()

    def waiting(self, graph: Graph) -> list[ServerNode]:
        """Return the nodes that would start a program nobody has agreed to yet."""
        servers = (node for node in graph.nodes if isinstance(node, ServerNode) and node.enabled)
        return [node for node in servers if (command := starts_programs(node)) is not None and command not in self]

    def add(self, transports: Iterable[StdioTransport]) -> None:
        """Remember that these commands may be started; raise `FusionError` if that cannot be written."""
        # Read again, because another window may have added some meanwhile.
        self._known = self._digests() | _read(self._path()) | {digest(transport) for transport in transports}
        files.write_text(self._path(), json.dumps({"version": 1, "confirmed": sorted(self._known)}, indent=1))

    def _path(self) -> Path:
        return self._file or paths.home() / "confirmed-commands.json"

    def _digests(self) -> set[str]:
        if self._known is None:
            self._known = _read(self._path())
        return self._known


def _read(file: Path) -> set[str]:
    try:
        return {str(one) for one in json.loads(files.read_text(file))["confirmed"]}
    except (FusionError, ValueError, KeyError, TypeError):
        # Without the file, or with one that is damaged, everything is asked again.
        return set()
