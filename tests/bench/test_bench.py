"""The benchmark itself works, so that its figures can be repeated."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.measures import ALL


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the CPU clock of another process is read as Linux has it"
)
@pytest.mark.parametrize("measure", sorted(set(ALL) - {"list", "memory"}))
def test_a_measure_ends_with_a_table(measure: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", measure, "--rounds", "1", "--no-relay"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=280,
        check=True,
    )

    assert "| ours |" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_what_the_window_costs_ends_with_a_table() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.watching", "--seconds", "2"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=110,
        check=True,
    )

    assert "| lost because the window was slow | 0 |" in done.stdout
