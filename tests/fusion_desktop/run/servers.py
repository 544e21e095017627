"""Real servers to connect to, and how a coroutine waits for what it expects."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from composite_runtime.events import Event, Ready
from fusion_desktop.run.process import RuntimeProcess, Transport
from fusion_desktop.run.session import InspectorSession, SessionState

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "resources" / "examples" / "first.fusion"


async def until(condition: Callable[[], object]) -> None:
    """Return once the condition holds; the test's own limit bounds it."""
    while not condition():
        await asyncio.sleep(0.01)


@contextmanager
def serving(module: str, *arguments: str) -> Iterator[str]:
    """Run a server of ours over HTTP and give its URL; it ends with its stdin."""
    command = [sys.executable, "-m", module, "--http", "0", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.communicate(timeout=10)


@asynccontextmanager
async def connected(url: str, *, is_legacy: bool = False) -> AsyncIterator[InspectorSession]:
    """Give a session that has read every list of the server."""
    session = InspectorSession()
    listed: set[str] = set()
    session.listed.connect(listed.add)
    session.open_url(url, is_legacy=is_legacy)
    try:
        await until(
            lambda: session.state is SessionState.LOST or (session.state is SessionState.OPEN and len(listed) == 4)
        )
        assert session.state is SessionState.OPEN, session.reason
        yield session
    finally:
        await session.end()


@asynccontextmanager
async def running(
    graph: Path, transport: Transport, composite: str | None = None
) -> AsyncIterator[tuple[RuntimeProcess, list[Event]]]:
    """Run a graph with the real runtime until it is ready."""
    process = RuntimeProcess()
    events: list[Event] = []
    process.event.connect(events.append)
    process.start(graph, transport=transport, composite=composite)
    try:
        await until(lambda: any(isinstance(event, Ready) for event in events) or not process.is_running)
        yield process, events
    finally:
        await process.end()


def url_of(events: list[Event]) -> str:
    """Return where the runtime said it can be reached."""
    return next(event.url or "" for event in events if isinstance(event, Ready))
