"""Ends the process groups of children when the runtime dies without a chance to do it itself.

A SIGKILL cannot be caught, and well-behaved children end when their stdin does, but stubborn ones and grandchildren
stay. So on POSIX a shell of about one megabyte waits at the other end of a pipe, is told each group that begins and
ends, and ends those left when the pipe closes. On Windows a job object that nobody but us holds does the same.

There is no moment in which a child would be left: the shell is told before each start what the child will have as its
stdin, and finds by that the one whose group nobody had a chance to tell. Where a process cannot be found by what it has
open, the child tells its group itself, before it runs its program, and holds the pipe open until it does.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

from composite_runtime.wire.leftovers import Ledger

_SCRIPT = """
trap '' HUP INT TERM
groups=' ' beginning=
while read -r sign group; do
  case $sign in
    '?') beginning=$group ;;
    !) beginning= ;;
    +) groups="$groups$group " beginning= ;;
    -) case $groups in *" $group "*) groups="${groups%% $group *} ${groups#* $group }" ;; esac ;;
  esac
done
case $beginning in
  *:*)
    for attempt in 1 2 3; do  # it may have been about to move it from one descriptor to another
      found=$(ls -l /proc/[0-9]*/fd 2>/dev/null | awk -v its="-> $beginning" '
        /^\\/proc\\// { split($0, part, "/") }
        substr($0, length($0) - length(its) + 1) == its { print part[3] }
      ')
      for process in $found; do
        kill -KILL "-$process" 2>/dev/null
        kill -KILL "$process" 2>/dev/null
      done
      [ -n "$found" ] && break
      sleep 0.1
    done
    ;;
  *) groups="$groups$beginning" ;;
esac
for group in $groups; do kill -TERM "-$group" 2>/dev/null; done
[ -n "${groups# }" ] && sleep 1
for group in $groups; do kill -KILL "-$group" 2>/dev/null; done
exit 0
"""


class Guard:
    """The watcher of one runtime; it begins with the first group.

    `finds` says that a process can be found by what it has open.
    """

    def __init__(self, ledger: Ledger | None = None, *, finds: bool = sys.platform == "linux") -> None:
        self._ledger = ledger
        self._finds = finds
        self._watcher: subprocess.Popen[bytes] | None = None
        self._groups: set[int] = set()
        self._job: Any = None
        # So that the watcher has to remember one child at most that it has heard of from nobody else.
        self._one_at_a_time = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def birth(self, stdin: int | None) -> AsyncIterator[Callable[[], None] | None]:
        """Start a process within that has this as its stdin, and `add` it if that succeeds.

        What this yields has to be called in the process before its program, if it is anything.
        """
        async with self._one_at_a_time:
            if stdin is None:
                yield None
                return
            mark = _name(stdin) if self._finds else None
            self._tell(f"? {mark}" if mark else "!")
            try:
                yield None if mark else self.announcement()
            finally:
                if self._watcher is not None:
                    self._tell("!")

    def announcement(self) -> Callable[[], None] | None:
        """Return how a process that was forked off tells its own group; None when there is nobody to tell."""
        watcher = self._watcher
        return None if watcher is None or watcher.stdin is None else partial(_announce, watcher.stdin.fileno())

    def add(self, group: int) -> None:
        """Have the group, or on Windows the process, ended if we die."""
        if sys.platform == "win32":
            self._assign(group)
        else:
            self._groups.add(group)
            self._tell(f"+ {group}")
            if self._ledger is not None:
                self._ledger.add(group)

    def remove(self, group: int) -> None:
        """Forget a group that has ended: its number may be given to somebody else."""
        self._groups.discard(group)
        if self._watcher is not None:
            self._tell(f"- {group}")
            if self._ledger is not None:
                self._ledger.remove(group)

    def close(self) -> None:
        """End the watcher; what it still guards is ended by it."""
        if self._ledger is not None:
            self._ledger.close()
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            _dismiss(watcher)

    def _tell(self, line: str) -> None:
        with contextlib.suppress(OSError):  # a machine without a shell must not stop us
            if self._watcher is not None:
                with contextlib.suppress(BrokenPipeError):
                    _write(self._watcher, line)
                    return
                _dismiss(self._watcher)  # somebody has killed it, so another one takes over
            self._watcher = _watcher()
            _write(self._watcher, *(f"+ {group}" for group in self._groups), line)

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


def _name(descriptor: int) -> str | None:
    """Return what everybody sees who has the same thing open."""
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return None


def _announce(pipe: int) -> None:
    # The signals are already those of the program, so a pipe that nobody reads would end it.
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.write(pipe, b"? %d\n" % os.getpid())
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def _write(watcher: subprocess.Popen[bytes], *lines: str) -> None:
    if watcher.stdin is not None:
        watcher.stdin.write("".join(f"{line}\n" for line in lines).encode())


def _dismiss(watcher: subprocess.Popen[bytes]) -> None:
    if watcher.stdin is not None:
        with contextlib.suppress(OSError):
            watcher.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            watcher.wait(3)


def _watcher() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["/bin/sh", "-c", _SCRIPT],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={"PATH": os.defpath},
        cwd="/",
    )
