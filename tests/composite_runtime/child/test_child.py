"""A child server as a provider, against real processes."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from composite_runtime.child.memory import Memory
from composite_runtime.errors import ChildError
from composite_runtime.events import CallFinished, ChildState, Log
from composite_runtime.graph.model import ServerNode
from composite_runtime.provider import FIRST_LIST_S, NOTHING, Kind, Notice, Offers
from composite_runtime.wire.call import Caller
from composite_runtime.wire.era import Era
from composite_runtime.wire.jsonrpc import RpcError
from tests import processes
from tests.servers import conditional as conditional_server
from tests.support.children import Heard, call, called, conditional, living, node, notices_of
from tests.support.links import LEGACY, MODERN, TestRelay, declares


def starts(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()] if path.exists() else []


@pytest.mark.parametrize("caller", [LEGACY, MODERN], ids=["legacy client", "modern client"])
@pytest.mark.parametrize("era", ["legacy", "modern", "dual"])
async def test_every_client_reaches_every_child(era: str, caller: Caller) -> None:
    async with living(node(speaks=era)) as child:
        assert json.loads(await called(child, "echo", TestRelay(caller), n=1)) == {"n": 1}


async def test_a_child_of_one_era_is_addressed_in_it_from_the_start_the_next_time(tmp_path: Path) -> None:
    definition = node(speaks="legacy", starts=str(tmp_path / "starts"))
    async with living(definition) as child:
        await called(child, "echo", TestRelay(MODERN))
    assert len(starts(tmp_path / "starts")) == 2
    async with living(definition) as child:
        await called(child, "echo", TestRelay(MODERN))
    assert len(starts(tmp_path / "starts")) == 3


async def test_a_child_that_has_changed_its_era_since_is_found_out() -> None:
    definition = node(speaks="modern")
    Memory().refuses(definition, Era.MODERN)
    async with living(definition) as child:
        assert await called(child, "echo") == "{}"
    assert Memory().speaks(definition) == {Era.MODERN}


async def test_a_child_that_ends_at_a_question_it_does_not_know_is_reached_by_the_handshake() -> None:
    async with living(node(speaks="legacy", die=["server/discover"])) as child:
        assert await called(child, "echo", TestRelay(MODERN)) == "{}"
        assert Memory().speaks(child.definition) == frozenset()  # nothing sure was learned by that


@pytest.mark.slow
async def test_a_modern_child_that_is_slow_to_start_is_not_taken_for_a_legacy_one() -> None:
    async with living(node(speaks="modern", slow_s=5.5)) as child:
        result = await child.request("tools/call", {"name": "echo"}, TestRelay(MODERN))
        assert result["content"][0]["text"] == "{}"


@pytest.mark.parametrize("caller", [LEGACY, MODERN], ids=["legacy client", "modern client"])
async def test_a_child_set_to_the_wrong_era_fails_in_words_and_hides_nothing(caller: Caller) -> None:
    heard = Heard()
    definition = node(era="legacy", speaks="modern")
    async with living(definition, heard) as child:
        offers = await child.offers(caller, FIRST_LIST_S)
        assert (offers.tools, offers.complete) == ((), True)
        assert "refused initialize" in str((await heard.state("failed")).reason)
        with pytest.raises(ChildError, match="Raw is not running: it refused initialize"):
            await call(child, "echo", TestRelay(caller))


async def test_what_a_child_offers_is_incomplete_until_it_has_started() -> None:
    async with living(node()) as child:
        assert not (await child.offers(LEGACY)).complete
        offers = await child.offers(LEGACY, FIRST_LIST_S)
        assert offers.complete
        assert "echo" in [tool["name"] for tool in offers.tools]


async def test_what_a_child_offered_is_known_before_it_starts_the_next_time() -> None:
    async with living(node()) as child:
        first = await child.offers(LEGACY, FIRST_LIST_S)
    async with living(node()) as child:
        assert await child.offers(LEGACY) == first


async def test_a_childs_own_error_passes_unchanged() -> None:
    line = '{"jsonrpc":"2.0","id":$ID,"error":{"code":4711,"message":"no","data":{"deep":null}}}'
    async with living(node(replies={"prompts/get": [line]})) as child:
        with pytest.raises(RpcError) as caught:
            await child.request("prompts/get", {"name": "x"}, TestRelay())
        assert caught.value.to_wire() == {"code": 4711, "message": "no", "data": {"deep": None}}


async def test_a_crash_in_a_call_is_told_in_words_once_and_the_next_call_is_answered() -> None:
    async with living(node()) as child:
        with pytest.raises(ChildError) as caught:
            await call(child, "crash")
        assert str(caught.value) == "Raw: it ended with exit code 7"
        assert await called(child, "echo") == "{}"


@pytest.mark.parametrize("speaks", ["legacy", "modern"])
async def test_how_long_request_and_answer_were_is_told(speaks: str) -> None:
    heard = Heard()
    async with living(node(speaks=speaks), heard) as child:
        for text in ("", "x" * 1000, "ü" * 1000):
            await call(child, "echo", TestRelay(MODERN), text=text)
        finished = [event for event in heard.events if isinstance(event, CallFinished)]
        sizes = [(event.request_bytes or 0, event.response_bytes or 0) for event in finished]
        assert sizes[0] > (50, 50)
        more = [(sent - sizes[0][0], got - sizes[0][1]) for sent, got in sizes[1:]]
        assert more == [(1000, 1000), (2000, 7000)]  # as written: this child escapes what is not ASCII, twice


async def test_a_call_that_may_have_run_is_not_repeated(tmp_path: Path) -> None:
    async with living(node(starts=str(tmp_path / "starts"))) as child:
        with pytest.raises(ChildError):
            await call(child, "crash")
        await called(child, "echo")
        assert len(starts(tmp_path / "starts")) == 2


@pytest.mark.parametrize(
    ("hints", "is_repeated"),
    [
        ({"idempotentHint": True}, True),
        ({"readOnlyHint": True}, True),
        ({"idempotentHint": False, "readOnlyHint": False}, False),
        ({"destructiveHint": False}, False),
    ],
)
async def test_only_a_tool_that_says_it_may_be_called_twice_is_called_again_when_its_child_dies(
    hints: dict[str, bool], is_repeated: bool, tmp_path: Path
) -> None:
    begun = str(tmp_path / "starts")
    script = node(speaks="legacy", starts=begun, tools=["crash_first"], annotations={"crash_first": hints})
    async with living(script) as child:
        if is_repeated:
            assert await called(child, "crash_first") == "this is crash_first"
        else:
            with pytest.raises(ChildError, match="exit code 7"):
                await called(child, "crash_first")
            await called(child, "echo")
        assert len(starts(tmp_path / "starts")) == 2


async def test_a_child_killed_while_idle_is_back_before_the_next_call_asks_for_it() -> None:
    heard = Heard()
    async with living(node(), heard) as child:
        pid = int(await called(child, "pid"))
        os.kill(pid, signal.SIGKILL)
        assert "signal 9" in str((await heard.state("retrying")).reason)
        ready = await heard.state("ready", 2)
        assert ready.pid != pid
        assert int(await called(child, "pid")) == ready.pid


async def test_calls_while_a_child_is_being_restarted_wait_for_it_instead_of_failing() -> None:
    heard = Heard()
    async with living(node(), heard) as child:
        for _ in range(5):
            os.kill(int(await called(child, "pid")), signal.SIGKILL)
            await heard.state("retrying")
            answers = await asyncio.gather(*(called(child, "echo", n=n) for n in range(5)))
            assert [json.loads(answer)["n"] for answer in answers] == [0, 1, 2, 3, 4]
            heard.events.clear()


async def test_two_calls_that_wake_one_child_start_it_once(tmp_path: Path) -> None:
    async with living(node(starts=str(tmp_path / "starts"), speaks="legacy")) as child:
        await asyncio.gather(*(called(child, "echo") for _ in range(10)))
        assert len(starts(tmp_path / "starts")) == 1


async def test_a_missing_command_is_told_at_once_with_what_helps_and_names_the_child_once() -> None:
    heard = Heard()
    definition = ServerNode.model_validate(
        {"id": "time", "name": "Time", "transport": {"type": "stdio", "command": "no-such-command-here"}}
    )
    async with living(definition, heard) as child:
        with pytest.raises(ChildError) as caught:
            await call(child, "echo")
        assert str(caught.value) == (
            "Time cannot start: 'no-such-command-here' is not on the PATH; install it, or enter its whole path"
        )
        assert heard.states() == ["starting", "failed"]


async def test_a_secret_that_is_missing_is_told_in_words() -> None:
    definition = node()
    transport = definition.transport.but(env={"TOKEN": "${env:NO_SUCH_VARIABLE_HERE}"})
    async with living(definition.but(transport=transport)) as child:
        with pytest.raises(ChildError, match=r"Raw is not running: .*NO_SUCH_VARIABLE_HERE"):
            await call(child, "echo")


async def test_cancelling_a_call_cancels_it_in_the_child_and_only_it() -> None:
    heard = Heard()
    async with living(node(), heard) as child:
        await called(child, "echo")
        waiting = [asyncio.get_running_loop().create_task(call(child, "wait")) for _ in range(2)]
        await heard.until(lambda: sum(getattr(event, "name", None) == "wait" for event in heard.events) == 2)
        await asyncio.sleep(0)
        waiting[0].cancel()
        await heard.log("heard notifications/cancelled")
        assert not waiting[1].done()
        waiting[1].cancel()
        await asyncio.wait(waiting)


async def test_cancelling_a_call_while_its_child_starts_leaves_the_child_starting() -> None:
    async with living(node(slow_s=0.3)) as child:
        waiting = asyncio.get_running_loop().create_task(call(child, "echo"))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert await called(child, "echo") == "{}"


@pytest.mark.parametrize("hang", ["initialize", "tools/call"])
async def test_closing_a_child_answers_the_calls_that_wait_for_it(hang: str) -> None:
    heard = Heard()
    async with living(node(speaks="legacy", hang=[hang]), heard) as child:
        waiting = asyncio.get_running_loop().create_task(call(child, "echo"))
        await heard.state("starting" if hang == "initialize" else "ready")
        await child.close()
        with pytest.raises(ChildError, match="stopped"):
            await asyncio.wait_for(waiting, 5)


async def test_a_closed_child_starts_nothing_any_more(tmp_path: Path) -> None:
    async with living(node(starts=str(tmp_path / "starts"))) as child:
        await child.close()
        with pytest.raises(ChildError, match="Raw was stopped"):
            await call(child, "echo", TestRelay(declares("elicitation")))
        assert await child.offers(MODERN, 1.0) is not None
        assert starts(tmp_path / "starts") == []


async def test_a_bridged_call_of_a_child_that_is_closed_is_answered() -> None:
    heard = Heard()
    async with living(node(speaks="legacy"), heard) as child:
        relay = TestRelay(declares("elicitation", Era.MODERN))
        waiting = asyncio.get_running_loop().create_task(call(child, "wait", relay))
        await heard.state("ready")
        await heard.until(lambda: any(getattr(event, "name", None) == "wait" for event in heard.events))
        await asyncio.sleep(0.05)
        await child.close()
        with pytest.raises(ChildError, match="stopped"):
            await asyncio.wait_for(waiting, 5)


async def test_a_changed_list_is_noticed_and_offered() -> None:
    for era in ("legacy", "modern"):
        async with living(node(speaks=era)) as child:
            await child.offers(LEGACY, FIRST_LIST_S)
            notices = notices_of(child)
            await called(child, "change", add="fresh")
            assert (await asyncio.wait_for(notices.get(), 10)).kind is Kind.TOOLS
            assert "fresh" in [tool["name"] for tool in (await child.offers(LEGACY)).tools]


async def test_a_question_of_the_child_reaches_the_client_of_its_call() -> None:
    async with living(node(speaks="legacy")) as child:
        relay = TestRelay(declares("elicitation"), answers=lambda method, params: {"action": "accept"})
        assert json.loads(await called(child, "ask", relay)) == {"action": "accept"}
        assert relay.asked == [("elicitation/create", {"message": "?"})]


async def test_a_modern_child_that_asks_in_the_middle_of_a_call_is_refused_for_it_could_ask_anybody() -> None:
    async with living(node(speaks="modern")) as child:
        relay = TestRelay(declares("elicitation"), answers=lambda method, params: {"action": "accept"})
        assert "error" in json.loads(await called(child, "ask", relay))
        assert relay.asked == []


async def test_a_modern_client_is_asked_by_the_result_and_resumes_by_its_state() -> None:
    async with living(node(speaks="legacy")) as child:
        relay = TestRelay(declares("elicitation", Era.MODERN))
        asked = await call(child, "ask", relay)
        (key, question), *_ = asked["inputRequests"].items()
        assert (asked["resultType"], question["method"]) == ("input_required", "elicitation/create")
        params: dict[str, Any] = {"name": "ask", "arguments": {}, "requestState": asked["requestState"]}
        done = await child.request("tools/call", {**params, "inputResponses": {key: {"action": "accept"}}}, relay)
        assert json.loads(done["content"][0]["text"]) == {"action": "accept"}


async def test_clients_that_can_be_asked_have_a_connection_each_and_it_ends_with_them(tmp_path: Path) -> None:
    async with living(node(speaks="legacy", starts=str(tmp_path / "starts"))) as child:
        one, other = (TestRelay(declares("elicitation", session=name)) for name in ("one", "other"))
        pids = [int(await called(child, "pid", relay)) for relay in (one, other, one)]
        assert pids[0] == pids[2] != pids[1]
        child.forget("one")
        assert (
            await asyncio.to_thread(processes.wait_until_gone, lambda: {pids[0]} & processes.descendants(), 5) == set()
        )
        assert int(await called(child, "pid", other)) == pids[1]


def heard_levels(heard: Heard) -> list[str]:
    marks = [event.message for event in heard.events if isinstance(event, Log) and "level set to" in event.message]
    return [mark.rpartition(" ")[2] for mark in marks]


async def test_a_level_that_was_set_is_set_again_after_a_restart() -> None:
    heard = Heard()
    async with living(node(speaks="legacy"), heard) as child:
        await called(child, "echo")
        await child.request("logging/setLevel", {"level": "error"}, TestRelay())
        os.kill(int(await called(child, "pid")), signal.SIGKILL)
        await heard.state("ready", 2)
        await heard.until(lambda: heard_levels(heard) == ["error", "error"])


@pytest.mark.slow
async def test_a_child_that_never_answers_about_levels_still_answers_calls() -> None:
    async with living(node(speaks="legacy", hang=["logging/setLevel"])) as child:
        assert await called(child, "echo", TestRelay(MODERN, log_level="info")) == "{}"


async def test_those_who_share_a_connection_get_the_lowest_level_one_of_them_wants() -> None:
    heard = Heard()
    async with living(node(speaks="legacy"), heard) as child:
        quiet, talkative = (Caller(Era.LEGACY, "2025-11-25", info={"name": name}, session=name) for name in "ab")
        await called(child, "echo", TestRelay(quiet))
        await child.request("logging/setLevel", {"level": "debug"}, TestRelay(talkative))
        await child.request("logging/setLevel", {"level": "error"}, TestRelay(quiet))
        await heard.until(lambda: heard_levels(heard) == ["debug", "debug"])


async def test_what_is_watched_is_forgotten_when_nobody_watches_it() -> None:
    async with living(node(capabilities={"tools": {}, "resources": {"subscribe": True}})) as child:
        for on in (True, True, False, False, False):
            await child.watch("a:b", LEGACY, on=on)
        assert child._watchers == {}


def watchable(**more: Any) -> ServerNode:
    return node(speaks="legacy", capabilities={"tools": {}, "resources": {"subscribe": True}}, **more)


async def test_each_connection_watches_what_its_own_clients_want() -> None:
    async with living(watchable()) as child:
        one, other = (declares("roots", session=session) for session in ("one", "other"))
        for caller, uri in ((one, "a:1"), (other, "a:2"), (LEGACY, "a:3"), (LEGACY, "a:1")):
            await child.watch(uri, caller, on=True)
        await child.watch("a:1", LEGACY, on=False)
        connections = [child._pool.present(caller) for caller in (one, other, LEGACY)]
        watched = [connection._watched for connection in connections if connection is not None]
        assert watched == [frozenset({(Kind.RESOURCE, uri)}) for uri in ("a:1", "a:2", "a:3")]


async def test_what_is_watched_before_the_era_of_a_child_is_known_is_watched_in_the_one_it_speaks() -> None:
    heard = Heard()
    caller = declares("roots", Era.MODERN)
    async with living(watchable(), heard) as child:
        child.start(LEGACY)
        await heard.state("ready")
        await child.watch("a:b", caller, on=True)
        async with asyncio.timeout(10):
            while (connection := child._pool.present(caller)) is None or connection.state is not ChildState.READY:
                await asyncio.sleep(0.02)
        assert (connection.era, connection._watched) == (Era.LEGACY, {(Kind.RESOURCE, "a:b")})


async def test_what_a_child_says_on_a_connection_is_for_those_who_share_it() -> None:
    asked, ui = declares("roots", session="one"), {"extensions": {"x/ui": {}}}
    app = Caller(Era.LEGACY, "2025-11-25", ui, {"name": "app"}, session="two")
    modern = declares("roots", Era.MODERN)
    everyone = [asked, app, modern, LEGACY]
    definition = node(speaks="legacy")
    Memory().refuses(definition, Era.MODERN)
    async with living(definition) as child:
        notices = notices_of(child)
        for caller in everyone:
            connection = child._pool.connection(caller)
            await connection.ready()
            connection._told("notifications/message", {"level": "info", "data": "x"}, None)
            notice = await asyncio.wait_for(_log_among(notices), 5)
            assert [who for who in everyone if notice.concerns(who)] == [caller]
    async with living(definition.but(session="shared")) as child:
        notices = notices_of(child)
        connection = child._pool.connection(asked)
        await connection.ready()
        connection._told("notifications/message", {"level": "info", "data": "x"}, None)
        assert all(map((await asyncio.wait_for(_log_among(notices), 5)).concerns, everyone))


async def _log_among(notices: "asyncio.Queue[Notice]") -> Notice:
    while (notice := await notices.get()).kind is not Kind.LOG:
        pass
    return notice


async def test_a_subscription_the_child_refuses_is_refused() -> None:
    no = '{"jsonrpc":"2.0","id":$ID,"error":{"code":-32002,"message":"no such resource"}}'
    async with living(watchable(replies={"resources/subscribe": [no]})) as child:
        await called(child, "echo")
        with pytest.raises(RpcError, match="no such resource"):
            await child.watch("a:b", LEGACY, on=True)
        assert child._watchers == {}


async def test_a_subscription_is_in_force_once_it_is_answered() -> None:
    heard = Heard()
    async with living(watchable(die=["resources/subscribe"]), heard) as child:
        await called(child, "echo")
        await child.watch("a:b", LEGACY, on=True)  # the child got it, and a fault of its own is not the client's
        await heard.log("dying at resources/subscribe")
        assert child._watchers


async def test_a_shared_connection_belongs_to_no_client() -> None:
    async with living(node(speaks="legacy", capabilities={"tools": {"listChanged": True}, "logging": {}})) as child:
        first = Caller(Era.LEGACY, "2025-11-25", info={"name": "first"}, session="first")
        await called(child, "echo", TestRelay(first))
        notices = notices_of(child)
        await called(child, "change", TestRelay(first), add="x")
        assert (await asyncio.wait_for(notices.get(), 10)).session == ""


async def test_a_slow_call_does_not_hold_up_others() -> None:
    async with living(node()) as child:
        waiting = asyncio.get_running_loop().create_task(call(child, "wait"))
        assert await called(child, "echo") == "{}"
        waiting.cancel()
        await asyncio.wait([waiting])


async def test_calls_over_the_limit_wait_for_their_turn() -> None:
    async with living(node(limits={"concurrent_calls": 1, "idle_s": 0.5})) as child:
        waiting = asyncio.get_running_loop().create_task(call(child, "wait"))
        await asyncio.sleep(0)
        assert await called(child, "echo") == "{}"
        with pytest.raises(ChildError, match="no sign of life"):
            await waiting


def names(offers: Offers) -> set[str]:
    return {tool["name"] for tool in offers.tools}


async def test_a_client_that_only_lists_is_shown_what_the_child_has_for_such_clients_and_told_of_changes() -> None:
    definition, asked = conditional(), declares("sampling", Era.MODERN)
    Memory().refuses(definition, Era.MODERN)
    plain = {"name": "always", "inputSchema": {"type": "object"}}
    too_early = Offers(tools=(plain,), capabilities={"tools": {"listChanged": True}})
    Memory().keep(definition, Era.LEGACY, {"sampling": {}}, too_early)  # as a run leaves it that ended at once
    async with living(definition) as child:
        await child.offers(LEGACY, FIRST_LIST_S)  # somebody who cannot be asked was first
        news = notices_of(child)
        assert names(await child.offers(asked)) == {"always"}
        async with asyncio.timeout(10):
            while "ask_model" not in names(await child.offers(asked)):
                assert (await news.get()).kind in {Kind.TOOLS, Kind.RESOURCES, Kind.PROMPTS}
        assert names(await child.offers(LEGACY)) == {"always", "roots"}


async def test_what_is_known_is_shown_while_a_child_is_found_to_speak_the_other_era() -> None:
    heard = Heard()
    async with living(node(speaks="legacy", slow_s=0.6), heard) as child:
        child.start(LEGACY)
        await heard.state("ready")
        offers = NOTHING
        async with asyncio.timeout(10):
            while not offers.complete or not offers.tools:
                offers = await child.offers(declares("sampling", Era.MODERN), FIRST_LIST_S)
                assert "echo" in names(offers)
                await asyncio.sleep(0.05)


async def test_to_list_opens_no_connection_where_one_for_such_clients_is_or_there_is_no_room() -> None:
    definition = conditional().but(limits={"connections": 2})
    Memory().refuses(definition, Era.MODERN)
    for kind in ("sampling", "elicitation"):
        Memory().keep(definition, Era.LEGACY, {kind: {}}, Offers(capabilities={"tools": {}}))
    heard = Heard()
    async with living(definition, heard) as child:
        await child.offers(LEGACY, FIRST_LIST_S)
        one, other = (declares("sampling", session=name) for name in ("one", "other"))
        for caller in (one, other, declares("elicitation", Era.MODERN)):
            await child.offers(caller)
        connected = [child._pool.present(caller) is not None for caller in (LEGACY, one, other)]
        assert connected == [True, True, False]
        assert child._pool.present(declares("elicitation", Era.MODERN)) is None


async def test_roots_that_are_asked_for_between_calls_come_with_the_next_call_of_a_modern_client() -> None:
    definition, caller = conditional(), declares("roots", Era.MODERN)
    Memory().refuses(definition, Era.MODERN)
    roots = {"roots": [{"uri": "file:///work", "name": "work"}]}
    async with living(definition) as child:
        await child.offers(caller)
        await asyncio.sleep(2 * conditional_server.LATER_S)  # nobody calls when it asks
        asked = await call(child, "roots", TestRelay(caller))
        assert [question["method"] for question in asked["inputRequests"].values()] == ["roots/list"]

        answers = {
            "inputResponses": dict.fromkeys(asked["inputRequests"], roots),
            "requestState": asked["requestState"],
        }
        params = {"name": "roots", "arguments": {}, **answers}
        assert "content" in await child.request("tools/call", params, TestRelay(caller))
        assert json.loads(await called(child, "roots", TestRelay(caller)))["result"] == roots


async def test_a_call_waits_no_longer_for_a_child_that_starts_than_for_one_that_is_silent() -> None:
    async with living(node(slow_s=60, limits={"idle_s": 0.3})) as child:
        with pytest.raises(ChildError, match="Raw is not running: it was still starting"):
            await called(child, "echo")


@pytest.mark.parametrize("while_it_asks", [False, True])
async def test_roots_wait_for_a_call_that_can_carry_the_question(while_it_asks: bool) -> None:
    """A modern client is asked nothing in a completion, so the child's question is for the call after it."""
    definition, caller = conditional(), declares("roots", Era.MODERN)
    Memory().refuses(definition, Era.MODERN)
    async with living(definition) as child:
        await child.offers(caller)
        if while_it_asks:
            with pytest.raises(RpcError, match="no completion"):
                await child.request(
                    "completion/complete", {"seconds": 3 * conditional_server.LATER_S}, TestRelay(caller)
                )
        else:
            await asyncio.sleep(2 * conditional_server.LATER_S)
            with pytest.raises(RpcError, match="no completion"):
                await child.request("completion/complete", {"seconds": 0}, TestRelay(caller))
        asked = await call(child, "roots", TestRelay(caller))
        assert [question["method"] for question in asked["inputRequests"].values()] == ["roots/list"]


