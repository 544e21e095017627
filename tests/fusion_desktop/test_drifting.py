"""What servers change is marked on the canvas of a real run, shown place by place, and accepted."""

import json
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from composite_runtime.graph.edit import new_graph
from composite_runtime.graph.model import CompositeNode, Edge, Graph, ServerNode, StdioTransport
from fusion_desktop import theme
from fusion_desktop.app import Program
from fusion_desktop.canvas.node_item import NodeItem
from fusion_desktop.settings import Settings
from tests.composite_runtime.cli.test_list_drift import SERVER
from tests.fusion_desktop.run.servers import until

pytestmark = pytest.mark.timeout(120)


def offer(folder: Path, *tools: dict[str, object]) -> Path:
    path = folder / "tools.json"
    path.write_text(json.dumps([{"inputSchema": {"type": "object"}, **tool} for tool in tools]), encoding="utf-8")
    return path


def drawn(offers: Path) -> Graph:
    transport = StdioTransport(command=sys.executable, args=("-c", SERVER, str(offers)))
    node = ServerNode(id="s", name="Mail", era="legacy", transport=transport)
    return new_graph("Desk").but(
        nodes=(node, CompositeNode(id="box", name="Box")), edges=(Edge(source="s", target="box"),)
    )


async def run_once(program: Program) -> None:
    await until(program.window.actions_table["run.start"].isEnabled)
    program.window.actions_table["run.start"].trigger()
    await until(lambda: program.session.listing("tools").items)


async def stop(program: Program) -> None:
    program.running.stop()
    await until(lambda: not program.running.is_running)


def words(program: Program) -> str:
    panel = program.window.drifting.panel
    return "\n".join(label.text() for label in panel.findChildren(QLabel))


@pytest.mark.slow
async def test_a_change_is_marked_shown_and_accepted(qtbot: QtBot, tmp_path: Path) -> None:
    QApplication.setQuitOnLastWindowClosed(False)
    theme.apply("light")
    settings = Settings(tmp_path / "desktop.ini")
    settings.asks_first_start = False
    program = Program(settings)
    window, drifting = program.window, program.window.drifting
    window.show()
    try:
        program.document.load(drawn(offer(tmp_path, {"name": "send", "description": "To one."}, {"name": "old"})))
        item = window.scene.item("s")
        assert isinstance(item, NodeItem)
        await run_once(program)
        await stop(program)
        assert item.mark == ""

        offer(tmp_path, {"name": "send", "description": "To everybody."}, {"name": "new"})
        await run_once(program)
        await until(lambda: item.mark)
        assert item.mark == "1 tool changed, 1 tool added, 1 tool removed"
        assert item.mark in item.toolTip()

        window.scene.select(["s"])
        await until(window.actions_table["run.drift"].isEnabled)
        window.actions_table["run.drift"].trigger()
        await until(lambda: "Since it was accepted" in words(program))
        assert drifting.panel.text.toPlainText().splitlines() == [
            "~ tool send",
            "    description",
            '  -   "To one."',
            '  +   "To everybody."',
            "",
            "+ tool new",
            "",
            "- tool old",
        ]

        drifting.panel.accept.click()
        await until(lambda: "Nothing it offers has changed" in words(program))
        assert item.mark == ""
        await stop(program)
        await run_once(program)
        await stop(program)
        assert item.mark == ""
    finally:
        program.document.undo_stack.setClean()
        window.close()
        await program.end()
        window.deleteLater()
        program.deleteLater()
