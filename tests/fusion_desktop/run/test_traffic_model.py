"""Messages become rows: paired exactly, filtered by a small language, bounded, saved and opened again."""

import gc
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from composite_runtime.errors import FusionError
from composite_runtime.events import (
    CallFinished,
    CallRepeated,
    CallStarted,
    ChildChanged,
    ChildState,
    Http,
    decode,
    encode,
)
from fusion_desktop.run import traffic_file
from fusion_desktop.run.traffic import Kind, Outcome, Row, read
from fusion_desktop.run.traffic_filter import FilterError, parse
from fusion_desktop.run.traffic_model import TrafficModel, status_words


@pytest.fixture
def model(qtbot: QtBot) -> TrafficModel:
    return TrafficModel()


def say(model: TrafficModel, hop: str, way: str, message: Any, *, at: float = 1.0, **more: Any) -> None:
    """Have the model read a line as a runtime tells it."""
    head = json.dumps({"at": at, "hop": hop, "way": way, **more})[:-1]
    model.take(read(f'{head},"event":"frame","message":{json.dumps(message)}}}'))


def ask(number: Any, method: str = "tools/call", **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def answer(number: Any, **result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "result": result}


def shown(model: TrafficModel) -> list[tuple[str, str]]:
    model.flush()
    return [(row.hop, row.kind.value) for row in model.shown()]


def test_an_answer_is_paired_with_the_request_of_its_own_hop_and_connection(model: TrafficModel) -> None:
    say(model, "a", "out", ask(1, name="x"), at=1.0, link="1")
    say(model, "a", "out", ask(1, name="y"), at=1.1, link="2")
    say(model, "b", "out", ask(1, name="z"), at=1.2, link="1")
    say(model, "a", "out", ask("1", name="text"), at=1.3, link="1")
    say(model, "a", "in", answer(1), at=2.1, link="2")
    say(model, "a", "in", answer(1), at=2.5, link="1")
    model.flush()

    x, y, z, text, first, second = model.rows()
    assert (first.name, first.partner, round(first.milliseconds or 0)) == ("y", y.number, 1000)
    assert (second.name, second.partner, round(second.milliseconds or 0)) == ("x", x.number, 1500)
    assert (x.outcome, y.outcome, z.outcome, text.outcome) == (Outcome.OK, Outcome.OK, Outcome.PENDING, Outcome.PENDING)


def test_a_question_of_a_server_is_paired_the_other_way_round(model: TrafficModel) -> None:
    say(model, "a", "out", ask(1, name="x"), link="1")
    say(model, "a", "in", ask(1, "sampling/createMessage"), link="1")
    say(model, "a", "out", answer(1), link="1")
    model.flush()

    call, question, _ = model.rows()
    assert (call.outcome, question.outcome) == (Outcome.PENDING, Outcome.OK)


def test_each_way_a_request_can_end_has_its_own_words(model: TrafficModel) -> None:
    for number in range(1, 6):
        say(model, "a", "out", ask(number, name="x"), link="1", span=number)
    say(model, "a", "in", {"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": "no"}}, link="1")
    say(model, "a", "in", answer(2, isError=True, content=[{"type": "text", "text": "disk full"}]), link="1")
    cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 3}}
    say(model, "a", "out", cancelled, link="1")
    model.take(ChildChanged(node="a", state=ChildState.RETRYING, reason="gone"))
    model.flush()

    rows = [row for row in model.rows() if row.kind is Kind.REQUEST]
    assert [status_words(row) for row in rows] == [
        "Error -32602",
        "Tool failed",
        "Cancelled",
        "No answer",
        "No answer",
    ]
    assert "disk full" in [row.preview for row in model.rows()]


def test_what_http_added_belongs_to_the_request_and_its_answer(model: TrafficModel) -> None:
    seen = {"link": "1", "id": 7, "method": "POST", "url": "http://h/mcp", "status": 500, "sent": {}, "received": {}}
    say(model, "a", "out", ask(7), link="1")
    model.take(decode(encode(Http(hop="a", http=seen))))
    say(model, "a", "in", {"jsonrpc": "2.0", "id": 7, "error": {"code": -1, "message": "no"}}, link="1")
    model.take(decode(encode(Http(hop="a", http={**seen, "id": None, "method": "GET", "status": 405}))))
    model.flush()

    asked, answered, stream = model.rows()
    assert asked.http == answered.http == seen
    assert (stream.kind, stream.code, stream.method) == (Kind.HTTP, 405, "HTTP GET")
    assert status_words(asked) == "Error -1 · HTTP 500"


def test_numbers_of_any_size_stay_as_they_were(model: TrafficModel) -> None:
    big = 2**70
    model.take(read(f'{{"at":1.0,"hop":"a","way":"in","event":"frame","message":{{"method":"x","n":{big},"z":-0.0}}}}'))
    model.flush()

    assert model.rows()[0].text == f'{{"method":"x","n":{big},"z":-0.0}}'
    assert model.rows()[0].message["n"] == big


