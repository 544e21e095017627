"""Preferences: a choice takes effect at once, and a key is given by pressing it."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from fusion_desktop import theme
from fusion_desktop.actions import commands
from fusion_desktop.dialogs.preferences import Preferences
from fusion_desktop.keymap import Keymap


@pytest.fixture
def dialog(qtbot: QtBot, qapp: object) -> Preferences:
    theme.apply("light")
    dialog = Preferences("dark", "stdio", Keymap(commands(is_mac=False)))
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.tabs.setCurrentWidget(dialog.keys)
    dialog.show()
    qtbot.waitExposed(dialog)
    return dialog


def press(dialog: Preferences, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    dialog.keys.field.setFocus()
    QTest.keyClick(dialog.keys.field, key, modifiers)


def test_it_shows_what_is_chosen_and_tells_each_choice(dialog: Preferences) -> None:
    told: list[str] = []
    dialog.mode_chosen.connect(told.append)
    dialog.transport_chosen.connect(told.append)
    assert (dialog.mode.currentText(), dialog.transport.currentText()) == ("Dark", "stdio")

    dialog.mode.setCurrentIndex(dialog.mode.findData("contrast"))
    dialog.transport.setCurrentIndex(dialog.transport.findData("http"))

    assert told == ["contrast", "http"]


def test_whether_commands_are_shown_first_is_a_choice(dialog: Preferences) -> None:
    told: list[bool] = []
    dialog.first_start_chosen.connect(told.append)
    assert dialog.first_start.isChecked()

    dialog.first_start.click()

    assert told == [False]


def test_a_pressed_key_is_given_to_the_selected_command(dialog: Preferences) -> None:
    told: list[Keymap] = []
    dialog.keymap_chosen.connect(told.append)
    dialog.keys.choose("graph.toggle")

    press(dialog, Qt.Key.Key_F8)
    assert dialog.keys.verdict.text() == "F8 is free."
    dialog.keys.add.click()

    assert told[-1].keys("graph.toggle") == ("D", "F8")
    assert dialog.keys.reset.isEnabled()
    dialog.keys.reset.click()
    assert told[-1].changed == {}


def test_a_taken_key_is_refused_and_says_whose_it_is(dialog: Preferences) -> None:
    dialog.keys.choose("graph.toggle")

    press(dialog, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)

    assert dialog.keys.verdict.text() == "Ctrl+C is the key of “Copy”."
    assert not dialog.keys.add.isEnabled()
    assert not dialog.keys.replace.isEnabled()


def test_all_keys_can_be_reset_and_typing_finds_a_command(dialog: Preferences) -> None:
    dialog.keys.choose("edit.copy")
    dialog.keys.remove.click()
    assert dialog.keys.keymap.keys("edit.copy") == ()

    dialog.keys.reset_all.click()
    dialog.keys.search.setText("ctrl+g")

    assert dialog.keys.keymap.changed == {}
    shown = {name for name, item in dialog.keys._items.items() if not item.isHidden()}
    assert shown == {"graph.group"}
    assert dialog.findChildren(QLabel)
