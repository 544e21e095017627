"""Calls that are kept: made in the inspector of a real run, found again after a restart, changed and made again."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from composite_runtime.calls.model import SavedCall
from composite_runtime.graph import file
from fusion_desktop import theme
from fusion_desktop.app import Program
from fusion_desktop.inspector.call_history import CallHistory
from fusion_desktop.inspector.call_list import CallModel
from fusion_desktop.inspector.save_call import SaveCallDialog
from fusion_desktop.inspector.schema_form import SchemaForm
from fusion_desktop.run.history_store import CallStatus
from fusion_desktop.run.session import SessionState
from fusion_desktop.settings import Settings
from tests.fusion_desktop.run.servers import EXAMPLE, serving, until

pytestmark = pytest.mark.timeout(90)


@asynccontextmanager
async def opened(folder: Path, *, is_running: bool = True) -> AsyncIterator[Program]:
    """Open the program on the example graph and run it."""
    QApplication.setQuitOnLastWindowClosed(False)
    theme.apply("light")
    program = Program(Settings(folder / "desktop.ini"))
    program.window.show()
    program.document.load(file.load(EXAMPLE))
    program.window.focus.show("calls")
    try:
        if is_running:
            program.window.actions_table["run.start"].trigger()
            await until(lambda: program.session.state is SessionState.OPEN)
            await until(lambda: any(t["name"] == "text_count" for t in program.session.listing("tools").items))
        yield program
    finally:
        program.document.undo_stack.setClean()
        program.window.close()
        await program.end()
        program.window.deleteLater()
        program.deleteLater()


def targets(view: CallHistory) -> list[str]:
    return [entry.target for entry in view.findChild(CallModel).entries]  # type: ignore[union-attr]  # it has one


def press(parent: QWidget, words: str) -> None:
    button = next(b for b in parent.findChildren(QPushButton) if b.text() == words and b.isVisible())
    assert button.isEnabled(), words
    button.click()


async def shown(view: CallHistory, words: str) -> None:
    def says() -> bool:
        return any(words in label.text() for label in view.findChildren(QLabel) if label.isVisible())

    await until(says)


@pytest.mark.slow
async def test_calls_are_kept_found_changed_and_made_again_after_a_restart(qtbot: QtBot, tmp_path: Path) -> None:
    async with opened(tmp_path) as program:
        await program.session.call("text_count", {"text": "three small words"})
        await program.session.call("text_count", {"text": "other", "password": "open sesame"})
        await program.session.send("tools/call", {"name": "nobody", "arguments": {}})
        view = program.calling.history_view
        await until(lambda: targets(view) == ["nobody", "text_count", "text_count"])
        await until(lambda: view.findChild(CallModel).entries[0].status is CallStatus.FAILED)  # type: ignore[union-attr]
        await shown(view, "The server refused")

    async with opened(tmp_path) as program:
        view = program.calling.history_view
        await until(lambda: len(targets(view)) == 3)
        view.search.setText("SMALL words")
        await until(lambda: targets(view) == ["text_count"])
        await shown(view, "three small words")

        press(view, "Edit and call…")
        panel = program.inspector.panel
        await until(lambda: panel.tools.form)
        form = panel.tools.form
        assert form is not None
        assert form.reading().value == {"text": "three small words"}
        form.write({"text": "now four small words"})
        panel.tools.send()
        await until(lambda: len(targets(view)) == 2)

        view.select_newest()
        await shown(view, "now four small words")
        press(view, "Pin")
        await until(lambda: view.findChild(CallModel).entries[0].is_pinned)  # type: ignore[union-attr]
        press(view, "Call again")
        await until(lambda: len(targets(view)) == 3)
        press(view, "Delete")
        await until(lambda: len(targets(view)) == 2)
        view.search.clear()
        await until(lambda: len(targets(view)) == 4)

        next(each for each in view.findChildren(QToolButton) if each.accessibleName() == "Forget calls…").click()
        menu = view.findChild(QMenu)
        assert menu is not None
        assert len(targets(view)) == 4, "one press forgets nothing"
        menu.actions()[0].trigger()
        menu.close()
        await until(lambda: len(targets(view)) == 1)
        assert view.findChild(CallModel).entries[0].is_pinned, "what is pinned stays"  # type: ignore[union-attr]

        path = program.calling.history.path
    assert path is not None
    assert b"open sesame" not in b"".join(part.read_bytes() for part in path.parent.iterdir())


@pytest.mark.slow
async def test_what_was_hidden_has_to_be_entered_again(qtbot: QtBot, tmp_path: Path) -> None:
    async with opened(tmp_path) as program:
        view = program.calling.history_view
        await program.session.call("text_count", {"text": "words", "password": "open sesame"})
        await shown(view, "has to be entered again")
        assert not view.replay.isEnabled()

        press(view, "Edit and call…")

        panel = program.inspector.panel
        await until(lambda: panel.tools.form)
        assert panel.tools.form is not None
        assert panel.tools.form.reading().value == {"text": "words"}


async def test_without_a_run_a_kept_call_can_be_read_but_not_made(
    qtbot: QtBot, tmp_path: Path, fusion_home: Path
) -> None:
    async with opened(tmp_path, is_running=False) as program:
        view = program.calling.history_view
        await shown(view, "No call was made yet")
        refused: list[str] = []
        program.calling.refused.connect(refused.append)

        program.calling.show("tools/call", {"name": "text_count", "arguments": {}})

        assert refused == ["Nothing is running that could be called. Press Run first."]


async def test_a_broken_history_is_put_aside_with_a_notice(qtbot: QtBot, tmp_path: Path, fusion_home: Path) -> None:
    graph = file.load(EXAMPLE)
    path = fusion_home / "history" / f"{graph.id}.sqlite"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"anything but a database " * 400)

    async with opened(tmp_path, is_running=False) as program:
        banner = program.window.banner
        await until(banner.isVisible)

        assert "could not be read" in banner.text
        assert list(path.parent.glob("*.broken-*"))


async def test_the_call_that_is_saved_is_the_one_whose_result_is_shown(
    qtbot: QtBot, tmp_path: Path, fusion_home: Path
) -> None:
    """Not a newer one of the same tool."""
    async with opened(tmp_path, is_running=False) as program:
        program.file.save(tmp_path / "calls.fusion")
        with serving("tests.servers.features", "--era", "modern") as url:
            program.session.open_url(url)
            await until(lambda: program.session.listing("tools").items)
            first = await program.session.call("echo", {"which": "first"})
            await program.session.call("echo", {"which": "second"})

            program.inspector.panel.save_wanted.emit(first)
            await until(lambda: program.window.findChild(SaveCallDialog))
            await program.session.end()

        dialog = program.window.findChild(SaveCallDialog)
        assert isinstance(dialog, SaveCallDialog)
        assert json.loads(dialog.arguments.toPlainText()) == {"which": "first"}
        dialog.reject()


async def test_what_a_saved_call_refers_to_is_asked_for_and_never_sent_as_its_name(
    qtbot: QtBot, tmp_path: Path, fusion_home: Path
) -> None:
    async with opened(tmp_path, is_running=False) as program:
        program.file.save(tmp_path / "calls.fusion")
        arguments = {"region": "${env:REGION}", "plain": "costs $${5}", "deep": {"token": "${secret:T}", "n": 1}}
        program.calling.saved.save("one", SavedCall(target="echo", arguments=arguments))
        with serving("tests.servers.features", "--era", "modern") as url:
            program.session.open_url(url)
            await until(lambda: program.session.listing("tools").items)

            program.calling.saved_view.open_wanted.emit("one")
            form = await shown_form(program, "echo")
            await program.session.end()

        assert form.reading().value == {"plain": "costs ${5}", "deep": {"n": 1}}


async def shown_form(program: Program, tool: str) -> SchemaForm:
    tools = program.inspector.panel.tools
    await until(lambda: tools.form is not None and tools._item is not None and tools._item["name"] == tool)
    assert tools.form is not None
    return tools.form