# The filter


@pytest.fixture
def busy(model: TrafficModel) -> TrafficModel:
    model.set_graph({"n1": "File system", "all": "Tools"}, {"n1": "all"}, "all")
    say(model, "client", "in", ask(1, name="fs_read", arguments={"path": "/etc"}), at=1.0, link="s", call="c1")
    say(model, "n1", "out", ask(1, name="read", arguments={"path": "/etc"}), at=1.1, link="1", call="c1", span=2)
    say(model, "n1", "in", answer(1, content=[{"type": "text", "text": "Hello World"}]), at=1.9, link="1")
    say(model, "client", "out", answer(1, content=[]), at=2.0, link="s", call="c1")
    say(model, "client", "in", ask(2, "prompts/get", name="p"), at=3.0, link="s", call="c2")
    say(model, "client", "out", {"id": 2, "error": {"code": -32601, "message": "none"}}, at=3.01, link="s", call="c2")
    say(model, "n1", "in", {"method": "notifications/message", "params": {"level": "info", "data": "x" * 3000}}, at=4.0)
    model.flush()
    return model


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", [1, 2, 3, 4, 5, 6, 7]),
        ("method:tools/call", [1, 2, 3, 4]),
        ("method:tools/*", [1, 2, 3, 4]),
        ("method:GET", [5, 6]),
        ("node:client", [1, 4, 5, 6]),
        ('node:"file system"', [2, 3, 7]),
        ("node:n1", [2, 3, 7]),
        ("node:file", [2, 3, 7]),
        ("node:i", [1, 2, 3, 4, 5, 6, 7]),
        ("status:error", [5, 6]),
        ("status:ok", [1, 2, 3, 4]),
        ("status:-32601", [5, 6]),
        (">500ms", [1, 2, 3, 4]),
        (">0.9s", [1, 4]),
        ("<100ms", [5, 6]),
        ("hello", [3]),
        ('"hello world"', [3]),
        ("is:request way:out", [2]),
        ("is:notification", [7]),
        ("tool:read", [1, 2, 3, 4]),
        ("size:>2kb", [7]),
        ("call:c1", [1, 2, 3, 4]),
        ("id:2", [5, 6]),
        ("-node:client -is:notification", [2, 3]),
        ("method:tools/call status:ok >500ms node:fs", []),
        ("method:tools/call status:ok >500ms node:file world", [3]),
    ],
)
def test_a_filter_shows_what_fits_all_its_terms(busy: TrafficModel, text: str, numbers: list[int]) -> None:
    busy.set_filter(parse(text, busy.names))

    assert [row.number for row in busy.shown()] == numbers


@pytest.mark.parametrize(
    ("text", "part", "words"),
    [
        ("hello stauts:error", "stauts:error", "“stauts:” is no filter"),
        ("status:bad", "status:bad", "is no status"),
        (">fast", ">fast", "is no amount"),
        ("a >5parsecs b", ">5parsecs", "ms"),
        ("method:", "method:", "needs a value"),
        ("is:cat", "is:cat", "request, response, notification"),
        ("-way:up", "-way:up", "in and out"),
    ],
)
def test_a_term_that_means_nothing_is_named_with_its_place(text: str, part: str, words: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)

    assert text[caught.value.start : caught.value.end] == part
    assert words in str(caught.value)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='abc:<>"- *ms5kb.stauis[]\\', max_size=40))
def test_whatever_is_typed_is_a_filter_or_a_fault_with_a_place(text: str) -> None:
    row = Row(1, 1.0, "a", "in", Kind.REQUEST, '{"method":"x"}')
    place = None
    try:
        parse(text).fits(row)
    except FilterError as error:
        place = error.start, error.end
    assert place is None or 0 <= place[0] < place[1] <= len(text)


def test_a_row_joins_and_leaves_the_list_as_its_request_ends(model: TrafficModel) -> None:
    model.set_filter(parse("status:error"))
    say(model, "a", "out", ask(1))
    assert shown(model) == []
    say(model, "a", "out", ask(2))
    say(model, "a", "in", {"id": 1, "error": {"code": 1, "message": "no"}})
    assert shown(model) == [("a", "request"), ("a", "response")]

    model.set_filter(parse("status:pending"))
    assert [row.id for row in model.shown()] == [2]
    say(model, "a", "in", answer(2))
    assert shown(model) == []


# Bounds


def test_the_oldest_go_when_there_are_too_many(qtbot: QtBot) -> None:
    model = TrafficModel(limit=100)
    for number in range(1000):
        say(model, "a", "out", ask(number))
        if number % 70 == 0:
            model.flush()
    model.flush()

    assert [row.id for row in model.shown()] == list(range(900, 1000))
    assert model.row(model.shown()[0].number) is model.shown()[0]
    assert model.row(1) is None


