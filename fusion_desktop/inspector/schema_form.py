"""A form made from a JSON Schema, and the same value as JSON; either shows what the other holds."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from fusion_desktop import theme
from fusion_desktop.inspector.check import Checker
from fusion_desktop.inspector.completing import Proposer
from fusion_desktop.inspector.editors import (
    CheckListEditor,
    ChoiceEditor,
    Editor,
    FixedEditor,
    Maker,
    NumberEditor,
    Reading,
    SecretEditor,
    TextArea,
    TextEditor,
    mark,
)
from fusion_desktop.inspector.groups import ListEditor, ObjectEditor, VariantsEditor
from fusion_desktop.inspector.schema import UNSET, Field, Shape, read
from fusion_desktop.inspector.slots import REQUIRED
from fusion_desktop.inspector.values import DraftError, Fault, json_text, parse_json

Json: TypeAlias = Any

_CHECKED = 40
"""More choices than this are chosen one by one."""
_NAMED = 3
"""So many faulty fields are named below the form."""


def make_editor(field: Field, depth: int, make: Maker) -> Editor:
    """Return the editor for a field."""
    match field.shape:
        case Shape.TEXT if field.is_secret:
            return SecretEditor(field)
        case Shape.TEXT:
            return TextEditor(field, propose=make.propose)
        case Shape.NUMBER | Shape.INTEGER:
            return NumberEditor(field)
        case Shape.CHOICE if field.is_fixed:
            return FixedEditor(field)
        case Shape.FLAG | Shape.CHOICE:
            return ChoiceEditor(field)
        case Shape.LIST if _is_check_list(field):
            return CheckListEditor(field)
        case Shape.LIST:
            return ListEditor(field, make, depth)
        case Shape.VARIANTS:
            return VariantsEditor(field, make, depth)
        case _:
            return ObjectEditor(field, make, depth)


def _is_check_list(field: Field) -> bool:
    """Tell whether a list is several of a few known values; the same one twice is then entered as JSON."""
    item = field.item(0)
    return "prefixItems" not in field.schema and item.shape is Shape.CHOICE and 0 < len(item.choices) <= _CHECKED


class SchemaForm(QWidget):
    """Asks for an object that fits a schema. What does not fit is sent from the JSON side only, and knowingly."""

    changed = Signal()

    def __init__(
        self, schema: Mapping[str, Json], parent: QWidget | None = None, *, propose: Proposer | None = None
    ) -> None:
        super().__init__(parent)
        self._propose = propose
        self._checker = Checker(schema)
        self._field = read(schema)
        self._has_form = self._field.shape in (Shape.OBJECT, Shape.VARIANTS)
        self._editor: Editor = ObjectEditor(read({}), Maker(make_editor))
        self._page = QWidget()
        self._is_revealed = False
        self._build()
        self._check = QTimer(self, interval=0, singleShot=True)
        self._check.timeout.connect(self.show_faults)
        self._area.textChanged.connect(self._take_change)
        self.reset()

    @property
    def is_json(self) -> bool:
        """Whether the JSON side is shown."""
        return self._stack.currentIndex() == 1

    def reading(self) -> Reading:
        """Return the object, with what keeps it from being sent."""
        if self.is_json:
            return self._parsed()
        reading = self._editor.read()
        drafts = [fault.path for fault in reading.faults]
        # What the draft already says is wrong would be said again, as missing.
        more = (fault for fault in self._checker.faults(reading.value) if fault.path not in drafts)
        return Reading(reading.value, (*reading.faults, *more))

    def write(self, value: Json) -> None:
        """Show an object on both sides."""
        self._area.setPlainText(json_text(value))
        if self._has_form and isinstance(value, dict):
            self._editor.write(value)
        self._take_change()

    def reset(self) -> None:
        """Begin anew, with what the schema proposes."""
        self._is_revealed = False
        if self._has_form:
            self._editor = Maker(make_editor, propose=self._propose)(self._field, 0)
            self._editor.changed.connect(self._take_change)
            self._page = _padded(self._editor)
            self._scroll.setWidget(self._page)
            self._keep_clear()
            # Whatever the form lies on shows through.
            self._page.setAutoFillBackground(False)
        self._area.setPlainText(json_text(self._form_value()))
        self._take_change()

    def natural_height(self) -> int:
        """Return how high the form would be if nothing of it had to be scrolled."""
        inside = self._area if self.is_json or not self._has_form else self._page
        return self.sizeHint().height() - self._stack.sizeHint().height() + inside.sizeHint().height()

    def show_json(self) -> None:
        """Show the value as JSON; a draft that is no value yet stays where it is, and is named."""
        has_drafts = self._has_form and not self.is_json and bool(self._editor.read().faults)
        if has_drafts:
            self._is_revealed = True
        elif not self.is_json:
            self._area.setPlainText(json_text(self._form_value()))
        self._turn(0 if has_drafts else 1)

    def paste(self) -> None:
        """Fill in the object that is on the clipboard; what is none changes nothing, and it is said why."""
        reading = _read(QGuiApplication.clipboard().text())
        if reading.faults:
            self._tell(f"The clipboard cannot be filled in. {_listed(reading.faults)}", "warning")
        else:
            self.write(reading.value)

    def show_form(self) -> None:
        """Show the value as a form; JSON that is no object stays where it is."""
        if not self.is_json or not self._has_form:
            return
        reading = self._parsed()
        if not reading.faults:
            self._editor.write(reading.value)
        self._turn(1 if reading.faults else 0)

    def show_faults(self, *, is_all: bool = False) -> None:
        """Say what is wrong; that something is missing is marked when all shall be, or where the user was."""
        self._is_revealed = self._is_revealed or is_all
        reading = self.reading()
        advice: list[Fault] = []
        if self.is_json:
            mark(self._area, is_invalid=bool(reading.faults))
            advice = [] if reading.faults else self._checker.faults(reading.value)
        else:
            self._editor.show_faults(list(reading.faults), is_all=self._is_revealed)
        words = _summary(reading.faults, advice) or self._checker.note
        self._tell(words, "caption" if not advice else "warning")

    def _tell(self, words: str, role: str) -> None:
        self._summary.setText(words)
        if self._summary.property("role") != role:
            self._summary.setProperty("role", role)
            self._summary.style().unpolish(self._summary)
            self._summary.style().polish(self._summary)
        self._summary.setVisible(bool(words))

    def _form_value(self) -> Json:
        value = self._editor.read().value if self._has_form else {}
        return {} if value is UNSET else value

    def _keep_clear(self, *_: int) -> None:
        """Keep the fields clear of the scroll bar; without one they end where everything else does."""
        right = 2 * theme.GRID if self._scroll.verticalScrollBar().maximum() > 0 else 0
        layout = self._page.layout()
        if layout is not None and layout.contentsMargins().right() != right:
            layout.setContentsMargins(0, 0, right, 0)

    def _parsed(self) -> Reading:
        return _read(self._area.exact_text())

    def _take_change(self) -> None:
        self._check.start()
        self.changed.emit()

    def _turn(self, side: int) -> None:
        self._stack.setCurrentIndex(side)
        self._sides.button(side).setChecked(True)
        self._take_change()

    def _build(self) -> None:
        self._sides = QButtonGroup(self)
        head = QHBoxLayout()
        head.setSpacing(theme.GRID)
        for side, (text, tip, show) in enumerate(
            (("Form", "Fill in fields", self.show_form), ("JSON", "Edit the arguments as JSON", self.show_json))
        ):
            button = _button(text, tip)
            button.setCheckable(True)
            button.clicked.connect(show)
            self._sides.addButton(button, side)
            head.addWidget(button)
        head.addStretch(1)
        paste = _button("Paste", "Fill in the JSON that was copied")
        paste.clicked.connect(self.paste)
        head.addWidget(paste)
        again = _button("Reset", "Begin anew, with the defaults")
        again.clicked.connect(self.reset)
        head.addWidget(again)
        self._scroll = QScrollArea(widgetResizable=True)
        self._scroll.setAccessibleName("Arguments")
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.viewport().setAutoFillBackground(False)
        self._scroll.verticalScrollBar().rangeChanged.connect(self._keep_clear)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area = TextArea(lines=3, most=40, fills=True)
        self._area.setFont(theme.font(mono=True))
        self._area.setAccessibleName("Arguments as JSON")
        self._stack = QStackedWidget()
        self._stack.addWidget(self._scroll)
        self._stack.addWidget(self._area)
        self._summary = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._summary.setProperty("role", "caption")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * theme.GRID)
        layout.addLayout(head)
        if self._field.reason or not self._has_form:
            why = self._field.reason or f"the arguments are {self._field.type_name}, not an object"
            layout.addWidget(QLabel(f"No form: {why}.", wordWrap=True))
        layout.addWidget(self._stack, 1)
        layout.addWidget(self._summary)
        side = 0 if self._has_form else 1
        self._stack.setCurrentIndex(side)
        self._sides.button(side).setChecked(True)
        self._sides.button(0).setEnabled(self._has_form)


def _read(text: str) -> Reading:
    """Return the object that a text is."""
    try:
        value = parse_json(text)
    except DraftError as error:
        return Reading(UNSET, (Fault((), str(error)),))
    if not isinstance(value, dict):
        return Reading(value, (Fault((), "Arguments are an object: { … }."),))
    return Reading(value)


def _button(text: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setAccessibleName(f"{text}: {tip}")
    return button


def _padded(editor: Editor) -> QWidget:
    """Return the editor at the top of a page that scrolls."""
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(editor)
    layout.addStretch(1)
    return page


def _summary(faults: Sequence[Fault], advice: Sequence[Fault]) -> str:
    if advice:
        return f"This does not fit the schema and is sent as it is. {_listed(advice)}"
    missing = [fault.pointer.lstrip("/") for fault in faults if fault.message == REQUIRED]
    if missing and len(missing) == len(faults):
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        return f"Needed: {', '.join(missing[:_NAMED])}{more}."
    return _listed(faults)


def _listed(faults: Sequence[Fault]) -> str:
    words = [f"{fault.pointer.lstrip('/')}: {fault.message}" if fault.path else fault.message for fault in faults]
    more = f" … {len(words) - _NAMED} more" if len(words) > _NAMED else ""
    return " ".join(words[:_NAMED]) + more
