import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from composite_runtime.errors import FusionError
from fusion_desktop.run.frames import Direction, Frame, Outcome, Patience, Progress, Question
from fusion_desktop.run.session import InspectorSession, SessionState
from tests.fusion_desktop.run.servers import EXAMPLE, ROOT, connected, running, serving, until, url_of

ERAS = ("legacy", "modern")
BIG = 2**70


@asynccontextmanager
async def features(era: str) -> AsyncIterator[InspectorSession]:
    with serving("tests.servers.features", "--era", era) as url:
        async with connected(url) as session:
            yield session


def told(outcome: Outcome) -> Any:
    """Return what a tool reports as JSON text."""
    assert outcome.result is not None, outcome.error
    return json.loads(outcome.result["content"][0]["text"])


async def cancelled_once(session: InspectorSession) -> None:
    """Return when the server has taken note of one cancellation."""
    for _ in range(200):
        if len(told(await session.call("cancelled", {}))) == 1:
            return
        await asyncio.sleep(0.02)
    pytest.fail("the server was not told")


@pytest.mark.parametrize("era", ERAS)
async def test_every_page_of_every_list_is_read(qtbot: QtBot, era: str) -> None:
    async with features(era) as session:
        counts = {kind: len(session.listing(kind).items) for kind in ("resources", "templates", "prompts")}

        # Its pages hold five entries each.
        assert counts == {"resources": 12, "templates": 7, "prompts": 8}
        assert session.server is not None
        assert session.server.is_modern == (era == "modern")
        assert session.server.title == era


@pytest.mark.parametrize("era", ERAS)
async def test_definitions_and_results_keep_fields_nobody_knows(qtbot: QtBot, era: str) -> None:
    async with features(era) as session:
        echo = next(tool for tool in session.listing("tools").items if tool["name"] == "echo")
        outcome = await session.call("rich", {})

        assert echo["x-unknown"] == {"deep": [1, None, {"a": None}]}
        assert outcome.result is not None
        assert outcome.result["structuredContent"]["big"] == 12345678901234567890
        assert outcome.result["content"][5] == {"type": "x-future", "anything": [None]}


VALUES = (BIG, -BIG, -0.0, 0.1, 1.0, 1e300, None, "", "ünï ☃ \u2028\u0000", [], {}, [None, {"a": False}])


@pytest.mark.parametrize("era", ERAS)
async def test_arguments_arrive_exactly_as_they_are(qtbot: QtBot, era: str) -> None:
    async with features(era) as session:
        for value in VALUES:
            outcome = await session.call("echo", {"v": value})

            assert repr(told(outcome)) == repr({"v": value})
            assert outcome.params == {"name": "echo", "arguments": {"v": value}}


@pytest.mark.parametrize("era", ERAS)
async def test_an_error_of_the_server_is_kept_as_it_was_sent(qtbot: QtBot, era: str) -> None:
    async with features(era) as session:
        outcome = await session.call("boom", {})

        assert outcome.error == {
            "code": 4711,
            "message": "custom words",
            "data": {"deep": [1, {"x": None}], "none": None},
        }
        assert outcome.is_failure


async def test_a_failure_a_tool_reports_is_told_from_a_refusal(qtbot: QtBot) -> None:
    async with features("modern") as session:
        outcome = await session.call("fail", {})

        assert outcome.error is None
        assert outcome.is_failure


@pytest.mark.parametrize("era", ERAS)
async def test_progress_is_passed_on_in_order(qtbot: QtBot, era: str) -> None:
    async with features(era) as session:
        seen: list[Progress] = []
        await session.call("progress", {"count": 5}, on_progress=seen.append)

        assert seen == [Progress(step, 5, f"step {step}") for step in range(5)]


@pytest.mark.parametrize("era", ERAS)
async def test_a_cancelled_call_is_cancelled_on_the_server(qtbot: QtBot, era: str) -> None:
    async with features(era) as session:
        begun = asyncio.Event()
        call = asyncio.get_running_loop().create_task(
            session.call("sleep", {"key": "mine"}, on_progress=lambda _: begun.set())
        )
        await begun.wait()
        call.cancel()
        await asyncio.wait({call})

        assert call.cancelled()
        await cancelled_once(session)


@pytest.mark.parametrize("era", ERAS)
async def test_a_silent_call_runs_out_of_time_and_is_cancelled_on_the_server(qtbot: QtBot, era: str) -> None:
    async with features(era) as session:
        with pytest.raises(FusionError, match="did not answer tools/call in time"):
            await session.call("sleep", {}, patience=Patience(idle_s=0.2))

        await cancelled_once(session)


