import json
import shutil
import subprocess
import sys

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from composite_runtime.cli import main
from composite_runtime.examples import SERVERS
from composite_runtime.interop.launch import runtime_command
from composite_runtime.paths import resource


@pytest.mark.parametrize(("mode", "version"), [("auto", "2026-07-28"), ("legacy", "2025-11-25")])
@pytest.mark.parametrize("name", SERVERS)
async def test_an_example_server_is_served_over_stdio_in_both_eras(name: str, mode: str, version: str) -> None:
    words = ["-m", "composite_runtime", "example", name]
    transport = stdio_client(StdioServerParameters(command=sys.executable, args=words))

    async with Client(transport, mode=mode, read_timeout_seconds=20) as client:
        assert client.protocol_version == version
        assert len((await client.list_tools()).tools) >= 4


def test_an_unknown_example_is_answered_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["example", "oven"])

    assert "notes" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("program", ["uvx", "npx"])
def test_the_programs_the_real_servers_need_are_there(program: str) -> None:
    assert shutil.which(program), "CI brings both as wheels; skipping here would hide that they are gone"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_example_of_real_servers_is_served() -> None:
    graph = str(resource("examples/real-servers.fusion"))
    words = [*runtime_command(), "list", graph, "--json"]
    # The first start of each server is a download; `list` waits for a child only for so long.
    for _ in range(3):
        done = subprocess.run(words, capture_output=True, text=True, encoding="utf-8", timeout=90)
        if done.returncode == 0:
            break
    assert done.returncode == 0, done.stderr
    names = {tool["name"] for tool in json.loads(done.stdout)["tools"]}

    assert {"time_get_current_time", "git_git_status", "demo_echo"} <= names
