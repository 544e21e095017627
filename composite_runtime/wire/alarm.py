"""One timer for many deadlines: to make and cancel one for each would cost more than most of them are worth."""

import asyncio
from collections.abc import Callable


class Alarm:
    """Calls `ring` once the earliest moment it was set for has come; whoever is called sets it anew for the rest."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._at = 0.0

    def set(self, at: float) -> None:
        """Ring at this time of the loop, unless it rings earlier anyway."""
        if self._timer is not None:
            if self._at <= at:
                return
            self._timer.cancel()
        self._at = at
        self._timer = self._loop.call_at(at, self._rung)

    def close(self) -> None:
        """Never ring again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _rung(self) -> None:
        self._timer = None
        self._ring()
