"""Gestures, made with real events: what they change, what they show on the way, and when they refuse."""

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from composite_runtime.graph.edit import remove_nodes
from composite_runtime.graph.model import CompositeNode, ServerNode, StdioTransport
from fusion_desktop.canvas.editing import Editing
from fusion_desktop.canvas.overlay import Hint
from fusion_desktop.canvas.scene import CanvasScene
from fusion_desktop.canvas.view import CanvasView
from fusion_desktop.document.document import Document
from fusion_desktop.document.template import Template
from tests.fusion_desktop.graphs import composite, desk, graph, server
from tests.fusion_desktop.pointer import Pointer

SHIFT, ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier
CTRL = Qt.KeyboardModifier.ControlModifier


def members(document: Document, composite_id: str) -> set[str]:
    return {edge.source for edge in document.graph.members(composite_id)}


@pytest.fixture(autouse=True)
def drawn(document: Document) -> None:
    document.load(desk())


def test_dragging_a_node_is_one_step_that_can_be_undone(document: Document, pointer: Pointer) -> None:
    before = document.graph

    pointer.drag((50, 130), (50, 330))

    assert document.box("loose").y == 300
    assert document.undo_stack.count() == 1
    assert document.undo_stack.undoText() == "Move Loose"
    document.undo_stack.undo()
    assert document.graph == before


def test_dragging_a_node_into_a_composite_makes_it_a_member(
    document: Document, pointer: Pointer, scene: CanvasScene
) -> None:
    pointer.drag((50, 130), (420, 330))

    assert members(document, "box") == {"inner", "loose"}
    assert document.undo_stack.undoText() == "Move Loose into Box"
    assert document.homes["loose"] == "box"
    edge = scene.edge_item("loose", "box")
    assert edge is not None
    assert not edge.isVisible(), "what is shown by lying inside is not drawn again as a wire"


def test_dragging_a_member_out_of_its_composite_ends_the_membership(document: Document, pointer: Pointer) -> None:
    pointer.drag((360, 200), (60, 500))

    assert members(document, "box") == set()
    assert document.undo_stack.undoText() == "Take Inner out of Box"


def test_a_member_that_is_moved_inside_its_composite_stays_a_member(document: Document, pointer: Pointer) -> None:
    pointer.drag((360, 200), (460, 300))

    assert members(document, "box") == {"inner"}
    assert document.undo_stack.undoText() == "Move Inner"


def test_a_composite_takes_along_what_lies_in_it(document: Document, pointer: Pointer) -> None:
    pointer.drag((500, 120), (500, 220))

    assert document.box("box").y == 200
    assert document.box("inner").y == 280


def test_escape_gives_up_a_drag_and_puts_everything_back(
    document: Document, pointer: Pointer, scene: CanvasScene, view: CanvasView
) -> None:
    pointer.press(50, 130)
    pointer.move(200, 300)
    pointer.move(420, 330)
    item = scene.item("loose")
    assert item is not None
    assert item.pos().x() > 300

    QTest.keyClick(view, Qt.Key.Key_Escape)

    assert item.pos().x() == 0
    assert document.undo_stack.count() == 0


def test_a_composite_cannot_be_dragged_into_one_that_lies_in_it(
    document: Document, view: CanvasView, qtbot: QtBot
) -> None:
    document.load(
        graph(
            (composite("outer"), (300, 100, 400, 300)),
            (composite("member"), (0, 100, 200, 120)),
            edges="outer>member",
        )
    )

    with qtbot.waitSignal(view.refused) as refused:
        Pointer(view).drag((100, 120), (500, 300))

    assert "circle" in refused.args[0]
    assert document.undo_stack.count() == 0
    assert document.box("member").x == 0


def test_alt_drags_a_copy(document: Document, pointer: Pointer) -> None:
    pointer.drag((50, 130), (50, 530), keys=ALT)

    assert [node.name for node in document.graph.nodes] == ["Box", "Inner", "Loose", "Loose 2"]
    assert document.box("loose").y == 100
    assert document.undo_stack.undoText() == "Duplicate Loose"


def test_a_wire_from_a_node_to_a_composite_makes_it_a_member_where_it_stands(
    document: Document, pointer: Pointer, scene: CanvasScene
) -> None:
    loose = scene.item("loose")
    assert loose is not None
    port = loose.output

    pointer.drag((port.x(), port.y()), (450, 350))

    assert members(document, "box") == {"inner", "loose"}
    assert document.undo_stack.undoText() == "Connect Loose to Box"
    edge = scene.edge_item("loose", "box")
    assert edge is not None
    assert edge.isVisible()


def test_a_wire_can_be_drawn_backwards_from_the_composite(
    document: Document, pointer: Pointer, scene: CanvasScene
) -> None:
    box = scene.item("box")
    assert box is not None
    port = box.input

    pointer.drag((port.x(), port.y()), (50, 130))

    assert members(document, "box") == {"inner", "loose"}


