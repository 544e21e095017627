"""What can be changed on a frame or a note: its words, its colour, and whether it is locked."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPlainTextEdit, QToolButton, QVBoxLayout, QWidget

from composite_runtime.graph.model import Colour, Frame, Note
from fusion_desktop import theme
from fusion_desktop.document import annotating, marks
from fusion_desktop.document.document import Document
from fusion_desktop.panels.fields import Line
from fusion_desktop.panels.mark_boxes import MarkBoxes

_CHIP = 20


class AnnotationPage(QWidget):
    """The fields of one frame or note. Each field that was changed is one edit."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._shown: Frame | Note | None = None
        self._heading = QLabel()
        self._heading.setProperty("role", "heading")
        self.title = Line("Title of the frame", "What lies in it")
        self.words = Words("Text of the note, in Markdown")
        self.colours = Colours()
        self.boxes = MarkBoxes(document)
        self._label = QLabel()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 16)
        layout.setSpacing(4)
        layout.addWidget(self._heading)
        layout.addWidget(self.boxes)
        colour = QLabel("Colour")
        for label, field in ((self._label, (self.title, self.words)), (colour, (self.colours,))):
            label.setProperty("role", "caption")
            label.setContentsMargins(0, 8, 0, 0)
            layout.addWidget(label)
            for widget in field:
                layout.addWidget(widget)
        layout.addStretch(1)
        self.title.committed.connect(self._word)
        self.words.committed.connect(self._word)
        self.colours.chosen.connect(self._colour)

    def show_annotation(self, annotation: Frame | Note) -> None:
        """Show the values of a frame or a note."""
        if self._shown is not None and self._shown.id != annotation.id and (focus := self.focusWidget()) is not None:
            focus.clearFocus()  # what was being typed belongs to what was shown
        self._shown = annotation
        is_frame = isinstance(annotation, Frame)
        self._heading.setText("Frame" if is_frame else "Note")
        self._label.setText("Title" if is_frame else "Text, in Markdown")
        self.title.setVisible(is_frame)
        self.words.setVisible(not is_frame)
        if isinstance(annotation, Frame):
            self.title.show_value(annotation.title)
        else:
            self.words.show_value(annotation.text)
        self.colours.show_value(annotation.colour)
        self.boxes.show_things([annotation.id])

    def focus_name(self) -> None:
        """Begin to edit the words."""
        field = self.title if isinstance(self._shown, Frame) else self.words
        field.setFocus()
        field.selectAll()

    def _word(self, words: str) -> None:
        if self._shown is None:
            return
        one = self._shown.id
        text = f"Rename frame to {words.strip()}" if isinstance(self._shown, Frame) else "Write a note"
        self._document.edit(text, annotating.worded(self._document.graph, one, words))

    def _colour(self, colour: Colour) -> None:
        if self._shown is not None:
            name = marks.called(self._document.graph, self._shown.id)
            graph = annotating.coloured(self._document.graph, {self._shown.id}, colour)
            self._document.edit(f"Colour {name} {colour}", graph)


class Words(QPlainTextEdit):
    """Text of several lines; what was typed is told when the field is left."""

    committed = Signal(str)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setTabChangesFocus(True)
        self.setFixedHeight(160)
        self._shown = ""

    def show_value(self, text: str) -> None:
        """Show a value from outside, unless the user is in the middle of another."""
        if text != self._shown or not self.hasFocus():
            self._shown = text
            self.setPlainText(text)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if self.toPlainText() != self._shown:
            self._shown = self.toPlainText()
            self.committed.emit(self._shown)


class Colours(QWidget):
    """One button for each colour."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        self._group = QButtonGroup(self)
        self.buttons: dict[Colour, QToolButton] = {}
        for colour in annotating.COLOURS:
            button = QToolButton()
            button.setCheckable(True)
            button.setAccessibleName(colour.title())
            button.setToolTip(colour.title())
            button.clicked.connect(lambda _checked=False, colour=colour: self.chosen.emit(colour))
            self._group.addButton(button)
            self.buttons[colour] = button
            layout.addWidget(button)
        layout.addStretch(1)
        theme.signals.changed.connect(self._restyle)
        self._restyle()

    def show_value(self, colour: Colour) -> None:
        """Show which is chosen."""
        self.buttons[colour].setChecked(True)

    def _restyle(self) -> None:
        for colour, button in self.buttons.items():
            chip = QPixmap(_CHIP, _CHIP)
            chip.fill(Qt.GlobalColor.transparent)
            painter = QPainter(chip)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme.colour(theme.SHADES[colour]), 1.5))
            painter.setBrush(theme.colour(theme.SHADES[colour], 140))
            painter.drawEllipse(3, 3, _CHIP - 6, _CHIP - 6)
            painter.end()
            button.setIcon(QIcon(chip))
