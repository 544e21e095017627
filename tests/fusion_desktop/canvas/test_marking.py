"""Collapsed, bypassed, disabled and locked: what is drawn, what is refused, and what undo brings back."""

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from composite_runtime.graph import file
from composite_runtime.graph.edit import add_annotation
from composite_runtime.graph.model import Box, CompositeNode, Note
from fusion_desktop.canvas.composite_item import CompositeItem
from fusion_desktop.canvas.editing import Editing
from fusion_desktop.canvas.scene import CanvasScene
from fusion_desktop.canvas.view import CanvasView
from fusion_desktop.document import places
from fusion_desktop.document.document import Document
from fusion_desktop.document.template import Template
from tests.fusion_desktop.graphs import composite, desk, graph, server
from tests.fusion_desktop.pointer import Pointer


@pytest.fixture(autouse=True)
def drawn(document: Document, editing: Editing) -> None:
    document.load(desk())


def do(editing: Editing, action: str) -> None:
    editing.handlers()[action]()


def fold(document: Document, pointer: Pointer, composite_id: str = "box") -> None:
    """Click the sign at the left of a composite's title."""
    box = document.box(composite_id)
    pointer.click(box.x + 17, box.y + (30 if box.collapsed else 20))


def test_a_click_on_its_sign_collapses_a_composite_to_a_card_and_expands_it_again(
    document: Document, pointer: Pointer, scene: CanvasScene
) -> None:
    before = file.dumps(document.graph)

    fold(document, pointer)

    item, inner = scene.item("box"), scene.item("inner")
    assert isinstance(item, CompositeItem)
    assert (item.body.width(), item.body.height()) == (places.NODE_WIDTH, places.NODE_HEIGHT)
    assert inner is not None
    assert not inner.isVisible()
    assert document.undo_stack.undoText() == "Collapse Box"
    assert file.loads(file.dumps(document.graph)).layout["box"].collapsed, "the file remembers it"

    fold(document, pointer)
    assert inner.isVisible()
    assert item.body.width() == 400

    document.undo_stack.undo()
    document.undo_stack.undo()
    assert file.dumps(document.graph) == before


def test_wires_of_what_a_collapsed_composite_hides_end_at_it(
    document: Document, pointer: Pointer, scene: CanvasScene
) -> None:
    document.load(
        graph(
            (composite("box"), (300, 100, 400, 300)),
            (composite("other"), (800, 100, 300, 200)),
            (server("inner"), (340, 180)),
            (server("loose"), (0, 100)),
            edges="inner>box inner>other loose>box",
        )
    )

    fold(document, pointer)

    card, wire = scene.item("box"), scene.edge_item("inner", "other")
    assert card is not None
    assert wire is not None
    assert wire.isVisible()
    assert wire.path().elementAt(0).x == card.output.x()
    assert wire.path().elementAt(0).y == card.output.y()
    assert wire.toolTip() == "Inner is a member of Other"
    into = scene.edge_item("loose", "box")
    assert into is not None
    assert into.path().currentPosition() == card.body.topLeft() + type(card.output)(0, places.NODE_HEIGHT / 2)
    own = scene.edge_item("inner", "box")
    assert own is not None
    assert not own.isVisible()

    pointer.drag((card.body.x() + 120, card.body.y() + 30), (card.body.x() + 120, card.body.y() + 230))
    assert wire.path().elementAt(0).y == card.output.y(), "the wire follows the card"
    assert document.box("inner").y == 380, "and what it hides goes along"


def test_composites_collapse_within_collapsed_ones_and_the_outermost_stands_for_all(
    document: Document, pointer: Pointer, scene: CanvasScene
) -> None:
    document.load(
        graph(
            (composite("outer"), (100, 60, 600, 400)),
            (composite("mid"), (140, 140, 400, 240)),
            (server("leaf"), (180, 220)),
            edges="leaf>mid mid>outer",
        )
    )
    fold(document, pointer, "mid")
    assert scene.card_of("leaf") == "mid"
    fold(document, pointer, "outer")
    assert scene.card_of("leaf") == scene.card_of("mid") == "outer"
    fold(document, pointer, "outer")
    assert scene.card_of("leaf") == "mid"
    assert scene.card_of("mid") == "mid"


def test_a_server_dropped_on_a_collapsed_composite_joins_it_out_of_sight(
    document: Document, pointer: Pointer, scene: CanvasScene
) -> None:
    fold(document, pointer)

    pointer.drag((50, 130), (420, 140))

    assert document.homes["loose"] == "box"
    loose = scene.item("loose")
    assert loose is not None
    assert not loose.isVisible()
    fold(document, pointer)
    assert loose.isVisible()
    inner = scene.item("inner")
    assert inner is not None
    assert not inner.body.intersects(loose.body), "where there was room"


