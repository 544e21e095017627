"""A monkey clicks, drags and types at random: nothing breaks, Qt warns of nothing, and nothing is left behind."""

import asyncio
import os
import time

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from composite_runtime.graph import file
from fusion_desktop.app import Program
from tests.fusion_desktop.canvas.test_everything_is_undone import assert_scene_agrees
from tests.fusion_desktop.graphs import desk
from tests.fusion_desktop.keyboard import rounds
from tests.fusion_desktop.monkey import Flashes, Monkey, belongings, warnings_of_qt

LONG_S = float(os.environ.get("FUSION_MONKEY_S", "45"))
"""How long the slow test plays; raise it to let the monkey at the window overnight."""


async def play(program: Program, seed: int, *, moves: int | None = None, until: float | None = None) -> int:
    """Play for a number of moves, or until a point in time; return how many it were."""
    program.document.load(desk())
    program.window.editing.fit()
    QApplication.clipboard().clear()
    await rounds()
    before, tasks = belongings(program), len(asyncio.all_tasks())
    starts = [file.dumps(program.document.graph)]
    told = program.document.loaded.connect(lambda: starts.append(file.dumps(program.document.graph)))
    monkey, flashes, done = Monkey(program, seed), Flashes(), 0
    app = QApplication.instance()
    assert app is not None
    app.installEventFilter(flashes)
    with warnings_of_qt() as warned:
        while done < (moves or 400) and (until is None or time.monotonic() < until):
            monkey.move()
            done += 1
            await rounds(1)
            assert warned == [], f"after move {done} of seed {seed}"
            assert flashes.seen == [], f"after move {done} of seed {seed}"
            if len(program.document.graph.nodes) > 60:
                program.window.scene.select([node.id for node in program.document.graph.nodes[30:]])
                program.window.editing.delete()
        monkey.tidy_up()
        await rounds()
        app.removeEventFilter(flashes)
        assert_scene_agrees(program.window.scene, program.document)
        while program.document.undo_stack.canUndo():
            program.document.undo_stack.undo()
        assert warned == []
    program.document.disconnect(told)
    assert file.dumps(program.document.graph) == starts[-1]
    assert belongings(program) == before
    assert len(asyncio.all_tasks()) <= tasks
    return done


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_random_hands_break_nothing(qtbot: QtBot, program: Program, seed: int) -> None:
    await play(program, seed, moves=120)


@pytest.mark.slow
@pytest.mark.timeout(LONG_S + 60)
async def test_random_hands_break_nothing_for_long(qtbot: QtBot, program: Program) -> None:
    end = time.monotonic() + LONG_S
    seed = int(os.environ.get("FUSION_MONKEY_SEED", "100"))
    while time.monotonic() < end:
        await play(program, seed, until=end)
        seed += 1