def test_a_few_huge_messages_do_not_fill_the_memory(qtbot: QtBot) -> None:
    model = TrafficModel(size_limit=10_000)
    for number in range(20):
        say(model, "a", "in", {"method": "n", "params": {"x": "y" * 3000, "number": number}})
    model.flush()

    assert len(model.rows()) == 3


def test_a_paused_list_stands_still_and_goes_on_with_all_that_came(model: TrafficModel) -> None:
    say(model, "a", "out", ask(1))
    model.flush()
    model.set_paused(True)
    say(model, "a", "out", ask(2))
    assert len(shown(model)) == 1

    model.set_paused(False)

    assert len(shown(model)) == 2


# Recordings


def test_a_recording_shows_the_same_rows_and_the_same_trace(busy: TrafficModel, tmp_path: Path) -> None:
    busy.take(CallStarted(at=1.01, call="c1", node="all", method="tools/call", name="fs_read", span=1))
    busy.take(CallStarted(at=1.05, call="c1", node="n1", method="tools/call", name="read", span=2, parent=1))
    busy.take(CallFinished(at=1.95, call="c1", node="n1", method="tools/call", milliseconds=900, span=2))
    busy.take(CallFinished(at=1.99, call="c1", node="all", method="tools/call", milliseconds=980, span=1))
    busy.flush()
    path = tmp_path / "session.jsonl"

    traffic_file.save(path, busy, busy.rows())
    recording = traffic_file.load(path)
    again = TrafficModel()
    again.set_graph(recording.names, recording.parents, recording.root)
    again.load(recording.told)

    assert [again.cell(row, column) for row in again.rows() for column in range(6)] == [
        busy.cell(row, column) for row in busy.rows() for column in range(6)
    ]
    assert [row.text for row in again.rows()] == [row.text for row in busy.rows()]
    assert [(span.name, span.depth) for span in again.spans("c1")] == [("Client", 0), ("Tools", 1), ("File system", 2)]
    assert path.stat().st_mode & 0o077 == 0


def test_a_recording_knows_what_was_never_answered(model: TrafficModel, tmp_path: Path) -> None:
    model.take(CallStarted(at=1.0, call="c", node="n", method="tools/call", span=2))
    say(model, "n", "out", ask(1), at=1.1, link="1", call="c", span=2)
    model.take(CallRepeated(at=1.2, call="c", node="n", span=2, error="gone"))
    say(model, "n", "out", ask(1), at=1.3, link="2", call="c", span=2)
    model.flush()
    path = tmp_path / "session.jsonl"
    traffic_file.save(path, model, model.rows())

    again = TrafficModel()
    again.load(traffic_file.load(path).told)

    assert [row.outcome for row in again.rows()] == [Outcome.LOST, Outcome.PENDING]


def test_a_file_of_something_else_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_text("milk\neggs\n", encoding="utf-8")

    with pytest.raises(FusionError, match=r"notes\.jsonl is no recording"):
        traffic_file.load(path)
    with pytest.raises(FusionError, match="cannot be read"):
        traffic_file.load(tmp_path / "gone.jsonl")


def test_a_recording_that_was_cut_off_shows_what_is_whole(busy: TrafficModel, tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    traffic_file.save(path, busy, busy.rows())
    text = path.read_text(encoding="utf-8")
    path.write_text(text[:-500], encoding="utf-8")

    recording = traffic_file.load(path)

    assert recording.skipped == 1
    assert len(recording.told) == 6


def test_an_address_is_words_and_no_filter(model: TrafficModel) -> None:
    say(model, "a", "out", ask(1, "resources/read", uri="https://example.com/a:b"))
    say(model, "a", "out", ask(2, "resources/read", uri="file:///etc"))
    model.set_filter(parse("HTTPS://example.com/a -file:///etc"))

    assert len(shown(model)) == 1


def test_traces_do_not_hold_the_texts_that_the_list_has_forgotten(qtbot: QtBot) -> None:
    model = TrafficModel(size_limit=100_000)
    before = _held()
    for number in range(60):
        say(model, "client", "in", ask(number, name="x"), at=float(number), call=f"c{number}")
        model.flush()
        say(model, "client", "out", answer(number, text="y" * 50_000), at=number + 0.5, call=f"c{number}")
        model.flush()

    assert len(model.rows()) < 10
    assert _held() - before < 20
    assert [round(span.milliseconds or 0) for span in model.spans("c0")] == [500]


def _held() -> int:
    """Return how many long messages are held by anything."""
    gc.collect()
    return sum(isinstance(one, Row) and one.size > 1000 for one in gc.get_objects())
