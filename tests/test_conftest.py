"""The checks that guard every other test do fail when they should."""

import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).with_name("conftest.py")
SETTINGS = """
[pytest]
timeout = 10
filterwarnings = error
markers =
    xvfb: needs a display
    secretservice: needs a Secret Service
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project of its own that has our conftest; it runs in a process of its own."""
    monkeypatch.setenv("PYTHONPATH", str(CONFTEST.parents[1]))
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:cacheprovider")
    pytester.makeini(SETTINGS)
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8").replace("SETTLE_S = 3.0", "SETTLE_S = 0.2"))
    return pytester


def outcomes(project: pytest.Pytester, test: str) -> dict[str, int]:
    project.makepyfile(test)
    return project.runpytest_subprocess(timeout=60).parseoutcomes()


def test_a_coroutine_test_runs_without_a_plugin(project: pytest.Pytester) -> None:
    assert outcomes(project, "async def test_it(tmp_path): assert tmp_path.exists()") == {"passed": 1}


def test_a_coroutine_test_that_fails_is_a_failure(project: pytest.Pytester) -> None:
    assert outcomes(project, "async def test_it(): assert False") == {"failed": 1}


def test_a_coroutine_test_that_hangs_fails_before_pytest_kills_it(project: pytest.Pytester) -> None:
    test = "import asyncio, pytest\n@pytest.mark.timeout(6)\nasync def test_it(): await asyncio.Event().wait()"

    assert outcomes(project, test) == {"failed": 1}


def test_a_task_left_running_fails_the_test(project: pytest.Pytester) -> None:
    test = "import asyncio\nkept = []\nasync def test_it(): kept.append(asyncio.create_task(asyncio.sleep(60)))"

    assert outcomes(project, test) == {"failed": 1}


@pytest.mark.skipif(sys.platform != "linux", reason="processes are only counted on Linux")
@pytest.mark.parametrize("command", ["sleep 60", "(sleep 60 &) ; exit 0"], ids=["a child", "an orphan"])
def test_a_process_left_running_fails_the_test(project: pytest.Pytester, command: str) -> None:
    test = f"import subprocess\nkept = []\ndef test_it(): kept.append(subprocess.Popen({command!r}, shell=True))"

    assert outcomes(project, test)["errors"] == 1


def test_a_window_left_open_fails_the_test(project: pytest.Pytester) -> None:
    pytest.importorskip("PySide6.QtWidgets")
    test = """
        from PySide6.QtWidgets import QWidget
        kept = []
        def test_it(qapp):
            kept.append(QWidget())
            kept[0].show()
    """

    assert outcomes(project, test) == {"passed": 1, "errors": 1}


def test_a_coroutine_test_with_qtbot_shares_its_loop_with_qt(project: pytest.Pytester) -> None:
    pytest.importorskip("PySide6.QtWidgets")
    test = """
        import asyncio
        from PySide6.QtCore import QTimer
        async def test_it(qtbot):
            fired = asyncio.Event()
            QTimer.singleShot(1, fired.set)
            await fired.wait()
    """

    assert outcomes(project, test) == {"passed": 1}
