"""What a command needs to be on this machine before it can start a server: Node, uv, Docker …, and which version."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

INSTALL: Mapping[str, tuple[str, str]] = {
    "npx": ("Node.js", "node"),
    "npm": ("Node.js", "node"),
    "node": ("Node.js", "node"),
    "uvx": ("uv", "uv"),
    "uv": ("uv", "uv"),
    "docker": ("Docker", "docker"),
    "podman": ("Podman", "podman"),
    "bunx": ("Bun", "bun"),
    "bun": ("Bun", "bun"),
    "deno": ("Deno", "deno"),
    "python": ("Python", "python"),
    "python3": ("Python", "python"),
    "pipx": ("pipx", "pipx"),
    "dnx": ("the .NET SDK", "dotnet"),
}
"""What brings a command, in words, and the program that is asked for its version."""

FLOORS: Mapping[str, tuple[str, tuple[int, ...]]] = {
    "node": ("node", (18,)),
    "npx": ("node", (18,)),
    "npm": ("node", (18,)),
    "python": ("python", (3, 10)),
    "uv": ("uv", (0, 4)),
    "uvx": ("uv", (0, 4)),
    "deno": ("deno", (2,)),
    "bun": ("bun", (1,)),
    "bunx": ("bun", (1,)),
    "docker": ("docker", (20,)),
}
"""Who is asked for its version, and the oldest that current servers run on."""

VERSION_LIMIT_S = 5.0


@dataclass(frozen=True)
class Need:
    """What a command needs: `title` in words, the version that was found, and what is wrong with it, if anything."""

    command: str
    title: str
    version: str = ""
    problem: str = ""


def need_of(command: str, path: str | None = None, least: tuple[int, ...] = ()) -> Need | None:
    """Return what stands behind a command on a PATH, None if it is no command known here.

    `least` is the oldest version that will do, where more is known than what servers need in general.
    It starts programs to ask for their version and blocks for up to five seconds: call it in a thread.
    """
    name = name_of(command)
    if name not in INSTALL:
        return None
    title, program = INSTALL[name]
    if shutil.which(os.path.expanduser(command), path=path) is None:
        return Need(name, title, problem=f"{title} is not installed, or not on the PATH")
    runtime, floor = FLOORS.get(name, (program, ()))
    version, floor = version_in(_said(runtime, path)), max(floor, least)
    if version and version < floor:
        words = f"{title} {_words(version)} is too old: it takes {_words(floor)} or later"
        return Need(name, title, _words(version), words)
    return Need(name, title, _words(version))


def name_of(command: str) -> str:
    """Return a command as the tables here call it: without folder, version and ending."""
    name = PurePath(command.replace("\\", "/")).name.lower()
    return re.sub(r"[\d.]+$", "", re.sub(r"\.(?:exe|cmd|bat)$", "", name)) or name


def version_in(text: str) -> tuple[int, ...]:
    """Return the first version in what a program says about itself, empty if there is none."""
    match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part) for part in match.groups() if part) if match else ()


def _words(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _said(program: str, path: str | None) -> str:
    found = shutil.which(program, path=path)
    if found is None:
        return ""
    env = {**os.environ, "PATH": path} if path is not None else None
    try:
        done = subprocess.run(
            [found, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=VERSION_LIMIT_S,
            env=env,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout[:8192].decode("utf-8", "replace")
