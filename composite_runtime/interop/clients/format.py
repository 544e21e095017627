"""What Fusion knows about one MCP client: where its files are, and how it writes down a server."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeAlias

from composite_runtime.graph.model import HttpTransport, SseTransport, StdioTransport

MARK = "FUSION_GRAPH_ID"
"""The environment variable by which an entry of ours is found again; its value is the id of the graph."""

_RUNTIME = re.compile(r"(?:composite|fusion)-runtime(?:\.exe)?$", re.IGNORECASE)


class Scope(StrEnum):
    """For whom a configuration file counts."""

    USER = "user"
    PROJECT = "project"
    SYSTEM = "system"


@dataclass(frozen=True)
class Location:
    """Where a client may keep its configuration.

    `sign` is what shows that the client is installed; without one, the file's folder does. A file with `is_rival` is
    one of several the client might be using, so that a person has to choose.
    """

    path: Path
    scope: Scope = Scope.USER
    note: str = ""
    sign: Path | None = None
    is_rival: bool = False

    def is_installed(self) -> bool:
        """Return whether the client has left traces here."""
        return self.path.exists() or (self.sign or self.path.parent).exists()


@dataclass(frozen=True)
class Entry:
    """What Fusion enters into a client's configuration: a command, or a URL for clients that can open one."""

    name: str
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    url: str | None = None


@dataclass(frozen=True)
class FoundServer:
    """A server read from a client's configuration; `notes` say what could not be taken over."""

    name: str
    transport: StdioTransport | HttpTransport | SseTransport
    enabled: bool = True
    timeout_s: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_ours(self) -> bool:
        """Return whether this entry starts Fusion itself."""
        if not isinstance(self.transport, StdioTransport):
            return False
        words = (self.transport.command, *self.transport.args)
        starts_runtime = any(_RUNTIME.search(word) for word in words[:1]) or "composite_runtime" in words[:3]
        return MARK in self.transport.env or ("serve" in words[1:] and (starts_runtime or "--runtime" in words[1:2]))

    @property
    def graph_id(self) -> str | None:
        """Return the id of the graph an entry of ours serves, if it says so."""
        return self.transport.env.get(MARK) if isinstance(self.transport, StdioTransport) else None


@dataclass(frozen=True)
class Reading:
    """The servers in a client's configuration, and what is wrong with those that could not be read."""

    servers: tuple[FoundServer, ...] = ()
    problems: tuple[str, ...] = ()

    def server(self, name: str) -> FoundServer | None:
        """Return the server of this name, or None."""
        return next((server for server in self.servers if server.name == name), None)


Paths: TypeAlias = Callable[[str, Mapping[str, str], Path], Iterable[Location]]


@dataclass(frozen=True, kw_only=True)
class ClientFormat(ABC):
    """How one client writes its configuration. Text in, text out; what it does not know stays byte for byte.

    `restart` tells a person how the client takes notice of a change. A client that cannot be written says why in
    `why_read_only`. `project_file` is where it looks for more in the folder of a project.
    """

    title: str
    places: Paths
    restart: str
    why_read_only: str | None = None
    opens_urls: bool = False
    project_file: str | None = None

    def paths(self, platform: str, env: Mapping[str, str], home: Path) -> tuple[Location, ...]:
        """Return where the client's files are on a system, the one to write first.

        `platform` is what `sys.platform` says, so that each system's answer can be had on any other.
        """
        return tuple(self.places(platform, env, home))

    @abstractmethod
    def read(self, text: str) -> Reading:
        """Return the servers in a configuration; raise `ConfigError` if it cannot be read at all."""

    @abstractmethod
    def write(self, text: str, entry: Entry) -> str:
        """Return the configuration with the entry added or replaced; raise `ConfigError` if that is not safe."""

    @abstractmethod
    def remove(self, text: str, name: str) -> str:
        """Return the configuration without the entry of this name."""

    @abstractmethod
    def masked(self, text: str, name: str) -> str:
        """Return the configuration as it may be shown: what may be secret outside the entry `name` is hidden."""

    @abstractmethod
    def why_unreadable(self, text: str) -> str | None:
        """Return why the client itself cannot read this configuration although Fusion can, or None."""


def as_text(value: Any) -> str:
    """Return a value of a configuration as the text a process is given."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)
