"""`composite-runtime export`, as a person or a script uses it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from composite_runtime.cli import main
from composite_runtime.paths import resource

GRAPH = resource("examples") / "first.fusion"


def test_the_change_is_shown_and_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "config.json"
    file.write_text('{\n  "scale": 1\n}\n', encoding="utf-8")

    assert main(["export", str(GRAPH), "--client", "claude-desktop", "--file", str(file), "--dry-run"]) == 0
    assert '+  "mcpServers": {' in capsys.readouterr().out
    assert "mcpServers" not in file.read_text(encoding="utf-8")

    assert main(["export", str(GRAPH), "--client", "claude-desktop", "--file", str(file), "--name", "mine"]) == 0
    shown = capsys.readouterr().out
    entry = json.loads(file.read_text(encoding="utf-8"))["mcpServers"]["mine"]
    assert Path(entry["command"]).is_absolute()
    assert entry["args"][-2:] == ["serve", str(GRAPH.resolve())]
    assert str(file) in shown
    assert ".bak" in shown
    assert "Quit Claude Desktop" in shown


def test_the_answer_can_be_had_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "config.json"

    assert main(["export", str(GRAPH), "--client", "claude-desktop", "--file", str(file), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["changed"] is True
    assert answer["file"] == str(file)
    assert answer["name"] in file.read_text(encoding="utf-8")


def test_a_refusal_ends_with_a_message_and_an_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "config.json"
    file.write_text("{ broken", encoding="utf-8")

    assert main(["export", str(GRAPH), "--client", "claude-desktop", "--file", str(file)]) == 1
    assert "line 1, column 3" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == "{ broken"


def test_a_graph_that_cannot_be_served_is_not_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graph = tmp_path / "bad.fusion"
    graph.write_text(
        json.dumps(
            {
                "version": 1,
                "id": "g",
                "name": "Bad",
                "nodes": [
                    {"id": "s", "type": "server", "name": "S", "transport": {"type": "stdio", "command": ""}},
                    {"id": "c", "type": "composite", "name": "C"},
                ],
                "edges": [{"source": "s", "target": "c"}],
            }
        ),
        encoding="utf-8",
    )
    file = tmp_path / "config.json"

    assert main(["export", str(graph), "--client", "claude-desktop", "--file", str(file)]) == 1
    assert "S has no command" in capsys.readouterr().err
    assert not file.exists()


@pytest.mark.skipif(os.name != "posix", reason="the variables a client passes on are those of POSIX")
def test_the_exported_command_serves_the_graph_with_what_claude_desktop_passes_on(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    assert main(["export", str(GRAPH), "--client", "claude-desktop", "--file", str(file)]) == 0
    (entry,) = json.loads(file.read_text(encoding="utf-8"))["mcpServers"].values()
    passed_on = {name: os.environ[name] for name in ("PATH", "LOGNAME", "SHELL", "TERM", "USER") if name in os.environ}
    requests = [
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "claude-ai", "version": "1"},
            },
        },
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
    ]

    process = subprocess.run(
        [entry["command"], *entry["args"]],
        input="".join(json.dumps(request) + "\n" for request in requests),
        capture_output=True,
        text=True,
        timeout=50,
        cwd="/",
        env={"HOME": str(tmp_path), **passed_on, **entry["env"]},
    )

    answer = json.loads(process.stdout.splitlines()[0])
    assert answer["result"]["serverInfo"]["name"]
    assert process.returncode == 0


def test_an_entry_is_taken_out_by_the_graph_it_serves(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{ "scale": 1 }\n', encoding="utf-8")
    named = ["--client", "cursor", "--file", str(file)]

    assert main(["export", str(GRAPH), "--name", "mine", *named]) == 0
    assert main(["unexport", str(GRAPH), *named]) == 0
    assert "mine" not in file.read_text(encoding="utf-8")
    assert main(["unexport", str(GRAPH), *named]) == 1


def test_who_wants_no_more_of_an_answer_gets_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "composite_runtime", "catalogue", "search"]
    try:
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False)
    finally:
        os.close(writing)

    assert done.stderr == b""
    assert done.returncode == 1
