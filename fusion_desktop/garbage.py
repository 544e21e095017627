"""Collecting garbage in the thread of the window only.

A cycle of Python objects that holds a `QObject` may be found by whatever thread makes the collector run. Ended there,
the object cannot stop its timers, and the next of them to fire is sent to freed memory.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QTimer

_EVERY_MS = 500


@contextmanager
def collected_here() -> Iterator[None]:
    """While it is open, collect from this thread's event loop, and nowhere else."""
    was_enabled = gc.isenabled()
    gc.disable()
    timer = QTimer()
    timer.timeout.connect(_collect)
    timer.start(_EVERY_MS)
    try:
        yield
    finally:
        timer.stop()
        if was_enabled:
            gc.enable()


def _collect() -> None:
    """Do what the collector would have done by itself: the oldest generation that is due, with all younger ones."""
    due = [count > limit > 0 for count, limit in zip(gc.get_count(), gc.get_threshold(), strict=True)]
    for generation in (2, 1, 0):
        if due[generation]:
            gc.collect(generation)
            return
