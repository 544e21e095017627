"""One open connection to a child."""

import asyncio
import gc
from typing import Any

import pytest

from composite_runtime.errors import ChildError
from composite_runtime.wire.era import LATEST_LEGACY, LATEST_MODERN, VERSION_KEY, Era, translated
from composite_runtime.wire.jsonrpc import RpcError
from composite_runtime.wire.link import Link, Timeouts, WrongEra
from composite_runtime.wire.transport import SessionForgotten
from tests.support.links import MODERN, TestRelay, Told, Wire, capabilities_in, declares, linked


async def started(link: Link, wire: Wire, method: str = "tools/call", **more: Any) -> tuple[asyncio.Task[Any], Any]:
    """Begin a request and return its task and its id, once it is on the wire."""
    params = more.pop("params", {"name": "echo"})
    task = asyncio.get_running_loop().create_task(link.request(method, params, more.pop("relay", None), **more))
    await asyncio.sleep(0)
    return task, (await wire.request(method))["id"]


async def test_a_legacy_link_opens_by_the_handshake() -> None:
    async with linked(Era.LEGACY) as (link, wire, _):
        assert [message["method"] for message in wire.sent] == ["initialize", "notifications/initialized"]
        assert link.version == wire.version == LATEST_LEGACY
        assert link.is_open


async def test_a_modern_link_opens_by_discovery_and_envelopes_each_request() -> None:
    async with linked(Era.MODERN) as (link, wire, _):
        task, request_id = await started(link, wire, relay=TestRelay(declares("elicitation", Era.MODERN)))
        sent = await wire.request("tools/call")
        assert sent["params"]["_meta"][VERSION_KEY] == LATEST_MODERN
        assert capabilities_in(sent) == {"elicitation": {}}
        wire.says({"id": request_id, "result": {}})
        await task


@pytest.mark.parametrize("versions", [None, 5, True, "2026", {}, [[]], ["2031-01-01"]])
async def test_a_child_that_says_nonsense_about_its_versions_is_of_the_wrong_era(versions: Any) -> None:
    wire = Wire(hello={"result": {"supportedVersions": versions}})
    with pytest.raises(WrongEra):
        async with linked(Era.MODERN, wire):
            pass


@pytest.mark.parametrize("version", [None, 7, [], "1999-01-01"])
async def test_a_handshake_to_an_unknown_revision_is_refused_in_words(version: Any) -> None:
    with pytest.raises(ChildError, match="protocol revision"):
        async with linked(Era.LEGACY, Wire(hello={"result": {"protocolVersion": version}})):
            pass


async def test_a_child_that_answers_the_handshake_with_a_modern_revision_is_of_the_wrong_era() -> None:
    with pytest.raises(WrongEra):
        async with linked(Era.LEGACY, Wire(hello={"result": {"protocolVersion": LATEST_MODERN}})):
            pass


async def test_answers_find_their_requests_in_any_order() -> None:
    async with linked() as (link, wire, _):
        first, first_id = await started(link, wire)
        second, second_id = await started(link, wire)
        wire.says({"id": second_id, "result": {"n": 2}})
        wire.says({"id": first_id, "result": {"n": 1}})
        assert (await first, await second) == ({"n": 1}, {"n": 2})


async def test_unknown_fields_and_nulls_of_a_result_stay() -> None:
    async with linked() as (link, wire, _):
        task, request_id = await started(link, wire)
        wire.says({"id": request_id, "result": {"a": None, "x-new": [1, None]}})
        assert await task == {"a": None, "x-new": [1, None]}


async def test_a_childs_own_error_keeps_code_message_and_data() -> None:
    async with linked() as (link, wire, _):
        task, request_id = await started(link, wire)
        wire.says({"id": request_id, "error": {"code": 4711, "message": "no", "data": {"deep": [None]}}})
        with pytest.raises(RpcError) as caught:
            await task
        assert caught.value.to_wire() == {"code": 4711, "message": "no", "data": {"deep": [None]}}


@pytest.mark.parametrize("answer", [{}, {"result": None}, {"result": [1]}, {"result": "text"}])
async def test_a_result_that_is_no_object_fails_the_call_in_words(answer: Any) -> None:
    async with linked() as (link, wire, _):
        task, request_id = await started(link, wire)
        wire.says({"id": request_id, **answer})
        with pytest.raises(ChildError, match="neither a result nor an error"):
            await task


