"""Tasks of servers of both eras, followed until they end, are forgotten, or the session is over."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from composite_runtime.errors import FusionError
from composite_runtime.graph import file as graph_file
from composite_runtime.graph.model import CompositeNode, Edge, Graph, ServerNode, StdioTransport
from fusion_desktop.run.frames import JsonObject, Outcome
from fusion_desktop.run.server_tasks import ServerTask, TaskState
from fusion_desktop.run.session import Ended, InspectorSession
from tests.fusion_desktop.run.servers import connected, running, serving, until, url_of

ERAS = ("legacy", "modern")
pytestmark = pytest.mark.usefixtures("qloop")


@asynccontextmanager
async def researching(era: str) -> AsyncIterator[InspectorSession]:
    with serving("tests.servers.research", "--era", era) as url:
        async with connected(url) as session:
            yield session


async def begin(session: InspectorSession, tool: str = "research", **arguments: Any) -> ServerTask:
    """Have a task made as the era wants it."""
    more = {} if session.server is not None and session.server.is_modern else {"task": {}}
    outcome = await session.send("tools/call", {"name": tool, "arguments": {"topic": "pythons", **arguments}, **more})
    task = session.tasks.made_by(outcome)
    assert task is not None, outcome
    return task


def text_of(outcome: Outcome | None) -> str:
    assert outcome is not None
    assert outcome.result is not None, outcome.error
    return str(outcome.result["content"][0]["text"])


@pytest.mark.parametrize("era", ERAS)
async def test_a_task_is_followed_to_its_result_and_the_call_ends_with_it(era: str) -> None:
    async with researching(era) as session:
        ended: list[Ended] = []
        seen: list[tuple[TaskState, str]] = []
        session.ended.connect(ended.append)
        session.tasks.changed.connect(lambda task: seen.append((task.state, task.message)))
        task = await begin(session, ttl_ms=60_000, poll_ms=60, step_ms=400)
        assert (task.ttl_ms, task.poll_ms, task.tool) == (60_000, 60, "research")
        assert not ended
        assert (
            text_of(await session.tasks.settled(Outcome("", {}, 0, request_id=task.request_id))) == "All about pythons"
        )
        assert task.state is TaskState.COMPLETED
        assert (TaskState.WORKING, "Step 2 of 2") in seen
        assert [one.outcome for one in ended] == [task.outcome]
        assert ended[0].milliseconds >= 200


@pytest.mark.slow
@pytest.mark.parametrize("era", ERAS)
async def test_a_server_that_tells_is_not_waited_for(era: str) -> None:
    """It says to be asked once an hour, so what is known before comes from its notifications alone."""
    async with researching(era) as session:
        task = await begin(session, poll_ms=3_600_000, tells=True)
        async with asyncio.timeout(10):
            await until(lambda: task.state.is_over)
        assert text_of(task.outcome) == "All about pythons"


@pytest.mark.parametrize("era", ERAS)
async def test_what_a_task_asks_is_answered_by_the_user(era: str) -> None:
    async with researching(era) as session:
        seen: list[str] = []
        session.asked.connect(lambda q: q.answer({"action": "accept", "content": {"meaning": "snake"}}))
        session.tasks.changed.connect(lambda task: seen.append(task.message))
        task = await begin(session, asks=True, poll_ms=20)
        async with asyncio.timeout(10):
            await until(lambda: task.state.is_over)
        assert text_of(task.outcome) == "All about pythons"
        assert "It is not clear what is meant" in seen


@pytest.mark.slow
async def test_a_task_whose_question_is_refused_is_cancelled() -> None:
    async with researching("modern") as session:
        session.asked.connect(lambda question: question.refuse("No."))
        task = await begin(session, asks=True, poll_ms=20)
        async with asyncio.timeout(10):
            await until(lambda: task.state.is_over)
        assert (task.state, task.outcome) == (TaskState.CANCELLED, None)
        assert "told to cancel" in task.note


@pytest.mark.parametrize("era", ERAS)
async def test_a_task_is_cancelled_and_its_question_withdrawn(era: str) -> None:
    async with researching(era) as session:
        asked: list[Any] = []
        withdrawn: list[Any] = []
        ended: list[Ended] = []
        session.asked.connect(asked.append)
        session.withdrawn.connect(withdrawn.append)
        session.ended.connect(ended.append)
        task = await begin(session, asks=True, poll_ms=20)
        await until(lambda: asked)
        session.tasks.cancel(task)
        assert task.is_cancelling
        async with asyncio.timeout(10):
            await until(lambda: task.state.is_over)
            if era == "modern":
                await until(lambda: withdrawn)
        assert task.state is TaskState.CANCELLED
        assert [one.is_cancelled for one in ended] == [True]


@pytest.mark.slow
@pytest.mark.parametrize("era", ERAS)
async def test_a_task_that_cannot_be_cancelled_goes_on(era: str) -> None:
    async with researching(era) as session:
        task = await begin(session, stubborn=True, poll_ms=20, step_ms=200)
        session.tasks.cancel(task)
        await until(lambda: task.note)
        assert task.note == "It could not be cancelled: it cannot be stopped now"
        await until(lambda: task.state.is_over)
        assert task.state is TaskState.COMPLETED


@pytest.mark.slow
@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("ends", ["refused", "failed"])
async def test_a_task_that_fails_says_why(era: str, ends: str) -> None:
    async with researching(era) as session:
        task = await begin(session, ends=ends, poll_ms=20, step_ms=20)
        await until(lambda: task.state.is_over)
        assert task.outcome is not None
        assert task.outcome.is_failure
        if ends == "refused":
            assert task.state is TaskState.FAILED
            assert task.outcome.error == {"code": -32000, "message": "The archive is closed"}
        else:
            assert text_of(task.outcome) == "Nothing was found"


@pytest.mark.slow
@pytest.mark.parametrize("era", ERAS)
async def test_a_task_that_is_kept_too_short_is_told_to_have_expired(era: str) -> None:
    async with researching(era) as session:
        task = await begin(session, ttl_ms=200, poll_ms=150, step_ms=5_000)
        await until(lambda: task.state.is_over)
        assert task.state is TaskState.EXPIRED
        assert task.note == "The server keeps a task for 0.2 s, and that time is over."


async def test_with_the_session_every_task_is_lost_and_nothing_is_asked_any_more() -> None:
    async with researching("legacy") as session:
        frames: list[JsonObject] = []
        task = await begin(session, step_ms=60_000, poll_ms=20)
        await session.end()
        session.frame.connect(lambda frame: frames.append(frame.message))
        assert (task.state, task.note) == (TaskState.LOST, "The connection ended before the task did.")
        assert not [name for one in asyncio.all_tasks() if "ServerTasks" in (name := repr(one))]
        assert not frames
        with pytest.raises(FusionError, match="connection ended"):
            await session.tasks.settled(Outcome("", {}, 0, request_id=task.request_id))


@pytest.mark.slow
async def test_the_tasks_a_server_lists_are_followed_as_well() -> None:
    with serving("tests.servers.research", "--era", "legacy") as url:
        async with connected(url) as first, connected(url) as second:
            made = await begin(first, step_ms=100)
            await second.tasks.look()
            assert [task.id for task in second.tasks.all] == [made.id]
            found = second.tasks.all[0]
            await until(lambda: found.state.is_over)
            assert text_of(found.outcome) == "All about pythons"
            second.tasks.remove(found)
            assert not second.tasks.all


@pytest.mark.slow
async def test_progress_of_a_task_goes_on_after_its_call_was_answered() -> None:
    async with researching("legacy") as session:
        task = await begin(session, steps=3, poll_ms=10_000, tells=True)
        seen: list[float] = []
        session.tasks.changed.connect(lambda task: task.progress and seen.append(task.progress.progress))
        await until(lambda: task.state.is_over)
        assert 3 in seen


@pytest.mark.slow
async def test_a_server_that_was_started_again_may_use_its_ids_again() -> None:
    session = InspectorSession()
    for _ in range(2):
        with serving("tests.servers.research", "--era", "legacy") as url:
            session.open_url(url)
            await until(lambda: session.listing("tools").items)
            await begin(session, step_ms=20, poll_ms=20)
            await until(lambda: not session.tasks.open)
            await session.end()
    first, second = session.tasks.all
    assert first.id == second.id
    assert {first.state, second.state} == {TaskState.COMPLETED}
    for one in (first, second):
        session.tasks.remove(one)
    assert not session.tasks.all


def composite_of(folder: Path, *command: str) -> Path:
    """Save a composite of one server, inside another composite."""
    child = ServerNode(id="s", name="s", transport=StdioTransport(command=command[0], args=command[1:]))
    nodes = (child, CompositeNode(id="inner", name="Inner"), CompositeNode(id="all", name="All"))
    edges = (Edge(source="s", target="inner"), Edge(source="inner", target="all"))
    path = folder / "all.fusion"
    graph_file.save(Graph(id="g", name="All", nodes=nodes, edges=edges), path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("era", ERAS)
async def test_tasks_are_followed_through_two_composites(era: str, tmp_path: Path) -> None:
    path = composite_of(tmp_path, sys.executable, "-m", "tests.servers.research", "--era", era)
    async with running(path, "http", "all") as (process, events):
        session = InspectorSession()
        session.speak(is_legacy=era == "legacy")
        session.open_url(url_of(events), process.token)
        await until(lambda: len(session.listing("tools").items) >= 2)
        session.asked.connect(lambda q: q.answer({"action": "accept", "content": {"meaning": "snake"}}))
        tool = next(t["name"] for t in session.listing("tools").items if t["name"].endswith("quick"))
        asking = await begin(session, tool, asks=True, tells=True)
        cancelled = await begin(session, tool, step_ms=60_000)
        session.tasks.cancel(cancelled)
        await until(lambda: not session.tasks.open)
        assert text_of(asking.outcome) == "All about pythons"
        assert cancelled.state is TaskState.CANCELLED
        await session.end()


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.skipif(shutil.which("npx") is None, reason="needs npx")
@pytest.mark.parametrize("transport", ["http", "stdio"])
async def test_the_reference_server_researches_as_a_task(tmp_path: Path, transport: Any) -> None:
    """Its tool needs a task of 2025-11-25, so a client of the newest revision is not offered it at all."""
    path = composite_of(tmp_path, "npx", "-y", "@modelcontextprotocol/server-everything")
    async with running(path, transport, "all") as (process, events):
        session = InspectorSession()
        session.open_url(url_of(events), process.token) if transport == "http" else session.open_pipes(process)
        named = "research"
        await until(lambda: session.listing("tools").items)
        assert not [item for item in session.listing("tools").items if named in item["name"]]
        session.speak(is_legacy=True)
        await until(lambda: any(named in item["name"] for item in session.listing("tools").items))
        tool = next(item["name"] for item in session.listing("tools").items if named in item["name"])
        asked: list[Any] = []
        seen: list[str] = []
        session.asked.connect(asked.append)
        session.asked.connect(lambda q: q.answer({"action": "accept", "content": {"interpretation": "snake"}}))
        session.tasks.changed.connect(lambda task: seen.append(task.message))
        task = await begin(session, tool, topic="python", ambiguous=True)
        await until(lambda: task.state.is_over)
        assert "# Research Report: python (snake)" in text_of(task.outcome)
        assert len(asked) == 1
        assert "Analyzing content..." in seen
        await session.end()
