"""Children that outlived a runtime which was killed together with its guard: found and ended by the next one.

Each runtime keeps a file that names its process groups, each with the time its leader started: a number alone may
belong to somebody else by now. A file whose runtime is gone is worked off by whoever finds it.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


class Ledger:
    """The file of one runtime; made with its first group, gone with its end."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"{os.getpid()}.groups"

    def add(self, group: int) -> None:
        """Note a group that has begun."""
        self._note(f"+ {group} {started(group)}")

    def remove(self, group: int) -> None:
        """Note that a group has ended."""
        self._note(f"- {group}")

    def close(self) -> None:
        """Take the file away."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _note(self, line: str) -> None:
        # A disk that is full costs the precaution, not the child.
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if not self._path.exists():
                line = f"{started(os.getpid())}\n{line}"
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")


def reap(folder: Path) -> int:
    """End the groups of runtimes that are gone, and return how many there were."""
    ended = 0
    if sys.platform == "win32" or not folder.is_dir():
        return ended
    for path in folder.glob("*.groups"):
        with contextlib.suppress(OSError, ValueError):
            owner, *lines = path.read_text(encoding="utf-8").splitlines() or [""]
            if started(int(path.stem)) == owner and owner:
                continue
            for group in _left(lines):
                with contextlib.suppress(OSError):
                    os.killpg(group, signal.SIGKILL)
                    ended += 1
            path.unlink(missing_ok=True)
    return ended


def _left(lines: list[str]) -> Iterator[int]:
    """Yield the groups that are still those that were noted."""
    groups: dict[int, str] = {}
    for line in lines:
        sign, number, *when = line.split(" ", 2)
        if sign == "+" and when:
            groups[int(number)] = when[0]
        else:
            groups.pop(int(number), None)
    for group, then in groups.items():
        # The number of a group is not given away while it has members, even when its leader has ended.
        if group > 1 and started(group) in {then, ""}:
            yield group


def started(pid: int) -> str:
    """Return when a process started, in words that only compare; empty when there is none."""
    if sys.platform == "linux":
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        fields = stat.rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    if sys.platform == "win32":
        return ""
    found = subprocess.run(["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.strip()
