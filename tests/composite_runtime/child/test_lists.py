"""Reading what a child offers, all pages, never trusting a cursor."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from composite_runtime.child.lists import PAGES, read_offers
from composite_runtime.errors import ChildError
from composite_runtime.provider import Offers
from composite_runtime.wire.era import Era
from composite_runtime.wire.jsonrpc import Json
from tests.support.links import Wire, linked

Answer = Callable[[str, Json], Json]


class Listing(Wire):
    """A child that answers each list by a function."""

    def __init__(self, answer: Answer, **capabilities: Any) -> None:
        hello = {"protocolVersion": "2025-11-25", "capabilities": capabilities or {"tools": {}}}
        super().__init__(hello={"result": hello})
        self._answer = answer
        self.asked: list[tuple[str, Any]] = []

    def send(self, message: Json, headers: Any = None) -> int:
        size = super().send(message, headers)
        if "list" in message["method"] and "id" in message:
            params = message.get("params") or {}
            self.asked.append((message["method"], params.get("cursor")))
            reply = {"id": message["id"], **self._answer(message["method"], params)}
            asyncio.get_running_loop().call_soon(self.says, reply)
        return size


async def read(wire: Listing) -> tuple[Offers, list[str]]:
    complaints: list[str] = []
    async with linked(Era.LEGACY, wire) as (link, _, _):
        return await read_offers(link, complaints.append), complaints


def page(*names: Any, **more: Any) -> Json:
    return {"result": {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in names], **more}}


def names(offers: Offers) -> list[str]:
    return [tool["name"] for tool in offers.tools]


async def test_all_pages_are_read_in_order() -> None:
    pages = {None: page("a", "b", nextCursor="2"), "2": page("c", nextCursor="3"), "3": page("d")}
    offers, complaints = await read(Listing(lambda method, params: pages[params.get("cursor")]))
    assert (names(offers), complaints) == (["a", "b", "c", "d"], [])


async def test_a_cursor_that_repeats_ends_the_list() -> None:
    wire = Listing(lambda method, params: page("a", nextCursor="again"))
    offers, complaints = await read(wire)
    assert (names(offers), len(wire.asked)) == (["a"], 2)
    assert "repeats itself" in complaints[0]


@pytest.mark.parametrize("cursor", ["", None, 5, [], {}], ids=repr)
async def test_a_cursor_that_is_none_ends_the_list_and_is_never_sent(cursor: Any) -> None:
    wire = Listing(lambda method, params: page("a", nextCursor=cursor))
    offers, complaints = await read(wire)
    assert (names(offers), wire.asked, complaints) == (["a"], [("tools/list", None)], [])


async def test_a_list_without_end_is_cut_off() -> None:
    wire = Listing(lambda method, params: page("a", nextCursor=str(int(params.get("cursor", "0")) + 1)))
    offers, complaints = await read(wire)
    assert (names(offers), len(wire.asked)) == (["a"], PAGES)
    assert "cut off" in complaints[0]


async def test_entries_that_are_none_do_not_hide_the_others() -> None:
    tools: list[Any] = [
        None,
        5,
        "x",
        [],
        {},
        {"name": 5},
        {"name": ""},
        {"name": "good", "inputSchema": {}},
        {"name": "good"},
    ]
    offers, complaints = await read(Listing(lambda method, params: {"result": {"tools": tools}}))
    assert offers.tools == ({"name": "good", "inputSchema": {}},)
    assert "7 entries without a name" in complaints[0]


@pytest.mark.parametrize("result", [{}, {"tools": None}, {"tools": {}}, {"tools": "x"}], ids=repr)
async def test_an_answer_without_a_list_is_complained_about(result: Json) -> None:
    offers, complaints = await read(Listing(lambda method, params: {"result": result}))
    assert (offers.tools, complaints) == ((), ["in tools/list: there is no list in the answer"])


async def test_a_list_that_is_refused_leaves_the_others() -> None:
    def answer(method: str, params: Json) -> Json:
        return page("a") if method == "tools/list" else {"error": {"code": -32603, "message": "no"}}

    offers, complaints = await read(Listing(answer, tools={}, prompts={}))
    assert (names(offers), complaints) == (["a"], ["it refused prompts/list: no"])


async def test_what_a_child_never_heard_of_is_not_asked_or_not_complained_about() -> None:
    refused = {"error": {"code": -32601, "message": "Method not found"}}
    wire = Listing(lambda m, p: {"result": {"resources": []}} if m == "resources/list" else refused, resources={})
    _, complaints = await read(wire)
    assert complaints == []
    assert {method for method, _ in wire.asked} == {"resources/list", "resources/templates/list"}


async def test_everything_about_an_entry_stays() -> None:
    tool = {"name": "a", "inputSchema": {"$ref": "#/deep"}, "icons": [{"src": "x"}], "x-new": None, "_meta": {"ui": 1}}
    offers, _ = await read(Listing(lambda method, params: {"result": {"tools": [tool]}}))
    assert offers.tools == (tool,)


async def test_a_child_that_ends_while_it_is_read_is_told_so() -> None:
    wire = Listing(lambda method, params: {"method": "x"})
    async with linked(Era.LEGACY, wire) as (link, _, _):
        reading = asyncio.get_running_loop().create_task(read_offers(link, lambda text: None))
        await wire.request("tools/list")
        wire.receiver.lost("it ended")
        with pytest.raises(ChildError, match="it ended"):
            await reading
