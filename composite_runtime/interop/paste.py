"""Making sense of what people paste: configurations, commands, links and addresses, whole or in pieces."""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from composite_runtime.errors import ConfigError, FusionError
from composite_runtime.interop import foreign_entries
from composite_runtime.interop.clients import clients
from composite_runtime.interop.clients.decode import PLAIN, Dialect, decode_server
from composite_runtime.interop.clients.format import FoundServer, Reading
from composite_runtime.interop.clients.json_client import read_servers
from composite_runtime.interop.clients.references import BRACES, CURLY, ENV
from composite_runtime.interop.command_line import read_command
from composite_runtime.interop.edit import yaml_edit
from composite_runtime.interop.edit.jsonc import parse
from composite_runtime.interop.registry_entry import Entry, fill

# Which client's words a text is in shows in its root key; the references they share are told apart by their spelling.
_CLIENT_OF_KEY = {"mcp_servers": "warp", "context_servers": "zed", "servers": "vscode", "customizations": "vscode"}
_FENCE = re.compile(r"^\s*(?:`{3,}|~{3,})[^\n]*\n(?P<body>.*?)\n\s*(?:`{3,}|~{3,})", re.DOTALL | re.MULTILINE)
_TOML = re.compile(r"^[ \t]*(?:\[\s*)?mcp_servers\b\s*[.=\]]", re.MULTILINE)
_URL = re.compile(r"https?://\S+")
_LINK = re.compile(r"(?:cursor|lmstudio|vscode|vscode-insiders):\S+")
_WEB_LINK = re.compile(
    r"https://(?:(?:www\.)?cursor\.com|lmstudio\.ai|(?:insiders\.)?vscode\.dev)/\S*(?:install|redirect)\S*"
)


def read(text: str) -> Reading:
    """Return the servers in a text; one without a name is called after what it runs.

    Raises:
        ConfigError: nothing here understands the text; the message says what comes closest to a reason.
    """
    text = text.replace("\r\n", "\n").removeprefix("\ufeff").strip()
    if fence := _FENCE.search(text):
        text = fence["body"].strip()
    if not text:
        raise ConfigError("there is nothing to read: paste a configuration, a command, a link or a URL")
    for reader in (_link, _address, _json, _toml, read_command, _yaml):
        found = reader(text)
        if found is not None:
            return found
    raise ConfigError(f"this is no configuration, command, link or URL that Fusion knows{_hint(text)}")


def _hint(text: str) -> str:
    if re.search("[“”„‟«»]", text):
        return '; it has typographic quotes, as text editors make them: replace them by "'
    return ""


def _address(text: str) -> Reading | None:
    if not _URL.fullmatch(text):
        return None
    host = urlsplit(text).hostname or ""
    words = [
        word for word in host.split(".") if word not in {"www", "mcp", "api", "com", "org", "net", "io", "ai", "dev"}
    ]
    return Reading((decode_server(words[-1] if words else host, {"url": text}),))


def _link(text: str) -> Reading | None:
    """Return the server in an install link of Cursor, LM Studio or VS Code."""
    if not (_LINK.fullmatch(text) or _WEB_LINK.fullmatch(text)):
        return None
    parts = urlsplit(text)
    query = parse_qs(parts.query)
    if "url" in query:
        return _link(query["url"][0])
    try:
        if "config" in query:
            config = query["config"][0]
            raw = json.loads(config) if config.lstrip().startswith("{") else _from_base64(config)
            name = query.get("name", ["server"])[0]
        else:
            raw = json.loads(unquote(parts.query))
            name = str(raw.get("name", "server"))
    except (ValueError, AttributeError):
        raise ConfigError("this install link holds no configuration that can be read") from None
    return _from_data({"servers": {name: raw}, "inputs": raw.get("inputs", [])} if "inputs" in raw else {name: raw})


def _from_base64(text: str) -> Any:
    try:
        return json.loads(base64.b64decode(text.replace(" ", "+"), validate=True))
    except binascii.Error:
        raise ValueError("not base64") from None


def _json(text: str) -> Reading | None:
    if text[0] not in '{"[/' or (text[0] == "/" and text[1:2] not in ("/", "*")) or _TOML.search(text):
        return None
    failure: ConfigError | None = None
    # A piece cut out of a configuration lacks the braces around it, and may end with a comma.
    for attempt in (text, f"{{{text.rstrip().rstrip(',')}}}"):
        try:
            return _from_data(parse(attempt).data)
        except ConfigError as error:
            failure = failure or error
    raise ConfigError(f"{failure}{_hint(text)}")


