"""The map: what lies in what, what needs attention, and the way there by a press."""

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from composite_runtime.graph.edit import add_annotation
from composite_runtime.graph.model import Box, Frame
from fusion_desktop import theme
from fusion_desktop.document import marks
from fusion_desktop.document.document import Document
from fusion_desktop.panels.minimap import Minimap
from tests.fusion_desktop.graphs import desk

STATES = {"loose": "failed", "inner": "ready"}


@pytest.fixture
def minimap(qtbot: QtBot, document: Document, look: None) -> Minimap:
    document.load(add_annotation(desk(), Frame(id="frame", colour="violet"), Box(x=-40, y=400, width=300, height=200)))
    minimap = Minimap(document, STATES.get)
    qtbot.addWidget(minimap)
    minimap.resize(400, 280)
    minimap.show()
    qtbot.waitExposed(minimap)
    return minimap


def colours(minimap: Minimap) -> set[str]:
    image: QImage = minimap.grab().toImage()
    return {QColor(image.pixel(x, y)).name() for x in range(image.width()) for y in range(image.height())}


def test_states_are_seen_and_collapsed_composites_hide_what_they_hold(document: Document, minimap: Minimap) -> None:
    assert {theme.current().failed, theme.current().ready} <= colours(minimap)

    document.edit("Collapse", marks.collapsed(document.graph, ["box"], True))

    assert theme.current().ready not in colours(minimap)
    assert theme.current().failed in colours(minimap)


def test_inside_a_composite_only_that_is_shown(minimap: Minimap) -> None:
    minimap.show_level("box")
    assert theme.current().failed not in colours(minimap)
    assert theme.current().ready in colours(minimap)

    minimap.show_level(None)
    assert theme.current().failed in colours(minimap)


def test_a_press_goes_there(minimap: Minimap, qtbot: QtBot) -> None:
    with qtbot.waitSignal(minimap.wanted) as wanted:
        QTest.mouseClick(minimap, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, minimap.rect().center())
    point = wanted.args[0]
    assert isinstance(point, QPointF)
    assert 100 < point.x() < 500
    assert 200 < point.y() < 500
