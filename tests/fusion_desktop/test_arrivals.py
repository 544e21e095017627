"""Whatever comes from outside becomes nodes in one step; what is secret stays out of the graph."""

import asyncio
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData, QPointF
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton

from composite_runtime import paths, secrets
from composite_runtime.graph import edit, file
from composite_runtime.graph.model import CompositeNode, ServerNode, StdioTransport
from composite_runtime.interop import bundle, importing, paste
from composite_runtime.interop.importing import Source
from fusion_desktop.app import Program
from fusion_desktop.dialogs.prompts import PromptDialog
from tests.fusion_desktop.graphs import desk
from tests.fusion_desktop.pointer import Pointer
from tests.support.registry import ROOT

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


async def test_a_dropped_bundle_asks_first_and_is_unpacked_then(program: Program, tmp_path: Path) -> None:
    transport = StdioTransport(command="npx", args=("x",), env={"KEY": "${secret:mine}"})
    graph = edit.add_node(edit.new_graph(), CompositeNode(id="all", name="All"))
    graph = edit.connect(edit.add_node(graph, ServerNode(id="x", name="X", transport=transport)), "x", "all")
    bundle.write(bundle.bundle(graph, CompositeNode(id="all", name="All")), tmp_path / "all.mcpb")

    program.window.arrivals.take_files([tmp_path / "all.mcpb"], QPointF(0, 0))
    await until(lambda: program.window.findChild(PromptDialog) is not None)
    dialog = program.window.findChild(PromptDialog)
    assert dialog is not None
    assert not (paths.home() / "bundles").exists()
    (field,) = dialog.fields.values()
    field.write_path("s3cret-value")
    dialog.finish()
    await until(lambda: "was not stored" in program.window.banner.text)
    next(b for b in program.window.banner.findChildren(QPushButton) if "file" in b.text()).click()
    await until(lambda: bool(program.document.graph.nodes))

    (node,) = program.document.graph.nodes
    assert isinstance(node, ServerNode)
    assert isinstance(node.transport, StdioTransport)
    assert node.transport.command == "uv"
    assert "s3cret" not in node.model_dump_json()
    (unpacked,) = (paths.home() / "bundles").iterdir()
    assert (unpacked / "graph.fusion").exists()


async def test_a_hostile_bundle_is_refused_with_its_reason(program: Program, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.mcpb", "w") as archive:
        archive.writestr("manifest.json", "{}")
        archive.writestr("../../outside", "x")

    program.window.arrivals.take_files([tmp_path / "bad.mcpb"], QPointF(0, 0))
    await until(lambda: "would not stay inside" in program.window.banner.text)

    assert not program.document.graph.nodes


def test_a_hostile_entry_is_refused_with_its_reason(program: Program) -> None:
    text = (ROOT / "dirty" / "hostile.json").read_text(encoding="utf-8")
    program.window.arrivals.take_text(text, None)

    assert "blocked" in program.window.banner.text
    assert not program.document.graph.nodes
