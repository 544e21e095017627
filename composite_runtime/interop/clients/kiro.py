"""Kiro, the editor and the command line."""

from composite_runtime.interop.clients.decode import Dialect
from composite_runtime.interop.clients.json_client import JsonClient
from composite_runtime.interop.clients.places import below_home
from composite_runtime.interop.clients.references import BRACES

KIRO = JsonClient(
    title="Kiro",
    places=below_home(".kiro/settings/mcp.json"),
    project_file=".kiro/settings/mcp.json",
    dialect=Dialect(references=BRACES),
    opens_urls=True,
    restart="Kiro connects again when the file is saved; reconnect in its MCP panel if it does not.",
)