@pytest.mark.parametrize(
    "error",
    [
        {"code": 1, "message": "no", "data": None},
        {"code": -32002, "message": "no", "data": {"uri": None}, "x": [None]},
        {"code": 1, "message": "no"},
    ],
    ids=repr,
)
async def test_unknown_fields_and_nulls_of_an_error_stay(error: dict[str, Any]) -> None:
    async with linked() as (link, wire, _):
        task, request_id = await started(link, wire)
        wire.says({"id": request_id, "error": error})
        with pytest.raises(RpcError) as caught:
            await task
        assert caught.value.to_wire() == error
        assert {**translated(Era.MODERN, caught.value).to_wire(), "code": 0} == {**error, "code": 0}


@pytest.mark.parametrize("error", ["text", None, 7, {}, {"code": "x"}, {"code": 1, "message": None}])
async def test_an_error_that_is_half_missing_is_still_an_error(error: Any) -> None:
    async with linked() as (link, wire, _):
        task, request_id = await started(link, wire)
        wire.says({"id": request_id, "error": error})
        with pytest.raises(RpcError):
            await task


HOSTILE: list[Any] = [
    None,
    7,
    "text",
    [],
    {},
    {"id": None, "result": {}},
    {"id": 1.5, "result": {}},
    {"id": [], "result": {}},
    {"id": {}, "error": {}},
    {"id": 10**400, "result": {}},
    {"id": "1", "result": {}},
    {"id": 99999, "result": {}},
    {"id": [], "method": "sampling/createMessage"},
    {"id": {}, "method": "ping"},
    {"id": None, "method": "roots/list"},
    {"id": 1.5, "method": "roots/list"},
    {"method": None},
    {"method": 5, "params": []},
    {"method": "notifications/cancelled", "params": {"requestId": []}},
    {"method": "notifications/cancelled", "params": {"requestId": {}}},
    {"method": "notifications/cancelled", "params": [1]},
    {"method": "notifications/progress", "params": {"progressToken": {}}},
    {"method": "notifications/progress", "params": {"progressToken": 424242}},
    {"method": "notifications/progress"},
    {"method": "notifications/message", "params": {"level": []}},
    {"method": "notifications/message", "params": 5},
    {"method": "notifications/resources/updated"},
]


@pytest.mark.parametrize("message", HOSTILE, ids=repr)
async def test_a_message_nobody_expects_does_not_disturb_the_calls(message: Any) -> None:
    async with linked() as (link, wire, _):
        task, request_id = await started(link, wire, relay=TestRelay(log_level="info"))
        wire.says(message)
        wire.says({"id": request_id, "result": {"still": "here"}})
        assert await task == {"still": "here"}


async def test_an_answer_after_the_call_was_given_up_is_dropped() -> None:
    async with linked() as (link, wire, told):
        task, request_id = await started(link, wire)
        task.cancel()
        await asyncio.wait([task])
        wire.says({"id": request_id, "result": {}})
        assert link.in_flight == 0
        assert told.noise == []


async def test_a_child_that_knows_ids_as_texts_only_is_understood() -> None:
    relay = TestRelay(progress_token="mine")
    async with linked() as (link, wire, _):
        task, request_id = await started(link, wire, relay=relay)
        wire.says({"method": "notifications/progress", "params": {"progressToken": str(request_id), "progress": 1}})
        wire.says({"id": str(request_id), "result": {"x": 1}})
        assert await asyncio.wait_for(task, 1) == {"x": 1}
    assert relay.notices == [("notifications/progress", {"progressToken": "mine", "progress": 1})]


async def test_an_error_that_names_no_request_is_told() -> None:
    async with linked() as (_, wire, told):
        wire.says({"id": None, "error": {"code": -32700, "message": "what?"}})
        assert "what?" in told.noise[0]


async def test_a_second_answer_to_the_same_request_is_dropped() -> None:
    async with linked() as (link, wire, _):
        task, request_id = await started(link, wire)
        wire.says({"id": request_id, "result": {"n": 1}})
        wire.says({"id": request_id, "result": {"n": 2}})
        wire.says({"id": request_id, "error": {"code": 1, "message": "late"}})
        assert await task == {"n": 1}


async def test_cancelling_a_call_tells_the_child_which() -> None:
    async with linked() as (link, wire, _):
        task, request_id = await started(link, wire)
        task.cancel()
        await asyncio.wait([task])
        assert [params["requestId"] for params in wire.told("notifications/cancelled")] == [request_id]


async def test_cancelling_where_hanging_up_is_enough_sends_no_notification() -> None:
    async with linked(Era.MODERN, Wire(aborts=True)) as (link, wire, _):
        task, request_id = await started(link, wire)
        task.cancel()
        await asyncio.wait([task])
        assert wire.aborted == [request_id]
        assert wire.told("notifications/cancelled") == []


