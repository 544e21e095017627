"""An entry of the MCP Registry (`server.json`, of any date) as ways to run a server, with what a person has to fill in.

The registry checks the shape of an entry and nothing else, so whatever could run or mount more than the server itself
blocks a way: the person sees it with the reason and cannot choose it.
"""

from composite_runtime.interop.registry_entry.fill import Missing, Text, fill, secret_name
from composite_runtime.interop.registry_entry.read import Entry, ways
from composite_runtime.interop.registry_entry.values import Finding, Prompt, Severity, Way

__all__ = ["Entry", "Finding", "Missing", "Prompt", "Severity", "Text", "Way", "fill", "secret_name", "ways"]