@pytest.mark.parametrize("can_be_asked", [False, True])
async def test_a_legacy_child_is_told_which_extensions_its_client_knows(can_be_asked: bool, tmp_path: Path) -> None:
    ui = {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}}
    told: dict[str, Any] = {"extensions": ui, **({"roots": {}} if can_be_asked else {})}
    definition = node(speaks="legacy", starts=str(tmp_path / "starts"))
    async with living(definition) as child:
        one, other = (Caller(Era.LEGACY, "2025-11-25", told, {"name": name}, session=name) for name in "ab")
        plain = Caller(Era.LEGACY, "2025-11-25", {}, {"name": "c"}, session="c")
        for caller, seen in ((one, told), (other, told), (plain, {})):
            assert json.loads(await called(child, "client", TestRelay(caller))) == seen
    started = len(starts(tmp_path / "starts"))
    assert started == (3 if can_be_asked else 2)  # who cannot be asked anything shares with its like


async def test_other_questions_between_calls_are_refused() -> None:
    definition, caller = conditional(), declares("sampling", Era.MODERN)
    Memory().refuses(definition, Era.MODERN)
    async with living(definition) as child:
        async with asyncio.timeout(10):
            while not (told := json.loads(await called(child, "roots", TestRelay(caller)))):
                await asyncio.sleep(0.05)
        assert told["error"]["code"] == -32601
