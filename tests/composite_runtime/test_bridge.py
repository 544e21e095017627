"""Calls that cross the eras."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from composite_runtime.bridge import (
    Bridge,
    drive_rounds,
    from_modern_child,
    is_parked,
    to_modern_child,
)
from composite_runtime.errors import ChildError
from composite_runtime.wire.call import Caller, Relay
from composite_runtime.wire.era import LATEST_MODERN, Era
from composite_runtime.wire.jsonrpc import Json, RpcError
from tests.support.links import LEGACY, TestRelay

CLIENT = Caller(Era.MODERN, LATEST_MODERN, {"elicitation": {}, "sampling": {}, "roots": {}})
CALL: Json = {"name": "book", "arguments": {"to": "Oslo"}}


@dataclass
class Asking:
    """A legacy child whose call asks questions, all at once, and returns the answers."""

    questions: list[tuple[str, Json]] = field(default_factory=lambda: [("elicitation/create", {"message": "sure?"})])
    cancelled: bool = False
    relay: Relay | None = None

    async def __call__(self, relay: Relay) -> Json:
        self.relay = relay
        try:
            answers = await asyncio.gather(*(relay.ask(*question) for question in self.questions))
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return {"answers": answers}


@asynccontextmanager
async def bridged(limit: int = 256) -> AsyncIterator[Bridge]:
    bridge = Bridge(limit)
    try:
        yield bridge
    finally:
        await bridge.close()
        gc.collect()


async def ask(bridge: Bridge, run: Any, caller: Caller = CLIENT, **more: Any) -> Json:
    params = {**CALL, **more}
    work = (
        bridge.resume("tools/call", params, TestRelay(caller))
        if is_parked(params)
        else bridge.call(run, "tools/call", params, TestRelay(caller))
    )
    return await asyncio.wait_for(work, 5)


async def test_a_question_becomes_the_result_and_the_answer_resumes_the_call() -> None:
    async with bridged() as bridge:
        asked = await ask(bridge, child := Asking())
        assert asked["resultType"] == "input_required"
        assert asked["inputRequests"] == {"r1": {"method": "elicitation/create", "params": {"message": "sure?"}}}
        done = await ask(bridge, child, requestState=asked["requestState"], inputResponses={"r1": {"action": "accept"}})
        assert done == {"answers": [{"action": "accept"}]}


async def test_partial_answers_are_asked_for_again_under_a_new_state() -> None:
    async with bridged() as bridge:
        child = Asking([("roots/list", {}), ("sampling/createMessage", {"messages": []})])
        first = await ask(bridge, child)
        assert set(first["inputRequests"]) == {"r1", "r2"}
        second = await ask(bridge, child, requestState=first["requestState"], inputResponses={"r1": {"roots": []}})
        assert set(second["inputRequests"]) == {"r2"}
        assert second["requestState"] != first["requestState"]
        done = await ask(bridge, child, requestState=second["requestState"], inputResponses={"r2": {"role": "user"}})
        assert done == {"answers": [{"roots": []}, {"role": "user"}]}


@pytest.mark.parametrize("answers", [None, {}, [], "x", {"r1": "yes"}, {"r1": None}, {"r9": {}}, {"r1": [1]}], ids=repr)
async def test_an_answer_that_is_none_is_asked_for_again(answers: Any) -> None:
    async with bridged() as bridge:
        asked = await ask(bridge, child := Asking())
        again = await ask(bridge, child, requestState=asked["requestState"], inputResponses=answers)
        assert set(again["inputRequests"]) == {"r1"}
        done = await ask(
            bridge, child, requestState=again["requestState"], inputResponses={"r1": {"action": "decline"}}
        )
        assert done == {"answers": [{"action": "decline"}]}


@pytest.mark.parametrize("state", ["b:unknown", "", "u:x", 7, {}, [], "\ud800"], ids=repr)
async def test_a_state_nobody_gave_is_refused_with_one_message(state: Any) -> None:
    async with bridged() as bridge:
        with pytest.raises(RpcError, match=r"^Invalid or expired requestState$"):
            await ask(bridge, Asking(), requestState=state)


async def test_a_state_opens_only_the_call_and_the_caller_it_was_given_to_and_only_once() -> None:
    async with bridged() as bridge:
        asked = await ask(bridge, child := Asking())
        state = asked["requestState"]
        for caller, more in ((replace(CLIENT, principal="other"), {}), (CLIENT, {"arguments": {"to": "Rome"}})):
            with pytest.raises(RpcError, match=r"^Invalid or expired requestState$"):
                await ask(bridge, child, caller, requestState=state, **more)
        again = await ask(bridge, child, requestState=state)
        with pytest.raises(RpcError, match=r"^Invalid or expired requestState$"):
            await ask(bridge, child, requestState=state)
        assert again["inputRequests"] == asked["inputRequests"]


async def test_what_the_client_cannot_do_is_refused_to_the_child() -> None:
    async with bridged() as bridge:
        with pytest.raises(RpcError, match="does not support elicitation/create"):
            await ask(bridge, Asking(), replace(CLIENT, capabilities={"roots": {}}))


async def test_cancelling_the_round_cancels_the_call_of_the_child() -> None:
    async with bridged() as bridge:
        started = asyncio.Event()
        child = Asking([])

        async def hang(relay: Relay) -> Json:
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                child.cancelled = True
            return {}

        task = asyncio.get_running_loop().create_task(ask(bridge, hang))
        await started.wait()
        task.cancel()
        await asyncio.wait([task])
        await asyncio.sleep(0)
        assert child.cancelled


async def test_closing_answers_the_round_that_waits_and_cancels_what_is_parked() -> None:
    bridge = Bridge()
    parked = Asking()
    await ask(bridge, parked)

    async def hang(relay: Relay) -> Json:
        await asyncio.Event().wait()
        return {}

    waiting = asyncio.get_running_loop().create_task(ask(bridge, hang))
    await asyncio.sleep(0.01)
    await bridge.close()
    with pytest.raises(ChildError, match="stopped"):
        await waiting
    assert parked.cancelled


async def test_a_call_that_fails_while_the_client_thinks_is_told_in_the_next_round() -> None:
    async with bridged() as bridge:
        fail = asyncio.Event()

        async def dies(relay: Relay) -> Json:
            question = asyncio.get_running_loop().create_task(relay.ask("roots/list", {}))
            await fail.wait()
            question.cancel()
            raise ChildError("it ended with exit code 3")

        asked = await ask(bridge, dies)
        fail.set()
        await asyncio.sleep(0.01)
        with pytest.raises(ChildError, match="exit code 3"):
            await ask(bridge, dies, requestState=asked["requestState"])


async def test_there_is_a_bound_to_parked_calls_and_one_too_many_is_refused_in_words() -> None:
    async with bridged(limit=3) as bridge:
        for _ in range(3):
            await ask(bridge, Asking())
        child = Asking()
        with pytest.raises(RpcError, match="calls wait for answers already"):
            await ask(bridge, child)
        await asyncio.sleep(0.01)
        assert child.cancelled


async def test_progress_of_a_later_round_goes_to_that_round() -> None:
    async with bridged() as bridge:
        asked = await ask(bridge, child := Asking([("roots/list", {}), ("sampling/createMessage", {})]))
        later = TestRelay(CLIENT)
        answer = {"requestState": asked["requestState"], "inputResponses": {"r1": {}}}
        await bridge.resume("tools/call", {**CALL, **answer}, later)
        assert child.relay is not None
        child.relay.notify("notifications/progress", {"progress": 1})
        assert later.notices == [("notifications/progress", {"progress": 1})]


async def failing(error: RpcError) -> Json:
    raise error


async def test_a_url_a_legacy_child_wants_visited_becomes_a_question() -> None:
    wanted = {"elicitations": [{"elicitationId": "e", "url": "https://x", "message": "go", "mode": "url"}]}
    async with bridged() as bridge:
        asked = await ask(bridge, lambda relay: failing(RpcError(-32042, "visit", wanted)))
        params = {"mode": "url", "url": "https://x", "message": "go"}
        assert asked["inputRequests"] == {"r1": {"method": "elicitation/create", "params": params}}
        assert "requestState" not in asked


async def test_a_url_that_a_client_cannot_be_shown_is_refused_as_the_modern_protocol_wants() -> None:
    async with bridged() as bridge:
        error = RpcError(-32042, "visit", {"elicitations": [{"url": "https://x"}]})
        with pytest.raises(RpcError) as caught:
            await ask(bridge, lambda relay: failing(error), replace(CLIENT, capabilities={}))
        assert caught.value.code == -32021
        assert caught.value.data == {"requiredCapabilities": {"elicitation": {"url": {}}}}


@pytest.mark.parametrize("data", [None, [], {}, {"elicitations": 5}, {"elicitations": ["x"]}], ids=repr)
async def test_a_malformed_wish_for_a_url_stays_the_childs_error(data: Any) -> None:
    async with bridged() as bridge:
        with pytest.raises(RpcError) as caught:
            await ask(bridge, lambda relay: failing(RpcError(-32042, "visit", data)))
        assert caught.value.code == -32042


def rounds(*results: Json) -> tuple[list[Json], Any]:
    sent: list[Json] = []

    async def send(params: Json) -> Json:
        sent.append(params)
        return results[min(len(sent), len(results)) - 1]

    return sent, send


async def test_the_rounds_of_a_modern_child_are_driven_for_a_legacy_client() -> None:
    question = {"method": "elicitation/create", "params": {"message": "?"}}
    wants = {"resultType": "input_required", "inputRequests": {"q": question}, "requestState": "s"}
    sent, send = rounds(wants, {"resultType": "complete", "content": []})
    relay = TestRelay(LEGACY, answers=lambda method, params: {"action": "accept"})
    assert await drive_rounds(send, CALL, relay) == {"resultType": "complete", "content": []}
    assert sent == [CALL, {**CALL, "inputResponses": {"q": {"action": "accept"}}, "requestState": "s"}]


async def test_a_url_elicitation_gets_an_id_and_is_told_complete_before_the_result() -> None:
    question = {"method": "elicitation/create", "params": {"mode": "url", "url": "https://x"}}
    _, send = rounds({"resultType": "input_required", "inputRequests": {"q": question}}, {"content": []})
    relay = TestRelay(LEGACY, answers=lambda method, params: {"action": "accept"})
    await drive_rounds(send, CALL, relay)
    (_, params), *_ = relay.asked
    assert relay.notices == [("notifications/elicitation/complete", {"elicitationId": params["elicitationId"]})]


async def test_a_refusal_refuses_the_call_and_withdraws_the_other_questions() -> None:
    withdrawn = asyncio.Event()

    async def wait() -> Json:
        try:
            await asyncio.Event().wait()
        finally:
            withdrawn.set()
        return {}

    async def refuse() -> Json:
        raise RpcError(-1, "no")

    questions = {"a": {"method": "roots/list"}, "b": {"method": "sampling/createMessage"}}
    _, send = rounds({"resultType": "input_required", "inputRequests": questions})
    relay = TestRelay(LEGACY, answers=lambda method, params: wait() if method == "roots/list" else refuse())
    with pytest.raises(RpcError, match="no"):
        await asyncio.wait_for(drive_rounds(send, CALL, relay), 5)
    assert withdrawn.is_set()


async def test_a_child_that_never_stops_asking_is_stopped() -> None:
    sent, send = rounds({"resultType": "input_required", "inputRequests": {"q": {"method": "roots/list"}}})
    with pytest.raises(ChildError, match="asked 10 times"):
        await drive_rounds(send, CALL, TestRelay(LEGACY, answers=lambda method, params: {}))
    assert len(sent) == 10


@pytest.mark.parametrize("questions", [["q"], "q", {"q": "x"}, {"q": None}, 7], ids=repr)
async def test_questions_in_a_form_nobody_knows_fail_in_words(questions: Any) -> None:
    _, send = rounds({"resultType": "input_required", "inputRequests": questions})
    with pytest.raises(ChildError, match="a form nobody knows"):
        await drive_rounds(send, CALL, TestRelay(LEGACY, answers=lambda method, params: {}))


def test_the_state_of_a_modern_child_cannot_be_mistaken_for_ours() -> None:
    given = from_modern_child({"resultType": "input_required", "requestState": "b:looks like ours"}, CLIENT)
    assert given["requestState"] == "u:b:looks like ours"
    assert to_modern_child({"requestState": given["requestState"], "name": "x"}) == {
        "requestState": "b:looks like ours",
        "name": "x",
    }
    with pytest.raises(RpcError):
        to_modern_child({"requestState": "b:ours"})
