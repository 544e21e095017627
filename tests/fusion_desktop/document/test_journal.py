"""What a program that died has not saved is offered, and what a program that lives edits is left alone."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from composite_runtime import paths
from composite_runtime.graph import edit, file
from fusion_desktop.document.document import Document
from fusion_desktop.document.files import DocumentFile
from fusion_desktop.document.journal import Journal, Recovered, digest, left_behind
from tests.fusion_desktop.graphs import desk, server

_EDITS_AND_WAITS = """
import sys
from pathlib import Path
from PySide6.QtWidgets import QApplication
from composite_runtime.graph import edit
from fusion_desktop.document.document import Document
from fusion_desktop.document.files import DocumentFile
from tests.fusion_desktop.graphs import server
app = QApplication([])
document = Document()
file = DocumentFile(document)
file.open(Path(sys.argv[1]))
document.edit("Add", edit.add_node(document.graph, server("unsaved")))
print("edited", flush=True)
app.exec()
"""


def journals() -> list[Path]:
    return sorted((paths.home() / "recovery").glob("*.json"))


@contextmanager
def editing(path: Path, qtbot: QtBot) -> Iterator[subprocess.Popen[str]]:
    """Run a program that has edited a file and not saved it."""
    command = [sys.executable, "-c", _EDITS_AND_WAITS, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None
            assert program.stdout.readline() == "edited\n"
            began = time.monotonic()
            qtbot.waitUntil(lambda: bool(journals()), timeout=10_000)
            assert time.monotonic() - began < 2
            yield program
        finally:
            program.kill()


@pytest.fixture
def left(tmp_path: Path) -> Recovered:
    """Return what was left behind: a journal that nobody holds any more."""
    path = tmp_path / "a.fusion"
    file.save(desk(), path)
    journal = Journal()
    journal.write(edit.add_node(desk(), server("unsaved")), path, digest(path.read_text(encoding="utf-8")))
    (held,) = journals()
    kept = held.read_text(encoding="utf-8")
    journal.drop()
    held.write_text(kept, encoding="utf-8")
    (found,) = left_behind()
    return found


@pytest.fixture
def saved(document: Document) -> DocumentFile:
    return DocumentFile(document)


def test_what_a_killed_program_had_not_saved_is_offered_and_at_most_two_seconds_old(
    document: Document, saved: DocumentFile, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "a.fusion"
    file.save(desk(), path)
    with editing(path, qtbot):
        pass  # it is killed
    (left,) = left_behind()
    assert left.path == path
    assert left.graph.node("unsaved") is not None
    assert file.load(path).node("unsaved") is None, "the file itself is as it was saved"

    saved.restore(left)

    assert document.node("unsaved") is not None
    assert document.is_modified
    assert saved.path == path
    assert not saved.conflict
    assert list(left_behind()) == []
    saved.close()
    assert list((paths.home() / "recovery").iterdir()) == []


def test_what_a_program_that_lives_edits_is_not_offered(tmp_path: Path, qtbot: QtBot) -> None:
    path = tmp_path / "a.fusion"
    file.save(desk(), path)

    with editing(path, qtbot):
        assert list(left_behind()) == []


def test_what_this_program_edits_is_not_offered(document: Document, saved: DocumentFile, qtbot: QtBot) -> None:
    document.edit("Add", edit.add_node(document.graph, server("new")))
    qtbot.waitUntil(lambda: len(journals()) == 1, timeout=2000)

    assert list(left_behind()) == []


def test_another_process_with_the_number_of_the_dead_one_hides_nothing(left: Recovered) -> None:
    record = json.loads(left.journal.read_text(encoding="utf-8"))
    left.journal.write_text(json.dumps({**record, "pid": os.getppid()}), encoding="utf-8")

    assert [found.graph for found in left_behind()] == [left.graph]


@pytest.mark.skipif(sys.platform == "win32", reason="a disk that is full is played by a limit of POSIX")
def test_what_cannot_be_written_again_is_not_forgotten(
    document: Document, saved: DocumentFile, left: Recovered, qtbot: QtBot
) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))
    try:
        with qtbot.waitSignal(saved.failed, timeout=2000):
            saved.restore(left)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert document.node("unsaved") is not None
    assert [found.graph for found in left_behind()] == [left.graph]


def test_a_file_that_changed_since_the_crash_is_a_conflict(
    saved: DocumentFile, left: Recovered, tmp_path: Path
) -> None:
    file.save(edit.remove_nodes(desk(), {"loose"}), tmp_path / "a.fusion")

    saved.restore(left)

    assert saved.conflict


def test_a_file_that_cannot_be_read_any_more_does_not_stand_in_the_way(
    document: Document, saved: DocumentFile, left: Recovered, tmp_path: Path
) -> None:
    (tmp_path / "a.fusion").write_bytes(b"\xff\xfe\xff")

    saved.restore(left)

    assert document.node("unsaved") is not None
    assert saved.conflict


def test_a_broken_journal_is_passed_over(tmp_path: Path) -> None:
    folder = paths.home() / "recovery"
    folder.mkdir(parents=True)
    (folder / "1-a.json").write_text("{", encoding="utf-8")
    (folder / "1-b.json").write_text('{"pid": 1}', encoding="utf-8")

    assert list(left_behind()) == []
    assert len(journals()) == 2
