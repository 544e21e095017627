"""What lies over the canvas for a moment: words at the pointer, and the fields for a name and for a note."""

from PySide6.QtCore import QPoint, QRect, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLabel, QLineEdit, QPlainTextEdit, QWidget

from fusion_desktop import theme


class Hint(QLabel):
    """Says at the pointer what releasing would do, or why it would do nothing."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setObjectName("canvas-hint")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self._at = QPoint()
        self.hide()

    def show_text(self, text: str, at: QPoint, *, is_refusal: bool) -> None:
        """Show some words beside a point; hide when there are none."""
        if not text:
            self.hide()
            return
        look = theme.current()
        back, front = (look.error, look.window) if is_refusal else (look.accent, look.on_accent)
        self.setStyleSheet(f"background: {back}; color: {front}; border-radius: 6px; padding: 4px 8px;")
        self.setText(text)
        self.adjustSize()
        self._at = at
        self.place()
        self.show()

    def place(self) -> None:
        """Stay inside the view."""
        if (parent := self.parentWidget()) is None:
            return
        x = max(8, min(self._at.x() + 18, parent.width() - self.width() - 8))
        y = max(8, min(self._at.y() + 20, parent.height() - self.height() - 8))
        self.move(x, y)


class NameEdit(QLineEdit):
    """The field in which a node is renamed; Enter takes the name, Escape leaves it."""

    accepted = Signal(str, str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._node = ""
        self._before = ""
        self.setAccessibleName("Name of the node")
        self.returnPressed.connect(self._take)
        self.hide()

    def begin(self, node_id: str, name: str, at: QPoint, width: int) -> None:
        """Ask for another name, over the node."""
        self._node, self._before = node_id, name
        self.setText(name)
        self.setGeometry(at.x(), at.y(), width, 40)
        self.show()
        self.selectAll()
        self.setFocus(Qt.FocusReason.PopupFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._leave()
            return
        super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if self.isVisible() and event.reason() != Qt.FocusReason.PopupFocusReason:
            self._take()

    def _take(self) -> None:
        node, self._node = self._node, ""
        if node and self.text().strip() and self.text() != self._before:
            self.accepted.emit(node, self.text())
        self._leave()

    def _leave(self) -> None:
        self._node = ""
        self.hide()
        _back_to_view(self)


class NoteEdit(QPlainTextEdit):
    """The field in which a note is written. Leaving it keeps what was typed: undo is there for second thoughts."""

    accepted = Signal(str, str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._note = ""
        self._before = ""
        self.setAccessibleName("Text of the note, in Markdown")
        self.setPlaceholderText("Markdown: # heading, *stress*, - list. Escape when done")
        self.setTabChangesFocus(True)
        self.setObjectName("note-edit")
        self.hide()

    def begin(self, note_id: str, text: str, area: QRect) -> None:
        """Ask for the text, over the note."""
        self._note, self._before = note_id, text
        self.setPlainText(text)
        self.setGeometry(area.x(), area.y(), max(220, area.width()), max(96, area.height()))
        self.show()
        self.selectAll()
        self.setFocus(Qt.FocusReason.PopupFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_enter = event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}
        if event.key() == Qt.Key.Key_Escape or (is_enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier):
            self._take()
            _back_to_view(self)
            return
        super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if self.isVisible() and event.reason() != Qt.FocusReason.PopupFocusReason:
            self._take()

    def _take(self) -> None:
        note, self._note = self._note, ""
        self.hide()
        if note and self.toPlainText() != self._before:
            self.accepted.emit(note, self.toPlainText())


def _back_to_view(field: QWidget) -> None:
    """Give the focus back to the view in whose viewport the field lies."""
    if (viewport := field.parentWidget()) is not None and (view := viewport.parentWidget()) is not None:
        view.setFocus()
