"""What is seen at the hops: which call a message belongs to, what HTTP added, and no credential."""

import asyncio
import json
from pathlib import Path

import pytest

from composite_runtime.attach import attached
from composite_runtime.events import CallFinished, CallRepeated, CallStarted, Event, Following, Frame, Http
from composite_runtime.wire.tap import HttpSeen, Switch, Tap
from tests.support import graphs
from tests.support.runtime import Runtime


async def watched(runtime: Runtime, call: dict[str, object], *, era: str = "legacy") -> list[Event]:
    """Call a tool while everything is watched, and return what was told until the client had its answer."""
    seen: list[Event] = []
    async with asyncio.timeout(20):
        while not (runs := [run for run in await asyncio.to_thread(attached.runtimes) if run.pid == runtime.pid]):
            await asyncio.sleep(0.01)
        events = attached.follow(runs[0], frames=True)
        async for event in events:
            if isinstance(event, Following):
                break
        with runtime.client(era) as client:
            pending = client.start("tools/call", call)
            ours = ""
            async for event in events:
                seen.append(event)
                if isinstance(event, Frame) and event.message.get("method") == "tools/call" and event.hop == "client":
                    ours = event.call
                is_answer = isinstance(event, Frame) and (event.hop, event.way) == ("client", "out")
                if is_answer and ours and event.call == ours and "result" in event.message:
                    break
            await asyncio.to_thread(pending.result)
            if isinstance(seen[-1], Frame) and runtime.url:
                async for event in events:
                    seen.append(event)
                    if isinstance(event, Http) and event.hop == "client" and event.http["id"] == pending.id:
                        break
    await events.aclose()
    return seen


async def test_a_message_at_the_client_and_at_the_child_carries_the_call_it_belongs_to(tmp_path: Path) -> None:
    path = graphs.saved(tmp_path, graphs.flat(graphs.child("f", "features", namespace="f")))
    with Runtime(path, http=False) as runtime:
        seen = await watched(runtime, {"name": "f_echo", "arguments": {"v": 1}})

    calls = [event for event in seen if isinstance(event, CallStarted)]
    assert [(event.node, event.parent) for event in calls] == [("all", None), ("f", calls[0].span)]
    frames = [event for event in seen if isinstance(event, Frame) and event.message.get("method") == "tools/call"]
    assert [(event.hop, event.way, event.call, event.span) for event in frames] == [
        ("client", "in", calls[0].call, 0),
        ("f", "out", calls[0].call, calls[1].span),
    ]
    spans = {event.span for event in seen if isinstance(event, CallFinished)}
    assert spans == {event.span for event in calls}


async def test_a_child_that_is_asked_again_says_so_and_why(tmp_path: Path) -> None:
    mark = tmp_path / "died"
    path = graphs.saved(tmp_path, graphs.flat(graphs.child("w", "flaky", "--name", str(mark), namespace="w")))
    with Runtime(path, http=False) as runtime:
        seen = await watched(runtime, {"name": "w_weather", "arguments": {"dies_after_s": 0.05, "takes_s": 0.05}})

    (again,) = [event for event in seen if isinstance(event, CallRepeated)]
    (begun,) = [event for event in seen if isinstance(event, CallStarted) and event.node == "w"]
    assert (again.node, again.call, again.span) == ("w", begun.call, begun.span)
    assert "exit code 3" in again.error


@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_status_and_headers_are_told_and_the_bearer_token_is_not(tmp_path: Path, era: str) -> None:
    inner = graphs.saved(tmp_path, graphs.flat(graphs.child("f", "features", namespace="f")))
    with Runtime(inner, http=True) as served:
        served.wait_ready("f")
        token = {"type": "http", "url": served.url, "headers": {"Authorization": f"Bearer {served.token}"}}
        remote = {"id": "r", "type": "server", "name": "r", "namespace": "r", "transport": token}
        (tmp_path / "outer").mkdir()
        with Runtime(graphs.saved(tmp_path / "outer", graphs.flat(remote)), http=True) as runtime:
            runtime.wait_ready("r")
            seen = await watched(runtime, {"name": "r_f_echo", "arguments": {"v": 1}}, era=era)

    told = [event for event in seen if isinstance(event, Http)]
    assert {event.hop for event in told} == {"client", "r"}
    assert {event.http["status"] for event in told} <= {200, 202}
    for event in told:
        sent = {name.lower(): value for name, value in event.http["sent"].items()}
        assert sent["authorization"] == "Bearer •••"
        assert event.http["status"] == 202 or "content-type" in {name.lower() for name in event.http["received"]}
    text = json.dumps([str(event) for event in seen])
    assert served.token not in text
    assert runtime.token not in text


async def test_the_value_of_a_secret_is_neither_told_nor_recorded(tmp_path: Path) -> None:
    value = "planted-4711-value"
    inner = graphs.saved(tmp_path, graphs.flat(graphs.child("f", "features", namespace="f")))
    recorded = tmp_path / "trace.jsonl"
    with Runtime(inner, http=True) as served:
        served.wait_ready("f")
        headers = {"Authorization": f"Bearer {served.token}", "X-Plain": "${secret:planted}"}
        transport = {"type": "http", "url": f"{served.url}?q=${{secret:planted}}", "headers": headers}
        remote = {"id": "r", "type": "server", "name": "r", "namespace": "r", "transport": transport}
        (tmp_path / "outer").mkdir()
        outer = graphs.saved(tmp_path / "outer", graphs.flat(remote))
        env = {"FUSION_SECRET_PLANTED": value}
        with Runtime(outer, "--trace", str(recorded), http=True, env=env) as runtime:
            runtime.wait_ready("r")
            seen = await watched(runtime, {"name": "r_f_echo", "arguments": {"v": f"it is {value}"}})

    text = recorded.read_text(encoding="utf-8")
    assert "it is ${secret:planted}" in text
    assert '"x-plain": "${secret:planted}"' in text
    assert value not in text
    assert served.token not in text
    assert value not in json.dumps([str(event) for event in seen])


def test_what_looks_like_a_credential_is_hidden_wherever_it_stands() -> None:
    shown: list[HttpSeen] = []

    class Listener:
        def frame(self, hop: str, seen: object) -> None: ...

        def http(self, hop: str, seen: HttpSeen) -> None:
            shown.append(seen)

    switch = Switch()
    tap: Tap = switch.at("n")
    url = "https://me:pass-word@host.example/mcp?api_key=k1&q=2"
    sent = {"X-Api-Key": "k1", "Cookie": "c=1", "Authorization": "k1", "Accept": "a/b", "Mcp-Session-Id": "0123456789"}
    tap.http(lambda: HttpSeen("1", 1, "POST", url, 401, sent, {"set-cookie": "c=2", "www-authenticate": "Bearer"}))
    assert shown == []
    switch.listener = Listener()
    tap.http(lambda: HttpSeen("1", 1, "POST", url, 401, sent, {"set-cookie": "c=2", "www-authenticate": "Bearer"}))

    (seen,) = shown
    assert seen.url == "https://host.example/mcp?api_key=•••&q=2"
    assert seen.sent == {
        "X-Api-Key": "•••",
        "Cookie": "•••",
        "Authorization": "•••",
        "Accept": "a/b",
        "Mcp-Session-Id": "01234567…",
    }
    assert seen.received == {"set-cookie": "•••", "www-authenticate": "Bearer"}