def test_what_lies_in_the_way_makes_room_when_a_composite_is_expanded(document: Document, pointer: Pointer) -> None:
    fold(document, pointer)
    pointer.drag((50, 130), (600, 130))  # where the composite will be
    assert document.homes.get("loose") is None
    before = file.dumps(document.graph)

    fold(document, pointer)

    assert not places.rect_of(document.graph, "loose").overlaps(places.rect_of(document.graph, "box"))
    document.undo_stack.undo()
    assert file.dumps(document.graph) == before


def test_looking_into_a_collapsed_composite_shows_what_it_holds_and_changes_nothing(
    document: Document, pointer: Pointer, scene: CanvasScene, editing: Editing
) -> None:
    fold(document, pointer)
    before = document.graph

    editing.show_node("inner")

    assert scene.root == "box"
    inner = scene.item("inner")
    assert inner is not None
    assert inner.isVisible()
    editing.leave()
    assert not inner.isVisible()
    card = scene.item("box")
    assert isinstance(card, CompositeItem)
    assert card.is_collapsed
    assert document.graph == before


def test_a_drag_that_is_given_up_inside_a_collapsed_composite_leaves_it_whole(
    document: Document, pointer: Pointer, scene: CanvasScene, editing: Editing
) -> None:
    fold(document, pointer)
    editing.enter("box")
    card = scene.item("box")
    assert isinstance(card, CompositeItem)
    assert not card.is_collapsed

    scene.end_preview(["box"])

    assert not card.is_collapsed
    editing.leave()
    assert card.is_collapsed


def test_only_a_composite_that_is_in_another_can_be_bypassed(
    document: Document, scene: CanvasScene, editing: Editing, qtbot: QtBot
) -> None:
    for chosen, why in (("loose", "Only a composite"), ("box", "in no composite")):
        scene.select([chosen])
        with qtbot.waitSignal(editing.refused) as refused:
            do(editing, "graph.bypass")
        assert why in refused.args[0]
    document.load(
        graph((composite("box"), (300, 100, 400, 300)), (composite("top"), (900, 0, 300, 200)), edges="box>top")
    )
    before = file.dumps(document.graph)
    scene.select(["box"])

    do(editing, "graph.bypass")

    node = document.node("box")
    assert isinstance(node, CompositeNode)
    assert node.bypassed
    assert document.undo_stack.undoText() == "Bypass Box"
    do(editing, "graph.bypass")
    assert document.undo_stack.undoText() == "End bypass of Box"
    document.undo_stack.undo()
    document.undo_stack.undo()
    assert file.dumps(document.graph) == before


def test_what_is_locked_is_neither_dragged_nor_nudged_nor_deleted(
    document: Document, pointer: Pointer, scene: CanvasScene, editing: Editing, qtbot: QtBot
) -> None:
    scene.select(["loose"])
    do(editing, "graph.lock")
    locked = document.graph
    assert locked.layout["loose"] == Box(x=0, y=100, locked=True)

    pointer.drag((50, 130), (50, 330))
    assert document.graph == locked
    for action in ("edit.delete", "edit.cut", "nudge.left", "edit.delete_reconnect"):
        scene.select(["loose"])
        with qtbot.waitSignal(editing.refused) as refused:
            do(editing, action)
        assert refused.args[0].startswith("Loose is locked")
        assert document.graph == locked

    scene.select(["loose", "inner"])
    do(editing, "edit.delete")
    assert document.node("loose") is not None
    assert document.node("inner") is None, "what is not locked goes"
    document.undo_stack.undo()
    scene.select(["loose"])
    do(editing, "graph.lock")
    assert document.graph == desk().but(id=document.graph.id)


def test_a_locked_composite_is_not_resized(
    document: Document, pointer: Pointer, scene: CanvasScene, editing: Editing
) -> None:
    scene.select(["box"])
    document.edit(
        "Lock", document.graph.but(layout={**document.graph.layout, "box": document.box("box").but(locked=True)})
    )
    before = document.graph
    pointer.drag((695, 395), (800, 500))
    assert document.graph == before


def test_disabling_is_not_bypassing(document: Document, scene: CanvasScene, editing: Editing) -> None:
    scene.select(["box"])
    do(editing, "graph.toggle")
    node = document.node("box")
    assert isinstance(node, CompositeNode)
    assert (node.enabled, node.bypassed) == (False, False)


def test_a_composite_dropped_on_a_wire_goes_between_its_ends(
    document: Document, pointer: Pointer, scene: CanvasScene
) -> None:
    document.load(
        graph(
            (server("a"), (0, 100)),
            (composite("top"), (700, 80, 300, 200)),
            (composite("new"), (100, 400, 300, 160)),
            edges="a>top",
        )
    )
    document.edit("Name", document.graph.but(edges=tuple(edge.but(namespace="short") for edge in document.graph.edges)))
    before = file.dumps(document.graph)
    wire = scene.edge_item("a", "top")
    assert wire is not None
    middle = wire.path().pointAtPercent(0.5)

    pointer.drag((250, 420), (middle.x(), middle.y()))

    assert {(e.source, e.target, e.namespace) for e in document.graph.edges} == {
        ("a", "new", "short"),
        ("new", "top", None),
    }
    assert document.undo_stack.undoText() == "Put New between A and Top"
    document.undo_stack.undo()
    assert file.dumps(document.graph) == before


