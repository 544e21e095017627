"""Goose: extensions in YAML; a file it cannot read it replaces by a default, so nothing may go wrong here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from composite_runtime.errors import ConfigError
from composite_runtime.interop.clients.decode import SECONDS, Dialect, decode_server
from composite_runtime.interop.clients.folders import config, from_variable
from composite_runtime.interop.clients.format import Entry, FoundServer, Location, Reading
from composite_runtime.interop.clients.line_client import LineClient
from composite_runtime.interop.clients.references import DOLLAR
from composite_runtime.interop.edit import yaml_edit

_BOX = "extensions"
_DIALECT = Dialect(references=DOLLAR, timeout_unit_s=SECONDS)
_OWN_KINDS = {"builtin", "platform", "frontend", "inline_python"}


def _places(platform: str, env: Mapping[str, str], home: Path) -> Iterator[Location]:
    if root := env.get("GOOSE_PATH_ROOT"):
        yield Location(Path(root) / "config" / "config.yaml")
    elif platform == "win32":
        yield Location(config(platform, env, home) / "Block" / "goose" / "config" / "config.yaml")
    else:
        yield Location(from_variable(env, "XDG_CONFIG_HOME", home / ".config") / "goose" / "config.yaml")


@dataclass(frozen=True, kw_only=True)
class Goose(LineClient):
    """A mapping of extensions, some of which are MCP servers."""

    def read(self, text: str) -> Reading:
        """Return the extensions that are servers; Goose's own are passed over."""
        data = yaml_edit.load(text)
        found = data.get(_BOX) if isinstance(data, dict) else data
        if found is None:
            return Reading()
        if not isinstance(found, dict):
            raise ConfigError(f"{_BOX!r} is not a mapping")
        servers, problems = [], []
        for name, raw in found.items():
            if not isinstance(raw, dict) or raw.get("type") in _OWN_KINDS:
                continue
            try:
                servers.append(_decode(str(name), raw))
            except ConfigError as error:
                problems.append(f"{str(name)!r}: {error}")
        return Reading(tuple(servers), tuple(problems))

    def write(self, text: str, entry: Entry) -> str:
        """Return the text with the entry as an extension; what else is in it stays."""
        data = yaml_edit.load(text)
        present = (data.get(_BOX) or {}) if isinstance(data, dict) else {}
        old = present.get(entry.name) if isinstance(present, dict) else None
        kept = {key: value for key, value in old.items() if key not in _OURS} if isinstance(old, dict) else {}
        return yaml_edit.set_entry(text, _BOX, entry.name, {**_encode(entry), **kept})

    def remove(self, text: str, name: str) -> str:
        """Return the text without the extension."""
        return yaml_edit.remove_entry(text, _BOX, name)

    def why_unreadable(self, text: str) -> str | None:
        """Return nothing: what Goose reads, we read, and the other way round."""
        return None


_OURS = {"type", "cmd", "args", "envs", "uri", "name"}


def _encode(entry: Entry) -> dict[str, Any]:
    if entry.url is not None:
        own: dict[str, Any] = {"type": "streamable_http", "name": entry.name, "uri": entry.url, "envs": {}}
    else:
        command, *args = entry.command
        own = {"type": "stdio", "name": entry.name, "cmd": command, "args": args, "envs": dict(entry.env)}
    return own | {"description": "Servers drawn in Fusion", "env_keys": [], "enabled": True, "timeout": 300}


def _decode(name: str, raw: Mapping[str, Any]) -> FoundServer:
    found = decode_server(name, raw, _DIALECT)
    # Goose keeps these values in its own keyring entry; here they are secrets of the same name.
    names = raw.get("env_keys") if "cmd" in raw else None
    secrets = {str(key): f"${{secret:{key}}}" for key in names} if isinstance(names, list) else {}
    if not secrets:
        return found
    transport = found.transport.but(env={**secrets, **found.transport.env})  # type: ignore[union-attr]  # stdio
    notes = (*found.notes, f"Goose keeps {', '.join(secrets)} in its own keyring entry: store them as secrets here")
    return FoundServer(name, transport, found.enabled, found.timeout_s, notes)


GOOSE = Goose(
    title="Goose",
    places=_places,
    opens_urls=True,
    restart="Restart Goose.",
)