def test_a_wire_that_ends_on_nothing_changes_nothing_and_says_where_it_ended(
    document: Document, pointer: Pointer, scene: CanvasScene, view: CanvasView, qtbot: QtBot
) -> None:
    loose = scene.item("loose")
    assert loose is not None

    with qtbot.waitSignal(view.wire_dropped) as dropped:
        pointer.drag((loose.output.x(), loose.output.y()), (240, 500))

    assert dropped.args[:2] == ["loose", False]
    assert document.undo_stack.count() == 0


def test_the_rubber_band_selects_what_it_touches(pointer: Pointer, scene: CanvasScene) -> None:
    pointer.drag((-60, 60), (100, 200))

    assert scene.selected_nodes() == ["loose"]


def test_shift_adds_to_the_selection_and_control_takes_from_it(pointer: Pointer, scene: CanvasScene) -> None:
    pointer.click(50, 130)
    pointer.click(360, 200, keys=SHIFT)
    assert scene.selected_nodes() == ["inner", "loose"]

    pointer.drag((-60, 60), (100, 200), keys=CTRL)
    assert scene.selected_nodes() == ["inner"]


def test_a_click_on_nothing_selects_nothing(pointer: Pointer, scene: CanvasScene) -> None:
    pointer.click(50, 130)
    pointer.click(50, 600)

    assert scene.selected_nodes() == []


def test_a_wire_can_be_clicked(document: Document, pointer: Pointer, scene: CanvasScene) -> None:
    document.load(graph((composite("box"), (400, 100, 300, 200)), (server("loose"), (0, 300)), edges="loose>box"))
    edge = scene.edge_item("loose", "box")
    assert edge is not None
    middle = edge.path().pointAtPercent(0.5)

    pointer.click(middle.x(), middle.y())

    assert scene.selected_edges() == [("loose", "box")]


def test_the_corner_resizes_a_composite_but_never_below_what_it_holds(document: Document, pointer: Pointer) -> None:
    pointer.drag((694, 394), (794, 494))
    assert (document.box("box").width, document.box("box").height) == (500, 400)

    pointer.drag((794, 494), (310, 110))
    width, height = document.box("box").width, document.box("box").height
    assert width is not None
    assert height is not None
    assert width >= 40 + 200 + 20
    assert height >= 80 + 60 + 20
    assert document.homes["inner"] == "box"


def test_a_template_dropped_on_the_canvas_becomes_a_node(
    document: Document, pointer: Pointer, scene: CanvasScene
) -> None:
    template = Template(
        ServerNode(id="", name="Time", transport=StdioTransport(command="uvx", args=("mcp-server-time",)))
    )
    mime = template.to_mime()

    assert pointer.drag_in(mime, 100, 500)
    pointer.drop(mime, 100, 500)

    node = document.node("time")
    assert isinstance(node, ServerNode)
    assert node.transport == StdioTransport(command="uvx", args=("mcp-server-time",))
    assert document.undo_stack.undoText() == "Add Time"
    assert scene.selected_nodes() == ["time"]
    assert "time" not in document.homes


def test_a_template_dropped_into_a_composite_becomes_its_member(document: Document, pointer: Pointer) -> None:
    mime = Template(server("time")).to_mime()

    assert pointer.drag_in(mime, 600, 300)
    pointer.drop(mime, 600, 300)

    assert members(document, "box") == {"inner", "time"}
    assert document.homes["time"] == "box"
    assert document.undo_stack.undoText() == "Add Time to Box"
    assert document.undo_stack.count() == 1


def test_a_composite_may_be_dropped_into_a_smaller_one(document: Document, pointer: Pointer) -> None:
    mime = Template(CompositeNode(id="", name="Web")).to_mime()

    pointer.drag_in(mime, 600, 300)
    pointer.drop(mime, 600, 300)

    assert document.homes["web"] == "box"


def test_a_drag_that_leaves_the_canvas_leaves_no_trace(
    document: Document, pointer: Pointer, scene: CanvasScene
) -> None:
    before = len(scene.items())
    mime = Template(server("time")).to_mime()

    pointer.drag_in(mime, 600, 300)
    pointer.drag_out()

    assert len(scene.items()) == before
    assert document.undo_stack.count() == 0


def test_a_file_dropped_from_the_desktop_is_passed_on(view: CanvasView, pointer: Pointer, qtbot: QtBot) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile("/tmp/some.fusion")])

    pointer.drag_in(mime, 100, 100)
    with qtbot.waitSignal(view.files_dropped) as dropped:
        pointer.drop(mime, 100, 100)

    assert [path.name for path in dropped.args[0]] == ["some.fusion"]


