"""One server as clients describe it in their files, turned into the transport of a node, and back.

The clients differ in a few words and agree in the rest, so one reader knows all of them; a `Dialect` holds what would
be ambiguous without knowing the client.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from composite_runtime.errors import ConfigError
from composite_runtime.graph.model import HttpTransport, SseTransport, StdioTransport
from composite_runtime.interop.clients.format import Entry, FoundServer, as_text
from composite_runtime.interop.clients.references import NONE, translate

MILLISECONDS = 0.001
SECONDS = 1.0


@dataclass(frozen=True)
class Dialect:
    """What a word means in one client: its references, the unit of its time-outs, a URL without a type."""

    references: re.Pattern[str] = NONE
    timeout_unit_s: float = MILLISECONDS
    timeout_keys: tuple[str, ...] = ("timeout",)
    url_means: str = "http"


PLAIN = Dialect()

_COMMAND_KEYS = ("command", "cmd")
_URL_KEYS = ("url", "serverUrl", "httpUrl", "uri")
_ENV_KEYS = ("env", "environment", "envs")
_CWD_KEYS = ("cwd", "working_directory", "workingDirectory")
_HEADER_KEYS = ("headers", "http_headers")
_TYPE_KEYS = ("type", "transportType", "transport")
_SSE = {"sse"}
_HTTP = {"http", "streamable-http", "streamablehttp", "streamable_http", "remote"}

_NOT_TAKEN = {
    "alwaysAllow": "tools allowed without asking are not taken over",
    "autoApprove": "tools allowed without asking are not taken over",
    "trust": "the trust in its tools is not taken over",
    "envFile": "its file of environment variables is not taken over",
    "headersHelper": "the program that makes its headers is not taken over",
    "sandbox": "its sandbox is not taken over",
    "auth": "its sign-in settings are not taken over",
    "oauth": "its sign-in settings are not taken over",
    "disabledTools": "its hidden tools are not taken over",
    "disabled_tools": "its hidden tools are not taken over",
    "excludeTools": "its hidden tools are not taken over",
    "includeTools": "its choice of tools is not taken over",
    "enabled_tools": "its choice of tools is not taken over",
    "available_tools": "its choice of tools is not taken over",
}


def encode_entry(entry: Entry) -> dict[str, Any]:
    """Return an entry in the words most clients share."""
    if entry.url is not None:
        return {"url": entry.url}
    command, *args = entry.command
    return {"command": command, "args": args} | ({"env": dict(entry.env)} if entry.env else {})


def encode_typed_entry(entry: Entry) -> dict[str, Any]:
    """Return an entry in the words of clients that want to be told the type."""
    return {"type": "http" if entry.url is not None else "stdio", **encode_entry(entry)}


def decode_server(name: str, raw: Mapping[str, Any], dialect: Dialect = PLAIN) -> FoundServer:
    """Return the server a client describes; raise `ConfigError` if the description is none."""
    return _Reader(name, _flat(raw), dialect).server()


def _flat(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the description with what some clients nest one level deeper."""
    nested: Mapping[str, Any] = next(
        (raw[key] for key in ("transport", "command") if isinstance(raw.get(key), dict)), {}
    )
    renamed = {("command" if key == "path" else key): value for key, value in nested.items()}
    flat = {**raw, **renamed}
    request = raw.get("requestOptions") or raw.get("requestInit")
    if isinstance(request, dict) and isinstance(request.get("headers"), dict):
        flat["headers"] = request["headers"]
    return flat


@dataclass
class _Reader:
    name: str
    raw: Mapping[str, Any]
    dialect: Dialect
    notes: list[str] = field(default_factory=list)

    def server(self) -> FoundServer:
        transport = self._transport()
        self.notes.extend(dict.fromkeys(note for key, note in _NOT_TAKEN.items() if self.raw.get(key)))
        return FoundServer(
            name=self.name,
            transport=transport,
            enabled=self.raw.get("enabled", True) is not False and self.raw.get("disabled") is not True,
            timeout_s=self._timeout_s(),
            notes=tuple(dict.fromkeys(self.notes)),
        )

    def _transport(self) -> StdioTransport | HttpTransport | SseTransport:
        command, url = self._first(_COMMAND_KEYS), self._first(_URL_KEYS)
        if command and url:
            raise ConfigError("it has a command and a URL; it can have only one of them")
        if command:
            return self._stdio(command)
        if isinstance(url, str) and url.strip():
            return self._remote(url)
        raise ConfigError("it has neither a command nor a URL")

    def _stdio(self, command: Any) -> StdioTransport:
        words = [*(command if isinstance(command, list) else [command]), *self._list("args")]
        if not all(isinstance(word, str | int | float) for word in words):
            raise ConfigError("its command and arguments must be texts")
        program, *args = without_cmd([self._text(as_text(word)) for word in words])
        cwd = self._first(_CWD_KEYS)
        return StdioTransport(
            command=program,
            args=tuple(args),
            env=dict(self._pairs(_ENV_KEYS)),
            cwd=self._text(cwd) if isinstance(cwd, str) and cwd else None,
        )

    def _remote(self, url: str) -> HttpTransport | SseTransport:
        kind = self._first(_TYPE_KEYS)
        word = kind.lower() if isinstance(kind, str) else self.dialect.url_means
        if word not in _HTTP | _SSE:
            raise ConfigError(f"servers of type {word!r} are not supported")
        if not re.match(r"https?://|\$", url.strip(), re.IGNORECASE):
            raise ConfigError(f"{url!r} is not a URL that starts with http:// or https://")
        headers = dict(self._pairs(_HEADER_KEYS))
        reached = SseTransport if word in _SSE else HttpTransport
        return reached(url=self._text(url.strip()), headers=headers)

    def _first(self, keys: tuple[str, ...]) -> Any:
        return next((self.raw[key] for key in keys if self.raw.get(key) is not None), None)

    def _list(self, key: str) -> list[Any]:
        value = self.raw.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise ConfigError(f"{key!r} is not a list")
        return value

    def _pairs(self, keys: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        found = self._first(keys)
        if found is None:
            return
        if not isinstance(found, dict):
            raise ConfigError(f"{keys[0]!r} is not an object")
        for name, value in found.items():
            if value is None:
                self.notes.append(f"{name} is to be unset, which is not taken over")
            elif isinstance(value, dict | list):
                raise ConfigError(f"the value of {name} is not a text")
            else:
                yield str(name), self._text(as_text(value))

    def _text(self, text: str) -> str:
        translated = translate(text, self.dialect.references)
        self.notes.extend(f"{reference} has no meaning here and stays text" for reference in translated.unknown)
        return translated.text

    def _timeout_s(self) -> float | None:
        value = self._first(self.dialect.timeout_keys)
        if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
            return None
        return value * self.dialect.timeout_unit_s


def without_cmd(words: list[str]) -> list[str]:
    """Return a command line without the `cmd /c` that Windows needed for scripts; Fusion finds them without it."""
    is_wrapped = len(words) > 2 and words[0].lower() in {"cmd", "cmd.exe"} and words[1].lower() == "/c"
    return words[2:] if is_wrapped else words
