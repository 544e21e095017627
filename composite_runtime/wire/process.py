"""A child process with three pipes, in a process group of its own, that can be ended for certain."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from composite_runtime.errors import ChildError
from composite_runtime.wire import batch
from composite_runtime.wire.guard import Guard

# The ladder of `stop`: how long a child may take after its stdin is closed, and after it was asked to end.
CLOSE_GRACE_S = 1.0
TERMINATE_GRACE_S = 1.0
_LAST_MOMENT_S = 0.03


@dataclass(frozen=True)
class Launch:
    """What to start: absolute program, arguments, environment and working folder."""

    program: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None


class Process(asyncio.SubprocessProtocol):
    """One run of a program. `output` takes (descriptor, bytes), `ended` is called once stdout can bring no more."""

    def __init__(
        self, launch: Launch, guard: Guard, output: Callable[[int, bytes], None], ended: Callable[[], None]
    ) -> None:
        self._launch = launch
        self._guard = guard
        self._output = output
        self._ended: Callable[[], None] | None = ended
        self._exit: asyncio.Future[int] | None = None
        self._transport: asyncio.SubprocessTransport | None = None
        self._stdin: asyncio.WriteTransport | None = None
        self._open = {1, 2}

    async def start(self) -> None:
        """Start the program; raise `ChildError` when the system cannot."""
        loop = asyncio.get_running_loop()
        self._exit = loop.create_future()
        try:
            if sys.platform == "win32":
                async with self._guard.birth(None):
                    await self._spawn(creationflags=0x08000200)  # CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP
            else:
                # Made here and not by asyncio, since the guard has to know the child's stdin before there is a child.
                ours, theirs = socket.socketpair()
                with theirs:
                    self._stdin, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, ours)
                    async with self._guard.birth(theirs.fileno()) as announce:
                        await self._spawn(stdin=theirs, start_new_session=True, preexec_fn=announce)
        except (OSError, ValueError) as error:
            self._close_stdin()
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise ChildError(f"{self._launch.program} cannot be started: {reason}") from None
        except asyncio.CancelledError:
            self._close_stdin()
            raise

    async def _spawn(self, **options: Any) -> None:
        loop = asyncio.get_running_loop()
        options |= {"env": dict(self._launch.env), "cwd": self._launch.cwd}
        program, args = self._launch.program, self._launch.args
        if sys.platform == "win32" and batch.is_batch(program):
            await loop.subprocess_shell(lambda: self, batch.command_line(program, args), **options)
        else:
            await loop.subprocess_exec(lambda: self, program, *args, **options)

    def _close_stdin(self) -> None:
        if self._stdin is not None:
            self._stdin.close()

    @property
    def pid(self) -> int | None:
        """The number of the process while it runs."""
        return self._transport.get_pid() if self._transport else None

    @property
    def exit_code(self) -> int | None:
        """The exit code; negative for a signal; None while the process runs."""
        return self._exit.result() if self._exit is not None and self._exit.done() else None

    @property
    def unread(self) -> int:
        """How many bytes wait because the child does not read them."""
        return self._stdin.get_write_buffer_size() if self._stdin is not None else 0

    def write(self, data: bytes) -> None:
        """Queue bytes for the child's stdin; lost when it has closed it."""
        if self._stdin is not None and not self._stdin.is_closing():
            self._stdin.write(data)

    async def exited(self, timeout_s: float) -> int | None:
        """Return the exit code, or None when the process still runs after the time."""
        if self._exit is None:
            return None
        await asyncio.wait([self._exit], timeout=timeout_s)
        return self.exit_code

    async def stop(self) -> None:
        """End the process and its whole group: first its stdin, then SIGTERM, then SIGKILL."""
        if self._transport is None or self._exit is None:
            return
        pid = self._transport.get_pid()
        with contextlib.suppress(OSError, RuntimeError):
            self._close_stdin()
        if await self.exited(CLOSE_GRACE_S) is None:
            _signal_group(pid, "SIGTERM")
            if await self.exited(TERMINATE_GRACE_S) is None:
                _signal_group(pid, "SIGKILL")
                await self.exited(TERMINATE_GRACE_S)
        # What the child has started itself may have outlived it.
        if _signal_group(pid, "SIGTERM"):
            await asyncio.sleep(0.05)
            _signal_group(pid, "SIGKILL")
        self._guard.remove(pid)
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport asyncio has made."""
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self._guard.add(self._transport.get_pid())
        if self._stdin is None:
            self._stdin = cast("asyncio.WriteTransport | None", self._transport.get_pipe_transport(0))
        pipe = self._transport.get_pipe_transport(1)
        if pipe is not None:
            pipe.set_protocol(_Direct(self._output, pipe.get_protocol()))

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        """Take what the child wrote."""
        self._output(fd, cast("bytes", data))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Take note that the child closed a pipe."""
        self._open.discard(fd)
        if 1 not in self._open:
            self._end_soon()

    def process_exited(self) -> None:
        """Take note that the child has ended; a grandchild may hold its pipes open, so nobody waits for them long."""
        if self._transport is not None and self._exit is not None and not self._exit.done():
            self._exit.set_result(self._transport.get_returncode() or 0)
        self._end_soon()

    def _end_soon(self) -> None:
        # A dying child closes its pipes and ends, in any order. Once all that is known, nothing more can come; a
        # moment after the first of it, nobody waits any longer.
        if not self._open and self.exit_code is not None:
            self._end()
        else:
            asyncio.get_running_loop().call_later(_LAST_MOMENT_S, self._end)

    def _end(self) -> None:
        ended, self._ended = self._ended, None
        if ended is not None:
            ended()


class _Direct(asyncio.Protocol):
    """Takes what a child writes as soon as it is read: asyncio would let a turn of the loop pass first."""

    def __init__(self, output: Callable[[int, bytes], None], own: asyncio.BaseProtocol) -> None:
        self._output = output
        self._own = own

    def data_received(self, data: bytes) -> None:
        self._output(1, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._own.connection_lost(exc)


def _signal_group(pid: int, name: str) -> bool:
    """Send a signal to the group that `pid` leads; return whether there was anybody to take it."""
    try:
        if sys.platform == "win32":
            os.kill(pid, signal.SIGTERM)
        else:
            os.killpg(pid, signal.Signals[name])
    except (ProcessLookupError, PermissionError):
        return False
    return True
