"""The copy that runs follows the graph it was made of, and no other."""

import pytest
from pytestqt.qtbot import QtBot

from composite_runtime.graph import edit, file
from fusion_desktop.document.document import Document
from fusion_desktop.document.working_copy import WorkingCopy
from tests.fusion_desktop.graphs import desk, server


@pytest.fixture
def copy(document: Document) -> WorkingCopy:
    document.load(desk())
    return WorkingCopy(document)


def test_edits_reach_the_copy_while_it_is_kept(document: Document, copy: WorkingCopy, qtbot: QtBot) -> None:
    path = copy.begin()
    assert file.load(path) == document.graph

    document.edit("Add", edit.add_node(document.graph, server("new")))

    qtbot.waitUntil(lambda: file.load(path).node("new") is not None, timeout=3000)


def test_a_graph_with_errors_does_not_reach_it(document: Document, copy: WorkingCopy, qtbot: QtBot) -> None:
    path = copy.begin()
    broken = document.graph.but(nodes=(*document.graph.nodes, server("loose")))
    document.edit("Break", broken)
    copy.flush()
    assert file.load(path) == desk().but(id=document.graph.id)

    document.undo_stack.undo()
    document.edit("Add", edit.add_node(document.graph, server("new")))
    copy.flush()
    assert file.load(path).node("new") is not None


def test_two_windows_with_the_same_graph_each_run_their_own(document: Document, copy: WorkingCopy) -> None:
    other = Document()
    other.load(document.graph)
    path = copy.begin()
    theirs = WorkingCopy(other)
    other.edit("Add", edit.add_node(other.graph, server("theirs")))

    assert theirs.begin().parent == path.parent
    assert file.load(path) == document.graph

    theirs.discard()
    assert file.load(path) == document.graph
    assert [one.name for one in path.parent.glob("graph*")] == [path.name]


def test_another_graph_does_not_take_the_place_of_what_runs(document: Document, copy: WorkingCopy) -> None:
    path = copy.begin()
    ran = file.load(path)

    document.load(edit.remove_nodes(desk(), {"inner"}))
    copy.flush()
    document.edit("Add", edit.add_node(document.graph, server("new")))
    copy.flush()

    assert file.load(path) == ran
