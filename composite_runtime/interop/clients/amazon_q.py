"""Amazon Q: no longer maintained, so its servers are taken over and nothing is written."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from composite_runtime.interop.clients.decode import Dialect
from composite_runtime.interop.clients.format import Location
from composite_runtime.interop.clients.json_client import JsonClient
from composite_runtime.interop.clients.references import ENV


def _places(platform: str, env: Mapping[str, str], home: Path) -> Iterator[Location]:
    folder = home / ".aws" / "amazonq"
    yield Location(folder / "mcp.json")
    for agent in sorted((*folder.glob("cli-agents/*.json"), *folder.glob("agents/*.json"))):
        yield Location(agent, note=f"agent {agent.stem}")


AMAZON_Q = JsonClient(
    title="Amazon Q",
    places=_places,
    project_file=".amazonq/mcp.json",
    dialect=Dialect(references=ENV),
    why_read_only="it is no longer maintained",
    restart="",
)
