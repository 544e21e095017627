"""From a server node to the transport that reaches it: references, environment, PATH."""

import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from composite_runtime import secrets
from composite_runtime.errors import ChildError
from composite_runtime.graph.model import HttpTransport, ServerNode, SseTransport, StdioTransport
from composite_runtime.interop import login_path, plain_secrets
from composite_runtime.interop.launch import runtime_command
from composite_runtime.wire import batch
from composite_runtime.wire.guard import Guard
from composite_runtime.wire.process import Launch
from composite_runtime.wire.stdio import ChildStdio
from composite_runtime.wire.transport import Transport

if TYPE_CHECKING:
    from composite_runtime.auth.access import Access

# A child inherits what programs need to find their files, their language and the network, and nothing that could be
# a secret: tokens live in the variables nobody thinks of.
_INHERITED = {
    "HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP", "DISPLAY",
    "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "FUSION_HOME",
    "APPDATA", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATHEXT", "PROCESSOR_ARCHITECTURE", "PROGRAMDATA",
    "PROGRAMFILES", "SYSTEMDRIVE", "SYSTEMROOT", "USERNAME", "USERPROFILE", "COMSPEC", "WINDIR",
}  # fmt: skip
_INHERITED_PREFIXES = ("LC_", "XDG_", "NVM_", "FNM_", "VOLTA_", "UV_", "PIP_", "NPM_CONFIG_", "DOCKER_")

_REMEDIES = {
    "npx": "install Node.js, which brings it",
    "node": "install Node.js",
    "uvx": "install uv, which brings it",
    "uv": "install uv",
    "docker": "install Docker, and start it",
    "bunx": "install Bun",
    "deno": "install Deno",
}


class CommandMissing(ChildError):
    """The command of a server is not there; starting it again does not help."""


def access_to(node: ServerNode, changed: Callable[[], None], graph: str = "GRAPH") -> "Access | None":
    """Return what lets us in to a remote server, unless the user has set a header that does.

    `changed` is called when it needs a person, or does no longer; `graph` is the file that person has to name.
    """
    transport = node.transport
    if isinstance(transport, StdioTransport) or "authorization" in map(str.lower, transport.headers):
        return None
    # Imported here for the same reason as the HTTP client below.
    from composite_runtime.auth.access import Access

    return Access(node, changed, graph)


async def transport_to(
    node: ServerNode, guard: Guard, stderr: Callable[[str], None], access: "Access | None" = None
) -> Transport:
    """Return the transport that reaches the node's server.

    Raises:
        SecretMissing: a reference in its settings has no value.
        CommandMissing: its command or working folder does not exist.
    """
    transport, limit = node.transport, node.limits.message_bytes
    for plain in plain_secrets.move(transport, node.id).secrets:
        secrets.conceal(plain.value, f"({plain.place})")
    if isinstance(transport, StdioTransport):
        launch = await _launch(node, transport)
        return ChildStdio(launch, guard, stderr, message_limit=limit)
    # Imported here because a graph without remote servers starts faster without an HTTP client.
    from composite_runtime.wire.http import HttpChild, SseChild

    async def extra() -> Mapping[str, str]:
        return await _resolved(transport, node)

    kind = SseChild if isinstance(transport, SseTransport) else HttpChild
    return kind(await _text(transport.url, node), extra, message_limit=limit, access=access)


async def _launch(node: ServerNode, transport: StdioTransport) -> Launch:
    # The keyring may take its time, so it is asked in a thread; a hundred children without secrets need none.
    try:
        if any("${" in text for text in (*transport.args, *transport.env.values())):
            return await asyncio.to_thread(launch_of, node, transport)
        return launch_of(node, transport)
    except CommandMissing:
        if not is_searched_widely(transport):
            raise
        # Who was started from a dock or by a client has a shorter PATH than a terminal of the same user.
        path = await asyncio.to_thread(login_path.login_shell_path)
        if path is None:
            raise
        return await asyncio.to_thread(launch_of, node, transport, path)


def is_searched_widely(transport: StdioTransport) -> bool:
    """Tell whether a command that is not on our PATH is looked for on that of the login shell as well."""
    return "PATH" not in transport.env and not os.path.dirname(transport.command)


async def _resolved(transport: HttpTransport | SseTransport, node: ServerNode) -> dict[str, str]:
    return {name: await _text(value, node) for name, value in transport.headers.items()}


async def _text(text: str, node: ServerNode) -> str:
    # The keyring may take its time, so it is asked in a thread, but only if there is something to ask.
    return await asyncio.to_thread(secrets.resolve, text, node.id) if "${" in text else text


def launch_of(node: ServerNode, transport: StdioTransport, login: str | None = None) -> Launch:
    """Return what to start for a node; raise `SecretMissing` or `CommandMissing`.

    With `login`, the PATH of the login shell, programs are looked for there first.
    """
    env = environment(login) | {name: secrets.resolve(value, node.id) for name, value in transport.env.items()}
    args = tuple(secrets.resolve(arg, node.id) for arg in transport.args)
    cwd = Path(os.path.expanduser(transport.cwd)) if transport.cwd else None
    if cwd is not None and not cwd.is_dir():
        raise CommandMissing(f"{node.name} cannot start: its working folder {cwd} does not exist", node.id)
    if transport.command == "composite-runtime":
        program, *first = runtime_command()
        return Launch(program, (*first, *args), env, cwd)
    program = _program(node, transport.command, env, cwd)
    if sys.platform == "win32" and batch.is_batch(program):
        program, *first = batch.behind(program, _text_of, lambda name: shutil.which(name, path=env.get("PATH"))) or (
            program,
        )
        args = (*first, *args)
    return Launch(program, args, env, cwd)


def environment(login: str | None = None) -> dict[str, str]:
    """Return the part of our environment every child gets; the folders of `login` come first on its PATH."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name.upper() in _INHERITED or name.upper().startswith(_INHERITED_PREFIXES)
    }
    return inherited | {"PATH": login_path.joined(login, inherited.get("PATH"))} if login else inherited


def _text_of(path: str) -> str | None:
    try:
        return Path(path).read_bytes()[:65536].decode("utf-8", "replace")
    except OSError:
        return None


def _program(node: ServerNode, command: str, env: Mapping[str, str], cwd: Path | None) -> str:
    wanted = os.path.expanduser(command)
    if cwd is not None and os.sep in wanted and not os.path.isabs(wanted):
        wanted = str(cwd / wanted)
    found = shutil.which(wanted, path=env.get("PATH"))
    if found is not None:
        return found
    if os.sep in wanted or (sys.platform == "win32" and "/" in wanted):
        what = "may not be executed" if Path(wanted).exists() else "does not exist"
        raise CommandMissing(f"{node.name} cannot start: {wanted} {what}", node.id)
    remedy = _REMEDIES.get(command, "install it, or enter its whole path")
    raise CommandMissing(f"{node.name} cannot start: {command!r} is not on the PATH; {remedy}", node.id)
