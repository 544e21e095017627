"""Whatever comes from outside becomes nodes in one step; what is secret stays out of the graph."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData, QPointF
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton

from composite_runtime import secrets
from composite_runtime.graph import file
from composite_runtime.interop import importing, paste
from composite_runtime.interop.importing import Source
from fusion_desktop.app import Program
from tests.fusion_desktop.graphs import desk
from tests.fusion_desktop.pointer import Pointer

CONFIG = '{"mcpServers": {"files": {"command": "npx", "args": ["-y", "files"]}}}'
SECRET = '{"mcpServers": {"files": {"command": "files", "env": {"API_KEY": "s3cret-value"}}}}'


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.01)


def names(program: Program) -> list[str]:
    return [node.name for node in program.document.graph.nodes]


def test_a_pasted_configuration_is_one_step(program: Program) -> None:
    program.document.load(desk())
    QGuiApplication.clipboard().setText(CONFIG)

    program.window.actions_table["edit.paste"].trigger()

    assert names(program)[-1] == "files"
    assert program.document.undo_stack.undoText() == "Paste files"
    assert program.window.scene.content_rect(["files"]).isValid()
    QGuiApplication.clipboard().clear()


def test_text_dropped_into_a_composite_becomes_its_member(program: Program) -> None:
    program.document.load(desk())
    program.window.editing.fit()
    mime = QMimeData()
    mime.setText("https://mcp.example.org/mcp")
    pointer = Pointer(program.window.view)

    assert pointer.drag_in(mime, 420, 330)
    pointer.drop(mime, 420, 330)

    assert program.document.homes["example"] == "box"


async def test_a_dropped_configuration_becomes_nodes_where_it_was_dropped(program: Program, tmp_path: Path) -> None:
    program.document.load(desk())
    path = tmp_path / "mcp.json"
    path.write_text(CONFIG)

    program.window.arrivals.take_files([path], QPointF(900, 40))
    await until(lambda: "files" in names(program))

    assert (program.document.box("files").x, program.document.box("files").y) == (900, 40)


def test_a_dropped_graph_is_opened(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "desk.fusion"
    file.save(desk(), path)

    program.window.arrivals.take_files([path], QPointF(0, 0))

    assert program.file.path == path


async def test_what_cannot_be_read_says_which_and_changes_nothing(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Milk, bread and two eggs, please")

    program.window.arrivals.take_files([path], QPointF(0, 0))
    await until(lambda: bool(program.window.banner.text))

    assert "notes.txt" in program.window.banner.text
    assert not program.document.is_modified


async def test_a_secret_is_kept_outside_the_graph(program: Program) -> None:
    program.window.arrivals.take_text(SECRET, None)
    await until(lambda: bool(program.window.banner.text))

    # This machine has no keyring: that is said, and another place is offered.
    button = next(b for b in program.window.banner.findChildren(QPushButton) if "file" in b.text())
    button.click()
    await until(lambda: bool(secrets.names()))

    assert "s3cret" not in file.dumps(program.document.graph)
    (name,) = secrets.names()
    assert f"${{secret:{name}}}" in file.dumps(program.document.graph)


def test_servers_of_other_clients_join_the_selected_composite(program: Program) -> None:
    program.document.load(desk())
    program.window.scene.select(["box"])
    found = importing.gather([Source("Cursor", paste.read(json.dumps(json.loads(CONFIG))))])

    program.window.arrivals.take_over(found.candidates)

    assert program.document.homes["files"] == "box"
    assert program.document.undo_stack.undoText() == "Import files"
