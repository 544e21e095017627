"""Lines on stderr that hold nobody up: who has started us may stop reading, and clients still want their answers."""

import contextlib
import os
import queue
import threading
from typing import Final

LINES_LIMIT: Final = 10_000
_FLUSH_S: Final = 1.0
_BATCH: Final = 256


class Stderr:
    """Writes lines in a thread of its own. What nobody reads is dropped beyond a bound, and counted."""

    def __init__(self, descriptor: int = 2) -> None:
        self._descriptor = descriptor
        self._lines: queue.Queue[str | None] = queue.Queue(LINES_LIMIT)
        self._lost = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Have a line written, some time."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._lost += 1

    def close(self) -> None:
        """Give what is written a moment to be read."""
        with contextlib.suppress(queue.Full):
            self._lines.put(None, timeout=_FLUSH_S)
            self._thread.join(_FLUSH_S)

    @property
    def has_room(self) -> bool:
        """Whether a few lines more would be kept."""
        return self._lines.qsize() < LINES_LIMIT - 4

    def taken_lost(self) -> int:
        """Return how many lines were dropped since this was last asked."""
        lost, self._lost = self._lost, 0
        return lost

    def _run(self) -> None:
        is_open = True
        while is_open:
            batch = [self._lines.get()]
            with contextlib.suppress(queue.Empty):
                while len(batch) < _BATCH and batch[-1] is not None:
                    batch.append(self._lines.get_nowait())
            is_open = batch[-1] is not None
            text = "".join(f"{line}\n" for line in batch if line is not None)
            self._put(text.encode("utf-8", "backslashreplace"))

    def _put(self, data: bytes) -> None:
        # Not by `sys.stderr`: its lock, held while nobody reads, would stop the whole process at its end.
        view = memoryview(data)
        with contextlib.suppress(OSError):  # nobody will ever read it
            while view:
                view = view[os.write(self._descriptor, view) :]
