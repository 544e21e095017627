"""Secrets planted in clients' configurations go to one private place and to the servers that need them, nowhere else.

Real processes, one home: import, check, list, call, doctor, export, bundle, serve with a trace, a crash of a child and
one of the runtime. Then every file of the home is searched, archives included, and meanwhile every process argument.
"""

import io
import json
import os
import signal
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from fusion_desktop.app import Program
from fusion_desktop.dialogs.importing import look_around
from tests.journeys.test_desktop import opened, press, until
from tests.support.client import Refused
from tests.support.runtime import Runtime, http_server

IN_ENV = "planted-Env-5ecret-7f3a"
IN_HEADER = "planted-Header-5ecret-91bd"
IN_URL = "planted-Url-5ecret-22c8"
PLANTED = (IN_ENV, IN_HEADER, IN_URL)

CHATTY = """
import json, os, sys
key = os.environ["SERVICE_API_KEY"]
print("starting with", key, file=sys.stderr, flush=True)
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    method, params = message["method"], message.get("params") or {}
    if method == "initialize":
        us = {"name": "chatty", "version": "1"}
        result = {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": us}
    elif method == "tools/list":
        result = {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in ("tell", "fail", "crash")]}
    elif method == "tools/call" and params["name"] == "tell":
        print("telling", key, file=sys.stderr, flush=True)
        result = {"content": [{"type": "text", "text": "the key is " + key}]}
    elif method == "tools/call" and params["name"] == "crash":
        raise RuntimeError("no luck with " + key)
    else:
        error = {"code": -32000, "message": "refused " + key}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": error}), flush=True)
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""


class Home:
    """A user's home with two clients in it, whose files hold the secrets; everything else must not."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.script = folder / "chatty.py"
        self.fusion = folder / ".fusion"
        self.cwd = folder / "work"
        self.cwd.mkdir(parents=True)
        self.script.write_text(CHATTY, encoding="utf-8")
        chatty = {"command": sys.executable, "args": [str(self.script)], "env": {"SERVICE_API_KEY": IN_ENV}}
        remote = {"url": f"{url}?api_key={IN_URL}", "headers": {"Authorization": f"Bearer {IN_HEADER}"}}
        self.sources = [folder / ".cursor" / "mcp.json", folder / ".kiro" / "settings" / "mcp.json"]
        for source in self.sources:
            source.parent.mkdir(parents=True)
            source.write_text(json.dumps({"mcpServers": {"chatty": chatty, "remote": remote}}), encoding="utf-8")
        self.said: list[str] = []

    @property
    def env(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "PYTHON_KEYRING_BACKEND")}
        root = str(Path(__file__).parents[2])
        return {**kept, "HOME": str(self.folder), "FUSION_HOME": str(self.fusion), "PYTHONPATH": root}

    def run(self, *words: str, expected: int = 0) -> str:
        """Run a command of the runtime as a process of its own, in this home."""
        done = subprocess.run(
            [sys.executable, "-m", "composite_runtime", *words],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=self.cwd,
            env=self.env,
            check=False,
        )
        assert done.returncode == expected, done.stdout + done.stderr
        self.said.append(done.stdout + done.stderr)
        return done.stdout

    def holders(self) -> dict[str, list[str]]:
        """Return each file that holds a secret, with those it holds; the clients' own files are left out."""
        found: dict[str, list[str]] = {}
        for path in self.folder.rglob("*"):
            if path.is_file() and path not in self.sources:
                hits = [secret for secret in PLANTED for content in contents(path) if secret.encode() in content]
                if hits:
                    found[str(path.relative_to(self.folder))] = hits
        return found


def contents(path: Path) -> Iterator[bytes]:
    data = path.read_bytes()
    yield data
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from (archive.read(name) for name in archive.namelist())


def arguments_with_secrets() -> list[str]:
    """Return the arguments of every process of this machine that hold a secret."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes()
        except OSError:
            continue
        if any(secret.encode() in line for secret in PLANTED):
            lines.append(line.replace(b"\0", b" ").decode(errors="replace"))
    return lines


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    with http_server("features") as url:
        made = Home(tmp_path / "home", url)
        for name, value in made.env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("FUSION_HOME", str(made.fusion))
        yield made


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
def test_no_file_and_no_argument_holds_a_planted_secret(home: Home) -> None:
    graph = home.cwd / "all.fusion"
    home.run("import", "--client", "cursor", "--client", "kiro", "-o", str(graph), "--secrets-in-file")
    home.run("check", str(graph))
    home.run("list", str(graph))
    home.run("secret", "list")
    home.run("export", str(graph), "--client", "claude-desktop")
    for form in ("link", "command", "json", "markdown"):
        home.run("export", str(graph), "--print", form)
    home.run("bundle", str(graph), "-o", str(home.cwd / "all.mcpb"))
    home.run("doctor", str(graph))
    home.run("call", str(graph), "chatty_fail", "{}", expected=1)
    home.run("clients", "--json")

    trace = home.cwd / "trace.jsonl"
    runtime = Runtime(graph, "--trace", str(trace), http=True, env=home.env)
    with runtime:
        runtime.wait_ready("chatty", "remote")
        with runtime.client("legacy") as client:
            told = client.call("chatty_tell")
            # The client gets what the server said; only what is written down is cleaned.
            assert IN_ENV in json.dumps(told)
            with pytest.raises(Refused):
                client.call("chatty_fail")
            assert arguments_with_secrets() == []
            assert client.call("chatty_crash")["isError"]
            runtime.wait_until(lambda: "no luck with" in json.dumps(runtime.events), 15, "the words of a crash")
        runtime.family()
        runtime.process.send_signal(signal.SIGKILL)
        runtime.process.wait(10)
    home.said.append(json.dumps(runtime.events))

    assert trace.stat().st_size > 0
    said = "\n".join(home.said)
    assert [secret for secret in PLANTED if secret in said] == []
    assert set(home.holders()) == {".fusion/secrets.json"}
    assert stat.S_IMODE((home.fusion / "secrets.json").stat().st_mode) == 0o600
    # Each of them is kept, and the same key of two clients is kept once.
    assert sorted(json.loads((home.fusion / "secrets.json").read_text(encoding="utf-8")).values()) == sorted(PLANTED)


async def test_the_window_writes_no_planted_secret_either(qtbot: QtBot, home: Home, tmp_path: Path) -> None:
    async with opened(tmp_path) as program:
        window = program.window
        window.arrivals.take_over(look_around().candidates)
        await until(lambda: "was not stored" in window.banner.text)
        assert not [secret for secret in PLANTED if secret in window.banner.text]
        await press(window, "Keep them in a file")
        await until(lambda: (home.fusion / "secrets.json").exists())
        program.file.save(home.cwd / "drawn.fusion")
        window.actions_table["run.start"].trigger()
        await until(lambda: program.status.of("chatty").state == "ready")
        await until(lambda: any("starting with" in row for row in log_of(program)))
        assert arguments_with_secrets() == []
        assert not [row for row in log_of(program) for secret in PLANTED if secret in row]
        assert set(home.holders()) == {".fusion/secrets.json"}

    assert set(home.holders()) == {".fusion/secrets.json"}


def log_of(program: Program) -> list[str]:
    model = program.log
    return [
        " ".join(str(model.index(row, column).data()) for column in range(model.columnCount()))
        for row in range(model.rowCount())
    ]
