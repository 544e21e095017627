"""Frames and notes: drawn, written, moved with what they hold, copied, deleted, and undone byte for byte."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from composite_runtime.graph import file
from composite_runtime.graph.edit import add_annotation
from composite_runtime.graph.model import Box, Frame, Graph, Note
from fusion_desktop.canvas import picture
from fusion_desktop.canvas.access import Access
from fusion_desktop.canvas.annotation_item import FrameItem, NoteItem, rendered
from fusion_desktop.canvas.editing import Editing
from fusion_desktop.canvas.overlay import NameEdit, NoteEdit
from fusion_desktop.canvas.scene import CanvasScene
from fusion_desktop.canvas.view import CanvasView
from fusion_desktop.document import copying, foreign, places
from fusion_desktop.document.document import Document
from tests.fusion_desktop.graphs import desk, graph, server
from tests.fusion_desktop.pointer import Pointer

CTRL = Qt.KeyboardModifier.ControlModifier


def framed() -> Graph:
    """Return a frame with the server `a` in it, a server `b` beside it, and a note below."""
    made = graph((server("a"), (120, 80)), (server("b"), (700, 80)))
    made = add_annotation(made, Frame(id="frame", title="Mine", colour="blue"), Box(x=100, y=0, width=400, height=240))
    return add_annotation(made, Note(id="note", text="# Why"), Box(x=120, y=400, width=240, height=120))


@pytest.fixture(autouse=True)
def drawn(document: Document, editing: Editing) -> None:
    document.load(framed())


def do(editing: Editing, action: str) -> None:
    editing.handlers()[action]()


def test_a_frame_takes_along_what_lies_in_it_and_nothing_else(document: Document, pointer: Pointer) -> None:
    before = file.dumps(document.graph)

    pointer.drag((200, 12), (200, 112))

    assert document.box("frame").y == 100
    assert document.box("a").y == 180
    assert document.box("b").y == 80
    assert document.undo_stack.undoText() == "Move Mine"
    document.undo_stack.undo()
    assert file.dumps(document.graph) == before


def test_the_inside_of_a_frame_is_ground_for_the_rubber_band(pointer: Pointer, scene: CanvasScene) -> None:
    pointer.drag((110, 60), (400, 160))

    assert scene.selected() == ["a"]


def test_a_node_dragged_out_of_a_frame_no_longer_moves_with_it(document: Document, pointer: Pointer) -> None:
    pointer.drag((200, 110), (200, 330))
    pointer.drag((200, 12), (300, 12))

    assert document.box("a").x == 120


def test_a_frame_dropped_into_a_composite_brings_its_servers_as_members(document: Document, pointer: Pointer) -> None:
    made = desk()
    made = add_annotation(made, Frame(id="frame"), Box(x=-20, y=40, width=280, height=140))
    document.load(made)

    pointer.drag((60, 52), (380, 272))

    assert {edge.source for edge in document.graph.members("box")} == {"inner", "loose"}
    frame = document.annotation("frame")
    assert frame is not None
    assert frame.inside == "box"
    around = places.rect_of(document.graph, "box")
    assert around.contains(places.rect_of(document.graph, "frame")), "and the composite grew around it"
    document.undo_stack.undo()
    assert document.graph == made


def test_a_frame_is_drawn_around_the_selection_and_named_in_place(
    document: Document, scene: CanvasScene, view: CanvasView, editing: Editing
) -> None:
    document.load(desk())
    scene.select(["loose"])
    before = document.graph

    do(editing, "graph.frame")
    field = view.findChild(NameEdit)
    assert field is not None
    assert field.isVisible()
    QTest.keyClicks(field, "Team")
    QTest.keyClick(field, Qt.Key.Key_Return)

    (frame,) = document.graph.annotations
    assert isinstance(frame, Frame)
    assert frame.title == "Team"
    assert document.holders["loose"] == frame.id
    document.undo_stack.undo()
    document.undo_stack.undo()
    assert document.graph == before


def test_a_note_is_written_in_place_and_grows_with_its_words(
    document: Document, scene: CanvasScene, view: CanvasView, pointer: Pointer, qtbot: QtBot
) -> None:
    pointer.double_click(240, 460)
    field = view.findChild(NoteEdit)
    assert isinstance(field, QPlainTextEdit)
    assert field.isVisible()
    QTest.keyClick(field, Qt.Key.Key_A, CTRL)
    for line in range(12):
        QTest.keyClicks(field, f"- line {line}")
        QTest.keyClick(field, Qt.Key.Key_Return)
    QTest.keyClick(field, Qt.Key.Key_Return, CTRL)

    note = document.annotation("note")
    assert isinstance(note, Note)
    assert note.text.startswith("- line 0\n")
    assert document.box("note").height is not None
    assert document.box("note").height > 200  # type: ignore[operator]
    assert document.undo_stack.undoText() == "Write a note"
    item = scene.thing("note")
    assert isinstance(item, NoteItem)
    document.undo_stack.undo()
    assert document.graph == framed().but(id=document.graph.id)


def test_leaving_a_note_keeps_what_was_typed(
    document: Document, view: CanvasView, pointer: Pointer, editing: Editing
) -> None:
    pointer.double_click(240, 460)
    field = view.findChild(NoteEdit)
    assert field is not None
    QTest.keyClicks(field, "typed")
    pointer.click(600, 600)

    note = document.annotation("note")
    assert isinstance(note, Note)
    assert note.text == "typed"


def test_letters_typed_into_a_note_are_no_commands(
    document: Document, view: CanvasView, pointer: Pointer, editing: Editing
) -> None:
    pointer.double_click(240, 460)
    field = view.findChild(NoteEdit)
    assert field is not None
    QTest.keyClicks(field, "dbln")
    assert field.toPlainText() == "dbln"
    assert document.undo_stack.count() == 0


def test_a_note_shows_no_picture_and_no_html() -> None:
    words = rendered("![x](/etc/hostname) <b>bold</b>", 200)
    assert words.resource(2, "/etc/hostname") is None
    assert "<b>" in words.toPlainText()


def test_frames_and_notes_are_copied_with_what_they_hold_and_pasted_anew(
    document: Document, editing: Editing, scene: CanvasScene
) -> None:
    text = copying.copied(document.graph, ["frame", "note"])
    part = foreign.from_text(text).part
    before = file.dumps(document.graph)

    editing.add_part("Paste", part, None)

    assert len(document.graph.nodes) == 3, "the server in the frame came along"
    assert {one.id for one in document.graph.annotations} == {"frame", "note", "frame-2", "note-2"}
    fresh = document.holders["a-2"]
    assert fresh == "frame-2"
    assert set(scene.selected()) == {"frame-2", "note-2"}
    document.undo_stack.undo()
    assert file.dumps(document.graph) == before


def test_deleting_a_frame_leaves_what_was_in_it(document: Document, editing: Editing, scene: CanvasScene) -> None:
    before = document.graph
    scene.select(["frame", "note"])
    do(editing, "edit.delete")

    assert document.graph.annotations == ()
    assert document.node("a") is not None
    assert "frame" not in document.graph.layout
    document.undo_stack.undo()
    assert document.graph == before
    assert isinstance(scene.thing("frame"), FrameItem)


def test_duplicating_grouping_and_colouring_know_frames_and_notes(
    document: Document, editing: Editing, scene: CanvasScene
) -> None:
    before = document.graph
    scene.select(["frame"])
    do(editing, "edit.duplicate")
    assert document.holders["a-2"] == "frame-2"

    scene.select(["frame", "note"])
    do(editing, "colour.red")
    assert {one.colour for one in document.graph.annotations if one.id in {"frame", "note"}} == {"red"}

    do(editing, "graph.group")
    composite = next(node.id for node in document.graph.nodes if node.type == "composite")
    assert {one.inside for one in document.graph.annotations if one.id in {"frame", "note"}} == {composite}
    assert document.homes["a"] == composite

    scene.select([composite])
    do(editing, "graph.ungroup")
    assert {one.inside for one in document.graph.annotations} == {None}
    for _ in range(4):
        document.undo_stack.undo()
    assert document.graph == before


def test_a_frame_in_a_composite_is_hidden_with_it(document: Document, editing: Editing, scene: CanvasScene) -> None:
    scene.select(["frame", "note"])
    do(editing, "graph.group")
    do(editing, "graph.collapse")

    for one in ("frame", "note", "a"):
        item = scene.thing(one)
        assert item is not None
        assert not item.isVisible()


def test_a_frame_is_resized_by_its_corner(document: Document, pointer: Pointer) -> None:
    pointer.drag((495, 235), (595, 335))

    assert (document.box("frame").width, document.box("frame").height) == (500, 340)
    assert document.box("a") == Box(x=120, y=80)


def test_assistive_technology_reads_frames_and_notes(
    document: Document, scene: CanvasScene, view: CanvasView, qtbot: QtBot
) -> None:
    access = Access(document, scene, view)
    names = [access.canvas.child(n).text(QAccessible.Text.Name) for n in range(access.canvas.childCount())]  # type: ignore[union-attr]

    assert "Mine, frame, 1 in it" in names
    assert "Note, # Why" in names
    assert all(name for name in names)


def test_assistive_technology_is_told_what_is_collapsed(
    document: Document, scene: CanvasScene, view: CanvasView, editing: Editing
) -> None:
    document.load(desk())
    access = Access(document, scene, view)
    item = scene.item("box")
    assert item is not None
    scene.select(["box"])
    assert access.node(item).state().expanded
    do(editing, "graph.collapse")
    assert access.node(item).state().collapsed
    assert access.describe(item) == "Box, composite, 1 member, collapsed"
    assert [node.node_id for node in access.shown()] == ["loose", "box"]


def test_every_field_on_the_canvas_has_a_name(view: CanvasView) -> None:
    for field in view.viewport().findChildren(QWidget):
        if field.focusPolicy() != Qt.FocusPolicy.NoFocus and isinstance(field, NameEdit | NoteEdit):
            assert field.accessibleName()


def test_part_of_a_graph_takes_its_own_frames_and_notes_along_and_no_others(document: Document) -> None:
    part = copying.part_of(document.graph, ["frame"])

    assert [node.id for node in part.nodes] == ["a"]
    assert [one.id for one in part.annotations] == ["frame"]
    assert set(part.layout) == {"a", "frame"}
    assert copying.part_of(document.graph, ["b"]).annotations == ()


def test_a_picture_shows_frames_and_notes(look: None) -> None:
    drawn = picture.svg(framed(), "light").decode()

    assert ">Mine<" in drawn
    assert ">Why<" in drawn
