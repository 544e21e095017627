"""A real drag through the window system, from the catalogue into a composite."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from fusion_desktop.app import Program
from tests.fusion_desktop.graphs import desk

pytestmark = pytest.mark.xvfb


def test_a_server_is_dragged_from_the_catalogue_into_a_composite(program: Program, qtbot: QtBot) -> None:
    window = program.window
    program.document.load(desk())
    window.editing.fit()
    window.catalogue.search.setText("time zones")
    handle = window.windowHandle()
    entries, view = window.catalogue.list, window.view

    def place(widget: QWidget, point: QPoint) -> QPoint:
        return widget.mapTo(window, point)

    start = place(entries.viewport(), entries.visualRect(entries.model().index(0, 0)).center())
    end = place(view.viewport(), view.mapFromScene(QPointF(600, 330)))
    path = [start + (end - start) * (step / 8) for step in range(1, 9)]
    steps: list[Callable[[], object]] = [
        lambda: QTest.mousePress(handle, Qt.MouseButton.LeftButton, pos=start),
        *(lambda point=point: QTest.mouseMove(handle, point) for point in path),
        lambda: QTest.mouseMove(handle, end + QPoint(2, 2)),
        lambda: QTest.mouseRelease(handle, Qt.MouseButton.LeftButton, pos=end),
    ]

    def go_on(number: int) -> None:
        # The drag runs a loop of its own inside the step that begins it, so the next step is arranged before.
        if number + 1 < len(steps):
            QTimer.singleShot(30, lambda: go_on(number + 1))
        steps[number]()

    go_on(0)
    qtbot.waitUntil(lambda: program.document.node("time") is not None, timeout=5000)

    assert program.document.homes["time"] == "box"
    assert program.document.undo_stack.undoText() == "Add Time to Box"
