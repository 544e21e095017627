"""A monkey clicks, drags and types at random, always the same for one seed: nothing breaks, nothing is left open."""

import random

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from composite_runtime.graph import file
from fusion_desktop.actions import TABLE
from fusion_desktop.app import Program
from tests.fusion_desktop.canvas.test_everything_is_undone import assert_scene_agrees
from tests.fusion_desktop.graphs import desk

# These start programs, open windows of the system, or end the session.
LEFT_OUT = {"file.", "run.", "help.", "view.full_screen", "graph.add", "view.find"}
ACTIONS = [spec.id for spec in TABLE if not any(spec.id.startswith(left) for left in LEFT_OUT)]
KEYS = [Qt.Key.Key_Escape, Qt.Key.Key_F2, Qt.Key.Key_D, Qt.Key.Key_F, Qt.Key.Key_Left, Qt.Key.Key_Delete, Qt.Key.Key_A]


class Monkey:
    def __init__(self, program: Program, seed: int) -> None:
        self._random = random.Random(seed)
        self._window = program.window
        self._area = program.window.view.viewport()

    def do(self) -> None:
        self._random.choice((self._click, self._drag, self._type, self._act, self._act))()
        QApplication.processEvents()

    def _point(self) -> QPoint:
        return QPoint(self._random.randrange(self._area.width()), self._random.randrange(self._area.height()))

    def _click(self) -> None:
        keys = self._random.choice((Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier))
        QTest.mouseClick(self._area, Qt.MouseButton.LeftButton, keys, self._point())

    def _drag(self) -> None:
        start, end = self._point(), self._point()
        QTest.mousePress(self._area, Qt.MouseButton.LeftButton, pos=start)
        for part in (0.3, 0.7, 1.0):
            QTest.mouseMove(self._area, start + (end - start) * part)
        QTest.mouseRelease(self._area, Qt.MouseButton.LeftButton, pos=end)

    def _type(self) -> None:
        QTest.keyClick(QApplication.focusWidget() or self._window.view, self._random.choice(KEYS))

    def _act(self) -> None:
        self._window.actions_table[self._random.choice(ACTIONS)].trigger()


def play(program: Program, seed: int, rounds: int) -> None:
    program.document.load(desk())
    program.window.editing.fit()
    start = file.dumps(program.document.graph)
    monkey = Monkey(program, seed)
    for _ in range(rounds):
        monkey.do()
        if len(program.document.graph.nodes) > 60:
            program.window.scene.select([node.id for node in program.document.graph.nodes[30:]])
            program.window.editing.delete()
    program.window.view.cancel_gesture()
    assert_scene_agrees(program.window.scene, program.document)
    while program.document.undo_stack.canUndo():
        program.document.undo_stack.undo()
    assert file.dumps(program.document.graph) == start


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_hands_break_nothing(program: Program, seed: int) -> None:
    play(program, seed, 120)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_random_hands_break_nothing_for_long(program: Program, seed: int) -> None:
    play(program, seed, 1500)
