"""Looking at what runs: one call seen across all its hops, in the window's own run and in one of another program."""

import asyncio
import json
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from composite_runtime.attach import attached
from composite_runtime.attach.place import Run
from composite_runtime.graph import file
from composite_runtime.interop import export
from composite_runtime.interop.launch import serve_command
from fusion_desktop import theme
from fusion_desktop.app import Program
from fusion_desktop.canvas.composite_item import CompositeItem
from fusion_desktop.canvas.node_item import NodeItem
from fusion_desktop.dialogs.attach import AttachDialog
from fusion_desktop.run.session import SessionState
from fusion_desktop.run.trace import Part, Span
from fusion_desktop.run.traffic import Kind, Row
from fusion_desktop.settings import Settings
from tests.support import graphs
from tests.support.client import Client
from tests.support.wires import Pipes

pytestmark = pytest.mark.timeout(90)

DIES_AFTER_S, TAKES_S = 1.0, 1.0


async def until(claim: Callable[[], object], limit_s: float = 20.0) -> None:
    async with asyncio.timeout(limit_s):
        while not claim():  # what is waited for is seen, not signalled
            await asyncio.sleep(0.02)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Program]:
    QApplication.setQuitOnLastWindowClosed(False)
    theme.apply("light")
    settings = Settings(folder / "desktop.ini")
    settings.asks_first_start = False
    program = Program(settings)
    program.window.resize(QSize(1440, 900))
    program.window.show()
    try:
        yield program
    finally:
        program.document.undo_stack.setClean()
        program.window.close()
        await program.end()
        program.window.deleteLater()
        program.deleteLater()


def nested(folder: Path) -> Path:
    """Return a graph in which a server that dies once lies in a composite that lies in another one."""
    nodes = [
        graphs.child("weather", "flaky", "--name", str(folder / "died"), namespace="w"),
        graphs.composite("inner", namespace="inner"),
        graphs.composite("outer"),
    ]
    edges = [graphs.edge("weather", "inner"), graphs.edge("inner", "outer")]
    return graphs.saved(folder, graphs.graph(nodes, edges))


def near(seconds: float | None, wanted: float | None) -> bool:
    assert seconds is not None
    assert wanted is not None
    return abs(seconds - wanted) <= 0.2 * wanted


def server_times(path: Path) -> list[tuple[float, float]]:
    """Return when each call at the flaky server began and ended."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(float(began), float(ended)) for began, ended in map(str.split, lines)]


def as_claude_desktop_does(command: list[str], home: Path) -> subprocess.Popen[bytes]:
    """Start a server with the user's home and no variable of ours."""
    env, pipe = {"HOME": str(home), "PATH": os.defpath}, subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=env)


def detail_of(program: Program, node: str) -> str:
    item = program.window.scene.item(node)
    assert isinstance(item, NodeItem | CompositeItem)
    return item.detail


def found(pid: int) -> Run:
    (run,) = [run for run in attached.runtimes() if run.pid == pid]
    return run


