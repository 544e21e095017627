"""LM Studio: Cursor's notation, in its home folder."""

from composite_runtime.interop.clients.json_client import JsonClient
from composite_runtime.interop.clients.places import below_home

LMSTUDIO = JsonClient(
    title="LM Studio",
    places=below_home(".lmstudio/mcp.json", ".cache/lm-studio/mcp.json"),
    opens_urls=True,
    restart="Switch the server on in LM Studio's integrations; restart LM Studio if it is not listed.",
)
