"""Ends the process groups of children when the runtime dies without a chance to do it itself.

A SIGKILL cannot be caught, and well-behaved children end when their stdin does, but stubborn ones and grandchildren
stay. So on POSIX a shell of about one megabyte waits at the other end of a pipe, is told each group that begins and
ends, and ends those left when the pipe closes. On Windows a job object that nobody but us holds does the same.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
from typing import Any

from composite_runtime.wire.leftovers import Ledger

_SCRIPT = """
trap '' HUP INT TERM
groups=' '
while read -r sign group; do
  case $sign in
    +) groups="$groups$group " ;;
    -) case $groups in *" $group "*) groups="${groups%% $group *} ${groups#* $group }" ;; esac ;;
  esac
done
for group in $groups; do kill -TERM "-$group" 2>/dev/null; done
[ -n "${groups# }" ] && sleep 1
for group in $groups; do kill -KILL "-$group" 2>/dev/null; done
exit 0
"""


class Guard:
    """The watcher of one runtime; it begins with the first group."""

    def __init__(self, ledger: Ledger | None = None) -> None:
        self._ledger = ledger
        self._watcher: subprocess.Popen[bytes] | None = None
        self._job: Any = None
        self.one_at_a_time = asyncio.Lock()
        """Held while a process is made, so that we cannot die between many that were made and not guarded yet."""

    def add(self, group: int) -> None:
        """Have the group, or on Windows the process, ended if we die."""
        if sys.platform == "win32":
            self._assign(group)
        else:
            self._tell(f"+ {group}\n")
            if self._ledger is not None:
                self._ledger.add(group)

    def remove(self, group: int) -> None:
        """Forget a group that has ended: its number may be given to somebody else."""
        if self._watcher is not None:
            self._tell(f"- {group}\n")
            if self._ledger is not None:
                self._ledger.remove(group)

    def close(self) -> None:
        """End the watcher; what it still guards is ended by it."""
        if self._ledger is not None:
            self._ledger.close()
        watcher, self._watcher = self._watcher, None
        if watcher is not None and watcher.stdin is not None:
            with contextlib.suppress(OSError):
                watcher.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                watcher.wait(3)

    def _tell(self, line: str) -> None:
        with contextlib.suppress(OSError):  # a machine without a shell, or a watcher somebody killed, must not stop us
            if self._watcher is None:
                self._watcher = _watcher()
            if self._watcher.stdin is not None:
                self._watcher.stdin.write(line.encode())
                self._watcher.stdin.flush()

    if sys.platform == "win32":

        def _assign(self, pid: int) -> None:
            import win32api
            import win32con
            import win32job

            if self._job is None:
                self._job = win32job.CreateJobObject(None, "")
                kind = win32job.JobObjectExtendedLimitInformation
                limits = win32job.QueryInformationJobObject(self._job, kind)
                limits["BasicLimitInformation"]["LimitFlags"] |= win32job.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
                win32job.SetInformationJobObject(self._job, kind, limits)
            process = win32api.OpenProcess(win32con.PROCESS_SET_QUOTA | win32con.PROCESS_TERMINATE, False, pid)
            win32job.AssignProcessToJobObject(self._job, process)


def _watcher() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["/bin/sh", "-c", _SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={"PATH": os.defpath},
        cwd="/",
    )
