"""The document: one way to change it, and signals that tell exactly what changed."""

import pytest
from pytestqt.qtbot import QtBot

from composite_runtime.graph import edit
from composite_runtime.graph.model import Box
from fusion_desktop.document.document import Document
from tests.fusion_desktop.graphs import desk, graph, server


@pytest.fixture
def told(document: Document) -> list[tuple[str, ...]]:
    document.load(desk())
    told: list[tuple[str, ...]] = []
    for name in (
        "node_added",
        "node_removed",
        "node_changed",
        "edge_added",
        "edge_removed",
        "edge_changed",
        "box_changed",
    ):
        getattr(document, name).connect(lambda *ids, name=name: told.append((name, *ids)))
    document.edited.connect(lambda: told.append(("edited",)))
    return told


def test_an_edit_tells_what_changed_and_then_that_it_is_done(document: Document, told: list[tuple[str, ...]]) -> None:
    document.edit("Move", edit.move(document.graph, [("loose", Box(x=5, y=5))]))

    assert told == [("box_changed", "loose"), ("edited",)]


def test_edges_go_before_their_nodes_and_come_after_them(document: Document, told: list[tuple[str, ...]]) -> None:
    document.edit("Delete", edit.remove_nodes(document.graph, {"box", "inner"}))
    assert told[0] == ("edge_removed", "inner", "box")
    assert ("node_removed", "box") in told[1:]

    told.clear()
    document.undo_stack.undo()
    assert told[-2] == ("edge_added", "inner", "box")
    assert ("node_added", "inner") in told[:-2]


def test_undo_and_redo_tell_the_same_as_an_edit(document: Document, told: list[tuple[str, ...]]) -> None:
    node = document.node("loose")
    assert node is not None
    document.edit("Rename", edit.replace_node(document.graph, node.but(name="Free")))
    document.undo_stack.undo()
    document.undo_stack.redo()

    assert told == [("node_changed", "loose"), ("edited",)] * 3


def test_an_edit_that_changes_nothing_is_no_step(document: Document) -> None:
    document.load(desk())

    document.edit("Nothing", document.graph)

    assert document.undo_stack.count() == 0
    assert not document.is_modified


def test_steps_with_the_same_key_are_undone_together(document: Document) -> None:
    document.load(desk())
    for x in (1, 2, 3):
        document.edit("Move Loose", edit.move(document.graph, [("loose", Box(x=x, y=100))]), merge="nudge loose")

    assert document.undo_stack.count() == 1
    document.undo_stack.undo()
    assert document.box("loose").x == 0


def test_steps_that_cancel_each_other_out_leave_nothing_to_undo(document: Document) -> None:
    document.load(desk())
    for x in (1, 0):
        document.edit("Move Loose", edit.move(document.graph, [("loose", Box(x=x, y=100))]), merge="nudge loose")

    assert document.undo_stack.count() == 0
    assert not document.is_modified


def test_saving_is_what_makes_a_document_unmodified(document: Document) -> None:
    document.load(desk())
    document.edit("Add", edit.add_node(document.graph, server("new")))
    assert document.is_modified

    document.undo_stack.setClean()
    assert not document.is_modified
    document.undo_stack.undo()
    assert document.is_modified


def test_problems_follow_the_graph(document: Document, qtbot: QtBot) -> None:
    document.load(graph())
    with qtbot.waitSignal(document.problems_changed):
        document.edit("Add", edit.add_node(document.graph, server("lonely"), Box(x=0, y=0)))

    assert [problem.rule for problem in document.problems] == ["unused-server"]


def test_loading_gives_every_node_a_place_and_counts_as_unmodified(document: Document) -> None:
    bare = desk().but(layout={})

    document.load(bare)

    assert set(document.graph.layout) == {"box", "inner", "loose"}
    assert document.homes == {"inner": "box"}
    assert not document.is_modified
