"""Searching a real registry on this machine: only when asked to, page by page, offline from what was kept."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from composite_runtime.graph import edit
from composite_runtime.graph.model import CompositeNode, ServerNode, StdioTransport
from composite_runtime.interop import bundle
from composite_runtime.interop.registry_entry import Entry, Way
from fusion_desktop.app import Program
from fusion_desktop.dialogs.prompts import PromptDialog
from fusion_desktop.dialogs.registry import RegistryDialog
from fusion_desktop.document.template import Template
from tests.fusion_desktop.test_first_starts import until
from tests.support.registry import ROOT, Answers, address

__all__ = ["address"]


@pytest.fixture
def opened(qtbot: QtBot, look: None) -> Callable[[str], RegistryDialog]:
    def make(url: str) -> RegistryDialog:
        dialog = RegistryDialog(url)
        qtbot.addWidget(dialog)
        dialog.show()
        return dialog

    return make


async def test_nothing_is_asked_before_somebody_searches(address: str, opened: Callable[[str], RegistryDialog]) -> None:
    dialog = opened(address)
    dialog.search.setText("server")
    assert Answers.asked == []
    dialog.go.click()
    await until(lambda: dialog.list.count())
    assert len(Answers.asked) == 1
    assert dialog.add.isEnabled()


async def test_more_fetches_the_next_page(address: str, opened: Callable[[str], RegistryDialog]) -> None:
    dialog = opened(address)
    dialog.start()
    await until(dialog.more.isVisible)
    first = dialog.list.count()
    dialog.more.click()
    await until(lambda: dialog.list.count() > first)
    assert "cursor=" in Answers.asked[1]
    assert "cursor" not in Answers.asked[0]


async def test_without_a_network_the_kept_answer_is_shown_with_its_age(
    address: str, opened: Callable[[str], RegistryDialog], fusion_home: Path
) -> None:
    dialog = opened(address)
    dialog.start()
    await until(lambda: dialog.list.count())
    for file in (fusion_home / "registry").iterdir():
        data = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps(data | {"fetched_at": data["fetched_at"] - 3 * 3600}), encoding="utf-8")
    Answers.broken = True
    dialog.start()
    await until(lambda: "3 hours ago" in dialog.status.text())
    assert dialog.list.count()


async def test_a_registry_that_is_away_is_told(opened: Callable[[str], RegistryDialog]) -> None:
    dialog = opened("http://127.0.0.1:9")
    dialog.start()
    await until(lambda: "cannot be reached" in dialog.status.text())
    assert dialog.go.isEnabled()


async def test_a_hostile_entry_is_shown_as_plain_text_and_blocked_with_its_reasons(
    address: str, opened: Callable[[str], RegistryDialog]
) -> None:
    dialog = opened(address)
    hostile = Entry.read(json.loads((ROOT / "dirty" / "hostile.json").read_text(encoding="utf-8")))
    from composite_runtime.interop.online_registry import Page

    dialog._show(Page((hostile,), None, 0.0))
    assert not dialog.add.isEnabled()
    chosen: list[Template] = []
    dialog.chosen.connect(chosen.append)
    dialog.list.itemActivated.emit(dialog.list.item(0))
    assert not chosen
    assert dialog.details._title.textFormat() is Qt.TextFormat.PlainText
    assert "\u202e" not in dialog.details._title.text()
    assert dialog.details._blocked.text().startswith("Blocked:")
    assert dialog.details._blocked.text().count("•") >= 3


def test_only_addresses_that_are_safe_are_taken(opened: Callable[[str], RegistryDialog]) -> None:
    dialog = opened("https://registry.test")
    changed: list[str] = []
    dialog.address_changed.connect(changed.append)
    dialog.set_address("http://elsewhere.test")
    assert "must start with https://" in dialog.status.text()
    dialog.set_address("https://mine.test/api")
    assert changed == ["https://mine.test/api"]


async def test_an_entry_becomes_a_node(qtbot: QtBot, program: Program, address: str) -> None:
    program.settings.registry_url = address
    program.window.actions_table["file.registry"].trigger()
    dialog = program.window.findChild(RegistryDialog)
    assert dialog is not None
    dialog.start()
    await until(lambda: dialog.list.count())
    row = next(n for n in range(dialog.list.count()) if "filesystem" in dialog.list.item(n).text())
    dialog.list.setCurrentRow(row)
    dialog.add.click()

    asking = program.window.findChild(PromptDialog)
    if asking is not None:
        for field in asking.fields.values():
            if field.prompt.is_required:
                field.write_path("/tmp")
        asking.finish()
    await until(lambda: program.document.graph.nodes)
    assert "filesystem" in program.document.graph.nodes[0].model_dump_json()


async def test_a_bundle_is_fetched_when_somebody_agrees_and_held_to_its_digest(
    qtbot: QtBot, program: Program, bundle_server: tuple[str, str]
) -> None:
    url, digest = bundle_server
    completing = program.window.completing
    added: list[Template] = []

    def begin(expected: str) -> None:
        way = Way(origin="mcpb", transport="stdio", label="b", download=(url, expected))
        draft = ServerNode(id="", name="Bundled", transport=StdioTransport(command=""))
        completing.complete(Template(draft, ways=(way,)), added.append)
        box = program.window.findChild(QMessageBox)
        assert box is not None
        assert url in box.informativeText()
        next(button for button in box.buttons() if button.text() == "Fetch").click()

    begin("0" * 64)
    await until(lambda: "SHA-256 differs" in program.window.banner.text)
    assert not added
    await until(lambda: program.window.findChild(QMessageBox) is None)

    begin(digest)
    await until(lambda: program.window.findChild(PromptDialog) is not None)
    dialog = program.window.findChild(PromptDialog)
    assert dialog is not None
    for field in dialog.fields.values():
        field.write_path("value")
    dialog.finish()
    if any(field.prompt.is_secret for field in dialog.fields.values()):
        await until(lambda: "was not stored" in program.window.banner.text)
    else:
        await until(lambda: added)


@pytest.fixture
def bundle_server(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Serve a bundle of ours on this machine; return its address and its SHA-256."""
    graph = edit.add_node(edit.new_graph("Desk"), CompositeNode(id="desk", name="Desk"))
    content = bundle.bundle(graph, CompositeNode(id="desk", name="Desk")).content

    class Files(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/b.mcpb", hashlib.sha256(content).hexdigest()
    server.shutdown()
    server.server_close()
    thread.join(5)
