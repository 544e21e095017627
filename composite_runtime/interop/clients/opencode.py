"""OpenCode: the command is a list, and one bad entry keeps it from starting."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from composite_runtime.interop.clients.decode import Dialect
from composite_runtime.interop.clients.folders import dot_config
from composite_runtime.interop.clients.format import Entry, Location
from composite_runtime.interop.clients.json_client import JsonClient
from composite_runtime.interop.clients.references import CURLY
from composite_runtime.interop.edit.jsonc import parse


def _places(platform: str, env: Mapping[str, str], home: Path) -> Iterator[Location]:
    folder = dot_config(env, home) / "opencode"
    with_comments, plain = folder / "opencode.jsonc", folder / "opencode.json"
    # If both are there, the first hides the second.
    first, second = (with_comments, plain) if with_comments.exists() else (plain, with_comments)
    yield Location(first)
    if second.exists():
        yield Location(second, note="hidden by the other file")


def _encode(entry: Entry) -> dict[str, Any]:
    if entry.url is not None:
        return {"type": "remote", "url": entry.url, "enabled": True}
    env = {"environment": dict(entry.env)} if entry.env else {}
    return {"type": "local", "command": list(entry.command), **env, "enabled": True}


@dataclass(frozen=True, kw_only=True)
class OpenCode(JsonClient):
    """Servers are below `mcp`, or in newer files below `mcp.servers`."""

    def container_in(self, data: Any) -> tuple[str, ...]:
        """Return which of the two spellings the file uses."""
        mcp = data.get("mcp") if isinstance(data, dict) else None
        nested = mcp.get("servers") if isinstance(mcp, dict) else None
        is_server = isinstance(nested, dict) and isinstance(nested.get("type"), str)
        return ("mcp", "servers") if isinstance(nested, dict) and not is_server else ("mcp",)

    def why_unreadable(self, text: str) -> str | None:
        """Return which entry keeps OpenCode from starting."""
        if reason := super().why_unreadable(text):
            return reason
        data = parse(text.removeprefix("\ufeff")).data
        mcp = data.get("mcp") if isinstance(data, dict) else None
        if not isinstance(mcp, dict):
            return None
        servers = mcp["servers"] if self.container_in(data) == ("mcp", "servers") else mcp
        if servers is not mcp and not isinstance(mcp.get("timeout", {}), dict):
            return "the number 'timeout' beside 'servers' keeps OpenCode from starting"
        for name, server in servers.items():
            if isinstance(server, dict) and isinstance(server.get("command", []), str):
                return f"the command of {name!r} is a text and not a list, which keeps OpenCode from starting"
        return None


OPENCODE = OpenCode(
    title="OpenCode",
    places=_places,
    project_file="opencode.json",
    container=("mcp",),
    takes_comments=True,
    takes_trailing_commas=True,
    dialect=Dialect(references=CURLY),
    encode=_encode,
    opens_urls=True,
    restart="Restart OpenCode.",
)
