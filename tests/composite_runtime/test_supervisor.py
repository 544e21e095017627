"""From a graph to running providers, and from a changed graph to the same ones."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from composite_runtime.composite import Composite
from composite_runtime.errors import ChildError, GraphError
from composite_runtime.front.server import Server
from composite_runtime.front.session import Session
from composite_runtime.graph.model import Edge, Graph, ServerNode
from composite_runtime.provider import FIRST_LIST_S, Kind, Notice
from composite_runtime.supervisor import Supervisor
from composite_runtime.wire.jsonrpc import Json
from tests.support.children import Heard, node
from tests.support.drawn import composite, graph
from tests.support.links import LEGACY, TestRelay


@asynccontextmanager
async def supervised(heard: Heard | None = None) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(emit=heard or Heard())
    try:
        yield supervisor
    finally:
        await supervisor.close()


async def tools(root: Composite) -> list[str]:
    return [tool["name"] for tool in (await root.offers(LEGACY, FIRST_LIST_S)).tools]


async def ask(root: Composite, name: str, **arguments: Any) -> str:
    result: Json = await root.request("tools/call", {"name": name, "arguments": arguments}, TestRelay())
    return str(result["content"][0]["text"])


def two(first: ServerNode, second: ServerNode, **more: Any) -> Graph:
    return graph(first, second, composite("dev", **more), edges="one>dev two>dev")


async def test_a_graph_becomes_one_surface() -> None:
    async with supervised() as supervisor:
        root = supervisor.apply(two(node("one"), node("two")), "dev")
        supervisor.start(LEGACY)
        assert {"one_echo", "two_echo"} <= set(await tools(root))
        assert await ask(root, "one_pid") != await ask(root, "two_pid")


async def test_what_did_not_change_keeps_its_process_and_its_calls() -> None:
    heard = Heard()
    async with supervised(heard) as supervisor:
        before = two(node("one"), node("two"))
        root = supervisor.apply(before, "dev")
        supervisor.start(LEGACY)
        pid = await ask(root, "one_pid")
        other = await ask(root, "two_pid")
        running = asyncio.get_running_loop().create_task(ask(root, "one_wait"))
        await heard.until(lambda: any(getattr(event, "name", "") == "wait" for event in heard.events))
        assert supervisor.apply(two(node("one"), node("two", tools=["fresh"])), "dev") is root
        assert "two_fresh" in await tools(root)
        assert await ask(root, "one_pid") == pid
        assert await ask(root, "two_pid") != other
        assert not running.done()
        running.cancel()
        await asyncio.wait([running])


async def test_a_removed_child_ends_and_its_calls_are_answered() -> None:
    heard = Heard()
    async with supervised(heard) as supervisor:
        root = supervisor.apply(two(node("one"), node("two")), "dev")
        supervisor.start(LEGACY)
        await ask(root, "two_echo")
        running = asyncio.get_running_loop().create_task(ask(root, "one_wait"))
        await heard.until(lambda: any(getattr(event, "name", "") == "wait" for event in heard.events))
        supervisor.apply(graph(node("two"), composite("dev"), edges="two>dev"), "dev")
        with pytest.raises(ChildError, match="stopped"):
            await asyncio.wait_for(running, 5)
        await heard.state("stopped")
        assert {name.partition("_")[0] for name in await tools(root)} == {"two"}


def _watchable(**more: Any) -> Graph:
    capabilities = {"tools": {}, "resources": {"subscribe": True}}
    listed = ['{"jsonrpc":"2.0","id":$ID,"result":{"resources":[{"uri":"a:b","name":"a"}]}}']
    child = node("one", speaks="legacy", capabilities=capabilities, replies={"resources/list": listed}, **more)
    return graph(child, composite("dev"), edges="one>dev")


async def test_a_client_that_leaves_while_it_watches_starts_no_child(tmp_path: Path) -> None:
    begun = tmp_path / "starts"
    async with supervised() as supervisor:
        server = Server(supervisor.apply(_watchable(starts=str(begun)), "dev"), "1")
        supervisor.start(LEGACY)
        session = Session(lambda data: None)
        params = {"protocolVersion": "2025-11-25", "capabilities": {"sampling": {}}, "clientInfo": {"name": "c"}}
        for number, (method, given) in enumerate((("initialize", params), ("resources/subscribe", {"uri": "a:b"}))):
            request = {"jsonrpc": "2.0", "id": number, "method": method, "params": given}
            response = await server.respond(request, session, lambda data: None)
            assert isinstance(response, dict)
            assert "result" in response
        async with asyncio.timeout(10):  # one child for all who cannot be asked anything, and one for this client
            while len(begun.read_text().split()) < 2:
                await asyncio.sleep(0.02)
        server.leave(session)
        await asyncio.sleep(0.5)
        assert len(begun.read_text().split()) == 2
        assert len(list(supervisor._children["one"]._pool)) == 1
        server.close()


async def test_what_is_watched_is_watched_on_a_child_that_was_changed() -> None:
    heard = Heard()
    async with supervised(heard) as supervisor:
        root = supervisor.apply(_watchable(), "dev")
        supervisor.start(LEGACY)
        await root.watch("a:b", LEGACY, on=True)
        supervisor.apply(_watchable(tools=["fresh"]), "dev")
        await heard.until(lambda: any(kind is Kind.RESOURCE for kind, _ in supervisor._children["one"]._watchers))
        assert "one_fresh" in await tools(root)


async def test_a_child_that_is_added_or_enabled_is_started() -> None:
    async with supervised() as supervisor:
        off = node("two").but(enabled=False)
        root = supervisor.apply(two(node("one"), off), "dev")
        supervisor.start(LEGACY)
        assert not [name for name in await tools(root) if name.startswith("two")]
        supervisor.apply(two(node("one"), node("two")), "dev")
        assert await ask(root, "two_echo") == "{}"


async def test_a_new_name_renames_the_tools_and_leaves_the_process() -> None:
    async with supervised() as supervisor:
        root = supervisor.apply(two(node("one"), node("two")), "dev")
        supervisor.start(LEGACY)
        pid = await ask(root, "one_pid")
        notices: list[Notice] = []
        root.subscribe(notices.append)
        supervisor.apply(two(node("one").but(name="First"), node("two")), "dev")
        assert notices
        assert await ask(root, "first_pid") == pid
        with pytest.raises(ChildError, match=r"^First: it ended"):
            await ask(root, "first_crash")


async def test_a_new_namespace_of_an_edge_renames_the_tools() -> None:
    async with supervised() as supervisor:
        first = graph(node("one"), composite("dev"), edges="one>dev")
        root = supervisor.apply(first, "dev")
        supervisor.start(LEGACY)
        pid = await ask(root, "one_pid")
        supervisor.apply(first.but(edges=(Edge(source="one", target="dev", namespace=""),)), "dev")
        assert await ask(root, "pid") == pid


async def test_a_composite_that_is_no_longer_reached_hears_nothing_more() -> None:
    async with supervised() as supervisor:
        nested = graph(node("one"), composite("web"), composite("dev"), edges="one>web web>dev")
        supervisor.apply(nested, "dev")
        child = supervisor._children["one"]
        flat = graph(node("one"), composite("web"), composite("dev"), edges="one>dev")
        supervisor.apply(flat, "dev")
        assert supervisor._children["one"] is child
        assert len(child._listeners) == 1


async def test_another_node_can_become_the_root_and_clients_stay_connected_to_it() -> None:
    async with supervised() as supervisor:
        root = supervisor.apply(graph(node("one"), composite("a"), edges="one>a"), "a")
        supervisor.start(LEGACY)
        pid = await ask(root, "one_pid")
        notices: list[Notice] = []
        root.subscribe(notices.append)
        wrapped = graph(node("one"), composite("a"), composite("b"), edges="one>a a>b")
        assert supervisor.apply(wrapped, "b") is root
        assert (root.node, root.name) == ("b", "B")
        assert await ask(root, "a_one_pid") == pid
        assert notices
        assert supervisor.apply(graph(node("one"), composite("a"), edges="one>a"), "a") is root
        assert await ask(root, "one_pid") == pid
        assert len(supervisor._children["one"]._listeners) == 1


async def test_a_child_in_two_composites_is_one_process() -> None:
    async with supervised() as supervisor:
        shared = graph(node("one"), composite("a"), composite("b"), composite("dev"), edges="one>a one>b a>dev b>dev")
        root = supervisor.apply(shared, "dev")
        supervisor.start(LEGACY)
        assert await ask(root, "a_one_pid") == await ask(root, "b_one_pid")


@pytest.mark.parametrize("broken", ["no root", "circle", "dangling", "root is a server"])
async def test_a_graph_that_cannot_be_served_leaves_what_is_served(broken: str) -> None:
    graphs = {
        "no root": graph(node("one"), composite("other"), edges="one>other"),
        "circle": graph(node("one"), composite("a"), composite("dev"), edges="one>dev a>dev dev>a"),
        "dangling": graph(composite("dev"), edges="one>dev"),
        "root is a server": graph(node("dev"), composite("other"), edges="dev>other"),
    }
    async with supervised() as supervisor:
        root = supervisor.apply(two(node("one"), node("two")), "dev")
        supervisor.start(LEGACY)
        pid = await ask(root, "one_pid")
        with pytest.raises(GraphError):
            supervisor.apply(graphs[broken], "dev")
        assert await ask(root, "one_pid") == pid
        assert "two_echo" in await tools(root)


async def test_a_first_list_waits_for_a_silent_child_only_while_others_come() -> None:
    silent = node("two", hang=["initialize", "server/discover"])
    async with supervised() as supervisor:
        root = supervisor.apply(two(node("one"), silent), "dev")
        began = asyncio.get_running_loop().time()
        supervisor.start(LEGACY)
        offered = await root.offers(LEGACY, 60.0)
        assert "one_echo" in [tool["name"] for tool in offered.tools]
        assert not offered.complete
        assert asyncio.get_running_loop().time() - began < 15


async def test_a_first_list_has_the_tools_of_a_child_that_is_a_little_slower_than_the_others() -> None:
    async with supervised() as supervisor:
        root = supervisor.apply(two(node("one"), node("two", slow_s=0.6)), "dev")
        supervisor.start(LEGACY)
        assert {"one_echo", "two_echo"} <= set(await tools(root))


async def test_closing_while_children_start_leaves_none() -> None:
    supervisor = Supervisor(emit=Heard())
    supervisor.apply(two(node("one", slow_s=5), node("two", speaks="legacy", hang=["initialize"])), "dev")
    supervisor.start(LEGACY)
    await asyncio.sleep(0.05)
    await asyncio.wait_for(supervisor.close(), 8)


async def test_stubborn_children_are_ended_all_at_once() -> None:
    supervisor = Supervisor(emit=Heard())
    root = supervisor.apply(two(node("one", stubborn=True), node("two", stubborn=True)), "dev")
    supervisor.start(LEGACY)
    await ask(root, "one_echo")
    await ask(root, "two_echo")
    began = asyncio.get_running_loop().time()
    await supervisor.close()
    assert asyncio.get_running_loop().time() - began < 4.5


async def test_a_bypassed_composite_passes_its_members_on_and_takes_them_back() -> None:
    async with supervised() as supervisor:
        inner = composite("inner")
        drawn = graph(node("one"), node("two"), inner, composite("dev"), edges="one>inner inner>dev two>dev")
        root = supervisor.apply(drawn, "dev")
        supervisor.start(LEGACY)
        assert {"inner_one_echo", "two_echo"} <= set(await tools(root))
        pid = await ask(root, "inner_one_pid")

        off = drawn.but(nodes=tuple(n.but(bypassed=True) if n.id == "inner" else n for n in drawn.nodes))
        assert supervisor.apply(off, "dev") is root
        assert {"one_echo", "two_echo"} <= set(await tools(root))
        assert await ask(root, "one_pid") == pid, "the child goes on as it was"

        supervisor.apply(drawn, "dev")
        assert await ask(root, "inner_one_pid") == pid
