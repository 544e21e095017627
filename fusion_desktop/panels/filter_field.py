"""The field of a filter language: while a term is typed, what it may become is offered below."""

from collections.abc import Callable

from PySide6.QtCore import QStringListModel, Qt
from PySide6.QtWidgets import QCompleter, QLineEdit, QListView, QWidget


class FilterField(QLineEdit):
    """Completes the last term; `suggest` gives what the text up to the cursor may go on with."""

    def __init__(self, suggest: Callable[[str], list[str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._suggest = suggest
        self._words = QStringListModel(self)
        self.completion = QCompleter(self._words, self)
        self.completion.setWidget(self)
        self.completion.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        self.completion.activated.connect(self._take)
        self._popup = QListView()
        self._popup.setProperty("role", "popup")
        self.completion.setPopup(self._popup)
        self._popup.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.textEdited.connect(self._offer)

    def _offer(self) -> None:
        words = self._suggest(self.text()[: self.cursorPosition()])
        self._words.setStringList(words)
        if words and self.hasFocus():
            self.completion.complete()
        else:
            self._popup.hide()

    def _take(self, words: str) -> None:
        before, after = self.text()[: self.cursorPosition()], self.text()[self.cursorPosition() :]
        start = before.rpartition(" ")[0]
        term = before[len(start) :].lstrip(" ")
        sign = "-" if term.startswith("-") else ""
        rest = " " if not words.endswith(":") and not after.startswith(" ") else ""
        made = f"{start} {sign}{words}{rest}" if start else f"{sign}{words}{rest}"
        self.setText(made + after)
        self.setCursorPosition(len(made))
        if words.endswith(":"):
            self._offer()
