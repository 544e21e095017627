"""MCP over stdio, at both ends: a child's pipes, and our own (specification, basic/transports#stdio)."""

import asyncio
import contextlib
import os
import stat
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import IO, Any

from composite_runtime.errors import ChildError
from composite_runtime.wire import jsonrpc
from composite_runtime.wire.guard import Guard
from composite_runtime.wire.jsonrpc import Json, RequestId
from composite_runtime.wire.lines import LineBuffer
from composite_runtime.wire.process import Launch, Process
from composite_runtime.wire.transport import Receiver

MESSAGE_LIMIT = 64 * 1024 * 1024
UNREAD_LIMIT = 64 * 1024 * 1024
_STDERR_LINE_LIMIT = 8 * 1024
_LAST_WORDS = 12
_LONG = 64 * 1024
_FLUSH_S = 3.0


class ChildStdio:
    """A child's stdin and stdout as a transport; `stderr` takes its other output, line by line."""

    needs_headers = False

    def __init__(
        self, launch: Launch, guard: Guard, stderr: Callable[[str], None], *, message_limit: int = MESSAGE_LIMIT
    ) -> None:
        self._process = Process(launch, guard, self._output, self._ended)
        self._stderr = stderr
        self._lines = LineBuffer(message_limit)
        self._stderr_tail = b""
        self._last_words: deque[str] = deque(maxlen=_LAST_WORDS)
        self._receiver: Receiver | None = None

    @property
    def pid(self) -> int | None:
        """The number of the child's process."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """The exit code of the child's process; negative for a signal, None while it runs."""
        return self._process.exit_code

    async def open(self, receiver: Receiver) -> None:
        """Start the child; raise `ChildError` when the system cannot."""
        self._receiver = receiver
        await self._process.start()

    def send(self, message: Json, headers: Mapping[str, str] | None = None) -> int:
        """Write one line to the child; refuse a request when the child has not read for so long that they pile up."""
        if self._process.unread <= UNREAD_LIMIT:
            data = jsonrpc.encode(message)
            self._process.write(data + b"\n")
            return len(data)
        if self._receiver is not None and "method" in message and "id" in message:
            self._receiver.failed(message["id"], ChildError("it does not read what it is sent"))
        return 0

    def negotiated(self, version: str) -> None:
        """Take note of the revision, which changes nothing on a pipe."""

    def abort(self, request_id: RequestId) -> bool:
        """Say that giving up needs a notification."""
        return False

    async def close(self) -> None:
        """End the child."""
        self._receiver = None
        await self._process.stop()

    def _output(self, descriptor: int, data: bytes) -> None:
        if descriptor == 2:
            self._hear(data)
        elif self._receiver is not None:
            try:
                for line in self._lines.feed(data):
                    self._take(line)
            except OverflowError as error:
                self._lose(f"it sent {error}")

    def _take(self, line: bytes | str) -> None:
        if self._receiver is None:
            return
        try:
            message = jsonrpc.decode(line)
        except ValueError:
            start = line[:_STDERR_LINE_LIMIT]
            self._receiver.noise(start if isinstance(start, str) else start.decode("utf-8", "replace"))
        else:
            self._receiver.received(message, None, jsonrpc.size_of(line))

    def _hear(self, data: bytes) -> None:
        *lines, self._stderr_tail = (self._stderr_tail + data).split(b"\n")
        if len(self._stderr_tail) > _STDERR_LINE_LIMIT:
            lines.append(self._stderr_tail)
            self._stderr_tail = b""
        for line in lines:
            if text := line[:_STDERR_LINE_LIMIT].decode("utf-8", "replace").rstrip():
                self._last_words.append(text)
                self._stderr(text)

    def _ended(self) -> None:
        if self._stderr_tail:
            self._hear(b"\n")
        code = self._process.exit_code
        if code is None:
            self._lose("it closed its output")
            return
        how = f"it was ended by signal {-code}" if code < 0 else f"it ended with exit code {code}"
        said = next((line for line in reversed(self._last_words) if not line.startswith(" ")), None)
        self._lose(f"{how}; its last words: {said}" if said else how)

    def _lose(self, reason: str) -> None:
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.lost(reason)


