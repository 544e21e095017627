"""A child process with three pipes."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from composite_runtime.errors import ChildError
from composite_runtime.wire.guard import Guard
from composite_runtime.wire.process import CLOSE_GRACE_S, TERMINATE_GRACE_S, Launch, Process
from tests import processes


class Run:
    """What a process wrote, and whether it has ended."""

    def __init__(self) -> None:
        self.output = {1: b"", 2: b""}
        self.ended = asyncio.Event()
        self.news = asyncio.Event()
        self.process: Process

    def take(self, descriptor: int, data: bytes) -> None:
        self.output[descriptor] += data
        self.news.set()

    async def line(self) -> bytes:
        while b"\n" not in self.output[1]:
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 10)
        return self.output[1].split(b"\n")[0]


@asynccontextmanager
async def run(code: str, **environment: str) -> AsyncIterator[Run]:
    """Run a shell command."""
    guard = Guard()
    running = Run()
    launch = Launch("/bin/sh", ("-c", code), {"PATH": os.defpath, **environment})
    running.process = Process(launch, guard, running.take, running.ended.set)
    await running.process.start()
    try:
        yield running
    finally:
        await running.process.stop()
        guard.close()


@pytest.fixture
def guard() -> Iterator[Guard]:
    """Guard what a test starts without more ado."""
    guard = Guard()
    yield guard
    guard.close()


async def test_what_it_writes_arrives_before_its_end_is_told() -> None:
    async with run("head -c 3000000 /dev/zero; echo oops >&2; exit 3") as running:
        await asyncio.wait_for(running.ended.wait(), 10)
        assert (len(running.output[1]), running.output[2], running.process.exit_code) == (3_000_000, b"oops\n", 3)


async def test_a_signal_is_told_as_a_negative_number() -> None:
    async with run("kill -9 $$") as running:
        await asyncio.wait_for(running.ended.wait(), 10)
        assert running.process.exit_code == -9


async def test_closing_its_output_is_as_good_as_an_end() -> None:
    async with run("exec 1>&-; sleep 60") as running:
        await asyncio.wait_for(running.ended.wait(), 5)
        assert running.process.exit_code is None


async def test_an_end_is_told_although_a_grandchild_holds_the_pipes_and_both_are_gone_after_the_stop() -> None:
    async with run("sleep 60 & echo $!") as running:
        grandchild = int(await running.line())
        await asyncio.wait_for(running.ended.wait(), 5)
        await running.process.stop()
        left = await asyncio.to_thread(processes.wait_until_gone, lambda: {grandchild} & processes.descendants(), 3)
        assert left == set()


async def test_one_that_reads_to_the_end_ends_by_itself_and_quickly() -> None:
    async with run("cat; echo bye >&2") as running:
        running.process.write(b"hello\n")
        assert await running.line() == b"hello"
        began = asyncio.get_running_loop().time()
        await running.process.stop()
        assert asyncio.get_running_loop().time() - began < CLOSE_GRACE_S
        assert (running.process.exit_code, running.output[2]) == (0, b"bye\n")


async def test_a_stubborn_one_is_ended_within_the_bound() -> None:
    async with run("trap '' TERM; echo ready; while :; do sleep 1; done") as running:
        await running.line()
        began = asyncio.get_running_loop().time()
        await running.process.stop()
        assert asyncio.get_running_loop().time() - began < CLOSE_GRACE_S + TERMINATE_GRACE_S + 1.5
        assert running.process.exit_code == -9


async def test_stopping_twice_and_writing_after_the_end_is_no_matter() -> None:
    async with run("exit 0") as running:
        await asyncio.wait_for(running.ended.wait(), 5)
        running.process.write(b"too late\n")
        await running.process.stop()
        running.process.write(b"too late\n")
        await running.process.stop()


async def test_stopping_what_was_never_started_is_no_matter() -> None:
    process = Process(Launch("/bin/true"), Guard(), lambda descriptor, data: None, lambda: None)
    assert await process.exited(0.01) is None
    await process.stop()
    assert (process.pid, process.exit_code) == (None, None)


@pytest.mark.parametrize(
    ("program", "words"),
    [("/no/such/program", "No such file"), ("/etc/passwd", "Permission denied"), ("/bin/sh\0", "null byte")],
)
async def test_what_cannot_be_started_is_told_in_words(program: str, words: str, guard: Guard) -> None:
    process = Process(Launch(program), guard, lambda descriptor, data: None, lambda: None)
    with pytest.raises(ChildError, match=words):
        await process.start()
    await process.stop()


async def test_a_working_folder_that_is_missing_is_told_in_words(tmp_path: Path, guard: Guard) -> None:
    process = Process(Launch("/bin/true", cwd=tmp_path / "gone"), guard, lambda *_: None, lambda: None)
    with pytest.raises(ChildError):
        await process.start()


async def test_it_gets_the_environment_it_was_given_and_no_more() -> None:
    os.environ["SECRET_OF_OURS"] = "x"
    try:
        async with run("env; echo", GIVEN="yes") as running:
            await asyncio.wait_for(running.ended.wait(), 5)
    finally:
        del os.environ["SECRET_OF_OURS"]
    assert b"GIVEN=yes" in running.output[1]
    assert b"SECRET_OF_OURS" not in running.output[1]


async def test_it_leads_a_group_of_its_own() -> None:
    async with run("echo $$; cat") as running:
        pid = int(await running.line())
        assert running.process.pid == pid == os.getpgid(pid) != os.getpgid(0)


if sys.platform == "win32":
    pytest.skip("the commands here are for a POSIX shell", allow_module_level=True)
