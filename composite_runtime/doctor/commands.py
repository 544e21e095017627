"""Remedies that are commands: from a fix to the words a person would type."""

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from composite_runtime.doctor.findings import Fix
from composite_runtime.graph.model import ServerNode, StdioTransport


@dataclass(frozen=True)
class Command:
    """A command line; one that needs no password and asks nothing `can_run` by itself."""

    words: tuple[str, ...]
    can_run: bool = False

    def __str__(self) -> str:
        return shlex.join(self.words) if os.name != "nt" else " ".join(self.words)


def command_for(fix: Fix, node: ServerNode) -> Command | None:
    """Return the command that applies a remedy on this machine, or None when there is not the one."""
    match fix.action:
        case "make-executable" if os.name != "nt":
            return Command(("chmod", "+x", fix.value), can_run=True)
        case "convert-line-ends" if sys.platform == "darwin":
            return Command(("sed", "-i", "", "s/\r$//", fix.value), can_run=True)
        case "convert-line-ends" if os.name != "nt":
            return Command(("sed", "-i", "s/\\r$//", fix.value), can_run=True)
        case "install-module":
            return _module(fix.value, node)
        case "install" | "update":
            return _package(fix.value, is_update=fix.action == "update")
        case "start" if fix.value == "docker" and sys.platform == "linux":
            return Command(("sudo", "systemctl", "start", "docker"))
        case "join-group" if sys.platform == "linux":
            return Command(("sudo", "usermod", "-aG", fix.value, os.environ.get("USER", "$USER")))
    return None


def _module(name: str, node: ServerNode) -> Command | None:
    transport = node.transport
    if not isinstance(transport, StdioTransport) or "python" not in os.path.basename(transport.command).lower():
        return None
    # The package is most often called like the module, and only a person can know when it is not.
    package = name.partition(".")[0].replace("_", "-")
    return Command((transport.command, "-m", "pip", "install", package), can_run=True)


def _package(name: str, *, is_update: bool) -> Command | None:
    for manager, head, names in _MANAGERS:
        if name in names and shutil.which(manager):
            verb = "upgrade" if is_update and manager in {"brew", "winget"} else "install"
            return Command((*head, verb, *names[name]))
    return None


_DEBIAN: dict[str, tuple[str, ...]] = {
    "node": ("nodejs", "npm"),
    "docker": ("docker.io",),
    "podman": ("podman",),
    "python": ("python3", "python3-venv"),
    "pipx": ("pipx",),
    "dotnet": ("dotnet-sdk-8.0",),
}
_MANAGERS: tuple[tuple[str, tuple[str, ...], Mapping[str, tuple[str, ...]]], ...] = (
    (
        "brew",
        ("brew",),
        {name: (name,) for name in ("node", "uv", "podman", "deno", "python", "pipx", "dotnet")}
        | {"bun": ("oven-sh/bun/bun",), "docker": ("--cask", "docker")},
    ),
    (
        "winget",
        ("winget",),
        {
            "node": ("OpenJS.NodeJS.LTS",),
            "uv": ("astral-sh.uv",),
            "docker": ("Docker.DockerDesktop",),
            "podman": ("RedHat.Podman",),
            "bun": ("Oven-sh.Bun",),
            "deno": ("DenoLand.Deno",),
            "python": ("Python.Python.3.12",),
            "dotnet": ("Microsoft.DotNet.SDK.8",),
        },
    ),
    ("apt-get", ("sudo", "apt-get"), _DEBIAN),
    ("dnf", ("sudo", "dnf"), _DEBIAN | {"node": ("nodejs",), "docker": ("moby-engine",), "uv": ("uv",)}),
    ("pipx", ("pipx",), {"uv": ("uv",)}),
)
