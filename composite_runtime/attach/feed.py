"""What a runtime tells whoever watches it: how things stand, then every event, at the watcher's own pace.

A watcher sends one line, `{"secret": …, "frames": …}`, and nothing else. It gets events, one JSON object per line: the
snapshot, `following`, and from then on what happens. One that does not keep up loses events, is told how many, and gets
the snapshot anew; nobody waits for it.
"""

import asyncio
import contextlib
import hmac
import json
import os
import secrets as random
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from composite_runtime import secrets
from composite_runtime.attach import place
from composite_runtime.attach.place import Run
from composite_runtime.errors import FusionError
from composite_runtime.events import (
    CallFinished,
    CallRepeated,
    CallStarted,
    ChildChanged,
    ChildDrifted,
    ClientChanged,
    Event,
    Following,
    GraphChanged,
    Log,
    Ready,
    encode,
)
from composite_runtime.tasks import Tasks

# What one watcher may be behind.
_QUEUE_LINES = 4_000
_QUEUE_BYTES = 8 * 1024 * 1024
_RECENT_LOGS = 300
_LOG_LENGTH = 4_000
_HELLO_S = 5.0
_HELLO_BYTES = 4096
_WATCHERS = 16
# What is kept of a beginning until somebody watches.
_FIRST_LINES = 2_000
_FIRST_BYTES = 4 * 1024 * 1024
_FIRST_S = 10.0
_DESCRIBE_S = 0.5
_LAST_WORDS_S = 0.3
# Most events by far, and over as soon as they are told.
_PASSING = frozenset({CallStarted, CallFinished, CallRepeated})


class Snapshot:
    """How things stand, as the events that lead there."""

    def __init__(self) -> None:
        self._latest: dict[tuple[str, ...], Event] = {}
        self._logs: deque[Log] = deque(maxlen=_RECENT_LOGS)

    def note(self, event: Event) -> None:
        """Take an event in."""
        if isinstance(event, Log):
            message = event.message
            self._logs.append(event if len(message) <= _LOG_LENGTH else replace(event, message=message[:_LOG_LENGTH]))
        elif isinstance(event, ChildChanged | ChildDrifted):
            self._latest[event.event, event.node] = event
        elif isinstance(event, Ready | GraphChanged):
            self._latest[event.event,] = event
        elif isinstance(event, ClientChanged):
            self._latest.pop((event.event, event.session), None)
            if event.connected:
                self._latest[event.event, event.session] = event

    def events(self) -> Iterable[Event]:
        """Return the newest event of each kind and node, then the last log entries."""
        return (*self._latest.values(), *self._logs)


@dataclass
class _Watcher:
    frames: bool
    lines: deque[bytes]
    wake: asyncio.Event
    size: int = 0
    missed: int = 0
    is_behind: bool = True  # the snapshot is due

    def put(self, line: bytes) -> None:
        if self.is_behind:
            self.missed += 1
        elif len(self.lines) >= _QUEUE_LINES or self.size + len(line) > _QUEUE_BYTES:
            self.missed += len(self.lines) + 1
            self.lines.clear()
            self.is_behind = True
        else:
            self.lines.append(line)
            self.size += len(line)
        self.wake.set()

    def take(self) -> bytes:
        data = b"".join(self.lines)
        self.lines.clear()
        self.size = 0
        return data


