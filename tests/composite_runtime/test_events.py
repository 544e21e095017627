import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composite_runtime.events import (
    CallFinished,
    CallStarted,
    ChildChanged,
    ChildDrifted,
    ChildState,
    Event,
    GraphChanged,
    Log,
    Ready,
    Stopped,
    decode,
    encode,
)

_strings = st.text()
_seconds = st.floats(min_value=0, max_value=4e9)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(Ready, at=_seconds, transport=_strings, composite=_strings, url=st.none() | _strings),
    st.builds(
        ChildChanged,
        at=_seconds,
        node=_strings,
        state=st.sampled_from(ChildState),
        reason=st.none() | _strings,
        tools=st.none() | st.integers(0, 1000),
        pid=st.none() | st.integers(1, 99999),
    ),
    st.builds(ChildDrifted, at=_seconds, node=_strings, added=st.integers(0, 9), summary=_strings),
    st.builds(CallStarted, at=_seconds, call=_strings, node=_strings, method=_strings, name=st.none() | _strings),
    st.builds(
        CallFinished,
        at=_seconds,
        call=_strings,
        node=_strings,
        method=_strings,
        name=st.none() | _strings,
        milliseconds=_seconds,
        error=st.none() | _strings,
        request_bytes=st.none() | st.integers(1, 9999),
    ),
    st.builds(Log, at=_seconds, level=_strings, source=_strings, message=_strings, stream=st.none() | _strings),
    st.builds(GraphChanged, at=_seconds, error=st.none() | _strings, composite=st.none() | _strings),
    st.builds(Stopped, at=_seconds, reason=st.none() | _strings),
)


@given(events)
def test_an_event_survives_the_pipe(event: Event) -> None:
    assert decode(encode(event)) == event


@given(events)
def test_an_event_is_one_line(event: Event) -> None:
    assert len(encode(event).split("\n")) == 1


@given(st.text())
def test_any_line_can_be_read(line: str) -> None:
    event = decode(line)

    assert isinstance(event, Log)
    assert event.message == line


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Traceback (most recent call last):",
        "7",
        "null",
        "[]",
        "{}",
        '{"event": "party"}',
        '{"event": ["ready"]}',
        '{"event": "ready"}',
        '{"event": "child_changed", "node": "a", "state": "asleep"}',
        "[" * 100_000,
    ],
)
def test_a_line_that_is_no_event_is_a_log_entry_with_nothing_lost(line: str) -> None:
    event = decode(line)

    assert isinstance(event, Log)
    assert (event.level, event.source, event.message, event.stream) == ("info", "runtime", line, "stderr")


def test_fields_of_a_newer_runtime_are_dropped() -> None:
    event = Stopped(reason="asked")
    line = json.dumps({**json.loads(encode(event)), "mood": "calm"})

    assert decode(line) == event


def test_a_decoded_state_is_a_state() -> None:
    event = decode(encode(ChildChanged(node="a", state=ChildState.READY)))

    assert isinstance(event, ChildChanged)
    assert event.state is ChildState.READY
