import json
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from composite_runtime.events import CallFinished, CallRepeated, CallStarted, Http
from fusion_desktop.inspector.json_tree import JsonTree
from fusion_desktop.panels.trace import span_words, summary_words
from fusion_desktop.panels.traffic import TrafficPanel
from fusion_desktop.run.traffic import read
from fusion_desktop.run.traffic_model import MESSAGE, STATUS, TrafficModel
from tests.fusion_desktop.run.servers import until


@pytest.fixture
def model(qtbot: QtBot) -> TrafficModel:
    model = TrafficModel()
    model.set_graph({"n": "Files", "all": "Tools"}, {"n": "all"}, "all")
    return model


@pytest.fixture
def panel(qtbot: QtBot, look: None, model: TrafficModel) -> TrafficPanel:
    panel = TrafficPanel(model, JsonTree)
    qtbot.addWidget(panel)
    panel.resize(1200, 360)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def say(model: TrafficModel, hop: str, way: str, message: Any, *, at: float = 1.0, **more: Any) -> None:
    head = json.dumps({"at": at, "hop": hop, "way": way, **more})[:-1]
    model.take(read(f'{head},"event":"frame","message":{json.dumps(message)}}}'))


def make_call(model: TrafficModel) -> None:
    """Have a call told that is repeated once, over HTTP."""
    params = {"name": "read", "arguments": {"path": "/etc"}}
    ask = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    say(model, "client", "in", ask, at=1.0, link="s", call="c")
    model.take(CallStarted(at=1.01, call="c", node="all", method="tools/call", name="read", span=1))
    model.take(CallStarted(at=1.02, call="c", node="n", method="tools/call", name="read", span=2, parent=1))
    say(model, "n", "out", ask, at=1.03, link="1", call="c", span=2)
    sent = {"authorization": "Bearer •••"}
    seen = {"link": "1", "id": 1, "method": "POST", "url": "http://h/mcp", "status": 200, "sent": sent, "received": {}}
    model.take(Http(hop="n", http=seen))
    model.take(CallRepeated(at=1.2, call="c", node="n", span=2, error="it ended with exit code 3"))
    say(model, "n", "out", {**ask, "id": 2}, at=1.25, link="2", call="c", span=2)
    say(model, "n", "in", {"id": 2, "result": {"content": []}}, at=1.45, link="2")
    model.take(CallFinished(at=1.47, call="c", node="n", method="tools/call", milliseconds=450, span=2))
    model.take(CallFinished(at=1.48, call="c", node="all", method="tools/call", milliseconds=470, span=1))
    say(model, "client", "out", {"id": 1, "result": {"content": []}}, at=1.5, link="s", call="c")
    model.flush()


def button(panel: TrafficPanel, words: str) -> QToolButton:
    return next(tool for tool in panel.findChildren(QToolButton) if tool.accessibleName().startswith(words))


def tabs(panel: TrafficPanel) -> list[str]:
    bar = panel.detail.tabs
    return [bar.tabText(number) for number in range(bar.count()) if bar.isTabVisible(number)]


def test_empty_traffic_says_what_will_be_here(panel: TrafficPanel) -> None:
    assert panel.words.startswith("No message yet.")


def test_a_row_says_where_it_went_what_it_was_and_how_it_ended(panel: TrafficPanel, model: TrafficModel) -> None:
    make_call(model)

    rows = model.shown()
    assert [model.ends_of(row) for row in rows] == [
        ("Client", "Tools"),
        ("Tools", "Files"),
        ("Tools", "Files"),
        ("Files", "Tools"),
        ("Tools", "Client"),
    ]
    assert [model.cell(row, STATUS) for row in rows] == ["OK", "No answer", "OK", "OK", "OK"]
    assert model.cell(rows[0], MESSAGE) == 'tools/call  read  {"path": "/etc"}'
    assert panel.words == "5 messages."


def test_a_fault_in_the_filter_is_shown_in_place_and_the_list_stays(
    qtbot: QtBot, panel: TrafficPanel, model: TrafficModel
) -> None:
    make_call(model)
    panel.show_only("node:files")
    assert panel.words == "3 of 5 messages; the filter hides the others."

    panel.search.clear()
    qtbot.keyClicks(panel.search, "stats:error")
    qtbot.waitUntil(panel.fault.isVisible)

    assert "“stats:” is no filter" in panel.fault.text()
    assert panel.search.property("invalid") is True
    assert model.rowCount() == 3

    panel.show_only("")
    assert not panel.fault.isVisible()
    assert model.rowCount() == 5


