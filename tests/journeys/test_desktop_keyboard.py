"""Everything by keyboard: a nested graph is built, named, wired, saved, run and tried out without a pointer."""

import os
import sys
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit
from pytestqt.qtbot import QtBot

from composite_runtime.graph import file
from fusion_desktop.actions import TABLE, keys_of
from fusion_desktop.app import Program
from fusion_desktop.run.session import SessionState
from tests.fusion_desktop.keyboard import focus, press, type_in
from tests.journeys.test_desktop import opened, until

pytestmark = pytest.mark.timeout(90)


@pytest.fixture(autouse=True)
def our_commands_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


async def test_a_nested_graph_is_built_named_saved_run_and_called_by_keys_alone(qtbot: QtBot, tmp_path: Path) -> None:
    async with opened(tmp_path, "stdio") as program:
        window = program.window
        window.activateWindow()
        await until(window.view.hasFocus)

        await _build()
        graph = program.document.graph
        names = {node.id: node.name for node in graph.nodes}
        edges = {(names[edge.source], names[edge.target]) for edge in graph.edges}
        assert edges == {("Notes", "Inner"), ("Inner", "Outer"), ("Text", "Outer")}
        drawn_inside = {(names[child], names[home]) for child, home in program.document.homes.items()}
        assert drawn_inside == {("Notes", "Inner"), ("Inner", "Outer")}, "Text is wired, the others lie inside"

        path = tmp_path / "keys.fusion"
        await _save(program, path)
        saved = file.load(path)
        assert saved == graph
        assert not window.isWindowModified()

        await _run_and_call(program)
        await press("Esc", "Shift+F5")
        await until(lambda: not program.running.is_running)


async def _build() -> None:
    """Two composites, one within the other, a server inside the inner one, and one wired to the outer one."""
    await press("Shift+C", "F2")
    await type_in("Inner", then="Return")
    await press("Tab")
    await type_in("notes", then="Return")
    await press("Esc", "Shift+C", "F2")
    await type_in("Outer", then="Return")
    await press("Ctrl+F")
    await type_in("inner", then="Return")
    await press("Shift+I")
    await type_in("outer", then="Return")
    await press("Esc", "Tab")
    await type_in("text", then="Return")
    await press("C")
    await type_in("outer", then="Return")


async def _save(program: Program, path: Path) -> None:
    await press("Ctrl+S")
    dialog = program.window.findChild(QFileDialog)
    assert dialog is not None
    await until(lambda: isinstance(QApplication.focusWidget(), QLineEdit))
    await press("Ctrl+A")
    await type_in(str(path), then="Return")
    await until(lambda: program.file.path is not None)
    await until(lambda: program.window.findChild(QFileDialog) is None)
    # Without a window manager nobody gives the window its keyboard back.
    program.window.activateWindow()
    await until(program.window.view.hasFocus)


async def _run_and_call(program: Program) -> None:
    await press("F5")
    await until(lambda: program.session.state is SessionState.OPEN)
    await until(lambda: len(program.session.listing("tools").items) > 3)
    page = program.window.inspector.current.tools
    outcomes: list[object] = []
    page.call.finished.connect(outcomes.append)

    await press("Ctrl+Shift+4")
    assert focus() is page.offers.search
    await type_in("text_count")
    await press("Tab")
    assert focus() is page.offers.view
    await press("Down")
    await until(lambda: page.form is not None)
    for _ in range(12):
        await press("Tab")
        if focus().accessibleName() == "text":
            break
    await type_in("three small words")
    await press("Ctrl+Return")
    await until(lambda: outcomes)
    assert "'words': 3" in str(outcomes[0])


async def test_every_panel_can_be_reached_and_left_by_keys(qtbot: QtBot, tmp_path: Path) -> None:
    async with opened(tmp_path) as program:
        window = program.window
        window.activateWindow()
        await until(window.view.hasFocus)

        reached = []
        for name in ("catalogue", "properties", "inspector", "history", "log", "problems"):
            await press(window.actions_table.keymap.keys(f"panel.{name}")[0])
            dock = window.docks[name]
            if dock.isAncestorOf(focus()):
                reached.append(name)
            await press("Esc")
            assert window.view.hasFocus(), f"Escape leads from {name} back to the canvas"

        # The properties of nothing and the inspector of nothing hold no field.
        assert {"catalogue", "history", "log"} <= set(reached)

        seen = set()
        for _ in range(8):
            await press("F6")
            seen.add(next((n for n, dock in window.docks.items() if dock.isAncestorOf(focus())), "canvas"))
        assert {"canvas", "catalogue"} <= seen


async def test_no_single_letter_acts_while_a_text_field_has_the_focus(qtbot: QtBot, tmp_path: Path) -> None:
    letters = {
        key for spec in TABLE for is_mac in (False, True) for key in keys_of(spec, is_mac=is_mac) if len(key) == 1
    }
    assert {"C", "D", "F", "I", "W"} <= letters
    async with opened(tmp_path) as program:
        window = program.window
        window.filing.open_example()
        window.activateWindow()
        await until(window.view.hasFocus)
        window.scene.select(["notes"])
        await until(window.actions_table["edit.rename"].isEnabled)
        done: list[QAction] = []
        for action in window.actions_table:
            action.triggered.connect(partial(_note, done, action))

        fields = [field for field in window.findChildren(QLineEdit) if field.isVisible() and field.isEnabled()]
        typed_in = 0
        for field in fields:
            if (popup := QApplication.activePopupWidget()) is not None:
                popup.close()  # what completes the last field
            field.setFocus()
            if not field.hasFocus():
                continue  # part of another control, which has the focus in its place
            typed_in += 1
            for letter in sorted(letters):
                field.clear()
                await type_in(letter.lower())
                assert field.text() == letter.lower(), field.accessibleName()
        assert typed_in >= 5
        assert [action.objectName() for action in done] == []


def _note(done: list[QAction], action: QAction, _checked: bool = False) -> None:
    done.append(action)


async def test_the_first_steps_and_what_is_told_are_reached_by_keys(qtbot: QtBot, tmp_path: Path) -> None:
    async with opened(tmp_path) as program:
        window = program.window
        window.activateWindow()
        await until(window.view.hasFocus)

        await press("F6")
        assert focus() is window.welcome.example
        await press("Space")
        assert {node.name for node in program.document.graph.nodes} == {"Desk", "Notes", "Text"}

        done: list[str] = []
        window.show_error("Something is wrong.", (("Put it right", partial(done.append, "right")),))
        window.view.setFocus()
        await press("F6", "Space")
        assert done == ["right"]