class OwnStdio:
    """Our stdin and stdout as the wire to a client.

    The descriptors are taken away from everybody else: a stray `print` goes to stderr and cannot spoil the wire.
    """

    def __init__(self, *, message_limit: int = MESSAGE_LIMIT) -> None:
        self._lines = LineBuffer(message_limit)
        self._input = os.dup(0)
        self._output = os.dup(1)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.close(null)
        os.dup2(2, 1)
        self._put: Callable[[bytes], None] = self._put_blocking
        self._unread: Callable[[], int] = lambda: 0
        self._pause: Callable[[], None] = _nothing
        self._resume: Callable[[], None] = _nothing
        self._close: list[Callable[[], None]] = []
        self.broken = asyncio.Event()

    def limit(self, message_bytes: int) -> None:
        """Take messages of so many bytes from now on."""
        self._lines.limit = message_bytes

    async def start(self, take: Callable[[Any], None], ended: Callable[[str | None], None]) -> None:
        """Have each message given to `take`, and `ended` called when the client is gone, with a reason if it is odd."""
        self._take = take
        self._ended = ended
        loop = asyncio.get_running_loop()
        if _is_pipe(self._input):
            reader, _ = await loop.connect_read_pipe(
                lambda: _PipeReader(self._feed, self._end), _opened(self._input, "rb")
            )
            self._close.append(reader.close)
            self._pause, self._resume = reader.pause_reading, reader.resume_reading
        else:
            threading.Thread(target=self._read_blocking, args=(loop,), daemon=True).start()
        if _is_pipe(self._output):
            writer, _ = await loop.connect_write_pipe(
                lambda: _PipeWriter(self.broken.set, self._pause, self._resume), _opened(self._output, "wb")
            )
            # A client may well write a long request before it reads; only one that never reads is not listened to.
            writer.set_write_buffer_limits(high=UNREAD_LIMIT)
            self._put = writer.write
            self._unread = writer.get_write_buffer_size
            self._close.append(writer.close)

    def write(self, message: bytes) -> None:
        """Write one encoded message."""
        self._put(message + b"\n")

    def write_pieces(self, pieces: list[bytes]) -> None:
        """Write one encoded message, which is used up: a long one is let go of piece by piece."""
        if len(pieces) == 1 and len(pieces[0]) < _LONG:
            self.write(pieces[0])
            return
        for index, piece in enumerate(pieces):
            pieces[index] = b""
            self._put(piece)
        self._put(b"\n")

    def tell(self, message: bytes) -> None:
        """Write a message nobody waits for, unless the client has not read for so long that they pile up."""
        if self._unread() <= UNREAD_LIMIT:
            self.write(message)

    async def close(self) -> None:
        """Stop reading, and give the client a moment to take what is written."""
        for close in self._close:
            close()
        if self._put != self._put_blocking:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_FLUSH_S):
                    await self.broken.wait()

    def _feed(self, data: bytes) -> None:
        try:
            for line in self._lines.feed(data):
                try:
                    message = jsonrpc.decode(line)
                except ValueError:
                    error = jsonrpc.RpcError(jsonrpc.PARSE_ERROR, "Parse error: the line is not JSON")
                    self.write(jsonrpc.encode(jsonrpc.failure(None, error)))
                else:
                    self._take(message)
        except OverflowError as error:
            self._ended(f"the client sent {error}")

    def _end(self) -> None:
        if rest := self._lines.rest():
            self._feed(rest + b"\n")
        self._ended(None)

    def _read_blocking(self, loop: asyncio.AbstractEventLoop) -> None:
        # Files, consoles and everything on Windows cannot be waited for by the loop.
        with contextlib.suppress(RuntimeError, OSError):  # the loop may be gone by then
            while data := os.read(self._input, 65536):
                loop.call_soon_threadsafe(self._feed, data)
            loop.call_soon_threadsafe(self._end)

    def _put_blocking(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._output, view) :]
        except OSError:
            self.broken.set()


class _PipeReader(asyncio.Protocol):
    def __init__(self, feed: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        self._feed = feed
        self._ended = ended

    def data_received(self, data: bytes) -> None:
        self._feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended()


class _PipeWriter(asyncio.BaseProtocol):
    def __init__(self, broken: Callable[[], None], pause: Callable[[], None], resume: Callable[[], None]) -> None:
        self._broken = broken
        self.pause_writing = pause  # type: ignore[method-assign]  # asyncio calls it when too much is unread
        self.resume_writing = resume  # type: ignore[method-assign]

    def connection_lost(self, exc: Exception | None) -> None:
        self._broken()


def _nothing() -> None:
    pass


def _is_pipe(descriptor: int) -> bool:
    if sys.platform == "win32":
        return False
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _opened(descriptor: int, mode: str) -> IO[Any]:
    return os.fdopen(descriptor, mode, buffering=0)
