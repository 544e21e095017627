"""Fields of the properties panel. Each tells its new value once, when the user is done with it."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from fusion_desktop import assets, theme


class Line(QLineEdit):
    """One line of text."""

    committed = Signal(str)

    def __init__(self, name: str, placeholder: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setPlaceholderText(placeholder)
        self._shown = ""
        self.editingFinished.connect(self._commit)

    def show_value(self, text: str) -> None:
        """Show a value from outside, unless the user is in the middle of another."""
        if text != self._shown or not self.hasFocus():
            self._shown = text
            self.setText(text)
            self.setCursorPosition(0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text() != self._shown:
            self.setText(self._shown)
            return
        super().keyPressEvent(event)

    def _commit(self) -> None:
        if self.text() != self._shown:
            self._shown = self.text()
            self.committed.emit(self._shown)


class Lines(QPlainTextEdit):
    """Several values, one per line."""

    committed = Signal(tuple)

    def __init__(self, name: str, placeholder: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setPlaceholderText(placeholder)
        self.setTabChangesFocus(True)
        self.setFont(theme.font(mono=True))
        self._shown: tuple[str, ...] = ()
        self.setFixedHeight(96)

    def show_value(self, values: Sequence[str]) -> None:
        """Show values from outside, unless the user is in the middle of others."""
        if tuple(values) != self._shown or not self.hasFocus():
            self._shown = tuple(values)
            self.setPlainText("\n".join(values))

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        values = tuple(line for line in self.toPlainText().split("\n") if line.strip())
        if values != self._shown:
            self._shown = values
            self.committed.emit(values)


class Pairs(QWidget):
    """Names with values; a blank row at the end takes another."""

    committed = Signal(dict)

    def __init__(self, name: str, key_hint: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._key_hint = key_hint
        self._shown: dict[str, str] | None = None
        self._rows: list[tuple[QLineEdit, QLineEdit, QWidget]] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)
        self.show_value({})

    def show_value(self, values: Mapping[str, str]) -> None:
        """Show values from outside."""
        if dict(values) == self._shown:
            return
        self._shown = dict(values)
        while self._rows:
            row = self._rows.pop()[2]
            self._layout.removeWidget(row)
            row.hide()
            row.deleteLater()
        for key, value in values.items():
            self._add(key, value)
        self._add("", "")

    def _add(self, key: str, value: str) -> None:
        row = QWidget()
        number = len(self._rows) + 1
        name, field = QLineEdit(key), QLineEdit(value)
        # A long value is read from its beginning.
        name.setCursorPosition(0)
        field.setCursorPosition(0)
        name.setPlaceholderText(self._key_hint)
        field.setPlaceholderText("value")
        field.setToolTip("A value, ${env:NAME} or ${secret:NAME}")
        name.setAccessibleName(f"{self._name}: name {number}")
        field.setAccessibleName(f"{self._name}: value {number}")
        remove = QToolButton()
        remove.setIcon(assets.icon("close", "muted"))
        remove.setToolTip("Remove")
        remove.setAccessibleName(f"{self._name}: remove {key or 'row'}")
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(name, 2)
        layout.addWidget(field, 3)
        layout.addWidget(remove)
        remove.setEnabled(bool(key))
        self._rows.append((name, field, row))
        self._layout.addWidget(row)
        name.editingFinished.connect(self._commit)
        field.editingFinished.connect(self._commit)
        remove.clicked.connect(lambda: self._remove(name))

    def _remove(self, name: QLineEdit) -> None:
        name.clear()
        self._commit()

    def _commit(self) -> None:
        values = {name.text().strip(): field.text() for name, field, _ in self._rows if name.text().strip()}
        if values != self._shown:
            self.committed.emit(values)
