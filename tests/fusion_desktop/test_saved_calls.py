"""Saved calls in the window: saved from the history, run by the same command as in scripts, changed and removed."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from composite_runtime.calls.model import SavedCall
from fusion_desktop.app import Program
from fusion_desktop.inspector.save_call import SaveCallDialog
from tests.fusion_desktop.run.servers import until
from tests.fusion_desktop.test_calling import opened, press

pytestmark = pytest.mark.timeout(90)


def call(target: str, arguments: dict[str, object], *expect: dict[str, object]) -> SavedCall:
    return SavedCall.model_validate({"target": target, "arguments": arguments, "expect": expect})


def words_in(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def kept(program: Program, folder: Path) -> Path:
    """Save the graph and show its saved calls."""
    path = folder / "desk.fusion"
    program.file.save(path)
    program.calling.view.setCurrentWidget(program.calling.saved_view)
    return path


async def ran(program: Program) -> None:
    await until(lambda: program.calling.saved.is_running)
    await until(lambda: not program.calling.saved.is_running)


async def test_without_a_file_there_is_no_place_for_saved_calls(qtbot: QtBot, tmp_path: Path) -> None:
    async with opened(tmp_path, is_running=False) as program:
        program.calling.view.setCurrentWidget(program.calling.saved_view)

        assert "Save the graph first" in words_in(program.calling.saved_view)
        kept(program, tmp_path)
        assert "No call is saved yet" in words_in(program.calling.saved_view)


async def test_all_are_run_and_each_tells_what_was_expected_and_what_came(qtbot: QtBot, tmp_path: Path) -> None:
    async with opened(tmp_path, is_running=False) as program:
        path = kept(program, tmp_path)
        saved, view = program.calling.saved, program.calling.saved_view
        three = {"text": "three small words"}
        at = "/structuredContent/words"
        saved.save("good", call("text_count", three, {"kind": "schema"}, {"kind": "equals", "pointer": at, "value": 3}))
        saved.save("in/a/bad", call("text_count", three, {"kind": "equals", "pointer": at, "value": 4}))
        assert saved.folder is not None
        (saved.folder / "broken.json").write_text("{", encoding="utf-8")

        press(view, "Run all")
        await ran(program)

        assert {key: result.status for key, result in saved.results.items()} == {"good": "passed", "in/a/bad": "failed"}
        assert "1 passed, 1 failed" in words_in(view)
        view.select("in/a/bad")
        await until(lambda: f"{at} is 3; 4 is expected" in words_in(view))
        view.select("broken")
        await until(lambda: "line 1" in words_in(view))

        # What was run is forgotten as soon as the call is another one; the file was written by hand.
        file_path = saved.folder / "in/a/bad.json"
        file_path.write_text(file_path.read_text(encoding="utf-8").replace("4", "3"), encoding="utf-8")
        await until(lambda: "in/a/bad" not in saved.results)
        view.select("in/a/bad")
        press(view, "Run")
        await ran(program)
        assert saved.results["in/a/bad"].status == "passed"

    (saved.folder / "broken.json").unlink()
    command = [sys.executable, "-m", "composite_runtime", "test", str(path)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "2 passed, 0 failed" in done.stdout) == (0, True)


async def test_a_run_can_be_stopped_and_leaves_no_process(qtbot: QtBot, tmp_path: Path) -> None:
    async with opened(tmp_path, is_running=False) as program:
        kept(program, tmp_path)
        program.calling.saved.save("one", call("text_count", {"text": "x"}))
        press(program.calling.saved_view, "Run all")
        await until(lambda: program.calling.saved.is_running)

        press(program.calling.saved_view, "Stop")

        assert not program.calling.saved.is_running
        assert "1 saved call" in words_in(program.calling.saved_view)


@pytest.mark.slow
async def test_a_call_just_made_is_saved_with_its_secret_as_a_reference(qtbot: QtBot, tmp_path: Path) -> None:
    async with opened(tmp_path) as program:
        kept(program, tmp_path)
        calling = program.calling
        calling.view.setCurrentWidget(calling.history_view)
        await program.session.call("text_count", {"text": "cost ${money}", "apiKey": "planted-4711"})
        await until(lambda: "Done in" in words_in(calling.history_view))

        press(calling.history_view, "Save…")
        dialog = program.window.findChild(SaveCallDialog)
        assert dialog is not None
        assert "read from the environment" in words_in(dialog)
        dialog.name.setText("Counts: words?")
        dialog.folder.setCurrentText("daily/text")
        dialog.expectations.add_button.menu().actions()[1].trigger()
        dialog.arguments.setPlainText("{")
        assert "Arguments:" in words_in(dialog)
        dialog.arguments.setPlainText('{"text": "cost $${money}", "apiKey": "${env:API_KEY}"}')
        press(dialog, "Save")

        assert calling.saved_view.selected == "daily/text/Counts- words"
        assert calling.saved.folder is not None
        text = (calling.saved.folder / "daily/text/Counts- words.json").read_text(encoding="utf-8")
        assert "planted-4711" not in text
        data = json.loads(text)
        assert data["name"] == "Counts: words?"
        assert data["expect"][0]["pointer"] == "/structuredContent"

        press(calling.saved_view, "Change…")
        again = program.window.findChildren(SaveCallDialog)[-1]
        again.name.setText("Counts words")
        press(again, "Save")
        assert list(calling.saved.calls) == ["daily/text/Counts- words"]
        assert calling.saved.calls["daily/text/Counts- words"].name == "Counts words"

        program.window.actions_table["run.save_call"].trigger()
        await until(lambda: any(d.isVisible() for d in program.window.findChildren(SaveCallDialog)))
        newest = next(d for d in program.window.findChildren(SaveCallDialog) if d.isVisible())
        assert newest.name.text() == "text_count"
        newest.reject()

        # The result saves its own call, whatever was called since.
        panel = program.inspector.panel
        assert panel.show_call("tools/call", {"name": "text_count", "arguments": {"text": "own"}}, is_sent=True)
        save = next(b for b in panel.tools.findChildren(QPushButton) if b.accessibleName() == "Save this call")
        await until(lambda: save.isVisibleTo(panel.tools))
        await program.session.send("resources/read", {"uri": "nothing://there"})
        save.click()
        await until(lambda: any(d.isVisible() for d in program.window.findChildren(SaveCallDialog)))
        own = next(d for d in program.window.findChildren(SaveCallDialog) if d.isVisible())
        assert json.loads(own.arguments.toPlainText()) == {"text": "own"}
        own.reject()

        press(calling.saved_view, "Delete")
        box = next(box for box in program.window.findChildren(QMessageBox) if box.isVisible())
        next(b for b in box.buttons() if b.text() == "Delete").click()
        await until(lambda: not calling.saved.calls)


async def test_saved_calls_survive_a_restart(qtbot: QtBot, tmp_path: Path) -> None:
    async with opened(tmp_path, is_running=False) as program:
        path = kept(program, tmp_path)
        program.calling.saved.save("one", call("text_count", {"text": "x"}))

    async with opened(tmp_path, is_running=False) as program:
        program.window.filing.open(path)
        assert list(program.calling.saved.calls) == ["one"]
        program.file.new()
        assert not program.calling.saved.calls


def test_no_character_changes_on_its_way_through_the_dialog(qtbot: QtBot) -> None:
    saved: list[SavedCall] = []
    call = SavedCall(target="echo", arguments={"text": "a\u00a0b\u2028c\u2029d", "big": 2**70, "less": -0.0})
    dialog = SaveCallDialog(call, lambda key, made: saved.append(made))
    qtbot.addWidget(dialog)

    dialog.accept()

    assert repr(saved[0].arguments) == repr(call.arguments)
