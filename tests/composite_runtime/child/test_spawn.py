"""From a server node to what is started."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from composite_runtime.child.spawn import CommandMissing, environment, launch_of, transport_to
from composite_runtime.errors import SecretMissing
from composite_runtime.graph.model import ServerNode, StdioTransport
from composite_runtime.wire.guard import Guard
from composite_runtime.wire.process import Launch


def node(**transport: Any) -> ServerNode:
    return ServerNode.model_validate({"id": "t", "name": "Time", "transport": {"type": "stdio", **transport}})


def launch(**transport: Any) -> Launch:
    definition = node(**transport)
    assert isinstance(definition.transport, StdioTransport)
    return launch_of(definition, definition.transport)


def program(folder: Path, name: str, mode: int = 0o755) -> Path:
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


def test_a_child_inherits_what_programs_need_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "HTTPS_PROXY", "NVM_DIR", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "FUSION_TOKEN"):
        monkeypatch.setenv(name, "x")
    inherited = environment()
    assert {"PATH", "LC_ALL", "HTTPS_PROXY", "NVM_DIR"} <= set(inherited)
    assert not {"GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "FUSION_TOKEN"} & set(inherited)


def test_references_are_resolved_in_arguments_and_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHO", "me")
    made = launch(command=sys.executable, args=["--as", "${env:WHO}"], env={"USER_NAME": "${env:WHO}!"})
    assert (made.args, made.env["USER_NAME"]) == (("--as", "me"), "me!")


def test_a_reference_without_a_value_names_the_node() -> None:
    with pytest.raises(SecretMissing) as caught:
        launch(command=sys.executable, env={"X": "${env:NO_SUCH_VARIABLE_HERE}"})
    assert caught.value.node == "t"


def test_a_command_is_looked_for_on_the_path_of_the_child(tmp_path: Path) -> None:
    found = program(tmp_path, "my-server")
    assert launch(command="my-server", env={"PATH": str(tmp_path)}).program == str(found)
    with pytest.raises(CommandMissing, match="'my-server' is not on the PATH"):
        launch(command="my-server")


def test_a_relative_command_begins_at_the_working_folder(tmp_path: Path) -> None:
    found = program(tmp_path, "server")
    assert Path(launch(command="./server", cwd=str(tmp_path)).program) == found


def test_a_command_may_begin_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    found = program(tmp_path, "server")
    assert launch(command="~/server").program == str(found)


MISSING = [
    ("npx", "install Node.js"),
    ("uvx", "install uv"),
    ("docker", "install Docker"),
    ("some-server", "enter its whole path"),
]


@pytest.mark.parametrize(("command", "remedy"), MISSING)
def test_a_missing_command_is_told_with_what_helps(command: str, remedy: str, tmp_path: Path) -> None:
    with pytest.raises(CommandMissing, match=remedy) as caught:
        launch(command=command, env={"PATH": str(tmp_path)})
    assert caught.value.node == "t"


def test_a_file_that_is_not_there_or_no_program_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(CommandMissing, match="does not exist"):
        launch(command=str(tmp_path / "gone"))
    with pytest.raises(CommandMissing, match="may not be executed"):
        launch(command=str(program(tmp_path, "text", 0o644)))


@pytest.mark.parametrize("folder", ["/no/such/folder", "~nobody-of-this-name/x", "relative/gone"])
def test_a_working_folder_that_is_missing_is_told(folder: str) -> None:
    with pytest.raises(CommandMissing, match="working folder"):
        launch(command=sys.executable, cwd=folder)


def test_our_own_command_is_found_without_the_path(tmp_path: Path) -> None:
    made = launch(command="composite-runtime", args=["example", "text"], env={"PATH": str(tmp_path)})
    assert os.path.isabs(made.program)
    assert made.args[-2:] == ("example", "text")


@pytest.mark.parametrize("kind", ["http", "sse"])
async def test_a_remote_node_is_reached_by_its_url_and_nothing_is_opened_yet(kind: str) -> None:
    definition = ServerNode.model_validate(
        {"id": "d", "name": "Docs", "transport": {"type": kind, "url": "http://127.0.0.1:1/mcp"}}
    )
    transport = await transport_to(definition, Guard(), lambda line: None)
    assert transport.needs_headers
    await transport.close()
