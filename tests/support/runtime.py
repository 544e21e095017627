"""A real runtime on a graph, started as a process: its events, its clients, and what it leaves behind."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Self, TypeAlias

from tests import processes
from tests.support.client import Client
from tests.support.graphs import ROOT
from tests.support.wires import Http, Pipes

Json: TypeAlias = dict[str, Any]

STOP_S = 15.0
"""How long a runtime may take to stop children that do not want to."""


class Runtime:
    """`composite-runtime serve` on a graph file, supervised, over HTTP or stdio."""

    def __init__(
        self, path: Path, *arguments: str, http: bool, env: Mapping[str, str] | None = None, supervised: bool = True
    ) -> None:
        self.token = secrets.token_hex(8)
        self.events: list[Json] = []
        self.url = ""
        self._http = http
        self._news = threading.Condition()
        self._descendants: set[int] = set()
        mode = ["--http", "127.0.0.1:0"] if http else ["--stdio"]
        told = ["--supervised"] if supervised else []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "composite_runtime", "serve", str(path), *mode, *told, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "FUSION_TOKEN": self.token, **(env or {})},
        )
        assert self.process.stderr is not None
        self._listener = threading.Thread(target=self._listen, args=(self.process.stderr,), daemon=True)
        self._listener.start()

    def __enter__(self) -> Self:
        self.url = self.wait("ready").get("url") or ""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.stop()
        if kind is None:
            self.assert_nothing_left()

    @property
    def pid(self) -> int:
        return self.process.pid

    def client(self, era: str, **options: Any) -> Client:
        """Return a client of this runtime, to be entered. Over stdio there can be only one."""
        if self._http:
            return Client(Http(self.url, token=self.token), era, **options)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        return Client(Pipes(self.process.stdin, self.process.stdout), era, **options)

    def wait(self, event: str, timeout: float = 15.0, **fields: Any) -> Json:
        """Return the first event, past or coming, with these fields."""
        found: list[Json] = []

        def look() -> bool:
            found[:] = self.find(event, **fields)
            return bool(found)

        self.wait_until(look, timeout, f"event {event} {fields}")
        return found[0]

    def wait_until(self, condition: Callable[[], bool], timeout: float, what: str) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            with self._news:
                remaining = deadline - time.monotonic()
                if remaining <= 0 or self.process.poll() is not None:
                    tail = "\n".join(json.dumps(event) for event in self.events[-12:])
                    raise AssertionError(f"{what} did not come; exit code {self.process.poll()}; events:\n{tail}")
                self._news.wait(min(remaining, 0.1))

    def find(self, event: str, **fields: Any) -> list[Json]:
        with self._news:
            events = tuple(self.events)
        return [e for e in events if e["event"] == event and all(e.get(k) == v for k, v in fields.items())]

    def wait_ready(self, *nodes: str, timeout: float = 15.0) -> None:
        """Wait until these children are ready."""
        for node in nodes:
            self.wait("child_changed", timeout, node=node, state="ready")

    def pid_of(self, node: str) -> int:
        """Return the process id last told for a child."""
        pids = [event["pid"] for event in self.find("child_changed", node=node) if event.get("pid")]
        pid: int = pids[-1]
        return pid

    def family(self) -> set[int]:
        """Return the processes below the runtime now, and remember them."""
        now = processes.descendants(self.pid)
        self._descendants |= now
        return now

    def stop(self, how: str = "eof", timeout: float = STOP_S) -> int:
        """End the runtime by the end of stdin or a signal's name; return its exit code."""
        if self.process.poll() is None:
            self.family()
            if how == "eof":
                with contextlib.suppress(OSError):
                    assert self.process.stdin is not None
                    self.process.stdin.close()
            else:
                self.process.send_signal(getattr(signal, how))
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the runtime did not stop within {timeout} s after {how}") from None
        finally:
            self._release()

    def assert_nothing_left(self, timeout: float = 5.0) -> None:
        """Fail when a process that once was below the runtime still runs."""
        left = processes.wait_until_gone(self._alive, timeout)
        if left:
            words = ", ".join(f"{pid} ({processes.command_line(pid)})" for pid in sorted(left))
            processes.end(left)
            raise AssertionError(f"processes left behind by the runtime: {words}")

    def _alive(self) -> set[int]:
        found: set[int] = set()
        for pid in self._descendants:
            if processes.is_running(pid):
                found |= {pid} | processes.descendants(pid)
        return found

    def _listen(self, stderr: IO[bytes]) -> None:
        with stderr:
            for line in stderr:
                with self._news:
                    self.events.append(_event(line.decode(errors="replace").rstrip()))
                    self._news.notify_all()

    def _release(self) -> None:
        self._listener.join(5)
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()


def _event(line: str) -> Json:
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    return event if isinstance(event, dict) and "event" in event else {"event": "line", "message": line}


@contextlib.contextmanager
def http_server(module: str, *arguments: str) -> Iterator[str]:
    """Run one of our servers over HTTP; yield its URL."""
    with subprocess.Popen(
        [sys.executable, "-m", f"tests.servers.{module}", "--http", "0", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield process.stdout.readline().decode().strip()
        finally:
            process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


@contextlib.contextmanager
def stdio_server(module: str, *arguments: str) -> Iterator[Pipes]:
    """Run one of our servers over stdio, without a runtime between."""
    with subprocess.Popen(
        [sys.executable, "-m", f"tests.servers.{module}", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Pipes(process.stdin, process.stdout)
        finally:
            with contextlib.suppress(OSError):
                process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
