"""One client at the other end."""

import asyncio
import gc
import json
from typing import Any

import pytest

from composite_runtime.front.session import FrontRelay, Session
from composite_runtime.wire.call import Caller
from composite_runtime.wire.era import LATEST_LEGACY, LATEST_MODERN, Era
from composite_runtime.wire.jsonrpc import Json, RpcError


class Client:
    def __init__(self, **capabilities: Any) -> None:
        self.got: list[Json] = []
        self.session = Session(lambda data: self.got.append(json.loads(data)))
        self.session.introduce(LATEST_LEGACY, capabilities, {"name": "c"})

    async def asked(self, method: str = "roots/list", params: Json | None = None) -> "asyncio.Task[Json]":
        task = asyncio.get_running_loop().create_task(self.session.ask(method, params or {}))
        await asyncio.sleep(0)
        return task


async def test_a_question_is_answered_by_the_response_with_its_id() -> None:
    client = Client(roots={})
    first, second = await client.asked(), await client.asked()
    assert client.got[0]["id"] != client.got[1]["id"]
    client.session.answered({"id": client.got[1]["id"], "result": {"n": 2}})
    client.session.answered({"id": client.got[0]["id"], "result": {"n": 1}})
    assert (await first, await second) == ({"n": 1}, {"n": 2})


@pytest.mark.parametrize("answer", [{}, {"result": None}, {"result": []}, {"error": {"code": -1, "message": "no"}}])
async def test_a_refusal_or_an_answer_that_is_none_is_an_error(answer: Json) -> None:
    client = Client(roots={})
    task = await client.asked()
    client.session.answered({"id": client.got[0]["id"], **answer})
    with pytest.raises(RpcError):
        await task


@pytest.mark.parametrize("request_id", [None, 1, 1.5, True, [], {}, "f99", ""], ids=repr)
async def test_an_answer_to_nothing_is_dropped(request_id: Any) -> None:
    client = Client(roots={})
    task = await client.asked()
    client.session.answered({"id": request_id, "result": {"wrong": 1}})
    assert not task.done()
    client.session.answered({"id": client.got[0]["id"], "result": {}})
    client.session.answered({"id": client.got[0]["id"], "result": {"late": 1}})
    assert await task == {}


async def test_a_question_the_client_did_not_offer_to_answer_is_not_put() -> None:
    client = Client(roots={})
    for method in ("elicitation/create", "sampling/createMessage"):
        with pytest.raises(RpcError, match="does not support"):
            await client.session.ask(method, {})
    assert client.got == []


async def test_a_question_nobody_waits_for_any_more_is_withdrawn() -> None:
    client = Client(roots={})
    task = await client.asked()
    task.cancel()
    await asyncio.wait([task])
    assert client.got[1]["method"] == "notifications/cancelled"
    assert client.got[1]["params"] == {"requestId": client.got[0]["id"]}
    assert client.session._asked == {}


async def test_when_the_client_leaves_its_questions_fail_in_words() -> None:
    client = Client(roots={})
    task = await client.asked()
    client.session.close()
    client.session.close()
    with pytest.raises(RpcError, match="has gone"):
        await task
    gc.collect()


@pytest.mark.parametrize("request_id", [None, 1.0, [], {}, "1", 99], ids=repr)
async def test_cancelling_what_does_not_run_is_no_matter(request_id: Any) -> None:
    client = Client()
    task = asyncio.get_running_loop().create_task(asyncio.Event().wait())
    client.session.running[1] = task
    client.session.cancel(request_id)
    await asyncio.sleep(0)
    assert not task.done()
    client.session.cancel(1)
    await asyncio.wait([task])
    assert task.cancelled()


@pytest.mark.parametrize(("wanted", "level", "given"), [
    ("warning", "error", True),
    ("warning", "info", False),
    (None, "debug", True),
    ("error", "no level at all", True),
    ("error", None, True),
    ("error", [], True),
])  # fmt: skip
def test_logs_are_wanted_from_a_level_on(wanted: str | None, level: Any, given: bool) -> None:
    client = Client()
    client.session.level = wanted
    assert client.session.wants_log(level) is given


async def test_a_modern_client_is_not_asked_in_the_middle_of_a_call() -> None:
    client = Client(roots={})
    caller = Caller(Era.MODERN, LATEST_MODERN, {"roots": {}})
    relay = FrontRelay(caller, "call", None, None, client.session.push, client.session)
    with pytest.raises(RpcError, match="in the middle of a call"):
        await relay.ask("roots/list", {})
    assert client.got == []


async def test_sessions_have_ids_nobody_can_guess() -> None:
    ids = {Client().session.id for _ in range(100)}
    assert len(ids) == 100
    assert all(len(session_id) >= 32 and session_id.isascii() and session_id.isprintable() for session_id in ids)
