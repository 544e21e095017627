"""`composite-runtime` without a desktop, for the SDK's own client and the raw one: pipes, HTTP, nested, reloaded."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client import Client as SdkClient
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from tests.support import graphs
from tests.support.client import Client, Refused
from tests.support.runtime import Runtime, http_server
from tests.support.wires import Http

MODES = ["legacy", "auto"]
"""How the SDK's client opens: by the handshake, or by asking for the modern era first."""


def three(folder: Path) -> Path:
    children = (graphs.child(name, "features", "--name", name, "--era", name) for name in ("legacy", "modern", "dual"))
    return graphs.saved(folder, graphs.flat(*children))


@contextlib.asynccontextmanager
async def sdk_over_stdio(path: Path, mode: str) -> AsyncIterator[SdkClient]:
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "composite_runtime", "serve", str(path)],
        cwd=str(graphs.ROOT),
        env={**os.environ},
    )
    # The SDK wants a file of the system; the stderr of a test is none.
    assert sys.__stderr__ is not None
    async with SdkClient(stdio_client(command, errlog=sys.__stderr__), mode=mode, cache=None) as client:
        yield client


@contextlib.asynccontextmanager
async def sdk_over_http(url: str, token: str, mode: str) -> AsyncIterator[SdkClient]:
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http,
        SdkClient(streamable_http_client(url, http_client=http), mode=mode, cache=None) as client,
    ):
        yield client


async def check(client: SdkClient) -> None:
    """List and call every child."""
    tools = {tool.name async for tool in all_tools(client)}
    for name in ("legacy", "modern", "dual"):
        assert f"{name}_echo" in tools
        result = await client.call_tool(f"{name}_echo", {"v": [1, None, "ü"]})
        assert result.structured_content == {"v": [1, None, "ü"]}


async def all_tools(client: SdkClient) -> AsyncIterator[Any]:
    cursor = None
    while True:
        page = await client.list_tools(cursor=cursor)
        for tool in page.tools:
            yield tool
        cursor = page.next_cursor
        if cursor is None:
            return


@pytest.mark.parametrize("mode", MODES)
async def test_the_sdks_client_lists_and_calls_over_stdio(mode: str, tmp_path: Path) -> None:
    async with sdk_over_stdio(three(tmp_path), mode) as client:
        await check(client)


async def test_the_sdks_client_lists_and_calls_over_http_in_both_eras(tmp_path: Path) -> None:
    with Runtime(three(tmp_path), http=True) as runtime:
        for mode in MODES:
            async with sdk_over_http(runtime.url, runtime.token, mode) as client:
                await check(client)


def test_a_composite_in_a_composite_is_one_more_name(tmp_path: Path) -> None:
    nodes = [graphs.child("dual", "features", "--name", "dual"), graphs.composite("inner"), graphs.composite("outer")]
    document = graphs.graph(nodes, [graphs.edge("dual", "inner", "d"), graphs.edge("inner", "outer")])
    with Runtime(graphs.saved(tmp_path, document), http=False) as runtime, runtime.client("modern") as client:
        assert client.call("inner_d_echo", {"v": 1})["structuredContent"] == {"v": 1}
        assert client.request("resources/read", {"uri": "dual://note"})["contents"][0]["text"] == "dual dual://note"


def test_a_composite_of_runtimes_passes_everything_on(tmp_path: Path) -> None:
    """A runtime as the child of a runtime: questions to the client cross both."""
    (tmp_path / "inner").mkdir()
    inner = graphs.saved(tmp_path / "inner", graphs.flat(graphs.child("dual", "features", "--name", "dual")))
    node = graphs.child("inner", "features", namespace="")
    node["transport"]["args"] = ["-m", "composite_runtime", "serve", str(inner)]
    node["transport"]["env"] = {"FUSION_HOME": str(tmp_path / "inner")}

    def answer(method: str, params: dict[str, Any]) -> dict[str, Any]:
        return {"action": "accept", "content": {"color": "rot"}}

    for era in ("legacy", "modern"):
        runtime = Runtime(graphs.saved(tmp_path, graphs.flat(node)), http=False)
        with runtime, runtime.client(era, answer=answer) as client:
            client.wait_for_tool("dual_rounds")
            told = client.call("dual_rounds")["content"][0]["text"]
            assert json.loads(told) == [{"color": "rot"}, {"color": "rot"}]
            pending = client.start("tools/call", {"name": "dual_progress", "arguments": {"count": 30}}, progress=1)
            pending.result()
            assert [step["progress"] for step in pending.progress()] == list(range(30))


