"""Visual Studio Code: `servers` beside `inputs`, which ask a person; in older files one or three levels deeper."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from composite_runtime.graph.model import StdioTransport
from composite_runtime.interop.clients.decode import Dialect, encode_typed_entry
from composite_runtime.interop.clients.folders import config
from composite_runtime.interop.clients.format import FoundServer, Location, Paths, Reading
from composite_runtime.interop.clients.json_client import JsonClient
from composite_runtime.interop.clients.references import ENV
from composite_runtime.interop.edit.jsonc import parse

_CONTAINERS = (("servers",), ("mcp", "servers"), ("customizations", "vscode", "mcp", "servers"))

# Translating escaped this spelling, because in other clients it means nothing.
_INPUT = re.compile(r"\$\$\{input:([^{}]+)\}")


def _places(product: str) -> Paths:
    def places(platform: str, env: Mapping[str, str], home: Path) -> Iterator[Location]:
        user = config(platform, env, home) / product / "User"
        yield Location(user / "mcp.json", sign=user)
        for profile in sorted(user.glob("profiles/*/mcp.json")):
            yield Location(profile, note=f"profile {profile.parent.name}")
        server = "insiders" if product.endswith("Insiders") else ""
        remote = home / f".vscode-server{'-' + server if server else ''}" / "data" / "User" / "mcp.json"
        if remote.exists():
            yield Location(remote, note="for connections to this computer from another one")

    return places


@dataclass(frozen=True, kw_only=True)
class VsCode(JsonClient):
    """Its `${input:ID}` asks once; an answer that is a password becomes a secret of ours."""

    def container_in(self, data: Any) -> tuple[str, ...]:
        """Return where the servers are: in `mcp.json`, in old settings, or in a dev container."""
        for path in _CONTAINERS:
            found = data
            for key in path:
                found = found.get(key) if isinstance(found, dict) else None
            if found is not None:
                return path
        return _CONTAINERS[0]

    def read(self, text: str) -> Reading:
        """Return the servers with their inputs as references of ours."""
        found = super().read(text)
        secret_ids, defaults = _inputs(parse(text.removeprefix("\ufeff")).data)
        servers = tuple(_with_inputs(server, secret_ids, defaults) for server in found.servers)
        return Reading(servers, found.problems)


def _inputs(data: Any) -> tuple[set[str], dict[str, str]]:
    """Return the ids of the inputs that are passwords, and the defaults of the others."""
    listed = data.get("inputs") if isinstance(data, dict) else None
    inputs = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    secret_ids = {str(item.get("id")) for item in inputs if item.get("password") is True}
    defaults = {str(item.get("id")): item["default"] for item in inputs if isinstance(item.get("default"), str)}
    return secret_ids, defaults


def _with_inputs(server: FoundServer, secret_ids: set[str], defaults: Mapping[str, str]) -> FoundServer:
    def ours(match: re.Match[str]) -> str:
        name = match[1]
        if name in secret_ids:
            return f"${{secret:{name}}}"
        return f"${{input:{name}:-{defaults[name]}}}" if name in defaults else f"${{input:{name}}}"

    def text(value: str) -> str:
        return _INPUT.sub(ours, value)

    transport = server.transport
    if isinstance(transport, StdioTransport):
        env = {name: text(value) for name, value in transport.env.items()}
        changed: Any = transport.but(command=text(transport.command), args=tuple(map(text, transport.args)), env=env)
    else:
        headers = {name: text(value) for name, value in transport.headers.items()}
        changed = transport.but(url=text(transport.url), headers=headers)
    notes = tuple(note for note in server.notes if not note.startswith("${input:"))
    return replace(server, transport=changed, notes=notes)


def _vscode(title: str, product: str) -> VsCode:
    return VsCode(
        title=title,
        places=_places(product),
        project_file=".vscode/mcp.json",
        container=("servers",),
        takes_comments=True,
        takes_trailing_commas=True,
        dialect=Dialect(references=ENV),
        encode=encode_typed_entry,
        opens_urls=True,
        restart=f"{title} notices the change and asks whether it trusts the server. It can also find servers of"
        " Claude Desktop, Cursor and Windsurf by itself, so a server entered there too appears twice.",
    )


VSCODE = _vscode("Visual Studio Code", "Code")
VSCODE_INSIDERS = _vscode("Visual Studio Code Insiders", "Code - Insiders")
