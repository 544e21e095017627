"""What journeys share: the benches of the matrix, each started once."""

import contextlib
import functools
from collections.abc import Callable, Iterator

import pytest

from tests.support import matrix
from tests.support.client import Refused

_BENCHES = [(front, era) for front in ("direct", "stdio", "http") for era in ("legacy", "modern")]


def _is_quick(front: str, name: str) -> bool:
    """Tell the cells of every run: what a front or a wire has of its own needs one child, the eras need them all."""
    return name == "dual" or (front == "stdio" and matrix.CHILDREN[name][1] == "stdio")


_CELLS = [
    pytest.param((*pair, name), marks=() if _is_quick(pair[0], name) else pytest.mark.slow)
    for pair in _BENCHES
    # To prove the children themselves, the one of both eras is also looked at without a runtime between.
    for name in (["dual"] if pair[0] == "direct" else matrix.CHILDREN)
]


@pytest.fixture(scope="session")
def benches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, str], matrix.Bench]]:
    """Start the bench of a front and an era when it is first asked for, and keep it to the end."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def start(front: str, era: str) -> matrix.Bench | Exception:
            try:
                return stack.enter_context(matrix.bench(tmp_path_factory.mktemp("bench"), front, era))
            except (AssertionError, OSError, Refused) as error:
                return error

        def bench(front: str, era: str) -> matrix.Bench:
            started = start(front, era)
            if isinstance(started, Exception):
                # Remembered, so that a runtime which cannot start is not waited for by hundreds of tests.
                raise started
            return started

        yield bench


@pytest.fixture(params=_CELLS, ids="{0[1]}-client-{0[0]}-{0[2]}-child".format)
def cell(request: pytest.FixtureRequest, benches: Callable[[str, str], matrix.Bench]) -> matrix.Cell:
    """One cell of the matrix: a connected client, and the child it looks at."""
    front, era, name = request.param
    return benches(front, era).cell(name)
