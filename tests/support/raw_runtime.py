"""A runtime on stdio that is spoken to in bytes."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from composite_runtime.graph import file
from composite_runtime.graph.model import CompositeNode, Edge, Graph, ServerNode
from composite_runtime.wire.era import LATEST_LEGACY
from composite_runtime.wire.jsonrpc import Json

PATIENCE_S = 20.0


def saved(folder: Path, *nodes: ServerNode, **fields: Any) -> Path:
    """Write a graph of one composite, `dev`, with these members, and return its path."""
    path = folder / "graph.fusion"
    file.save(drawn(*nodes, **fields), path)
    return path


def drawn(*nodes: ServerNode, **fields: Any) -> Graph:
    dev = CompositeNode(id="dev", name="Dev")
    edges = tuple(Edge(source=node.id, target="dev", namespace="") for node in nodes)
    return Graph(id="g", name="Test", nodes=(*nodes, dev), edges=edges, **fields)


class RawRuntime:
    """The process, its answers by id, and all else it said."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[Json] = []
        self.told: list[str] = []
        self._news = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._readers = [loop.create_task(self._read()), loop.create_task(self._hear())]

    def write(self, *messages: Json | bytes) -> None:
        assert self.process.stdin is not None
        for message in messages:
            line = message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n"
            self.process.stdin.write(line)

    def request(self, request_id: Any, method: str, **params: Any) -> None:
        self.write({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})

    async def initialize(self, **capabilities: Any) -> Json:
        self.request(
            "init", "initialize", protocolVersion=LATEST_LEGACY, capabilities=capabilities, clientInfo={"name": "t"}
        )
        answer = await self.answer("init")
        self.write({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return answer

    async def answer(self, request_id: Any) -> Json:
        """Return the response with this id, once it is there."""
        return await self.line(lambda line: "method" not in line and line.get("id") == request_id)

    async def line(self, wanted: Any) -> Json:
        """Return the first message that is wanted, past or coming."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for line in self.lines:
                    if wanted(line):
                        return line
                self._news.clear()
                await self._news.wait()

    async def event(self, text: str, count: int = 1) -> str:
        """Return the `count`th line of stderr that holds the text, once it is there."""
        async with asyncio.timeout(PATIENCE_S):
            while len(found := [line for line in self.told if text in line]) < count:
                self._news.clear()
                await self._news.wait()
        return found[count - 1]

    def close(self) -> None:
        """End its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    async def ends_within(self, seconds: float) -> bool:
        """Say whether it ends in this time."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.process.wait(), seconds)
        return self.process.returncode is not None

    def stop_listening(self) -> None:
        """Close our end of its stderr."""
        transport = self.process._transport.get_pipe_transport(2)  # type: ignore[attr-defined]  # there is no public way
        transport.close()

    async def ended(self) -> int:
        """Return its exit code once it has ended."""
        code = await asyncio.wait_for(self.process.wait(), PATIENCE_S)
        await asyncio.wait(self._readers)
        return code

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(json.loads(line))
            self._news.set()

    async def _hear(self) -> None:
        if self.process.stderr is None:
            return
        async for line in self.process.stderr:
            self.told.append(line.decode().rstrip())
            self._news.set()


@asynccontextmanager
async def running(
    graph: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    supervised: bool = True,
    stderr: int = asyncio.subprocess.PIPE,
) -> AsyncIterator[RawRuntime]:
    """Run `composite-runtime serve` on a graph."""
    words = ["-m", "composite_runtime", "serve", str(graph), *(["--supervised"] if supervised else []), *arguments]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        env={**os.environ, **(env or {})},
        limit=2**26,
    )
    runtime = RawRuntime(process)
    try:
        yield runtime
    finally:
        if process.returncode is None:
            runtime.close()
            try:
                await runtime.ended()
            except TimeoutError:
                process.kill()
                raise
        await asyncio.wait(runtime._readers)
        process._transport.close()  # type: ignore[attr-defined]  # there is no public way, and it complains when collected
