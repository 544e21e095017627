"""The processes under this one: which there are, whether one still runs, and how to end what a test forgot.

Only Linux tells them without a further package; elsewhere nothing is found, and nothing fails.
"""

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path

_PROC = Path("/proc")
_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, which `init` would be otherwise."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(pid: int | None = None) -> set[int]:
    """Return the running processes below `pid`, or below this process."""
    if sys.platform != "linux":
        return set()
    parents = _parents()
    found: set[int] = set()
    ring = {pid or os.getpid()}
    while ring:
        ring = {child for child, parent in parents.items() if parent in ring} - found
        found |= ring
    return found


def is_running(pid: int) -> bool:
    """Tell whether the process still does something; one that has ended but was not waited for does not."""
    if sys.platform == "linux":
        return _parent(_PROC / str(pid)) is not None
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def command_line(pid: int) -> str:
    """Return the words the process was started with."""
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return "gone"


def wait_until_gone(find: Callable[[], set[int]], limit_s: float) -> set[int]:
    """Return what `find` still finds after the time limit; usually nothing, and at once."""
    deadline = time.monotonic() + limit_s
    while (left := find()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def end(pids: Collection[int]) -> None:
    """Kill the processes and wait for those that are ours."""
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    for pid in pids:
        with contextlib.suppress(OSError):
            os.waitpid(pid, 0)


def _parents() -> dict[int, int | None]:
    """Return the parent of each process, by process id."""
    entries = _entries()
    for _ in range(10):
        parents = {int(entry.name): _parent(entry) for entry in entries}
        # One that was born while the others were read may have lost the parent that would have led to it.
        entries, seen = _entries(), entries
        if set(entries) <= set(seen):
            break
    return parents


def _entries() -> list[Path]:
    return [entry for entry in _PROC.iterdir() if entry.name.isdigit()]


def _parent(entry: Path) -> int | None:
    """Return the parent's id, or None when the process has ended."""
    try:
        # The command name stands in parentheses and may itself hold spaces and parentheses.
        state, parent = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:2]
    except (OSError, ValueError):
        return None
    return None if state in {"Z", "X"} else int(parent)
