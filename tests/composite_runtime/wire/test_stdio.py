"""Both ends of stdio, when the other side does not do its part."""

import asyncio
import os
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from composite_runtime.errors import ChildError
from composite_runtime.wire import jsonrpc
from composite_runtime.wire.guard import Guard
from composite_runtime.wire.process import Launch
from composite_runtime.wire.stdio import UNREAD_LIMIT, ChildStdio

ROOT = Path(__file__).parents[3]
PATIENCE_S = 10.0


class Owner:
    """Collects what a transport tells."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.lines: list[str] = []
        self.failures: dict[Any, Exception] = {}
        self.reason: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.news = asyncio.Event()

    def received(self, message: Any, related: Any = None, size: int = 0) -> None:
        self.messages.append(message)
        self.news.set()

    def noise(self, line: str) -> None:
        self.lines.append(line)

    def failed(self, request_id: Any, error: Exception) -> None:
        self.failures[request_id] = error

    def lost(self, reason: str, *, forgotten: bool = False) -> None:
        self.reason.set_result(reason)


@asynccontextmanager
async def opened(script: str) -> AsyncIterator[tuple[ChildStdio, Owner]]:
    guard, owner = Guard(), Owner()
    launch = Launch(sys.executable, ("-c", textwrap.dedent(script)))
    transport = ChildStdio(launch, guard, lambda line: None)
    await transport.open(owner)
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield transport, owner
    finally:
        await transport.close()
        guard.close()


async def test_a_child_that_does_not_read_is_sent_no_more_than_a_bound() -> None:
    async with opened("import time; time.sleep(60)") as (transport, owner):
        for number in range(1, 4):
            transport.send(jsonrpc.request(number, "tools/call", {"data": "x" * (UNREAD_LIMIT + 1_000_000)}))
        transport.send(jsonrpc.notification("notifications/cancelled", {}))

    assert list(owner.failures) == [2, 3]
    assert isinstance(owner.failures[2], ChildError)
    assert str(owner.failures[2]) == "it does not read what it is sent"


async def test_noise_before_a_message_is_told_apart_from_it() -> None:
    script = """print('hello'); print('{"jsonrpc":"2.0","id":1,"result":{}}', flush=True); input()"""
    async with opened(script) as (_, owner):
        await owner.news.wait()

    assert owner.lines == ["hello"]
    assert owner.messages == [{"jsonrpc": "2.0", "id": 1, "result": {}}]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("import sys; sys.exit('no token')", "it ended with exit code 1; its last words: no token"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "it was ended by signal 9"),
        ("import os, time; os.close(1); time.sleep(60)", "it closed its output"),
    ],
)
async def test_the_end_of_a_child_says_why(script: str, reason: str) -> None:
    async with opened(script) as (_, owner):
        assert await owner.reason == reason


@pytest.mark.skipif(sys.platform == "win32", reason="there the pipe is written to as it is")
def test_a_client_that_does_not_read_is_not_listened_to_and_costs_no_more_than_a_bound() -> None:
    script = """
        import asyncio, sys
        from composite_runtime.wire.stdio import UNREAD_LIMIT, OwnStdio

        async def main():
            wire, taken, ended = OwnStdio(), [], asyncio.Event()
            await wire.start(taken.append, lambda reason: ended.set())
            for _ in range(30):
                wire.tell(b'{"a":"%b"}' % (b"x" * 10_000_000))
            print(wire._unread(), file=sys.stderr, flush=True)
            await asyncio.sleep(0.5)
            print(len(taken), file=sys.stderr, flush=True)
            await ended.wait()
            await wire.close()
            print(len(taken), file=sys.stderr, flush=True)

        asyncio.run(main())
    """
    done = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    assert done.stdin is not None
    assert done.stdout is not None
    assert done.stderr is not None
    with done, done.stdin, done.stdout, done.stderr:
        unread = int(done.stderr.readline())
        done.stdin.write(b"{}\n")
        done.stdin.close()
        heard_before = int(done.stderr.readline())
        while os.read(done.stdout.fileno(), 1 << 20):
            pass
        heard_after = int(done.stderr.readline())

    assert UNREAD_LIMIT <= unread < UNREAD_LIMIT + 11_000_000
    assert (heard_before, heard_after) == (0, 1)
