import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot

from composite_runtime.graph import file as graph_file
from composite_runtime.graph.model import CompositeNode, Graph
from composite_runtime.interop.machine import Machine
from fusion_desktop.dialogs.export import ExportDialog
from tests.fusion_desktop.run.servers import EXAMPLE
from tests.fusion_desktop.test_first_starts import until

OTHER = {
    "theme": "dark",
    "mcpServers": {"files": {"command": "npx", "args": ["-y", "files"], "env": {"KEY": "s3cret"}}},
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def config(home: Path) -> Path:
    path = home / ".config" / "Claude" / "claude_desktop_config.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(OTHER, indent=4))
    return path


def dialog_for(qtbot: QtBot, home: Path, graph: Path = EXAMPLE, **options: Any) -> ExportDialog:
    dialog = ExportDialog(graph, machine=Machine("linux", {}, home), **options)
    qtbot.addWidget(dialog)
    dialog.client.setCurrentIndex(dialog.client.findData("claude-desktop"))
    return dialog


def button(dialog: ExportDialog, words: str) -> QPushButton:
    return next(found for found in dialog.findChildren(QPushButton) if found.text() == words)


def words_in(dialog: ExportDialog) -> str:
    return "\n".join(label.text() for label in dialog.findChildren(QLabel))


def test_the_change_is_shown_before_anything_is_written(qtbot: QtBot, home: Path, config: Path) -> None:
    before = config.read_bytes()
    dialog = dialog_for(qtbot, home)

    assert '+        "first": {' in dialog.diff.toPlainText()
    assert str(EXAMPLE) in dialog.diff.toPlainText()
    assert "s3cret" not in dialog.diff.toPlainText()
    assert str(config) in words_in(dialog)
    assert config.read_bytes() == before


def test_the_entry_is_added_and_everything_else_stays(qtbot: QtBot, home: Path, config: Path) -> None:
    before = config.read_text()
    dialog = dialog_for(qtbot, home)
    with qtbot.waitSignal(dialog.exported):
        button(dialog, "Export").click()

    written = json.loads(config.read_text())
    entry = written["mcpServers"].pop("first")
    assert written == OTHER
    assert Path(entry["command"]).is_absolute()
    assert entry["args"] == ["serve", str(EXAMPLE)]
    [backup] = [path for path in config.parent.iterdir() if path != config and path.suffix == ".bak"]
    assert backup.read_text() == before
    assert str(backup) in words_in(dialog)


def test_the_entry_starts_as_it_was_written(qtbot: QtBot, home: Path, config: Path) -> None:
    dialog = dialog_for(qtbot, home)
    button(dialog, "Export").click()
    entry = json.loads(config.read_text())["mcpServers"]["first"]

    checked = subprocess.run(
        [entry["command"], "check", entry["args"][1]], cwd="/", capture_output=True, text=True, timeout=30, check=False
    )

    assert checked.returncode == 0, checked.stderr


def test_an_export_can_be_taken_back(qtbot: QtBot, home: Path, config: Path) -> None:
    before = config.read_bytes()
    dialog = dialog_for(qtbot, home)
    button(dialog, "Export").click()
    button(dialog, "Take it back").click()

    assert config.read_bytes() == before
    assert button(dialog, "Export").isEnabled()


def test_a_second_export_changes_nothing_and_says_so(qtbot: QtBot, home: Path, config: Path) -> None:
    button(dialog_for(qtbot, home), "Export").click()
    again = dialog_for(qtbot, home)

    assert not button(again, "Export").isEnabled()
    assert "already starts this graph" in words_in(again)


def test_a_name_that_belongs_to_another_server_is_refused(qtbot: QtBot, home: Path, config: Path) -> None:
    before = config.read_bytes()
    dialog = dialog_for(qtbot, home)
    dialog.name.setText("files")

    assert not button(dialog, "Export").isEnabled()
    assert dialog.diff.toPlainText() == ""
    assert "has a server 'files'" in words_in(dialog)
    dialog.write()
    assert config.read_bytes() == before


@pytest.mark.parametrize("name", ["", "Größe", "a b", "x" * 80])
def test_a_name_no_client_accepts_is_refused_with_a_better_one(
    qtbot: QtBot, home: Path, config: Path, name: str
) -> None:
    dialog = dialog_for(qtbot, home)
    dialog.name.setText(name)

    assert not button(dialog, "Export").isEnabled()
    assert "is no name every client accepts" in words_in(dialog)


def test_a_broken_configuration_is_named_and_left_alone(qtbot: QtBot, home: Path, config: Path) -> None:
    config.write_text('{"mcpServers": {')
    dialog = dialog_for(qtbot, home)

    assert not button(dialog, "Export").isEnabled()
    assert str(config) in words_in(dialog)
    assert config.read_text() == '{"mcpServers": {'


def test_a_configuration_changed_meanwhile_is_not_overwritten(qtbot: QtBot, home: Path, config: Path) -> None:
    dialog = dialog_for(qtbot, home)
    config.write_text('{"mcpServers": {}}')
    button(dialog, "Export").click()

    assert config.read_text() == '{"mcpServers": {}}'
    assert not button(dialog, "Export").isEnabled()


def test_a_client_that_was_never_started_gets_its_file(qtbot: QtBot, home: Path) -> None:
    dialog = dialog_for(qtbot, home)
    assert "does not exist yet" in words_in(dialog)

    button(dialog, "Export").click()

    assert (home / ".config" / "Claude" / "claude_desktop_config.json").exists()


def test_another_file_can_be_chosen(qtbot: QtBot, home: Path, tmp_path: Path, config: Path) -> None:
    dialog = dialog_for(qtbot, home)
    dialog.choose_file(tmp_path / "other.json")
    button(dialog, "Export").click()

    assert "first" in json.loads((tmp_path / "other.json").read_text())["mcpServers"]
    assert json.loads(config.read_text()) == OTHER


def test_of_several_composites_one_is_chosen(qtbot: QtBot, home: Path, tmp_path: Path, config: Path) -> None:
    path = tmp_path / "two.fusion"
    nodes = (CompositeNode(id="c1", name="One"), CompositeNode(id="c2", name="Two"))
    graph_file.save(Graph(id="g", name="Two", nodes=nodes), path)
    dialog = dialog_for(qtbot, home, path)
    dialog.composite.setCurrentIndex(1)
    button(dialog, "Export").click()

    assert json.loads(config.read_text())["mcpServers"]["two"]["args"][-2:] == ["--composite", "c2"]


def test_a_graph_that_cannot_be_read_is_not_exported(qtbot: QtBot, home: Path, tmp_path: Path, config: Path) -> None:
    path = tmp_path / "broken.fusion"
    path.write_text("{")
    dialog = dialog_for(qtbot, home, path)

    assert not button(dialog, "Export").isEnabled()
    assert "broken.fusion" in words_in(dialog)


def test_every_field_has_a_name(qtbot: QtBot, home: Path) -> None:
    dialog = dialog_for(qtbot, home)

    for kind in (QLineEdit, QComboBox, QPlainTextEdit):
        assert all(field.accessibleName() for field in dialog.findChildren(kind))


def test_how_each_client_stands_is_told(qtbot: QtBot, home: Path, config: Path) -> None:
    dialog = dialog_for(qtbot, home)
    assert dialog.client.currentText() == "Claude Desktop"
    assert "not in this file yet" in words_in(dialog)
    assert "(not found here)" in dialog.client.itemText(dialog.client.findData("cursor"))
    button(dialog, "Export").click()
    again = dialog_for(qtbot, home)
    assert again.client.currentText() == "Claude Desktop (has a graph of Fusion’s)"
    assert "as first, up to date" in words_in(again)

    config.write_text(config.read_text().replace(str(EXAMPLE), "/gone.fusion"))
    stale = dialog_for(qtbot, home)
    assert "not up to date" in stale.client.currentText()
    assert "is not there any more" in words_in(stale)


def test_an_entry_is_taken_out_again_and_the_file_is_as_before(qtbot: QtBot, home: Path, config: Path) -> None:
    before = config.read_bytes()
    button(dialog_for(qtbot, home), "Export").click()
    written = config.read_bytes()
    dialog = dialog_for(qtbot, home)
    button(dialog, "Take it out…").click()
    assert '-        "first": {' in dialog.diff.toPlainText()
    assert config.read_bytes() == written
    button(dialog, "Take it out").click()
    assert config.read_bytes() == before
    button(dialog, "Take it back").click()
    assert config.read_bytes() == written


def test_words_of_the_command_line_do_not_reach_the_window(qtbot: QtBot, home: Path, config: Path) -> None:
    dialog = dialog_for(qtbot, home)
    dialog.name.setText("files")
    assert "choose another name for this one" in words_in(dialog)
    assert "--" not in words_in(dialog)


def test_a_project_gets_a_file_of_its_own(qtbot: QtBot, home: Path, tmp_path: Path) -> None:
    dialog = dialog_for(qtbot, home)
    dialog.client.setCurrentIndex(dialog.client.findData("claude-code"))
    dialog.choose_project(tmp_path)
    button(dialog, "Export").click()
    assert "first" in json.loads((tmp_path / ".mcp.json").read_text())["mcpServers"]


def test_a_client_that_opens_urls_can_be_given_one(qtbot: QtBot, home: Path) -> None:
    dialog = dialog_for(qtbot, home)
    dialog.client.setCurrentIndex(dialog.client.findData("cursor"))
    dialog.reach.setCurrentIndex(1)
    assert not button(dialog, "Export").isEnabled()
    assert "Enter the URL" in words_in(dialog)
    dialog.url.setText("http://127.0.0.1:8000/mcp")
    button(dialog, "Export").click()
    written = json.loads((home / ".cursor" / "mcp.json").read_text())["mcpServers"]
    assert written["first"]["url"] == "http://127.0.0.1:8000/mcp"


def test_links_commands_and_texts_are_offered_where_a_client_has_them(qtbot: QtBot, home: Path) -> None:
    dialog = dialog_for(qtbot, home)

    def offered(client: str) -> dict[str, str]:
        dialog.client.setCurrentIndex(dialog.client.findData(client))
        lines = dialog.ways.findChildren(QLineEdit)
        return {line.accessibleName(): line.text() for line in lines}

    assert offered("cursor")["Install link"].startswith("cursor://")
    assert "claude mcp add-json first -" in offered("claude-code")["Command"]
    assert set(offered("zed")) == {"Configuration", "Section for a README"}


def test_what_is_copied_can_be_pasted_into_a_client(qtbot: QtBot, home: Path) -> None:
    dialog = dialog_for(qtbot, home)
    copy = next(b for b in dialog.ways.findChildren(QPushButton) if b.accessibleName() == "Copy Configuration")
    copy.click()
    entry = json.loads(QGuiApplication.clipboard().text())["mcpServers"]["first"]
    assert entry["args"] == ["serve", str(EXAMPLE)]
    assert "Copied" in words_in(dialog)


async def test_a_bundle_is_saved_with_its_icon(qtbot: QtBot, home: Path, tmp_path: Path) -> None:
    dialog = dialog_for(qtbot, home)
    dialog.ways.save_bundle(tmp_path / "first.mcpb")
    await until(lambda: "Saved" in words_in(dialog))
    with zipfile.ZipFile(tmp_path / "first.mcpb") as archive:
        assert archive.read("icon.png").startswith(b"\x89PNG")
        assert json.loads(archive.read("manifest.json"))["icon"] == "icon.png"