def test_a_resource_two_children_share_can_be_read_from_each(tmp_path: Path) -> None:
    children = [graphs.child(name, "features", "--name", name) for name in ("a", "b")]
    path = graphs.saved(tmp_path, graphs.flat(*children))
    with Runtime(path, http=False) as runtime, runtime.client("modern") as client:
        client.wait(lambda: len(client.tools()) >= 2 * 20, 10, "both children")
        shared = [r["uri"] for r in client.list_all("resources/list", "resources") if r["name"].endswith("same")]
        texts = [client.request("resources/read", {"uri": uri})["contents"][0]["text"] for uri in shared]

        assert len(set(shared)) == 2
        assert sorted(text.split()[0] for text in texts) == ["a", "b"]


def test_the_end_of_stdin_lets_calls_in_flight_finish(tmp_path: Path) -> None:
    path = graphs.saved(tmp_path, graphs.flat(graphs.child("dual", "features")))
    requests: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}}},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": {"name": "dual_sleep", "arguments": {"seconds": 0.5}}},
        {"id": 3, "method": "tools/call", "params": {"name": "dual_echo", "arguments": {"v": 1}}},
    ]
    requests[0]["params"]["clientInfo"] = {"name": "printf", "version": "1"}
    lines = "".join(json.dumps({"jsonrpc": "2.0", **request}) + "\n" for request in requests)

    done = run("serve", str(path), given=lines)

    answers = {message["id"]: message for message in map(json.loads, done.stdout.splitlines()) if "id" in message}
    assert done.returncode == 0
    assert answers[2]["result"]["content"][0]["text"] == "awake"
    assert answers[3]["result"]["structuredContent"] == {"v": 1}


def test_stdout_carries_messages_only(tmp_path: Path) -> None:
    path = graphs.saved(tmp_path, graphs.flat(graphs.child("noisy", "hostile", "noise-between-messages")))
    with Runtime(path, http=False) as runtime, runtime.client("legacy") as client:
        client.wait_for_tool("noisy_hello")
        for _ in range(3):
            client.call("noisy_hello")

        assert all(message["jsonrpc"] == "2.0" for message in client.received)


# HTTP: who may come in


def test_a_client_without_the_token_is_turned_away(tmp_path: Path) -> None:
    with Runtime(graphs.saved(tmp_path, graphs.flat(graphs.child("dual", "features"))), http=True) as runtime:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": runtime.token}):
            answer = httpx2.post(runtime.url, json={}, headers=headers)
            assert answer.status_code == 401
            assert "bearer" in answer.headers["www-authenticate"].lower()


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example.com"}, {"Origin": "http://evil.example.com"}, {"Origin": "null"}]
)
def test_a_page_of_another_site_is_turned_away(headers: dict[str, str], tmp_path: Path) -> None:
    path = graphs.saved(tmp_path, graphs.flat(graphs.child("dual", "features")))
    with Runtime(path, http=True) as runtime, pytest.raises(Refused):
        Client(Http(runtime.url, token=runtime.token, headers=headers), "legacy").__enter__()


def test_binding_beyond_loopback_without_a_token_is_refused(tmp_path: Path) -> None:
    path = graphs.saved(tmp_path, graphs.flat(graphs.child("dual", "features")))
    done = run("serve", str(path), "--http", "0.0.0.0:0")

    assert done.returncode != 0
    assert "token" in done.stderr.lower()
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_told_in_words(tmp_path: Path) -> None:
    path = graphs.saved(tmp_path, graphs.flat(graphs.child("dual", "features")))
    with http_server("features") as url:
        port = url.split(":")[2].split("/")[0]
        done = run("serve", str(path), "--http", f"127.0.0.1:{port}")

    assert done.returncode != 0
    assert port in done.stderr
    assert "Traceback" not in done.stderr


def test_clients_of_one_runtime_never_get_each_others_questions(tmp_path: Path) -> None:
    """Several clients ask the same child at once; each is asked for its own call only."""
    path = graphs.saved(tmp_path, graphs.flat(graphs.child("dual", "features")))
    with Runtime(path, http=True) as runtime, contextlib.ExitStack() as stack:
        clients = []
        for number in range(6):

            def answer(method: str, params: dict[str, Any], number: int = number) -> dict[str, Any]:
                return {"action": "accept", "content": {"color": f"of {number}"}}

            era = ("legacy", "modern")[number % 2]
            clients.append(stack.enter_context(runtime.client(era, answer=answer)))
        clients[0].wait_for_tool("dual_form")
        for _ in range(3):
            for number, client in enumerate(clients):
                told = json.loads(client.call("dual_form")["content"][0]["text"])
                assert told["content"] == {"color": f"of {number}"}


# The graph file is watched