def test_the_wheel_zooms_at_the_pointer(view: CanvasView, pointer: Pointer) -> None:
    at = view.mapFromScene(200, 200)

    pointer.wheel(200, 200, up=3)

    assert view.scale_factor > 1.3
    moved = view.mapFromScene(200, 200) - at
    assert abs(moved.x()) <= 1
    assert abs(moved.y()) <= 1


def test_the_zoom_has_bounds(view: CanvasView) -> None:
    view.zoom(1000)
    assert view.scale_factor == pytest.approx(2.5)
    view.zoom(0.00001)
    assert view.scale_factor == pytest.approx(0.1)


def test_two_fingers_pan(view: CanvasView, pointer: Pointer) -> None:
    before = view.mapToScene(0, 0)

    pointer.wheel(400, 300, pixels=(-30, -50))

    after = view.mapToScene(0, 0)
    assert after.x() - before.x() == pytest.approx(30, abs=1)
    assert after.y() - before.y() == pytest.approx(50, abs=1)
    assert view.scale_factor == 1


def test_the_middle_button_pans(view: CanvasView, pointer: Pointer, document: Document) -> None:
    before = view.mapToScene(0, 0)
    area = view.viewport()
    QTest.mousePress(area, Qt.MouseButton.MiddleButton, pos=area.rect().center())
    QTest.mouseMove(area, area.rect().center() + area.rect().topLeft())
    QTest.mouseMove(area, area.rect().center() + QPoint(60, 40))
    QTest.mouseRelease(area, Qt.MouseButton.MiddleButton, pos=area.rect().center() + QPoint(60, 40))

    after = view.mapToScene(0, 0)
    assert before.x() - after.x() == pytest.approx(60, abs=1)
    assert document.undo_stack.count() == 0


def test_a_double_click_renames_a_server_in_its_place(view: CanvasView, pointer: Pointer, qtbot: QtBot) -> None:
    pointer.double_click(50, 130)
    field = view.findChild(type(view._name_edit))
    assert field is not None
    assert field.isVisible()
    assert field.text() == "Loose"

    field.setText("Free")
    with qtbot.waitSignal(view.rename_done) as renamed:
        QTest.keyClick(field, Qt.Key.Key_Return)
    assert renamed.args == ["loose", "Free"]


def test_a_tap_on_space_asks_what_to_add_and_holding_it_pans(view: CanvasView, qtbot: QtBot) -> None:
    view.setFocus()
    with qtbot.waitSignal(view.add_wanted):
        QTest.keyClick(view, Qt.Key.Key_Space)

    before = view.mapToScene(0, 0)
    with qtbot.assertNotEmitted(view.add_wanted):
        QTest.keyPress(view, Qt.Key.Key_Space)
        QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(300, 300))
        QTest.mouseMove(view.viewport(), QPoint(360, 300))
        QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(360, 300))
        QTest.keyRelease(view, Qt.Key.Key_Space)

    assert before.x() - view.mapToScene(0, 0).x() == pytest.approx(60, abs=1)


def test_another_button_does_not_disturb_a_drag(document: Document, pointer: Pointer, scene: CanvasScene) -> None:
    loose = scene.item("loose")
    assert loose is not None
    things = len(scene.items())

    for other in (Qt.MouseButton.MiddleButton, Qt.MouseButton.RightButton):
        pointer.press(50, 130)
        pointer.move(60, 300)
        pointer.press(60, 400, button=other)
        pointer.move(60, 420)
        pointer.release(60, 420, button=other)
        pointer.move(50, 530)
        pointer.release(50, 530)

        assert document.box("loose").y == 500, other
        document.undo_stack.undo()
        assert loose.pos().y() == 100
        assert len(scene.items()) == things, "the lines of the drag have gone"


def test_an_edit_in_the_midst_of_a_drag_gives_the_drag_up(
    document: Document, pointer: Pointer, scene: CanvasScene, view: CanvasView
) -> None:
    pointer.press(50, 130)
    pointer.move(60, 300)
    pointer.move(60, 400)

    document.edit("Delete", remove_nodes(document.graph, {"inner"}))

    assert view.gesture is None
    loose = scene.item("loose")
    assert loose is not None
    assert loose.pos().y() == 100
    pointer.release(60, 400)
    assert document.undo_stack.count() == 1


def test_the_rubber_band_still_adds_while_the_view_pans_at_its_border(
    document: Document, pointer: Pointer, scene: CanvasScene, view: CanvasView, qtbot: QtBot
) -> None:
    scene.select(["loose"])
    corner = view.mapToScene(QPoint(1195, 400))
    pointer.press(720, 420, keys=SHIFT)
    pointer.move(800, 420, keys=SHIFT)
    pointer.move(corner.x(), corner.y(), keys=SHIFT)
    with qtbot.waitSignal(view.moved, timeout=2000):
        pass

    assert "loose" in scene.selected()
    view.cancel_gesture()


