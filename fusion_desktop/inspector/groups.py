"""Editors for what holds other values: objects, lists, and one of several variants."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QPushButton, QToolButton, QVBoxLayout, QWidget

from fusion_desktop import theme
from fusion_desktop.assets import icon
from fusion_desktop.inspector.check import Checker
from fusion_desktop.inspector.editors import Editor, Maker, Reading, mark
from fusion_desktop.inspector.schema import LONGEST, UNSET, Field, Shape
from fusion_desktop.inspector.slots import Head, Slot
from fusion_desktop.inspector.values import DraftError, Fault, parse_number

Json: TypeAlias = Any

_FILTERED_FROM = 12
"""An object with more members than this gets a filter."""
_LINES = (Shape.TEXT, Shape.NUMBER, Shape.INTEGER)
"""Items that are a line of text each."""
_PASTED = LONGEST
"""So many lines are taken at once; each becomes a field."""
_SHOWN = 40
"""So many members are drawn at once; the others when they are asked for or set."""


class Group(Editor):
    """An editor of several slots, set off by a line on its left unless it is the whole form."""

    def __init__(self, field: Field, make: Maker, depth: int) -> None:
        super().__init__()
        self._field = field
        self._make = make
        self._depth = depth
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(3 * theme.GRID if depth else 0, 0, 0, 0)
        self._layout.setSpacing(4 * theme.GRID)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._depth:
            painter = QPainter(self)
            painter.fillRect(0, 0, 2, self.height(), QColor(theme.current().border))
            painter.end()

    def _slot(self, field: Field, name: str, *, is_required: bool, head: Head = Head.NAMED) -> Slot:
        slot = Slot(field, self._make, name=name, is_required=is_required, depth=self._depth, head=head)
        slot.changed.connect(self.changed)
        return slot


class _Extra(QWidget):
    """A member that the schema does not name: its key and its value."""

    def __init__(self, key: str, slot: Slot) -> None:
        super().__init__()
        self.slot = slot
        self.key = QLineEdit(key)
        self.key.setPlaceholderText("name")
        self.key.setAccessibleName("Name of the field")
        self.remove = tool("trash", "Remove this field")
        head = QHBoxLayout()
        head.setSpacing(theme.GRID)
        head.addWidget(self.key, 1)
        head.addWidget(self.remove)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.GRID)
        layout.addLayout(head)
        layout.addWidget(slot)


class ObjectEditor(Group):
    """The members of an object: declared ones as fields, others by name."""

    def __init__(self, field: Field, make: Maker, depth: int = 0) -> None:
        super().__init__(field, make, depth)
        self._slots: dict[str, Slot] = {}
        self._extras: list[_Extra] = []
        self._search = QLineEdit()
        self._search.setPlaceholderText(f"Filter {len(field.properties)} fields")
        self._search.setAccessibleName("Filter the fields")
        self._search.setClearButtonEnabled(True)
        self._search.textChanged.connect(self._filter)
        self._fields = QVBoxLayout()
        self._fields.setSpacing(4 * theme.GRID)
        self._more = QPushButton()
        self._more.clicked.connect(lambda: self._draw(len(self._field.properties)))
        self._add = QPushButton(icon("plus"), "Add a field")
        self._add.clicked.connect(lambda: self._add_extra("").key.setFocus())
        self._layout.addWidget(self._search)
        self._layout.addLayout(self._fields)
        for button in (self._more, self._add):
            self._layout.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        # Only now: what is shown before it has a parent flashes up as a window and takes the focus.
        self._search.setVisible(len(field.properties) > _FILTERED_FROM)
        self._add.setVisible(field.is_open)
        if not field.properties and not depth:
            nothing = QLabel("No arguments are declared.")
            nothing.setProperty("role", "muted")
            self._layout.insertWidget(0, nothing)
        self._draw(_SHOWN)
        if self._slots:
            self.setFocusProxy(next(iter(self._slots.values())))

    def read(self) -> Reading:
        value: dict[str, Json] = {}
        faults: list[Fault] = []
        for name, slot in self._slots.items():
            _collect(slot.read(), name, value, faults)
        for extra in self._extras:
            key = extra.key.text()
            if key in value or key in self._slots:
                faults.append(Fault((key,), f"There are two fields called {key!r}."))
                continue
            reading = extra.slot.read()
            if reading.value is UNSET and not reading.faults:
                reading = Reading(UNSET, (Fault((), "Enter a value, or remove the field."),))
            _collect(reading, key, value, faults)
        return Reading(value, tuple(faults))

    def write(self, value: Json) -> None:
        if any(name in value for name in self._hidden()):
            self._draw(len(self._field.properties))
        for name, slot in self._slots.items():
            slot.write(value.get(name, UNSET))
        for extra in list(self._extras):
            self._remove(extra)
        for key, item in value.items():
            if key not in self._slots:
                self._add_extra(key).slot.write(item)

    def show_faults(self, faults: list[Fault], *, is_all: bool = False) -> None:
        for name, slot in self._slots.items():
            slot.show_faults(_inside(faults, name), is_all=is_all)
        for extra in self._extras:
            here = _inside(faults, extra.key.text())
            mark(extra.key, is_invalid=any("two fields" in fault.message for fault in here))
            extra.slot.show_faults(here, is_all=is_all)

    def name_as(self, name: str) -> None:
        self._add.setAccessibleName(f"Add a field to {name}")

    def slot(self, name: str) -> Slot | None:
        """Return the slot of a declared member that is drawn."""
        return self._slots.get(name)

    def _hidden(self) -> list[str]:
        return [name for name in self._field.properties if name not in self._slots]

    def _draw(self, count: int) -> None:
        """Make the first members, as many as asked for and all that are required."""
        for position, (name, field) in enumerate(self._field.properties.items()):
            is_required = name in self._field.required
            if name not in self._slots and (position < count or is_required):
                self._slots[name] = self._slot(field, name, is_required=is_required)
                self._fields.addWidget(self._slots[name])
        left = len(self._hidden())
        self._more.setText(f"Show {left} more fields")
        self._more.setVisible(left > 0)

    def _filter(self, text: str) -> None:
        if text:
            self._draw(len(self._field.properties))
        needle = text.casefold()
        for name, slot in self._slots.items():
            field = self._field.properties[name]
            slot.setVisible(needle in f"{name} {field.title} {field.description}".casefold())

    def _add_extra(self, key: str) -> _Extra:
        field = self._field.extra
        assert field is not None
        extra = _Extra(key, self._slot(field, key or "new field", is_required=False, head=Head.NUMBERED))
        extra.key.textChanged.connect(self.changed)
        extra.remove.clicked.connect(lambda: self._drop(extra))
        self._extras.append(extra)
        self._fields.addWidget(extra)
        self.changed.emit()
        return extra

    def _drop(self, extra: _Extra) -> None:
        self._remove(extra)
        self.changed.emit()

    def _remove(self, extra: _Extra) -> None:
        self._extras.remove(extra)
        self._fields.removeWidget(extra)
        extra.hide()
        extra.deleteLater()


class ListEditor(Group):
    """The items of a list, to be added, moved, doubled and removed."""

    def __init__(self, field: Field, make: Maker, depth: int = 0) -> None:
        super().__init__(field, make, depth)
        self._items: list[Slot] = []
        self._rows = QVBoxLayout()
        self._rows.setSpacing(3 * theme.GRID)
        self._add = QPushButton(icon("plus"), "Add an item")
        self._add.clicked.connect(self._add_by_hand)
        self._paste = QPushButton(icon("paste"), "Paste lines")
        self._paste.setToolTip("Add an item for each line of the clipboard")
        self._paste.clicked.connect(lambda: self.take_lines(QGuiApplication.clipboard().text()))
        buttons = QHBoxLayout()
        buttons.setSpacing(2 * theme.GRID)
        for button in (self._add, self._paste):
            buttons.addWidget(button)
        buttons.addStretch(1)
        self._layout.addLayout(self._rows)
        self._layout.addLayout(buttons)
        self._paste.setVisible(field.item(0).shape in _LINES)
        self.setFocusProxy(self._add)
        least = field.schema.get("minItems")
        while isinstance(least, int) and len(self._items) < least and make.may_open(depth):
            self._insert(len(self._items))

    def read(self) -> Reading:
        values: list[Json] = []
        faults: list[Fault] = []
        for position, slot in enumerate(self._items):
            reading = slot.read()
            if reading.value is not UNSET:
                values.append(reading.value)
            faults.extend(Fault((position, *fault.path), fault.message) for fault in reading.faults)
        return Reading(values, tuple(faults))

    def write(self, value: Json) -> None:
        while self._items:
            self._take(self._items[-1])
        for position, item in enumerate(value):
            self._insert(position).write(item)

    def show_faults(self, faults: list[Fault], *, is_all: bool = False) -> None:
        for position, slot in enumerate(self._items):
            slot.show_faults(_inside(faults, position), is_all=is_all)

    def name_as(self, name: str) -> None:
        self._add.setAccessibleName(f"Add an item to {name}")
        self._paste.setAccessibleName(f"Paste lines into {name}")

    def take_lines(self, text: str) -> None:
        """Add an item for each line; one that is no number where numbers are wanted is kept as text, and marked."""
        for line in filter(None, map(str.strip, text.splitlines()[:_PASTED])):
            position = len(self._items)
            self._insert(position).write(_meant(line, self._field.item(position)))
        self.changed.emit()

    def _insert(self, position: int) -> Slot:
        slot = self._slot(self._field.item(position), f"item {position + 1}", is_required=True, head=Head.NUMBERED)
        for name, words, action in (
            ("chevron-up", "Move up", lambda: self._move(slot, -1)),
            ("chevron-down", "Move down", lambda: self._move(slot, 1)),
            ("duplicate", "Duplicate", lambda: self._double(slot)),
            ("trash", "Remove", lambda: self._drop(slot)),
        ):
            button = tool(name, words)
            button.clicked.connect(action)
            slot.add_tool(button)
        self._items.insert(position, slot)
        self._rows.insertWidget(position, slot)
        self._renumber(position)
        return slot

    def _renumber(self, first: int = 0) -> None:
        for position, slot in enumerate(self._items[first:], first):
            slot.rename(f"item {position + 1}", is_described=position == 0)

    def _take(self, slot: Slot) -> None:
        position = self._items.index(slot)
        del self._items[position]
        self._rows.removeWidget(slot)
        slot.hide()
        slot.deleteLater()
        self._renumber(position)

    def _add_by_hand(self) -> None:
        self._insert(len(self._items)).focus_inside()
        self.changed.emit()

    def _drop(self, slot: Slot) -> None:
        self._take(slot)
        self.changed.emit()

    def _double(self, slot: Slot) -> None:
        reading = slot.read()
        self._insert(self._items.index(slot) + 1).write(reading.value)
        self.changed.emit()

    def _move(self, slot: Slot, step: int) -> None:
        position = self._items.index(slot) + step
        if 0 <= position < len(self._items):
            self._items.remove(slot)
            self._items.insert(position, slot)
            self._rows.removeWidget(slot)
            self._rows.insertWidget(position, slot)
            self._renumber()
            self.changed.emit()


class VariantsEditor(Group):
    """One of several shapes; what two of them have in common survives a change from one to the other."""

    def __init__(self, field: Field, make: Maker, depth: int = 0) -> None:
        super().__init__(field, make, max(depth, 1))
        self._slot_inside: Slot | None = None
        self._checker: Checker | None = None
        self._box = QComboBox()
        self._box.setAccessibleName("Variant")
        self._box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for index in range(len(field.variants)):
            self._box.addItem(field.variant_name(index))
        self._box.currentIndexChanged.connect(self._switch)
        self._layout.addWidget(self._box)
        self.setFocusProxy(self._box)
        self._show(0)

    def read(self) -> Reading:
        assert self._slot_inside is not None
        return self._slot_inside.read()

    def write(self, value: Json) -> None:
        index = self._index_for(value)
        self._box.blockSignals(True)
        self._box.setCurrentIndex(index)
        self._box.blockSignals(False)
        self._show(index).write(value)

    def show_faults(self, faults: list[Fault], *, is_all: bool = False) -> None:
        if self._slot_inside is not None:
            self._slot_inside.show_faults(faults, is_all=is_all)

    def name_as(self, name: str) -> None:
        self._box.setAccessibleName(f"Variant of {name}")

    def _index_for(self, value: Json) -> int:
        holding = [index for index in range(len(self._field.variants)) if self._field.variant(index).holds(value)]
        if self._checker is None:
            self._checker = Checker(self._field.root)
        checker = self._checker
        fitting = (index for index in holding if checker.fits(self._field.variants[index], value))
        return next(fitting, holding[0] if holding else 0)

    def _switch(self, index: int) -> None:
        before = self.read().value
        slot = self._show(index)
        field = self._field.variant(index)
        if field.shape is Shape.OBJECT and isinstance(before, dict):
            kept = {
                name: before[name]
                for name, part in field.properties.items()
                if name in before and part.holds(before[name]) and not part.is_fixed
            }
            fresh = slot.read().value
            slot.write({**(fresh if isinstance(fresh, dict) else {}), **kept})
        self.changed.emit()

    def _show(self, index: int) -> Slot:
        if self._slot_inside is not None:
            self._layout.removeWidget(self._slot_inside)
            self._slot_inside.hide()
            self._slot_inside.deleteLater()
        field = self._field.variant(index)
        self._slot_inside = self._slot(field, self._field.variant_name(index), is_required=True, head=Head.NONE)
        self._layout.addWidget(self._slot_inside)
        return self._slot_inside


def tool(name: str, words: str) -> QToolButton:
    """Return a small button with an icon, a tip and a name."""
    button = QToolButton()
    button.setIcon(icon(name, "muted"))
    button.setIconSize(QSize(14, 14))
    button.setToolTip(words)
    button.setAccessibleName(words)
    return button


def _meant(line: str, field: Field) -> Json:
    if field.shape not in (Shape.NUMBER, Shape.INTEGER):
        return line
    try:
        return parse_number(line, is_integer=field.shape is Shape.INTEGER)
    except DraftError:
        return line


def _collect(reading: Reading, name: str, value: dict[str, Json], faults: list[Fault]) -> None:
    faults.extend(Fault((name, *fault.path), fault.message) for fault in reading.faults)
    if reading.value is not UNSET:
        value[name] = reading.value


def _inside(faults: Sequence[Fault], step: str | int) -> list[Fault]:
    """Return the faults below a member or item, seen from there."""
    return [Fault(fault.path[1:], fault.message) for fault in faults if fault.path and fault.path[0] == step]
