"""The button on the card of a server that does not come up."""

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from composite_runtime.graph.edit import new_graph
from composite_runtime.graph.model import CompositeNode, Edge, ServerNode, StdioTransport
from fusion_desktop.app import Program
from fusion_desktop.canvas.access import Access
from fusion_desktop.canvas.node_item import NodeItem
from fusion_desktop.canvas.scene import CanvasScene
from fusion_desktop.canvas.state import State
from fusion_desktop.canvas.view import CanvasView
from fusion_desktop.document import marks
from fusion_desktop.document.document import Document
from tests.fusion_desktop.canvas.test_access import children
from tests.fusion_desktop.graphs import desk
from tests.fusion_desktop.pointer import Pointer
from tests.fusion_desktop.run.servers import until


def card(scene: CanvasScene) -> NodeItem:
    item = scene.item("loose")
    assert isinstance(item, NodeItem)
    return item


def aim(view: CanvasView, item: NodeItem) -> QPointF:
    """Bring the button into view and return its middle."""
    view.centerOn(item)
    return item.fix_button.center()


@pytest.mark.parametrize("state", [State.FAILED, State.RETRYING])
def test_a_click_on_it_asks_what_helps_and_leaves_the_selection_alone(
    document: Document, scene: CanvasScene, view: CanvasView, pointer: Pointer, state: State
) -> None:
    document.load(desk())
    item, wanted = card(scene), list[str]()
    view.fix_wanted.connect(wanted.append)
    place = aim(view, item)
    pointer.click(place.x(), place.y())
    assert wanted == []

    scene.show_state("loose", state, "the program was not found")
    below = QPointF(place.x(), item.fix_button.bottom() - 2)
    for point in (place, below):
        pointer.move(point.x(), point.y())
        assert view.viewport().cursor().shape() is Qt.CursorShape.PointingHandCursor
        pointer.click(point.x(), point.y())
    assert wanted == ["loose", "loose"]

    scene.show_state("loose", State.READY, "3 tools")
    pointer.click(place.x(), place.y())
    assert wanted == ["loose", "loose"]


def test_from_afar_where_it_is_not_drawn_a_click_selects(
    document: Document, scene: CanvasScene, view: CanvasView, pointer: Pointer
) -> None:
    document.load(desk())
    scene.show_state("loose", State.FAILED, "gone")
    wanted: list[str] = []
    view.fix_wanted.connect(wanted.append)
    view.scale(0.3, 0.3)
    place = aim(view, card(scene))
    pointer.click(place.x(), place.y() - 4)
    assert wanted == []
    assert scene.selected() == ["loose"]


def test_what_is_disabled_needs_no_help(document: Document, scene: CanvasScene) -> None:
    document.load(desk())
    scene.show_state("loose", State.FAILED, "gone")
    assert card(scene).can_be_fixed
    document.edit("Disable", marks.enabled(document.graph, ["loose"], False))
    assert not card(scene).can_be_fixed


def test_the_button_lies_within_what_is_drawn_anew(document: Document, scene: CanvasScene) -> None:
    document.load(desk())
    item = card(scene)
    scene.show_state("loose", State.FAILED, "gone")
    assert item.sceneBoundingRect().contains(item.fix_button)


def test_a_screen_reader_reaches_it_too(document: Document, scene: CanvasScene, view: CanvasView) -> None:
    document.load(desk())
    access, wanted = Access(document, scene, view), list[str]()
    access.fix_wanted.connect(wanted.append)
    loose = next(c for c in children(view) if c.text(QAccessible.Text.Name).startswith("Loose"))
    assert loose.actionInterface().actionNames() == ["Select", "Delete"]

    scene.show_state("loose", State.FAILED, "gone")
    assert loose.actionInterface().actionNames() == ["Select", "Fix", "Delete"]
    loose.actionInterface().doAction("Fix")
    assert wanted == ["loose"]
    assert scene.selected() == ["loose"]


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_on_a_server_that_fails_to_start_it_leads_to_what_helps(qtbot: QtBot, program: Program) -> None:
    transport = StdioTransport(command="/usr/bin/env no-such-program-at-all")
    node = ServerNode(id="it", name="It", transport=transport)
    box = CompositeNode(id="box", name="Box")
    program.document.load(new_graph().but(nodes=(node, box), edges=(Edge(source="it", target="box"),)))
    window = program.window
    window.actions_table["run.start"].trigger()
    await until(lambda: window.scene.state_of("it") in {State.FAILED, State.RETRYING})
    item = window.scene.item("it")
    assert isinstance(item, NodeItem)
    place = aim(window.view, item)
    Pointer(window.view).click(place.x(), place.y())
    await until(lambda: window.diagnosing.doctor.diagnosis is not None)
    assert window.diagnosing.panel.isVisible()
    split = next(b for b in window.diagnosing.panel.findChildren(QPushButton) if b.text() == "Split the command line")
    split.click()
    changed = program.document.node("it")
    assert isinstance(changed, ServerNode)
    assert changed.transport == StdioTransport(command="/usr/bin/env", args=("no-such-program-at-all",))
    await program.end()
