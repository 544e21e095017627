"""Windsurf: strict JSON with `serverUrl` for remote servers; its plug-in for JetBrains has a file of its own."""

from composite_runtime.interop.clients.decode import Dialect, encode_entry
from composite_runtime.interop.clients.format import Entry
from composite_runtime.interop.clients.json_client import JsonClient
from composite_runtime.interop.clients.places import below_home
from composite_runtime.interop.clients.references import ENV


def _encode(entry: Entry) -> dict[str, object]:
    return encode_entry(entry) if entry.url is None else {"serverUrl": entry.url}


WINDSURF = JsonClient(
    title="Windsurf",
    places=below_home(".codeium/windsurf/mcp_config.json", ".codeium/mcp_config.json"),
    dialect=Dialect(references=ENV),
    encode=_encode,
    opens_urls=True,
    restart="Press the refresh button above the list of MCP servers in Windsurf's settings.",
)
