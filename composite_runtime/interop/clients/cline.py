"""Cline: moved its file in 2026 and looks at the old one only once; a URL without a type means the old transport."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from composite_runtime.interop.clients.decode import SECONDS, Dialect, encode_entry
from composite_runtime.interop.clients.folders import config, from_variable
from composite_runtime.interop.clients.format import Entry, Location
from composite_runtime.interop.clients.json_client import JsonClient

_NAME = "cline_mcp_settings.json"


def _places(platform: str, env: Mapping[str, str], home: Path) -> Iterator[Location]:
    data = from_variable(env, "CLINE_DATA_DIR", from_variable(env, "CLINE_DIR", home / ".cline") / "data")
    file = from_variable(env, "CLINE_MCP_SETTINGS_PATH", data / "settings" / _NAME)
    yield Location(file, sign=data)
    storage = config(platform, env, home) / "Code" / "User" / "globalStorage" / "saoudrizwan.claude-dev"
    if (old := storage / "settings" / _NAME).exists():
        yield Location(old, note="the place before June 2026, which Cline no longer reads")


def _encode(entry: Entry) -> dict[str, Any]:
    return encode_entry(entry) if entry.url is None else {"type": "streamableHttp", "url": entry.url}


CLINE = JsonClient(
    title="Cline",
    places=_places,
    dialect=Dialect(timeout_unit_s=SECONDS, url_means="sse"),
    encode=_encode,
    opens_urls=True,
    restart="Cline notices the change by itself.",
)