@pytest.mark.parametrize("era", ERAS)
async def test_progress_gives_a_call_more_time(qtbot: QtBot, era: str) -> None:
    async with features(era) as session:
        outcome = await session.call("sleep", {"seconds": 1.5, "beats": 10}, patience=Patience(idle_s=0.6))

        assert outcome.result is not None
        assert outcome.milliseconds > 1400


async def test_progress_without_end_does_not_keep_a_call_for_ever(qtbot: QtBot) -> None:
    async with features("modern") as session:
        with pytest.raises(FusionError, match="in time"):
            await session.call("sleep", {"seconds": 30, "beats": 300}, patience=Patience(idle_s=1, total_s=1))


ANSWERS = {
    "sampling/createMessage": {"role": "assistant", "content": {"type": "text", "text": "blue"}, "model": "me"},
    "elicitation/create": {"action": "accept", "content": {"color": "red"}},
}


def answering(session: InspectorSession) -> list[Question]:
    asked: list[Question] = []

    def answer(question: Question) -> None:
        asked.append(question)
        question.answer(ANSWERS[question.method])

    session.asked.connect(answer)
    return asked


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("tool", "method"),
    [("sample", "sampling/createMessage"), ("form", "elicitation/create")],
)
async def test_what_the_server_asks_is_answered(qtbot: QtBot, era: str, tool: str, method: str) -> None:
    async with features(era) as session:
        asked = answering(session)
        outcome = await session.call(tool, {})

        assert [question.method for question in asked] == [method]
        assert told(outcome) == ANSWERS[method]


@pytest.mark.parametrize("era", ERAS)
async def test_several_questions_at_once_and_one_after_another_are_answered(qtbot: QtBot, era: str) -> None:
    async with features(era) as session:
        asked = answering(session)

        assert set(told(await session.call("three", {}))) == {"f", "s", "r"}
        assert told(await session.call("rounds", {})) == [{"color": "red"}, {"color": "red"}]
        assert len(asked) == 4


@pytest.mark.parametrize("era", ERAS)
async def test_roots_are_a_setting_and_no_call_waits_for_them(qtbot: QtBot, era: str) -> None:
    async with features(era) as session:
        asked = answering(session)
        assert told(await session.call("where", {})) == {"roots": []}
        session.set_roots([{"uri": "file:///here", "name": "Here"}])

        assert told(await session.call("where", {})) == {"roots": [{"uri": "file:///here", "name": "Here"}]}
        assert asked == []
        if era == "legacy":
            assert "notifications/roots/list_changed" in told(await session.call("heard", {}))


@pytest.mark.parametrize("era", ERAS)
async def test_a_refused_question_ends_the_call_with_words(qtbot: QtBot, era: str) -> None:
    async with features(era) as session:
        session.asked.connect(lambda question: question.refuse("The user refused."))
        outcome_or_error: Any
        try:
            outcome_or_error = await session.call("form", {})
        except FusionError as error:
            outcome_or_error = error

        assert "refused" in str(outcome_or_error)


@pytest.mark.parametrize(
    ("tool", "patience"),
    [
        ("form", Patience(idle_s=0.4)),
        ("form", Patience(idle_s=5, total_s=0.4)),
        ("three", Patience(idle_s=0.4)),
    ],
)
async def test_the_time_a_user_takes_to_answer_is_not_counted(qtbot: QtBot, tool: str, patience: Patience) -> None:
    """Of several questions the last answer counts."""
    async with features("legacy") as session:

        def later(question: Question) -> None:
            wait_s = 0.0 if question.method == "sampling/createMessage" else 0.8
            asyncio.get_running_loop().call_later(wait_s, question.answer, ANSWERS[question.method])

        session.asked.connect(later)
        outcome = await session.call(tool, {}, patience=patience)

        assert outcome.result is not None
        assert outcome.milliseconds > 700


@pytest.mark.parametrize("era", ERAS)
async def test_a_cancelled_call_takes_its_question_back(qtbot: QtBot, era: str) -> None:
    async with features(era) as session:
        asked: list[Question] = []
        withdrawn: list[Question] = []
        session.asked.connect(asked.append)
        session.withdrawn.connect(withdrawn.append)
        call = asyncio.get_running_loop().create_task(session.call("form", {}))
        await until(lambda: asked)
        call.cancel()
        await until(lambda: withdrawn)

        assert withdrawn == asked
        await asyncio.wait({call})


