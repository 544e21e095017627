from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QTableView, QToolButton
from pytestqt.qtbot import QtBot

from composite_runtime.events import ChildChanged, ChildState, Log
from fusion_desktop.panels.log import LogPanel
from fusion_desktop.run.log_model import Level, LogModel


@pytest.fixture
def model(qtbot: QtBot) -> LogModel:
    return LogModel()


@pytest.fixture
def panel(qtbot: QtBot, look: None, model: LogModel) -> LogPanel:
    panel = LogPanel(model)
    qtbot.addWidget(panel)
    panel.resize(900, 300)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def say(model: LogModel, *texts: str, source: str = "a", level: str = "info", stream: str | None = None) -> None:
    for text in texts:
        model.append(Log(level=level, source=source, message=text, stream=stream))
    model.flush()


def texts(panel: LogPanel) -> list[str]:
    model = panel.table.model()
    return [str(model.index(row, 3).data()) for row in range(model.rowCount())]


def words_of(panel: LogPanel) -> str:
    return panel.findChildren(QLabel)[-1].text()


def button(panel: LogPanel, words: str) -> QToolButton:
    return next(tool for tool in panel.findChildren(QToolButton) if tool.accessibleName().startswith(words))


def test_an_empty_log_says_what_will_be_here(panel: LogPanel) -> None:
    assert words_of(panel).startswith("Nothing was said yet.")


def test_details_are_hidden_until_they_are_asked_for(panel: LogPanel, model: LogModel) -> None:
    say(model, "detail", level="debug")
    say(model, "news")
    assert texts(panel) == ["news"]
    assert words_of(panel) == "1 of 2 entries; the others are hidden by the filter"

    panel.levels.setCurrentIndex(int(Level.DEBUG))

    assert texts(panel) == ["detail", "news"]


def test_search_shows_what_matches_once_the_user_stops_typing(qtbot: QtBot, panel: LogPanel, model: LogModel) -> None:
    say(model, "apple", "Banana", "cherry")
    qtbot.keyClicks(panel.search, "BAN")

    qtbot.waitUntil(lambda: texts(panel) == ["Banana"])


def test_only_one_node_is_shown_when_it_is_chosen(panel: LogPanel, model: LogModel) -> None:
    model.set_names({"a": "Alpha", "b": "Beta"})
    say(model, "from a")
    say(model, "from b", source="b")

    panel.show_node("b")
    assert texts(panel) == ["from b"]
    assert panel.sources.currentText() == "Beta"

    panel.show_node(None)
    assert texts(panel) == ["from a", "from b"]


def test_a_node_that_said_nothing_yet_can_be_chosen(panel: LogPanel, model: LogModel) -> None:
    panel.show_node("later")
    say(model, "other")
    say(model, "mine", source="later")

    assert texts(panel) == ["mine"]


def test_a_chosen_node_stays_chosen_when_others_appear(panel: LogPanel, model: LogModel) -> None:
    say(model, "from a")
    panel.show_node("a")
    say(model, "from b", source="b")

    assert texts(panel) == ["from a"]


def test_the_list_follows_until_the_user_scrolls_up(qtbot: QtBot, panel: LogPanel, model: LogModel) -> None:
    say(model, *(f"line {number}" for number in range(200)))
    bar = panel.table.verticalScrollBar()
    assert bar.value() == bar.maximum()

    bar.setValue(10)
    say(model, "more")
    assert bar.value() == 10

    bar.setValue(bar.maximum())
    say(model, "and more")
    assert bar.value() == bar.maximum()


def test_paused_the_list_stands_still_and_nothing_is_lost(panel: LogPanel, model: LogModel) -> None:
    say(model, "before")
    panel.pause.click()
    say(model, "meanwhile")
    assert texts(panel) == ["before"]
    assert panel.pause.text() == "Go on"

    panel.pause.click()

    assert texts(panel) == ["before", "meanwhile"]


def test_selected_entries_are_copied_else_all_that_are_shown(qtbot: QtBot, panel: LogPanel, model: LogModel) -> None:
    say(model, "first", "second\nwith two lines")
    button(panel, "Copy").click()
    assert "first\n" in QGuiApplication.clipboard().text()

    panel.table.selectRow(1)
    qtbot.keyClick(panel.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)

    copied = QGuiApplication.clipboard().text()
    assert "second\nwith two lines" in copied
    assert "first" not in copied


def test_what_is_shown_is_saved_as_text(panel: LogPanel, model: LogModel, tmp_path: Path) -> None:
    say(model, "Zürich ☃", stream="stderr")
    panel.save_to(tmp_path / "log.txt")

    assert "a (stderr): Zürich ☃" in (tmp_path / "log.txt").read_text(encoding="utf-8")
    assert "1 entries were written" in words_of(panel)


def test_a_log_that_cannot_be_saved_says_why(panel: LogPanel, model: LogModel, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    panel.save_to(tmp_path / "file" / "log.txt")

    assert "cannot be written" in words_of(panel)


def test_what_a_child_printed_is_marked_as_its_stderr(panel: LogPanel, model: LogModel) -> None:
    say(model, "banner", stream="stderr")

    assert panel.table.model().index(0, 2).data() == "a · stderr"


def test_a_double_click_asks_for_the_node(qtbot: QtBot, panel: LogPanel, model: LogModel) -> None:
    model.append(ChildChanged(node="n1", state=ChildState.FAILED, reason="no"))
    model.flush()

    with qtbot.waitSignal(panel.node_wanted) as signal:
        panel.table.doubleClicked.emit(panel.table.model().index(0, 0))

    assert signal.args == ["n1"]


def test_every_control_has_a_name(panel: LogPanel) -> None:
    for kind in (QLineEdit, QComboBox, QTableView, QToolButton):
        assert all(control.accessibleName() for control in panel.findChildren(kind) if control.isVisible())
