"""What every test shares: coroutine tests, a home of its own, and a check that nothing is left behind.

Nothing here imports Qt, so that the tests of the runtime run on machines without it. Coroutine tests need no plugin:
they run on a plain asyncio loop, or on a qasync loop when they use the fixture `qtbot` or `qloop`.
"""

import asyncio
import gc
import inspect
import os
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import processes

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["QT_API"] = "pyside6"

# Two busy cores make any deadline a coin toss; pytest's own time limit still bounds a test.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", _PATIENT, max_examples=25)
settings.register_profile("thorough", _PATIENT, max_examples=400)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

_MUCH = 100_000  # objects

SETTLE_S = 3.0
"""How long tasks and processes that are about to end may take to do so."""


@pytest.fixture(autouse=True)
def fusion_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """Give the test, and every process it starts, a Fusion folder of its own and no way to the real keyring."""
    folder = tmp_path / "fusion-home"
    monkeypatch.setenv("FUSION_HOME", str(folder))
    if request.node.get_closest_marker("secretservice") is None:
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    return folder


@pytest.fixture(autouse=True)
def garbage_collected_here(fusion_home: Path, request: pytest.FixtureRequest) -> Iterator[None]:
    """Collect garbage after a test, and only then: a widget that ends in another thread leaves its timers behind.

    What was dropped without being closed complains when it is collected: here, so that this test is blamed.
    """
    yield
    if "qapp" in request.fixturenames or inspect.iscoroutinefunction(request.function) or gc.get_count()[0] > _MUCH:
        gc.collect()


@pytest.fixture(autouse=True)
def no_process_left(garbage_collected_here: None) -> Iterator[None]:
    """Fail a test that leaves a process behind, even one whose parent is gone."""
    before = processes.descendants()
    yield
    left = processes.wait_until_gone(lambda: processes.descendants() - before, SETTLE_S)
    if left:
        words = ", ".join(f"{pid} ({processes.command_line(pid)})" for pid in sorted(left))
        processes.end(left)
        pytest.fail(f"processes left behind: {words}")


@pytest.fixture(autouse=True)
def no_window_left(no_process_left: None) -> Iterator[None]:
    """Fail a test that leaves a window open."""
    yield
    if "PySide6.QtWidgets" not in sys.modules:
        return
    from PySide6.QtCore import QCoreApplication, QEvent
    from PySide6.QtWidgets import QApplication

    if QApplication.instance() is None:
        return
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    left = [window for window in QApplication.topLevelWidgets() if window.isVisible()]
    if left:
        words = ", ".join(f"{type(window).__name__} {window.windowTitle()!r}" for window in left)
        for window in left:
            window.hide()
            window.deleteLater()
        pytest.fail(f"windows left open: {words}")


@pytest.fixture
def qloop(qapp: Any) -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that runs coroutines and Qt at once; coroutine tests with `qtbot` get it unasked."""
    from fusion_desktop.loop import EventLoop

    loop = EventLoop(qapp)
    asyncio.set_event_loop(loop)
    yield loop
    asyncio.set_event_loop(None)
    loop.close()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test to its end, at the latest shortly before pytest would kill it."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    test = _bounded(pyfuncitem.obj(**arguments), _limit_s(pyfuncitem))
    if {"qtbot", "qloop"} & set(pyfuncitem.fixturenames):
        pyfuncitem._request.getfixturevalue("qloop").run_until_complete(test)
    else:
        with asyncio.Runner() as runner:
            runner.run(test)
    return True


def _limit_s(item: pytest.Function) -> float:
    marker = item.get_closest_marker("timeout")
    limit = float(marker.args[0] if marker and marker.args else item.config.getini("timeout"))
    # What is left is for ending the test's tasks and for a report, which pytest's own limit would cut short.
    return limit - min(10.0, limit / 2)


async def _bounded(test: Coroutine[Any, Any, None], limit_s: float) -> None:
    try:
        async with asyncio.timeout(limit_s) as bound:
            await test
    except TimeoutError:
        if bound.expired():
            pytest.fail(f"the test did not end within {limit_s:.0f} s", pytrace=True)
        raise
    finally:
        left = await _tasks_left()
    if left:
        pytest.fail(f"tasks left running: {', '.join(left)}")


async def _tasks_left() -> list[str]:
    """Return the tasks that still run after the time to settle, cancelled by now."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    if not tasks:
        return []
    _, running = await asyncio.wait(tasks, timeout=SETTLE_S)
    words = [repr(task.get_coro()) for task in running if task is not None]
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running, timeout=SETTLE_S)
    return words


def pytest_configure(config: pytest.Config) -> None:
    """Adopt orphans, so that a process whose parent died is found as well."""
    processes.adopt_orphans()


def pytest_collection_finish() -> None:
    """Let the garbage collections after tests leave out all that was imported: it is never garbage."""
    gc.collect()
    gc.freeze()
    gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a surrounding that is not there; `.ci/run` makes both."""
    if os.environ["QT_QPA_PLATFORM"] != "xcb":
        _skip(items, "xvfb", "needs QT_QPA_PLATFORM=xcb and a display")
    if "FUSION_TEST_SECRET_SERVICE" not in os.environ:
        # Never by chance: on a developer's machine the Secret Service holds the developer's secrets.
        _skip(items, "secretservice", "needs FUSION_TEST_SECRET_SERVICE=1 and a Secret Service made for tests")


def _skip(items: list[pytest.Item], mark: str, reason: str) -> None:
    for item in items:
        if item.get_closest_marker(mark):
            item.add_marker(pytest.mark.skip(reason=reason))