def test_a_template_dropped_beside_the_composite_one_looks_into_joins_it(
    document: Document, editing: Editing, pointer: Pointer, scene: CanvasScene
) -> None:
    editing.enter("box")
    mime = Template(server("", "Fresh")).to_mime()

    assert pointer.drag_in(mime, 420, 440)
    pointer.drop(mime, 420, 440)

    item = scene.item("fresh")
    assert item is not None
    assert item.isVisible()
    assert members(document, "box") == {"inner", "fresh"}


def test_what_is_added_beside_the_composite_one_looks_into_joins_it(
    document: Document, editing: Editing, scene: CanvasScene
) -> None:
    editing.enter("box")

    editing.add(Template(server("", "Fresh")), QPointF(420, 460))

    assert members(document, "box") == {"inner", "fresh"}


def test_nothing_vanishes_from_the_composite_one_looks_into_by_being_dragged(
    document: Document, editing: Editing, pointer: Pointer, scene: CanvasScene
) -> None:
    editing.enter("box")

    pointer.drag((400, 210), (400, 450))

    assert members(document, "box") == {"inner"}
    inner = scene.item("inner")
    assert inner is not None
    assert inner.isVisible()
    assert document.box("inner").y > 380


def test_originals_stay_in_sight_while_copies_are_dragged(pointer: Pointer, scene: CanvasScene) -> None:
    loose = scene.item("loose")
    assert loose is not None
    things = len(scene.items())
    pointer.press(50, 130)
    pointer.move(60, 300)
    assert loose.pos().y() > 200

    pointer.move(60, 400, keys=ALT)
    assert loose.pos().y() == 100
    pointer.move(60, 400)
    assert loose.pos().y() > 200

    pointer.release(60, 400)
    assert len(scene.items()) == things


def test_a_copy_dragged_out_of_a_composite_is_no_member(document: Document, pointer: Pointer) -> None:
    pointer.drag((400, 210), (400, 550), keys=ALT)

    assert members(document, "box") == {"inner"}
    assert document.box("box").height == 300
    assert document.box("inner").y == 180


def test_a_server_held_over_a_wire_is_told_that_it_cannot_go_in(
    document: Document, pointer: Pointer, view: CanvasView
) -> None:
    document.load(
        graph((server("a"), (0, 100)), (composite("top"), (700, 80, 300, 200)), (server("b"), (0, 400)), edges="a>top")
    )
    pointer.press(100, 430)
    pointer.move(300, 300)
    assert view.gesture is not None
    assert view.gesture.hint == ""

    pointer.move(450, 118)

    assert "Only a composite" in view.gesture.hint
    assert not view.gesture.is_refused, "it may lie there all the same"
    pointer.release(450, 118)
    mime = Template(server("", "Fresh")).to_mime()
    assert pointer.drag_in(mime, 450, 117)
    hint = view.findChild(Hint)
    assert hint is not None
    assert "Only a composite" in hint.text()
    pointer.drag_out()


def test_a_wire_from_an_inner_composite_may_end_on_the_ground_around_it(
    document: Document, view: CanvasView, pointer: Pointer, qtbot: QtBot
) -> None:
    document.load(
        graph((composite("outer"), (200, 100, 700, 400)), (composite("mid"), (500, 200, 300, 180)), edges="mid>outer")
    )

    with qtbot.waitSignal(view.wire_dropped) as told:
        pointer.drag((500, 220), (330, 300))

    assert told.args[:2] == ["mid", True]
    assert document.undo_stack.count() == 0


def test_the_inside_of_the_composite_one_looks_into_is_ground(
    document: Document, pointer: Pointer, scene: CanvasScene, view: CanvasView, qtbot: QtBot
) -> None:
    scene.show_inside("box")

    pointer.drag((320, 160), (600, 380))
    assert scene.selected() == ["inner"]
    assert document.undo_stack.count() == 0

    with qtbot.waitSignal(view.add_wanted):
        pointer.double_click(500, 350)

    pointer.drag((450, 112), (490, 152))
    assert document.undo_stack.undoText() == "Move Box", "its header still takes hold of it"


def test_a_release_that_never_came_does_not_swallow_the_next_press(
    document: Document, pointer: Pointer, view: CanvasView
) -> None:
    at = QPointF(view.mapFromScene(QPointF(50, 130)))
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    press = QMouseEvent(QEvent.Type.MouseButtonPress, at, view.viewport().mapToGlobal(at), left, left, none)
    QApplication.sendEvent(view.viewport(), press)

    pointer.drag((400, 210), (400, 250))

    assert (document.box("inner").y, document.box("loose").y) == (220, 100)
