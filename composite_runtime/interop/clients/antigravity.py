"""Antigravity: where its file lies is not documented, and tools disagree, so it is only read."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from composite_runtime.interop.clients.format import Location
from composite_runtime.interop.clients.json_client import JsonClient


def _places(platform: str, env: Mapping[str, str], home: Path) -> Iterator[Location]:
    for folder in (".gemini/antigravity", ".gemini/config"):
        if (file := home / folder / "mcp_config.json").exists():
            yield Location(file)


ANTIGRAVITY = JsonClient(
    title="Antigravity",
    places=_places,
    why_read_only="where its file lies is not documented: copy the entry as JSON and paste it there",
    restart="",
)