def test_a_changed_graph_is_served_without_a_restart(tmp_path: Path) -> None:
    one, two = (graphs.child(name, "features", "--name", name) for name in ("one", "two"))
    path = graphs.saved(tmp_path, graphs.flat(one))
    with Runtime(path, http=False) as runtime, runtime.client("legacy") as client:
        runtime.wait_ready("one")
        pid = json.loads(client.call("one_seen")["content"][0]["text"])["pid"]
        slow = client.start("tools/call", {"name": "one_sleep", "arguments": {"seconds": 2}}, progress="slow")
        slow.wait_for_progress()

        graphs.saved(tmp_path, graphs.flat(one, two))
        client.wait_to_hear("notifications/tools/list_changed")
        client.wait_for_tool("two_echo")
        assert slow.result()["content"][0]["text"] == "awake"
        assert json.loads(client.call("one_seen")["content"][0]["text"])["pid"] == pid

        path.write_text("{ this is no graph", encoding="utf-8")
        runtime.wait_until(lambda: any(e.get("error") for e in runtime.find("graph_changed")), 10, "the broken file")
        assert client.call("two_echo", {"v": 1})["structuredContent"] == {"v": 1}

        graphs.saved(tmp_path, graphs.flat(two))
        client.wait(lambda: "one_echo" not in client.tools(), 10, "the removal")
        assert client.call("two_echo", {"v": 2})["structuredContent"] == {"v": 2}


# Recovery


def test_a_killed_child_is_back_for_the_next_call_and_the_others_never_notice(tmp_path: Path) -> None:
    children = [graphs.child(name, "features", "--name", name) for name in ("a", "b")]
    runtime = Runtime(graphs.saved(tmp_path, graphs.flat(*children)), http=False)
    with runtime, runtime.client("modern") as client:
        runtime.wait_ready("a", "b")
        doomed = client.start("tools/call", {"name": "a_sleep", "arguments": {}}, progress="x")
        doomed.wait_for_progress()
        other = client.start("tools/call", {"name": "b_sleep", "arguments": {"seconds": 1}})
        os.kill(json.loads(client.call("a_seen")["content"][0]["text"])["pid"], 9)

        result = doomed.result(2)
        assert result["isError"]
        assert "a" in result["content"][0]["text"]
        assert client.call("a_echo", {"v": 1}, timeout=5)["structuredContent"] == {"v": 1}
        assert other.result()["content"][0]["text"] == "awake"


def test_the_death_of_an_idle_child_is_noticed_at_once(tmp_path: Path) -> None:
    path = graphs.saved(tmp_path, graphs.flat(graphs.child("a", "features")))
    with Runtime(path, http=True) as runtime:
        ready = runtime.wait("child_changed", node="a", state="ready")
        os.kill(ready["pid"], 9)

        def back() -> bool:
            return any(e.get("pid") not in (None, ready["pid"]) for e in runtime.find("child_changed", state="ready"))

        runtime.wait_until(back, 5, "the restart")


def test_initialize_never_waits_and_the_list_is_remembered(tmp_path: Path) -> None:
    path = graphs.saved(
        tmp_path, graphs.flat(graphs.child("slow", "hostile", "slow-at-start"), graphs.child("a", "features"))
    )
    with Runtime(path, http=False) as runtime, runtime.client("legacy") as client:
        runtime.wait_ready("slow", "a")
        assert "slow_hello" in client.tools()

    with Runtime(path, http=False) as runtime, runtime.client("legacy") as client:
        assert not runtime.find("child_changed", node="slow", state="ready")
        assert "slow_hello" in client.tools()
        assert client.call("slow_hello")["content"][0]["text"] == "hello"


@pytest.mark.parametrize("era", [pytest.param("legacy", marks=pytest.mark.slow), "modern"])
def test_a_silent_child_delays_no_call_and_only_the_first_list_ever(era: str, tmp_path: Path) -> None:
    children = [graphs.child("silent", "hostile", "silent-at-lists"), graphs.child("well", "features")]
    path = graphs.saved(tmp_path, graphs.flat(*children))
    for start in ("first", "second"):
        with Runtime(path, http=False) as runtime, runtime.client(era) as client:
            assert client.call("well_echo", {"v": start}, timeout=3)["structuredContent"] == {"v": start}
            # Nothing is known of the silent one yet, and a client that hears of no change would never see its tools.
            page = client.request("tools/list", timeout=10 if start == "first" else 3)
            assert "well_echo" in {tool["name"] for tool in page["tools"]}


def run(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command of the runtime to its end."""
    return subprocess.run(
        [sys.executable, "-m", "composite_runtime", *arguments],
        input=given,
        capture_output=True,
        text=True,
        cwd=graphs.ROOT,
        env={key: value for key, value in os.environ.items() if key != "FUSION_TOKEN"},
        timeout=30,
        check=False,
    )
