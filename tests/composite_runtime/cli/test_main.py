import subprocess
import sys
from importlib.metadata import version

import pytest

from composite_runtime.cli import COMMANDS, main
from composite_runtime.paths import resource


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])

    assert set(COMMANDS) <= set(capsys.readouterr().out.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])

    assert f"composite-runtime {command}" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["dance"], ["check"], ["check", "a", "b"]])
def test_wrong_usage_ends_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words)

    assert "usage: composite-runtime" in capsys.readouterr().err


def test_the_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])

    assert capsys.readouterr().out == f"composite-runtime {version('fusion-desktop')}\n"


def test_what_the_user_can_mend_is_one_line_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "no-such.fusion"]) == 1
    assert capsys.readouterr().err == "composite-runtime: no-such.fusion does not exist\n"


LATE = {"mcp", "mcp_types", "PySide6", "pydantic", "starlette", "uvicorn"}


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        (["--help"], set()),
        (["--version"], set()),
        (["check", str(resource("examples/first.fusion"))], {"pydantic"}),
    ],
)
def test_a_quick_command_loads_no_more_than_it_needs(words: list[str], needed: set[str]) -> None:
    script = (
        "import atexit, sys; from composite_runtime.cli import main;"
        "atexit.register(lambda: print(*sys.modules, sep='\\n'));"
        f"sys.exit(main({words!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True, encoding="utf-8"
    )

    assert LATE & set(done.stdout.splitlines()) == needed


def test_the_package_is_a_command_too() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "composite_runtime", "--version"], capture_output=True, text=True, timeout=30, check=True
    )

    assert done.stdout.startswith("composite-runtime ")
