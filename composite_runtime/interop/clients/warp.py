"""Warp: takes several spellings of the container, and replaces `${V}` in the whole file before reading it."""

from dataclasses import dataclass
from typing import Any

from composite_runtime.interop.clients.decode import Dialect
from composite_runtime.interop.clients.json_client import JsonClient
from composite_runtime.interop.clients.places import below_home
from composite_runtime.interop.clients.references import BRACES

_CONTAINERS = (("mcpServers",), ("mcp_servers",), ("servers",), ("mcp", "servers"))


@dataclass(frozen=True, kw_only=True)
class Warp(JsonClient):
    """The servers may also be the whole document."""

    def container_in(self, data: Any) -> tuple[str, ...]:
        """Return the first spelling the file uses."""
        for path in _CONTAINERS:
            found = data
            for key in path:
                found = found.get(key) if isinstance(found, dict) else None
            if isinstance(found, dict):
                return path
        is_bare = isinstance(data, dict) and bool(data) and all(_is_server(value) for value in data.values())
        return () if is_bare else self.container


def _is_server(value: Any) -> bool:
    return isinstance(value, dict) and bool({"command", "url"} & value.keys())


WARP = Warp(
    title="Warp",
    places=below_home(".warp/.mcp.json"),
    project_file=".warp/.mcp.json",
    dialect=Dialect(references=BRACES),
    opens_urls=True,
    restart="Restart Warp. A variable in this file that is not set switches off all servers of the file.",
)
