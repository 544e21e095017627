"""Roo Code: ended in 2026, so its servers are taken over and nothing is written."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from composite_runtime.interop.clients.decode import SECONDS, Dialect
from composite_runtime.interop.clients.folders import config
from composite_runtime.interop.clients.format import Location
from composite_runtime.interop.clients.json_client import JsonClient
from composite_runtime.interop.clients.references import ENV


def _places(platform: str, env: Mapping[str, str], home: Path) -> Iterator[Location]:
    storage = config(platform, env, home) / "Code" / "User" / "globalStorage" / "rooveterinaryinc.roo-cline"
    yield Location(storage / "settings" / "mcp_settings.json", sign=storage)


ROO = JsonClient(
    title="Roo Code",
    places=_places,
    project_file=".roo/mcp.json",
    dialect=Dialect(references=ENV, timeout_unit_s=SECONDS),
    why_read_only="it ended in May 2026",
    restart="",
)