class Feed:
    """The feed of one runtime. `tell` may be called at any time; `serve` runs until it is cancelled."""

    def __init__(
        self,
        graph: str,
        *,
        supervised: bool = False,
        keeps_first: bool = False,
        loopback: bool = not place.HAS_UNIX_SOCKETS,
    ) -> None:
        self._about = Run(os.getpid(), graph, composite="", transport="", started=time.time(), supervised=supervised)
        self._loopback = loopback
        self._snapshot = Snapshot()
        self._watchers: list[_Watcher] = []
        self._tasks = Tasks()
        self._described = asyncio.Event()
        self._is_ending = False
        # What was said before the first watcher came, if one is sure to come.
        self._first: deque[bytes] | None = deque(maxlen=_FIRST_LINES) if keeps_first else None
        self._first_size = 0
        # A thread that still writes must not bring back what was removed.
        self._writing = Lock()
        self.watched: Callable[[bool, bool], None] = lambda watched, frames: None
        """Called when watchers come and go: whether there are any, and whether one wants the messages themselves."""

    def tell(self, event: Event) -> None:
        """Have every watcher hear of an event."""
        if type(event) not in _PASSING:
            self._keep(event)
        if self._first is not None and type(event) in _PASSING:
            self._keep_first(_line(event))
        if self._watchers:
            line = _line(event)
            for watcher in self._watchers:
                watcher.put(line)

    def _keep(self, event: Event) -> None:
        self._snapshot.note(event)
        if isinstance(event, Ready):
            self._change(composite=event.composite, transport=event.transport, url=event.url)
        elif isinstance(event, ClientChanged) and event.connected:
            self._change(client=f"{event.name} {event.version or ''}".strip())

    def line(self, text: str) -> None:
        """Have those who want the messages themselves see one, which is an event that is encoded already."""
        line = f"{secrets.redact(text)}\n".encode("utf-8", "replace")
        self._keep_first(line)
        for watcher in self._watchers:
            if watcher.frames:
                watcher.put(line)

    def _keep_first(self, line: bytes) -> None:
        if self._first is None:
            return
        self._first.append(line)
        self._first_size += len(line)
        if self._first_size > _FIRST_BYTES or time.time() - self._about.started > _FIRST_S:
            self._forget_first()

    def _forget_first(self) -> None:
        self._first = None
        self._count()

    async def serve(self) -> None:
        """Listen for watchers until cancelled; raise `FusionError` when that is impossible."""
        await asyncio.to_thread(place.alive)  # removes what runtimes that were killed have left
        try:
            server = await self._listening()
        except OSError as error:
            raise FusionError(f"this runtime cannot be watched: {error.strerror or error}") from None
        try:
            while True:
                await self._described.wait()
                self._described.clear()
                await asyncio.to_thread(self._describe)
                await asyncio.sleep(_DESCRIBE_S)
        finally:
            server.close()
            self._is_ending = True
            with self._writing:
                place.forget(self._about)
            for watcher in self._watchers:
                watcher.wake.set()
            await self._tasks.wait(_LAST_WORDS_S)  # watchers get a moment to take the last words
            await self._tasks.close()

    def _describe(self) -> None:
        with self._writing:
            if not self._is_ending:
                place.describe(self._about)

    def _change(self, **changes: Any) -> None:
        self._about = replace(self._about, **changes)
        self._described.set()

    async def _listening(self) -> asyncio.Server:
        place.private_folder()
        if self._loopback:
            server = await asyncio.start_server(self._accepted, "127.0.0.1", 0, limit=_HELLO_BYTES)
            self._change(port=server.sockets[0].getsockname()[1], secret=random.token_urlsafe(32))
            return server
        path = place.socket_path(self._about.pid)
        path.unlink(missing_ok=True)  # of an earlier process with our number
        server = await asyncio.start_unix_server(self._accepted, path, limit=_HELLO_BYTES)
        self._change(socket=str(path))
        return server

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.start(self._watched(reader, writer))

    async def _watched(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        watcher: _Watcher | None = None
        beside = Tasks()
        try:
            watcher = await self._admitted(reader, writer)
            if watcher is not None:
                self._watchers.append(watcher)
                self._count()
                sending = beside.start(self._send(watcher, writer))
                gone = beside.start(reader.read())  # nothing it says matters, only that it ends
                await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
        except (OSError, ValueError, TimeoutError):
            pass  # a watcher that misbehaves is dropped; it is no business of the runtime's
        finally:
            if watcher is not None:
                self._watchers.remove(watcher)
                self._count()
            await beside.close()
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(_LAST_WORDS_S):
                    await writer.wait_closed()

    async def _admitted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> _Watcher | None:
        connection = writer.get_extra_info("socket")
        if not self._loopback and not place.peer_is_us(connection):
            return None
        async with asyncio.timeout(_HELLO_S):
            hello = json.loads(await reader.readline() or b"null")
        if not isinstance(hello, dict) or len(self._watchers) >= _WATCHERS:
            return None
        if not hmac.compare_digest(str(hello.get("secret", "")).encode(), self._about.secret.encode()):
            return None
        return _Watcher(hello.get("frames") is True, deque(), asyncio.Event())

    async def _send(self, watcher: _Watcher, writer: asyncio.StreamWriter) -> None:
        watcher.missed = 0  # what happened before it came is no loss
        if self._first is not None and watcher.frames:
            # After the snapshot, as if it had happened just now.
            watcher.lines.extend(self._first)
            watcher.size += self._first_size
            self._forget_first()
            watcher.is_behind = False
            writer.write(b"".join(map(_line, (*self._snapshot.events(), Following()))))
            await writer.drain()
        while True:
            if watcher.is_behind:
                watcher.is_behind = False
                following = Following(missed=watcher.missed)
                watcher.missed = 0
                writer.write(b"".join(map(_line, (*self._snapshot.events(), following))))
            elif watcher.lines:
                writer.write(watcher.take())
            elif self._is_ending:
                return
            else:
                watcher.wake.clear()
                await watcher.wake.wait()
                continue
            await writer.drain()

    def _count(self) -> None:
        is_kept = self._first is not None
        self.watched(is_kept or bool(self._watchers), is_kept or any(watcher.frames for watcher in self._watchers))


def _line(event: Event) -> bytes:
    return f"{secrets.redact(encode(event))}\n".encode("utf-8", "replace")
