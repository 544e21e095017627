"""Gemini CLI: comments are fine, a comma too many or a byte order mark keeps it from starting."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from composite_runtime.interop.clients.decode import Dialect, encode_entry
from composite_runtime.interop.clients.format import Entry, Location, Scope
from composite_runtime.interop.clients.json_client import JsonClient
from composite_runtime.interop.clients.references import DOLLAR

_SYSTEM = {
    "darwin": "/Library/Application Support/GeminiCli/settings.json",
    "win32": "C:/ProgramData/gemini-cli/settings.json",
    "linux": "/etc/gemini-cli/settings.json",
}


def _places(platform: str, env: Mapping[str, str], home: Path) -> Iterator[Location]:
    yield Location(home / ".gemini" / "settings.json")
    if (system := _SYSTEM.get(platform)) and Path(system).exists():
        yield Location(Path(system), Scope.SYSTEM, note="set by an administrator")


def _encode(entry: Entry) -> dict[str, Any]:
    return encode_entry(entry) | ({"type": "http"} if entry.url is not None else {})


GEMINI_CLI = JsonClient(
    title="Gemini CLI",
    places=_places,
    project_file=".gemini/settings.json",
    takes_comments=True,
    takes_bom=False,
    dialect=Dialect(references=DOLLAR),
    encode=_encode,
    opens_urls=True,
    restart="Restart Gemini CLI. In folders it does not trust it starts no servers.",
)
