"""A runtime is found, watched and left alone: read only, by its own user, at the watcher's pace."""

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from composite_runtime import secrets
from composite_runtime.attach import attached, place
from composite_runtime.attach.feed import Feed
from composite_runtime.attach.place import Run
from composite_runtime.errors import FusionError
from composite_runtime.events import (
    CallStarted,
    ChildChanged,
    ChildState,
    ClientChanged,
    Event,
    Following,
    Frame,
    Log,
    Ready,
    Stopped,
    encode,
)
from composite_runtime.interop import export
from composite_runtime.interop.launch import serve_command
from tests.support import graphs
from tests.support.client import Client
from tests.support.runtime import Runtime
from tests.support.wires import Pipes


@asynccontextmanager
async def feeding(feed: Feed) -> AsyncIterator[Run]:
    """Serve a feed that is ready, and yield how it is found."""
    feed.tell(Ready(transport="stdio", composite="all"))
    task = asyncio.get_running_loop().create_task(feed.serve())
    try:
        async with asyncio.timeout(5):
            while not (found := await asyncio.to_thread(attached.runtimes)) or not found[0].composite:
                await asyncio.sleep(0.01)
        yield found[0]
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(events: AsyncIterator[Event], kind: type[Event]) -> list[Event]:
    seen: list[Event] = []
    async with asyncio.timeout(5):
        async for event in events:
            seen.append(event)
            if isinstance(event, kind):
                return seen
    return seen


async def glimpse(run: Run) -> list[Event]:
    """Return how things stand, and follow no further."""
    async with aclosing(attached.follow(run)) as events:
        return await until(events, Following)


def started(number: int) -> CallStarted:
    return CallStarted(call=f"c{number}", node="n", method="tools/call", name="x" * 500)


@pytest.mark.parametrize("loopback", [False, True])
async def test_a_follower_gets_how_things_stand_and_then_what_happens(loopback: bool) -> None:
    feed = Feed("/graphs/dev.fusion", loopback=loopback)
    feed.tell(ChildChanged(node="a", state=ChildState.STARTING))
    feed.tell(ChildChanged(node="a", state=ChildState.READY, tools=3))
    feed.tell(ClientChanged(session="1", name="gone", protocol="p", connected=True))
    feed.tell(ClientChanged(session="1", name="gone", protocol="p", connected=False))
    feed.tell(ClientChanged(session="2", name="here", version="7", protocol="p", connected=True))
    feed.tell(Log(level="info", source="a", message="hello", stream="stderr"))
    feed.tell(started(1))
    async with feeding(feed) as run:
        events = attached.follow(run)
        snapshot = await until(events, Following)
        feed.tell(started(2))
        live = await until(events, CallStarted)
        await events.aclose()

    assert [type(event) for event in snapshot] == [ChildChanged, ClientChanged, Ready, Log, Following]
    assert snapshot[0] == ChildChanged(at=snapshot[0].at, node="a", state=ChildState.READY, tools=3)
    assert isinstance(snapshot[-1], Following)
    assert snapshot[-1].missed == 0
    assert [event.call for event in live if isinstance(event, CallStarted)] == ["c2"]
    assert (run.graph, run.composite, run.client) == ("/graphs/dev.fusion", "all", "here 7")


async def test_nothing_is_left_when_the_runtime_ends_and_followers_hear_of_it() -> None:
    feed = Feed("g")
    async with feeding(feed) as run:
        events = attached.follow(run)
        await until(events, Following)
        feed.tell(Stopped())
    last = await until(events, Stopped)

    assert isinstance(last[-1], Stopped)
    assert list(place.folder().iterdir()) == []


@pytest.mark.skipif(not place.HAS_UNIX_SOCKETS, reason="the rights of files are Unix's")
async def test_nobody_else_can_get_at_the_feed() -> None:
    place.folder().mkdir(parents=True)
    place.folder().chmod(0o755)
    async with feeding(Feed("g")) as run:
        assert stat.S_IMODE(place.folder().stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in place.folder().glob("*.json")} == {0o600}
        assert run.socket is not None
        assert stat.S_IMODE(Path(run.socket).parent.stat().st_mode) == 0o700
        one, other = socket.socketpair()
        with one, other:
            assert place.peer_is_us(one)


async def test_a_loopback_feed_wants_its_secret() -> None:
    async with feeding(Feed("g", loopback=True)) as run:
        assert run.secret not in repr(run)
        with pytest.raises(FusionError, match="does not let itself be watched"):
            await glimpse(replace(run, secret="guessed"))


