"""Tasks that cannot vanish: kept until they end."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

# Longer than a stubborn process may take to be ended.
_CLOSE_S = 8.0


class Tasks:
    """The tasks one owner has started. Who owns them ends them, by `close`."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run the coroutine beside the caller. A failure nobody asks for is logged by the event loop."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def __len__(self) -> int:
        return len(self._running)

    async def wait(self, timeout_s: float) -> None:
        """Return when all tasks have ended, or after the time."""
        if self._running:
            await asyncio.wait(self._running, timeout=timeout_s)

    async def close(self) -> None:
        """Cancel every task and wait until all have ended what they hold.

        A task is told twice only when it seems to have swallowed the first cancellation: a second one would interrupt
        the ending of processes and connections half-way.
        """
        for _ in range(2):
            pending = [task for task in self._running if task is not asyncio.current_task()]
            if not pending:
                return
            for task in pending:
                task.cancel()
            await asyncio.wait(pending, timeout=_CLOSE_S)
