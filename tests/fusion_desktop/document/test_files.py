"""Nobody loses work: not by a crash, not by another program, not by a save that fails."""

import json
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from composite_runtime import paths
from composite_runtime.errors import GraphError
from composite_runtime.graph import edit, file
from fusion_desktop.document.document import Document
from fusion_desktop.document.files import VERSIONS_KEPT, DocumentFile, keep_version
from tests.fusion_desktop.graphs import desk, server


@pytest.fixture
def saved(document: Document) -> DocumentFile:
    document.load(desk())
    return DocumentFile(document)


def journals() -> list[Path]:
    return sorted((paths.home() / "recovery").glob("*.json"))


def test_a_save_that_fails_leaves_the_document_modified(
    document: Document, saved: DocumentFile, tmp_path: Path
) -> None:
    document.edit("Add", edit.add_node(document.graph, server("new")))
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(GraphError):
        saved.save(tmp_path / "file" / "below.fusion")

    assert document.is_modified


def test_unsaved_changes_are_written_to_a_journal_and_forgotten_when_saved(
    document: Document, saved: DocumentFile, tmp_path: Path, qtbot: QtBot
) -> None:
    document.edit("Add", edit.add_node(document.graph, server("new")))
    qtbot.waitUntil(lambda: len(journals()) == 1, timeout=2000)
    record = json.loads(journals()[0].read_text(encoding="utf-8"))
    assert file.loads(record["graph"]) == document.graph

    saved.save(tmp_path / "a.fusion")

    assert journals() == []


def test_undoing_back_to_what_is_saved_drops_the_journal(document: Document, saved: DocumentFile, qtbot: QtBot) -> None:
    document.edit("Add", edit.add_node(document.graph, server("new")))
    qtbot.waitUntil(lambda: len(journals()) == 1, timeout=2000)

    document.undo_stack.undo()

    assert journals() == []


def test_the_last_saves_are_kept(document: Document, saved: DocumentFile, tmp_path: Path) -> None:
    path = tmp_path / "a.fusion"
    for number in range(VERSIONS_KEPT + 3):
        document.edit("Add", edit.add_node(document.graph, server(f"n{number}")))
        saved.save(path)

    kept = sorted((paths.home() / "versions").rglob("*.fusion"))
    assert len(kept) == VERSIONS_KEPT
    assert file.load(kept[-1]).node(f"n{VERSIONS_KEPT + 1}") is not None


def test_the_same_text_is_kept_once(tmp_path: Path) -> None:
    path = tmp_path / "a.fusion"
    file.save(desk(), path)
    keep_version(path, "id")
    keep_version(path, "id")

    assert len(list((paths.home() / "versions").rglob("*.fusion"))) == 1


def test_another_program_writing_the_file_is_a_conflict(saved: DocumentFile, tmp_path: Path) -> None:
    path = tmp_path / "a.fusion"
    saved.save(path)
    assert not saved.conflict

    path.write_text("{}", encoding="utf-8")

    assert saved.conflict
    saved.accept_disk()
    assert not saved.conflict


def test_a_file_that_is_deleted_counts_as_not_saved(
    document: Document, saved: DocumentFile, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "a.fusion"
    saved.save(path)

    with qtbot.waitSignal(saved.failed, timeout=5000) as told:
        path.unlink()

    assert "a.fusion is no longer where it was saved" in told.args[0]
    assert document.is_modified
    qtbot.waitUntil(lambda: len(journals()) == 1, timeout=2000)
    saved.save()
    assert file.load(path) == document.graph
    assert not document.is_modified


def test_keeping_what_is_shown_instead_of_what_the_file_holds_is_a_change_to_be_saved(
    document: Document, saved: DocumentFile, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "a.fusion"
    saved.save(path)
    file.save(edit.remove_nodes(document.graph, {"loose"}), path)
    assert saved.conflict

    saved.accept_disk()

    assert not saved.conflict
    assert document.is_modified
    qtbot.waitUntil(lambda: len(journals()) == 1, timeout=2000)
    saved.save()
    assert file.load(path).node("loose") is not None
