"""The whole way through the window: draw, save, reopen, run, call, export, and call again as a client does."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from composite_runtime.graph.edit import new_graph
from composite_runtime.graph.model import Box, CompositeNode, ServerNode, StdioTransport
from fusion_desktop import theme
from fusion_desktop.app import Program
from fusion_desktop.dialogs.export import ExportDialog
from fusion_desktop.document.template import Template
from fusion_desktop.run.session import SessionState
from fusion_desktop.settings import Settings
from tests import processes
from tests.fusion_desktop.pointer import Pointer

pytestmark = pytest.mark.timeout(90)

TEXT_SERVER = ServerNode(
    id="",
    name="Text",
    transport=StdioTransport(command=sys.executable, args=("-m", "composite_runtime", "example", "text")),
)


async def until(claim: Callable[[], object], limit_s: float = 20.0) -> None:
    async with asyncio.timeout(limit_s):
        while not claim():  # what is waited for is seen, not signalled
            await asyncio.sleep(0.02)


async def press(parent: QWidget, words: str) -> None:
    button = next(b for b in parent.findChildren(QPushButton) if b.text() == words and b.isVisible())
    assert button.isEnabled(), words
    await until(lambda: button.height() > 8)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


@asynccontextmanager
async def opened(folder: Path, transport: Literal["http", "stdio"] = "http") -> AsyncIterator[Program]:
    """Open the program as its command does, and close it as a user does."""
    # As in `app.run`: what is under way ends after the window and before the loop.
    QApplication.setQuitOnLastWindowClosed(False)
    theme.apply("light")
    settings = Settings(folder / "desktop.ini")
    settings.transport = transport
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


async def call_count(program: Program) -> str:
    """Call the tool that counts words in the inspector, and return what came back."""
    await until(lambda: program.session.state is SessionState.OPEN)
    await until(lambda: program.session.listing("tools").items)
    panel = program.inspector.panel
    program.window.focus.show("inspector")
    assert panel.show_tool("text_count")
    assert panel.tools.form is not None
    panel.tools.form.write({"text": "three small words"})
    outcomes: list[object] = []
    panel.tools.call.finished.connect(outcomes.append)
    await press(panel, "Call")
    await until(lambda: outcomes)
    return str(outcomes[0])


@pytest.mark.parametrize("transport", ["http", "stdio"])
async def test_a_dropped_server_ends_as_a_tool_of_a_client(
    qtbot: QtBot, tmp_path: Path, transport: Literal["http", "stdio"]
) -> None:
    async with opened(tmp_path, transport) as program:
        config = await _draw_run_and_export(program, tmp_path)
        assert (program.window.footer.url.text() != "") == (transport == "http")

        program.window.actions_table["run.stop"].trigger()
        await until(lambda: not program.running.is_running)

    written = json.loads(config.read_text(encoding="utf-8"))
    assert written["theme"] == "dark"
    (entry,) = written["mcpServers"].values()
    await _call_as_a_client(entry)


async def _draw_run_and_export(program: Program, folder: Path) -> Path:
    window = program.window
    composite = CompositeNode(id="desk", name="Desk")
    empty = new_graph("Desk").but(nodes=(composite,), layout={"desk": Box(x=0, y=0, width=500, height=300)})
    program.document.load(empty)
    window.editing.fit()

    # A server is dropped into the composite, and the graph is saved and opened again.
    mime = Template(TEXT_SERVER).to_mime()
    pointer = Pointer(window.view)
    assert pointer.drag_in(mime, 200, 150)
    pointer.drop(mime, 200, 150)
    assert program.document.homes == {"text": "desk"}
    path = folder / "desk.fusion"
    program.file.save(path)
    assert not window.isWindowModified()
    drawn = program.document.graph
    program.file.new()
    window.filing.open(path)
    assert program.document.graph == drawn

    # It runs, and its tool answers in the inspector.
    window.actions_table["run.start"].trigger()
    await until(lambda: program.status.of("text").state == "ready")
    assert "words" in await call_count(program)

    # What is edited while it runs reaches what runs.
    window.editing.rename("text", "Words")
    await until(lambda: any(tool["name"] == "words_count" for tool in program.session.listing("tools").items))
    program.document.undo_stack.undo()

    # It is exported to a client, which calls the same tool by exactly what was written.
    config = folder / "claude_desktop_config.json"
    config.write_text('{"theme": "dark"}\n', encoding="utf-8")
    window.actions_table["file.export"].trigger()
    dialog = window.findChild(ExportDialog)
    assert dialog is not None
    dialog.client.setCurrentIndex(dialog.client.findData("claude-desktop"))
    dialog.choose_file(config)
    await press(dialog, "Export")
    dialog.close()
    return config


async def _call_as_a_client(entry: dict[str, object]) -> None:
    """Start what a configuration says, in a process of its own, and call the tool."""
    code = (
        "import asyncio, json, sys\n"
        "from mcp import Client, StdioServerParameters\n"
        "from mcp.client.stdio import stdio_client\n"
        "async def main():\n"
        "    entry = json.loads(sys.argv[1])\n"
        "    command, args = entry['command'], entry.get('args', [])\n"
        "    server = StdioServerParameters(command=command, args=args, env=entry.get('env'))\n"
        "    async with Client(stdio_client(server)) as client:\n"
        "        for _ in range(200):\n"
        "            if (await client.list_tools()).tools:\n"
        "                break\n"
        "            await asyncio.sleep(0.05)\n"
        "        result = await client.call_tool('text_count', {'text': 'three small words'})\n"
        "        print(result.model_dump_json())\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, json.dumps(entry), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 40)
    assert process.returncode == 0, err.decode()
    assert b"words" in out


async def test_closing_the_window_while_it_runs_leaves_no_process(qtbot: QtBot, tmp_path: Path) -> None:
    before = processes.descendants()
    async with opened(tmp_path) as program:
        program.window.filing.open_example()
        program.window.actions_table["run.start"].trigger()
        await until(lambda: program.running.is_ready)

    assert processes.descendants() <= before


async def test_a_graph_with_errors_is_not_started_and_says_why(qtbot: QtBot, tmp_path: Path) -> None:
    async with opened(tmp_path) as program:
        bad = ServerNode(id="bad", name="Bad", transport=StdioTransport(command=""))
        program.document.load(new_graph().but(nodes=(bad, CompositeNode(id="box", name="Box"))))

        program.window.actions_table["run.start"].trigger()

        assert not program.running.is_running
        assert "no command" in program.window.banner.text


_RUNS_UNTIL_KILLED = """
import asyncio, sys
from pathlib import Path
import qasync
from PySide6.QtWidgets import QApplication
from fusion_desktop.app import Program
from fusion_desktop.settings import Settings

