"""What a server has changed since that was accepted: each entry that is new, gone or different, place by place."""

import json
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QGuiApplication, QSyntaxHighlighter, QTextCharFormat, QTextDocument, QTextOption
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from fusion_desktop import theme

if TYPE_CHECKING:
    from composite_runtime.drift import Drift, Part

_LONGEST = 2000


class DriftPanel(QWidget):
    """Shows the changes of one server, to be read and accepted."""

    accepted = Signal()
    """What the server offers now shall count as known."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._name = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._name.setProperty("role", "heading")
        self._words = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._words.setObjectName("drift-summary")
        self._words.setProperty("role", "muted")
        self.text = QPlainTextEdit(readOnly=True)
        self.text.setTabChangesFocus(True)
        self.text.setFont(theme.font(theme.CAPTION, mono=True))
        self.text.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.text.setAccessibleName("What has changed")
        self._colours = _Colours(self.text.document())
        theme.signals.changed.connect(self._colours.rehighlight)
        self.accept = QPushButton("Accept")
        self.accept.setToolTip("What it offers now counts as known; only later changes are shown")
        self.accept.setProperty("primary", True)
        self.accept.clicked.connect(self.accepted)
        self.copy = QPushButton("Copy")
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text.toPlainText()))
        buttons = QHBoxLayout()
        buttons.setSpacing(2 * theme.GRID)
        buttons.addWidget(self.accept)
        buttons.addWidget(self.copy)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * theme.GRID, 3 * theme.GRID, 3 * theme.GRID, 3 * theme.GRID)
        layout.setSpacing(2 * theme.GRID)
        layout.addWidget(self._name)
        layout.addWidget(self._words)
        layout.addWidget(self.text, 1)
        layout.addLayout(buttons)
        layout.addStretch(0)
        self.show_nothing("No server is chosen", "Choose “What changed…” in the menu of a server.")

    def show_nothing(self, title: str, words: str) -> None:
        """Say why there is nothing to read."""
        self._name.setText(title)
        self._words.setText(words)
        for part in (self.text, self.accept, self.copy):
            part.hide()

    def show_drift(self, name: str, drift: "Drift") -> None:
        """Show what has changed."""
        self._name.setText(name)
        self._words.setText(f"Since it was accepted: {drift.summary}.")
        self.text.setPlainText(text_of(drift))
        for part in (self.text, self.accept, self.copy):
            part.show()


def text_of(drift: "Drift") -> str:
    """Return all changes as lines that begin with +, - or ~, those below an entry further in."""
    lines: list[str] = []
    for entry in drift.entries:
        sign = {"added": "+", "removed": "-", "changed": "~"}[entry.how]
        lines.append(f"{sign} {entry.kind} {entry.name}")
        for part in entry.parts:
            lines += _part(part)
        lines.append("")
    return "\n".join(lines).rstrip()


def _part(part: "Part") -> list[str]:
    place = part.pointer.removeprefix("/").replace("/", " › ").replace("~1", "/").replace("~0", "~") or "all of it"
    lines = [f"    {place}"]
    if part.how != "added":
        lines.append(f"  -   {_value(part.before)}")
    if part.how != "removed":
        lines.append(f"  +   {_value(part.after)}")
    return lines


def _value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


class _Colours(QSyntaxHighlighter):
    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)

    def highlightBlock(self, text: str) -> None:
        sign = text.strip()[:1]
        role = {"+": "added", "-": "removed", "~": "warning"}.get(sign)
        look = QTextCharFormat()
        if text[:1] in {"+", "-", "~"}:
            look.setFontWeight(QFont.Weight.DemiBold)
        elif role == "warning" or role is None:
            role = "muted"
        look.setForeground(theme.colour(role or "muted"))
        self.setFormat(0, len(text), look)
