"""Claude Code: strict JSON that needs a type; a running session rewrites the user's file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from composite_runtime.interop.clients.decode import Dialect, encode_typed_entry
from composite_runtime.interop.clients.folders import from_variable
from composite_runtime.interop.clients.format import Location, Reading, Scope
from composite_runtime.interop.clients.json_client import JsonClient, read_servers
from composite_runtime.interop.clients.references import BRACES
from composite_runtime.interop.edit.jsonc import parse

_MANAGED = {
    "darwin": "/Library/Application Support/ClaudeCode/managed-mcp.json",
    "win32": "C:/Program Files/ClaudeCode/managed-mcp.json",
    "linux": "/etc/claude-code/managed-mcp.json",
}


def _places(platform: str, env: Mapping[str, str], home: Path) -> Iterator[Location]:
    folder = from_variable(env, "CLAUDE_CONFIG_DIR", home)
    yield Location(folder / ".claude.json", sign=from_variable(env, "CLAUDE_CONFIG_DIR", home / ".claude"))
    if (managed := _MANAGED.get(platform)) and Path(managed).exists():
        yield Location(Path(managed), Scope.SYSTEM, note="set by an administrator")


@dataclass(frozen=True, kw_only=True)
class ClaudeCode(JsonClient):
    """Its user file holds more servers under `projects`, which count in one folder only."""

    def read(self, text: str) -> Reading:
        """Return the user's servers, then those of each project."""
        found = super().read(text)
        data = parse(text.removeprefix("\ufeff")).data
        projects = data.get("projects") if isinstance(data, dict) else None
        for folder, project in projects.items() if isinstance(projects, dict) else ():
            found = _joined(found, _of_project(folder, project, self.dialect))
        return found

    def why_unreadable(self, text: str) -> str | None:
        """Return what Claude Code stumbles over; an empty file is among it."""
        if text and not text.strip():
            return "it is empty"
        return super().why_unreadable(text)


def _of_project(folder: str, project: Any, dialect: Dialect) -> Reading:
    servers = project.get("mcpServers") if isinstance(project, dict) else None
    if not isinstance(servers, dict):
        return Reading()
    found = read_servers(servers, "mcpServers", dialect)
    note = f"Claude Code used it in {folder} only"
    return Reading(tuple(replace(server, notes=(*server.notes, note)) for server in found.servers), found.problems)


def _joined(one: Reading, other: Reading) -> Reading:
    names = {server.name for server in one.servers}
    more = tuple(server for server in other.servers if server.name not in names)
    return Reading((*one.servers, *more), (*one.problems, *other.problems))


CLAUDE_CODE = ClaudeCode(
    title="Claude Code",
    places=_places,
    project_file=".mcp.json",
    dialect=Dialect(references=BRACES),
    encode=encode_typed_entry,
    opens_urls=True,
    restart="Start a new session of Claude Code. A session that runs now may write its file anew: close it before.",
)
