"""Transports for the SDK: MCP over the pipes of the runtime, and over streamable HTTP as an inspector needs it."""

import contextlib
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import anyio
import httpx2
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client import Transport
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from fusion_desktop.run.lines import Lines
from fusion_desktop.run.process import RuntimeProcess

MESSAGE_LIMIT = 64 * 1024 * 1024
"""How long one message may be."""

Inbound: TypeAlias = SessionMessage | Exception
Streams: TypeAlias = tuple[MemoryObjectReceiveStream[Inbound], MemoryObjectSendStream[SessionMessage]]


@asynccontextmanager
async def pipes(process: RuntimeProcess) -> AsyncIterator[Streams]:
    """Carry MCP over the stdin and stdout of a runtime; the reading side ends when the process does."""
    # Qt hands over what arrived when it arrived, so nothing may wait on this side; the dispatcher reads it at once.
    arrived, read = anyio.create_memory_object_stream[Inbound](math.inf)
    write, leaving = anyio.create_memory_object_stream[SessionMessage](0)
    lines = Lines(MESSAGE_LIMIT)

    def take(data: bytes) -> None:
        # What a runtime still says while it stops may find nobody to read it.
        with contextlib.suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
            for line in lines.feed(data):
                if line.strip():
                    arrived.send_nowait(_parsed(line))

    def end(_: str = "") -> None:
        arrived.close()

    async def pass_on() -> None:
        async for message in leaving:
            text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
            try:
                process.write(text.encode() + b"\n")
            except BrokenPipeError:
                end()
                return

    process.received.connect(take)
    process.stopped.connect(end)
    try:
        async with arrived, read, write, leaving, anyio.create_task_group() as tasks:
            tasks.start_soon(pass_on)
            try:
                yield read, write
            finally:
                tasks.cancel_scope.cancel()
    finally:
        process.received.disconnect(take)
        process.stopped.disconnect(end)


def _parsed(line: str) -> Inbound:
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        return error


@asynccontextmanager
async def http(url: str, token: str) -> AsyncIterator[Transport]:
    """Prepare streamable HTTP; a call may be silent as long as it likes, its own time limit ends it."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    # A read timeout, even one between two events, makes the SDK give up the stream of notifications for good.
    timeout = httpx2.Timeout(30, read=None)
    # A proxy of the machine has no business between us and our own loopback server.
    async with httpx2.AsyncClient(headers=headers, timeout=timeout, trust_env=False) as client:
        yield streamable_http_client(url, http_client=client, max_sse_event_size=MESSAGE_LIMIT)
