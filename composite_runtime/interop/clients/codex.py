"""Codex: TOML tables; one invalid entry keeps it from starting, and it knows no references, only names of variables."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from composite_runtime.errors import ConfigError
from composite_runtime.interop.clients.decode import SECONDS, Dialect, decode_server
from composite_runtime.interop.clients.folders import from_variable
from composite_runtime.interop.clients.format import Entry, FoundServer, Location, Reading
from composite_runtime.interop.clients.line_client import LineClient
from composite_runtime.interop.edit import toml_edit

_TABLES = "mcp_servers"
_DIALECT = Dialect(timeout_unit_s=SECONDS, timeout_keys=("tool_timeout_sec",))

# Members of a composite may have to be downloaded at their first start.
_STARTUP_S = 60


def _places(platform: str, env: Mapping[str, str], home: Path) -> Iterator[Location]:
    yield Location(from_variable(env, "CODEX_HOME", home / ".codex") / "config.toml")


@dataclass(frozen=True, kw_only=True)
class Codex(LineClient):
    """A table `[mcp_servers.NAME]` per server."""

    def read(self, text: str) -> Reading:
        """Return the servers in the tables."""
        servers, problems = [], []
        for name, table in _tables(text).items():
            try:
                servers.append(_decode(name, table))
            except ConfigError as error:
                problems.append(f"{name!r}: {error}")
        return Reading(tuple(servers), tuple(problems))

    def write(self, text: str, entry: Entry) -> str:
        """Return the text with a table for the entry; what else is in the entry's table stays."""
        if reason := self.why_unreadable(text):
            raise ConfigError(f"Codex itself cannot start with this file: {reason}. Correct that first")
        old = {key: value for key, value in _tables(text).get(entry.name, {}).items() if key not in _OURS}
        new: dict[str, Any] = {"url": entry.url} if entry.url is not None else {}
        if entry.url is None:
            new = {"command": entry.command[0], "args": list(entry.command[1:])}
            new |= {"env": dict(entry.env)} if entry.env else {}
        return toml_edit.set_table(text, _TABLES, entry.name, {**new, "startup_timeout_sec": _STARTUP_S, **old})

    def remove(self, text: str, name: str) -> str:
        """Return the text without the entry's table."""
        return toml_edit.remove_table(text, _TABLES, name)

    def why_unreadable(self, text: str) -> str | None:
        """Return which entry keeps Codex from starting."""
        for name, table in _tables(text).items():
            if not isinstance(table, dict) or ("command" in table) == ("url" in table):
                return f"the server {name!r} needs either a command or a url"
        return None


_OURS = {"command", "args", "env", "url"}


def _tables(text: str) -> dict[str, Any]:
    tables = toml_edit.load(text).get(_TABLES, {})
    if not isinstance(tables, dict):
        raise ConfigError(f"{_TABLES!r} is not a table")
    return tables


def _decode(name: str, table: Any) -> FoundServer:
    if not isinstance(table, dict):
        raise ConfigError("this is not the description of a server")
    found = decode_server(name, {key: value for key, value in table.items() if key != "http_headers"}, _DIALECT)
    # These come after decoding, which would take a reference for text: Codex has none.
    if "command" in table:
        passed_on = {variable: f"${{env:{variable}}}" for variable in _names(table.get("env_vars"))}
        transport: Any = found.transport.but(env={**passed_on, **found.transport.env})  # type: ignore[union-attr]  # stdio
    else:
        transport = found.transport.but(headers=_headers(table))
    return FoundServer(name, transport, found.enabled, found.timeout_s, found.notes)


def _names(variables: Any) -> list[str]:
    listed = variables if isinstance(variables, list) else []
    return [str(item["name"] if isinstance(item, dict) and "name" in item else item) for item in listed]


def _headers(table: Mapping[str, Any]) -> dict[str, str]:
    headers = {str(name): str(value).replace("${", "$${") for name, value in _pairs(table, "http_headers")}
    headers |= {str(name): f"${{env:{variable}}}" for name, variable in _pairs(table, "env_http_headers")}
    if isinstance(variable := table.get("bearer_token_env_var"), str):
        headers["Authorization"] = f"Bearer ${{env:{variable}}}"
    return headers


def _pairs(table: Mapping[str, Any], key: str) -> list[tuple[Any, Any]]:
    found = table.get(key)
    return list(found.items()) if isinstance(found, dict) else []


CODEX = Codex(
    title="Codex",
    places=_places,
    project_file=".codex/config.toml",
    opens_urls=True,
    restart="Restart Codex.",
)
