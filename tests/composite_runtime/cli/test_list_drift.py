import json
from pathlib import Path
from typing import Any

import pytest

from composite_runtime.cli import main
from composite_runtime.events import ChildDrifted, Event
from composite_runtime.graph import file
from composite_runtime.once import CALLER, LoneRelay
from composite_runtime.provider import Offers
from composite_runtime.runtime import served_root
from composite_runtime.supervisor import Supervisor
from tests.support import graphs

# What the server offers depends on a file, so that it can change while its node stays the same.
SERVER = """
import json, sys
tools = json.load(open(sys.argv[1]))
for line in sys.stdin:
    message = json.loads(line)
    method = message.get("method")
    answer = {"tools": tools} if method == "tools/list" else {
        "protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}
    }
    if "id" in message:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": answer}), flush=True)
"""


def offer(folder: Path, *tools: dict[str, Any]) -> Path:
    """Have the server offer these tools, and return its graph."""
    listed = [{"inputSchema": {"type": "object"}, **tool} for tool in tools]
    (folder / "tools.json").write_text(json.dumps(listed), encoding="utf-8")
    node = graphs.child("s", "raw_child", era="legacy")
    node["transport"]["args"] = ["-c", SERVER, str(folder / "tools.json")]
    return graphs.saved(folder, graphs.flat(node))


def listed(path: Path, *words: str) -> int:
    return main(["list", str(path), "--drift", *words])


def test_what_is_seen_first_is_accepted_and_a_change_is_told_until_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = offer(tmp_path, {"name": "a", "description": "Harmless."})
    assert listed(path) == 0
    assert "No server has changed" in capsys.readouterr().out

    offer(tmp_path, {"name": "a", "description": "Harmless?"}, {"name": "b"})
    for _ in range(2):
        assert listed(path) == 1
        assert capsys.readouterr().out == ('s (s)\n~ tool a\n    description: "Harmless." -> "Harmless?"\n+ tool b\n')
    assert listed(path, "--accept") == 0
    capsys.readouterr()
    assert listed(path) == 0
    assert "No server has changed" in capsys.readouterr().out


def test_the_drift_can_be_had_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed(offer(tmp_path, {"name": "a"}, {"name": "b"}))
    capsys.readouterr()
    assert listed(offer(tmp_path, {"name": "a"}), "--json") == 1

    told = json.loads(capsys.readouterr().out)
    assert told == {"s": {"entries": [{"kind": "tool", "name": "b", "how": "removed", "parts": []}]}}


async def events_of(path: Path) -> list[ChildDrifted]:
    told: list[Event] = []
    graph = file.load(path)
    supervisor = Supervisor(emit=told.append)
    try:
        composite = supervisor.apply(graph, served_root(graph, None))
        supervisor.start(CALLER)
        (member,) = composite.members
        offers: Offers = await member.provider.offers(CALLER, 10.0)
        await member.provider.request("completion/complete", {}, LoneRelay())
        assert offers
    finally:
        await supervisor.close()
    return [event for event in told if isinstance(event, ChildDrifted)]


def test_a_server_that_is_down_is_compared_as_it_was_last_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = offer(tmp_path, {"name": "a"})
    listed(path)
    (tmp_path / "tools.json").unlink()

    assert listed(path) == 1
    assert "s is not up and was compared as it was last seen: it ended with exit code 1" in capsys.readouterr().err


async def test_the_runtime_tells_that_a_child_has_drifted(tmp_path: Path) -> None:
    path = offer(tmp_path, {"name": "a"})
    assert await events_of(path) == []

    offer(tmp_path, {"name": "a", "title": "A"}, {"name": "b"}, {"name": "c"})
    for _ in range(2):
        (event,) = await events_of(path)
        assert (event.node, event.added, event.removed, event.changed) == ("s", 2, 0, 1)
        assert event.summary == "1 tool changed, 2 tools added"
