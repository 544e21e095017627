"""One call in full, beside a list of calls: its name, what can be done with it, what it was given, what came of it."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSplitter, QVBoxLayout, QWidget

from fusion_desktop import theme
from fusion_desktop.controls import reading
from fusion_desktop.inspector.result import ResultView
from fusion_desktop.run.frames import JsonObject, text_of

_ARGUMENTS = 600


class CallDetail(QWidget):
    """Shows what it is told; `buttons` act on the call, the last of them stands apart."""

    def __init__(self, buttons: Sequence[QPushButton], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = reading(role="heading")
        self._about = reading(role="caption")
        self._given = reading()
        self._given.setFont(theme.font(theme.CAPTION, mono=True))
        # Calls in lists are saved already, or by a button of their own.
        self.result = ResultView(can_save=False)
        names = QVBoxLayout()
        names.setSpacing(0)
        names.addWidget(self._name)
        names.addWidget(self._about)
        row = QHBoxLayout()
        row.setSpacing(2 * theme.GRID)
        for button in buttons[:-1]:
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(buttons[-1])
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(3 * theme.GRID, 2 * theme.GRID, 3 * theme.GRID, 2 * theme.GRID)
        self._column.setSpacing(2 * theme.GRID)
        self._column.addLayout(names)
        self._column.addLayout(row)
        self._column.addWidget(self._given)
        self._column.addWidget(self.result, 1)

    def add(self, part: QWidget) -> None:
        """Put something more between what was given and the result."""
        self._column.insertWidget(self._column.count() - 1, part)

    def show_call(self, name: str, about: str, arguments: JsonObject | None) -> None:
        """Show which call it is, and what it is given; the result is shown by itself."""
        self._name.setText(name)
        self._about.setText(about)
        text = text_of(arguments, indent=None) if arguments else ""
        self._given.setText(text if len(text) <= _ARGUMENTS else f"{text[:_ARGUMENTS]}…")
        self._given.setVisible(bool(text))

    def beside(self, listed: QWidget) -> QSplitter:
        """Return the list of calls with this at its right."""
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.addWidget(listed)
        split.addWidget(self)
        split.setSizes([380, 520])
        split.setStretchFactor(1, 1)
        return split
