"""Telling clients what changed."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from composite_runtime.front.changes import COALESCE_S, Changes
from composite_runtime.front.session import Session
from composite_runtime.provider import Kind, Notice
from composite_runtime.wire.era import LATEST_LEGACY, SUBSCRIPTION_KEY
from composite_runtime.wire.jsonrpc import Json, RpcError
from tests.support.links import MODERN
from tests.support.providers import HandMade

ALL = {"toolsListChanged": True, "promptsListChanged": True, "resourcesListChanged": True}


class Legacy:
    def __init__(self, changes: Changes, *, ready: bool = True) -> None:
        self.got: list[Json] = []
        self.session = Session(lambda data: self.got.append(json.loads(data)))
        if ready:
            self.session.introduce(LATEST_LEGACY, {}, {"name": "c"})
        changes.join(self.session)

    @property
    def methods(self) -> list[str]:
        return [message["method"] for message in self.got]


class Modern:
    def __init__(self, changes: Changes, wanted: Any = None, request_id: Any = 7) -> None:
        self.got: list[Json] = []
        params = {"notifications": ALL if wanted is None else wanted}
        self.task = asyncio.get_running_loop().create_task(changes.listen(request_id, params, MODERN, self._take))

    def _take(self, data: bytes) -> None:
        self.got.append(json.loads(data))

    @property
    def methods(self) -> list[str]:
        return [message["method"] for message in self.got]


async def settle() -> None:
    await asyncio.sleep(COALESCE_S * 2)


async def test_a_burst_of_changes_is_told_once_to_each_in_its_own_way() -> None:
    provider = HandMade("p")
    changes = Changes(provider)
    old, new = Legacy(changes), Modern(changes)
    await asyncio.sleep(0)
    for _ in range(50):
        provider.notice(Kind.TOOLS)
    provider.notice(Kind.PROMPTS)
    await settle()
    told = ["notifications/prompts/list_changed", "notifications/tools/list_changed"]
    assert old.methods == told
    assert new.methods == ["notifications/subscriptions/acknowledged", *told]
    assert all(message["params"]["_meta"][SUBSCRIPTION_KEY] == 7 for message in new.got)
    changes.close()
    await new.task


async def test_only_what_was_asked_for_is_told() -> None:
    provider = HandMade("p")
    changes = Changes(provider)
    new = Modern(changes, {"promptsListChanged": True, "toolsListChanged": "yes", "x": True})
    await asyncio.sleep(0)
    assert new.got[0]["params"]["notifications"] == {"promptsListChanged": True}
    provider.notice(Kind.TOOLS)
    provider.notice(Kind.PROMPTS)
    await settle()
    assert new.methods[1:] == ["notifications/prompts/list_changed"]
    changes.close()
    await new.task


async def test_a_client_before_its_handshake_and_one_that_left_are_told_nothing() -> None:
    provider = HandMade("p")
    changes = Changes(provider)
    early, gone = Legacy(changes, ready=False), Legacy(changes)
    changes.leave(gone.session)
    provider.notice(Kind.TOOLS)
    provider.notice(Kind.LOG, level="error", data="x")
    await settle()
    assert (early.got, gone.got) == ([], [])
    changes.close()


async def test_who_listens_after_a_change_is_told_of_it_when_it_has_read_the_list_before() -> None:
    provider = HandMade("p")
    changes = Changes(provider)
    changes.listed(MODERN, {Kind.TOOLS: 0, Kind.PROMPTS: 0})
    provider.notice(Kind.TOOLS)
    provider.notice(Kind.RESOURCES)
    await settle()
    late = Modern(changes)
    await asyncio.sleep(0)
    assert late.methods == ["notifications/subscriptions/acknowledged", "notifications/tools/list_changed"]
    provider.notice(Kind.PROMPTS)
    soon = Modern(changes, {"promptsListChanged": True})
    await settle()
    assert soon.methods == ["notifications/subscriptions/acknowledged", "notifications/prompts/list_changed"]
    changes.close()
    await asyncio.gather(late.task, soon.task)


async def test_who_read_the_list_after_the_change_is_told_nothing_when_it_can_be_told_from_others() -> None:
    provider = HandMade("p")
    changes = Changes(provider)
    caller = replace(MODERN, session="s")
    changes.listed(caller, {Kind.TOOLS: 0})
    provider.notice(Kind.TOOLS)
    await settle()
    assert changes.missed(caller, frozenset({Kind.TOOLS})) == [Kind.TOOLS]
    changes.listed(caller, {Kind.TOOLS: 1})
    assert changes.missed(caller, frozenset({Kind.TOOLS})) == []
    # Two without sessions may be two clients, of which one has read the old list only.
    changes.listed(MODERN, {Kind.TOOLS: 0})
    changes.listed(MODERN, {Kind.TOOLS: 1})
    assert changes.missed(MODERN, frozenset({Kind.TOOLS})) == [Kind.TOOLS]
    changes.close()


async def test_an_update_reaches_those_who_watch_the_resource() -> None:
    provider = HandMade("p")
    changes = Changes(provider)
    watching, other = Legacy(changes), Legacy(changes)
    watching.session.watched.add("a:b")
    new = Modern(changes, {"resourceSubscriptions": ["a:b", 5, None]})
    await asyncio.sleep(0.01)
    provider.notice(Kind.RESOURCE, uri="a:b", extra=None)
    provider.notice(Kind.RESOURCE, uri="c:d")
    assert [message["params"] for message in watching.got] == [{"uri": "a:b", "extra": None}]
    assert other.got == []
    assert new.methods[1:] == ["notifications/resources/updated"]
    changes.close()
    await new.task


async def test_who_watches_a_resource_hears_of_what_lies_below_it() -> None:
    provider = HandMade("p")
    changes = Changes(provider)
    old = Legacy(changes)
    old.session.watched.add("file:///dir")
    new = Modern(changes, {"resourceSubscriptions": ["file:///dir/"]})
    await asyncio.sleep(0.01)
    for uri in ("file:///dir/a/b.txt", "file:///directory"):
        provider.notice(Kind.RESOURCE, uri=uri)
    assert [message["params"]["uri"] for message in old.got] == ["file:///dir/a/b.txt"]
    assert [message["params"]["uri"] for message in new.got[1:]] == ["file:///dir/a/b.txt"]
    changes.close()
    await new.task


async def test_an_update_on_the_connection_of_one_client_is_not_told_to_another() -> None:
    provider = HandMade("p")
    changes = Changes(provider)
    mine = Legacy(changes)
    mine.session.watched.add("a:b")
    new = Modern(changes, {"resourceSubscriptions": ["a:b"]})
    await asyncio.sleep(0.01)
    for session in (mine.session.id, "somebody else"):
        provider.listeners[0](Notice(Kind.RESOURCE, {"uri": "a:b"}, session))
    assert (mine.methods, len(new.got)) == (["notifications/resources/updated"], 1)
    changes.close()
    await new.task


async def test_what_concerns_one_client_is_told_to_it_alone() -> None:
    provider = HandMade("p")
    changes = Changes(provider)
    mine, other = Legacy(changes), Legacy(changes)
    for listener in provider.listeners:
        listener(Notice(Kind.LOG, {"level": "error", "data": "x"}, mine.session.id))
        listener(Notice(Kind.OTHER, {"elicitationId": "e"}, mine.session.id, "notifications/elicitation/complete"))
    assert mine.methods == ["notifications/message", "notifications/elicitation/complete"]
    assert other.got == []
    changes.close()


async def test_listening_ends_with_a_result_when_we_end() -> None:
    changes = Changes(HandMade("p"))
    new = Modern(changes, request_id="sub")
    await asyncio.sleep(0)
    changes.close()
    assert await asyncio.wait_for(new.task, 1) == {"_meta": {SUBSCRIPTION_KEY: "sub"}}


async def test_who_stops_listening_stops_watching_even_before_the_watching_began() -> None:
    provider = HandMade("p")
    changes = Changes(provider)
    new = Modern(changes, {"resourceSubscriptions": ["a:b", "c:d"]})
    await asyncio.sleep(0.01)
    new.task.cancel()
    await asyncio.wait([new.task])
    await asyncio.sleep(0.01)
    assert sorted(provider.watched) == [("a:b", False), ("a:b", True), ("c:d", False), ("c:d", True)]
    assert not changes._streams
    changes.close()


async def test_a_client_that_goes_while_its_resources_are_looked_for_leaves_no_stream() -> None:
    class Slow(HandMade):
        async def watch(self, uri: str, caller: Any, *, on: bool) -> None:
            await asyncio.Event().wait()

    changes = Changes(Slow("p"))
    new = Modern(changes, {"resourceSubscriptions": ["a:b"]})
    await asyncio.sleep(0.01)
    new.task.cancel()
    await asyncio.wait([new.task])
    assert not changes._streams
    changes.close()


@pytest.mark.parametrize("wanted", [None, [], "x", 5], ids=repr)
async def test_listening_to_nothing_in_particular_is_refused(wanted: Any) -> None:
    changes = Changes(HandMade("p"))
    with pytest.raises(RpcError, match="notifications"):
        await changes.listen(1, {"notifications": wanted}, MODERN, lambda data: None)
    changes.close()


async def test_there_is_a_bound_to_streams() -> None:
    changes = Changes(HandMade("p"), streams_limit=3)
    streams = [Modern(changes, {}) for _ in range(3)]
    await asyncio.sleep(0.05)
    with pytest.raises(RpcError, match="listen streams already"):
        await changes.listen(1, {"notifications": {}}, MODERN, lambda data: None)
    changes.close()
    await asyncio.wait([stream.task for stream in streams])


async def test_a_change_at_the_end_tells_nobody_and_leaves_nothing() -> None:
    provider = HandMade("p")
    changes = Changes(provider)
    provider.notice(Kind.TOOLS)
    changes.close()
    assert provider.listeners == []
    await settle()
