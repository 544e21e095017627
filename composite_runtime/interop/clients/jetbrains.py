"""The assistants in JetBrains' programs: AI Assistant has no documented file, Junie and Air have."""

from dataclasses import dataclass
from typing import Any

from composite_runtime.interop.clients.json_client import JsonClient
from composite_runtime.interop.clients.places import below_home, nowhere


@dataclass(frozen=True, kw_only=True)
class JetBrains(JsonClient):
    """What people paste into its settings comes in two spellings."""

    def container_in(self, data: Any) -> tuple[str, ...]:
        """Return `servers` for what GitHub Copilot's plug-in writes."""
        return ("servers",) if isinstance(data, dict) and "servers" in data else super().container_in(data)


JETBRAINS = JetBrains(
    title="JetBrains AI Assistant",
    places=nowhere,
    why_read_only="it has no file of its own: copy the entry as JSON and paste it in its MCP settings",
    restart="Press Apply in the settings.",
)

JUNIE = JsonClient(
    title="Junie",
    places=below_home(".junie/mcp/mcp.json"),
    project_file=".junie/mcp/mcp.json",
    restart="Reopen Junie's tool window.",
)
