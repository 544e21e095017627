import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from composite_runtime.events import ChildChanged, ChildState, Log, Ready
from fusion_desktop.run.process import TOKEN_VARIABLE, RuntimeProcess
from fusion_desktop.run.session import InspectorSession, SessionState
from tests import processes
from tests.fusion_desktop.run.servers import EXAMPLE, running, until, url_of


def script(text: str) -> Callable[[Path, str | None], Sequence[str]]:
    """Return the command of a program that stands in for the runtime."""
    return lambda graph, composite: (sys.executable, "-c", text)


async def test_a_graph_runs_until_it_is_stopped(qtbot: QtBot) -> None:
    async with running(EXAMPLE, "http") as (process, events):
        ends: list[str] = []
        process.stopped.connect(ends.append)
        await until(lambda: sum(isinstance(e, ChildChanged) and e.state is ChildState.READY for e in events) == 2)
        await process.end()

        assert url_of(events).startswith("http://127.0.0.1:")
        assert ends == [""]
        assert not process.is_running


async def test_the_token_of_a_launch_is_new_each_time_and_in_no_argument(qtbot: QtBot) -> None:
    tokens = []
    for _ in range(2):
        async with running(EXAMPLE, "http") as (process, _events):
            tokens.append(process.token)
            lines = [processes.command_line(pid) for pid in processes.descendants()]
            assert not any(process.token in line for line in lines)

    assert tokens[0] != tokens[1]
    assert min(len(token) for token in tokens) >= 32


async def test_who_lacks_the_token_is_refused(qtbot: QtBot) -> None:
    async with running(EXAMPLE, "http") as (_, events):
        session = InspectorSession()
        session.open_url(url_of(events), "wrong")
        await until(lambda: session.state is SessionState.LOST)
        await session.end()


async def test_a_graph_that_cannot_be_used_ends_with_the_reason_in_words(qtbot: QtBot, tmp_path: Path) -> None:
    broken = tmp_path / "broken.fusion"
    broken.write_text("{")
    process = RuntimeProcess()
    words: list[str] = []
    ends: list[str] = []
    process.event.connect(lambda event: words.append(str(event)))
    process.stopped.connect(ends.append)

    process.start(broken, transport="http")
    await until(lambda: ends)

    assert "broken.fusion" in " ".join(words)
    assert ends[0]


async def test_a_program_that_is_not_there_is_named(qtbot: QtBot) -> None:
    process = RuntimeProcess(command=lambda graph, composite: ("/nowhere/composite-runtime",))
    ends: list[str] = []
    process.stopped.connect(ends.append)

    process.start(EXAMPLE, transport="stdio")
    await until(lambda: ends)

    assert ends[0].startswith("/nowhere/composite-runtime cannot be started:")
    assert not process.is_running


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
async def test_a_runtime_that_ignores_the_end_of_stdin_and_sigterm_is_killed(qtbot: QtBot) -> None:
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    )
    process = RuntimeProcess(command=script(stubborn), grace_s=0.1, kill_s=0.1)
    said: list[bytes] = []
    ends: list[str] = []
    process.received.connect(said.append)
    process.stopped.connect(ends.append)
    process.start(EXAMPLE, transport="stdio")
    await until(lambda: said)

    await process.end()

    assert ends == [""]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
async def test_a_runtime_that_dies_says_so(qtbot: QtBot) -> None:
    process = RuntimeProcess(command=script("import os; os.kill(os.getpid(), 9)"))
    ends: list[str] = []
    process.stopped.connect(ends.append)

    process.start(EXAMPLE, transport="stdio")
    await until(lambda: ends)

    assert "crashed" in ends[0]


async def test_what_is_no_event_is_kept_as_a_log_entry(qtbot: QtBot) -> None:
    text = "import sys; sys.stderr.buffer.write('Zürich ☃\\nlast words'.encode()); sys.exit(3)"
    process = RuntimeProcess(command=script(text))
    events: list[object] = []
    ends: list[str] = []
    process.event.connect(events.append)
    process.stopped.connect(ends.append)

    process.start(EXAMPLE, transport="stdio")
    await until(lambda: ends)

    assert [event.message for event in events if isinstance(event, Log)] == ["Zürich ☃", "last words"]
    assert "exit code 3" in ends[0]


async def test_the_environment_carries_the_token_in_http_mode_only(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "left over from somebody else")
    seen: dict[str, bytes] = {}
    for transport in ("http", "stdio"):
        process = RuntimeProcess(command=script(f"import os; print(os.environ.get('{TOKEN_VARIABLE}'))"))
        said: list[bytes] = []
        ends: list[str] = []
        process.received.connect(said.append)
        process.stopped.connect(ends.append)
        process.start(EXAMPLE, transport=transport)  # type: ignore[arg-type]  # a literal, one by one
        await until(lambda: ends)  # noqa: B023 — awaited in the same round
        seen[transport] = b"".join(said).strip()
        assert transport == "stdio" or seen["http"].decode() == process.token

    assert seen["stdio"] == b"None"


async def test_stopping_what_does_not_run_does_nothing(qtbot: QtBot) -> None:
    process = RuntimeProcess()

    process.stop()
    await process.end()

    assert not process.is_running
    with pytest.raises(BrokenPipeError):
        process.write(b"x")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
async def test_a_runtime_killed_from_outside_is_reported_and_can_be_started_again(qtbot: QtBot) -> None:
    async with running(EXAMPLE, "http") as (process, events):
        ends: list[str] = []
        process.stopped.connect(ends.append)
        # A server that is just being started looks like the runtime until its program takes over.
        alike = [pid for pid in processes.descendants() if "serve" in processes.command_line(pid)]
        runtime = max(alike, key=lambda pid: len(processes.descendants(pid)))
        os.kill(runtime, signal.SIGKILL)
        await until(lambda: ends)
        assert "ended from outside" in ends[0]

        events.clear()
        process.start(EXAMPLE, transport="http")
        await until(lambda: any(isinstance(event, Ready) for event in events))
