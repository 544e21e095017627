"""The window: what is bound, what is guarded, what is shown."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from composite_runtime import paths
from composite_runtime.graph import edit, file
from composite_runtime.graph.edit import new_graph
from composite_runtime.graph.model import Box, Graph, HttpTransport, ServerNode
from fusion_desktop.actions import TABLE, keys_of
from fusion_desktop.app import Program
from fusion_desktop.canvas.overlay import NoteEdit
from fusion_desktop.document.journal import Journal, Recovered, left_behind
from fusion_desktop.menu_table import CONTEXT_MENUS, MENUS, TOOLBAR
from fusion_desktop.panels.palette import Palette
from tests.fusion_desktop.graphs import desk, graph, server


@pytest.fixture
def asked(program: Program) -> Callable[[], QMessageBox]:
    """Return a function that finds the open question."""

    def find() -> QMessageBox:
        boxes = [box for box in program.window.findChildren(QMessageBox) if box.isVisible()]
        assert len(boxes) == 1
        return boxes[0]

    return find


def answer(box: QMessageBox, words: str) -> None:
    next(button for button in box.buttons() if button.text() == words).click()


def edited(program: Program) -> Graph:
    program.document.edit("Add", edit.add_node(program.document.graph, server("new"), Box(x=900, y=0)))
    return program.document.graph


def test_every_action_of_the_table_does_something(program: Program) -> None:
    from PySide6.QtCore import SIGNAL

    silent = [a.objectName() for a in program.window.actions_table if not a.receivers(SIGNAL("triggered(bool)"))]
    assert silent == []


def test_menus_and_toolbar_name_only_actions_that_exist() -> None:
    known = {spec.id for spec in TABLE}
    named = [name for _, names in MENUS for name in names] + [
        *TOOLBAR,
        *(n for ns in CONTEXT_MENUS.values() for n in ns),
    ]

    assert {name for name in named if name and not name.startswith("*")} <= known


@pytest.mark.parametrize("is_mac", [False, True])
def test_no_two_actions_share_a_key(is_mac: bool) -> None:
    seen: dict[str, str] = {}
    for spec in TABLE:
        for key in keys_of(spec, is_mac=is_mac):
            text = QKeySequence(key).toString()
            assert text, f"{spec.id} has a key that is none: {key}"
            assert text not in seen, f"{spec.id} and {seen.get(text)} share {text}"
            seen[text] = spec.id


def test_single_letters_act_only_on_the_canvas() -> None:
    for spec in TABLE:
        if any("+" not in key and len(key) == 1 for key in spec.keys):
            assert spec.scope == "canvas", spec.id


def test_typing_in_a_field_is_typing(program: Program) -> None:
    program.document.load(desk())
    program.window.scene.select(["loose"])
    program.window.catalogue.search.setFocus()

    QTest.keyClicks(program.window.catalogue.search, "dfb")
    QTest.keyClick(program.window.catalogue.search, Qt.Key.Key_Backspace)

    assert program.window.catalogue.search.text() == "df"
    assert program.document.undo_stack.count() == 0


def test_keys_act_on_the_canvas_that_has_the_focus(program: Program, qtbot: QtBot) -> None:
    program.document.load(desk())
    window = program.window
    window.activateWindow()
    window.view.setFocus()
    window.scene.select(["loose"])
    qtbot.waitUntil(lambda: window.actions_table["edit.delete"].isEnabled() and window.view.hasFocus())

    QTest.keyClick(window.view, Qt.Key.Key_Delete)

    assert program.document.node("loose") is None
    assert program.document.undo_stack.undoText() == "Delete Loose"


def test_a_node_dragged_onto_the_canvas_is_followed_by_title_and_history(program: Program) -> None:
    assert not program.window.isWindowModified()

    edited(program)

    assert program.window.isWindowModified()
    assert program.window.actions_table["edit.undo"].text() == "Undo Add"


def test_an_empty_canvas_says_what_to_do_and_falls_silent_with_the_first_node(program: Program) -> None:
    assert program.window.welcome.isVisible()

    program.window.welcome.composite.click()

    assert not program.window.welcome.isVisible()
    assert [node.name for node in program.document.graph.nodes] == ["Composite"]


def test_an_empty_canvas_makes_way_for_a_note(program: Program, qtbot: QtBot) -> None:
    writing_a_note(program, "Plan", qtbot)

    assert not program.window.welcome.isVisible()
    field = program.window.findChild(NoteEdit)
    assert field is not None
    assert not field.visibleRegion().isEmpty()
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert not program.window.welcome.isVisible()


def test_the_example_opens_as_a_graph_of_its_own(program: Program) -> None:
    program.window.welcome.example.click()

    assert program.file.path is None
    assert program.document.graph.nodes
    assert not program.document.is_modified


# Files


def test_what_is_saved_is_what_is_opened(program: Program, tmp_path: Path) -> None:
    program.document.load(desk())
    graph = edited(program)

    program.file.save(tmp_path / "a.fusion")

    assert not program.window.isWindowModified()
    assert program.window.windowTitle().startswith("a.fusion")
    program.file.new()
    program.window.filing.open(tmp_path / "a.fusion")
    assert file.dumps(program.document.graph) == (tmp_path / "a.fusion").read_text(encoding="utf-8")
    assert {node.id for node in program.document.graph.nodes} == {node.id for node in graph.nodes}
    assert program.settings.recent == [tmp_path / "a.fusion"]


def test_a_file_that_cannot_be_opened_changes_nothing_and_says_why(program: Program, tmp_path: Path) -> None:
    program.document.load(desk())
    before = program.document.graph
    (tmp_path / "bad.fusion").write_text("{", encoding="utf-8")

    program.window.filing.open(tmp_path / "bad.fusion")

    assert program.document.graph is before
    assert "bad.fusion" in program.window.banner.text
    assert program.window.banner.isVisible()


def test_closing_with_unsaved_changes_asks_and_cancel_stays(program: Program, asked: Callable[[], QMessageBox]) -> None:
    edited(program)

    program.window.close()
    answer(asked(), "Cancel")

    assert program.window.isVisible()
    assert program.document.is_modified


def test_closing_without_saving_closes(program: Program, asked: Callable[[], QMessageBox], qtbot: QtBot) -> None:
    edited(program)

    program.window.close()
    with qtbot.waitSignal(program.window.closed):
        answer(asked(), "Don’t save")


def test_closing_with_saving_saves_first(
    program: Program, asked: Callable[[], QMessageBox], qtbot: QtBot, tmp_path: Path
) -> None:
    program.file.save(tmp_path / "a.fusion")
    edited(program)

    program.window.close()
    with qtbot.waitSignal(program.window.closed):
        answer(asked(), "Save")

    assert file.load(tmp_path / "a.fusion").node("new") is not None


def writing_a_note(program: Program, words: str, qtbot: QtBot) -> None:
    program.window.actions_table["graph.note"].trigger()
    field = program.window.findChild(NoteEdit)
    assert field is not None
    qtbot.waitUntil(field.hasFocus)
    QTest.keyClicks(field, words)


def test_what_is_still_being_typed_is_saved_as_well(program: Program, tmp_path: Path, qtbot: QtBot) -> None:
    program.document.load(desk())
    program.file.save(tmp_path / "a.fusion")
    writing_a_note(program, "not done yet", qtbot)

    program.window.actions_table["file.save"].trigger()

    assert "not done yet" in (tmp_path / "a.fusion").read_text(encoding="utf-8")
    program.window.scene.select(["loose"])
    name = program.window.properties.node_page.name
    qtbot.waitUntil(name.isVisible)
    name.setFocus()
    name.selectAll()
    QTest.keyClicks(name, "Lathe")

    program.window.actions_table["file.save"].trigger()

    assert "Lathe" in (tmp_path / "a.fusion").read_text(encoding="utf-8")


def test_closing_in_the_midst_of_typing_asks_first(
    program: Program, asked: Callable[[], QMessageBox], tmp_path: Path, qtbot: QtBot
) -> None:
    program.document.load(desk())
    program.window.scene.select(["loose"])
    name = program.window.properties.node_page.name
    qtbot.waitUntil(name.isVisible)
    name.setFocus()
    name.selectAll()
    QTest.keyClicks(name, "Lathe")
    assert not program.document.is_modified

    program.window.close()
    answer(asked(), "Cancel")

    assert program.window.isVisible()
    node = program.document.node("loose")
    assert node is not None
    assert node.name == "Lathe"


def test_saving_for_the_first_time_asks_where(program: Program) -> None:
    edited(program)

    program.window.actions_table["file.save"].trigger()

    dialogs = [d for d in program.window.findChildren(QFileDialog) if d.isVisible()]
    assert len(dialogs) == 1
    dialogs[0].close()


def test_a_file_changed_by_another_program_is_noticed_and_can_be_loaded(
    program: Program, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "a.fusion"
    program.document.load(desk())
    program.file.save(path)

    with qtbot.waitSignal(program.file.changed_on_disk, timeout=5000):
        file.save(edit.remove_nodes(program.document.graph, {"loose"}), path)

    assert "changed by another program" in program.window.banner.text
    press(program.window.banner, "Load what it holds now")
    assert program.document.node("loose") is None


def test_saving_over_foreign_changes_asks_first(
    program: Program, tmp_path: Path, asked: Callable[[], QMessageBox]
) -> None:
    path = tmp_path / "a.fusion"
    program.file.save(path)
    edited(program)
    foreign = path.read_text(encoding="utf-8").replace("Untitled", "Foreign")
    path.write_text(foreign, encoding="utf-8")

    program.window.filing.save()

    answer(asked(), "Cancel")
    assert path.read_text(encoding="utf-8") == foreign


def left_behind_by_another(program: Program, name: str, qtbot: QtBot) -> Recovered:
    """Let a program that is gone have left a graph that was never saved."""
    journal = Journal()
    journal.write(new_graph(name).but(nodes=(server(name.lower()),)), None, None)
    (path,) = (one for one in (paths.home() / "recovery").glob("*.json") if name in one.read_text(encoding="utf-8"))
    kept = path.read_text(encoding="utf-8")
    journal.drop()
    path.write_text(kept, encoding="utf-8")
    return next(found for found in left_behind() if found.graph.name == name)


def test_restoring_after_a_crash_asks_what_shall_become_of_unsaved_changes(
    program: Program, asked: Callable[[], QMessageBox], qtbot: QtBot
) -> None:
    left_behind_by_another(program, "Lost", qtbot)
    program.offer_recovery()
    edited(program)

    press(program.window.banner, "Restore them")
    assert program.document.node("new") is not None
    answer(asked(), "Cancel")
    assert program.document.node("new") is not None

    program.offer_recovery()
    press(program.window.banner, "Restore them")
    answer(asked(), "Don’t save")
    assert program.document.node("lost") is not None
    assert program.document.is_modified
    assert list(left_behind()) == []


def test_what_is_discarded_after_a_crash_makes_way_for_what_else_was_left(program: Program, qtbot: QtBot) -> None:
    for name in ("First", "Second"):
        left_behind_by_another(program, name, qtbot)
    program.offer_recovery()
    assert "Second" in program.window.banner.text

    press(program.window.banner, "Discard them")

    assert "First" in program.window.banner.text
    press(program.window.banner, "Discard them")
    assert not program.window.banner.isVisible()
    assert list((paths.home() / "recovery").iterdir()) == []


def test_unsaved_changes_stay_safe_when_the_file_that_was_to_be_opened_cannot_be(
    program: Program, asked: Callable[[], QMessageBox], qtbot: QtBot, tmp_path: Path
) -> None:
    edited(program)
    recovery = paths.home() / "recovery"
    qtbot.waitUntil(lambda: len(list(recovery.glob("*.json"))) == 1, timeout=3000)

    program.window.filing.open(tmp_path / "missing.fusion")
    answer(asked(), "Don’t save")

    assert program.document.node("new") is not None
    assert program.document.is_modified
    assert len(list(recovery.glob("*.json"))) == 1


def press(parent: QWidget, words: str) -> None:
    # The last one: those of an earlier message go a little later.
    [button for button in parent.findChildren(QPushButton) if button.text() == words][-1].click()


# Panels


def test_selecting_a_node_shows_its_properties(program: Program, qtbot: QtBot) -> None:
    program.document.load(desk())

    program.window.scene.select(["loose"])

    qtbot.waitUntil(lambda: program.window.properties.node_page.name.isVisible())
    assert program.window.properties.node_page.name.text() == "Loose"


def test_a_double_click_in_the_catalogue_adds_a_server(program: Program) -> None:
    catalogue = program.window.catalogue
    catalogue.search.setText("time zone")
    QTest.keyClick(catalogue.search, Qt.Key.Key_Return)

    (node,) = program.document.graph.nodes
    assert isinstance(node, ServerNode)
    assert node.name == "Time"


def test_a_problem_leads_to_its_node(program: Program, qtbot: QtBot) -> None:
    program.document.load(desk())
    problems = program.window.problems
    qtbot.waitUntil(lambda: problems.list.model().rowCount() == 1)
    assert "1 warning" in program.window.footer.problems.text()

    problems.list.clicked.emit(problems.list.model().index(0, 0))

    assert program.window.scene.selected_nodes() == ["loose"]


def test_entering_a_composite_shows_its_inside_and_the_way_back(program: Program) -> None:
    program.document.load(desk())
    window = program.window
    window.view.zoom(0.7)
    before = window.view.transform(), window.view.mapToScene(0, 0)
    window.scene.select(["box"])

    window.editing.enter("box")
    assert window.crumbs.isVisible()
    loose = window.scene.item("loose")
    assert loose is not None
    assert not loose.isVisible()

    window.editing.leave()
    assert not window.crumbs.isVisible()
    assert loose.isVisible()
    assert window.view.transform() == before[0]


def test_the_palette_finds_and_does_a_command(program: Program, qtbot: QtBot) -> None:
    window = program.window
    window.actions_table["help.palette"].trigger()
    palette = window.findChild(Palette)
    assert palette is not None
    qtbot.waitUntil(palette.search.hasFocus)

    QTest.keyClicks(palette.search, "new comp")
    QTest.keyClick(palette.search, Qt.Key.Key_Return)

    assert [node.name for node in program.document.graph.nodes] == ["Composite"]
    assert not palette.isVisible()


def test_what_was_added_last_is_offered_first(program: Program, qtbot: QtBot) -> None:
    window = program.window
    palette = window.findChild(Palette)
    assert palette is not None

    def first() -> str:
        window.actions_table["graph.add"].trigger()
        qtbot.waitUntil(palette.search.hasFocus)
        return str(palette.list.model().index(0, 0).data())

    assert first() == "Composite"
    QTest.keyClicks(palette.search, "Text measure")
    QTest.keyClick(palette.search, Qt.Key.Key_Return)
    assert [node.name for node in program.document.graph.nodes] == ["Text"]

    assert first() == "Text"
    assert palette.list.model().index(1, 0).data() == "Composite"


def test_a_wire_dropped_on_nothing_offers_a_composite_and_connects_it(program: Program, qtbot: QtBot) -> None:
    program.document.load(desk())
    window = program.window
    window.view.wire_dropped.emit("loose", False, QPointF(300, 600))
    palette = window.findChild(Palette)
    assert palette is not None
    qtbot.waitUntil(palette.search.hasFocus)

    QTest.keyClick(palette.search, Qt.Key.Key_Return)

    assert [edge.target for edge in program.document.graph.memberships("loose")] == ["composite"]
    assert program.document.undo_stack.count() == 1


def test_copy_and_paste_go_through_text(program: Program) -> None:
    program.document.load(desk())
    window = program.window
    window.scene.select(["box"])
    window.editing.copy()
    assert '"inner"' in QGuiApplication.clipboard().text()

    window.arrivals.paste()

    assert {node.name for node in program.document.graph.nodes} >= {"Box 2", "Inner 2"}
    assert program.document.undo_stack.count() == 1
    QGuiApplication.clipboard().clear()


def test_what_cannot_be_pasted_is_refused_with_words(program: Program) -> None:
    QGuiApplication.clipboard().setText("two plain words, no more")

    program.window.arrivals.paste()

    assert "no configuration, command, link or URL" in program.window.banner.text
    QGuiApplication.clipboard().clear()


# Access


def focusable(window: QWidget) -> list[QWidget]:
    return [
        widget
        for widget in window.findChildren(QWidget)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not isinstance(widget, QLabel)
        # The list of a combo box is a window of Qt's own.
        and widget.window() is window
    ]


def test_every_control_has_an_accessible_name(program: Program) -> None:
    from PySide6.QtGui import QAccessible

    program.document.load(desk())
    nameless = []
    for widget in focusable(program.window):
        interface = QAccessible.queryAccessibleInterface(widget)
        if not interface.text(QAccessible.Text.Name):
            nameless.append(f"{type(widget).__name__} {widget.objectName()} in {type(widget.parent()).__name__}")
    assert not nameless, "\n".join(nameless)


def test_the_window_remembers_its_panels(program: Program, qtbot: QtBot) -> None:
    window = program.window
    window.focus.show("history")
    window.document.undo_stack.setClean()
    with qtbot.waitSignal(window.closed):
        window.close()

    geometry, state = program.settings.window()
    assert not geometry.isEmpty()
    assert not state.isEmpty()


def test_another_theme_changes_colours_and_nothing_else(program: Program) -> None:
    program.document.load(desk())
    window = program.window
    QApplication.processEvents()
    sizes = [(w.geometry().width(), w.geometry().height()) for w in (window.catalogue, window.view, window.log_panel)]
    QApplication.processEvents()

    window.menus.set_mode("dark")
    QApplication.processEvents()

    assert [
        (w.geometry().width(), w.geometry().height()) for w in (window.catalogue, window.view, window.log_panel)
    ] == sizes
    assert window.palette().window().color().lightness() < 60
    window.menus.set_mode("light")


@pytest.mark.parametrize("action", ["run.log", "run.traffic", "run.doctor", "run.drift", "run.sign_in", "run.sign_out"])
def test_a_command_for_one_node_does_nothing_when_none_is_selected_any_more(
    program: Program, qtbot: QtBot, action: str
) -> None:
    remote = ServerNode(id="far", name="Far", transport=HttpTransport(url="https://example.test/mcp"))
    program.document.load(graph((remote, (0, 0))))
    program.window.scene.select(["far"])
    qtbot.waitUntil(program.window.actions_table[action].isEnabled)

    program.window.scene.select()
    with qtbot.captureExceptions() as broken:
        program.window.actions_table[action].trigger()

    assert broken == []
