"""The runtime as a supervised child process: its stdin ends when it shall stop, its stderr tells events."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from composite_runtime.events import Stopped, decode
from composite_runtime.interop import launch
from fusion_desktop.run import environment
from fusion_desktop.run.lines import Lines

Transport: TypeAlias = Literal["http", "stdio"]

TOKEN_VARIABLE = "FUSION_TOKEN"
"""How the runtime learns its bearer token; arguments are visible to every program on the machine."""


class RuntimeProcess(QObject):
    """One running composite, or none."""

    event = Signal(object)  # type: ignore[assignment]  # hides QObject.event, which nothing here calls or overrides
    """An `Event` the runtime told."""
    started = Signal()
    stopped = Signal(str)
    """The process is gone; the reason is a sentence, or empty when it was asked to stop."""
    received = Signal(bytes)
    """Bytes of its stdout, which is MCP in stdio mode and unused in HTTP mode."""

    def __init__(
        self,
        parent: QObject | None = None,
        *,
        command: Callable[[Path, str | None], Sequence[str]] = launch.serve_command,
        grace_s: float = 6.0,
        kill_s: float = 2.0,
    ) -> None:
        super().__init__(parent)
        self._command = command
        self._grace_s = grace_s
        self._kill_s = kill_s
        self._process: QProcess | None = None
        self._token = ""
        self._transport: Transport = "http"
        self._is_asked = False
        self._is_terminated = False
        self._reason = ""
        self._lines = Lines()
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.timeout.connect(self._lose_patience)

    @property
    def is_running(self) -> bool:
        """Whether the process exists, even if it is about to stop."""
        return self._process is not None

    @property
    def token(self) -> str:
        """The bearer token of this launch, empty in stdio mode."""
        return self._token

    @property
    def transport(self) -> Transport:
        """How the present or the last run is reached."""
        return self._transport

    def start(self, graph_path: Path, *, transport: Transport, composite: str | None = None) -> None:
        """Start the runtime on a graph; one that is still running must have stopped before."""
        if self._process is not None:
            raise RuntimeError("the runtime is already running")
        self._transport = transport
        self._token = secrets.token_urlsafe(32) if transport == "http" else ""
        self._is_asked = self._is_terminated = False
        self._reason = ""
        self._lines = Lines()
        program, *arguments = self._command(graph_path, composite)
        where = ("--http", "127.0.0.1:0") if transport == "http" else ("--stdio",)
        process = QProcess(self)
        process.setProcessEnvironment(self._environment())
        process.setWorkingDirectory(str(graph_path.resolve().parent))
        process.started.connect(self.started)
        process.readyReadStandardError.connect(self._read_events)
        process.readyReadStandardOutput.connect(self._read_output)
        process.finished.connect(self._finish)
        process.errorOccurred.connect(self._fail)
        self._process = process
        process.start(program, [*arguments, *where, "--supervised", "--watched"])

    def write(self, data: bytes) -> None:
        """Send bytes to its stdin; raise `BrokenPipeError` when nobody can read them any more."""
        if self._process is None or self._is_asked or self._process.write(data) < 0:
            raise BrokenPipeError("the runtime is not running")

    def stop(self) -> None:
        """Ask the process to end; one that does not is terminated, then killed. `stopped` tells when it is gone."""
        if self._process is None or self._is_asked:
            return
        self._is_asked = True
        self._process.closeWriteChannel()
        self._patience.start(round(self._grace_s * 1000))

    async def end(self) -> None:
        """Stop the process and return when it is gone."""
        if self._process is None:
            return
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def tell(_: str) -> None:
            if not gone.done():
                gone.set_result(None)

        self.stopped.connect(tell)
        try:
            self.stop()
            await gone
        finally:
            self.stopped.disconnect(tell)

    def _environment(self) -> QProcessEnvironment:
        made = QProcessEnvironment()
        for name, value in environment.with_login_path(environment.clean()).items():
            made.insert(name, value)
        made.remove(TOKEN_VARIABLE)
        if self._token:
            made.insert(TOKEN_VARIABLE, self._token)
        # Pipes are UTF-8 whatever the locale of the machine says.
        made.insert("PYTHONUTF8", "1")
        return made

    def _lose_patience(self) -> None:
        if self._process is None:
            return
        if not self._is_terminated:
            self._is_terminated = True
            self._process.terminate()
            self._patience.start(round(self._kill_s * 1000))
        else:
            self._process.kill()

    def _read_events(self) -> None:
        if self._process is not None:
            self._tell(list(self._lines.feed(bytes(self._process.readAllStandardError().data()))))

    def _tell(self, lines: list[str]) -> None:
        for line in lines:
            if not line.strip():
                continue
            event = decode(line)
            if isinstance(event, Stopped) and event.reason:
                self._reason = event.reason
            self.event.emit(event)

    def _read_output(self) -> None:
        if self._process is not None:
            self.received.emit(bytes(self._process.readAllStandardOutput().data()))

    def _fail(self, error: QProcess.ProcessError) -> None:
        # Every other error is followed by `finished`, which says more.
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            program = self._process.program()
            self._leave(f"{program} cannot be started: {self._process.errorString()}")

    def _finish(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read_events()
        self._read_output()
        self._tell(list(self._lines.close()))
        self._leave("" if self._is_asked else self._describe(code, status))

    def _describe(self, code: int, status: QProcess.ExitStatus) -> str:
        if self._reason:
            return self._reason
        if status == QProcess.ExitStatus.CrashExit:
            return "The runtime was ended from outside or crashed; the log holds its last words."
        if code:
            return f"The runtime ended with exit code {code}; the log says why."
        return "The runtime ended although nobody asked it to."

    def _leave(self, reason: str) -> None:
        self._patience.stop()
        if self._process is not None:
            self._process.deleteLater()
            self._process = None
        self.stopped.emit(reason)
