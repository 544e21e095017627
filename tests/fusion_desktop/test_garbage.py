"""Windows that nobody holds any more are ended in their own thread."""

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from fusion_desktop.garbage import collected_here
from tests.fusion_desktop.run.servers import until


class Ended(QObject):
    """Tells in which thread it ended, for it is part of a cycle only a collection can end."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        super().__init__()
        self.tell = tell
        self.myself = self
        self.timer = QTimer(self)
        self.timer.start(1)

    def __del__(self) -> None:
        self.tell(threading.get_ident())


def litter() -> None:
    """Make enough garbage that the collector would run by itself."""
    for _ in range(5_000):
        cycle: list[object] = []
        cycle.append(cycle)


@pytest.fixture
def enabled() -> Iterator[None]:
    """Let the collector run by itself, as it does outside of tests."""
    gc.enable()
    yield
    gc.disable()


def test_a_thread_that_makes_garbage_ends_no_widget(qloop: asyncio.AbstractEventLoop, enabled: None) -> None:
    ended: list[int] = []

    def over() -> bool:
        litter()
        return bool(ended)

    async def litter_elsewhere_then_here() -> None:
        Ended(ended.append)
        await asyncio.to_thread(litter)
        assert not ended
        await until(over)

    qloop.run_until_complete(litter_elsewhere_then_here())
    assert ended == [threading.get_ident()]


def test_outside_of_the_loop_the_collector_is_as_it_was(qapp: QApplication, enabled: None) -> None:
    with collected_here():
        assert not gc.isenabled()
        with collected_here():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
