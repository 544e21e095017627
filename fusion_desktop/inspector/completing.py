"""Proposals of the server while an argument is typed: asked for when the user pauses, offered below the field."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from PySide6.QtCore import QEvent, QObject, QStringListModel, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCompleter, QListView, QPlainTextEdit

from fusion_desktop.tasks import spawn

PAUSE_MS = 200
"""So long the user must not have typed before the server is asked."""
SHOWN = 100
"""So many proposals are offered; a server may send no more than these at once."""

Proposer: TypeAlias = Callable[[str, str], Awaitable[list[str]]]
"""Returns proposals for an argument of this name that begins with this text."""


class Completing(QObject):
    """Offers proposals for the text of one field; Ctrl+Space asks for them at once."""

    def __init__(self, area: QPlainTextEdit, propose: Proposer) -> None:
        super().__init__(area)
        self._area = area
        self._propose = propose
        self._asked = 0
        self._is_choosing = False
        self._timer = QTimer(self, interval=PAUSE_MS, singleShot=True)
        self._timer.timeout.connect(self.ask)
        self._model = QStringListModel(self)
        self.completer = QCompleter(self._model, self)
        self.completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        self.completer.setWidget(area)
        self.completer.activated.connect(self._choose)
        self._popup = QListView()
        self._popup.setAccessibleName("Proposals of the server")
        self._popup.setProperty("role", "popup")
        self._popup.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.completer.setPopup(self._popup)
        area.textChanged.connect(self._typed)
        area.installEventFilter(self)
        self._popup.installEventFilter(self)

    @property
    def proposals(self) -> list[str]:
        """What is offered now."""
        return self._model.stringList()

    def ask(self) -> None:
        """Ask the server for proposals now."""
        self._asked += 1
        spawn(self._offer(self._asked, self._area.toPlainText()), failed=self._forget)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return False
        if watched is self._area:
            is_asked = event.key() == Qt.Key.Key_Space and event.modifiers() == Qt.KeyboardModifier.ControlModifier
            if is_asked:
                self.ask()
            return is_asked
        # The field would take Enter for a new line before the list takes it for a choice.
        if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab):
            return False
        chosen = self._popup.currentIndex()
        self._popup.hide()
        if chosen.isValid():
            self._choose(self.proposals[chosen.row()])
        return True

    async def _offer(self, number: int, text: str) -> None:
        found = await self._propose(self._area.accessibleName(), text)
        # What was asked for an older text says nothing about what is typed now.
        if number != self._asked:
            return
        shown = found[:SHOWN]
        self._model.setStringList([] if shown == [text] else shown)
        if self.proposals and self._area.hasFocus():
            self.completer.complete(self._area.contentsRect())
        else:
            self._popup.hide()

    def _typed(self) -> None:
        if self._area.hasFocus() and not self._is_choosing:
            self._timer.start()

    def _choose(self, text: str) -> None:
        self._is_choosing = True
        self._area.setPlainText(text)
        self._is_choosing = False
        cursor = self._area.textCursor()
        cursor.movePosition(cursor.MoveOperation.End)
        self._area.setTextCursor(cursor)

    def _forget(self, message: str) -> None:
        """Offer nothing: that a server has no proposals is no trouble of the user's."""
        self._model.setStringList([])
