"""Help with texts of a form of their own, and lists of known values."""

import base64
import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QDate
from PySide6.QtWidgets import QCheckBox, QLabel, QPlainTextEdit, QToolButton
from pytestqt.qtbot import QtBot

from fusion_desktop.inspector.schema_form import SchemaForm
from tests.fusion_desktop.inspector.test_schema_form import settle


def form_of(qtbot: QtBot, schema: dict[str, Any]) -> SchemaForm:
    form = SchemaForm({"type": "object", "properties": {"v": schema}, "required": ["v"]})
    qtbot.addWidget(form)
    form.show()
    settle()
    return form


def picker(form: SchemaForm, name: str) -> Any:
    settle()
    return next(b for b in form.findChildren(QToolButton) if b.accessibleName() == name)


def test_a_day_is_chosen_in_a_calendar(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": "string", "format": "date"})
    button = picker(form, "Choose a day")
    button.take_day(QDate(2026, 2, 3))
    assert form.reading().value == {"v": "2026-02-03"}

    button.menu().aboutToShow.emit()
    assert button._calendar.selectedDate() == QDate(2026, 2, 3)
    button.take_now()
    assert datetime.date.fromisoformat(form.reading().value["v"])
    assert form.reading().faults == ()


def test_a_time_stays_when_another_day_is_chosen(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": "string", "format": "date-time"})
    form.write({"v": "2026-01-01T10:11:12+02:00"})
    picker(form, "Choose a time").take_day(QDate(2027, 12, 31))
    assert form.reading().value == {"v": "2027-12-31T10:11:12+02:00"}

    picker(form, "Choose a time").take_now()
    assert form.reading().faults == ()


def test_the_content_of_a_file_becomes_base64(qtbot: QtBot, tmp_path: Path) -> None:
    form = form_of(qtbot, {"type": "string", "contentEncoding": "base64"})
    (tmp_path / "a.bin").write_bytes(bytes(range(256)))
    picker(form, "Take the content of a file").take(str(tmp_path / "a.bin"))

    assert base64.b64decode(form.reading().value["v"]) == bytes(range(256))
    picker(form, "Take the content of a file").take(str(tmp_path / "gone"))
    assert base64.b64decode(form.reading().value["v"]) == bytes(range(256))


CHOICES = {"type": "array", "items": {"anyOf": [{"const": "r", "title": "Red"}, {"const": 1, "title": "One"}]}}


def test_several_of_a_few_values_are_ticked(qtbot: QtBot) -> None:
    form = form_of(qtbot, CHOICES)
    boxes = {box.text(): box for box in form.findChildren(QCheckBox)}
    assert list(boxes) == ["Red", "One"]
    boxes["One"].click()
    boxes["Red"].click()
    assert form.reading().value == {"v": [1, "r"]}

    boxes["One"].click()
    assert form.reading().value == {"v": ["r"]}


@pytest.mark.parametrize("value", [[], ["r"], [1, "r"], ["r", 1], ["r", "r"], ["x"], [True]])
def test_any_list_of_choices_is_shown_and_given_back_as_it_is(qtbot: QtBot, value: Any) -> None:
    form = form_of(qtbot, CHOICES)
    form.write({"v": value})

    assert json.dumps(form.reading().value) == json.dumps({"v": value})


def test_the_length_is_told_near_the_limit(qtbot: QtBot) -> None:
    form = form_of(qtbot, {"type": "string", "maxLength": 4})
    area = next(a for a in form.findChildren(QPlainTextEdit) if a.accessibleName() == "v")

    def told() -> list[str]:
        return [label.text() for label in form.findChildren(QLabel) if " of 4" in label.text() and label.isVisible()]

    assert told() == []
    qtbot.keyClicks(area, "abc")
    assert told() == ["3 of 4"]
