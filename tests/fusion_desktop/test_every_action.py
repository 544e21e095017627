"""Every action of the table, in any order: undo leads back byte for byte, redo forth, and the scene always agrees."""

import random
from collections import Counter

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit
from pytestqt.qtbot import QtBot

from composite_runtime.graph import file
from fusion_desktop.actions import TABLE
from fusion_desktop.app import Program
from fusion_desktop.canvas.overlay import NameEdit
from fusion_desktop.panels.palette import Palette
from tests.fusion_desktop.canvas.test_everything_is_undone import assert_scene_agrees
from tests.fusion_desktop.graphs import desk
from tests.fusion_desktop.keyboard import rounds
from tests.journeys.test_desktop import until

OUR_OWN = {"Composite", "Notes", "Text"}
"""What may be added, since what is drawn is also run: these need no network."""
ELSEWHERE = {"run.detach", "run.sign_in", "run.sign_out"}
"""What needs another program that runs, and is tried where there is one."""
RARE = {"run.start": 0.05, "run.inspect": 0.05, "file.quit": 0.3, "file.new": 0.2}
"""How often these are really done when they are drawn: they take long, or leave nothing to undo."""


class Hands:
    """Chooses what to do, and answers what is asked."""

    def __init__(self, program: Program, seed: int, done: Counter[str]) -> None:
        self._program = program
        self._window = program.window
        self._random = random.Random(seed)
        self._done = done

    async def do(self) -> None:
        """Select something, or do one action to its end."""
        kind = self._random.random()
        shown = [item.node_id for item in self._window.scene.node_items if item.isVisible()]
        if kind < 0.25 and shown:
            self._window.scene.select(self._random.sample(shown, self._random.randint(1, min(3, len(shown)))))
        elif kind < 0.3:
            wires = [item.ends for item in self._window.scene.edge_items if item.isVisible()]
            self._window.scene.select([], wires[:1])
        else:
            await self._act()
        await rounds()

    async def _act(self) -> None:
        table = self._window.actions_table
        enabled = [spec.id for spec in TABLE if table[spec.id].isEnabled()]
        chosen = self._random.choice(enabled)
        if self._random.random() < 0.5:
            chosen = min(enabled, key=lambda name: self._done[name])
        if "run.stop" in enabled and self._random.random() < 0.3:
            chosen = "run.stop"  # else it would hardly ever come up while something runs
        if "graph.enter" in enabled and self._random.random() < 0.1:
            chosen = "graph.enter"
        if not self._done[chosen] or self._random.random() < RARE.get(chosen, 1.0):
            self._done[chosen] += 1
            table[chosen].trigger()
            await rounds()
            self._answer()

    def _answer(self) -> None:
        palette = self._window.finding.palette
        name = self._window.findChild(NameEdit)
        if palette.isVisible():
            self._choose(palette)
        elif name is not None and name.isVisible():
            name.setText(f"Name {self._random.randint(0, 9)}")
            QTest.keyClick(name, self._random.choice((Qt.Key.Key_Return, Qt.Key.Key_Escape)))
        if (popup := QApplication.activePopupWidget()) is not None:
            popup.close()
        for dialog in QApplication.topLevelWidgets():
            if isinstance(dialog, QDialog) and dialog.isVisible():
                dialog.reject()
        if not self._window.isVisible():
            self._window.show()

    def _choose(self, palette: Palette) -> None:
        prompt, model = palette.search.placeholderText(), palette.list.model()
        rows = [model.index(row, 0) for row in range(model.rowCount())]
        if "command" in prompt or ("node" in prompt and "new" not in prompt):
            rows = []
        elif prompt.startswith("Add") or "new" in prompt:
            rows = [row for row in rows if row.data() in OUR_OWN]
        if rows:
            palette.list.clicked.emit(self._random.choice(rows))
        palette.hide()


async def play(program: Program, seed: int, done: Counter[str]) -> None:
    document, scene = program.document, program.window.scene
    document.load(desk())
    starts = [file.dumps(document.graph)]
    told = document.loaded.connect(lambda: starts.append(file.dumps(document.graph)))
    hands = Hands(program, seed, done)
    for _ in range(5 + seed % 20):
        await hands.do()
        assert_scene_agrees(scene, document)
    document.disconnect(told)
    program.running.stop()
    await until(lambda: not program.running.is_running)
    end, stack = file.dumps(document.graph), document.undo_stack
    while stack.canRedo():
        stack.redo()
    end, steps = file.dumps(document.graph), stack.count()
    for _ in range(steps):
        assert stack.undoText(), "every step has a name"
        stack.undo()
        assert_scene_agrees(scene, document)
    assert file.dumps(document.graph) == starts[-1]
    for _ in range(steps):
        stack.redo()
        assert_scene_agrees(scene, document)
    assert file.dumps(document.graph) == end


@pytest.fixture
def alone(program: Program) -> Program:
    """Return a program whose registry is nowhere, and whose clipboard holds nothing of others."""
    program.settings.registry_url = "http://127.0.0.1:9"
    QApplication.clipboard().clear()
    QApplication.setQuitOnLastWindowClosed(False)
    return program


async def test_what_was_done_is_undone_and_redone(qtbot: QtBot, alone: Program) -> None:
    done: Counter[str] = Counter()
    for seed in range(12):
        await play(alone, seed, done)
    await alone.end()
    assert len(done) > 30


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_what_was_done_in_300_ways_is_undone_and_redone(qtbot: QtBot, alone: Program) -> None:
    done: Counter[str] = Counter()
    for seed in range(1000, 1300):
        await play(alone, seed, done)
    await alone.end()
    assert {spec.id for spec in TABLE} - ELSEWHERE - set(done) == set(), "every action was done at least once"
    assert not [field for field in alone.window.findChildren(QLineEdit) if field.isWindow()]
