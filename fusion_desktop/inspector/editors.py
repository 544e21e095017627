"""Editors for single values. An editor owns the text the user types; what it means is read from it, never stored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any, TypeAlias

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QKeySequence, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from fusion_desktop import theme
from fusion_desktop.assets import icon
from fusion_desktop.inspector.completing import Completing, Proposer
from fusion_desktop.inspector.pickers import picker_for
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

    def show_proposed(self, is_proposed: bool) -> None:
        """Show the value dimmed while it is what the schema proposes."""
        target = self.focusProxy()
        if isinstance(target, QLineEdit | QPlainTextEdit | QComboBox):
            _look(target, "proposed", is_proposed)

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
    _look(widget, "invalid", is_invalid)


def _look(widget: QWidget, name: str, is_on: bool) -> None:
    if bool(widget.property(name)) != is_on:
        widget.setProperty(name, is_on)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


class TextArea(QPlainTextEdit):
    """A text field that starts with one line and grows with its text; one that fills takes the room there is."""

    def __init__(self, parent: QWidget | None = None, *, lines: int = 1, most: int = 12, fills: bool = False) -> None:
        super().__init__(parent)
        self._lines = lines
        self._most = most
        self._fills = fills
        self.setTabChangesFocus(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        tall = QSizePolicy.Policy.Expanding if fills else QSizePolicy.Policy.Fixed
        self.setSizePolicy(QSizePolicy.Policy.Expanding, tall)
        self.document().setDocumentMargin(0)
        self.textChanged.connect(self._grow)
        self._grow()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.InsertLineSeparator):
            # Qt's own separator would reach the server, and is no end of a line there.
            self.insertPlainText("\n")
            return
        super().keyPressEvent(event)

    def exact_text(self) -> str:
        """Return the text as it was put in; `toPlainText` would turn every no-break space into a common one."""
        return self.document().toRawText().replace("\u2029", "\n")

    def sizeHint(self) -> QSize:
        return QSize(120, self._height())

    def minimumSizeHint(self) -> QSize:
        return QSize(60, self._height_of(self._lines) if self._fills else self._height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._grow()

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._grow()
        return super().event(event)

    def _height(self) -> int:
        # A plain text document measures its height in lines, as they are wrapped.
        return self._height_of(min(max(round(self.document().size().height()), self._lines), self._most))

    def _height_of(self, lines: int) -> int:
        # What a line takes is rounded up when it is laid out.
        line = ceil(QFontMetricsF(self.font()).lineSpacing())
        # The frame and the padding of the style sheet lie around the lines.
        return line * lines + 2 * theme.GRID + 4

    def _grow(self) -> None:
        if self._fills:
            self.updateGeometry()
        elif self.height() != self._height():
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
        _fill(self, self._area, picker_for(field, self._area))
        longest = field.schema.get("maxLength")
        if isinstance(longest, int) and longest > 0:
            self._count = QLabel(alignment=Qt.AlignmentFlag.AlignRight)
            self._count.setProperty("role", "caption")
            self._area.textChanged.connect(lambda: self._tell_length(longest))
            self._tell_length(longest)
            layout = self.layout()
            assert layout is not None
            layout.addWidget(self._count)

    def read(self) -> Reading:
        text = self._area.exact_text()
        try:
            check_text(text)
        except DraftError as error:
            return Reading(text, (Fault((), str(error)),))
        return Reading(text)

    def write(self, value: Json) -> None:
        self._area.setPlainText(value)

    def _tell_length(self, longest: int) -> None:
        length = len(self._area.exact_text())
        self._count.setText(f"{length} of {longest}")
        # Only who comes near the end wants to know.
        self._count.setVisible(2 * length >= longest)

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


class Choice(QComboBox):
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
        self._box = Choice()
        self._box.setPlaceholderText("Choose…")
        self._box.addItems(choice_names(field, self._values))
        self._box.setCurrentIndex(-1)
        self._box.currentIndexChanged.connect(self._take_choice)
        _look(self._box, "blank", True)
        _fill(self, self._box)

    def read(self) -> Reading:
        index = self._box.currentIndex()
        return Reading(self._values[index]) if index >= 0 else Reading(UNSET, (Fault((), "Choose one."),))

    def write(self, value: Json) -> None:
        self._box.setCurrentIndex(next(index for index, one in enumerate(self._values) if same(one, value)))

    def _take_choice(self, index: int) -> None:
        _look(self._box, "blank", index < 0)
        self.changed.emit()


class FixedEditor(Editor):
    """The one value that a field may have: it can be read and copied, and there is nothing to choose."""

    def __init__(self, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        [self._value] = field.choices
        line = QLineEdit(choice_names(field, field.choices)[0], readOnly=True)
        line.setProperty("role", "fixed")
        line.setToolTip("The field can have no other value")
        _fill(self, line)

    def read(self) -> Reading:
        return Reading(self._value)

    def write(self, value: Json) -> None:
        """Show the only value there is."""

    def show_proposed(self, is_proposed: bool) -> None:
        """A value that cannot be changed is no proposal."""


class SecretEditor(Editor):
    """A text that is not shown while it is typed, unless the user wants to see it."""

    def __init__(self, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._line = QLineEdit(echoMode=QLineEdit.EchoMode.Password)
        self._line.textChanged.connect(self.changed)
        self._eye = QToolButton()
        self._eye.setCheckable(True)
        self._eye.setIcon(icon("eye", "muted"))
        self._eye.setToolTip("Show what is typed")
        self._eye.setAccessibleName(self._eye.toolTip())
        self._eye.toggled.connect(self._reveal)
        _fill(self, self._line, self._eye)

    def read(self) -> Reading:
        text = self._line.text()
        try:
            check_text(text)
        except DraftError as error:
            return Reading(text, (Fault((), str(error)),))
        return Reading(text)

    def write(self, value: Json) -> None:
        self._line.setText(value)

    def show_faults(self, faults: list[Fault], *, is_all: bool = False) -> None:
        mark(self._line, is_invalid=bool(faults))

    def _reveal(self, is_wanted: bool) -> None:
        self._line.setEchoMode(QLineEdit.EchoMode.Normal if is_wanted else QLineEdit.EchoMode.Password)


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


class CheckListEditor(Editor):
    """Several of a few values, in the order in which they were chosen."""

    def __init__(self, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values = field.item(0).choices
        self._chosen: list[int] = []
        self._boxes: list[QCheckBox] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.GRID)
        for position, name in enumerate(choice_names(field.item(0), self._values)):
            box = QCheckBox(name)
            box.toggled.connect(partial(self._toggle, position))
            self._boxes.append(box)
            layout.addWidget(box)
        self.setFocusProxy(self._boxes[0])

    def read(self) -> Reading:
        return Reading([self._values[position] for position in self._chosen])

    def write(self, value: Json) -> None:
        found = [next((n for n, one in enumerate(self._values) if same(one, item)), None) for item in value]
        self._chosen = list(dict.fromkeys(position for position in found if position is not None))
        for position, box in enumerate(self._boxes):
            box.blockSignals(True)
            box.setChecked(position in self._chosen)
            box.blockSignals(False)

    def name_as(self, name: str) -> None:
        for box in self._boxes:
            box.setAccessibleName(f"{name}: {box.text()}")

    def _toggle(self, position: int, is_on: bool) -> None:
        self._chosen = [one for one in self._chosen if one != position] + ([position] if is_on else [])
        self.changed.emit()


def choice_names(field: Field, values: Sequence[Json]) -> list[str]:
    """Return what to call the values of a choice: by their titles, else as text, with quotes where they are needed."""
    names = field.schema.get("enumNames")
    titled = [part for key in ("oneOf", "anyOf") for part in field.schema.get(key) or () if isinstance(part, dict)]
    # A text that looks like another choice's JSON, such as "1" beside 1, is told apart by its quotes.
    texts = [json_text(one) for one in values if not isinstance(one, str)]

    def name_of(position: int, value: Json) -> str:
        if isinstance(names, list) and position < len(names) and names[position] is not None:
            return str(names[position])
        for part in titled:
            if "const" in part and same(part["const"], value) and part.get("title"):
                return str(part["title"])
        is_plain = isinstance(value, str) and value != "" and value == value.strip() and value not in texts
        return value if is_plain else json_text(value)

    return [name_of(position, value) for position, value in enumerate(values)]


def _fill(editor: Editor, widget: QWidget, beside: QWidget | None = None) -> None:
    layout = QVBoxLayout(editor)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(theme.GRID)
    row = QHBoxLayout()
    row.setSpacing(theme.GRID)
    row.addWidget(widget, 1)
    if beside is not None:
        row.addWidget(beside, 0, Qt.AlignmentFlag.AlignTop)
    layout.addLayout(row)
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
