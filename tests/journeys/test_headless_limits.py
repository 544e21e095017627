"""How long, how many and how often: limits of time, of calls at once, and of doing something twice."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support import graphs
from tests.support.client import Client, Refused
from tests.support.runtime import Runtime


def limited(folder: Path, **limits: Any) -> Path:
    children = [
        graphs.child("a", "features", "--name", "a", limits=limits),
        graphs.child("b", "features", "--name", "b"),
    ]
    return graphs.saved(folder, graphs.flat(*children))


def sleep(client: Client, seconds: float, beats: int = 1, progress: Any = None) -> Any:
    arguments = {"seconds": seconds, "beats": beats, "key": "slept"}
    return client.start("tools/call", {"name": "a_sleep", "arguments": arguments}, progress=progress)


def cancelled(client: Client) -> list[str]:
    told: list[str] = json.loads(client.call("a_cancelled")["content"][0]["text"])
    return told


def test_a_call_without_a_sign_of_life_ends_and_is_cancelled_at_the_child(tmp_path: Path) -> None:
    with Runtime(limited(tmp_path, idle_s=0.5), http=False) as runtime, runtime.client("legacy") as client:
        client.wait_for_tool("a_sleep")
        start = time.monotonic()
        result = sleep(client, 30).result()

        assert result["isError"]
        assert "a" in result["content"][0]["text"]
        assert 0.4 < time.monotonic() - start < 5
        client.wait(lambda: cancelled(client) == ["slept"], 5, "the cancellation")


def test_progress_is_a_sign_of_life_also_when_the_client_wants_none(tmp_path: Path) -> None:
    with Runtime(limited(tmp_path, idle_s=0.6), http=False) as runtime, runtime.client("modern") as client:
        client.wait_for_tool("a_sleep")
        unasked, asked = sleep(client, 1.5, beats=10), sleep(client, 1.5, beats=10, progress="p")

        assert [call.result()["content"][0]["text"] for call in (unasked, asked)] == ["awake", "awake"]


def test_progress_does_not_extend_a_call_for_ever(tmp_path: Path) -> None:
    path = limited(tmp_path, idle_s=0.5, total_s=1.2)
    with Runtime(path, http=False) as runtime, runtime.client("legacy") as client:
        client.wait_for_tool("a_sleep")
        start = time.monotonic()
        result = sleep(client, 30, beats=300, progress="p").result()

        assert result["isError"]
        assert 1 < time.monotonic() - start < 5


def test_calls_beyond_a_childs_limit_wait_their_turn_and_delay_no_other_child(tmp_path: Path) -> None:
    with Runtime(limited(tmp_path, concurrent_calls=2), http=False) as runtime, runtime.client("legacy") as client:
        client.wait_for_tool("a_sleep")
        client.wait_for_tool("b_echo")
        start = time.monotonic()
        calls = [sleep(client, 0.3) for _ in range(6)]
        for number in range(20):
            assert client.call("b_echo", {"v": number})["structuredContent"] == {"v": number}
        others = time.monotonic() - start

        assert [call.result()["content"][0]["text"] for call in calls] == ["awake"] * 6
        assert time.monotonic() - start >= 0.9
        assert others < 0.9


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_a_call_that_may_have_run_is_not_repeated(era: str, tmp_path: Path) -> None:
    done = tmp_path / "done"
    with Runtime(limited(tmp_path), http=False) as runtime, runtime.client(era) as client:
        client.wait_for_tool("a_write")
        result = client.call("a_write", {"path": str(done), "die": True})

        assert result["isError"]
        assert client.call("a_echo", {"v": 1})["structuredContent"] == {"v": 1}
        assert done.read_text(encoding="utf-8").splitlines() == ["done"]


@pytest.mark.parametrize("http", [False, True], ids=["stdio", "http"])
def test_five_megabytes_pass_both_ways(http: bool, tmp_path: Path) -> None:
    with Runtime(limited(tmp_path), http=http) as runtime, runtime.client("modern") as client:
        client.wait_for_tool("a_big")

        assert len(client.call("a_big", {"length": 5_000_000}, timeout=30)["content"][0]["text"]) == 5_000_000
        told = client.call("a_size", {"payload": "x" * 5_000_000}, timeout=30)
        assert told["content"][0]["text"] == "5000000"


def test_a_message_beyond_the_limit_fails_its_call_and_no_other(tmp_path: Path) -> None:
    with Runtime(limited(tmp_path, message_bytes=1_000_000), http=False) as runtime, runtime.client("legacy") as client:
        client.wait_for_tool("a_big")
        try:
            result = client.call("a_big", {"length": 2_000_000})
        except Refused as refused:
            said = str(refused)
        else:
            assert result["isError"]
            said = result["content"][0]["text"]

        assert "1000000" in said.replace(",", "").replace(" ", "")
        assert client.call("a_echo", {"v": 1}, timeout=5)["structuredContent"] == {"v": 1}
        assert client.call("b_echo", {"v": 1})["structuredContent"] == {"v": 1}


@pytest.mark.parametrize("http", [False, True], ids=["stdio", "http"])
def test_how_long_a_clients_message_may_be_changes_without_a_restart(http: bool, tmp_path: Path) -> None:
    document = graphs.flat(graphs.child("a", "features", "--name", "a"))
    limits = document["nodes"][-1].setdefault("limits", {"message_bytes": 1_000_000})
    with Runtime(graphs.saved(tmp_path, document), http=http) as runtime, runtime.client("legacy") as client:
        client.wait_for_tool("a_size")
        runtime.wait_ready("a")
        child = runtime.pid_of("a")
        limits["message_bytes"] = 3_000_000
        graphs.saved(tmp_path, document)
        runtime.wait("graph_changed")

        assert client.call("a_size", {"payload": "x" * 2_000_000})["content"][0]["text"] == "2000000"
        assert runtime.pid_of("a") == child
