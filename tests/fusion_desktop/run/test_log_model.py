import time

import pytest
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from composite_runtime.events import (
    CallFinished,
    CallStarted,
    ChildChanged,
    ChildState,
    ClientChanged,
    Event,
    GraphChanged,
    Log,
    Ready,
    Stopped,
)
from fusion_desktop.run.log_model import LIMIT, Entry, Filter, Level, LogModel


def filled(count: int, **options: int) -> LogModel:
    model = LogModel(**options)
    for number in range(count):
        level = ("debug", "info", "warning", "error")[number % 4]
        model.append(Log(level=level, source="ab"[number % 2], message=f"Message {number}"))
    model.flush()
    return model


def texts(model: LogModel) -> list[str]:
    return [str(model.index(row, 3).data()) for row in range(model.rowCount())]


def test_qt_agrees_that_it_is_a_model(qtbot: QtBot, qtmodeltester: ModelTester) -> None:
    qtmodeltester.check(filled(20))


def test_new_entries_arrive_together_a_moment_later(qtbot: QtBot) -> None:
    model = LogModel()
    with qtbot.waitSignal(model.rowsInserted, timeout=2000) as signal:
        for number in range(100):
            model.append(Log(level="info", source="a", message=str(number)))
        assert model.rowCount() == 0

    assert signal.args[1:] == [0, 99]


def test_the_oldest_entries_give_way(qtbot: QtBot) -> None:
    model = filled(25, limit=10)
    model.append(Log(level="info", source="a", message="newest"))
    model.flush()

    assert texts(model) == [*(f"Message {number}" for number in range(16, 25)), "newest"]


def test_few_but_huge_entries_give_way_too(qtbot: QtBot) -> None:
    model = LogModel(size_limit=1000)
    for _ in range(5):
        model.append(Log(level="info", source="a", message="x" * 400))
    model.flush()

    assert model.rowCount() == 2


def test_entries_that_gave_way_disappear_from_a_filtered_list(qtbot: QtBot) -> None:
    model = filled(10, limit=10)
    model.set_filter(Filter(level=Level.ERROR))
    for _ in range(9):
        model.append(Log(level="info", source="a", message="later"))
    model.flush()

    assert texts(model) == []
    model.append(Log(level="error", source="a", message="last"))
    model.flush()
    assert texts(model) == ["last"]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (Filter(), 40),
        (Filter(level=Level.WARNING), 20),
        (Filter(sources=frozenset({"a"})), 20),
        (Filter(text="MESSAGE 3"), 11),
        (Filter(level=Level.ERROR, sources=frozenset({"a"})), 0),
        (Filter(level=Level.ERROR, sources=frozenset({"b"}), text="39"), 1),
    ],
)
def test_a_filter_chooses_by_level_source_and_text(qtbot: QtBot, wanted: Filter, count: int) -> None:
    model = filled(40)

    model.set_filter(wanted)

    assert model.rowCount() == count


def test_what_comes_later_is_filtered_as_well(qtbot: QtBot) -> None:
    model = filled(0)
    model.set_filter(Filter(text="wanted"))
    for text in ("wanted one", "other"):
        model.append(Log(level="info", source="a", message=text))
    model.flush()

    assert texts(model) == ["wanted one"]


def test_paused_the_list_stands_still_and_catches_up(qtbot: QtBot) -> None:
    model = filled(3)
    model.set_paused(True)
    model.append(Log(level="info", source="a", message="meanwhile"))
    model.flush()
    assert model.rowCount() == 3

    model.set_paused(False)

    assert texts(model)[-1] == "meanwhile"


def test_nodes_are_shown_by_name_and_what_a_child_printed_is_marked(qtbot: QtBot) -> None:
    model = LogModel()
    model.set_names({"n1": "Git"})
    model.append(Log(level="info", source="n1", message="hello", stream="stderr"))
    model.flush()

    assert model.index(0, 2).data() == "Git · stderr"
    assert "Git (stderr): hello" in model.text_of(model.shown())


def test_sources_are_listed_with_the_runtime_first(qtbot: QtBot) -> None:
    model = LogModel()
    model.set_names({"x": "Beta", "y": "Alpha"})
    for source in ("x", "y", "runtime"):
        model.append(Log(level="info", source=source, message="m"))
    model.flush()

    assert model.sources() == ["runtime", "y", "x"]


@pytest.mark.parametrize(
    ("event", "level", "source", "text"),
    [
        (Log(level="WARNING", source="a", message="m\n"), Level.WARNING, "a", "m"),
        (Log(level="odd", source="a", message="m"), Level.INFO, "a", "m"),
        (ChildChanged(node="a", state=ChildState.READY, tools=1), Level.INFO, "a", "ready, 1 tool"),
        (ChildChanged(node="a", state=ChildState.FAILED, reason="why"), Level.ERROR, "a", "failed: why"),
        (ChildChanged(node="a", state=ChildState.RETRYING, reason="why"), Level.WARNING, "a", "retrying: why"),
        (CallStarted(call="1", node="a", method="tools/call", name="t"), Level.DEBUG, "a", "→ tools/call t"),
        (
            CallFinished(call="1", node="a", method="tools/call", name="t", milliseconds=3.4),
            Level.DEBUG,
            "a",
            "← tools/call t in 3 ms",
        ),
        (
            CallFinished(call="1", node="a", method="ping", milliseconds=3.4, error="no"),
            Level.WARNING,
            "a",
            "← ping in 3 ms: no",
        ),
        (
            ClientChanged(session="1", name="c", version="2", protocol="2025-11-25", connected=True),
            Level.INFO,
            "runtime",
            "client c 2 connected (MCP 2025-11-25)",
        ),
        (GraphChanged(), Level.INFO, "runtime", "the edited graph is in use"),
        (GraphChanged(error="no"), Level.ERROR, "runtime", "the edited graph cannot be used: no"),
        (Ready(transport="stdio", composite="c"), Level.NOTICE, "runtime", "serving over stdio"),
        (Stopped(), Level.NOTICE, "runtime", "stopped"),
        (Stopped(reason="port in use"), Level.ERROR, "runtime", "port in use"),
    ],
)
def test_every_event_is_told_in_words(qtbot: QtBot, event: Event, level: Level, source: str, text: str) -> None:
    model = LogModel()
    model.append(event)
    model.flush()

    [entry] = model.shown()
    assert (entry.level, entry.source, entry.text) == (level, source, text)


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"level": "error", "data": "plain"}, "plain"),
        (
            {"level": "error", "logger": "db", "data": {"big": 2**70, "none": None}},
            f'db: {{"big": {2**70}, "none": null}}',
        ),
    ],
)
def test_what_a_server_logs_to_its_client_is_shown_too(qtbot: QtBot, params: dict[str, object], text: str) -> None:
    model = LogModel()
    model.take_message(params)
    model.flush()

    [entry] = model.shown()
    assert (entry.level, entry.source, entry.text) == (Level.ERROR, "inspector", text)


def test_filtering_fifty_thousand_rows_costs_little_more_than_looking_at_them(qtbot: QtBot) -> None:
    model = filled(LIMIT)
    entries = model.shown()

    def spent(wanted: Filter) -> float:
        start = time.process_time()
        model.set_filter(wanted)
        return time.process_time() - start

    def looked(entries: list[Entry]) -> float:
        start = time.process_time()
        assert sum("nowhere" in entry.text.casefold() for entry in entries) == 0
        return time.process_time() - start

    assert min(spent(Filter(text=f"nowhere {turn}")) for turn in range(3)) < 4 * min(looked(entries) for _ in range(3))
