"""A slot holds one field of a form: what it is called, whether it is set at all, its editor, and what is wrong."""

import json
from enum import StrEnum
from typing import Any, TypeAlias

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from fusion_desktop import theme
from fusion_desktop.assets import icon
from fusion_desktop.controls import icon_button
from fusion_desktop.inspector.editors import Editor, Maker, RawEditor, Reading
from fusion_desktop.inspector.schema import UNSET, Field, Shape
from fusion_desktop.inspector.values import Fault, json_text, same

Json: TypeAlias = Any

REQUIRED = "Required."

_STRUCTURED = (Shape.OBJECT, Shape.LIST, Shape.VARIANTS)
_BRIEF = 80
"""So much of a folded value is shown."""


class State(StrEnum):
    """What a slot holds. Absent, null, empty and set are different things to a server."""

    UNSET = "not set"
    NULL = "null"
    SET = "set"
    RAW = "as JSON"


class Head(StrEnum):
    """What stands above the editor: name and kind, the place in a list, or nothing where the owner says it."""

    NAMED = "named"
    NUMBERED = "numbered"
    NONE = "none"


class Slot(QWidget):
    """One field of a form, whatever its shape."""

    changed = Signal()

    def __init__(
        self,
        field: Field,
        make: Maker,
        *,
        name: str,
        is_required: bool = False,
        depth: int = 0,
        head: Head = Head.NAMED,
    ) -> None:
        super().__init__()
        self._field = field
        self._make = make
        self._name = name
        self._is_required = is_required
        self._depth = depth
        self._state = State.UNSET
        self._editor: Editor | None = None
        self._is_touched = False
        self._is_folded = False
        self._build(head)
        self.reset()

    @property
    def name(self) -> str:
        """The name of the member, or the position in the list."""
        return self._name

    @property
    def state(self) -> State:
        """What the slot holds."""
        return self._state

    def read(self) -> Reading:
        """Return the value, UNSET when the field is left out."""
        if self._state is State.NULL:
            return Reading(None)
        if self._state is State.UNSET or self._editor is None:
            return Reading(UNSET, (Fault((), REQUIRED),) if self._is_required else ())
        return self._editor.read()

    def write(self, value: Json) -> None:
        """Show a value of any kind; what the editor cannot show exactly is shown as JSON."""
        if value is UNSET:
            self._enter(State.UNSET)
        elif value is None and self._is_nullable():
            self._enter(State.NULL)
        elif self._field.shape is not Shape.RAW and self._field.holds(value) and self._shows(value):
            self._note()
        else:
            self._enter(State.RAW)
            assert self._editor is not None
            self._write(value)

    def reset(self) -> None:
        """Return to how the field was before anybody touched it."""
        self._is_touched = False
        default = self._field.default
        if default is not UNSET and default is not None:
            self.write(default)
        elif self._is_required and self._field.is_fixed:
            self.write(self._field.choices[0])
        elif self._is_required and self._field.shape in _STRUCTURED and self._make.may_open(self._depth):
            self._enter(State.SET)
        else:
            self._enter(State.UNSET)

    def show_faults(self, faults: list[Fault], *, is_all: bool = False) -> None:
        """Show what is wrong here and inside; that something is missing only once the user was here."""
        own = [fault for fault in faults if not fault.path]
        inner = [fault for fault in faults if fault.path]
        if not (self._is_touched or is_all):
            own = [fault for fault in own if fault.message != REQUIRED]
            if self._is_folded:
                inner = [fault for fault in inner if fault.message != REQUIRED]
        # Without a head, what concerns the whole is said by the owner, who is told it too.
        told = list(own) if self._has_head else []
        if self._is_folded or self._state is not State.SET:
            told += inner
            inner = []
        words = [f"{fault.pointer}: {fault.message}" if fault.path else fault.message for fault in told]
        self._error.setText("\n".join(words[:3]))
        self._error.setVisible(bool(words))
        if self._editor is not None:
            self._editor.show_faults(own + inner, is_all=is_all)

    def focus_inside(self) -> None:
        """Put the cursor into the field."""
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def _build(self, head: Head) -> None:
        self._has_head = head is not Head.NONE
        self._build_head(head)
        self._build_words()
        self._body = QVBoxLayout(self)
        self._body.setContentsMargins(0, 0, 0, 0)
        self._body.setSpacing(theme.GRID)
        self._body.addLayout(self._head)
        self._body.addWidget(self._brief)
        self._body.addWidget(self._add)
        is_structured = self._field.shape in _STRUCTURED
        self._body.insertWidget(1 if is_structured else self._body.count(), self._about)
        self._place = 3 if is_structured else 2
        self._body.addWidget(self._error)
        # Only now: what is shown before it has a parent flashes up as a window and takes the focus.
        self._title.setVisible(head is Head.NAMED)
        self._kind.setVisible(self._has_head)
        self._chip.setVisible(self._has_head)
        self._about.setVisible(bool(self._about.text()))

    def _build_head(self, head: Head) -> None:
        self._title = QLabel(self._name or '""')
        self._title.setFont(theme.font(bold=self._is_required))
        self._title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._title.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        needed = " · required" if self._is_required and head is Head.NAMED else ""
        self._kind = QLabel(f"{self._field.type_name}{needed}")
        self._kind.setProperty("role", "caption")
        self._chip = QToolButton()
        self._chip.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._chip.setProperty("role", "chip")
        self._menu = QMenu(self._chip)
        self._menu.aboutToShow.connect(self._fill_menu)
        self._chip.setMenu(self._menu)
        self._fold = QToolButton()
        self._fold.setIconSize(QSize(14, 14))
        self._fold.setProperty("role", "fold")
        self._fold.clicked.connect(self._turn_fold)
        self._again = icon_button("undo", "Back to the default", lambda: self._put(self._field.default))
        self._again.setIconSize(QSize(14, 14))
        self._again.setAccessibleName(f"Set {self._name} back to the default")
        names = QHBoxLayout()
        names.setSpacing(theme.GRID)
        names.addWidget(self._fold)
        names.addWidget(self._title)
        self._head = QHBoxLayout()
        self._head.setSpacing(2 * theme.GRID)
        self._head.addLayout(names)
        self._head.addWidget(self._kind)
        self._head.addStretch(1)
        self._head.addWidget(self._again)
        self._head.addWidget(self._chip)

    def _build_words(self) -> None:
        self._add = QPushButton(icon("plus"), "Set")
        self._add.setAccessibleName(f"Set {self._name}")
        self._add.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._add.clicked.connect(self._set_by_hand)
        # The owner of a slot without a head has told its title.
        words = self._field.reason or self._field.description or (self._field.title if self._has_head else "")
        self._about = QLabel(words, textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._about.setProperty("role", "caption")
        self._error = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._error.setProperty("role", "error")
        self._error.hide()
        self._brief = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._brief.setProperty("role", "caption")
        # What does not fit is cut off: the whole is one click away.
        self._brief.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._brief.hide()

    def rename(self, name: str, *, is_described: bool) -> None:
        """Give an item of a list its new place; what the schema says of all items is shown at one of them."""
        self._name = name
        self._about.setVisible(is_described and bool(self._about.text()))
        self._kind.setText(f"{name} · {self._field.type_name}")
        if self._editor is not None:
            self._editor.name_as(name)
        self.fold(self._is_folded)

    def add_tool(self, tool: QWidget) -> None:
        """Put a button at the end of the head line."""
        self._head.addWidget(tool)

    def fold(self, is_folded: bool) -> None:
        """Hide what is inside an object, a list or a variant, or show it again; what was entered stays."""
        self._is_folded = is_folded and self._can_fold()
        if self._editor is not None:
            self._editor.setVisible(not self._is_folded)
        self._fold.setVisible(self._can_fold())
        self._fold.setIcon(icon("chevron-right" if self._is_folded else "chevron-down", "muted"))
        self._fold.setAccessibleName(f"{'Unfold' if self._is_folded else 'Fold'} {self._name}")
        self._fold.setToolTip("Show what is inside" if self._is_folded else "Hide what is inside")
        self._brief.setVisible(self._is_folded)
        self._note()

    def _turn_fold(self) -> None:
        self.fold(not self._is_folded)
        # What is wrong inside is told where it can be seen.
        self.changed.emit()

    def _can_fold(self) -> bool:
        return self._state is State.SET and self._field.shape in _STRUCTURED and self._has_head

    def _is_nullable(self) -> bool:
        return self._field.is_nullable and not any(one is None for one in self._field.choices)

    def _enter(self, state: State) -> None:
        """Change to a state, with a fresh editor where there is one."""
        if self._editor is not None:
            self._body.removeWidget(self._editor)
            self._editor.hide()
            self._editor.deleteLater()
            self._editor = None
        self._state = state
        is_opened = self._field.shape in _STRUCTURED or self._field.is_fixed
        if state is State.RAW or (state is State.UNSET and not is_opened) or state is State.SET:
            self._editor = RawEditor(self._field) if state is State.RAW else self._make_editor()
            self._editor.name_as(self._name or '""')
            self._editor.changed.connect(self._take_change)
            self._body.insertWidget(self._place, self._editor)
        self.setFocusProxy(self._editor if self._editor is not None else self._add)
        self._add.setVisible(state is State.UNSET and is_opened)
        self.fold(self._is_folded)

    def _make_editor(self) -> Editor:
        return RawEditor(self._field) if self._field.shape is Shape.RAW else self._make(self._field, self._depth + 1)

    def _shows(self, value: Json) -> bool:
        """Put the value into the form's own editor and see whether it comes back as it was."""
        if self._editor is None or self._state is State.RAW:
            self._enter(State.SET)
        self._state = State.SET
        self._write(value)
        assert self._editor is not None
        return same(self._editor.read().value, value)

    def _write(self, value: Json) -> None:
        assert self._editor is not None
        self._editor.blockSignals(True)
        self._editor.write(value)
        self._editor.blockSignals(False)

    def _take_change(self) -> None:
        self._is_touched = True
        assert self._editor is not None
        if self._editor.is_blank():
            self._state = State.UNSET
        elif self._state is State.UNSET:
            self._state = State.RAW if self._field.shape is Shape.RAW else State.SET
        self._note()
        self.changed.emit()

    def _choose(self, state: State) -> None:
        self._is_touched = True
        self._enter(state)
        self.changed.emit()

    def _set_by_hand(self) -> None:
        if self._field.is_fixed:
            self._put(self._field.choices[0])
        else:
            self._choose(State.SET)
        self.focus_inside()

    def _put(self, value: Json) -> None:
        self._is_touched = True
        self.write(value)
        self.changed.emit()

    def _fill_menu(self) -> None:
        self._menu.clear()
        if not self._is_required:
            self._menu.addAction("Leave out", lambda: self._choose(State.UNSET))
        if self._is_nullable():
            self._menu.addAction("Set to null", lambda: self._choose(State.NULL))
        if self._field.shape is Shape.TEXT:
            self._menu.addAction("Set to empty text", lambda: self._put(""))
        if self._state is State.NULL and self._field.shape is not Shape.TEXT:
            self._menu.addAction("Set to a value", self._set_by_hand)
        if (default := self._field.default) is not UNSET:
            shown = json_text(default) if len(json_text(default)) < 40 else "…"
            self._menu.addAction(f"Set to the default: {shown}", lambda: self._put(default))
        if self._field.shape is not Shape.RAW:
            self._menu.addSeparator()
            if self._state is State.RAW:
                self._menu.addAction("Edit as form", self._back_to_form).setEnabled(self._can_go_back())
            else:
                self._menu.addAction("Edit as JSON", self._to_raw).setEnabled(not self.read().faults)

    def _to_raw(self) -> None:
        reading = self.read()
        self._choose(State.RAW)
        if reading.value is not UNSET:
            self._put_raw(reading.value)

    def _put_raw(self, value: Json) -> None:
        self._write(value)
        self._note()
        self.changed.emit()

    def _can_go_back(self) -> bool:
        reading = self.read()
        return not reading.faults and self._field.holds(reading.value)

    def _back_to_form(self) -> None:
        self._put(self.read().value)

    def _note(self) -> None:
        """Say on the chip what the slot holds, and beside it what can be done about it."""
        word = str(self._state)
        value = self.read().value
        default = self._field.default
        is_default = default is not UNSET and same(value, default)
        if self._state is State.SET:
            word = "default" if is_default else "empty" if value == "" else ""
            assert self._editor is not None
            self._editor.show_proposed(is_default)
        self._again.setVisible(self._has_head and default is not UNSET and default is not None and not is_default)
        if self._is_folded:
            self._brief.setText(_short(value))
        if self._state is State.RAW and self._field.shape is Shape.RAW:
            word = ""
        self._chip.setText(word or "···")
        self._chip.setAccessibleName(f"State of {self._name}: {word or 'set'}")
        self._chip.setToolTip("Leave the field out, set it to null, or edit it as JSON")


def _short(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False) if value is not UNSET else ""
    return text if len(text) <= _BRIEF else f"{text[:_BRIEF]}…"
