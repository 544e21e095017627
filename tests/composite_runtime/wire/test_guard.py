"""Ending the process groups of children when the runtime dies."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from composite_runtime.wire.guard import Guard
from tests import processes

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there a job object does this")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only there a process is found by what it has open")


@contextlib.contextmanager
def group(command: str = "sleep 60") -> Iterator[subprocess.Popen[bytes]]:
    """Run a shell command in a process group of its own."""
    process = subprocess.Popen(["/bin/sh", "-c", command], start_new_session=True, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def ended(process: subprocess.Popen[bytes]) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
    return process.returncode is not None


async def test_what_is_guarded_ends_with_the_guard_and_what_is_no_longer_does_not() -> None:
    guard = Guard()
    with group() as one, group() as two, group() as three:
        for process in (one, two, three):
            guard.add(process.pid)
        guard.remove(two.pid)
        guard.close()
        assert ended(one)
        assert ended(three)
        assert two.poll() is None


async def test_a_group_that_ignores_the_request_to_end_is_ended_with_all_in_it() -> None:
    guard = Guard()
    with group("trap '' TERM; sleep 60 & echo $!; wait; sleep 60") as process:
        assert process.stdout is not None
        grandchild = int(process.stdout.readline())
        guard.add(process.pid)
        guard.close()
        assert ended(process)
        assert not processes.wait_until_gone(lambda: {grandchild} & processes.descendants(), 5)


async def test_forgetting_a_group_that_was_never_guarded_changes_nothing() -> None:
    guard = Guard()
    with group() as one, group() as other:
        guard.add(one.pid)
        for _ in range(40):  # each would double a list that is written without care
            guard.remove(other.pid)
        guard.close()
        assert ended(one)
        assert other.poll() is None


async def test_numbers_that_begin_alike_are_told_apart() -> None:
    guard = Guard()
    with group() as one:
        guard.add(one.pid)
        guard.remove(int(f"{one.pid}1"))
        guard.remove(int(str(one.pid)[:-1] or "0"))
        guard.close()
        assert ended(one)


async def test_a_guard_that_was_never_needed_starts_nothing() -> None:
    before = processes.descendants()
    guard = Guard()
    guard.remove(12345)
    assert processes.descendants() == before
    guard.close()


DOOMED = """
import asyncio, os, signal, sys
from composite_runtime.wire.guard import Guard
from composite_runtime.wire.process import Launch, Process

moment, how, mark = sys.argv[1:]

class Doomed(Guard):
    def announcement(self):
        announce = super().announcement()
        def announced():
            if moment == "before the child has told of itself":
                os.kill(os.getppid(), signal.SIGKILL)
            announce()
            if moment == "before the child runs its program":
                os.kill(os.getppid(), signal.SIGKILL)
        return announced

    def add(self, group):
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    first = "kill -KILL $PPID;" if moment == "as the first thing the child does" else ""
    stubborn = f"trap '' HUP INT TERM; {first} : > {mark}; while :; do sleep 1; done"
    await Process(Launch("/bin/sh", ("-c", stubborn)), Doomed(finds=how == "found"), print, print).start()

asyncio.run(main())
"""
AT_ONCE, UNHEARD = "as the first thing the child does", "before anybody else has told of the child"


@pytest.mark.parametrize(
    ("moment", "how"),
    [
        ("before the child has told of itself", "told"),
        ("before the child runs its program", "told"),
        (AT_ONCE, "told"),
        (UNHEARD, "told"),
        pytest.param(AT_ONCE, "found", marks=LINUX),
        pytest.param(UNHEARD, "found", marks=LINUX),
    ],
)
def test_a_child_is_ended_whatever_the_moment_of_our_death(moment: str, how: str, tmp_path: Path) -> None:
    """The child ignores every signal and never reads, and dies although the one that started it knew no more of it."""
    mark = str(tmp_path / "runs")
    before = processes.descendants()
    doomed = subprocess.run([sys.executable, "-c", DOOMED, moment, how, mark], timeout=20, check=False)

    assert doomed.returncode == -signal.SIGKILL
    assert not processes.wait_until_gone(lambda: processes.descendants() - before, 5)


@LINUX
def test_a_child_that_hangs_between_two_programs_is_found() -> None:
    """A copy of us that has not run its program yet, and leads no group, has the stdin that was told."""
    code = """
import asyncio, os, signal, socket, time
from composite_runtime.wire.guard import Guard

async def main():
    ours, theirs = socket.socketpair()
    async with Guard(finds=True).birth(theirs.fileno()):
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.dup2(theirs.fileno(), 0)
            os.closerange(3, 256)
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60)
        time.sleep(60)

asyncio.run(main())
"""
    before = processes.descendants()
    assert subprocess.run([sys.executable, "-c", code], timeout=20, check=False).returncode == -signal.SIGKILL
    assert not processes.wait_until_gone(lambda: processes.descendants() - before, 5)


async def test_a_process_that_told_of_itself_and_came_to_nothing_is_forgotten() -> None:
    """Its number may belong to somebody else by the time we die."""
    guard = Guard(finds=False)
    async with guard.birth(0) as announce:
        process = await asyncio.create_subprocess_exec("sleep", "60", start_new_session=True, preexec_fn=announce)
    guard.close()
    assert process.returncode is None
    process.kill()
    assert await process.wait() == -signal.SIGKILL


@LINUX
async def test_what_is_open_elsewhere_too_is_of_no_matter_once_the_start_is_over() -> None:
    guard = Guard(finds=True)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        async with guard.birth(theirs.fileno()) as announce:
            assert announce is None
            process = await asyncio.create_subprocess_exec("sleep", "60", stdin=theirs, start_new_session=True)
        guard.close()
        assert process.returncode is None
        process.kill()
        await process.wait()


async def test_another_watcher_takes_over_from_one_that_was_killed() -> None:
    before = processes.descendants()
    guard = Guard()
    with group() as one:
        guard.add(one.pid)
        (watcher,) = processes.descendants() - before - {one.pid} - processes.descendants(one.pid)
        os.kill(watcher, signal.SIGKILL)
        assert not processes.wait_until_gone(lambda: {watcher} if processes.is_running(watcher) else set(), 5)
        async with guard.birth(0):
            pass
        guard.close()
        assert ended(one)


async def test_a_watcher_somebody_killed_does_not_stop_us() -> None:
    before = processes.descendants()
    guard = Guard()
    with group() as one:
        guard.add(one.pid)
        watchers = processes.descendants() - before - {one.pid} - processes.descendants(one.pid)
        for pid in watchers:
            os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.05)
        guard.add(one.pid)
        guard.remove(one.pid)
        guard.close()
        guard.close()
