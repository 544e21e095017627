"""The dialog that saves a call, or changes a saved one: its name, its folder, what it is given, what is expected."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from composite_runtime.calls import folder
from composite_runtime.calls.model import SavedCall
from composite_runtime.errors import FusionError
from fusion_desktop import theme
from fusion_desktop.controls import push_button, reading
from fusion_desktop.inspector.editors import TextArea
from fusion_desktop.inspector.expectations import Expectations
from fusion_desktop.inspector.values import DraftError, json_text, parse_json
from fusion_desktop.run.frames import Outcome, text_of

Save = Callable[[str, SavedCall], None]


class SaveCallDialog(QDialog):
    """Asks, and hands key and call to `save`, which raises `FusionError` when it cannot."""

    def __init__(
        self,
        call: SavedCall,
        save: Save,
        *,
        key: str = "",
        folders: Sequence[str] = (),
        place: str = "",
        note: str = "",
        outcome: Outcome | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._call = call
        self._save = save
        self._last = key.rpartition("/")[2]
        self._build(key, folders, place, note, outcome)
        self._check()

    def _build(self, key: str, folders: Sequence[str], place: str, note: str, outcome: Outcome | None) -> None:
        self.setWindowTitle("Change the saved call" if key else "Save the call")
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.resize(640, 560)
        self.arguments = TextArea(lines=3, most=40, fills=True)
        self.arguments.setPlainText(json_text(dict(self._call.arguments)))
        self.arguments.setFont(theme.font(mono=True))
        self.arguments.setTabChangesFocus(True)
        self.arguments.setAccessibleName("Arguments as JSON")
        self.expectations = Expectations(outcome)
        self.expectations.write(
            [
                expected.model_dump(mode="json", exclude_defaults=True) | {"kind": expected.kind}
                for expected in self._call.expect
            ]
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(5 * theme.GRID, 5 * theme.GRID, 5 * theme.GRID, 4 * theme.GRID)
        layout.setSpacing(3 * theme.GRID)
        layout.addLayout(self._names(key, folders, place))
        layout.addWidget(_head("Arguments", "${env:NAME} and ${secret:NAME} are filled in when it is called"))
        if note:
            layout.addWidget(reading(note, "muted"))
        layout.addWidget(self.arguments, 1)
        layout.addWidget(_head("What is expected", ""))
        layout.addWidget(self.expectations)
        layout.addLayout(self._buttons())
        for changed in (
            *(self.name.textChanged, self.folder.editTextChanged),
            *(self.arguments.textChanged, self.expectations.changed),
        ):
            changed.connect(self._check)

    def _names(self, key: str, folders: Sequence[str], place: str) -> QFormLayout:
        call = self._call
        inside, _, last = key.rpartition("/")
        self.name = QLineEdit(call.name or last or call.target)
        self.name.setAccessibleName("Name")
        self.folder = QComboBox()
        self.folder.setEditable(True)
        self.folder.setAccessibleName("Folder")
        self.folder.addItems(["", *folders])
        self.folder.setCurrentText(inside)
        edit = self.folder.lineEdit()
        if edit is not None:
            edit.setPlaceholderText("None; a/b for a folder in a folder")
        form = QFormLayout()
        form.setSpacing(3 * theme.GRID)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Calls", reading(f"{call.method} {call.target}{f' of {place}' if place else ''}", "muted"))
        form.addRow("Name", self.name)
        form.addRow("Folder", self.folder)
        return form

    def _buttons(self) -> QHBoxLayout:
        self._fault = reading(role="error")
        self._ok = push_button("Save", self.accept, primary=True)
        self._ok.setDefault(True)
        row = QHBoxLayout()
        row.addWidget(self._fault, 1)
        row.addWidget(push_button("Cancel", self.reject))
        row.addWidget(self._ok)
        return row

    def accept(self) -> None:
        made = self._made()
        if isinstance(made, str):
            self._tell(made)
            return
        try:
            self._save(*made)
        except FusionError as error:
            self._tell(error.message)
            return
        super().accept()

    def _check(self) -> None:
        made = self._made()
        self._tell(made if isinstance(made, str) else "")
        self._ok.setEnabled(not isinstance(made, str))

    def _tell(self, fault: str) -> None:
        self._fault.setText(fault)

    def _made(self) -> tuple[str, SavedCall] | str:
        """Return key and call, or what is wrong."""
        name = self.name.text().strip()
        inside = self.folder.currentText().strip().strip("/")
        # A file keeps its name when only the words for it change.
        last = self._last if self._last and (self._call.name or name == self._last) else _plain(name)
        key = f"{inside}/{last}" if inside else last
        if not name:
            return "Give it a name."
        try:
            arguments = parse_json(self.arguments.exact_text() or "{}")
        except DraftError as error:
            return f"Arguments: {error}"
        if not isinstance(arguments, dict):
            return "Arguments are a JSON object."
        try:
            folder.path_of(Path(), key)
            expect = self.expectations.read()
            data = self._call.model_dump(mode="json", exclude_defaults=True)
            data |= {"name": name if name != key.rpartition("/")[2] else "", "arguments": arguments, "expect": expect}
            return key, folder.loads(text_of(data))
        except (DraftError, FusionError) as error:
            return str(error)


def _plain(name: str) -> str:
    """Return a name as a file can have it on every system."""
    kept = "".join("-" if c in '<>:"|?*\\/' or ord(c) < 32 else c for c in name)
    return kept.strip(". -")[:100]


def _head(title: str, about: str) -> QWidget:
    words = QLabel(title)
    words.setFont(theme.font(bold=True))
    hint = QLabel(about)
    hint.setProperty("role", "caption")
    head = QWidget()
    row = QHBoxLayout(head)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(words)
    row.addStretch(1)
    row.addWidget(hint)
    return head
