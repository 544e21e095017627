"""A session with secrets in every place they can be, ended by a kill: what was called is there, and no secret is."""

import base64
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from composite_runtime import secrets
from composite_runtime.calls.folder import folder_of, load_all
from composite_runtime.graph import file
from composite_runtime.graph.edit import new_graph
from composite_runtime.graph.model import CompositeNode, Edge, HttpTransport, ServerNode, StdioTransport
from fusion_desktop.run.history_store import CallStatus, HistoryStore
from tests.support.graphs import ROOT

IN_ENV = "planted-Env-5ecret-11aa"
IN_PLAIN_ENV = "planted-Plain-5ecret-22bb"
IN_HEADER = "planted-Header-5ecret-33cc"
IN_FILE = "planted-File-5ecret-44dd"
TYPED = "planted-Typed-5ecret-55ee"
IN_ADDRESS = "planted-Address-5ecret-66ff"
IN_WORDS = "planted-Words-5ecret-77aa"
IN_FORM = "planted Form 5ecret 88bb"
ANSWERED = "planted-Answer-5ecret-99cc"
PLANTED = (IN_ENV, IN_PLAIN_ENV, IN_HEADER, IN_FILE, TYPED, IN_ADDRESS, IN_WORDS, IN_FORM, ANSWERED)
ENCODED = [base64.b64encode(f"{user}:{TYPED}".encode()).decode() for user in ("a", "ab", "abc")]

# It says all it knows, everywhere it can.
CHILD = """
import json, os, sys
known = " ".join(os.environ.get(name, "") for name in ("CITY", "SERVICE_API_KEY", "OTHER"))
print("starting with", known, file=sys.stderr, flush=True)
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    method, params = message["method"], message.get("params") or {}
    answer = {}
    if method == "initialize":
        us = {"name": "child", "version": "1"}
        answer = {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": us}
    elif method == "tools/list":
        schema = {"type": "object", "properties": {"pin": {"type": "string", "format": "password"}}}
        answer = {"tools": [{"name": name, "inputSchema": schema} for name in ("tell", "fail", "wait")]}
    elif method == "tools/call":
        if params["name"] == "wait":
            continue
        token = "planted-Answer-" + "5ecret-99cc"
        words = f"I know {known}, was given {json.dumps(params['arguments'])} and made {token}"
        answer = {"content": [{"type": "text", "text": words}], "isError": params["name"] == "fail"}
        answer["structuredContent"] = {"made": {"access_token": token}, "again": [token]}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": answer}), flush=True)
"""


@contextmanager
def remote() -> Iterator[str]:
    """Serve a tool over HTTP that tells the header it was called with."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            message: Any = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            method, params = message["method"], message.get("params") or {}
            answer: dict[str, Any] = {}
            if method == "initialize":
                us = {"name": "remote", "version": "1"}
                answer = {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": us}
            elif method == "tools/list":
                answer = {"tools": [{"name": "tell", "inputSchema": {"type": "object"}}]}
            elif method == "tools/call":
                answer = {"content": [{"type": "text", "text": f"you sent {self.headers['Authorization']}"}]}
            body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": answer}) if "id" in message else ""
            self.send_response(200 if body else 202)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def do_GET(self) -> None:
            self.send_error(405)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/mcp"
        finally:
            server.shutdown()
            thread.join()


def drawn(folder: Path, url: str) -> Path:
    env = {"CITY": "${env:PLANTED_CITY}", "SERVICE_API_KEY": IN_PLAIN_ENV, "OTHER": "${secret:in-file}"}
    child = StdioTransport(command=sys.executable, args=("-c", CHILD), env=env)
    header = HttpTransport(url=url, headers={"Authorization": "Bearer ${secret:header}"})
    nodes = (
        ServerNode(id="child", name="Child", era="legacy", transport=child),
        ServerNode(id="remote", name="Remote", era="legacy", transport=header),
        CompositeNode(id="box", name="Box"),
    )
    edges = (Edge(source="child", target="box"), Edge(source="remote", target="box"))
    path = folder / "desk.fusion"
    file.save(new_graph("Desk").but(nodes=nodes, edges=edges), path)
    return path


def holders(*folders: Path) -> dict[str, list[str]]:
    """Return each file that holds a secret, with those it holds."""
    found: dict[str, list[str]] = {}
    for path in (path for folder in folders for path in folder.rglob("*") if path.is_file()):
        data = path.read_bytes()
        if hits := [secret for secret in (*PLANTED, *ENCODED) if secret.encode() in data]:
            found[path.name] = hits
    return found


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.skipif(os.name == "nt", reason="there is no such signal")
def test_a_killed_desktop_leaves_its_calls_and_no_secret(
    tmp_path: Path, fusion_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED_CITY", IN_ENV)
    secrets.store("header", IN_HEADER, in_file=True)
    secrets.store("in-file", IN_FILE, in_file=True)
    work = tmp_path / "work"
    work.mkdir()
    with remote() as url:
        graph = drawn(work, url)
        command = [sys.executable, "-m", "tests.support.calling_desktop", str(graph), str(work)]
        given = {
            "password": TYPED,
            "nested": [{"apiKey": TYPED}],
            "address": f"https://api.example.org/?city=Oslo&api_key={IN_ADDRESS}",
            "words": f"the server said 401, Authorization: Bearer {IN_WORDS}",
            "pin": IN_FORM,
            "encoded": ENCODED,
        }
        with subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as desktop:
            assert desktop.stdin is not None
            assert desktop.stdout is not None
            assert desktop.stderr is not None
            desktop.stdin.write(f"{json.dumps(given)}\n")
            desktop.stdin.flush()
            said = desktop.stdout.readline()
            assert said.strip() == "READY", desktop.stderr.read()
            desktop.send_signal(signal.SIGKILL)
            desktop.wait(10)

    # What the user wrote into the graph, and the private file of secrets, are the only places.
    places = holders(fusion_home, work)
    allowed = ("secrets.json", "desk.fusion", "graph-")
    assert {name: found for name, found in places.items() if not name.startswith(allowed)} == {}
    assert set(places["secrets.json"]) == {IN_HEADER, IN_FILE}
    assert places["desk.fusion"] == [IN_PLAIN_ENV]
    assert (work / "traffic.jsonl").stat().st_size > 1000
    assert "starting with" in (work / "log.txt").read_text(encoding="utf-8")

    (path,) = (fusion_home / "history").glob("*.sqlite")
    store = HistoryStore(path)
    store.interrupt()
    entries = {entry.target: entry.status for entry in store.find()}
    assert entries == {
        "child_tell": CallStatus.DONE,
        "remote_tell": CallStatus.DONE,
        "child_fail": CallStatus.FAILED,
        "child_wait": CallStatus.INTERRUPTED,
    }
    assert store.moved is None
    with sqlite3.connect(path) as database:
        (answer,) = database.execute("SELECT answer FROM calls WHERE target = 'child_tell'").fetchone()
    database.close()
    assert "‹env:PLANTED_CITY› ‹hidden› ‹secret:in-file›" in answer

    (saved,) = load_all(folder_of(graph)).calls.values()
    assert (saved.arguments["password"], saved.arguments["nested"]) == (
        "${env:PASSWORD}",
        [{"apiKey": "${env:API_KEY}"}],
    )
    assert saved.arguments["address"] == "https://api.example.org/?city=Oslo&api_key=${env:ADDRESS}"
    assert saved.expect[0].kind == "equals"
