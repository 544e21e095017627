"""A way to a server that can be broken off, as a network does it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


@asynccontextmanager
async def breaking(port: int) -> AsyncIterator[tuple[int, Callable[[], None]]]:
    """Forward connections to a port of this machine; the function breaks all of them off."""
    writers: set[asyncio.StreamWriter] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        both = {writer, inner_writer}
        writers.update(both)
        with contextlib.suppress(asyncio.CancelledError):  # the loop ends
            await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))
        writers.difference_update(both)

    def cut() -> None:
        for writer in writers:
            writer.transport.abort()

    server = await asyncio.start_server(forward, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], cut
    finally:
        cut()
        server.close()
        async with asyncio.timeout(5):
            while writers:
                await asyncio.sleep(0.01)
