"""What each kind of field looks like and does under the hands of a user, row by row of what JSON Schema knows."""

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from fusion_desktop import theme
from fusion_desktop.inspector.groups import ListEditor
from fusion_desktop.inspector.schema_form import SchemaForm
from fusion_desktop.inspector.slots import Slot
from fusion_desktop.inspector.values import DraftError, json_text, parse_json, parse_number
from tests.fusion_desktop.inspector import test_schema_form
from tests.fusion_desktop.inspector.test_schema_form import field_of, slot_of

POINT = {"type": "object", "required": ["x"], "properties": {"x": {"type": "number"}, "y": {"type": "number"}}}
ENDLESS = {"$ref": "https://example.org/schema.json"}


@pytest.fixture(autouse=True)
def dressed(qtbot: QtBot) -> Iterator[None]:
    theme.apply("light")
    yield
    QGuiApplication.clipboard().clear()


def settle() -> None:
    """Let Qt delete what was replaced and lay out what is new."""
    test_schema_form.settle()
    QApplication.processEvents()


def form_of(qtbot: QtBot, schema: dict[str, Any], *, is_required: bool = False) -> SchemaForm:
    form = SchemaForm({"type": "object", "properties": {"v": schema}, "required": ["v"] if is_required else []})
    qtbot.addWidget(form)
    form.resize(420, 600)
    form.show()
    settle()
    return form


def named(form: QWidget, kind: type[QWidget], name: str) -> Any:
    settle()
    return next(child for child in form.findChildren(kind) if child.accessibleName() == name and child.isVisible())


def pressed(form: QWidget, words: str) -> None:
    settle()
    next(button for button in form.findChildren(QPushButton) if button.text() == words and button.isVisible()).click()


def chip(form: SchemaForm, name: str = "v") -> str:
    return str(slot_of(form, name)._chip.text())


def menu_of(form: SchemaForm, name: str = "v") -> QMenu:
    menu = slot_of(form, name)._menu
    menu.aboutToShow.emit()
    return menu


def chosen(form: SchemaForm, words: str, name: str = "v") -> None:
    next(action for action in menu_of(form, name).actions() if action.text() == words).trigger()
    settle()


def words_in(form: QWidget) -> str:
    settle()
    return "\n".join(label.text() for label in form.findChildren(QLabel) if label.isVisible())


@pytest.mark.parametrize("held", [Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier])
def test_enter_makes_room_for_another_line_of_text(qtbot: QtBot, held: Qt.KeyboardModifier) -> None:
    form = form_of(qtbot, {"type": "string"})
    area = field_of(form, QPlainTextEdit)
    before = area.height()
    qtbot.keyClicks(area, "one")
    qtbot.keyClick(area, Qt.Key.Key_Return, held)
    qtbot.keyClicks(area, "two")

    assert area.height() > before
    assert form.reading().value == {"v": "one\ntwo"}