@pytest.mark.parametrize("era", ERAS)
async def test_lists_follow_the_server(qtbot: QtBot, era: str) -> None:
    async with features(era) as session:
        await until(lambda: session.listing("tools").items)
        before = len(session.listing("tools").items)
        added = (await session.call("change", {"what": "tools"})).result
        assert added is not None
        # A modern server tells only those whose subscription it has already acknowledged.
        session.refresh("tools") if era == "modern" else None

        await until(lambda: len(session.listing("tools").items) == before + 1)


@pytest.mark.parametrize("era", ERAS)
async def test_log_messages_arrive_from_the_level_asked_for(qtbot: QtBot, era: str) -> None:
    async with features(era) as session:
        logged: list[Any] = []
        session.logged.connect(logged.append)
        await session.set_log_level("warning")
        await session.call("log", {})
        await until(lambda: len(logged) >= 2)

        assert "error" in [entry["level"] for entry in logged]


async def test_one_unusable_entry_does_not_hide_the_others(qtbot: QtBot) -> None:
    with serving("tests.fusion_desktop.run.odd_server") as url:
        async with connected(url) as session:
            listing = session.listing("tools")

            assert [tool["name"] for tool in listing.items][:1] == ["fine"]
            assert listing.broken[:3] == (
                "Entry 1: is no object but 'a text'",
                "Entry 3: has no name: {'title': 'nameless'}",
                "Entry 4: schemaless has no inputSchema",
            )


async def test_frames_of_both_directions_are_told(qtbot: QtBot) -> None:
    async with features("legacy") as session:
        frames: list[Frame] = []
        session.frame.connect(frames.append)
        await session.call("echo", {"v": BIG})

        assert [frame.direction for frame in frames] == [Direction.SENT, Direction.RECEIVED]
        assert frames[0].message["params"]["arguments"] == {"v": BIG}
        assert frames[1].message["id"] == frames[0].message["id"]


async def test_a_server_that_is_not_there_is_reported_in_words(qtbot: QtBot) -> None:
    session = InspectorSession()
    session.open_url("http://127.0.0.1:9/mcp")
    await until(lambda: session.state is SessionState.LOST)

    assert session.reason.startswith("The server cannot be reached")
    with pytest.raises(FusionError, match="press Run"):
        await session.call("echo", {})


async def test_opening_anew_closes_what_was_open(qtbot: QtBot) -> None:
    with (
        serving("tests.servers.features", "--name", "one") as one,
        serving("tests.servers.features", "--name", "two") as two,
    ):
        async with connected(one) as session:
            session.open_url(two)
            await until(lambda: session.server is not None and session.server.title == "two")
            await until(lambda: session.listing("resources").items)

            assert session.listing("resources").items[0]["uri"] == "two://note"


async def test_closing_while_connecting_leaves_nothing_behind(qtbot: QtBot) -> None:
    with serving("tests.servers.features") as url:
        session = InspectorSession()
        session.open_url(url)
        await asyncio.sleep(0)
        await session.end()

        assert session.state is SessionState.CLOSED


@pytest.mark.parametrize("transport", ["http", "stdio"])
async def test_a_running_composite_is_an_ordinary_server(qtbot: QtBot, transport: Any) -> None:
    async with running(EXAMPLE, transport) as (process, events):
        session = InspectorSession()
        if transport == "http":
            session.open_url(url_of(events), process.token)
        else:
            session.open_pipes(process)
        await until(lambda: session.listing("tools").items)
        outcome = await session.call("text_count", {"text": "one two"})
        await session.end()

        assert outcome.result is not None
        assert not outcome.is_failure


async def test_when_the_runtime_stops_its_pipes_are_lost(qtbot: QtBot) -> None:
    async with running(EXAMPLE, "stdio") as (process, _):
        session = InspectorSession()
        session.open_pipes(process)
        await until(lambda: session.listing("tools").items)

        await process.end()
        await until(lambda: session.state is SessionState.LOST)

        assert session.reason == "The server closed the connection."
        await session.end()


def test_the_sdk_is_not_loaded_before_a_connection_opens() -> None:
    code = "import sys, fusion_desktop.inspector.panel; sys.exit(any(n.split('.')[0] == 'mcp' for n in sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


async def test_a_session_that_is_closed_before_it_began_to_connect_stays_closed(qtbot: QtBot) -> None:
    states: list[SessionState] = []
    with serving("tests.servers.features", "--era", "modern") as url:
        session = InspectorSession()
        session.state_changed.connect(lambda state, _: states.append(state))

        session.open_url(url)
        async with asyncio.timeout(5):
            await session.end()

    assert states == []
    assert session.state is SessionState.CLOSED