def _from_data(data: Any) -> Reading:
    if isinstance(data, list):
        readings = [_from_data(item) for item in data]
        return Reading(
            tuple(server for reading in readings for server in reading.servers),
            tuple(problem for reading in readings for problem in reading.problems),
        )
    if not isinstance(data, dict):
        raise ConfigError("this is not the description of a server")
    if entries := entries_in(data):
        return _of_entries(entries)
    if isinstance(data.get("startCommand"), dict):
        return Reading((foreign_entries.smithery(data),))
    if _is_server(data):
        return Reading((decode_server(_name(data), data, _dialect(data)),))
    if client_id := _client(data):
        return clients[client_id].read(json.dumps(data))
    if isinstance(servers := data.get("mcpServers"), dict):
        return read_servers(servers, "mcpServers", _dialect(servers))
    for servers in (data, *data.values()):
        if _are_servers(servers):
            return read_servers(servers, "mcpServers", _dialect(servers))
    raise ConfigError("there is no server in it: nothing has a command or a URL")


def _are_servers(data: Any) -> bool:
    if not isinstance(data, dict) or not data:
        return False
    return all(isinstance(value, dict) and _is_server(value) for value in data.values())


def entries(text: str) -> tuple[Entry, ...]:
    """Return the entries in a text, if it is a document of a registry or of another catalogue; none if it is not."""
    try:
        data = json.loads(text) if text.lstrip().startswith("{") else yaml_edit.load(text)
    except (ValueError, ConfigError):
        return ()
    return entries_in(data)


def entries_in(data: Any) -> tuple[Entry, ...]:
    """Return the entries in a `server.json`, an answer of a registry, or a document of another catalogue."""
    if not isinstance(data, dict):
        return ()
    if foreign := foreign_entries.in_data(data):
        return tuple(Entry.read(one) for one in foreign)
    if isinstance(data.get("servers"), list):
        return tuple(entry for item in data["servers"] for entry in entries_in(item))
    server = data["server"] if isinstance(data.get("server"), dict) else data
    is_entry = any(isinstance(server.get(key), list) for key in ("packages", "remotes"))
    return (Entry.read(data),) if is_entry and isinstance(server.get("name"), str) else ()


def _of_entries(entries: Sequence[Entry]) -> Reading:
    servers, problems = [], []
    for entry in entries:
        try:
            if not entry.ways:
                raise ConfigError("it has neither a package nor a remote address")
            transport = fill(entry.ways[0], {}, lambda prompt: prompt.label)
            servers.append(FoundServer(entry.title, transport))
        except FusionError as error:
            problems.append(f"{entry.name}: {error}")
    return Reading(tuple(servers), tuple(problems))


def _client(data: Mapping[str, Any]) -> str | None:
    if "extensions" in data and "mcpServers" not in data:
        return "goose"
    if isinstance(data.get("mcp"), dict):
        return "vscode" if "servers" in data["mcp"] and "inputs" in data["mcp"] else "opencode"
    return next((client for key, client in _CLIENT_OF_KEY.items() if isinstance(data.get(key), dict)), None)


def _is_server(raw: Mapping[str, Any]) -> bool:
    keys = {"command", "cmd", "url", "serverUrl", "httpUrl", "uri"}
    nested = raw.get("transport")
    return any(isinstance(raw.get(key), str | list) for key in keys) or (
        isinstance(nested, dict) and _is_server(nested)
    )


def _dialect(data: Any) -> Dialect:
    """Return the dialect whose references are in the text; which client wrote it is not said."""
    text = json.dumps(data)
    for syntax in (ENV, CURLY, BRACES):
        if syntax.search(text):
            return Dialect(references=syntax)
    return PLAIN


def _name(raw: Mapping[str, Any]) -> str:
    if isinstance(name := raw.get("name"), str) and name.strip():
        return name
    command = raw.get("command") or raw.get("cmd")
    if isinstance(command, str):
        words = [command, *(str(arg) for arg in raw.get("args") or [])]
        found = read_command(words)
        return found.servers[0].name if found else command
    return "server"


def _toml(text: str) -> Reading | None:
    return clients["codex"].read(text) if _TOML.search(text) else None


def _yaml(text: str) -> Reading | None:
    if not re.search(r"^[\w\"'-]+:(?:\s|$)", text, re.MULTILINE):
        return None
    data = yaml_edit.load(text)
    if isinstance(data, dict) and "mcpServers" in data:
        return clients["continue"].read(text) if isinstance(data["mcpServers"], list) else _from_data(data)
    return _from_data(data)


def named(found: FoundServer, name: str) -> FoundServer:
    """Return the server under another name."""
    return FoundServer(name, found.transport, found.enabled, found.timeout_s, found.notes)
