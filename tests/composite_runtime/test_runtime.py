"""One run of the runtime, as a real process."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from composite_runtime.graph import file
from composite_runtime.graph.model import Graph, ServerNode
from composite_runtime.runtime import WATCH_S, Address, followed
from tests import processes
from tests.support.children import node
from tests.support.drawn import composite
from tests.support.drawn import graph as drawn_graph
from tests.support.raw_runtime import RawRuntime, drawn, running, saved


async def refused(*words: str) -> tuple[int, str]:
    """Run a command that ends by itself; return its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "composite_runtime",
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await asyncio.wait_for(process.communicate(), 20)
    return process.returncode or 0, said.decode()


async def called(runtime: RawRuntime, name: str, request_id: str) -> str:
    runtime.request(request_id, "tools/call", name=name, arguments={})
    result = (await runtime.answer(request_id))["result"]
    return str(result["content"][0]["text"])


BROKEN = [
    ("nonsense", "line 1, column 1: this is not JSON"),
    ('{"version": 99, "id": "g", "name": "n", "nodes": [], "edges": []}', "saved in format 99"),
    ('{"version": 1, "id": "g", "name": "n", "nodes": [{"id": "x"}], "edges": []}', "nodes[0]"),
    ('{"version": 1, "id": "g", "name": "n", "nodes": [], "edges": []}', "no composite that could be served"),
    ('{"version": 1, "id": ' + "1" * 5000 + "}", "graph.fusion"),
    ("[" * 200_000, "nested too deeply"),
]


