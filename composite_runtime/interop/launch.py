"""The command that starts the runtime, from a source tree, a wheel or an installer."""

import os
import sys
import sysconfig
from pathlib import Path

_NAME = "composite-runtime.exe" if os.name == "nt" else "composite-runtime"


def runtime_command() -> tuple[str, ...]:
    """Return the absolute command, with its leading arguments, that starts this installation's `composite-runtime`."""
    if getattr(sys, "frozen", False):
        # An AppImage is mounted at a path that changes with each start; the file itself does not move.
        if image := os.environ.get("APPIMAGE"):
            return (image, "--runtime")
        return (str(Path(sys.executable).with_name(_NAME)),)
    script = Path(sysconfig.get_path("scripts")) / _NAME
    if script.exists():
        return (str(script),)
    return (sys.executable, "-m", "composite_runtime")


def serve_command(graph: Path, composite: str | None = None) -> tuple[str, ...]:
    """Return the absolute command by which a client starts the runtime over stdio on a graph."""
    choice = ("--composite", composite) if composite else ()
    return (*runtime_command(), "serve", str(graph.resolve()), *choice)
