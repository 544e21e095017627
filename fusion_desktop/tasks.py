"""Start a coroutine from Qt code, keep it, and report its failure."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from PySide6.QtCore import QObject

from composite_runtime.errors import FusionError

T = TypeVar("T")

# The loop keeps only weak references to tasks: without this set one could vanish in the middle of its work.
_running: set[asyncio.Task[Any]] = set()
_log = logging.getLogger(__name__)


def spawn(coroutine: Coroutine[Any, Any, T], *, failed: Callable[[str], None] | None = None) -> asyncio.Task[T]:
    """Start the coroutine on the running loop; `failed` receives the words of an error."""
    task = asyncio.get_running_loop().create_task(coroutine)
    _running.add(task)
    task.add_done_callback(lambda done: _finish(done, failed))
    return task


def spawn_for(
    owner: QObject, coroutine: Coroutine[Any, Any, T], *, failed: Callable[[str], None] | None = None
) -> asyncio.Task[T]:
    """Start the coroutine as `spawn` does, and cancel it when its owner is gone, so that it meets no dead widget."""
    task = spawn(coroutine, failed=failed)
    owner.destroyed.connect(lambda: None if task.done() else task.cancel())
    return task


async def cancel_all() -> None:
    """Cancel every task started here and wait until all have ended."""
    current = asyncio.current_task()
    while others := [task for task in _running if task is not current]:
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # `gather` returns before the callbacks that empty the set have run.
        await asyncio.sleep(0)


def _finish(task: asyncio.Task[Any], failed: Callable[[str], None] | None) -> None:
    _running.discard(task)
    if task.cancelled() or (error := task.exception()) is None:
        return
    if isinstance(error, FusionError):
        message = error.message
    else:
        _log.error("unexpected", exc_info=error)
        message = f"unexpected {type(error).__name__}: {error}"
    if failed is not None:
        failed(message)
    elif isinstance(error, FusionError):
        _log.warning(message)
