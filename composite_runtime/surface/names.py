"""Public names that fit: no two alike, none too long."""

import hashlib
from collections.abc import Collection

from composite_runtime.graph.naming import NAME_LIMIT


def unique(name: str, taken: Collection[str]) -> str:
    """Return the name made to fit: at most 64 characters, and not one of `taken`.

    A long name keeps its start and ends in six digits of its hash, so that it is the same in every run.
    """
    fitting = name if len(name) <= NAME_LIMIT else f"{name[: NAME_LIMIT - 7]}_{_digest(name)}"
    if fitting not in taken:
        return fitting
    numbers = range(2, len(taken) + 3)
    return next(c for n in numbers if (c := f"{fitting[: NAME_LIMIT - len(str(n)) - 1]}_{n}") not in taken)


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:6]
