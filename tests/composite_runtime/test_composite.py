"""Members behind one name."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from composite_runtime.composite import Composite
from composite_runtime.errors import ChildError, UnknownName
from composite_runtime.events import Event
from composite_runtime.provider import Kind, Notice
from composite_runtime.wire.call import Caller
from composite_runtime.wire.era import LATEST_LEGACY, Era
from composite_runtime.wire.jsonrpc import Json, RpcError
from tests.support.links import LEGACY, MODERN, TestRelay, declares
from tests.support.providers import HandMade, member


def names(entries: tuple[Json, ...], key: str = "name") -> list[str]:
    return [entry[key] for entry in entries]


async def read(composite: Composite, uri: str) -> Json:
    return await composite.request("resources/read", {"uri": uri}, TestRelay())


def says(text: str) -> Any:
    return lambda method, params, relay: {"contents": [{"uri": params["uri"], "text": text}]}


async def test_a_call_reaches_the_member_that_offers_the_tool_by_its_own_name() -> None:
    weather, time = HandMade("weather", tools=("forecast",)), HandMade("time", tools=("now",))
    composite = Composite("dev", "Dev", [member("weather", weather), member("", time)])
    assert names((await composite.offers(LEGACY)).tools) == ["weather_forecast", "now"]
    params = {"name": "weather_forecast", "arguments": {"a": None}, "_meta": {"x": 1}}
    await composite.request("tools/call", params, TestRelay())
    assert weather.asked == [("tools/call", {**params, "name": "forecast"})]
    assert time.asked == []


async def test_a_composite_in_a_composite_adds_its_name() -> None:
    docs = HandMade("docs", tools=("search",))
    outer = Composite("dev", "Dev", [member("web", Composite("web", "Web", [member("d", docs)]))])  # type: ignore[arg-type]  # a composite is a provider
    assert names((await outer.offers(LEGACY)).tools) == ["web_d_search"]
    await outer.request("tools/call", {"name": "web_d_search"}, TestRelay())
    assert docs.asked == [("tools/call", {"name": "search"})]


async def test_an_unknown_tool_is_refused_and_says_who_is_not_there() -> None:
    down = HandMade("mail", capabilities={})
    composite = Composite("dev", "Dev", [member("a", tools=("x",)), member("mail", down)])
    with pytest.raises(UnknownName, match=r"^Unknown tool: mail_send \(not available now: Mail\)$"):
        await composite.request("tools/call", {"name": "mail_send"}, TestRelay())


async def test_a_lone_member_without_a_namespace_may_know_names_it_does_not_list() -> None:
    lone = HandMade("lone", tools=("a",))
    await Composite("c", "C", [member("", lone)]).request("tools/call", {"name": "unlisted"}, TestRelay())
    assert lone.asked == [("tools/call", {"name": "unlisted"})]


async def test_a_catalog_is_made_once_until_something_changes() -> None:
    child = HandMade("a", tools=("x",))
    composite = Composite("c", "C", [member("a", child)])
    for _ in range(3):
        await composite.offers(LEGACY)
    assert child.listed == 1
    child.tools = ("x", "y")
    child.notice(Kind.TOOLS)
    assert names((await composite.offers(LEGACY)).tools) == ["a_x", "a_y"]


async def test_a_log_message_leaves_the_catalog_as_it_is() -> None:
    child = HandMade("a", tools=("x",))
    composite = Composite("c", "C", [member("a", child)])
    await composite.offers(LEGACY)
    child.notice(Kind.LOG, level="info")
    await composite.offers(LEGACY)
    assert child.listed == 1


async def test_a_change_while_another_member_is_waited_for_is_not_lost() -> None:
    quick = HandMade("quick", tools=("old",))
    slow = HandMade("slow", tools=("s",), settles=asyncio.Event())
    composite = Composite("c", "C", [member("quick", quick), member("slow", slow)])
    listing = asyncio.get_running_loop().create_task(composite.offers(LEGACY, 5.0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    quick.tools = ("new",)
    quick.notice(Kind.TOOLS)
    assert slow.settles is not None
    slow.settles.set()
    await listing
    assert names((await composite.offers(LEGACY)).tools) == ["quick_new", "slow_s"]


async def test_a_catalog_that_is_not_complete_is_made_again() -> None:
    child = HandMade("a", complete=False)
    composite = Composite("c", "C", [member("a", child)])
    await composite.offers(LEGACY)
    child.tools, child.complete = ("x",), True
    assert names((await composite.offers(LEGACY)).tools) == ["a_x"]


async def test_callers_a_child_can_tell_apart_have_catalogs_of_their_own_that_end_with_them() -> None:
    composite = Composite("c", "C", [member("a", tools=("x",))])
    for session in ("one", "two"):
        await composite.offers(declares("roots", session=session))
    await composite.offers(LEGACY)
    await composite.offers(MODERN)
    assert len(composite._catalogs) == 4
    composite.forget("one")
    assert len(composite._catalogs) == 3


async def test_sessions_that_cannot_be_told_apart_share_one_catalog() -> None:
    child = HandMade("a", tools=("x",))
    composite = Composite("c", "C", [member("a", child)])
    for session in range(20):
        await composite.offers(Caller(Era.LEGACY, LATEST_LEGACY, info={"name": "n"}, session=str(session)))
    assert child.listed == 1


async def test_two_members_with_the_same_uri_can_both_be_read() -> None:
    one = HandMade("one", resources=("file:///a",), answers=says("one"))
    two = HandMade("two", resources=("file:///a",), answers=says("two"))
    composite = Composite("c", "C", [member("", one), member("", two)])
    uris = names((await composite.offers(LEGACY)).resources, "uri")
    assert uris == ["file:///a", "fusion://two/file:///a"]
    for uri, text in zip(uris, ("one", "two"), strict=True):
        assert (await read(composite, uri))["contents"] == [{"uri": uri, "text": text}]
    assert two.asked == [("resources/read", {"uri": "file:///a"})]


def link(uri: Any) -> Any:
    return lambda method, params, relay: (
        {"content": [{"type": "resource_link", "uri": uri, "name": "l"}]}
        if method == "tools/call"
        else {"contents": [{"uri": params["uri"], "text": "linked"}]}
    )


async def test_a_link_to_what_another_member_lists_is_renamed_and_can_be_read() -> None:
    lister = HandMade("one", resources=("file:///a",), answers=says("one"))
    linker = HandMade("two", tools=("t",), answers=link("file:///a"))
    composite = Composite("c", "C", [member("", lister), member("", linker)])
    result = await composite.request("tools/call", {"name": "t"}, TestRelay())
    uri = result["content"][0]["uri"]
    assert uri == "fusion://two/file:///a"
    assert (await read(composite, uri))["contents"] == [{"uri": uri, "text": "linked"}]


async def test_a_link_leads_back_to_who_gave_it_even_if_it_fits_the_template_of_another() -> None:
    templated = HandMade("one", templates=("file:///{path}",), answers=says("one"))
    linker = HandMade("two", tools=("t",), answers=link("file:///b"))
    composite = Composite("c", "C", [member("one", templated), member("two", linker)])
    result = await composite.request("tools/call", {"name": "two_t"}, TestRelay())
    assert (await read(composite, result["content"][0]["uri"]))["contents"][0]["text"] == "linked"
    assert (await read(composite, "file:///other"))["contents"][0]["text"] == "one"


async def test_the_same_unlisted_link_from_two_members_leads_to_each() -> None:
    linkers = [HandMade(name, tools=("t",), answers=link("note:x")) for name in ("one", "two")]
    composite = Composite("c", "C", [member(linker.node, linker) for linker in linkers])
    uris = []
    for name in ("one", "two"):
        result = await composite.request("tools/call", {"name": f"{name}_t"}, TestRelay())
        uris.append(result["content"][0]["uri"])
    assert uris == ["note:x", "fusion://two/note:x"]
    for uri, linker in zip(uris, linkers, strict=True):
        await read(composite, uri)
        assert linker.asked[-1] == ("resources/read", {"uri": "note:x"})


async def test_a_link_survives_that_its_member_is_renamed_and_ends_with_it() -> None:
    linker = HandMade("two", tools=("t",), answers=link("note:x"))
    other = HandMade("one", answers=lambda method, params, relay: RpcError(-32002, "no"))
    composite = Composite("c", "C", [member("one", other), member("two", linker)])
    await composite.request("tools/call", {"name": "two_t"}, TestRelay())
    composite.reshape("C", [member("one", other), member("second", linker)])
    await read(composite, "note:x")
    assert linker.asked[-1] == ("resources/read", {"uri": "note:x"})
    assert other.asked == []
    composite.reshape("C", [member("one", other)])
    assert not composite._links


@pytest.mark.parametrize("uri", [None, 5, [], {}], ids=repr)
@pytest.mark.parametrize("kind", ["resource_link", "resource"])
async def test_a_link_that_is_none_passes_unchanged(uri: Any, kind: str) -> None:
    block = {"type": kind, "uri": uri} if kind == "resource_link" else {"type": kind, "resource": {"uri": uri}}
    odd: Json = {"content": [block, "text", None, {"type": "resource", "resource": 5}], "structuredContent": [1]}
    child = HandMade("a", tools=("t",), answers=lambda method, params, relay: odd)
    composite = Composite("c", "C", [member("a", child)])
    assert await composite.request("tools/call", {"name": "a_t"}, TestRelay()) == odd


async def test_a_resource_nobody_lists_is_asked_for_everywhere_and_its_absence_told_in_the_era_of_the_client() -> None:
    gone = RpcError(-32002, "no")
    one = HandMade("one", answers=lambda method, params, relay: ChildError("down"))
    two = HandMade("two", answers=lambda method, params, relay: gone)
    composite = Composite("c", "C", [member("one", one), member("two", two)])
    with pytest.raises(RpcError) as caught:
        await read(composite, "x:y")
    assert (caught.value.code, caught.value.data) == (-32002, {"uri": "x:y"})
    with pytest.raises(RpcError) as caught:
        await composite.request("resources/read", {"uri": "x:y"}, TestRelay(MODERN))
    assert caught.value.code == -32602


async def test_an_update_of_a_moved_resource_is_told_under_its_public_uri() -> None:
    one, two = HandMade("one", resources=("a:b",)), HandMade("two", resources=("a:b",))
    composite = Composite("c", "C", [member("one", one), member("two", two)])
    await composite.offers(LEGACY)
    notices: list[Notice] = []
    composite.subscribe(notices.append)
    two.notice(Kind.RESOURCE, uri="a:b")
    one.notice(Kind.RESOURCE, uri="a:b")
    assert [notice.params["uri"] for notice in notices] == ["fusion://two/a:b", "a:b"]


async def test_what_a_member_says_beside_the_protocol_changes_nothing_that_is_known_of_it() -> None:
    child = HandMade("a", tools=("x",))
    composite = Composite("c", "C", [member("a", child)])
    await composite.offers(LEGACY)
    notices: list[Notice] = []
    composite.subscribe(notices.append)
    child.notice(Kind.OTHER, x=None)
    await composite.offers(LEGACY)
    assert (notices, child.listed) == ([Notice(Kind.OTHER, {"x": None})], 1)


async def test_watching_reaches_the_owner_and_an_unknown_uri_is_refused() -> None:
    child = HandMade("a", resources=("a:b",), templates=("t:{x}",))
    composite = Composite("c", "C", [member("a", child), member("b")])
    await composite.watch("a:b", LEGACY, on=True)
    await composite.watch("t:1", LEGACY, on=True)
    assert child.watched == [("a:b", True), ("t:1", True)]
    with pytest.raises(RpcError):
        await composite.watch("z:z", LEGACY, on=True)


async def test_a_lone_member_with_resources_may_tell_of_what_it_does_not_list() -> None:
    lone = HandMade("lone")
    await Composite("c", "C", [member("lone", lone), member("b", capabilities={})]).watch("z:z", LEGACY, on=True)
    assert lone.watched == [("z:z", True)]


async def test_to_watch_ends_where_it_began_whatever_the_resource_is_called_by_then() -> None:
    one, two = HandMade("one", resources=("a:b",)), HandMade("two", resources=("a:b",))
    composite = Composite("c", "C", [member("two", two)])
    await composite.watch("a:b", LEGACY, on=True)
    composite.reshape("C", [member("one", one), member("two", two)])  # now it is the other's
    notices: list[Notice] = []
    composite.subscribe(notices.append)
    two.notice(Kind.RESOURCE, uri="a:b")
    assert [notice.params["uri"] for notice in notices] == ["a:b"]  # as the client knows it
    await composite.watch("a:b", LEGACY, on=False)
    assert (one.watched, two.watched) == ([], [("a:b", True), ("a:b", False)])


async def test_a_member_that_is_made_anew_tells_what_the_one_before_it_told() -> None:
    before, after = HandMade("a", resources=("a:b", "c:d")), HandMade("a")
    composite = Composite("c", "C", [member("a", before)])
    for uri in ("a:b", "c:d"):
        await composite.watch(uri, LEGACY, on=True)
    composite.reshape("C", [])
    await composite.watch("c:d", LEGACY, on=False)
    composite.reshape("C", [member("a", after)])
    await asyncio.sleep(0.01)
    assert after.watched == [("a:b", True)]
    await composite.watch("a:b", LEGACY, on=False)
    assert after.watched == [("a:b", True), ("a:b", False)]


async def test_what_cannot_be_watched_is_not_remembered() -> None:
    class Refusing(HandMade):
        async def watch(self, name: str, caller: Caller, *, on: bool, kind: Kind = Kind.RESOURCE) -> None:
            raise RpcError(-32602, "no")

    composite = Composite("c", "C", [member("a", Refusing("a", resources=("a:b",)))])
    with pytest.raises(RpcError, match="no"):
        await composite.watch("a:b", LEGACY, on=True)
    assert composite._watches.names(composite.members[0], "a:b") == set()


async def test_an_update_below_a_moved_resource_can_be_read_under_the_name_it_is_told_by() -> None:
    one, two = HandMade("one", resources=("f:/d",)), HandMade("two", resources=("f:/d",), answers=says("two"))
    composite = Composite("c", "C", [member("one", one), member("two", two)])
    await composite.watch("fusion://two/f:/d", LEGACY, on=True)
    notices: list[Notice] = []
    composite.subscribe(notices.append)
    two.notice(Kind.RESOURCE, uri="f:/d/x")
    (told,) = [notice.params["uri"] for notice in notices]
    assert (await read(composite, told))["contents"] == [{"uri": told, "text": "two"}]


async def test_completion_goes_to_the_owner_of_the_prompt_or_template() -> None:
    child = HandMade("a", prompts=("p",), templates=("t:{x}",))
    composite = Composite("c", "C", [member("a", child)])
    for ref, own in (
        ({"type": "ref/prompt", "name": "a_p"}, {"type": "ref/prompt", "name": "p"}),
        ({"type": "ref/resource", "uri": "t:{x}"}, {"type": "ref/resource", "uri": "t:{x}"}),
    ):
        await composite.request("completion/complete", {"ref": ref, "argument": {}}, TestRelay())
        assert child.asked[-1][1]["ref"] == own


@pytest.mark.parametrize("ref", [{}, [], {"type": "ref/resource"}, {"type": "ref/prompt", "name": 5}], ids=repr)
async def test_a_completion_for_nothing_is_refused(ref: Any) -> None:
    composite = Composite("c", "C", [member("a"), member("b")])
    with pytest.raises((RpcError, UnknownName), match="Unknown"):
        await composite.request("completion/complete", {"ref": ref, "argument": {}}, TestRelay())


async def test_a_member_without_completion_is_not_asked() -> None:
    child = HandMade("a", prompts=("p",), capabilities={"prompts": {}})
    composite = Composite("c", "C", [member("a", child)])
    params = {"ref": {"type": "ref/prompt", "name": "a_p"}, "argument": {}}
    result = await composite.request("completion/complete", params, TestRelay())
    assert (result, child.asked) == ({"completion": {"values": [], "hasMore": False}}, [])


async def test_new_members_are_told_of_and_the_old_ones_no_longer_heard() -> None:
    old, new = HandMade("old", tools=("x",)), HandMade("new", tools=("y",))
    composite = Composite("c", "C", [member("a", old)])
    await composite.offers(LEGACY)
    notices: list[Notice] = []
    stop = composite.subscribe(notices.append)
    composite.reshape("C", [member("a", new)])
    assert {notice.kind for notice in notices} == {Kind.TOOLS, Kind.PROMPTS, Kind.RESOURCES}
    assert old.listeners == []
    assert names((await composite.offers(LEGACY)).tools) == ["a_y"]
    stop()
    new.notice(Kind.TOOLS)
    assert len(notices) == 3


async def test_the_same_members_again_are_no_news() -> None:
    child = HandMade("a")
    composite = Composite("c", "C", [member("a", child)])
    notices: list[Notice] = []
    composite.subscribe(notices.append)
    composite.reshape("Other name", [member("a", child)])
    assert (notices, composite.name) == ([], "Other name")


async def test_a_call_in_flight_survives_that_its_member_is_removed() -> None:
    finish = asyncio.Event()

    async def slowly() -> Json:
        await finish.wait()
        return {"content": []}

    child = HandMade("a", tools=("x",), answers=lambda method, params, relay: slowly())
    composite = Composite("c", "C", [member("a", child)])
    running = asyncio.get_running_loop().create_task(composite.request("tools/call", {"name": "a_x"}, TestRelay()))
    await asyncio.sleep(0.01)
    composite.reshape("C", [])
    finish.set()
    assert await running == {"content": []}


async def test_nothing_is_kept_for_a_client_that_has_gone() -> None:
    child = HandMade("a", resources=("a:b",))
    composite = Composite("c", "C", [member("a", child)])
    caller = declares("roots", session="gone")
    await composite.watch("a:b", caller, on=True)
    assert composite._catalogs
    composite.forget("gone")
    await composite.watch("a:b", caller, on=False)  # which comes a moment later
    assert not composite._catalogs
    assert child.watched == [("a:b", True), ("a:b", False)]


async def test_a_log_level_reaches_every_member_and_what_clients_tell_too() -> None:
    children = [HandMade("a"), HandMade("b")]
    composite = Composite("c", "C", [member(child.node, child) for child in children])
    await composite.request("logging/setLevel", {"level": "info"}, TestRelay())
    composite.tell("notifications/roots/list_changed", {}, LEGACY)
    assert [child.asked for child in children] == [[("logging/setLevel", {"level": "info"})]] * 2
    assert [child.told for child in children] == [["notifications/roots/list_changed"]] * 2


async def test_each_hop_of_a_call_is_told_in_the_order_of_the_way() -> None:
    events: list[Event] = []
    child = HandMade("a", tools=("x",))
    inner = Composite("in", "In", [member("a", child)], events.append)
    outer = Composite("out", "Out", [member("in", inner)], events.append)  # type: ignore[arg-type]  # see above
    await outer.request("tools/call", {"name": "in_a_x"}, TestRelay(call="7"))
    told = [(event.event, getattr(event, "node", ""), getattr(event, "name", "")) for event in events]
    assert told == [
        ("call_started", "out", "in_a_x"),
        ("call_started", "in", "a_x"),
        ("call_finished", "in", "a_x"),
        ("call_finished", "out", "in_a_x"),
    ]


async def test_a_task_is_asked_about_where_it_was_made() -> None:
    maker = HandMade("a", tools=("x",), answers=lambda method, params, relay: {"resultType": "task", "taskId": "7"})
    composite = Composite("c", "C", [member("a", maker), member("b")])
    await composite.request("tools/call", {"name": "a_x"}, TestRelay(MODERN))
    await composite.request("tasks/get", {"taskId": "7"}, TestRelay(MODERN))
    assert maker.asked[-1] == ("tasks/get", {"taskId": "7"})
    with pytest.raises(UnknownName, match="Unknown task: 8"):
        await composite.request("tasks/get", {"taskId": "8"}, TestRelay(MODERN))


async def test_clients_that_differ_only_in_how_they_can_be_asked_are_not_shown_one_list() -> None:
    child = HandMade("a", tools=("plain",))
    composite = Composite("c", "C", [member("", child)])
    form, url = (
        replace(MODERN, capabilities={"elicitation": how, "x": len(how)})
        for how in ({"form": {}}, {"form": {}, "url": {}})
    )
    assert names((await composite.offers(form)).tools) == ["plain"]
    child.tools = ("plain", "open_page")
    assert names((await composite.offers(url)).tools) == ["plain", "open_page"]
    assert names((await composite.offers(replace(form, capabilities={"elicitation": {"form": {}}}))).tools) == ["plain"]
