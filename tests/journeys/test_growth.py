"""Nothing piles up: calls, sessions and edits of the graph leave the runtime as large as it was.

`python -m tests.journeys.test_growth 20000 200 200` does the same for longer: calls, sessions and reloads.
"""

import contextlib
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import processes
from tests.support import graphs
from tests.support.client import Client
from tests.support.runtime import Runtime


@pytest.fixture(autouse=True)
def no_process_left() -> None:
    """The runtime accounts for its own processes."""


@dataclass(frozen=True)
class Size:
    """What a runtime holds."""

    resident_kib: int
    files: int
    processes: int
    threads: int

    @classmethod
    def of(cls, runtime: Runtime) -> "Size":
        status = Path(f"/proc/{runtime.pid}/status").read_text(encoding="ascii").splitlines()
        fields = dict(line.split(":", 1) for line in status)
        files = len(list(Path(f"/proc/{runtime.pid}/fd").iterdir()))
        family = len(processes.descendants(runtime.pid))
        return cls(int(fields["VmRSS"].split()[0]), files, family, int(fields["Threads"]))


def drawn(folder: Path, extra: str = "") -> Path:
    children = [graphs.child("a", "features", "--name", "a", "--era", "legacy"), graphs.child("b", "features")]
    if extra:
        children.append(graphs.child("extra", "features", "--name", extra))
    return graphs.saved(folder, graphs.flat(*children))


def call_often(clients: list[Client], count: int) -> None:
    """Call in both eras: with progress, with failures, with questions that cross the eras, and plainly."""
    for number in range(count):
        client = clients[number % len(clients)]
        child = "ab"[number // 2 % 2]
        if number % 50 == 0:
            client.call(f"{child}_form", timeout=20)
        elif number % 50 == 1:
            client.start("tools/call", {"name": f"{child}_progress", "arguments": {}}, progress=number).result(20)
        elif number % 50 == 2:
            client.call(f"{child}_fail", timeout=20)
        elif number % 500 == 3:
            client.call(f"{child}_big", {"length": 300_000}, timeout=20)
        else:
            assert client.call(f"{child}_echo", {"v": number}, timeout=20)["structuredContent"] == {"v": number}
        client.received.clear()
        client.asked.clear()


def come_and_go(runtime: Runtime, count: int) -> None:
    for number in range(count):
        with runtime.client("legacy", answer=_accept) as client:
            client.call("a_form" if number % 2 else "a_echo", {"v": 1}, timeout=20)
            if number % 3 == 0:
                client.request("resources/subscribe", {"uri": "a://note"})


def edit_often(runtime: Runtime, folder: Path, count: int) -> None:
    """Add a child, change it, take it away again."""
    for number in range(count):
        seen = len(runtime.find("graph_changed"))
        drawn(folder, ("one", "two", "")[number % 3])
        runtime.wait_until(lambda before=seen: len(runtime.find("graph_changed")) > before, 15, "the new graph")  # type: ignore[misc]  # the type of a lambda's default is not inferred


def _accept(method: str, params: graphs.Json) -> graphs.Json:
    return {"action": "accept", "content": {"color": "red"}}


def grown(folder: Path, calls: int, sessions: int, reloads: int) -> list[tuple[str, Size, Size]]:
    """Return how large a runtime was before and after each kind of use, each done once before that to warm up."""
    found = []
    with Runtime(drawn(folder), http=True, env={"FUSION_HOME": str(folder / "home")}) as runtime:
        runtime.wait_ready("a", "b")
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(runtime.client(era, answer=_accept)) for era in ("legacy", "modern")]
            for what, use in (
                ("calls", lambda count: call_often(clients, count)),
                ("sessions", lambda count: come_and_go(runtime, count)),
                ("reloads", lambda count: edit_often(runtime, folder, count)),
            ):
                count = {"calls": calls, "sessions": sessions, "reloads": reloads}[what]
                use(min(count, max(9, count // 5 // 3 * 3)))
                before = settled(runtime)
                use(count)
                found.append((what, before, settled(runtime)))
                runtime.events.clear()
    return found


def settled(runtime: Runtime) -> Size:
    """Return the size once what was let go of has ended."""
    processes.wait_until_gone(lambda: set(sorted(processes.descendants(runtime.pid))[8:]), 8)
    return Size.of(runtime)


@pytest.mark.slow
def test_calls_sessions_and_edits_leave_nothing_behind(tmp_path: Path) -> None:
    for what, before, after in grown(tmp_path, calls=3000, sessions=60, reloads=6):
        assert after.resident_kib - before.resident_kib < 4096, (what, before, after)
        assert after.files <= before.files + 4, (what, before, after)
        assert after.processes <= before.processes + 1, (what, before, after)
        assert after.threads <= before.threads + 1, (what, before, after)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        for line in grown(Path(scratch), *map(int, sys.argv[1:])):
            sys.stdout.write(f"{line}\n")
