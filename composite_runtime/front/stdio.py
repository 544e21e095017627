"""Serving one client over our own stdin and stdout."""

import asyncio
from typing import Any

from composite_runtime.front.server import Server, parts_of
from composite_runtime.front.session import Session
from composite_runtime.tasks import Tasks
from composite_runtime.wire import jsonrpc
from composite_runtime.wire.jsonrpc import INVALID_REQUEST, Json, RpcError
from composite_runtime.wire.stdio import OwnStdio


class StdioFront:
    """The one client of a stdio server; it may speak either era, message by message."""

    def __init__(self, server: Server, *, drain_s: float) -> None:
        self._server = server
        self._drain_s = drain_s
        self._wire = OwnStdio(message_limit=server.limits.message_bytes)
        server.on_limits = lambda limits: self._wire.limit(limits.message_bytes)
        self._session = Session(self._wire.tell)
        self._tasks = Tasks()
        self._gone = asyncio.Event()
        self.reason: str | None = None

    async def serve(self) -> None:
        """Serve until the client closes our stdin; calls in flight may finish, within the bound."""
        await self._wire.start(self._take, self._ended)
        await self._gone.wait()
        self._server.close()  # first, for who listens would never end
        if not self._wire.broken.is_set():
            await self._tasks.wait(self._drain_s)
        await self._tasks.close()
        self._server.leave(self._session)
        await self._wire.close()

    def stop(self) -> None:
        """Have `serve` end as if the client had gone."""
        self._gone.set()

    def _ended(self, reason: str | None) -> None:
        self.reason = reason
        self._session.close()  # a call that waits for the client's answer need not be waited for
        self._gone.set()

    def _take(self, message: Any) -> None:
        for part in message if isinstance(message, list) and message else (message,):  # 2025-03-26 had batches
            self._take_one(part)

    def _take_one(self, message: Any) -> None:
        if not isinstance(message, dict):
            self._refuse("a message is an object")
        elif "method" not in message or "id" not in message:
            self._server.hear(message, self._session)
        elif isinstance(message["id"], int | str) and not isinstance(message["id"], bool):
            request_id = message["id"]
            task = self._tasks.start(self._answer(message))
            self._session.running[request_id] = task
            task.add_done_callback(lambda done: self._finished(request_id, done))
        else:
            self._refuse("the id of a request is a string or an integer")

    def _finished(self, request_id: int | str, task: "asyncio.Task[None]") -> None:
        if self._session.running.get(request_id) is task:
            del self._session.running[request_id]

    async def _answer(self, message: Json) -> None:
        parts = parts_of(await self._server.respond(message, self._session, self._wire.tell))
        if len(parts) > 1:
            await asyncio.sleep(0)  # what woke us holds a long result until this turn of the loop is over
        self._wire.write_pieces(jsonrpc.expanded(parts))

    def _refuse(self, why: str) -> None:
        self._wire.write(jsonrpc.encode(jsonrpc.failure(None, RpcError(INVALID_REQUEST, why))))
