"""Something to measure: a process that speaks MCP, alone or with children below it, and a client that costs little."""

import contextlib
import json
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self

CHILD = Path(__file__).with_name("child.py")
PATIENCE_S = 60.0

Json = dict[str, Any]


def child_command(*words: str) -> list[str]:
    return [sys.executable, "-S", "-E", "-s", str(CHILD), *words]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Wire:
    """One connection; `ask` sends a request, `read` returns the next response, as it was written."""

    def ask(self, body: bytes) -> None:
        raise NotImplementedError

    def read(self) -> bytes:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class PipeWire(Wire):
    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in, self._out = process.stdin, process.stdout
        self._rest = b""

    def ask(self, body: bytes) -> None:
        view = memoryview(body + b"\n")
        while view:
            view = view[os.write(self._in.fileno(), view) :]

    def read(self) -> bytes:
        while True:
            line, found, rest = self._rest.partition(b"\n")
            if found:
                self._rest = rest
                if b'"method"' not in line[:120] or b'"result"' in line[:60]:
                    return line
                continue
            parts = [self._rest]
            while b"\n" not in parts[-1]:
                if not select.select([self._out], [], [], PATIENCE_S)[0]:
                    raise TimeoutError("no answer")
                parts.append(os.read(self._out.fileno(), 1 << 20))
                if not parts[-1]:
                    raise EOFError("the output ended")
            self._rest = b"".join(parts)

    def close(self) -> None:
        self._in.close()


class HttpWire(Wire):
    def __init__(self, port: int, session: str = "") -> None:
        self._port = port
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.session = session
        self._rest = b""

    def another(self) -> "HttpWire":
        return HttpWire(self._port, self.session)

    def ask(self, body: bytes) -> None:
        session = f"Mcp-Session-Id: {self.session}\r\nMCP-Protocol-Version: 2025-11-25\r\n" if self.session else ""
        head = (
            f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nContent-Type: application/json\r\n"
            f"Accept: application/json, text/event-stream\r\n{session}Content-Length: {len(body)}\r\n\r\n"
        )
        self._socket.sendall(head.encode() + body)

    def read(self) -> bytes:
        head = self._until(b"\r\n\r\n").decode().lower()
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        self.session = fields.get("mcp-session-id", self.session)
        if "content-length" in fields:
            return self._exactly(int(fields["content-length"]))
        body = b""
        while size := int(self._until(b"\r\n"), 16):
            body += self._exactly(size)
            self._until(b"\r\n")
        self._until(b"\r\n")
        return next(line[6:] for line in reversed(body.splitlines()) if line.startswith(b"data: "))

    def _until(self, end: bytes) -> bytes:
        while (found := self._rest.find(end)) < 0:
            self._more()
        taken, self._rest = self._rest[:found], self._rest[found + len(end) :]
        return taken

    def _exactly(self, size: int) -> bytes:
        parts, length = [self._rest], len(self._rest)
        while length < size:
            parts.append(self._socket.recv(min(1 << 20, size - length)))
            length += len(parts[-1])
            if not parts[-1]:
                raise EOFError("the connection ended")
        data = b"".join(parts)
        self._rest = data[size:]
        return data[:size]

    def _more(self) -> None:
        data = self._socket.recv(1 << 16)
        if not data:
            raise EOFError("the connection ended")
        self._rest += data

    def close(self) -> None:
        self._socket.close()