@pytest.mark.skipif(not place.HAS_UNIX_SOCKETS, reason="written for the sockets of Unix")
async def test_a_slow_follower_misses_events_is_told_so_and_holds_nobody_up() -> None:
    feed = Feed("g")
    async with feeding(feed) as run:
        slow = socket.socket(socket.AF_UNIX)
        assert run.socket is not None
        slow.connect(run.socket)
        slow.sendall(b"{}\n")
        await asyncio.sleep(0.1)
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(20_000):
            feed.tell(started(number))
            if number % 100 == 0:
                await asyncio.sleep(0)
        took = loop.time() - began
        feed.tell(ChildChanged(node="late", state=ChildState.FAILED, reason="gone"))
        reader, writer = await asyncio.open_unix_connection(sock=slow)
        lines = [json.loads(await reader.readline()) for _ in range(2)]
        while lines[-1]["event"] != "following" or lines[-1]["missed"] == 0:
            lines.append(json.loads(await asyncio.wait_for(reader.readline(), 5)))
        writer.close()

    calls = sum(line["event"] == "call_started" for line in lines)
    assert took < 5
    assert 1000 < lines[-1]["missed"] <= 20_001 - calls
    assert any(line["event"] == "child_changed" and line["node"] == "late" for line in lines)


async def test_a_follower_that_says_nonsense_or_nothing_is_dropped() -> None:
    async with feeding(Feed("g")) as run:
        for words in (b"nonsense\n", b"[]\n", b"x" * 100_000):
            reader, writer = await asyncio.open_unix_connection(run.socket)
            writer.write(words)
            with suppress(ConnectionResetError):  # by one who does not even read it all
                assert await asyncio.wait_for(reader.read(), 5) == b""
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        assert await glimpse(run)


async def test_messages_are_seen_only_by_those_who_ask_and_only_while_they_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FUSION_SECRET_KEY", "planted-key-4711")
    secrets.resolve("${secret:key}")
    feed = Feed("g")
    wanted: list[bool] = []
    feed.watched = lambda _, frames: wanted.append(frames)
    async with feeding(feed) as run:
        plain, curious = attached.follow(run), attached.follow(run, frames=True)
        await until(plain, Following)
        await until(curious, Following)
        feed.line(encode(Frame(hop="client", way="in", message={"id": 1, "params": {"key": "planted-key-4711"}})))
        feed.line(encode(Frame(hop="n", way="out", message={"id": 1, "x": 1})))
        feed.tell(started(1))
        seen = await until(curious, CallStarted)
        assert [type(event) for event in await until(plain, CallStarted)] == [CallStarted]
        await curious.aclose()
        await plain.aclose()

    frames = [(event.hop, event.way, event.message) for event in seen if isinstance(event, Frame)]
    assert frames == [
        ("client", "in", {"id": 1, "params": {"key": "${secret:key}"}}),
        ("n", "out", {"id": 1, "x": 1}),
    ]
    assert True in wanted
    assert wanted[-1] is False


async def test_the_first_messages_are_kept_for_a_watcher_that_is_sure_to_come() -> None:
    feed = Feed("g", keeps_first=True)
    wanted: list[bool] = []
    feed.watched = lambda _, frames: wanted.append(frames)
    async with feeding(feed) as run:
        feed.line(encode(Frame(hop="n", way="out", message={"id": 1})))
        feed.tell(started(1))
        curious = attached.follow(run, frames=True)
        snapshot = await until(curious, Following)
        seen = await until(curious, CallStarted)
        feed.line(encode(Frame(hop="n", way="in", message={"id": 1})))
        seen += await until(curious, Frame)
        late = attached.follow(run, frames=True)
        assert not [event for event in await until(late, Following) if isinstance(event, Frame)]
        await curious.aclose()
        await late.aclose()

    assert not [event for event in snapshot if isinstance(event, Frame)]
    assert [event.way for event in seen if isinstance(event, Frame)] == ["out", "in"]
    assert wanted[-1] is False


async def test_a_runtime_that_starts_removes_what_a_killed_one_has_left() -> None:
    place.private_folder()
    place.describe(Run(124, "g", "all", "stdio", 1.0, socket=str(place.folder() / "gone.sock")))
    async with feeding(Feed("g")):
        assert [path.name for path in place.folder().glob("*.json")] == [f"{os.getpid()}.json"]


def test_what_a_dead_runtime_left_is_removed() -> None:
    folder = place.private_folder()
    left = folder / "123.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(os.path.relpath(left))
    place.describe(Run(123, "g", "all", "stdio", 1.0, socket=str(left)))
    place.describe(Run(124, "g", "all", "stdio", 1.0, socket=str(folder / "gone.sock")))
    (folder / "125.json").write_text("{", encoding="utf-8")

    assert attached.runtimes() == ()
    assert [path.name for path in folder.iterdir()] == ["125.json"]