def test_a_pattern_that_is_not_met_is_shown(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": "string", "pattern": "^[a-z]+$"})
    qtbot.keyClicks(field_of(form, QPlainTextEdit), "ABC")
    form.show_faults()

    assert "Must match the pattern ^[a-z]+$" in words_in(form)


@pytest.mark.parametrize(
    ("form", "texts"),
    [
        ("date", ["20261120", "2026-W47-5", "2026-02-30", "26-1-1"]),
        ("time", ["14", "14:30", "1430", "25:00:00Z"]),
        ("date-time", ["2026-11-20 14:30:00Z", "2026-11-20T14:30:00", "20261120T143000Z"]),
        ("uuid", ["{c0ffee00-0000-4000-8000-000000000001}", "c0ffee00000040008000000000000001", "urn:uuid:x"]),
        ("hostname", ["-a.org", "a..b", "a_b", "x" * 64, ""]),
        ("ipv4", ["1.2.3", "01.2.3.4"]),
        ("uri", ["//host", "http://[::1"]),
    ],
)
def test_a_format_means_what_its_standard_says(qtbot: QtBot, form: str, texts: list[str]) -> None:
    shown = form_of(qtbot, {"type": "string", "format": form})
    for text in texts:
        shown.write({"v": text})
        assert [fault.message for fault in shown.reading().faults] == [f"Is no {form}."], text


@pytest.mark.parametrize(
    ("form", "texts"),
    [
        ("date", ["2024-02-29"]),
        ("time", ["14:30:00", "14:30:00.123456789Z", "23:59:60Z"]),
        ("date-time", ["2026-11-20t14:30:00z", "2016-12-31T23:59:60Z", "2026-11-20T14:30:00.5+02:00"]),
        ("uuid", ["C0FFEE00-0000-4000-8000-000000000001"]),
        ("hostname", ["localhost", "a-b.example", "1.de"]),
    ],
)
def test_whatever_a_standard_allows_may_be_sent(qtbot: QtBot, form: str, texts: list[str]) -> None:
    shown = form_of(qtbot, {"type": "string", "format": form})
    for text in texts:
        shown.write({"v": text})
        assert shown.reading().faults == (), text


def test_a_password_is_not_shown_while_it_is_typed(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": "string", "format": "password"})
    line = field_of(form, QLineEdit)
    qtbot.keyClicks(line, "open sesame")
    assert form.reading().value == {"v": "open sesame"}
    assert line.displayText() == "●" * 11

    named(form, QToolButton, "Show what is typed").click()
    assert line.displayText() == "open sesame"


@pytest.mark.parametrize(
    "text", ["3.14159265358979323846", "1e-400", "123456789012345678901.0", "0e-99999999999999999999"]
)
def test_a_number_that_would_arrive_as_another_is_refused(qtbot: QtBot, text: str) -> None:
    form = form_of(qtbot, {"type": "number"})
    field_of(form, QLineEdit).insert(text)
    assert ["exactly" in fault.message for fault in form.reading().faults] == [True]

    form.show_json()
    form._area.setPlainText(f'{{"v": {text}}}')
    assert ["exactly" in fault.message for fault in form.reading().faults] == [True]


@pytest.mark.parametrize("text", ["-0", "-0.0", "1E5", "1.50", "0.1", "1e22", "1180591620717411303424"])
def test_a_number_keeps_its_sign_and_its_value_on_both_sides(qtbot: QtBot, text: str) -> None:
    assert repr(parse_json(text)) == repr(parse_number(text))
    assert repr(parse_json(json_text(parse_json(text)))) == repr(parse_json(text))


def test_a_number_with_more_digits_than_can_be_read_is_refused() -> None:
    with pytest.raises(DraftError, match="digits"):
        parse_number("9" * 10_000)
    with pytest.raises(DraftError, match="digits"):
        parse_json("9" * 10_000)


def test_a_switch_has_three_states_while_it_is_optional(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": "boolean"})
    box = field_of(form, QComboBox)
    assert (form.reading().value, chip(form)) == ({}, "not set")
    for text, value in (("false", False), ("true", True)):
        box.setCurrentText(text)
        assert form.reading().value == {"v": value}

    chosen(form, "Leave out")
    assert (form.reading().value, chip(form)) == ({}, "not set")


def test_choices_are_called_by_their_titles_and_kept_with_their_types(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"enum": [1, "1", 2.5, False], "enumNames": ["One", None, "Two and a half", "No"]})
    box = field_of(form, QComboBox)
    assert [box.itemText(n) for n in range(box.count())] == ["One", '"1"', "Two and a half", "No"]
    for position, value in enumerate([1, "1", 2.5, False]):
        box.setCurrentIndex(position)
        assert repr(form.reading().value) == repr({"v": value})

    titled = form_of(qtbot, {"oneOf": [{"const": "r", "title": "Red"}, {"const": None, "title": "None of them"}]})
    box = field_of(titled, QComboBox)
    assert [box.itemText(n) for n in range(box.count())] == ["Red", "None of them"]
    box.setCurrentIndex(1)
    assert titled.reading().value == {"v": None}


@pytest.mark.parametrize("value", [5, "five", None, True, {"a": [1]}])
def test_what_can_only_be_one_thing_is_shown_and_cannot_be_changed(qtbot: QtBot, value: Any) -> None:
    form = form_of(qtbot, {"const": value}, is_required=True)
    line = field_of(form, QLineEdit)
    assert line.isReadOnly()
    assert form.reading().value == {"v": value}
    assert form.reading().faults == ()

    optional = form_of(qtbot, {"const": value})
    assert optional.reading().value == {}
    pressed(optional, "Set")
    assert optional.reading().value == {"v": value}
    chosen(optional, "Leave out")
    assert optional.reading().value == {}


def test_the_chip_tells_unset_null_and_empty_apart_and_its_menu_changes_between_them(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": ["string", "null"]})
    found = [(chip(form), form.reading().value)]
    for words in ("Set to null", "Set to empty text", "Leave out"):
        chosen(form, words)
        found.append((chip(form), form.reading().value))

    assert found == [("not set", {}), ("null", {"v": None}), ("empty", {"v": ""}), ("not set", {})]


def test_a_default_is_dimmed_until_it_is_changed_and_comes_back_at_a_click(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": "string", "default": "abc"})
    area = field_of(form, QPlainTextEdit)
    dimmed = area.palette().color(area.foregroundRole())
    assert (chip(form), dimmed.name()) == ("default", theme.LIGHT.muted)
    assert not slot_of(form)._again.isVisible()

    qtbot.keyClicks(area, "d")
    assert area.palette().color(area.foregroundRole()).name() == theme.LIGHT.text
    named(form, QToolButton, "Set v back to the default").click()

    assert form.reading().value == {"v": "abc"}
    assert chip(form) == "default"


def test_an_object_can_be_folded_and_still_says_what_it_holds_and_what_is_wrong(qtbot: QtBot) -> None:
    form = form_of(qtbot, POINT, is_required=True)
    form.write({"v": {"x": 1.5}})
    named(form, QToolButton, "Fold v").click()
    assert not slot_of(form, "x").isVisible()
    assert '{"x": 1.5}' in words_in(form)
    assert form.reading().value == {"v": {"x": 1.5}}

    form.write({"v": {"x": "none"}})
    form.show_faults()
    assert not slot_of(form, "x").isVisible()
    assert "/x: Must be a number." in words_in(form)

    named(form, QToolButton, "Unfold v").click()
    assert slot_of(form, "x").isVisible()
    assert "/x: Must" not in words_in(slot_of(form))


def test_what_is_missing_inside_a_folded_object_is_told_once_it_is_asked_for(qtbot: QtBot) -> None:
    form = form_of(qtbot, POINT, is_required=True)
    named(form, QToolButton, "Fold v").click()
    form.show_faults()
    assert "/x: Required." not in words_in(slot_of(form))

    form.show_faults(is_all=True)
    assert "/x: Required." in words_in(slot_of(form))


def test_an_item_of_a_list_can_be_folded(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": "array", "items": POINT})
    form.write({"v": [{"x": 1}, {"x": 2, "y": 3}]})
    named(form, QToolButton, "Fold item 2").click()

    assert '{"x": 2, "y": 3}' in words_in(form)
    assert [slot.isVisible() for slot in form.findChildren(Slot) if slot.name == "y"] == [True, False]


def test_lines_are_pasted_as_items(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": "array", "items": {"type": "string"}}, is_required=True)
    QGuiApplication.clipboard().setText("one\r\n\r\n two words \nthree")
    pressed(form, "Paste lines")
    assert form.reading().value == {"v": ["one", "two words", "three"]}

    numbers = form_of(qtbot, {"type": "array", "items": {"type": "integer"}}, is_required=True)
    QGuiApplication.clipboard().setText(f"1\n{2**70}\nthree")
    pressed(numbers, "Paste lines")
    assert numbers.reading().value == {"v": [1, 2**70, "three"]}
    assert [fault.path for fault in numbers.reading().faults] == [("v", 2)]


def test_more_than_anybody_fills_in_by_hand_is_json_at_once(qtbot: QtBot) -> None:
    texts = {"type": "array", "items": {"type": "string"}}
    for schema, value in ((texts, ["x"] * 5000), ({"type": "array", "items": POINT}, [{"x": 1}] * 200)):
        form = form_of(qtbot, schema, is_required=True)
        form.write({"v": value})
        assert chip(form) == "as JSON"
        assert len(form.findChildren(Slot)) == 1
        assert form.reading().value == {"v": value}
        assert form.reading().faults == ()


def test_lines_are_not_offered_where_an_item_is_more_than_a_line(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": "array", "items": POINT}, is_required=True)

    assert [b.text() for b in form.findChildren(ListEditor)[0].findChildren(QPushButton) if b.isVisible()] == [
        "Add an item"
    ]


def test_a_member_that_the_schema_does_not_name_is_added_with_its_name(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": "object", "additionalProperties": {"type": "integer"}}, is_required=True)
    pressed(form, "Add a field")
    assert form.reading().faults

    qtbot.keyClicks(named(form, QLineEdit, "Name of the field"), "size")
    qtbot.keyClicks(named(form, QLineEdit, "new field"), str(2**70))
    assert form.reading().value == {"v": {"size": 2**70}}
    assert form.reading().faults == ()

    pressed(form, "Add a field")
    names = [line for line in form.findChildren(QLineEdit) if line.accessibleName() == "Name of the field"]
    qtbot.keyClicks(names[1], "size")
    assert "two fields" in "".join(fault.message for fault in form.reading().faults)
    named(form, QToolButton, "Remove this field").click()


def test_a_variant_inside_a_variant_has_its_own_choice(qtbot: QtBot) -> None:
    inner = {"oneOf": [{"title": "Text", "type": "string"}, {"title": "Count", "type": "integer"}]}
    outer = {"oneOf": [{"title": "Pair", "type": "object", "properties": {"a": inner}, "required": ["a"]}, POINT]}
    form = form_of(qtbot, outer, is_required=True)
    assert [box.currentText() for box in form.findChildren(QComboBox)] == ["Pair", "Text"]

    named(form, QComboBox, "Variant of a").setCurrentIndex(1)
    settle()
    qtbot.keyClicks(named(form, QLineEdit, "Count"), "7")
    assert form.reading().value == {"v": {"a": 7}}


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (ENDLESS, "leads nowhere inside the schema"),
        ({"allOf": [{"type": "string"}, {"type": "integer"}]}, "parts of the schema contradict each other"),
        ({"type": "date"}, "unknown type 'date'"),
        ({"anyOf": [ENDLESS, {"type": "null"}]}, "anyOf cannot be drawn as a form"),
        (False, "the schema allows nothing here"),
    ],
)
def test_what_cannot_be_drawn_is_json_with_the_reason_beside_it(qtbot: QtBot, schema: Any, words: str) -> None:
    form = form_of(qtbot, schema, is_required=True)
    assert words in words_in(form)
    area = field_of(form, QPlainTextEdit)
    qtbot.keyClicks(area, '{"a": [1')
    assert form.reading().faults
    qtbot.keyClicks(area, "]}")
    assert form.reading().value == {"v": {"a": [1]}}


def test_an_object_is_pasted_into_the_form_at_a_click(qtbot: QtBot) -> None:
    form = form_of(qtbot, POINT, is_required=True)
    QGuiApplication.clipboard().setText('{"v": {"x": 1180591620717411303424, "more": null}}')
    named(form, QToolButton, "Paste: Fill in the JSON that was copied").click()
    assert form.reading().value == {"v": {"x": 2**70, "more": None}}
    assert not form.is_json

    for text, words in (("[1]", "Arguments are an object"), ("hello", "Line 1, column 1")):
        QGuiApplication.clipboard().setText(text)
        named(form, QToolButton, "Paste: Fill in the JSON that was copied").click()
        assert words in words_in(form)
    assert form.reading().value == {"v": {"x": 2**70, "more": None}}


def test_clearing_a_nullable_choice_is_not_the_same_as_leaving_it_out(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]})
    box = field_of(form, QComboBox)
    box.setCurrentText("null")
    assert form.reading().value == {"v": None}

    chosen(form, "Leave out")
    assert form.reading().value == {}
