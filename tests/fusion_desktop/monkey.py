"""A monkey at the window: it clicks, drags, types and commands at random, always the same for one seed.

What it may not do: answer dialogs that write files or change the configuration of clients, reach the network, or start
what is drawn. Dialogs that hold nothing of the kind it plays with; the others it closes with Escape.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QEvent, QMessageLogContext, QObject, QPoint, Qt, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QMainWindow, QMenu, QMessageBox, QWidget

from fusion_desktop.actions import TABLE
from fusion_desktop.app import Program
from fusion_desktop.dialogs.keys import KeySheet
from fusion_desktop.dialogs.preferences import Preferences

# These end the session, leave this machine, or start what is drawn.
LEFT_OUT = {"file.quit", "file.registry", "run.start", "run.inspect", "view.full_screen"}
ACTIONS = [spec.id for spec in TABLE if spec.id not in LEFT_OUT]
_NAMES = """
    A B C D F I L N W X Tab Escape Return Delete Backspace F2 F6 Left Right Up Down Space Home PageDown Question
"""
KEYS = [getattr(Qt.Key, f"Key_{name}") for name in _NAMES.split()]
MODIFIERS = [
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
]
PLAYED_WITH = (KeySheet, Preferences)
WORDS = ("note", "two words", "{}", '{"mcpServers": {"a": {"command": "true"}}}', "1e999", "../..", "a" * 300)
IGNORED = ("This plugin does not support", "QXcbIntegration", "propagateSizeHints")


class Monkey:
    """Plays with a program, one move at a time."""

    def __init__(self, program: Program, seed: int) -> None:
        self._random = random.Random(seed)
        self._window = program.window
        self._area = program.window.view.viewport()

    def move(self) -> None:
        """Do one thing; deal with a dialog first, if one is open."""
        dialog = self._dialog()
        if dialog is not None and (not isinstance(dialog, PLAYED_WITH) or self._random.random() < 0.2):
            self._close(dialog)
        elif dialog is not None:
            self._random.choice((self._poke, self._type))(dialog)
        else:
            choices = (self._click, self._drag, self._type, self._act, self._act, self._poke, self._wheel)
            self._random.choice(choices)(self._window)

    def tidy_up(self) -> None:
        """Close whatever is open."""
        while (dialog := self._dialog()) is not None:
            self._close(dialog)
        self._window.view.cancel_gesture()
        self._window.finding.palette.hide()
        self._window.statusBar().clearMessage()

    def _dialog(self) -> QWidget | None:
        if (popup := QApplication.activePopupWidget()) is not None:
            return popup
        windows = [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()]
        return windows[-1] if windows else None

    def _close(self, dialog: QWidget) -> None:
        if isinstance(dialog, QMessageBox):
            # The last answer of a question is the one that does nothing.
            dialog.reject()
        elif isinstance(dialog, QDialog):
            dialog.reject()
        else:
            dialog.close()

    def _point(self, widget: QWidget) -> QPoint:
        return QPoint(self._random.randrange(max(1, widget.width())), self._random.randrange(max(1, widget.height())))

    def _click(self, _: QWidget) -> None:
        button = self._random.choice((Qt.MouseButton.LeftButton,) * 4 + (Qt.MouseButton.RightButton,))
        at = self._point(self._area)
        if self._random.random() < 0.1:
            QTest.mouseDClick(self._area, Qt.MouseButton.LeftButton, pos=at)
        else:
            QTest.mouseClick(self._area, button, self._random.choice(MODIFIERS), at)

    def _drag(self, _: QWidget) -> None:
        start, end = self._point(self._area), self._point(self._area)
        button = self._random.choice((Qt.MouseButton.LeftButton,) * 3 + (Qt.MouseButton.MiddleButton,))
        QTest.mousePress(self._area, button, pos=start)
        for part in (0.3, 0.7, 1.0):
            QTest.mouseMove(self._area, start + (end - start) * part)
        self._disturb(end)
        QTest.mouseRelease(self._area, button, pos=end)

    def _disturb(self, at: QPoint) -> None:
        """Do something else in the midst of a drag, as clumsy hands do."""
        match self._random.randrange(12):
            case 0:
                QTest.keyClick(self._window.view, Qt.Key.Key_Escape)
            case 1:
                QTest.mouseClick(self._area, Qt.MouseButton.MiddleButton, pos=at)
            case 2:
                QTest.mouseClick(self._area, Qt.MouseButton.RightButton, pos=at)
            case 3:
                self._act(self._window)

    def _wheel(self, _: QWidget) -> None:
        at = self._point(self._area)
        event = QWheelEvent(
            at.toPointF(),
            self._area.mapToGlobal(at).toPointF(),
            QPoint(),
            QPoint(0, self._random.choice((-240, -120, 120, 240))),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(self._area, event)

    def _type(self, around: QWidget) -> None:
        focus = QApplication.focusWidget()
        target = focus if focus is not None and (focus is around or around.isAncestorOf(focus)) else around
        if target is self._window:
            target = self._window.view
        if self._random.random() < 0.2:
            QTest.keyClicks(target, self._random.choice(WORDS))
        else:
            QTest.keyClick(target, self._random.choice(KEYS), self._random.choice(MODIFIERS))

    def _poke(self, around: QWidget) -> None:
        """Click any control that can be seen."""
        controls = [
            widget
            for widget in around.findChildren(QWidget)
            if widget.isVisible() and widget.focusPolicy() != Qt.FocusPolicy.NoFocus and widget.isEnabled()
        ]
        # The first control is what a wire-protocol client would start; the rest are edited and pressed.
        fitting = [widget for widget in controls if not self._is_left_out(widget)]
        if fitting:
            target = self._random.choice(fitting)
            QTest.mouseClick(target, Qt.MouseButton.LeftButton, pos=self._point(target))

    def _is_left_out(self, widget: QWidget) -> bool:
        inspector = self._window.inspector
        return widget.objectName() == "run-button" or inspector.isAncestorOf(widget)

    def _act(self, _: QWidget) -> None:
        self._window.actions_table[self._random.choice(ACTIONS)].trigger()


class Flashes(QObject):
    """Notes every widget that is shown as a window though it is none: one that got its parent too late."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            flags = watched.windowType()
            is_window = isinstance(watched, QMainWindow | QDialog | QMenu) or flags != Qt.WindowType.Window
            if not is_window:
                self.seen.append(f"{type(watched).__name__} {watched.objectName() or watched.accessibleName()!r}")
        return False


@contextmanager
def warnings_of_qt() -> Iterator[list[str]]:
    """Collect what Qt warns of meanwhile."""
    told: list[str] = []

    def note(kind: QtMsgType, _context: QMessageLogContext, message: str) -> None:
        if kind != QtMsgType.QtDebugMsg and not any(part in message for part in IGNORED):
            told.append(message)

    before = qInstallMessageHandler(note)
    try:
        yield told
    finally:
        qInstallMessageHandler(before)


def belongings(program: Program) -> list[str]:
    """Return the timers that run on and the dialogs that exist, seen or unseen."""
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    timers = [
        f"timer of {type(timer.parent()).__name__}, {timer.interval()} ms"
        for timer in program.window.findChildren(QTimer)
        if timer.isActive() and not timer.isSingleShot()
    ]
    dialogs = [type(widget).__name__ for widget in QApplication.topLevelWidgets() if isinstance(widget, QDialog)]
    return sorted(timers + dialogs)
