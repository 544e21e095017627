"""What the server asks while it works: the questions wait in a queue, the first is shown with a form to answer it."""

from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from fusion_desktop import theme
from fusion_desktop.inspector.answers import Answers, asks_for_secret
from fusion_desktop.inspector.contents import Contents
from fusion_desktop.inspector.editors import Choice, TextArea
from fusion_desktop.inspector.markdown import plain_area
from fusion_desktop.inspector.room import Room
from fusion_desktop.inspector.schema_form import SchemaForm
from fusion_desktop.inspector.values import DraftError, check_text
from fusion_desktop.run.frames import JsonObject, Question

Json: TypeAlias = Any


_FORM_HEIGHT = 320
_LEAST, _MOST = 160, 400
"""How high what is asked is shown; the answers stay below it, whatever the length of the question."""
_ONCE, _NOW, _KEPT = "once", "now", "kept"


class Questions(QFrame):
    """Hidden while nothing is asked."""

    answered = Signal()
    counted = Signal()
    """Another number of questions waits for an answer."""

    def __init__(self, answers: Answers, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._answers = answers
        self.setObjectName("questions")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self._queue: deque[Question] = deque()
        self._card: _Card | None = None
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(3 * theme.GRID, 2 * theme.GRID, 3 * theme.GRID, 3 * theme.GRID)
        self._title = QLabel()
        self._title.setFont(theme.font(bold=True))
        self._layout.addWidget(self._title)
        theme.signals.changed.connect(self._colour)
        self._colour()
        self.hide()

    @property
    def waiting(self) -> int:
        """How many questions wait for an answer."""
        return len(self._queue)

    def add(self, question: Question) -> None:
        """Ask the user, or answer as the user has settled it."""
        if (known := self._answers.find(question)) is not None:
            question.answer(known)
            return
        self._queue.append(question)
        self._show_first()

    def withdraw(self, question: Question) -> None:
        """Forget a question that needs no answer any more."""
        if question in self._queue:
            self._queue.remove(question)
            self._show_first()

    def _show_first(self) -> None:
        # Before anything is shown, so that there is room for it.
        self.counted.emit()
        first = self._queue[0] if self._queue else None
        if self._card is not None and self._card.question is not first:
            self._layout.removeWidget(self._card)
            self._card.hide()
            self._card.deleteLater()
            self._card = None
        if first is not None and self._card is None:
            self._card = _card(first, self._finish)
            self._layout.addWidget(self._card)
            self._card.setFocus()
        count = f" · 1 of {len(self._queue)}" if len(self._queue) > 1 else ""
        self._title.setText(f"The server asks{count}")
        self.setVisible(first is not None)

    def _finish(self, card: "_Card", answer: JsonObject | None) -> None:
        if answer is None:
            card.question.refuse("The user refused.")
        else:
            if card.is_repeated:
                self._answers.add(card.question, answer, is_kept=card.is_kept)
            card.question.answer(answer)
        self.withdraw(card.question)
        self.answered.emit()

    def _colour(self) -> None:
        look = theme.current()
        self.setStyleSheet(
            f"#questions {{ background: {look.raised}; border: 1px solid {look.accent}; border-radius: 6px; }}"
        )


Finish: TypeAlias = "Callable[[_Card, JsonObject | None], None]"


class _Card(QWidget):
    """One question and its buttons."""

    def __init__(self, question: Question, finish: Finish, *, can_repeat: bool) -> None:
        super().__init__()
        self.question = question
        self._finish = finish
        inside = QWidget()
        self._parts = QVBoxLayout(inside)
        self._parts.setContentsMargins(0, 0, 0, 0)
        self._parts.setSpacing(2 * theme.GRID)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2 * theme.GRID)
        self._layout.addWidget(Room(inside, least=_LEAST, most=_MOST, name="What the server asks"))
        self.again = Choice()
        self.again.setAccessibleName("How long the answer counts")
        self.again.addItem("Answer this time only", _ONCE)
        self.again.addItem("Answer the same until Fusion ends", _NOW)
        if not asks_for_secret(question):
            self.again.addItem("Always answer the same in this graph", _KEPT)
        self.again.setVisible(can_repeat)
        self._buttons = QHBoxLayout()
        self._buttons.addStretch(1)

    @property
    def is_repeated(self) -> bool:
        """Whether the answer counts for the questions to come."""
        return bool(self.again.currentData() != _ONCE)

    @property
    def is_kept(self) -> bool:
        """Whether the answer is kept with the graph."""
        return bool(self.again.currentData() == _KEPT)

    def add_text(self, text: str, role: str = "") -> None:
        """Put words on the card."""
        label = QLabel(text, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.setProperty("role", role)
        # A word without an end must not make the card wider than the panel.
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        label.setSizePolicy(policy)
        self._parts.addWidget(label)

    def add_part(self, part: QWidget) -> None:
        """Put a field on the card."""
        self._parts.addWidget(part)

    def add_row(self, row: QHBoxLayout) -> None:
        """Put several fields on the card, side by side."""
        self._parts.addLayout(row)

    def add_answer(self, text: str, make: Callable[[], JsonObject | None], *, is_primary: bool = False) -> QPushButton:
        """Put a button on the card; None refuses the question."""
        button = QPushButton(text)
        button.setProperty("primary", is_primary)
        button.clicked.connect(lambda: self._finish(self, make()))
        self._buttons.addWidget(button)
        return button

    def close_with(self, first: QWidget) -> None:
        """Finish the card: buttons below, the cursor in its first field."""
        self._layout.addWidget(self.again)
        self._layout.addLayout(self._buttons)
        self.setFocusProxy(first)


def _card(question: Question, finish: Finish) -> _Card:
    match question.method:
        case "sampling/createMessage":
            return _sampling(question, finish)
        case _ if question.params.get("mode") == "url":
            return _elicit_url(question, finish)
        case _:
            return _elicit_form(question, finish)


def _sampling(question: Question, finish: Finish) -> _Card:
    card = _Card(question, finish, can_repeat=True)
    card.add_text("It wants a language model to go on from here; write what the model would say.")
    if prompt := question.params.get("systemPrompt"):
        card.add_text(f"System prompt: {prompt}", "caption")
    messages = Contents()
    shown = question.params.get("messages")
    messages.show_blocks(shown if isinstance(shown, list) else [])
    card.add_part(messages)
    reply = TextArea(lines=3)
    reply.setPlaceholderText("Answer of the model")
    reply.setAccessibleName("Answer of the model")
    model = QLineEdit("fusion-inspector")
    model.setAccessibleName("Name of the model")
    card.add_part(reply)
    called = QHBoxLayout()
    called.setSpacing(2 * theme.GRID)
    called.addWidget(QLabel("Model"))
    called.addWidget(model, 1)
    card.add_row(called)

    def made() -> JsonObject:
        content = {"type": "text", "text": reply.exact_text()}
        return {"role": "assistant", "content": content, "model": model.text(), "stopReason": "endTurn"}

    card.add_answer("Refuse", lambda: None)
    send = card.add_answer("Send", made, is_primary=True)
    reply.textChanged.connect(lambda: send.setEnabled(_is_sendable(reply.exact_text())))
    card.close_with(reply)
    return card


def _elicit_form(question: Question, finish: Finish) -> _Card:
    card = _Card(question, finish, can_repeat=True)
    card.add_text(str(question.params.get("message", "")))
    schema = question.params.get("requestedSchema")
    form = SchemaForm(schema if isinstance(schema, dict) else {"type": "object"})
    form.show_faults()
    form.setFixedHeight(min(form.natural_height(), _FORM_HEIGHT))
    is_plain = isinstance(schema, dict) and schema.get("properties") == {}
    if is_plain:
        form.hide()  # it is a yes or no
    card.add_part(form)
    card.add_answer("Cancel", lambda: {"action": "cancel"})
    card.add_answer("Decline", lambda: {"action": "decline"})
    accept = card.add_answer("Accept", lambda: {"action": "accept", "content": form.reading().value}, is_primary=True)

    def judge() -> None:
        accept.setEnabled(not form.reading().faults)

    form.changed.connect(judge)
    judge()
    card.close_with(accept if is_plain else form)
    return card


def _elicit_url(question: Question, finish: Finish) -> _Card:
    card = _Card(question, finish, can_repeat=False)
    address = str(question.params.get("url", ""))
    card.add_text(str(question.params.get("message", "")))
    # The whole address is shown before anything opens: a server may send the user anywhere.
    whole = plain_area(address)
    whole.setAccessibleName("Address")
    card.add_part(whole)
    link = QUrl(address)
    shown = QPushButton(f"Open {link.host()} in the browser")
    shown.clicked.connect(lambda: QDesktopServices.openUrl(link))
    card.add_part(shown)
    if link.scheme() not in {"https", "http"} or not link.host():
        shown.hide()
        card.add_text("Only addresses that begin with https or http can be opened.", "warning")
    card.add_answer("Cancel", lambda: {"action": "cancel"})
    card.add_answer("Decline", lambda: {"action": "decline"})
    card.add_answer("Accept", lambda: {"action": "accept"}, is_primary=True)
    card.close_with(shown)
    return card


def _is_sendable(text: str) -> bool:
    try:
        check_text(text)
    except DraftError:
        return False
    return True
