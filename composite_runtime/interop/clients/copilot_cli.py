"""GitHub Copilot CLI: tolerant JSON; tools have to be named to be offered."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from composite_runtime.interop.clients.decode import Dialect, encode_entry
from composite_runtime.interop.clients.folders import from_variable
from composite_runtime.interop.clients.format import Entry, Location
from composite_runtime.interop.clients.json_client import JsonClient
from composite_runtime.interop.clients.references import DOLLAR


def _places(platform: str, env: Mapping[str, str], home: Path) -> Iterator[Location]:
    yield Location(from_variable(env, "COPILOT_HOME", home / ".copilot") / "mcp-config.json")


def _encode(entry: Entry) -> dict[str, Any]:
    kind = "local" if entry.url is None else "http"
    return {"type": kind, **encode_entry(entry), "tools": ["*"]}


COPILOT_CLI = JsonClient(
    title="GitHub Copilot CLI",
    places=_places,
    project_file=".github/mcp.json",
    takes_comments=True,
    takes_trailing_commas=True,
    dialect=Dialect(references=DOLLAR),
    encode=_encode,
    opens_urls=True,
    restart="Restart Copilot CLI. It drops comments from its file whenever it writes it itself.",
)