async def test_a_call_without_a_sign_of_life_ends_in_words_and_is_cancelled() -> None:
    async with linked() as (link, wire, _):
        task, request_id = await started(link, wire, timeouts=Timeouts(idle_s=0.05, total_s=5))
        with pytest.raises(ChildError, match=r"no sign of life for 0\.05 s"):
            await task
        assert [params["requestId"] for params in wire.told("notifications/cancelled")] == [request_id]
        assert link.is_open


async def test_progress_keeps_a_call_alive_but_not_beyond_its_whole_time() -> None:
    async with linked() as (link, wire, _):
        relay = TestRelay(progress_token="p")
        task, request_id = await started(link, wire, relay=relay, timeouts=Timeouts(idle_s=0.2, total_s=0.5))
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not task.done():
            wire.says({"method": "notifications/progress", "params": {"progressToken": request_id, "progress": 1}})
            await asyncio.wait([task], timeout=0.05)
        assert 0.4 < loop.time() - began < 2
        with pytest.raises(ChildError, match=r"was not done after 0\.5 s"):
            await task


async def test_the_whole_time_counts_also_when_it_is_the_shorter_one() -> None:
    async with linked() as (link, wire, _):
        task, _ = await started(link, wire, timeouts=Timeouts(idle_s=30, total_s=0.05))
        with pytest.raises(ChildError, match="was not done"):
            await task


async def test_a_person_who_thinks_about_a_question_does_not_time_the_call_out() -> None:
    async with linked() as (link, wire, _):
        release = asyncio.Event()

        async def think(method: str, params: Any) -> Any:
            await release.wait()
            return {"action": "accept"}

        relay = TestRelay(answers=think)
        task, request_id = await started(link, wire, relay=relay, timeouts=Timeouts(idle_s=0.1, total_s=20))
        wire.says({"id": "q", "method": "elicitation/create", "params": {}})
        await asyncio.wait([task], timeout=0.4)
        assert not task.done()
        release.set()
        wire.says({"id": request_id, "result": {}})
        assert await task == {}


async def test_progress_reaches_the_caller_under_its_own_token_and_none_comes_after_the_result() -> None:
    async with linked() as (link, wire, _):
        relay = TestRelay(progress_token={"not": "hashable"})
        task, request_id = await started(link, wire, relay=relay)
        for step in (1, 2, 3):
            params = {"progressToken": request_id, "progress": step, "x": None}
            wire.says({"method": "notifications/progress", "params": params})
        wire.says({"id": request_id, "result": {}})
        wire.says({"method": "notifications/progress", "params": {"progressToken": request_id, "progress": 4}})
        await task
        assert [params["progress"] for _, params in relay.notices] == [1, 2, 3]
        assert all(
            params["progressToken"] == {"not": "hashable"} and params["x"] is None for _, params in relay.notices
        )


async def test_progress_of_a_call_that_was_answered_by_a_task_is_told_for_as_long_as_the_task_lives() -> None:
    async with linked() as (link, wire, told):
        task, request_id = await started(link, wire, relay=TestRelay(progress_token="mine"))
        wire.says({"id": request_id, "result": {"task": {"taskId": "1", "status": "working"}}})
        await task
        wire.says({"method": "notifications/progress", "params": {"progressToken": request_id, "progress": 4}})
        assert told.notices == [("notifications/progress", {"progressToken": "mine", "progress": 4})]


async def test_the_end_of_a_child_fails_what_is_in_flight_and_what_comes_later() -> None:
    async with linked() as (link, wire, _):
        task, _ = await started(link, wire)
        wire.receiver.lost("it ended with exit code 3")
        with pytest.raises(ChildError, match="exit code 3"):
            await task
        with pytest.raises(ChildError, match="exit code 3"):
            await link.request("tools/call", {}, None)
        assert str(await link.ended()) == "it ended with exit code 3"
        assert link.in_flight == 0


async def test_the_end_of_a_child_nobody_called_raises_nothing_later() -> None:
    async with linked() as (link, wire, _):
        wire.receiver.lost("gone")
        wire.receiver.lost("gone again")
        assert not link.is_open
    gc.collect()


async def test_only_the_request_that_met_a_forgotten_session_may_be_asked_again() -> None:
    async with linked() as (link, wire, _):
        running, _ = await started(link, wire)
        refused, refused_id = await started(link, wire)
        wire.receiver.failed(refused_id, SessionForgotten("the session is forgotten"))
        wire.receiver.lost("the session is forgotten", forgotten=True)
        with pytest.raises(SessionForgotten):
            await refused
        await link.close()
        with pytest.raises(ChildError) as caught:
            await running
        assert not isinstance(caught.value, SessionForgotten)


