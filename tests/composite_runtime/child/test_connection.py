"""One connection to a child, kept open."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from composite_runtime.child.connection import Connection, Hooks
from composite_runtime.errors import ChildError
from composite_runtime.events import ChildState
from composite_runtime.provider import Kind, Notice
from composite_runtime.wire.call import Caller
from composite_runtime.wire.era import Era
from composite_runtime.wire.jsonrpc import Json
from tests.support.links import LEGACY, Wire, declares

_EMPTY = {
    "logging/setLevel",
    "resources/subscribe",
    "resources/unsubscribe",
    "resources/list",
    "resources/templates/list",
}


class Scripted(Wire):
    """A child in memory that lists `tools`, at once or when it is let."""

    def __init__(self, owner: "Kept") -> None:
        super().__init__(hello=owner.hello)
        self._owner = owner

    def send(self, message: Json, headers: Any = None) -> int:
        size = super().send(message, headers)
        if message.get("method") == "tools/list":
            self._owner.listed += 1
            tools = [{"name": name, "inputSchema": {"type": "object"}} for name in self._owner.tools]
            answer = {"id": message["id"], "result": {"tools": tools}}
            asyncio.get_running_loop().call_later(self._owner.slow_s, self.says, answer)
        elif message.get("method") in _EMPTY:
            asyncio.get_running_loop().call_soon(self.says, {"id": message["id"], "result": {}})
        return size


class Kept:
    """A connection and what it tells its owner."""

    def __init__(self, era: Era = Era.LEGACY, caller: Caller | None = LEGACY, **capabilities: Any) -> None:
        capabilities = capabilities or {"tools": {"listChanged": True}}
        version: Json = {"protocolVersion": "2025-11-25"}
        if era is Era.MODERN:
            version = {"supportedVersions": ["2026-07-28"]}
        self.hello: Json = {"result": {**version, "capabilities": capabilities}}
        self.tools = ["a"]
        self.slow_s = 0.0
        self.listed = 0
        self.level: str | None = None
        self.fails: list[Exception] = []
        self.wires: list[Scripted] = []
        self.states: list[ChildState] = []
        self.notices: list[Notice] = []
        self.complaints: list[str] = []
        hooks = Hooks(
            open_transport=self._transport,
            state_changed=self._changed,
            offers_changed=lambda connection: None,
            notice=self.notices.append,
            complain=lambda level, text: self.complaints.append(text),
            log_level=lambda: self.level,
        )
        self.connection = Connection(era, caller, hooks)

    @property
    def wire(self) -> Scripted:
        return self.wires[-1]

    async def _transport(self) -> Scripted:
        if self.fails:
            raise self.fails.pop(0)
        self.wires.append(Scripted(self))
        return self.wire

    def _changed(self) -> None:
        if self.connection.state not in self.states[-1:]:
            self.states.append(self.connection.state)

    async def says_changed(self) -> None:
        self.wire.says({"method": "notifications/tools/list_changed"})
        await asyncio.sleep(0)


@asynccontextmanager
async def keeping(kept: Kept) -> AsyncIterator[Connection]:
    kept.connection.start()
    try:
        yield kept.connection
    finally:
        await kept.connection.close()


def names(connection: Connection) -> list[str]:
    return [tool["name"] for tool in connection.offers.tools] if connection.offers else []


async def test_a_connection_is_stopped_starting_ready_and_stopped_again() -> None:
    kept = Kept()
    async with keeping(kept) as connection:
        link = await connection.ready()
        assert link.is_open
        assert names(connection) == ["a"]
    assert kept.states == [ChildState.STARTING, ChildState.READY, ChildState.STOPPED]
    assert kept.wire.closed


async def test_who_waits_for_a_connection_that_is_closed_is_told() -> None:
    kept = Kept()
    kept.slow_s = 30
    async with keeping(kept) as connection:
        waiting = asyncio.get_running_loop().create_task(connection.ready())
        await asyncio.sleep(0.01)
        await connection.close()
        with pytest.raises(ChildError, match="stopped"):
            await asyncio.wait_for(waiting, 1)


async def test_a_lost_link_is_opened_again_at_once_for_who_needs_it() -> None:
    kept = Kept()
    async with keeping(kept) as connection:
        await connection.ready()
        kept.wire.receiver.lost("it ended")
        link = await asyncio.wait_for(connection.ready(), 1)
        assert link.is_open
        assert len(kept.wires) == 2
        assert kept.wires[0].closed


async def test_after_a_failed_start_calls_fail_fast_with_the_reason() -> None:
    kept = Kept()
    kept.fails = [ChildError("the disk is full")]
    async with keeping(kept) as connection:
        with pytest.raises(ChildError, match="the disk is full"):
            await connection.ready()
        with pytest.raises(ChildError, match="the disk is full"):
            await asyncio.wait_for(connection.ready(), 0.1)
        assert kept.states == [ChildState.STARTING, ChildState.RETRYING]


async def test_a_bug_on_the_way_is_a_reason_like_any_other(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()
    kept.fails = [RuntimeError("a bug")]
    async with keeping(kept) as connection:
        with pytest.raises(ChildError, match="unexpected: a bug"):
            await connection.ready()
        assert await asyncio.wait_for(_eventually_ready(connection), 5)
    assert "a bug" in caplog.text


async def _eventually_ready(connection: Connection) -> bool:
    while connection.state is not ChildState.READY:
        await asyncio.sleep(0.01)
    return True


async def test_a_storm_of_changes_is_read_one_after_the_other_and_ends_with_the_truth() -> None:
    kept = Kept()
    async with keeping(kept) as connection:
        await connection.ready()
        kept.slow_s = 0.08
        for number in range(200):
            kept.tools = [str(number)]
            await kept.says_changed()
            if number % 20 == 0:
                await asyncio.sleep(0.03)
        async with asyncio.timeout(5):
            while names(connection) != ["199"]:
                await asyncio.sleep(0.01)
        assert kept.listed < 12
        assert {notice.kind for notice in kept.notices} == {Kind.TOOLS}


async def test_a_change_while_the_lists_are_read_for_the_first_time_is_not_lost() -> None:
    kept = Kept()
    kept.slow_s = 0.1
    async with keeping(kept) as connection:
        await asyncio.sleep(0.03)
        kept.tools = ["b"]
        await kept.says_changed()
        await connection.ready()
        async with asyncio.timeout(5):
            while names(connection) != ["b"]:
                await asyncio.sleep(0.01)


async def test_a_change_just_before_the_end_leaves_nothing_running() -> None:
    kept = Kept()
    async with keeping(kept) as connection:
        await connection.ready()
        await kept.says_changed()
    await asyncio.sleep(0.1)
    assert kept.listed == 1


async def test_what_is_watched_is_watched_again_after_a_loss() -> None:
    kept = Kept(resources={"subscribe": True})
    async with keeping(kept) as connection:
        connection.watch(frozenset({(Kind.RESOURCE, "a:1")}))  # before it is open
        await connection.ready()
        await kept.wire.request("resources/subscribe")
        kept.wire.receiver.lost("it ended")
        await connection.ready()
        assert (await kept.wire.request("resources/subscribe"))["params"]["uri"] == "a:1"
        connection.watch(frozenset())
        assert (await kept.wire.request("resources/unsubscribe"))["params"]["uri"] == "a:1"


async def test_listening_to_a_modern_child_begins_anew_with_what_is_watched() -> None:
    kept = Kept(Era.MODERN, None)
    async with keeping(kept) as connection:
        await connection.ready()
        first = await kept.wire.request("subscriptions/listen")
        connection.watch(frozenset({(Kind.RESOURCE, "a:1")}))
        async with asyncio.timeout(5):
            while (second := await kept.wire.request("subscriptions/listen"))["id"] == first["id"]:
                await asyncio.sleep(0.01)
        assert second["params"]["notifications"]["resourceSubscriptions"] == ["a:1"]
        assert [told["requestId"] for told in kept.wire.told("notifications/cancelled")] == [first["id"]]


async def test_a_change_that_a_modern_child_told_while_its_stream_was_broken_is_found() -> None:
    kept = Kept(Era.MODERN, None)
    async with keeping(kept) as connection:
        await connection.ready()
        first = await kept.wire.request("subscriptions/listen")
        kept.wire.receiver.failed(first["id"], ChildError("the connection was closed"))
        await asyncio.sleep(0)
        kept.tools = ["b"]  # which it told nobody, or was not heard to
        connection.watch(frozenset({(Kind.RESOURCE, "a:1")}))
        async with asyncio.timeout(5):
            while (second := await kept.wire.request("subscriptions/listen"))["id"] == first["id"]:
                await asyncio.sleep(0.01)
            meta = {"_meta": {"io.modelcontextprotocol/subscriptionId": second["id"]}}
            kept.wire.says({"method": "notifications/subscriptions/acknowledged", "params": meta})
            while names(connection) != ["b"]:
                await asyncio.sleep(0.01)


async def test_a_modern_child_is_listened_to_before_its_lists_are_read() -> None:
    kept = Kept(Era.MODERN, None)
    async with keeping(kept) as connection:
        await connection.ready()
        methods = [message["method"] for message in kept.wire.sent]
        assert methods.index("subscriptions/listen") < methods.index("tools/list")


async def test_the_level_that_is_wanted_is_set_before_the_first_call() -> None:
    kept = Kept(tools={}, logging={})
    kept.level = "error"
    async with keeping(kept) as connection:
        await connection.ready()
        sent = [message for message in kept.wire.sent if message["method"] == "logging/setLevel"]
        assert [message["params"] for message in sent] == [{"level": "error"}]


async def test_a_notice_of_a_connection_names_the_client_it_is_held_for() -> None:
    kept = Kept(caller=declares("roots", session="me"))
    async with keeping(kept) as connection:
        await connection.ready()
        kept.wire.says({"method": "notifications/resources/updated", "params": {"uri": "a:1", "_meta": {"x": 1}}})
        assert kept.notices == [Notice(Kind.RESOURCE, {"uri": "a:1", "_meta": {"x": 1}}, "me")]


@pytest.mark.parametrize("method", ["notifications/elicitation/complete", "notifications/vendor/channel"])
async def test_whatever_else_a_child_says_between_calls_is_for_the_client_it_is_held_for(method: str) -> None:
    kept = Kept(caller=declares("elicitation", session="me"))
    async with keeping(kept) as connection:
        await connection.ready()
        kept.wire.says({"method": method, "params": {"elicitationId": "e", "x": None}})
        assert kept.notices == [Notice(Kind.OTHER, {"elicitationId": "e", "x": None}, "me", method)]


async def test_an_acknowledgement_of_our_own_subscription_is_nobodys_business() -> None:
    kept = Kept(Era.MODERN, None)
    async with keeping(kept) as connection:
        await connection.ready()
        meta = {"_meta": {"io.modelcontextprotocol/subscriptionId": 3}}
        kept.wire.says({"method": "notifications/subscriptions/acknowledged", "params": meta})
        assert kept.notices == []
