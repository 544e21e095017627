"""How long a first list waits for a child nothing is remembered of: as long as others still come."""

import asyncio

_LEAST_S = 1.0


class Arrivals:
    """When the children of one runtime last became ready, each told once."""

    def __init__(self) -> None:
        self._last_at: float | None = None

    def note(self) -> None:
        """Take note that a child is ready."""
        self._last_at = asyncio.get_running_loop().time()

    def deadline(self, started_at: float, patience_s: float) -> float:
        """Return until when to wait for a child that was started then, at most for `patience_s`.

        Once others are there, it is given as long again as they took, and a second at least. Where nobody is there yet,
        there is nothing to show, and so nothing to hold up.
        """
        if self._last_at is None:
            return started_at + patience_s
        again_s = max(_LEAST_S, self._last_at - started_at)
        return min(started_at + patience_s, self._last_at + again_s)
