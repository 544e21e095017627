"""Cursor: comments are seen in the wild, so they are accepted and never made."""

from composite_runtime.interop.clients.decode import Dialect
from composite_runtime.interop.clients.json_client import JsonClient
from composite_runtime.interop.clients.places import below_home
from composite_runtime.interop.clients.references import ENV

CURSOR = JsonClient(
    title="Cursor",
    places=below_home(".cursor/mcp.json"),
    project_file=".cursor/mcp.json",
    takes_comments=True,
    takes_trailing_commas=True,
    dialect=Dialect(references=ENV),
    opens_urls=True,
    restart="In Cursor's settings, switch the server off and on again, or restart Cursor.",
)