async def main():
    program = Program(Settings(Path(sys.argv[1])))
    program.window.show()
    program.window.filing.open_example()
    program.window.actions_table["run.start"].trigger()
    while not all(program.status.of(node).state == "ready" for node in ("notes", "text")):
        await asyncio.sleep(0.05)
    print("running", flush=True)
    await asyncio.sleep(60)

app = QApplication([])
with qasync.QEventLoop(app) as loop:
    loop.run_until_complete(main())
"""


def test_nothing_survives_the_desktop_being_killed(tmp_path: Path) -> None:
    before = processes.descendants()
    command = [sys.executable, "-c", _RUNS_UNTIL_KILLED, str(tmp_path / "desktop.ini")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as desktop:
        try:
            assert desktop.stdout is not None
            assert desktop.stdout.readline() == "running\n"
            assert len(processes.descendants() - before) >= 4, "the desktop, the runtime and two servers"
        finally:
            desktop.kill()

    assert not processes.wait_until_gone(lambda: processes.descendants() - before, 5.0)


async def test_another_graph_ends_what_runs_instead_of_taking_its_place(qtbot: QtBot, tmp_path: Path) -> None:
    async with opened(tmp_path) as program:
        program.window.welcome.example.click()
        program.window.actions_table["run.start"].trigger()
        await until(lambda: program.running.is_ready)

        program.window.actions_table["file.new"].trigger()

        await until(lambda: not program.running.is_running)
        assert program.window.banner.isVisible()
        assert "another graph" in program.window.banner.text
