from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from fusion_desktop.controls import push_button
from fusion_desktop.inspector.call_detail import CallDetail
from fusion_desktop.run.frames import Outcome


def test_a_call_that_is_listed_is_shown_whole_and_offers_what_its_list_can_do_with_it(qtbot: QtBot) -> None:
    pressed: list[str] = []
    save = push_button("Save…", lambda: pressed.append("save"))
    detail = CallDetail((save, push_button("Delete", lambda: pressed.append("delete"))))
    qtbot.addWidget(detail)
    detail.show_call("count", "tools/call · 12:00", {"text": "x" * 2000})
    detail.result.show_outcome(Outcome("tools/call", {"name": "count"}, 3.0, {"content": []}))
    detail.show()

    words = [label.text() for label in detail.findChildren(QLabel) if label.isVisible()]
    buttons = [button for button in detail.findChildren(QPushButton) if button.isVisible()]

    assert words[:2] == ["count", "tools/call · 12:00"]
    assert words[2].startswith('{"text": "xxx')
    assert words[2].endswith("…")
    assert [button.text() for button in buttons if button.text() in {"Save…", "Delete"}] == ["Save…", "Delete"]
    save.click()
    assert pressed == ["save"]
