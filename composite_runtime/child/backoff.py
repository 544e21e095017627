"""How long to wait before a child is started again."""

import random

FIRST_S = 0.25
LONGEST_S = 60.0
SUSTAINED_S = 30.0


class Backoff:
    """Doubles with each failure, with full jitter; starts afresh after the child has run for half a minute."""

    def __init__(self) -> None:
        self._failures = 0

    def next_s(self, uptime_s: float) -> float:
        """Return the seconds to wait after a run of `uptime_s`."""
        self._failures = 0 if uptime_s >= SUSTAINED_S else self._failures + 1
        longest = min(LONGEST_S, FIRST_S * 2.0 ** min(self._failures, 16))
        return random.uniform(longest / 2, longest)
