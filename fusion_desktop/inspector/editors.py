"""Editors for single values. An editor owns the text the user types; what it means is read from it, never stored."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QLineEdit, QPlainTextEdit, QSizePolicy, QVBoxLayout, QWidget

from fusion_desktop import theme
from fusion_desktop.inspector.completing import Completing, Proposer
from fusion_desktop.inspector.schema import UNSET, Field, Shape
from fusion_desktop.inspector.values import (
    DraftError,
    Fault,
    check_text,
    json_text,
    number_text,
    parse_json,
    parse_number,
    same,
)

Json: TypeAlias = Any


@dataclass(frozen=True)
class Reading:
    """What an editor holds: a value, or UNSET; with faults it must not be sent."""

    value: Json
    faults: tuple[Fault, ...] = ()


class Editor(QWidget):
    """Shows and reads the value of one field."""

    changed = Signal()

    def read(self) -> Reading:
        """Return the value the draft stands for."""
        raise NotImplementedError

    def write(self, value: Json) -> None:
        """Show a value that the field holds."""
        raise NotImplementedError

    def is_blank(self) -> bool:
        """Whether the draft is empty where empty is no value."""
        return False

    def show_faults(self, faults: list[Fault], *, is_all: bool = False) -> None:
        """Mark the editor; the words stand below it. What is only missing is marked when all shall be."""

    def name_as(self, name: str) -> None:
        """Tell assistive technology what the value is called."""
        if (target := self.focusProxy()) is not None:
            target.setAccessibleName(name)


_UNASKED_DEPTH = 6


class Maker:
    """Makes the editors of one form, and bounds how many open unasked: a schema may require itself for ever."""

    def __init__(
        self,
        make: "Callable[[Field, int, Maker], Editor]",
        *,
        unasked: int = 100,
        propose: Proposer | None = None,
    ) -> None:
        self._make = make
        self.propose = propose
        self._unasked = unasked

    def __call__(self, field: Field, depth: int) -> Editor:
        """Return the editor for a field at a depth of nesting."""
        return self._make(field, depth, self)

    def may_open(self, depth: int) -> bool:
        """Tell whether one more part may open that the user did not ask for."""
        self._unasked -= 1
        return self._unasked >= 0 and depth < _UNASKED_DEPTH


def mark(widget: QWidget, *, is_invalid: bool) -> None:
    """Give a text field the look of an error, or take it away."""
    if widget.property("invalid") != is_invalid:
        widget.setProperty("invalid", is_invalid)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


class TextArea(QPlainTextEdit):
    """A text field that starts with one line and grows with its text."""

    def __init__(self, parent: QWidget | None = None, *, lines: int = 1, most: int = 12) -> None:
        super().__init__(parent)
        self._lines = lines
        self._most = most
        self.setTabChangesFocus(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.document().setDocumentMargin(0)
        self.textChanged.connect(self._grow)
        self._grow()

    def exact_text(self) -> str:
        """Return the text as it was put in; `toPlainText` would turn every no-break space into a common one."""
        return self.document().toRawText().replace("\u2029", "\n")

    def sizeHint(self) -> QSize:
        return QSize(120, self._height())

    def minimumSizeHint(self) -> QSize:
        return QSize(60, self._height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._grow()

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._grow()
        return super().event(event)

    def _height(self) -> int:
        # A plain text document measures its height in lines, as they are wrapped.
        shown = min(max(round(self.document().size().height()), self._lines), self._most)
        # The frame and the padding of the style sheet lie around the lines.
        return QFontMetrics(self.font()).lineSpacing() * shown + 2 * theme.GRID + 4

    def _grow(self) -> None:
        if self.height() != self._height():
            self.setFixedHeight(self._height())


class TextEditor(Editor):
    """Any text; Enter makes room for another line."""

    def __init__(self, field: Field, parent: QWidget | None = None, *, propose: Proposer | None = None) -> None:
        super().__init__(parent)
        self._area = TextArea(lines=4 if _is_long(field) else 1)
        if propose is not None:
            Completing(self._area, propose)
        self._area.setPlaceholderText(_example(field))
        self._area.textChanged.connect(self.changed)
        _fill(self, self._area)

    def read(self) -> Reading:
        text = self._area.exact_text()
        try:
            check_text(text)
        except DraftError as error:
            return Reading(text, (Fault((), str(error)),))
        return Reading(text)

    def write(self, value: Json) -> None:
        self._area.setPlainText(value)

    def show_faults(self, faults: list[Fault], *, is_all: bool = False) -> None:
        mark(self._area, is_invalid=bool(faults))


class NumberEditor(Editor):
    """A number of any size; the text stays as typed, also while it is no number yet."""

    def __init__(self, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_integer = field.shape is Shape.INTEGER
        self._line = QLineEdit()
        self._line.setPlaceholderText(_range(field))
        self._line.textChanged.connect(self.changed)
        _fill(self, self._line)

    def read(self) -> Reading:
        try:
            return Reading(parse_number(self._line.text(), is_integer=self._is_integer))
        except DraftError as error:
            return Reading(UNSET, (Fault((), str(error)),))

    def write(self, value: Json) -> None:
        self._line.setText(number_text(value))

    def is_blank(self) -> bool:
        return not self._line.text().strip()

    def show_faults(self, faults: list[Fault], *, is_all: bool = False) -> None:
        mark(self._line, is_invalid=bool(faults))


class _Choice(QComboBox):
    """A choice that does not change when the wheel only wants to scroll the form."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class ChoiceEditor(Editor):
    """One of a few values, each kept with its type."""

    def __init__(self, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values = (True, False) if field.shape is Shape.FLAG else field.choices
        self._box = _Choice()
        self._box.setPlaceholderText("Choose…")
        names = field.schema.get("enumNames")
        for position, value in enumerate(self._values):
            name = names[position] if isinstance(names, list) and position < len(names) else None
            self._box.addItem(str(name) if name is not None else self._label(value, field))
        self._box.setCurrentIndex(-1)
        self._box.currentIndexChanged.connect(self.changed)
        _fill(self, self._box)

    def read(self) -> Reading:
        index = self._box.currentIndex()
        return Reading(self._values[index]) if index >= 0 else Reading(UNSET, (Fault((), "Choose one."),))

    def write(self, value: Json) -> None:
        self._box.setCurrentIndex(next(index for index, one in enumerate(self._values) if same(one, value)))

    def _label(self, value: Json, field: Field) -> str:
        for part in (*field.schema.get("oneOf", ()), *field.schema.get("anyOf", ())):
            if isinstance(part, dict) and "const" in part and same(part["const"], value) and part.get("title"):
                return str(part["title"])
        # A text that looks like another choice's JSON, such as "1" beside 1, is told apart by its quotes.
        texts = [json_text(one) for one in self._values if not isinstance(one, str)]
        is_plain = isinstance(value, str) and value != "" and value == value.strip() and value not in texts
        return value if is_plain else json_text(value)


class RawEditor(Editor):
    """Any JSON value as text, for what a form cannot draw or cannot hold."""

    def __init__(self, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._area = TextArea(lines=2, most=20)
        self._area.setFont(theme.font(mono=True))
        self._area.setPlaceholderText("JSON")
        self._area.textChanged.connect(self.changed)
        _fill(self, self._area)

    def read(self) -> Reading:
        try:
            return Reading(parse_json(self._area.exact_text()))
        except DraftError as error:
            return Reading(UNSET, (Fault((), str(error)),))

    def write(self, value: Json) -> None:
        self._area.setPlainText(json_text(value))

    def is_blank(self) -> bool:
        return not self._area.exact_text().strip()

    def show_faults(self, faults: list[Fault], *, is_all: bool = False) -> None:
        mark(self._area, is_invalid=bool(faults))


def _fill(editor: Editor, widget: QWidget) -> None:
    layout = QVBoxLayout(editor)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(widget)
    editor.setFocusProxy(widget)


def _is_long(field: Field) -> bool:
    longest = field.schema.get("maxLength")
    return isinstance(longest, int) and longest > 500


_EXAMPLES = {
    "date": "2026-11-20",
    "time": "14:30:00",
    "date-time": "2026-11-20T14:30:00Z",
    "email": "name@example.org",
    "uri": "https://example.org/page",
    "uuid": "c0ffee00-0000-4000-8000-000000000001",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
}


def _example(field: Field) -> str:
    examples = field.schema.get("examples")
    if isinstance(examples, list) and examples and isinstance(examples[0], str):
        return examples[0]
    return _EXAMPLES.get(str(field.schema.get("format")), "")


def _range(field: Field) -> str:
    low, high = (field.schema.get(key) for key in ("minimum", "maximum"))
    if low is not None and high is not None:
        return f"{low} to {high}"
    if low is not None:
        return f"{low} or more"
    return f"{high} or less" if high is not None else ""