async def test_a_call_through_nested_composites_with_a_retry_is_a_tree_of_spans(qtbot: QtBot, tmp_path: Path) -> None:
    async with opened(tmp_path) as program:
        window, panel = program.window, program.window.traffic_panel
        window.filing.open(nested(tmp_path))
        window.actions_table["run.start"].trigger()
        await until(lambda: program.session.state is SessionState.OPEN and program.session.listing("tools").items)
        await until(lambda: program.status.of("weather").state == "ready")
        window.focus.show("traffic")
        arguments = {"dies_after_s": DIES_AFTER_S, "takes_s": TAKES_S}
        began = time.time()
        await program.session.call("inner_w_weather", arguments)
        spent = time.time() - began

        def client_rows() -> list[Row]:
            return [row for row in panel.model.shown() if row.hop == "client" and row.name == "inner_w_weather"]

        await until(lambda: len(client_rows()) == 2)
        panel.choose(client_rows()[0].number)
        spans: tuple[Span, ...] = ()

        def complete() -> bool:
            nonlocal spans
            spans = panel.detail.timeline.spans
            return len(spans) == 6 and all(span.ended is not None for span in spans)

        await until(complete)

        assert [(span.name, span.part, span.depth) for span in spans] == [
            ("Client", Part.CLIENT, 0),
            ("outer", Part.COMPOSITE, 1),
            ("inner", Part.COMPOSITE, 2),
            ("weather", Part.CHILD, 3),
            ("Attempt 1", Part.ATTEMPT, 4),
            ("Attempt 2", Part.ATTEMPT, 4),
        ]
        ids = [span.id for span in spans]
        assert [span.parent for span in spans] == [None, ids[0], ids[1], ids[2], ids[3], ids[3]]
        assert [span.what for span in spans[1:4]] == [
            "tools/call inner_w_weather",
            "tools/call w_weather",
            "tools/call weather",
        ]
        client, *hops, first, second = spans
        assert near(client.milliseconds, spent * 1000)
        assert all(near(hop.milliseconds, client.milliseconds) for hop in hops)
        # What the server itself has measured; a busy machine makes both longer.
        died, took = ((end - begin) * 1000 for begin, end in server_times(tmp_path / "died"))
        assert near(first.milliseconds, died)
        assert "exit code 3" in str(first.error)
        assert second.error is None
        (answered,) = [(out, back) for out, back in second.wire if back is not None]
        assert near((answered[1] - answered[0]) * 1000, took)
        for inner, outer in ((hops[0], client), (hops[1], hops[0]), (hops[2], hops[1]), (second, hops[2])):
            assert outer.began - 0.002 <= inner.began
            assert inner.ended is not None
            assert outer.ended is not None
            assert inner.ended <= outer.ended + 0.002

        # The canvas shows the same, and a bar leads to its node.
        timeline = panel.detail.timeline
        panel.detail.show_trace()
        timeline.setFocus()
        for name in ("outer", "inner", "weather"):
            timeline.choose([span.name for span in spans].index(name))
            assert window.scene.selected_nodes() == [name]
        await until(lambda: detail_of(program, "weather").startswith("1 call · "))
        assert detail_of(program, "inner").startswith("1 of 1 ready · 1 call · ")

        # Asked of the first process, of the second, and what both said before, each paired.
        asked = [row for row in panel.model.rows() if row.hop == "weather" and row.kind is Kind.REQUEST]
        calls = [row.outcome.value for row in asked if row.method == "tools/call" and row.outcome]
        assert calls == ["lost", "ok"]
        assert asked[0].method in {"server/discover", "initialize"}  # the run is watched from its beginning


@pytest.mark.slow
async def test_a_composite_that_claude_desktop_runs_is_watched_and_left_alone(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = graphs.saved(tmp_path, graphs.flat(graphs.child("f", "features", namespace="f")))
    config = tmp_path / "claude_desktop_config.json"
    export.apply(export.plan("claude-desktop", "fusion", serve_command(path), file=config))
    (entry,) = json.loads(config.read_text(encoding="utf-8"))["mcpServers"].values()
    monkeypatch.setenv("FUSION_HOME", str(tmp_path / ".fusion"))
    process = as_claude_desktop_does([entry["command"], *entry["args"]], tmp_path)
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        client = Client(Pipes(process.stdin, process.stdout), "legacy")
        await asyncio.to_thread(client.__enter__)
        async with opened(tmp_path) as program:
            window, panel = program.window, program.window.traffic_panel
            window.filing.open(path)
            window.actions_table["run.attach"].trigger()
            dialog = window.findChildren(AttachDialog)[0]
            await until(lambda: [run.pid for run in dialog.runs] == [process.pid])
            QTest.mouseClick(dialog.watch, Qt.MouseButton.LeftButton)
            await until(lambda: program.watching.attached)
            await until(lambda: window.scene.state_of("f") is not None)
            assert "Watching Test" in window.banner.text
            assert str(process.pid) in window.banner.text

            answer = await asyncio.to_thread(client.call, "f_echo", {"v": 4711})

            assert answer
            await until(lambda: len([row for row in panel.model.shown() if row.name == "f_echo"]) == 2)
            hops = [(row.hop, row.way) for row in panel.model.shown() if row.method == "tools/call"]
            assert hops == [("client", "in"), ("f", "out"), ("f", "in"), ("client", "out")]
            await until(lambda: detail_of(program, "f").startswith("1 call · "))
            program.log.flush()
            said = program.log.text_of(program.log.shown())
            assert "connected" in said
            assert "serving over stdio" in said

            window.actions_table["run.detach"].trigger()
            await until(lambda: program.watching.attached is None)
            assert process.poll() is None
            assert await asyncio.to_thread(client.call, "f_echo", {"v": 1})
            assert file.load(path).id == program.document.graph.id

            program.watching.attach(found(process.pid))
            await until(lambda: program.watching.attached)
            process.stdin.close()
            await until(lambda: program.watching.attached is None)
            assert "has ended" in window.banner.text
