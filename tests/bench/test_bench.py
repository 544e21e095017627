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
