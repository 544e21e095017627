"""Ways to hand an entry to a client without touching its file: links, commands, and text to paste.

They carry the paths of this computer, so they work on this computer only. None of them holds a secret.
"""

import base64
import json
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from composite_runtime.interop.clients.decode import encode_entry, encode_typed_entry
from composite_runtime.interop.clients.format import Entry


def links(entry: Entry) -> dict[str, str]:
    """Return the install links, by the id of the client that opens them."""
    config = _base64(encode_entry(entry))
    described = quote(_compact({"name": entry.name, **encode_typed_entry(entry)}), safe="")
    name = quote(entry.name, safe="")
    return {
        "cursor": f"cursor://anysphere.cursor-deeplink/mcp/install?name={name}&config={config}",
        "lmstudio": f"lmstudio://add_mcp?name={name}&config={config}",
        "vscode": f"vscode:mcp/install?{described}",
        "vscode-insiders": f"vscode-insiders:mcp/install?{described}",
    }


def web_links(entry: Entry) -> dict[str, str]:
    """Return the same links for places that accept only those of the web."""
    config, name = _base64(encode_entry(entry)), quote(entry.name, safe="")
    return {
        "cursor": f"https://cursor.com/en/install-mcp?name={name}&config={config}",
        "lmstudio": f"https://lmstudio.ai/install-mcp?name={name}&config={config}",
        "vscode": f"https://insiders.vscode.dev/redirect?url={quote(links(entry)['vscode'], safe='')}",
    }


def commands(entry: Entry) -> dict[str, str]:
    """Return the command that adds the entry, by the id of the client that has such a command."""
    described = shlex.quote(_compact({"name": entry.name, **encode_typed_entry(entry)}))
    words = shlex.join(entry.command)
    variables = "".join(f" --env {shlex.quote(f'{name}={value}')}" for name, value in entry.env.items())
    added = f"--url {shlex.quote(entry.url)}" if entry.url is not None else f"-- {words}"
    # From standard input, so that the configuration is no argument another program could read.
    typed = shlex.quote(_compact(encode_typed_entry(entry)))
    return {
        "claude-code": f"printf %s {typed} | claude mcp add-json {entry.name} - --scope user",
        "codex": f"codex mcp add {entry.name}{variables if entry.url is None else ''} {added}",
        "vscode": f"code --add-mcp {described}",
        "vscode-insiders": f"code-insiders --add-mcp {described}",
    }


def as_json(entry: Entry) -> str:
    """Return the configuration most clients accept in a box or a file."""
    return json.dumps({"mcpServers": {entry.name: encode_entry(entry)}}, indent=2, ensure_ascii=False)


def as_markdown(entry: Entry, title: str) -> str:
    """Return a section for a README: what to paste, and links for the clients that have them."""
    badges = " · ".join(f"[{_TITLES[client]}]({link})" for client, link in web_links(entry).items())
    return f"## {title}\n\n```json\n{as_json(entry)}\n```\n\nInstall in {badges}\n"


_TITLES = {"cursor": "Cursor", "lmstudio": "LM Studio", "vscode": "VS Code"}


def _base64(value: Mapping[str, Any]) -> str:
    return quote(base64.b64encode(_compact(value).encode()).decode(), safe="")


def _compact(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