@dataclass
class Target:
    """A process under measurement; `kids` are the HTTP children beside it."""

    name: str
    command: Sequence[str]
    port: int = 0
    kids: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.began = time.perf_counter()
        pipe = None if self.port else subprocess.PIPE
        self._process = subprocess.Popen(
            list(self.command),
            stdin=pipe or subprocess.DEVNULL,
            stdout=pipe or subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
            env={**os.environ, **self.environment},
        )
        self._ids = 0
        self.wire: Wire = self._dialled() if self.port else PipeWire(self._process)
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for kid in self.kids:
            kid.kill()
            kid.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _dialled(self) -> HttpWire:
        while True:
            try:
                return HttpWire(self.port)
            except OSError:
                if time.perf_counter() - self.began > PATIENCE_S or self._process.poll() is not None:
                    raise
                time.sleep(0.005)

    @property
    def pid(self) -> int:
        return self._process.pid

    def request(self, method: str, params: Json) -> Json:
        self.wire.ask(self.body(method, params))
        answer: Json = json.loads(self.wire.read())
        if "error" in answer or answer["result"].get("isError"):
            raise RuntimeError(f"{self.name}: {str(answer)[:300]}")
        result: Json = answer["result"]
        return result

    def body(self, method: str, params: Json) -> bytes:
        self._ids += 1
        message = {"jsonrpc": "2.0", "id": self._ids, "method": method, "params": params}
        return json.dumps(message, separators=(",", ":")).encode()

    def greet(self) -> None:
        """Shake hands."""
        info = {"name": "bench", "version": "1"}
        self.request("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info})
        notification = b'{"jsonrpc":"2.0","method":"notifications/initialized"}'
        self.wire.ask(notification)
        if self.port:
            self.wire.read()

    def list_until(self, count: int) -> list[str]:
        """Ask for the tools until there are so many, and return their names."""
        while True:
            names = [tool["name"] for tool in self.request("tools/list", {})["tools"]]
            if len(names) >= count:
                return names
            if time.perf_counter() - self.began > PATIENCE_S:
                raise TimeoutError(f"{self.name} lists {len(names)} tools of {count}")
            time.sleep(0.01)

    def cpu_s(self) -> float:
        """Return the CPU time used so far by the process itself, without its children; Linux only."""
        return time.clock_gettime((~self.pid << 3) | 2)

    def memory_kb(self, what: str = "VmRSS") -> int:
        """Return resident memory, or the highest it ever was (`VmHWM`), without the children's."""
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(what))


def direct(kind: str, tools: int = 4, boot_s: float = 0.0) -> Target:
    """Return the child itself."""
    if kind == "http":
        port = free_port()
        return Target("direct", child_command("--http", str(port), "--tools", str(tools)), port)
    return Target("direct", child_command("--tools", str(tools), "--boot", str(boot_s)))


def _http_child(tools: int) -> tuple[int, "subprocess.Popen[bytes]"]:
    port = free_port()
    kid = subprocess.Popen(child_command("--http", str(port), "--tools", str(tools)), stdout=subprocess.PIPE)
    assert kid.stdout is not None
    out: IO[bytes] = kid.stdout
    out.readline()
    out.close()
    return port, kid


@dataclass
class Setup:
    """How targets are made: where files go, and how our runtime and others are started."""

    folder: Path
    ours: Sequence[str]
    others: dict[str, str] = field(default_factory=dict)
    boot_s: float = 0.0
    """How long each child over stdio takes to start, beside what Python takes."""

    def target(self, name: str, front: str, kind: str, children: int = 1, tools: int = 4, *flags: str) -> Target:
        """Return a composite of so many equal children; `flags` go to one more child, which is broken."""
        transports: list[Json] = []
        kids: list[subprocess.Popen[bytes]] = []
        for _ in range(children):
            if kind == "http":
                port, kid = _http_child(tools)
                kids.append(kid)
                transports.append({"type": "http", "url": f"http://127.0.0.1:{port}/mcp"})
            else:
                transports.append(self._stdio("--tools", str(tools), "--boot", str(self.boot_s)))
        if flags:
            transports.insert(0, self._stdio(*flags))
        self.folder.mkdir(parents=True, exist_ok=True)
        port = free_port() if front == "http" else 0
        if name == "ours":
            return Target(name, self._ours(transports, port), port, kids, {"FUSION_HOME": str(self.folder / "home")})
        config = self.folder / f"{name}.json"
        servers = {
            f"c{n}": {k: v for k, v in t.items() if k != "type" or v == "http"} for n, t in enumerate(transports)
        }
        config.write_text(json.dumps({"mcpServers": servers}), encoding="utf-8")
        words = [word.format(config=config, port=port) for word in shlex.split(self.others[name])]
        return Target(name, words, port, kids)

    def _stdio(self, *words: str) -> Json:
        command, *args = child_command(*words)
        return {"type": "stdio", "command": command, "args": args}

    def _ours(self, transports: list[Json], port: int) -> list[str]:
        nodes: list[Json] = [
            {"id": f"c{n}", "type": "server", "name": f"c{n}", "namespace": f"c{n}", "transport": transport}
            for n, transport in enumerate(transports)
        ]
        edges = [{"source": node["id"], "target": "all"} for node in nodes]
        nodes.append({"id": "all", "type": "composite", "name": "All"})
        graph = {"version": 1, "id": "00000000-0000-4000-8000-000000000000", "name": "bench"}
        path = self.folder / "bench.fusion"
        path.write_text(json.dumps({**graph, "nodes": nodes, "edges": edges}), encoding="utf-8")
        how = ["--http", f"127.0.0.1:{port}"] if port else ["--stdio"]
        return [*self.ours, "serve", str(path), *how]
