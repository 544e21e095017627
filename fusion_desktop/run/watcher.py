"""Follows one runtime, our own or one that another program has started: what it tells, and every message."""

import asyncio
import contextlib
import time
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from composite_runtime.attach import attached
from composite_runtime.attach.place import Run
from composite_runtime.errors import FusionError
from composite_runtime.events import Stopped
from fusion_desktop.run.traffic import read
from fusion_desktop.tasks import spawn

_SLICE_S = 0.008
"""How long a burst may keep the window from drawing."""
_FIND_S = 10.0
_LOOK_S = 0.05


class Watcher(QObject):
    """Watches one runtime at a time, or none."""

    told = Signal(object)
    """A message with what is told beside it, or an event."""
    ended = Signal(str)
    """Nothing more comes; the words say why when nobody asked for it."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._task: asyncio.Task[None] | None = None
        self._run: Run | None = None

    @property
    def run(self) -> Run | None:
        """What is watched."""
        return self._run

    def watch(self, run: Run) -> None:
        """Watch this runtime instead of any other."""
        self.stop()
        self._task = spawn(self._follow(run), failed=self._fail)

    def watch_graph(self, path: Path) -> None:
        """Watch the runtime that serves this file, as soon as it can be found."""
        self.stop()
        self._task = spawn(self._find(str(path.resolve())), failed=self._fail)

    def stop(self) -> None:
        """Watch nothing."""
        task, self._task, self._run = self._task, None, None
        if task is not None:
            task.cancel()

    async def _find(self, graph: str) -> None:
        deadline = time.monotonic() + _FIND_S
        while time.monotonic() < deadline:
            runs = await asyncio.to_thread(attached.runtimes)
            found = [run for run in runs if run.graph == graph]
            if found:
                await self._follow(found[-1])
                return
            await asyncio.sleep(_LOOK_S)
        raise FusionError("The messages of this run cannot be watched: it does not let itself be found.")

    async def _follow(self, run: Run) -> None:
        self._run = run
        since = time.monotonic()
        async with contextlib.aclosing(attached.lines(run, frames=True)) as lines:
            async for line in lines:
                told = read(line)
                self.told.emit(told)
                if isinstance(told, Stopped):
                    break
                # What has arrived already is read without a pause, and the window must not wait for the end of it.
                if time.monotonic() - since > _SLICE_S:
                    await asyncio.sleep(0)
                    since = time.monotonic()
        self._task = self._run = None
        self.ended.emit("")

    def _fail(self, words: str) -> None:
        self._task = self._run = None
        self.ended.emit(words)