def test_terms_are_completed_while_they_are_typed(qtbot: QtBot, panel: TrafficPanel, model: TrafficModel) -> None:
    make_call(model)
    panel.search.setFocus()
    qtbot.keyClicks(panel.search, "-me")
    popup = panel.search.completion.popup()
    assert popup.isVisible()

    qtbot.keyClick(popup, Qt.Key.Key_Down)
    qtbot.keyClick(popup, Qt.Key.Key_Return)
    assert panel.search.text() == "-method:"
    qtbot.keyClick(popup, Qt.Key.Key_Down)
    qtbot.keyClick(popup, Qt.Key.Key_Return)
    assert panel.search.text() == "-method:tools/call "
    assert not popup.isVisible()

    qtbot.keyClicks(panel.search, "no")
    qtbot.keyClick(panel.search, Qt.Key.Key_Escape)
    assert panel.search.text() == "-method:tools/call no"


def test_a_chosen_message_is_shown_in_full_with_its_answer_http_and_trace(
    panel: TrafficPanel, model: TrafficModel
) -> None:
    make_call(model)
    assert not panel.detail.isVisible()

    panel.choose(2)

    assert panel.detail.isVisible()
    assert tabs(panel) == ["Message", "HTTP", "Trace"]
    panel.choose(5)
    assert tabs(panel) == ["Message", "Request", "Trace"]
    spans = panel.detail.timeline.spans
    assert [span.name for span in spans] == ["Client", "Tools", "Files", "Attempt 1", "Attempt 2"]
    assert span_words(spans[3]) == "Attempt 1: 180 ms\nit ended with exit code 3"
    assert summary_words(spans) == "500 ms in all: servers 200 ms, the rest 300 ms"


def test_a_bar_of_the_trace_leads_to_its_node_by_mouse_and_keys(
    qtbot: QtBot, panel: TrafficPanel, model: TrafficModel
) -> None:
    make_call(model)
    wanted: list[str] = []
    panel.node_wanted.connect(wanted.append)
    panel.choose(1)
    panel.detail.show_trace()
    timeline = panel.detail.timeline

    for _ in range(3):
        qtbot.keyClick(timeline, Qt.Key.Key_Down)

    assert wanted == ["all", "n"]
    second = QPoint(40, 24 + 24 + 12)  # below the axis
    qtbot.mouseClick(timeline.viewport(), Qt.MouseButton.LeftButton, pos=second)
    assert wanted[-1] == "all"


def test_messages_are_copied_as_they_were_on_the_wire_or_with_their_hop(
    panel: TrafficPanel, model: TrafficModel
) -> None:
    make_call(model)
    panel.choose(4)

    panel.copy()
    assert QGuiApplication.clipboard().text() == '{"id": 2, "result": {"content": []}}'
    panel.copy_with_context()
    (copied,) = json.loads(QGuiApplication.clipboard().text())
    assert (copied["hop"], copied["way"], copied["message"]["id"]) == ("n", "in", 2)


async def test_a_recording_is_opened_beside_what_happens_and_left_again(
    panel: TrafficPanel, model: TrafficModel, tmp_path: Path
) -> None:
    make_call(model)
    panel.show_only("node:client")
    path = tmp_path / "part.jsonl"
    panel.save_to(path)
    assert panel.words == "Writing 2 messages…"
    await until(lambda: panel.words == f"2 messages were written to {path}.")

    panel.open_file(path)
    panel.show_only("")
    assert panel.model is not model
    assert panel.words == "2 messages."
    panel.choose(1)
    assert [span.name for span in panel.detail.timeline.spans] == ["Client", "Tools", "Files", "Attempt 1", "Attempt 2"]
    say(model, "n", "out", {"method": "n"})
    model.flush()
    assert panel.model.rowCount() == 2

    button(panel, "Back to live").click()
    assert panel.model is model
    assert panel.words == "6 messages."


def test_a_file_that_is_no_recording_is_refused_in_words(panel: TrafficPanel, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("[]", encoding="utf-8")

    panel.open_file(path)

    assert "x.jsonl is no recording of traffic" in panel.words


def test_whoever_reads_is_not_carried_away(panel: TrafficPanel, model: TrafficModel) -> None:
    for number in range(200):
        say(model, "n", "out", {"method": "n", "params": {"number": number}})
    model.flush()
    bar = panel.table.verticalScrollBar()
    assert bar.value() == bar.maximum()
    bar.setValue(10)

    say(model, "n", "out", {"method": "n"})
    model.flush()
    assert bar.value() == 10

    bar.setValue(bar.maximum())
    say(model, "n", "out", {"method": "n"})
    model.flush()
    assert bar.value() == bar.maximum()
