"""Having a modern child tell what changes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from composite_runtime.child.listening import Listening, Watched, listen
from composite_runtime.errors import ChildError
from composite_runtime.provider import Kind
from composite_runtime.wire.era import Era
from composite_runtime.wire.jsonrpc import Json
from tests.support.links import Wire, linked

TELLS = {"result": {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {"listChanged": True}}}}


class Kept:
    """A stream that is kept, and what it says to its owner."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.watched: Watched = frozenset()
        self.complaints: list[str] = []
        self.missed = 0
        self.listening: Listening

    def miss(self) -> None:
        self.missed += 1

    async def listens(self, count: int) -> Json:
        """Return the `count`th request to listen, once there is one."""
        async with asyncio.timeout(5):
            while len(found := [m for m in self.wire.sent if m.get("method") == "subscriptions/listen"]) < count:
                await asyncio.sleep(0.005)
        return found[count - 1]


@asynccontextmanager
async def keeping(again_s: float = 0.01) -> AsyncIterator[Kept]:
    async with linked(Era.MODERN, Wire(hello=TELLS)) as (link, wire, _):
        kept = Kept(wire)
        kept.listening = Listening(
            link, lambda: kept.watched, complain=kept.complaints.append, missed=kept.miss, again_s=again_s
        )
        task = asyncio.get_running_loop().create_task(kept.listening.keep())
        try:
            yield kept
        finally:
            task.cancel()
            await asyncio.wait([task])


async def test_a_stream_that_breaks_is_begun_anew_and_what_went_unheard_is_asked_for_once_it_is() -> None:
    async with keeping() as kept:
        first = await kept.listens(1)
        kept.listening.acknowledged()
        assert kept.missed == 0
        kept.wire.receiver.failed(first["id"], ChildError("the connection was closed"))
        await kept.listens(2)
        assert kept.missed == 0  # else a change between the reading and the listening would go unheard again
        kept.listening.acknowledged()
        assert (kept.missed, kept.complaints) == (1, [])


async def test_a_stream_the_child_ends_is_begun_anew() -> None:
    async with keeping() as kept:
        kept.wire.says({"id": (await kept.listens(1))["id"], "result": {}})
        await kept.listens(2)


async def test_a_child_that_cannot_be_listened_to_time_and_again_is_told_once_and_asked_less_and_less() -> None:
    async with keeping() as kept:
        began = asyncio.get_running_loop().time()
        for number in range(1, 6):
            kept.wire.receiver.failed((await kept.listens(number))["id"], ChildError("it is down"))
        assert kept.complaints == ["its changes cannot be listened to just now: it is down"]
        assert asyncio.get_running_loop().time() - began > 0.01 * (2 + 4 + 8 + 16) * 0.9


async def test_a_child_that_refuses_is_not_asked_again() -> None:
    async with keeping() as kept:
        refusal = {"code": -32601, "message": "no"}
        kept.wire.says({"id": (await kept.listens(1))["id"], "error": refusal})
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await kept.listens(2)
        assert kept.complaints == ["it refused subscriptions/listen: no"]


async def test_who_wants_to_watch_more_does_not_wait_for_a_pause_to_end() -> None:
    async with keeping(again_s=60) as kept:
        kept.wire.receiver.failed((await kept.listens(1))["id"], ChildError("it is down"))
        await asyncio.sleep(0)
        kept.watched = frozenset({(Kind.RESOURCE, "a:1")})
        kept.listening.renew()
        sent = await kept.listens(2)
        assert sent["params"]["notifications"]["resourceSubscriptions"] == ["a:1"]


@pytest.mark.parametrize("capability", [None, True, [], "x", {"listChanged": "yes"}, {}], ids=repr)
async def test_listening_to_a_child_that_tells_nothing_waits_in_peace(capability: Any) -> None:
    hello = {"result": {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": capability}}}
    async with linked(Era.MODERN, Wire(hello=hello)) as (link, wire, _):
        await idle(listen(link, frozenset()))
        assert not wire.told("subscriptions/listen")
        assert [message["method"] for message in wire.sent] == ["server/discover"]


async def test_listening_says_what_is_wanted_and_ends_when_the_child_ends_it() -> None:
    hello = {"result": {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {"listChanged": True}}}}
    async with linked(Era.MODERN, Wire(hello=hello)) as (link, wire, _):
        watched = frozenset({(Kind.RESOURCE, "b:1"), (Kind.RESOURCE, "a:1"), (Kind.TASK, "7")})
        task = asyncio.get_running_loop().create_task(listen(link, watched))
        sent = await wire.request("subscriptions/listen")
        wanted = {"toolsListChanged": True, "resourceSubscriptions": ["a:1", "b:1"], "taskIds": ["7"]}
        assert sent["params"]["notifications"] == wanted
        wire.says({"id": sent["id"], "result": {}})
        await task


async def test_listening_that_is_refused_is_told() -> None:
    hello = {"result": {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {"listChanged": True}}}}
    async with linked(Era.MODERN, Wire(hello=hello)) as (link, wire, _):
        task = asyncio.get_running_loop().create_task(listen(link, frozenset()))
        sent = await wire.request("subscriptions/listen")
        wire.says({"id": sent["id"], "error": {"code": -32601, "message": "no"}})
        with pytest.raises(ChildError, match="refused subscriptions/listen: no"):
            await task


async def idle(work: Any) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(work, 0.05)
