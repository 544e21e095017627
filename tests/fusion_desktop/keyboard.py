"""A keyboard: keys go where the focus is, as real key events, and to nothing else."""

import asyncio

from PySide6.QtCore import QTimer
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget


def focus() -> QWidget:
    """Return where the next key goes."""
    target = QApplication.activePopupWidget() or QApplication.focusWidget() or QApplication.activeWindow()
    assert target is not None, "no window is active"
    return target


async def press(*keys: str) -> None:
    """Press keys, written as `Ctrl+S` or, for one after the other, `Alt+S, U`."""
    for key in keys:
        QTest.keySequence(focus(), QKeySequence(key))
        await rounds()


async def type_in(words: str, *, then: str = "") -> None:
    """Type text where the focus is, and perhaps a key after it."""
    QTest.keyClicks(focus(), words)
    await rounds()
    if then:
        await press(then)


async def rounds(times: int = 3) -> None:
    """Let Qt do what the last key put off, which may put off something in turn."""
    # Not `processEvents`: called in a coroutine, it would step into other coroutines.
    for _ in range(times):
        done = asyncio.get_running_loop().create_future()
        QTimer.singleShot(0, lambda done=done: done.done() or done.set_result(None))
        await done