async def test_a_question_of_the_child_is_answered_under_its_id() -> None:
    told = Told(answer=lambda method, params: {"roots": [params]})
    async with linked(told=told) as (_, wire, _):
        wire.says({"id": "q7", "method": "roots/list", "params": {"x": 1}})
        await asyncio.sleep(0.01)
        assert {"jsonrpc": "2.0", "id": "q7", "result": {"roots": [{"x": 1}]}} in wire.sent


async def test_a_question_that_fails_in_an_unexpected_way_is_answered_all_the_same() -> None:
    def broken(method: str, params: Any) -> Any:
        raise RuntimeError("unexpected")

    async with linked(told=Told(answer=broken)) as (_, wire, _):
        wire.says({"id": "q7", "method": "roots/list"})
        await asyncio.sleep(0.01)
        assert wire.sent[-1]["id"] == "q7"
        assert wire.sent[-1]["error"]["code"] == -32603


async def test_a_question_the_child_withdraws_is_withdrawn_from_the_client_and_not_answered() -> None:
    withdrawn = asyncio.Event()

    async def wait(method: str, params: Any) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            withdrawn.set()

    async with linked(told=Told(answer=lambda m, p: wait(m, p))) as (_, wire, _):
        wire.says({"id": 5, "method": "roots/list"})
        await asyncio.sleep(0.01)
        wire.says({"method": "notifications/cancelled", "params": {"requestId": 5}})
        await asyncio.wait_for(withdrawn.wait(), 2)
        assert [message for message in wire.sent if message.get("id") == 5] == []


async def test_a_ping_of_the_child_is_answered_at_once() -> None:
    async with linked() as (_, wire, _):
        wire.says({"id": "p", "method": "ping"})
        assert wire.sent[-1] == {"jsonrpc": "2.0", "id": "p", "result": {}}


async def test_an_unreadable_answer_fails_its_call_instead_of_leaving_it_waiting() -> None:
    async with linked() as (link, wire, told):
        task, request_id = await started(link, wire)
        wire.receiver.noise(f'{{"jsonrpc": "2.0", "id": {request_id}, "result": {{"x": NaN}}}}')
        with pytest.raises(ChildError, match="not JSON"):
            await task
        assert len(told.noise) == 1


async def test_noise_beside_the_messages_is_told_and_disturbs_nothing() -> None:
    async with linked() as (link, wire, told):
        task, request_id = await started(link, wire)
        wire.receiver.noise("Listening on port 80")
        wire.says({"id": request_id, "result": {}})
        await task
        assert told.noise == ["Listening on port 80"]


async def test_logs_reach_a_call_only_from_the_level_it_wants() -> None:
    async with linked(Era.MODERN) as (link, wire, _):
        relay = TestRelay(MODERN, log_level="warning")
        task, request_id = await started(link, wire, relay=relay)
        for level in ("debug", "warning", "emergency"):
            wire.says({"method": "notifications/message", "params": {"level": level}}, request_id)
        wire.says({"id": request_id, "result": {}})
        await task
        assert [params["level"] for _, params in relay.notices] == ["warning", "emergency"]


async def test_a_question_that_could_belong_to_two_clients_is_put_to_neither() -> None:
    async with linked() as (link, wire, told):
        told.answer = lambda method, params: {"nobody": "was found"}
        one, other = (TestRelay(declares("elicitation", Era.MODERN), answers=lambda m, p: {}) for _ in range(2))
        first, first_id = await started(link, wire, relay=one)
        second, second_id = await started(link, wire, relay=other)
        wire.says({"id": "q", "method": "elicitation/create", "params": {}})
        await asyncio.sleep(0.01)
        assert (one.asked, other.asked) == ([], [])
        for task, request_id in ((first, first_id), (second, second_id)):
            wire.says({"id": request_id, "result": {}})
            await task


async def test_a_question_on_the_stream_of_a_request_belongs_to_it() -> None:
    async with linked() as (link, wire, _):
        one, other = (TestRelay(declares("elicitation", Era.MODERN), answers=lambda m, p: {}) for _ in range(2))
        first, first_id = await started(link, wire, relay=one)
        second, second_id = await started(link, wire, relay=other)
        wire.says({"id": "q", "method": "elicitation/create", "params": {}}, first_id)
        await asyncio.sleep(0.01)
        assert (len(one.asked), len(other.asked)) == (1, 0)
        for task, request_id in ((first, first_id), (second, second_id)):
            wire.says({"id": request_id, "result": {}})
            await task


async def test_closing_a_link_ends_its_transport_and_what_waits() -> None:
    async with linked() as (link, wire, _):
        task, _ = await started(link, wire)
        await link.close()
        with pytest.raises(ChildError, match="stopped"):
            await task
        assert wire.closed
