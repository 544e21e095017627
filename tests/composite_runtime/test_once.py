"""A graph opened for a question or two."""

from pathlib import Path

import pytest

from composite_runtime.errors import GraphError
from composite_runtime.once import CALLER, LoneRelay, opened
from composite_runtime.provider import FIRST_LIST_S
from composite_runtime.wire.jsonrpc import RpcError
from tests.support.children import Heard, node
from tests.support.raw_runtime import saved


async def test_a_graph_is_asked_and_closed(tmp_path: Path) -> None:
    heard = Heard()
    async with opened(saved(tmp_path, node()), None, heard) as composite:
        offers = await composite.offers(CALLER, FIRST_LIST_S)
        assert "echo" in [tool["name"] for tool in offers.tools]
        result = await composite.request("tools/call", {"name": "echo", "arguments": {"n": 1}}, LoneRelay())
        assert result["content"][0]["text"] == '{"n": 1}'
    assert heard.states()[-1] == "stopped"


async def test_the_first_call_waits_for_a_child_nothing_is_known_of(tmp_path: Path) -> None:
    async with opened(saved(tmp_path, node(slow_s=0.5)), "dev", Heard()) as composite:
        await composite.request("tools/call", {"name": "echo", "arguments": {}}, LoneRelay())


@pytest.mark.parametrize("wanted", ["nobody", "raw"])
async def test_a_composite_that_is_not_there_is_told_and_nothing_is_started(tmp_path: Path, wanted: str) -> None:
    heard = Heard()
    with pytest.raises(GraphError, match="no single composite"):
        async with opened(saved(tmp_path, node()), wanted, heard):
            pass
    assert heard.events == []


async def test_questions_of_a_child_are_refused_for_nobody_is_there(tmp_path: Path) -> None:
    with pytest.raises(RpcError, match="nobody to answer"):
        await LoneRelay().ask("roots/list", {})
    async with opened(saved(tmp_path, node(speaks="legacy")), None, Heard()) as composite:
        result = await composite.request("tools/call", {"name": "ask", "arguments": {}}, LoneRelay())
        assert "error" in result["content"][0]["text"]
