"""Continue: a YAML list; it also reads every file in a folder, so that ours stays a file of its own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from composite_runtime.errors import ConfigError
from composite_runtime.interop.clients.decode import Dialect, decode_server
from composite_runtime.interop.clients.format import Entry, FoundServer, Location, Reading
from composite_runtime.interop.clients.json_client import read_servers
from composite_runtime.interop.clients.line_client import LineClient
from composite_runtime.interop.clients.references import BRACES, SECRETS
from composite_runtime.interop.edit import yaml_edit

_BOX = "mcpServers"
_DIALECT = Dialect(references=SECRETS, timeout_keys=("connectionTimeout",))
_HEAD = "name: Fusion\nversion: 0.0.1\nschema: v1\n"


def _places(platform: str, env: Mapping[str, str], home: Path) -> Iterator[Location]:
    folder = home / ".continue"
    ours = folder / "mcpServers" / "fusion.yaml"
    yield Location(ours, sign=folder)
    yield Location(folder / "config.yaml")
    for file in sorted((*folder.glob("mcpServers/*.yaml"), *folder.glob("mcpServers/*.json"))):
        if file != ours:
            yield Location(file)


@dataclass(frozen=True, kw_only=True)
class ContinueDev(LineClient):
    """Items with a `name` in the list `mcpServers`; JSON files in its folder hold a mapping instead."""

    def read(self, text: str) -> Reading:
        """Return the servers in the list."""
        data = yaml_edit.load(text)
        found = data.get(_BOX) if isinstance(data, dict) else data
        if found is None:
            return Reading()
        if isinstance(found, dict) and text.lstrip("\ufeff \t\r\n").startswith("{"):
            return read_servers(found, _BOX, Dialect(references=BRACES))
        if not isinstance(found, list):
            raise ConfigError(f"{_BOX!r} is not a list")
        servers, problems = [], []
        for raw in found:
            name = str(raw.get("name", "")) if isinstance(raw, dict) else ""
            try:
                servers.append(_decode(name, raw))
            except ConfigError as error:
                problems.append(f"{name!r}: {error}")
        return Reading(tuple(servers), tuple(problems))

    def write(self, text: str, entry: Entry) -> str:
        """Return the text with the entry as an item."""
        if entry.url is not None:
            value: dict[str, Any] = {"type": "streamable-http", "url": entry.url}
        else:
            command, *args = entry.command
            value = {"type": "stdio", "command": command, "args": args, "env": dict(entry.env)}
        return yaml_edit.set_item(text or _HEAD, _BOX, entry.name, value)

    def remove(self, text: str, name: str) -> str:
        """Return the text without the item."""
        return yaml_edit.remove_item(text, _BOX, name)

    def why_unreadable(self, text: str) -> str | None:
        """Return nothing: what Continue reads, we read, and the other way round."""
        return None


def _decode(name: str, raw: Any) -> FoundServer:
    if not isinstance(raw, dict) or not name:
        raise ConfigError("this is not the description of a server with a name")
    if isinstance(key := raw.get("apiKey"), str):
        options = raw.get("requestOptions")
        headers = dict((options.get("headers") or {}) if isinstance(options, dict) else {})
        raw = {**raw, "requestOptions": {"headers": {"Authorization": f"Bearer {key}", **headers}}}
    return decode_server(name, raw, _DIALECT)


CONTINUE = ContinueDev(
    title="Continue",
    places=_places,
    project_file=".continue/mcpServers/fusion.yaml",
    opens_urls=True,
    restart="Reload Continue's configuration, or the window of the editor.",
)
