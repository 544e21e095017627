"""Windows that nobody holds any more are ended in their own thread."""

import asyncio
import gc
import threading
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer
from pytestqt.qtbot import QtBot

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


async def test_a_thread_that_makes_garbage_ends_no_widget(qtbot: QtBot) -> None:
    ended: list[int] = []
    Ended(ended.append)
    await asyncio.to_thread(litter)
    assert not ended

    def over() -> bool:
        litter()
        return bool(ended)

    await until(over)
    assert ended == [threading.get_ident()]


def test_outside_of_the_loop_the_collector_is_as_it_was(qtbot: QtBot) -> None:
    assert gc.isenabled()
    with collected_here():
        assert not gc.isenabled()
        with collected_here():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
