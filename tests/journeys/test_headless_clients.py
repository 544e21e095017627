"""Programs of others on both sides: the official inspector as the client, a server from npm as the child."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import graphs, npm
from tests.support.runtime import Runtime

INSPECTOR = ("@modelcontextprotocol/inspector", "2.12.0")
EVERYTHING = ("@modelcontextprotocol/server-everything", "2026.8.31")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def inspect(*arguments: str) -> graphs.Json:
    """Run the inspector's command line; return the JSON it printed."""
    package = npm.package(*INSPECTOR)
    told = json.loads((package / "package.json").read_text(encoding="utf-8"))["bin"]
    script = package / (told if isinstance(told, str) else next(iter(told.values())))
    done = subprocess.run(
        [npm.node(), str(script), "--cli", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=graphs.ROOT,
        env={**os.environ, "PATH": os.pathsep.join([str(Path(npm.node()).parent), os.environ["PATH"]])},
    )
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    result: graphs.Json = json.loads(done.stdout)
    return result


def three(folder: Path) -> Path:
    children = (graphs.child(name, "features", "--name", name, "--era", name) for name in ("legacy", "modern", "dual"))
    return graphs.saved(folder, graphs.flat(*children))


def test_the_inspector_lists_and_calls_over_stdio(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "composite_runtime", "serve", str(three(tmp_path))]
    tools = inspect(*command, "--method", "tools/list")
    called = inspect(*command, "--method", "tools/call", "--tool-name", "modern_echo", "--tool-arg", "v=7")

    assert {"legacy_echo", "modern_echo", "dual_echo"} <= {tool["name"] for tool in tools["tools"]}
    assert called["structuredContent"] == {"v": 7}


def test_the_inspector_lists_and_calls_over_http(tmp_path: Path) -> None:
    with Runtime(three(tmp_path), http=True) as runtime:
        runtime.wait_ready("legacy", "modern", "dual")
        where = [runtime.url, "--transport", "http", "--header", f"Authorization: Bearer {runtime.token}"]
        tools = inspect(*where, "--method", "tools/list")
        called = inspect(*where, "--method", "tools/call", "--tool-name", "legacy_echo", "--tool-arg", "v=7")
        prompts = inspect(*where, "--method", "prompts/list")

    assert {"legacy_echo", "modern_echo", "dual_echo"} <= {tool["name"] for tool in tools["tools"]}
    assert called["structuredContent"] == {"v": 7}
    assert "dual_greet" in {prompt["name"] for prompt in prompts["prompts"]}


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_the_everything_server_offers_all_it_has(era: str, tmp_path: Path) -> None:
    """It is written in another language, and offers some tools only to clients that can be asked something."""
    script = npm.package(*EVERYTHING) / "dist" / "index.js"
    node = graphs.child("every", "features", namespace="")
    node["transport"] = {"type": "stdio", "command": npm.node(), "args": [str(script)]}
    with Runtime(graphs.saved(tmp_path, graphs.flat(node)), http=True) as runtime:
        answer = {"action": "accept", "content": {"name": "Ada"}}
        with runtime.client(era, answer=lambda method, params: answer) as client:
            client.wait_for_tool("echo")
            client.wait(lambda: len(client.tools()) >= 16, 10, "the tools for clients that can be asked")
            assert client.call("echo", {"message": "hello"})["content"][0]["text"] == "Echo: hello"
            with runtime.client(era, capabilities={}) as plain:
                assert 10 <= len(plain.tools()) < len(client.tools())
