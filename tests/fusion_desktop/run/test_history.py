"""The history follows real calls: each is kept with the graph it was made on, whatever is opened meanwhile."""

import asyncio
from pathlib import Path

from pytestqt.qtbot import QtBot

from composite_runtime.graph.edit import new_graph
from composite_runtime.graph.model import Graph
from fusion_desktop.run.history import History
from fusion_desktop.run.history_store import CallStatus, Entry
from tests.fusion_desktop.run.servers import connected, serving, until


async def entries(history: History) -> tuple[Entry, ...]:
    found: list[tuple[Entry, ...]] = []
    history.found.connect(lambda _, entries: found.append(entries))
    history.look()
    await until(lambda: found)
    return found[0]


async def test_a_call_that_ends_after_another_graph_was_opened_is_kept_with_its_own(
    qtbot: QtBot, tmp_path: Path
) -> None:
    one, two = new_graph(), new_graph()
    history = History(folder=tmp_path)
    with serving("tests.servers.features", "--era", "modern") as url:
        async with connected(url) as session:
            history.follow(session)

            async def made(graph: Graph) -> "asyncio.Task[object]":
                history.open(graph)
                begun = asyncio.Event()
                call = asyncio.get_running_loop().create_task(
                    session.call("sleep", {"key": graph.id}, on_progress=lambda _: begun.set())
                )
                await begun.wait()
                return call

            first, second = await made(one), await made(two)
            first.cancel()
            await asyncio.wait({first})
            there = await entries(history)
            second.cancel()
            await asyncio.wait({second})
            history.open(one)
            here = await entries(history)

    assert [entry.status for entry in there] == [CallStatus.RUNNING]
    assert [entry.status for entry in here] == [CallStatus.CANCELLED]
    history.end()
