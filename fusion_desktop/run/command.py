"""One command of the runtime, followed while it works: JSON lines on its stdout, and the end of stdin to stop it."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from composite_runtime.interop import launch
from fusion_desktop.run import environment
from fusion_desktop.run.lines import Lines

_GRACE_MS = 4000
_LAST_WORDS = 2000
_LONGEST = 64 * 1024 * 1024
"""An answer is one line, and may be long."""


class RuntimeCommand(QObject):
    """At most one run at a time. Starting anew ends the one before without a word of it."""

    told = Signal(object)
    """One JSON object it printed."""
    ended = Signal(int, str)
    """Exit code and last words on stderr; the code is negative when it could not be started or was ended."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._lines = Lines()
        self._words = ""

    @property
    def is_running(self) -> bool:
        """Whether it still works."""
        return self._process is not None

    def start(self, arguments: Sequence[str], *, folder: str = "") -> None:
        """Run `composite-runtime` with arguments."""
        command = launch.runtime_command()
        self.run((*command, *arguments), folder=folder)

    def run(self, command: Sequence[str], *, folder: str = "") -> None:
        """Run any command of the same kind; lines that are no JSON count as its last words."""
        self.stop()
        process = self._process = QProcess(self)
        self._lines, self._words = Lines(_LONGEST), ""
        made = QProcessEnvironment()
        for name, value in environment.with_login_path(environment.clean()).items():
            made.insert(name, value)
        made.insert("PYTHONUTF8", "1")
        process.setProcessEnvironment(made)
        if folder:
            process.setWorkingDirectory(folder)
        process.readyReadStandardOutput.connect(lambda: self._read(process))
        process.readyReadStandardError.connect(lambda: self._hear(process))
        process.finished.connect(lambda code, status: self._finish(process, code, status))
        process.errorOccurred.connect(lambda error: self._fail(process, error))
        process.start(command[0], list(command[1:]))

    def stop(self) -> None:
        """Ask it to end; `ended` is not told for a command that was stopped."""
        process, self._process = self._process, None
        if process is not None:
            process.closeWriteChannel()
            # A guard ends whatever it has started, even when it is killed.
            QTimer.singleShot(_GRACE_MS, process, process.kill)

    async def end(self) -> None:
        """Stop it, and return when no process of it is left."""
        self.stop()
        for process in self.findChildren(QProcess):
            if process.state() != QProcess.ProcessState.NotRunning:
                gone = asyncio.Event()
                process.finished.connect(gone.set)
                await gone.wait()

    def _read(self, process: QProcess) -> None:
        lines = list(self._lines.feed(bytes(process.readAllStandardOutput().data())))
        if process is self._process:
            self._tell(process, lines)

    def _tell(self, process: QProcess, lines: Sequence[str]) -> None:
        for line in lines:
            data = _object(line)
            if data is None:
                self._words = f"{self._words}\n{line}"[-_LAST_WORDS:]
            elif process is self._process:
                self.told.emit(data)

    def _hear(self, process: QProcess) -> None:
        text = bytes(process.readAllStandardError().data()).decode("utf-8", "replace")
        if process is self._process:
            self._words = (self._words + text)[-_LAST_WORDS:]

    def _finish(self, process: QProcess, code: int, status: QProcess.ExitStatus) -> None:
        if process is self._process:
            self._hear(process)
            self._read(process)
            self._tell(process, list(self._lines.close()))
        if process is self._process:
            self._process = None
            self.ended.emit(code if status is QProcess.ExitStatus.NormalExit else -1, self._words.strip())
        process.deleteLater()

    def _fail(self, process: QProcess, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart and process is self._process:
            self._process = None
            self.ended.emit(-1, f"{process.program()} cannot be started: {process.errorString()}")
            process.deleteLater()


def _object(line: str) -> dict[str, Any] | None:
    try:
        data = json.loads(line)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None
