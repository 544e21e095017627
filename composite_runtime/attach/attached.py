"""Finding runtimes of this user on this machine, and following one."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator

from composite_runtime.attach import place
from composite_runtime.attach.place import Run
from composite_runtime.errors import FusionError
from composite_runtime.events import Event, Stopped, decode

# No feed tells longer lines: what one watcher may be behind is less.
_LINE_LIMIT = 16 * 1024 * 1024


def runtimes() -> tuple[Run, ...]:
    """Return the runtimes of this user that run now, oldest first."""
    return place.alive()


async def follow(run: Run, *, frames: bool = False) -> AsyncGenerator[Event, None]:
    """Yield how things stand, then `Following`, then each event as it is told, until the runtime ends.

    With `frames`, each message at each hop comes as a `Frame`. A follower that is slow misses events; it is told by
    another `Following`, after the snapshot has been repeated.

    Raises:
        FusionError: the runtime cannot be reached, or does not let us in.
    """
    async with contextlib.aclosing(lines(run, frames=frames)) as told:
        async for line in told:
            event = decode(line)
            yield event
            if isinstance(event, Stopped):
                return


async def lines(run: Run, *, frames: bool = False) -> AsyncGenerator[str, None]:
    """Yield the lines that tell what `follow` yields, for who wants the very text of messages; raise `FusionError`."""
    try:
        reader, writer = await _connected(run)
    except OSError as error:
        reason = error.strerror or str(error)
        raise FusionError(f"the runtime with process number {run.pid} cannot be reached: {reason}") from None
    try:
        writer.write(json.dumps({"secret": run.secret, "frames": frames}).encode() + b"\n")
        is_let_in = False
        while line := await _line(reader):
            is_let_in = True
            yield line.decode("utf-8", "replace").rstrip("\n")
        if not is_let_in:
            raise FusionError(f"the runtime with process number {run.pid} does not let itself be watched")
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _connected(run: Run) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if run.socket is not None:
        return await asyncio.open_unix_connection(run.socket, limit=_LINE_LIMIT)
    return await asyncio.open_connection("127.0.0.1", run.port, limit=_LINE_LIMIT)


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except (ConnectionError, ValueError):
        return b""
