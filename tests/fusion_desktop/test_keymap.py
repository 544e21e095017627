"""Keys: one command each on every platform, refused with a reason, remembered, and given back."""

import pytest

from fusion_desktop.actions import TABLE, commands
from fusion_desktop.app import Program
from fusion_desktop.keymap import Command, Keymap, portable
from fusion_desktop.settings import Settings

COMMANDS = (
    Command("copy", "Copy", "Edit", ("Ctrl+C",), on_canvas=True),
    Command("toggle", "Enable or disable", "Graph", ("D",), on_canvas=True),
    Command("align", "Align left", "Arrange", ("Alt+A, L",), on_canvas=True),
    Command("run", "Run", "Run", ("F5",), on_canvas=False),
)


@pytest.mark.parametrize("platform", ["win32", "linux", "darwin"])
def test_a_key_does_one_thing_wherever_it_is_pressed(platform: str) -> None:
    keymap = Keymap(commands(is_mac=platform == "darwin"))
    for command in keymap.commands:
        without = keymap.with_keys(command.id, ())
        for key in command.keys:
            assert without.why_not(command.id, key) is None, command.id


@pytest.mark.parametrize(
    ("command", "key", "reason"),
    [
        ("toggle", "Ctrl+C", "Ctrl+C is the key of “Copy”"),
        ("toggle", "Alt+A", "Alt+A and Alt+A, L, the key of “Align left”, begin alike"),
        ("run", "R", "R is needed for typing: add Ctrl or Alt"),
        ("run", "Shift+R", "Shift+R is needed for typing: add Ctrl or Alt"),
        ("toggle", "Esc", "Escape always gives up what is under way"),
        ("toggle", "Space", "Space pans the canvas while it is held"),
        ("toggle", "", "This is no key"),
        ("toggle", "D", "It has this key already"),
    ],
)
def test_a_key_that_cannot_be_is_refused_with_the_reason(command: str, key: str, reason: str) -> None:
    assert Keymap(COMMANDS).why_not(command, key) == reason


@pytest.mark.parametrize(
    ("command", "key"), [("toggle", "E"), ("run", "Ctrl+Shift+R"), ("run", "F9"), ("run", "Alt+,")]
)
def test_a_free_key_can_be_had(command: str, key: str) -> None:
    assert Keymap(COMMANDS).why_not(command, key) is None


def test_a_key_that_was_taken_away_is_free() -> None:
    keymap = Keymap(COMMANDS).with_keys("copy", ("Ctrl+Ins",))

    assert keymap.why_not("toggle", "Ctrl+C") is None
    assert keymap.changed == {"copy": ["Ctrl+Ins"]}


def test_reset_gives_back_what_is_still_free() -> None:
    keymap = Keymap(COMMANDS).with_keys("copy", ()).with_keys("toggle", ("Ctrl+C",))

    assert keymap.reset("copy").keys("copy") == ()
    assert keymap.reset("toggle").keys("toggle") == ("D",)
    assert keymap.reset("toggle").reset("copy").keys("copy") == ("Ctrl+C",)
    assert keymap.reset().changed == {}


def test_what_was_stored_by_an_older_table_is_taken_as_far_as_it_fits() -> None:
    keymap = Keymap(COMMANDS, {"gone": ["F7"], "copy": ["F5", "F8"], "run": ["nonsense key"]})

    assert keymap.keys("copy") == ("F8",), "F5 runs"
    assert keymap.keys("run") == ("F5",)


def test_every_key_of_the_table_is_a_key() -> None:
    for spec in TABLE:
        for key in (*spec.keys, *(spec.mac_keys or ())):
            assert portable(key), (spec.id, key)


def test_changed_keys_act_and_are_remembered(program: Program, settings: Settings) -> None:
    window = program.window
    keymap = window.actions_table.keymap.with_keys("graph.toggle", ("Ctrl+Alt+P",))

    window.menus.set_keymap(keymap)

    assert window.actions_table["graph.toggle"].shortcut().toString() == "Ctrl+Alt+P"
    assert "Ctrl+Alt+P" in window.actions_table["graph.toggle"].toolTip()
    assert settings.keys == {"graph.toggle": ["Ctrl+Alt+P"]}


def test_every_panel_has_a_command_and_a_key(program: Program) -> None:
    keymap = program.window.actions_table.keymap

    without = [name for name in program.window.docks if not keymap.keys(f"panel.{name}")]

    assert without == [], "the table of actions needs a line `panel.NAME` for each panel"
