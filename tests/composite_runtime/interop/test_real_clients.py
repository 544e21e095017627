"""The real clients, in an empty home, accept what was written for them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from composite_runtime.interop import export
from composite_runtime.interop.launch import serve_command
from composite_runtime.interop.machine import Machine
from composite_runtime.paths import resource

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

GRAPH = resource("examples") / "first.fusion"

# Client, package, command, and what it says when the entry is accepted. The first two start it as well.
CLIENTS = [
    ("claude-code", "@anthropic-ai/claude-code@2.1.329", ("claude", "mcp", "list"), "Connected"),
    ("opencode", "opencode-ai@1.18.33", ("opencode", "mcp", "list"), "connected"),
    ("codex", "@openai/codex@0.169.0", ("codex", "mcp", "list", "--json"), '"startup_timeout_sec": 60.0'),
    ("gemini-cli", "@google/gemini-cli@0.61.0", ("gemini", "mcp", "list"), "desk"),
    ("copilot-cli", "@github/copilot@1.0.102", ("copilot", "mcp", "list"), "desk (local)"),
]


@pytest.mark.parametrize(("client", "package", "command", "accepted"), CLIENTS, ids=[row[0] for row in CLIENTS])
def test_the_client_accepts_its_configuration(
    client: str, package: str, command: tuple[str, ...], accepted: str, tmp_path: Path
) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("needs Node.js")
    install = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(tmp_path / "npm"), package]
    subprocess.run(install, check=True, capture_output=True, timeout=300)
    home = tmp_path / "home"
    home.mkdir()
    machine = Machine("linux", {}, home)
    export.apply(export.plan(client, "desk", serve_command(GRAPH), graph_id="id-1", machine=machine))

    program = shutil.which(command[0], path=str(tmp_path / "npm" / "node_modules" / ".bin"))
    assert program is not None
    env = {"HOME": str(home), "PATH": os.environ["PATH"], "TERM": "dumb", "CI": "1"}
    answer = subprocess.run(
        [program, *command[1:]], env=env, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=80
    )

    assert accepted in answer.stdout + answer.stderr, answer.stdout + answer.stderr
    assert answer.returncode == 0
