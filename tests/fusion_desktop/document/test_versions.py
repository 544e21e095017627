"""Earlier versions are found by time, told apart in words, and restored as one step."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from composite_runtime.graph import edit
from composite_runtime.graph.model import Box, Note
from fusion_desktop.app import Program
from fusion_desktop.dialogs.versions import VersionsDialog
from fusion_desktop.document import changes, marks
from fusion_desktop.document.versions import Version, difference, versions_of
from tests.fusion_desktop.graphs import desk, server


def test_what_restoring_would_do_is_said_in_words() -> None:
    then = desk()
    now = changes.renamed(edit.remove_nodes(then, {"loose"}), "inner", "Within")
    now = marks.enabled(edit.add_node(now, server("new"), then.layout["inner"]), ["box"], False)

    assert difference(now, then) == [
        "Brings back Loose",
        "Removes New",
        "Renames Within to Inner",
        "Changes the settings of Box",
    ]
    assert difference(then, then) == []


def test_moves_and_connections_are_counted() -> None:
    then = desk()
    now = edit.connect(changes.moved(then, ["inner"], (20.0, 0.0), "box"), "loose", "box")

    assert difference(now, then) == ["Disconnects 1 pair", "Moves 1 node"]


def test_the_time_is_said_as_people_say_it() -> None:
    noon = datetime.now().astimezone().replace(hour=12, minute=0, second=0)

    def words(ago: timedelta) -> str:
        return Version(Path("x"), (noon - ago).astimezone(UTC)).words(noon)

    assert words(timedelta()) == "Until today, 12:00:00"
    assert words(timedelta(days=1)) == "Until yesterday, 12:00:00"
    assert words(timedelta(days=400)).startswith("Until ")


def test_every_save_keeps_what_was_there_and_one_step_brings_it_back(program: Program, tmp_path: Path) -> None:
    program.document.load(desk())
    program.file.save(tmp_path / "a.fusion")
    saved = program.document.graph
    program.window.scene.select(["loose"])
    program.window.editing.delete()
    program.file.save()
    after = program.document.graph

    (version,) = versions_of(saved.id)
    program.window.restoring.restore(version)

    assert program.document.graph == saved
    assert program.document.is_modified
    program.document.undo_stack.undo()
    assert program.document.graph == after


def test_the_dialog_shows_a_version_and_restores_it(program: Program, tmp_path: Path) -> None:
    program.document.load(desk())
    program.file.save(tmp_path / "a.fusion")
    program.window.scene.select(["loose"])
    program.window.editing.delete()
    program.file.save()

    program.window.actions_table["file.versions"].trigger()
    dialog = program.window.findChild(VersionsDialog)
    assert dialog is not None
    assert dialog._facts.text() == "Brings back Loose"
    assert not dialog.preview.image.isNull()
    dialog.restore.click()

    assert program.document.node("loose") is not None
    assert program.document.undo_stack.undoText().startswith("Restore the version of today")


def test_a_version_that_cannot_be_read_says_so_and_cannot_be_restored(program: Program, tmp_path: Path) -> None:
    program.document.load(desk())
    program.file.save(tmp_path / "a.fusion")
    program.window.editing.add_composite()
    program.file.save()
    (version,) = versions_of(program.document.graph.id)
    version.path.write_text("{", encoding="utf-8")

    program.window.actions_table["file.versions"].trigger()

    dialog = program.window.findChild(VersionsDialog)
    assert dialog is not None
    assert dialog._facts.property("role") == "error"
    assert not dialog.restore.isEnabled()
    dialog.reject()


def test_without_versions_the_dialog_says_how_they_come(program: Program) -> None:
    program.window.actions_table["file.versions"].trigger()

    dialog = program.window.findChild(VersionsDialog)
    assert dialog is not None
    assert "none yet" in dialog._facts.text()
    dialog.reject()


def test_restoring_other_frames_and_notes_is_said_too() -> None:
    then = desk()
    now = edit.add_annotation(then, Note(id="note", text="Why"), Box(x=0, y=0))

    assert difference(now, then) == ["Changes frames and notes"]
