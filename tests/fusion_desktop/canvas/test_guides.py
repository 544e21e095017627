"""What is dragged comes into line with its neighbours, shows with which, and lets go when asked to."""

import time

import pytest
from PySide6.QtCore import QPointF, QRectF, Qt

from composite_runtime.graph.model import Box
from fusion_desktop.canvas.gestures.drag import DragNodes
from fusion_desktop.canvas.gestures.guides import Guides
from fusion_desktop.canvas.scene import CanvasScene
from fusion_desktop.canvas.view import CanvasView
from fusion_desktop.document.document import Document
from tests.bench.painting import large
from tests.fusion_desktop.graphs import composite, graph, server
from tests.fusion_desktop.pointer import Pointer

CTRL = Qt.KeyboardModifier.ControlModifier


def test_edges_and_middles_of_neighbours_attract() -> None:
    guides = Guides([QRectF(103, 0, 220, 60)])

    below = guides.snap(QRectF(100, 200, 220, 60), 6)
    assert (below.dx, below.dy) == (3, None)
    assert below.lines[0].x1() == below.lines[0].x2() == 103

    narrow = guides.snap(QRectF(160, 200, 100, 60), 6)
    assert narrow.dx == 3, "middle to middle"
    assert guides.snap(QRectF(120, 200, 220, 60), 6).dx is None, "too far"


def test_equal_gaps_attract_where_nothing_is_in_line() -> None:
    row = Guides([QRectF(0, 0, 100, 60), QRectF(140, 0, 100, 60)])
    after = row.snap(QRectF(283, 2, 120, 90), 6)
    assert after.dx == -3, "the gap of 40 is repeated"
    assert len(after.lines) >= 2

    between = Guides([QRectF(0, 0, 100, 60), QRectF(400, 0, 100, 60)]).snap(QRectF(192, 11, 110, 30), 6)
    assert between.dx == 3, "as far from either"


def test_a_dragged_node_snaps_to_its_neighbour_and_shows_a_line(
    document: Document, view: CanvasView, pointer: Pointer, scene: CanvasScene
) -> None:
    document.load(graph((server("a"), (100, 100)), (server("b"), (403, 317))))

    pointer.press(450, 340)
    pointer.move(300, 340)
    pointer.move(151, 339)  # b would lie at 104, 316
    gesture = view.gesture
    assert isinstance(gesture, DragNodes)
    assert gesture._lines.count >= 1
    pointer.release(151, 339)

    assert document.box("b").x == 100
    assert document.undo_stack.count() == 1
    assert not any(item.zValue() == 3000 for item in scene.items()), "the lines go with the drag"


def test_ctrl_suspends_snapping(document: Document, pointer: Pointer) -> None:
    document.load(graph((server("a"), (100, 100)), (server("b"), (403, 317))))

    pointer.drag((450, 340), (151, 339), keys=CTRL)

    assert document.box("b") == Box(x=104, y=316)


def test_without_neighbours_the_grid_attracts(document: Document, pointer: Pointer) -> None:
    document.load(graph((server("b"), (403, 317))))

    pointer.drag((450, 340), (151, 339))

    assert document.box("b") == Box(x=100, y=320)


@pytest.mark.slow
def test_dragging_two_hundred_among_two_thousand_stays_fluent(
    document: Document, view: CanvasView, scene: CanvasScene
) -> None:
    document.load(large(2000))
    view.fit(scene.content_rect())
    chosen = [f"s{n}" for n in range(200)]
    scene.select(chosen)
    box = document.box("s0")
    gesture = DragNodes(view._ground, QPointF(box.x + 50, box.y + 30), chosen)
    steps = []
    for step in range(20):
        start = time.process_time()
        gesture.move(QPointF(box.x + 50 + 7 * step, box.y + 30 + 5 * step), Qt.KeyboardModifier.NoModifier)
        steps.append(time.process_time() - start)
    gesture.cancel()
    assert sorted(steps)[10] < 0.016


def test_a_corner_that_is_pulled_snaps_to_its_neighbours(document: Document, pointer: Pointer) -> None:
    document.load(graph((composite("box"), (100, 100, 300, 200)), (server("b"), (233, 500))))

    pointer.drag((395, 295), (450, 352))  # the right edge of b lies at 453

    assert document.box("box").width == 353
    assert document.box("box").height == 260
    pointer.drag((448, 355), (440, 348), keys=CTRL)
    assert (document.box("box").width, document.box("box").height) == (345, 253)