async def test_a_home_with_a_long_name_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSION_HOME", str(tmp_path / ("long-" * 30)))
    async with feeding(Feed("g")) as run:
        assert run.socket is not None
        assert await glimpse(run)
        there = Path(run.socket)
        assert there.parent != place.folder()
        assert stat.S_IMODE(there.parent.stat().st_mode) == 0o700
    assert not there.exists()


# A real runtime, as a client starts it: over stdio, unsupervised.


async def test_a_runtime_that_a_client_started_is_found_and_watched(tmp_path: Path) -> None:
    path = graphs.saved(tmp_path, graphs.flat(graphs.child("f", "features", namespace="f")))
    with Runtime(path, http=False) as runtime, runtime.client("legacy") as client:
        await asyncio.to_thread(runtime.wait_ready, "f")
        (run,) = await asyncio.to_thread(_found, 1)
        events = attached.follow(run, frames=True)
        snapshot = await until(events, Following)
        pending = client.start("tools/call", {"name": "f_echo", "arguments": {"v": 4711}})
        seen: list[Event] = []
        async with asyncio.timeout(10):
            async for event in events:
                seen.append(event)
                if isinstance(event, Frame) and (event.hop, event.way) == ("client", "out"):
                    break
        await asyncio.to_thread(pending.result)
        await asyncio.to_thread(runtime.stop)
        assert isinstance((await until(events, Stopped))[-1], Stopped)

    assert (run.pid, run.graph, run.transport, run.client) == (runtime.pid, str(path), "stdio", "Raw 7")
    assert {type(event) for event in snapshot} >= {Ready, ChildChanged, ClientChanged, Following}
    hops = [(event.hop, event.way) for event in seen if isinstance(event, Frame)]
    assert hops == [("client", "in"), ("f", "out"), ("f", "in"), ("client", "out")]
    assert [event.node for event in seen if isinstance(event, CallStarted)] == ["all", "f"]


async def test_a_runtime_that_an_exported_entry_starts_is_found_and_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = graphs.saved(tmp_path, graphs.flat(graphs.child("f", "features", namespace="f")))
    config = tmp_path / "claude_desktop_config.json"
    export.apply(export.plan("claude-desktop", "fusion", serve_command(path), file=config))
    (entry,) = json.loads(config.read_text(encoding="utf-8"))["mcpServers"].values()
    monkeypatch.setenv("FUSION_HOME", str(tmp_path / ".fusion"))
    process = _as_claude_desktop_does([entry["command"], *entry["args"]], tmp_path)
    assert process.stdin is not None
    assert process.stdout is not None
    with process, Client(Pipes(process.stdin, process.stdout), "legacy"):
        (run,) = await asyncio.to_thread(_found, 1)
        snapshot = await glimpse(run)

    assert (run.pid, run.graph, run.client) == (process.pid, str(path), "Raw 7")
    assert {type(event) for event in snapshot} >= {Ready, ClientChanged, Following}


async def test_a_runtime_that_was_killed_is_no_longer_found(tmp_path: Path) -> None:
    path = graphs.saved(tmp_path, graphs.flat())
    runtime = Runtime(path, http=True)
    with runtime:
        (run,) = await asyncio.to_thread(_found, 1)
        assert run.url == runtime.url
        os.kill(run.pid, signal.SIGKILL)
        runtime.process.wait(5)
        await asyncio.to_thread(_found, 0)
    assert list(place.folder().iterdir()) == []


async def test_a_runtime_that_cannot_be_watched_serves_all_the_same(tmp_path: Path, fusion_home: Path) -> None:
    path = graphs.saved(tmp_path, graphs.flat(graphs.child("f", "features", namespace="f")))
    fusion_home.mkdir()
    (fusion_home / "run").write_text("in the way", encoding="utf-8")
    with Runtime(path, http=True) as runtime, runtime.client("modern") as client:
        assert await asyncio.to_thread(client.call, "f_echo", {"v": 1})
        warning = await asyncio.to_thread(runtime.wait, "log", level="warning")
    assert "cannot be used" in json.dumps(warning)


def _as_claude_desktop_does(command: list[str], home: Path) -> subprocess.Popen[bytes]:
    """Start a server with the user's home and no variable of ours."""
    env = {"HOME": str(home), "PATH": os.defpath}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=env)


def _found(count: int) -> tuple[Run, ...]:
    import time

    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        found = attached.runtimes()
        if len(found) == count and all(run.client or run.transport == "http" for run in found):
            return found
        time.sleep(0.02)
    raise AssertionError(f"{count} runtimes were not found; there are {attached.runtimes()}")