@pytest.mark.parametrize("keys", [Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.AltModifier])
def test_a_server_dropped_on_a_wire_changes_no_membership(
    document: Document, pointer: Pointer, keys: Qt.KeyboardModifier
) -> None:
    document.load(
        graph((server("a"), (0, 100)), (composite("top"), (700, 80, 300, 200)), (server("b"), (0, 400)), edges="a>top")
    )
    pointer.drag((100, 430), (450, 130), keys=keys)
    assert [(e.source, e.target) for e in document.graph.edges] == [("a", "top")]


def test_a_composite_from_the_catalogue_dropped_on_a_wire_goes_between_its_ends(
    document: Document, pointer: Pointer, scene: CanvasScene
) -> None:
    document.load(graph((server("a"), (0, 100)), (composite("top"), (700, 80, 300, 200)), edges="a>top"))
    before = file.dumps(document.graph)
    wire = scene.edge_item("a", "top")
    assert wire is not None
    middle = wire.path().pointAtPercent(0.5)
    mime = Template(composite("", "Fresh")).to_mime()

    assert pointer.drag_in(mime, middle.x(), middle.y())
    pointer.drop(mime, middle.x(), middle.y())

    assert {(edge.source, edge.target) for edge in document.graph.edges} == {("a", "fresh"), ("fresh", "top")}
    document.undo_stack.undo()
    assert file.dumps(document.graph) == before
    again = scene.edge_item("a", "top")
    assert again is not None
    assert not again.is_chosen


def test_arrow_keys_reach_frames_and_notes_too(document: Document, scene: CanvasScene, editing: Editing) -> None:
    note = Note(id="note", text="Read me")
    document.load(add_annotation(desk(), note, Box(x=0, y=400, width=240, height=120)))
    scene.select(["loose"])

    do(editing, "go.down")
    assert scene.selected() == ["note"]
    do(editing, "go.up")
    assert scene.selected() == ["loose"]


def test_a_member_that_would_vanish_into_a_collapsed_composite_is_told_so_while_it_is_dragged(
    document: Document, pointer: Pointer, scene: CanvasScene, view: CanvasView
) -> None:
    document.load(graph((composite("box"), (300, 100, 400, 300)), (server("loose"), (0, 100)), edges="loose>box"))
    fold(document, pointer)

    pointer.press(50, 130)
    pointer.move(300, 300)
    pointer.move(450, 330)
    assert view.gesture is not None
    assert view.gesture.hint == "Add to Box"
    pointer.release(450, 330)

    assert document.homes["loose"] == "box"
    assert document.undo_stack.undoText() == "Move Loose into Box"


def test_wires_that_end_at_one_card_are_selected_and_deleted_together(
    document: Document, pointer: Pointer, scene: CanvasScene, editing: Editing
) -> None:
    document.load(
        graph(
            (composite("box"), (100, 100, 300, 300)),
            (composite("other"), (800, 300, 300, 200)),
            (server("a"), (120, 180)),
            (server("b"), (120, 260)),
            edges="a>box b>box a>other b>other",
        )
    )
    fold(document, pointer)
    wire = scene.edge_item("a", "other")
    assert wire is not None
    assert wire.toolTip() == "A is a member of Other\nB is a member of Other"
    middle = wire.path().pointAtPercent(0.5)

    pointer.click(middle.x(), middle.y())
    assert set(scene.selected_edges()) == {("a", "other"), ("b", "other")}
    do(editing, "edit.delete")

    assert {(edge.source, edge.target) for edge in document.graph.edges} == {("a", "box"), ("b", "box")}
    fold(document, pointer)
    document.undo_stack.undo()
    document.undo_stack.undo()
    assert len(document.graph.edges) == 4
    fold(document, pointer)
    assert wire.scene() is None
    again = scene.edge_item("a", "other")
    assert again is not None
    assert not again.is_stand_in


def test_a_note_makes_room_for_a_composite_that_is_expanded(
    document: Document, editing: Editing, scene: CanvasScene
) -> None:
    scene.select(["box"])
    do(editing, "graph.collapse")
    note = Note(id="note", text="Read me")
    document.edit("Note", add_annotation(document.graph, note, Box(x=560, y=120, width=240, height=120)))

    do(editing, "graph.collapse")

    assert not places.rect_of(document.graph, "note").overlaps(places.rect_of(document.graph, "box"))
