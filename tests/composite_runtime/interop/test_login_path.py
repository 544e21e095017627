"""Asking a real shell for its PATH: once, for a bounded time, whatever its start does."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from composite_runtime.child.spawn import launch_of
from composite_runtime.graph.model import ServerNode, StdioTransport
from composite_runtime.interop import login_path


def shell(folder: Path, script: str, name: str = "shell") -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def program(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    return Path(shell(folder, "", name))


def test_the_shell_is_asked_once_however_often_it_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = tmp_path / "count"
    monkeypatch.setenv("SHELL", shell(tmp_path, f'echo asked >> {count}; PATH=/one:/two; eval "$4"'))

    assert [login_path.login_shell_path() for _ in range(3)] == ["/one:/two"] * 3
    assert count.read_text().count("asked") == 1
    assert login_path.remembered() == "/one:/two"


def test_what_a_shell_prints_at_its_start_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", shell(tmp_path, 'echo "fusion-path=no"; echo Welcome; PATH=/yes; eval "$4"; echo bye'))
    assert login_path.login_shell_path() == "/yes"


def test_a_shell_that_hangs_is_given_up_and_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", shell(tmp_path, "sleep 30"))
    started = time.monotonic()
    assert login_path.login_shell_path(0.3) is None
    assert time.monotonic() - started < 5


def test_who_ends_waits_for_no_shell_and_leaves_none_behind(tmp_path: Path) -> None:
    code = (
        "import threading, time\n"
        "from composite_runtime.interop import login_path\n"
        "thread = threading.Thread(target=login_path.login_shell_path, args=(30.0,))\n"
        "thread.start()\n"
        "time.sleep(0.3)\n"
        "login_path.give_up()\n"
        "thread.join(3)\n"
        "print(thread.is_alive())\n"
    )
    env = {**os.environ, "SHELL": shell(tmp_path, "sleep 30")}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.strip() == "False"


def test_what_a_shell_leaves_running_does_not_hold_the_answer_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELL", shell(tmp_path, 'sleep 20 & PATH=/yes; eval "$4"; wait'))
    started = time.monotonic()
    assert login_path.login_shell_path(10) == "/yes"
    assert time.monotonic() - started < 5


def test_a_missing_shell_has_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", str(tmp_path / "nothing"))
    assert login_path.login_shell_path() is None
    assert login_path.remembered() is None


def test_paths_are_joined_without_repeating_a_folder() -> None:
    assert login_path.joined("/a:/b", None, "", "/b::/c") == "/a:/b:/c"


def test_a_child_is_found_where_a_terminal_would_find_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = program(tmp_path / "versions", "my-npx")
    monkeypatch.setenv("SHELL", shell(tmp_path, f'PATH={tool.parent}; eval "$4"'))
    transport = StdioTransport(command="my-npx")
    node = ServerNode(id="t", name="T", transport=transport)

    launch = launch_of(node, transport, login_path.login_shell_path())

    assert launch.program == str(tool)
    # First, so that the programs beside it are those it was installed with.
    assert launch.env["PATH"].startswith(f"{tool.parent}:")
