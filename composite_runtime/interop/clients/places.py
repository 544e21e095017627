"""Common answers to the question where a client keeps its file."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from composite_runtime.interop.clients.format import Location, Paths


def below_home(current: str, *older: str) -> Paths:
    """Return the rule that a client's file has one place below the home folder, and had others before."""

    def places(platform: str, env: Mapping[str, str], home: Path) -> Iterator[Location]:
        present = [home / file for file in older if (home / file).exists()]
        files = [home / current, *present]
        if present and not files[0].exists():
            files = [*present, files[0]]
        yield from map(Location, files)

    return places


def nowhere(platform: str, env: Mapping[str, str], home: Path) -> Iterator[Location]:
    """Say that the client has no file that is known."""
    return iter(())
