"""Serve a server of this kit over standard input and output, one JSON message per line."""

import asyncio
import json
import sys
import threading
from collections.abc import Callable

from tests.servers.core import Json, Server, Session


def write(message: Json) -> None:
    """Write one message at once; a full pipe holds the server up, as it does most real ones."""
    sys.stdout.buffer.write(json.dumps(message, ensure_ascii=False).encode() + b"\n")
    sys.stdout.buffer.flush()


async def serve(server: Server) -> None:
    """Serve until the input ends."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    session = Session(server, None, write)

    # Pipes are read by a thread, which works on every platform; asyncio's pipe readers do not.
    threading.Thread(target=_read, args=(loop, session.receive, ended.set), daemon=True).start()
    await ended.wait()
    session.close()


def _read(loop: asyncio.AbstractEventLoop, receive: Callable[[Json], None], end: Callable[[], object]) -> None:
    for line in sys.stdin.buffer:
        if line.strip():
            loop.call_soon_threadsafe(receive, json.loads(line))
    loop.call_soon_threadsafe(end)
