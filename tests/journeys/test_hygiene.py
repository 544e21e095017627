"""However the runtime, a child or a client ends: no process is left, and no answer is lost that could be given."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import processes
from tests.support import graphs
from tests.support.runtime import Runtime

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which processes there are")

STUBBORN = ("well", "stubborn", "frozen")


@pytest.fixture(autouse=True)
def no_process_left(mark: str) -> Iterator[None]:
    """Look for the marked processes themselves, whoever their parent is now."""
    yield
    left = alive(mark)
    processes.end(left)
    assert not left


@pytest.fixture
def mark(request: pytest.FixtureRequest) -> str:
    """A word on the command line of every child and grandchild of this test."""
    return f"hygiene-{os.getpid()}-{abs(hash(request.node.nodeid))}"


def alive(mark: str) -> set[int]:
    """Return the running processes that carry the mark."""
    numbers = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return {pid for pid in numbers if mark in processes.command_line(pid) and processes.is_running(pid)}


def gone(mark: str, limit_s: float) -> bool:
    return not processes.wait_until_gone(lambda: alive(mark), limit_s)


def family(folder: Path, mark: str) -> Path:
    """Return a graph of a well child, one that ignores every signal and has a grandchild like it, and one to freeze."""
    children = [
        graphs.child("well", "features", "--mark", mark),
        graphs.child("stubborn", "hostile", "stubborn-with-a-grandchild", "--mark", mark),
        graphs.child("frozen", "features", "--mark", mark),
    ]
    return graphs.saved(folder, graphs.flat(*children))


def started(folder: Path, mark: str, *, http: bool = True, **options: Any) -> Runtime:
    """Start a runtime, wait for its children, and freeze one of them."""
    runtime = Runtime(family(folder, mark), http=http, **options).__enter__()
    if http:
        freeze(runtime)
    return runtime


def freeze(runtime: Runtime) -> None:
    runtime.wait_ready(*STUBBORN)
    os.kill(runtime.pid_of("frozen"), signal.SIGSTOP)


@pytest.mark.parametrize(
    "how", ["SIGTERM", *(pytest.param(how, marks=pytest.mark.slow) for how in ("eof", "SIGINT", "SIGHUP"))]
)
def test_a_runtime_that_is_asked_to_end_takes_all_with_it(how: str, tmp_path: Path, mark: str) -> None:
    runtime = started(tmp_path, mark)
    assert len(alive(mark)) >= 4

    assert runtime.stop(how) == 0
    # When it has ended, so has everything it started: nobody would be there to look after it.
    assert gone(mark, 0.5)


def test_a_killed_runtime_leaves_nothing(tmp_path: Path, mark: str) -> None:
    runtime = started(tmp_path, mark)

    runtime.stop("SIGKILL")
    assert gone(mark, 5)


@pytest.mark.slow
def test_a_runtime_killed_while_it_starts_leaves_nothing(tmp_path: Path, mark: str) -> None:
    for delay_s in (0.0, 0.05, 0.1, 0.2):
        runtime = Runtime(family(tmp_path, mark), http=True).__enter__()
        time.sleep(delay_s)
        runtime.stop("SIGKILL")

    assert gone(mark, 5)


@pytest.mark.slow
def test_a_runtime_whose_whole_group_is_killed_leaves_nothing(tmp_path: Path, mark: str) -> None:
    """A desktop or a terminal that goes down takes the runtime's process group along."""
    code = "import sys, subprocess; sys.exit(subprocess.call(sys.argv[1:]))"
    command = [sys.executable, "-m", "composite_runtime", "serve", str(family(tmp_path, mark)), "--http", "127.0.0.1:0"]
    with subprocess.Popen(
        [sys.executable, "-c", code, *command, "--supervised"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=graphs.ROOT,
        start_new_session=True,
        text=True,
    ) as parent:
        assert parent.stderr is not None
        ready: set[str] = set()
        for line in parent.stderr:
            event = json.loads(line)
            if event["event"] == "child_changed" and event["state"] == "ready":
                ready.add(event["node"])
            if ready >= set(STUBBORN):
                break
        os.killpg(parent.pid, signal.SIGKILL)

    assert gone(mark, 5)


def test_the_death_of_a_client_over_stdio_ends_runtime_and_children(tmp_path: Path, mark: str) -> None:
    """The client is a process of its own, killed without a chance to say goodbye."""
    code = """
import subprocess, sys, json
runtime = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
def ask(**message):
    runtime.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\\n")
    runtime.stdin.flush()
info = {"name": "doomed", "version": "1"}
ask(id=1, method="initialize", params={"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info})
ask(method="notifications/initialized")
ask(id=2, method="tools/list")
for line in runtime.stdout:
    if json.loads(line).get("id") == 2:
        print(runtime.pid, flush=True)
"""
    command = [sys.executable, "-m", "composite_runtime", "serve", str(family(tmp_path, mark))]
    with subprocess.Popen(
        [sys.executable, "-c", code, *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=graphs.ROOT
    ) as client:
        assert client.stdout is not None
        runtime_pid = int(client.stdout.readline())
        assert alive(mark)
        client.kill()

    assert gone(mark, 10)
    assert not processes.wait_until_gone(lambda: {runtime_pid} if processes.is_running(runtime_pid) else set(), 5)


@pytest.mark.slow
def test_a_killed_child_takes_its_own_children_along(tmp_path: Path, mark: str) -> None:
    runtime = started(tmp_path, mark)
    before = alive(mark)
    pid = runtime.pid_of("stubborn")
    grandchildren = {p for p in before if f"grandchild {mark}" in processes.command_line(p)}
    assert len(grandchildren) == 1

    os.kill(pid, signal.SIGKILL)
    assert not processes.wait_until_gone(lambda: alive(mark) & (grandchildren | {pid}), 5)
    runtime.stop("SIGTERM")


@pytest.mark.slow
def test_a_child_taken_out_of_the_graph_goes_with_all_it_started(tmp_path: Path, mark: str) -> None:
    runtime = started(tmp_path, mark)
    graphs.saved(tmp_path, graphs.flat(graphs.child("well", "features", "--mark", mark)))

    assert not processes.wait_until_gone(lambda: alive(mark) - {runtime.pid_of("well")}, 8)
    runtime.stop("SIGTERM")


@pytest.mark.parametrize("how", ["eof", "SIGTERM"])
def test_answers_that_can_still_be_given_are_given(how: str, tmp_path: Path, mark: str) -> None:
    path = graphs.saved(tmp_path, graphs.flat(graphs.child("well", "features", "--mark", mark)))
    runtime = Runtime(path, http=False, supervised=False)
    with runtime.client("legacy") as client:
        client.wait_for_tool("well_sleep")
        calls = [
            client.start("tools/call", {"name": "well_sleep", "arguments": {"seconds": 0.4}}, progress=f"s{number}")
            for number in range(5)
        ]
        for call in calls:
            call.wait_for_progress()
        threading.Thread(target=runtime.stop, args=(how,)).start()

        assert [call.result()["content"][0]["text"] for call in calls] == ["awake"] * 5
    runtime.process.wait(10)


@pytest.mark.slow
def test_a_call_that_never_ends_does_not_hold_up_the_end(tmp_path: Path, mark: str) -> None:
    path = graphs.saved(tmp_path, graphs.flat(graphs.child("well", "features", "--mark", mark)))
    runtime = Runtime(path, http=False, supervised=False)
    with runtime.client("legacy") as client:
        client.wait_for_tool("well_sleep")
        call = client.start("tools/call", {"name": "well_sleep", "arguments": {"seconds": 600}}, progress="s")
        call.wait_for_progress()

        assert runtime.stop("eof", timeout=12) == 0


@pytest.mark.slow
def test_clients_that_come_and_go_leave_no_process(tmp_path: Path, mark: str) -> None:
    path = graphs.saved(tmp_path, graphs.flat(graphs.child("well", "features", "--mark", mark)))
    with Runtime(path, http=True) as runtime:
        runtime.wait_ready("well")
        for _ in range(10):
            with runtime.client("legacy", answer=lambda method, params: {"action": "decline"}) as client:
                client.call("well_form")

        assert not processes.wait_until_gone(lambda: set(list(alive(mark))[1:]), 5)


@pytest.mark.slow
def test_leftovers_of_a_killed_runtime_are_reaped_at_the_next_start(tmp_path: Path, mark: str) -> None:
    """Even when the watchdog is killed too, as by a desktop session that ends everything of a user's."""
    runtime = started(tmp_path, mark)
    for pid in processes.descendants(runtime.pid):
        if mark not in processes.command_line(pid):
            os.kill(pid, signal.SIGKILL)
    runtime.stop("SIGKILL")

    with Runtime(graphs.saved(tmp_path, graphs.flat(graphs.child("other", "features"))), http=True) as another:
        another.wait_ready("other")
        assert gone(mark, 5)