@pytest.mark.parametrize(("text", "words"), BROKEN, ids=lambda value: value[:30])
async def test_a_broken_graph_is_refused_in_one_message(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "graph.fusion"
    path.write_text(text)
    code, said = await refused("serve", str(path))
    assert code == 1
    assert words in said
    assert "Traceback" not in said
    assert said.startswith("composite-runtime: ")
    assert path.read_text() == text


async def test_a_port_in_use_is_told_with_what_helps(tmp_path: Path) -> None:
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, said = await refused("serve", str(saved(tmp_path, node())), "--http", address)
    assert (code, f"{address} cannot be listened on" in said, "choose another port" in said) == (1, True, True)


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
async def test_what_others_can_reach_is_not_served_without_a_token(tmp_path: Path, address: str) -> None:
    code, said = await refused("serve", str(saved(tmp_path, node())), "--http", address)
    assert code == 1
    assert "set FUSION_TOKEN" in said


@pytest.mark.parametrize("address", ["", "8000", "host:", ":80", "h:99999", "h:x", "h:-1", "h:٣"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        Address.parse(address)


def test_addresses_of_this_machine_are_known() -> None:
    local = ("127.0.0.1:1", "127.8.8.8:1", "localhost:1", "[::1]:1")
    assert all(Address.parse(text).is_loopback for text in local)
    assert not any(Address.parse(text).is_loopback for text in ("0.0.0.0:1", "[::]:1", "127.evil.example:1", "h:1"))


async def test_a_missing_command_a_dead_and_a_hung_child_cost_their_own_tools_only(tmp_path: Path) -> None:
    missing = ServerNode.model_validate(
        {"id": "missing", "name": "Missing", "transport": {"type": "stdio", "command": "no-such-command"}}
    )
    dead = node("dead", die=["initialize", "server/discover"])
    hung = node("hung", hang=["initialize", "server/discover"])
    async with running(saved(tmp_path, missing, dead, hung, node("well"))) as runtime:
        await asyncio.wait_for(runtime.initialize(), 3)
        assert await called(runtime, "echo", "1") == "{}"
        assert "install it" in await runtime.event('"failed"')
        assert "dying at" in await runtime.event('"retrying"')


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("mode", ["--stdio", "--http"])
async def test_a_signal_ends_the_runtime_and_stubborn_children(tmp_path: Path, how: signal.Signals, mode: str) -> None:
    arguments = ["--http", "127.0.0.1:0"] if mode == "--http" else []
    async with running(saved(tmp_path, node(stubborn=True)), *arguments, supervised=True) as runtime:
        if mode == "--stdio":
            await runtime.initialize()
        await runtime.event('"state": "ready"')
        family = processes.descendants(runtime.process.pid)
        assert family
        runtime.process.send_signal(how)
        assert await runtime.ended() == 0
        assert await asyncio.to_thread(processes.wait_until_gone, lambda: family & processes.descendants(), 3) == set()
        assert '"stopped"' in runtime.told[-1]


async def test_after_a_kill_of_the_runtime_its_children_and_theirs_are_gone(tmp_path: Path) -> None:
    async with running(saved(tmp_path, node(stubborn=True))) as runtime:
        await runtime.initialize()
        await runtime.event('"state": "ready"')
        family = processes.descendants(runtime.process.pid)
        assert len(family) >= 2
        runtime.process.kill()
        await runtime.ended()
        assert await asyncio.to_thread(processes.wait_until_gone, lambda: family & processes.descendants(), 5) == set()


async def test_a_supervised_runtime_over_http_ends_with_its_stdin(tmp_path: Path) -> None:
    async with running(saved(tmp_path, node()), "--http", "127.0.0.1:0") as runtime:
        ready = json.loads(await runtime.event('"ready"'))
        assert ready["url"].startswith("http://127.0.0.1:")
        runtime.close()
        assert await runtime.ended() == 0


def names(answer: dict[str, object]) -> set[str]:
    result = answer["result"]
    assert isinstance(result, dict)
    return {tool["name"] for tool in result["tools"]}


async def test_an_edit_of_the_file_is_served_without_a_restart(tmp_path: Path) -> None:
    path = saved(tmp_path, node("one"))
    async with running(path) as runtime:
        await runtime.initialize()
        pid = await called(runtime, "pid", "1")
        file.save(drawn(node("one"), node("two", tools=["fresh"])), path)
        await runtime.event('"graph_changed"')
        await runtime.line(lambda line: line.get("method") == "notifications/tools/list_changed")
        assert await called(runtime, "fresh", "2") == "this is fresh"
        assert await called(runtime, "pid", "3") == pid


async def test_a_file_that_holds_another_graph_is_served_all_the_same(tmp_path: Path) -> None:
    path = saved(tmp_path, node("one"))
    async with running(path, "--composite", "dev") as runtime:
        await runtime.initialize()
        assert await called(runtime, "echo", "1") == "{}"
        text = path.read_text().replace('"dev"', '"replaced"').replace('"one"', '"uno"')
        path.write_text(text)
        event = json.loads(await runtime.event('"graph_changed"'))
        assert (event.get("error"), event["composite"]) == (None, "replaced")
        assert await called(runtime, "echo", "2") == "{}"


@pytest.mark.parametrize(
    ("graph", "wanted", "composite"),
    [
        (drawn_graph(composite("a"), composite("b"), edges=""), None, "a"),
        (drawn_graph(composite("a"), composite("b"), edges="a>b"), None, "b"),
        (drawn_graph(composite("a"), composite("b"), edges="a>b"), "a", "a"),
        (drawn_graph(composite("a"), composite("b"), edges="a>b"), "renamed", "a"),
        (drawn_graph(composite("b"), edges=""), "a", None),
    ],
    ids=["a second root", "wrapped", "wrapped but asked for", "asked for by an old name", "gone"],
)
def test_a_changed_graph_is_served_as_a_fresh_start_would_if_that_is_clear(
    graph: Graph, wanted: str | None, composite: str | None
) -> None:
    assert followed(graph, wanted, "a") == composite


async def test_a_broken_file_leaves_the_last_good_graph_and_a_good_one_is_served_again(tmp_path: Path) -> None:
    path = saved(tmp_path, node("one"))
    good = path.read_text()
    async with running(path) as runtime:
        await runtime.initialize()
        pid = await called(runtime, "pid", "1")
        broken = ["nonsense", '{"version": 1, "id": ' + "1" * 5000 + "}"]
        broken.append(good.replace('"type": "composite"', '"type": "server"'))
        broken.append(good.replace('"target": "dev"', '"target": "nobody"'))
        for number, text in enumerate(broken, 1):
            path.write_text(text)
            event = json.loads(await runtime.event('"graph_changed"', number))
            assert event["error"]
            assert await called(runtime, "pid", f"{number}-still") == pid
        file.save(drawn(node("one", tools=["fresh"])), path)
        assert "error" not in json.loads(await runtime.event('"graph_changed"', len(broken) + 1))
        assert await called(runtime, "fresh", "5") == "this is fresh"
        assert not any("Traceback" in line for line in runtime.told)


async def test_a_file_that_is_away_for_a_moment_is_not_missed_and_one_that_is_gone_is(tmp_path: Path) -> None:
    path = saved(tmp_path, node("one"))
    text = path.read_text()
    async with running(path) as runtime:
        await runtime.initialize()
        await called(runtime, "pid", "1")
        path.unlink()
        await asyncio.sleep(WATCH_S * 0.6)  # what an editor may take, and less than the runtime looks away
        path.write_text(text)
        await runtime.event('"graph_changed"')
        path.unlink()
        gone = json.loads(await runtime.event('"graph_changed"', 2))
        assert "does not exist" in gone["error"]
        assert await called(runtime, "echo", "2") == "{}"
        assert not [line for line in runtime.told if "graph_changed" in line and "error" in line][:-1]


async def test_a_file_that_is_replaced_by_renaming_is_followed(tmp_path: Path) -> None:
    path = saved(tmp_path, node("one"))
    stat = path.stat()
    async with running(path) as runtime:
        await runtime.initialize()
        await called(runtime, "pid", "1")
        other = tmp_path / "other"
        other.mkdir()
        replacement = saved(other, node("one", tools=["t"]))
        os.utime(replacement, ns=(stat.st_mtime_ns, stat.st_mtime_ns))
        replacement.replace(path)
        await runtime.event('"graph_changed"')
        assert await called(runtime, "t", "2") == "this is t"


async def test_a_child_removed_in_the_middle_of_a_call_answers_it_in_words(tmp_path: Path) -> None:
    path = saved(tmp_path, node("one"), node("two", tools=["other"]))
    async with running(path) as runtime:
        await runtime.initialize()
        runtime.request("w", "tools/call", name="wait", arguments={})
        await runtime.event('"wait"', 2)
        file.save(drawn(node("two", tools=["other"])), path)
        answer = (await runtime.answer("w"))["result"]
        assert (answer["isError"], "stopped" in answer["content"][0]["text"]) == (True, True)
        assert await called(runtime, "other", "2") == "this is other"


async def test_no_secret_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED", "hunter2-and-more")
    secret = node("one", first=["hunter2-and-more is noise"], die=["tools/call"])
    transport = secret.transport.but(env={"T": "${env:PLANTED}"})
    async with running(saved(tmp_path, secret.but(transport=transport))) as runtime:
        await runtime.initialize()
        await called(runtime, "echo", "1")
        await runtime.event("is noise")
        assert not any("hunter2" in line for line in runtime.told)
