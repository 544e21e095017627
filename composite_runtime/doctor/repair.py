"""Remedies that are edits of the node: from a fix to the changed node."""

import os
import shlex
import sys
from collections.abc import Callable, Mapping

from composite_runtime.doctor.findings import Fix
from composite_runtime.graph.model import HttpTransport, ServerNode, SseTransport, StdioTransport

_UVX = frozenset({"uvx", "uvx.exe"})


def repaired(node: ServerNode, fix: Fix) -> ServerNode | None:
    """Return the node with the remedy applied, or None when it is nothing that can be done to the node."""
    edit = _EDITS.get(fix.action)
    return edit(node, fix.value) if edit is not None else None


def _command(node: ServerNode, value: str) -> ServerNode | None:
    if not isinstance(node.transport, StdioTransport):
        return None
    return node.but(transport=node.transport.but(command=value))


def _split(node: ServerNode, value: str) -> ServerNode | None:
    if not isinstance(node.transport, StdioTransport):
        return None
    try:
        command, *args = shlex.split(value, posix=sys.platform != "win32")
    except ValueError:
        return None
    return node.but(transport=node.transport.but(command=command, args=(*args, *node.transport.args)))


def _path(node: ServerNode, value: str) -> ServerNode | None:
    if not isinstance(node.transport, StdioTransport) or not value:
        return None
    path = node.transport.env.get("PATH", "${env:PATH}")
    return node.but(transport=node.transport.but(env={**node.transport.env, "PATH": f"{value}{os.pathsep}{path}"}))


def _argument(node: ServerNode, value: str) -> ServerNode | None:
    if not isinstance(node.transport, StdioTransport):
        return None
    return node.but(transport=node.transport.but(args=(value, *node.transport.args)))


def _pin(node: ServerNode, value: str) -> ServerNode | None:
    transport = node.transport
    if not isinstance(transport, StdioTransport) or os.path.basename(transport.command) not in _UVX:
        return None
    return node.but(transport=transport.but(args=("--with", value, *transport.args)))


def _transport(node: ServerNode, value: str) -> ServerNode | None:
    kind, _, url = value.partition(" ")
    old = node.transport
    kept = {} if isinstance(old, StdioTransport) else {"headers": old.headers, "auth": old.auth}
    made = SseTransport if kind == "sse" else HttpTransport
    return node.but(transport=made.model_validate({"url": url, **kept}))


def _url(node: ServerNode, value: str) -> ServerNode | None:
    if isinstance(node.transport, StdioTransport) or not value:
        return None
    return node.but(transport=node.transport.but(url=value))


def _era(node: ServerNode, value: str) -> ServerNode | None:
    return node.but(era=value)


_EDITS: Mapping[str, Callable[[ServerNode, str], ServerNode | None]] = {
    "use-absolute-path": _command,
    "split-command": _split,
    "add-to-path": _path,
    "add-argument": _argument,
    "pin-version": _pin,
    "set-transport": _transport,
    "set-url": _url,
    "set-era": _era,
}
