import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtWidgets import QComboBox, QLineEdit, QPlainTextEdit, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from fusion_desktop.inspector.editors import RawEditor
from fusion_desktop.inspector.groups import ListEditor, ObjectEditor, VariantsEditor
from fusion_desktop.inspector.schema import UNSET
from fusion_desktop.inspector.schema_form import SchemaForm
from fusion_desktop.inspector.slots import Slot, State
from fusion_desktop.inspector.values import parse_json, same
from tests.fusion_desktop.inspector.cases import BIG, CASES, Case
from tests.fusion_desktop.inspector.test_schema import VALUES, schemas


def schema_of(case: Case, *, is_required: bool = False) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"v": case.schema},
        "required": ["v"] if is_required else [],
        **case.root,
    }


def form_of(qtbot: QtBot, schema: dict[str, Any]) -> SchemaForm:
    form = SchemaForm(schema)
    qtbot.addWidget(form)
    return form


def settle() -> None:
    """Let Qt delete what was replaced."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def slot_of(form: SchemaForm, name: str = "v") -> Slot:
    settle()
    found = next(slot for slot in form.findChildren(Slot) if slot.name == name)
    assert isinstance(found, Slot)
    return found


def field_of(form: SchemaForm, kind: type[QWidget], name: str = "v") -> Any:
    return next(child for child in slot_of(form, name).findChildren(kind) if child.accessibleName() == name)


ROWS = [
    pytest.param(case, value, id=f"{case.name}-{number}") for case in CASES for number, value in enumerate(case.fitting)
]
ODD_ROWS = [
    pytest.param(case, value, id=f"{case.name}-{number}") for case in CASES for number, value in enumerate(case.others)
]


@pytest.mark.parametrize(("case", "value"), ROWS)
def test_a_value_that_fits_is_shown_and_given_back_as_it_is(qtbot: QtBot, case: Case, value: Any) -> None:
    form = form_of(qtbot, schema_of(case))
    form.write({"v": value})

    assert repr(form.reading().value) == repr({"v": value})
    assert form.reading().faults == ()

    form.show_json()
    assert same(form.reading().value, {"v": value})
    form.show_form()
    assert repr(form.reading().value) == repr({"v": value})


@pytest.mark.parametrize(("case", "value"), ODD_ROWS)
def test_a_value_that_does_not_fit_is_kept_but_named(qtbot: QtBot, case: Case, value: Any) -> None:
    form = form_of(qtbot, schema_of(case))
    form.write({"v": value})

    assert same(form.reading().value, {"v": value})
    # Of a schema that allows nothing, jsonschema does not tell the place.
    assert any(fault.path[:1] == (() if case.schema is False else ("v",)) for fault in form.reading().faults)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_optional_is_left_out_until_it_is_set(qtbot: QtBot, case: Case) -> None:
    form = form_of(qtbot, schema_of(case))
    default = case.schema.get("default") if isinstance(case.schema, dict) else None

    assert form.reading().value == ({} if default is None else {"v": default})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_any_schema_can_be_required_without_harm(qtbot: QtBot, case: Case) -> None:
    form = form_of(qtbot, schema_of(case, is_required=True))

    form.show_faults(is_all=True)

    assert isinstance(form.reading().value, dict)


def test_the_table_holds_at_least_eighty_schemas() -> None:
    assert len(CASES) >= 80


def test_unset_null_and_empty_are_three_things(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": "object", "properties": {"v": {"type": ["string", "null"]}}})
    found = []
    for value in (UNSET, None, ""):
        slot_of(form).write(value)
        found.append((form.reading().value, slot_of(form).state))

    assert found == [({}, State.UNSET), ({"v": None}, State.NULL), ({"v": ""}, State.SET)]


def test_typing_sets_a_text_and_clearing_it_leaves_an_empty_one(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": "object", "properties": {"v": {"type": "string"}}})
    area = field_of(form, QPlainTextEdit)
    qtbot.keyClicks(area, "a")
    assert form.reading().value == {"v": "a"}

    qtbot.keyClick(area, Qt.Key.Key_Backspace)

    assert form.reading().value == {"v": ""}


def test_clearing_a_number_leaves_it_out(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": "object", "properties": {"v": {"type": "integer"}}})
    line = field_of(form, QLineEdit)
    qtbot.keyClicks(line, "7")
    assert form.reading().value == {"v": 7}

    qtbot.keyClick(line, Qt.Key.Key_Backspace)

    assert form.reading().value == {}
    assert form.reading().faults == ()


def test_a_decimal_point_can_be_typed(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": "object", "properties": {"v": {"type": "number"}}})
    line = field_of(form, QLineEdit)
    drafts = []
    for key in "-1.50e3":
        qtbot.keyClicks(line, key)
        drafts.append((line.text(), form.reading().value))

    assert [text for text, _ in drafts] == ["-", "-1", "-1.", "-1.5", "-1.50", "-1.50e", "-1.50e3"]
    assert drafts[-1][1] == {"v": -1500.0}


@pytest.mark.parametrize("text", ["1.", "abc", "1e400", "NaN", "Infinity", "0x10", "1,5", "１"])
def test_a_draft_that_is_no_number_is_kept_and_never_sent(qtbot: QtBot, text: str) -> None:
    form = form_of(qtbot, {"type": "object", "properties": {"v": {"type": "number"}}})
    line = field_of(form, QLineEdit)
    line.insert(text)

    assert line.text() == text
    assert form.reading().faults
    assert form.reading().value == {}


def test_a_draft_that_is_no_value_yet_is_not_lost_by_a_look_at_the_json(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": "object", "properties": {"v": {"type": "integer"}}})
    field = field_of(form, QLineEdit)
    qtbot.keyClicks(field, "12a")
    form.show_json()
    settle()
    assert not form.is_json
    assert field.text() == "12a"
    field.setText("12")
    form.show_json()
    assert form.is_json
    assert form.reading().value == {"v": 12}


def test_json_can_be_typed_letter_by_letter_without_being_changed(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": "object", "properties": {"v": {}}})
    area = field_of(form, QPlainTextEdit)
    text = '{"a": null, "b": "c\\n"}'
    qtbot.keyClicks(area, text)
    assert area.toPlainText() == text
    assert form.reading().value == {"v": {"a": None, "b": "c\n"}}

    qtbot.keyClick(area, Qt.Key.Key_Backspace)

    assert area.toPlainText() == text[:-1]
    assert form.reading().faults


def test_a_default_is_proposed_once_and_does_not_come_back_while_editing(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": "object", "properties": {"v": {"type": "string", "default": "abc"}}})
    area = field_of(form, QPlainTextEdit)
    area.selectAll()
    qtbot.keyClick(area, Qt.Key.Key_Delete)
    assert form.reading().value == {"v": ""}

    slot_of(form).write(UNSET)

    assert form.reading().value == {}


def test_an_object_is_never_sent_as_text(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": "object", "properties": {"v": {"type": "object"}}})
    form.write({"v": {"a": 1}})

    assert isinstance(form.reading().value["v"], dict)
    assert slot_of(form).findChildren(ObjectEditor)


def test_a_union_of_objects_in_a_list_has_variants(qtbot: QtBot) -> None:
    case = next(case for case in CASES if case.name == "list of variants")
    form = form_of(qtbot, schema_of(case))
    form.write({"v": [{"kind": "circle", "r": 1}]})
    settle()

    assert len(form.findChildren(VariantsEditor)) == 1


def test_changing_the_variant_keeps_what_both_have_in_common(qtbot: QtBot) -> None:
    both = {"name": {"type": "string"}}
    variants = [
        {"title": "A", "type": "object", "properties": {"kind": {"const": "a"}, **both}, "required": ["kind"]},
        {"title": "B", "type": "object", "properties": {"kind": {"const": "b"}, **both}, "required": ["kind"]},
    ]
    form = form_of(qtbot, {"type": "object", "properties": {"v": {"oneOf": variants}}})
    form.write({"v": {"kind": "a", "name": "kept"}})
    settle()

    box = next(box for box in form.findChildren(QComboBox) if box.accessibleName() == "Variant of v")
    box.setCurrentIndex(1)

    assert form.reading().value == {"v": {"kind": "b", "name": "kept"}}


def test_a_top_level_choice_of_objects_is_a_form_too(qtbot: QtBot) -> None:
    schema = {
        "type": "object",
        "oneOf": [
            {"required": ["a"], "properties": {"a": {"type": "integer"}}},
            {"required": ["b"], "properties": {"b": {"type": "string"}}},
        ],
    }
    form = form_of(qtbot, schema)

    form.write({"b": "x"})

    assert not form.is_json
    assert form.reading().value == {"b": "x"}


def test_a_huge_number_goes_out_digit_by_digit(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": "object", "properties": {"v": {"type": "integer"}}})
    qtbot.keyClicks(field_of(form, QLineEdit), str(BIG))

    assert json.dumps(form.reading().value) == f'{{"v": {BIG}}}'


def test_items_of_a_list_are_added_moved_doubled_and_removed(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": "object", "properties": {"v": {"type": "array", "items": {"type": "string"}}}})
    form.write({"v": ["a", "b"]})

    def press(words: str, item: int) -> None:
        settle()
        [editor] = form.findChildren(ListEditor)
        slot = next(slot for slot in editor.findChildren(Slot) if slot.name == f"item {item + 1}")
        next(button for button in slot.findChildren(QToolButton) if button.accessibleName() == words).click()

    press("Move down", 0)
    assert form.reading().value == {"v": ["b", "a"]}
    form.write({"v": ["a", "b"]})
    press("Duplicate", 0)
    assert form.reading().value == {"v": ["a", "a", "b"]}
    form.write({"v": ["a", "b"]})
    press("Remove", 1)
    assert form.reading().value == {"v": ["a"]}


def test_a_form_of_two_hundred_members_draws_a_few_and_finds_all(qtbot: QtBot) -> None:
    schema = {"type": "object", "properties": {f"member{n}": {"type": "integer"} for n in range(200)}}
    form = form_of(qtbot, schema)
    form.show()
    assert len(form.findChildren(Slot)) == 40

    search = next(line for line in form.findChildren(QLineEdit) if line.accessibleName() == "Filter the fields")
    search.setText("member199")

    assert [slot.name for slot in form.findChildren(Slot) if slot.isVisible()] == ["member199"]
    form.close()


def test_json_that_does_not_fit_is_sent_knowingly(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": "object", "properties": {"v": {"type": "integer"}}})
    form.show_json()
    form.write({"v": "text"})
    form.show_faults()

    assert form.reading().faults == ()
    assert form.reading().value == {"v": "text"}
    assert "does not fit the schema" in form._summary.text()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "Line 1"),
        ('{"a": 1, "a": 2}', "stands there twice"),
        ('{"a": NaN}', "NaN"),
        ('{"a": 1e400}', "too large"),
        ('{"a": "\\ud800"}', "surrogate"),
        ("[1]", "Arguments are an object"),
        ('{"a": ' + "[" * 100_000, "nested"),
    ],
)
def test_json_that_cannot_be_sent_says_why_and_stays(qtbot: QtBot, text: str, words: str) -> None:
    form = form_of(qtbot, {"type": "object"})
    form.show_json()
    form._area.setPlainText(text)

    [fault] = form.reading().faults
    assert words in fault.message
    form.show_form()
    assert form.is_json
    assert form._area.toPlainText() == text


def test_what_is_missing_is_listed_before_anything_is_marked(qtbot: QtBot) -> None:
    schema = {"type": "object", "required": ["v"], "properties": {"v": {"type": "string"}}}
    form = form_of(qtbot, schema)
    form.show_faults()
    assert form._summary.text() == "Needed: v."
    assert slot_of(form)._error.text() == ""

    form.show_faults(is_all=True)

    assert slot_of(form)._error.text() == "Required."


def test_a_value_the_form_cannot_show_falls_back_to_json_in_place(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": "object", "properties": {"v": {"type": "integer"}, "w": {"type": "string"}}})
    form.write({"v": "seven", "w": "kept"})

    assert slot_of(form).state is State.RAW
    assert slot_of(form).findChildren(RawEditor)
    assert form.reading().value == {"v": "seven", "w": "kept"}


def test_every_field_that_takes_the_focus_has_a_name(qtbot: QtBot) -> None:
    for case in CASES:
        form = form_of(qtbot, schema_of(case, is_required=True))
        if case.fitting:
            form.write({"v": case.fitting[-1]})
        nameless = [
            widget
            for widget in form.findChildren(QWidget)
            if widget.focusPolicy() & Qt.FocusPolicy.TabFocus
            and isinstance(widget, QLineEdit | QPlainTextEdit | QComboBox | QToolButton)
            and not widget.accessibleName()
            and not isinstance(widget.parent(), QComboBox)
        ]
        assert nameless == [], case.name


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}},
        {"type": "object", "required": ["a", "b"], "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}},
        {
            "type": "object",
            "required": [f"m{n}" for n in range(30)],
            "properties": {f"m{n}": {"$ref": "#"} for n in range(30)},
        },
        {
            "type": "object",
            "required": ["a"],
            "properties": {"a": {"type": "array", "minItems": 9, "items": {"$ref": "#/properties/a"}}},
        },
        {"type": "object", "properties": {"a": {"type": "array", "minItems": 10**9}}, "required": ["a"]},
        {"type": "object", "required": ["a"], "properties": {"a": {"anyOf": [{"$ref": "#/properties/a"}] * 2}}},
        {"$ref": "#"},
    ],
)
def test_a_schema_that_requires_itself_opens_a_bounded_form(qtbot: QtBot, schema: dict[str, Any]) -> None:
    form = form_of(qtbot, schema)

    assert len(form.findChildren(Slot)) < 4000
    assert isinstance(form.reading().value, dict)


def test_a_nullable_choice_is_a_choice_and_null_can_be_taken(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": "object", "properties": {"v": {"type": ["string", "null"], "enum": ["a", None]}}})
    box = field_of(form, QComboBox)
    assert form.reading().value == {}

    for position, value in enumerate(("a", None)):
        box.setCurrentIndex(position)
        assert form.reading().value == {"v": value}
        assert form.reading().faults == ()


@pytest.mark.slow
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(schema=schemas(2), value=VALUES, is_required=st.booleans())
def test_any_value_of_any_schema_goes_from_form_to_json_and_back(
    qtbot: QtBot, schema: Any, value: Any, is_required: bool
) -> None:
    form = SchemaForm({"type": "object", "properties": {"v": schema}, "required": ["v"] if is_required else []})
    form.write({"v": value})
    assert same(form.reading().value, {"v": value})

    form.show_json()
    assert same(parse_json(form._area.exact_text()), {"v": value})
    form.show_form()
    assert same(form.reading().value, {"v": value})
    form.deleteLater()
    settle()
