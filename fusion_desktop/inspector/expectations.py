"""The editor of what is expected of a saved call: one row for each expectation."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QMenu, QPushButton, QToolButton, QVBoxLayout, QWidget

from fusion_desktop import theme
from fusion_desktop.assets import icon
from fusion_desktop.inspector.values import DraftError, number_text, parse_json, parse_number
from fusion_desktop.run.frames import JsonObject, Outcome, text_of

Json: TypeAlias = Any

_WORDS = {
    "schema": "Fits the declared schema",
    "equals": "Equals",
    "contains": "Contains",
    "latency": "Faster than (ms)",
    "error": "Fails",
}
_FIELDS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "schema": (("pointer", "Place, such as /structuredContent", "text"),),
    "equals": (("pointer", "Place; empty is the whole result", "text"), ("value", "Value, as JSON", "json")),
    "contains": (("pointer", "Place; empty is anywhere", "text"), ("value", "Value, as JSON", "json")),
    "latency": (("under_ms", "Milliseconds", "number"),),
    "error": (("code", "Code, if it matters", "code"), ("contains", "Part of the message", "text")),
}


class Expectations(QWidget):
    """Rows that can be added and removed."""

    changed = Signal()

    def __init__(self, outcome: Outcome | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._outcome = outcome
        self._rows: list[_Row] = []
        self._column = QVBoxLayout()
        self._column.setSpacing(2 * theme.GRID)
        self._nothing = QLabel("Only that it succeeds.")
        self._nothing.setProperty("role", "muted")
        self.add_button = QPushButton("Add an expectation")
        menu = QMenu(self.add_button)
        for kind, words in _WORDS.items():
            action = menu.addAction(words)
            action.triggered.connect(partial(self._add_kind, kind))
        self.add_button.setMenu(menu)
        self.add_button.setProperty("menu", True)
        foot = QHBoxLayout()
        foot.addWidget(self.add_button)
        foot.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * theme.GRID)
        layout.addWidget(self._nothing)
        layout.addLayout(self._column)
        layout.addLayout(foot)

    def write(self, expected: Sequence[Mapping[str, Json]]) -> None:
        """Show these; what this version does not know is kept as it is."""
        for one in expected:
            self.add(one)

    def add(self, expected: Mapping[str, Json]) -> None:
        """Add one."""
        row = _Row(expected, self._remove)
        row.changed.connect(self.changed)
        self._rows.append(row)
        self._column.addWidget(row)
        self._nothing.hide()
        self.changed.emit()

    def _add_kind(self, kind: str, _checked: bool = False) -> None:
        self.add(self._proposal(kind))

    def read(self) -> list[JsonObject]:
        """Return all as JSON; raise `DraftError` saying which cannot be used."""
        return [row.read() for row in self._rows]

    def _remove(self, row: "_Row") -> None:
        self._rows.remove(row)
        self._column.removeWidget(row)
        row.hide()
        row.deleteLater()
        self._nothing.setVisible(not self._rows)
        self.changed.emit()

    def _proposal(self, kind: str) -> JsonObject:
        """Return an expectation that what just came back meets."""
        outcome = self._outcome
        result = outcome.result if outcome is not None else None
        match kind:
            case "schema":
                return {"kind": kind}
            case "latency":
                took = outcome.milliseconds if outcome is not None else 500.0
                return {"kind": kind, "under_ms": float(max(100, round(took * 5, -2)))}
            case "error":
                code = outcome.error.get("code") if outcome is not None and outcome.error is not None else None
                return {"kind": kind, "code": code}
        pointer, value = _found(result)
        return {"kind": kind, "pointer": pointer, "value": value}


class _Row(QWidget):
    changed = Signal()

    def __init__(self, expected: Mapping[str, Json], remove: "Callable[[_Row], None]") -> None:
        super().__init__()
        self._expected = dict(expected)
        self._kind = str(expected.get("kind"))
        self.fields: dict[str, tuple[QLineEdit, str]] = {}
        name = QLabel(_WORDS.get(self._kind, self._kind))
        name.setFixedWidth(168)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * theme.GRID)
        row.addWidget(name)
        for key, hint, form in _FIELDS.get(self._kind, ()):
            field = QLineEdit(placeholderText=hint)
            field.setToolTip(hint)
            field.setAccessibleName(f"{name.text()}: {hint}")
            field.setText(_shown(self._present(key), form))
            field.textChanged.connect(lambda _: self.changed.emit())
            self.fields[key] = (field, form)
            field.setCursorPosition(0)
            row.addWidget(field, 1)
        if not self.fields:
            row.addStretch(1)
        close = QToolButton()
        close.setIcon(icon("close", "muted"))
        close.setToolTip("Expect this no more")
        close.setAccessibleName(f"Remove: {name.text()}")
        close.clicked.connect(lambda: remove(self))
        row.addWidget(close)

    def _present(self, key: str) -> Json:
        return self._expected.get(key, "/structuredContent" if (self._kind, key) == ("schema", "pointer") else None)

    def read(self) -> JsonObject:
        made = dict(self._expected)
        for key, (field, form) in self.fields.items():
            try:
                value = _meant(field.text(), form)
            except DraftError as error:
                raise DraftError(f"{_WORDS[self._kind]}: {error}") from None
            if value is None and form in {"code", "text"}:
                made.pop(key, None)
                if (self._kind, key) == ("schema", "pointer"):
                    made[key] = ""
            else:
                made[key] = value
        return made


def _shown(value: Json, form: str) -> str:
    if form == "json":
        return text_of(value, indent=None)
    if form == "number" and isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else number_text(value) if isinstance(value, float) else str(value)


def _meant(text: str, form: str) -> Json:
    text = text.strip()
    if form == "json":
        return parse_json(text)
    if form == "number":
        number = parse_number(text)
        if number <= 0:
            raise DraftError("Enter a number above 0.")
        return number
    if form == "code":
        return parse_number(text, is_integer=True) if text else None
    return text or None


def _found(result: JsonObject | None) -> tuple[str, Json]:
    """Return the most telling part of a result, and where it is."""
    if result is None:
        return "", ""
    if "structuredContent" in result:
        return "/structuredContent", result["structuredContent"]
    for member in ("content", "contents"):
        blocks = result.get(member)
        if (
            isinstance(blocks, list)
            and blocks
            and isinstance(blocks[0], dict)
            and isinstance(blocks[0].get("text"), str)
        ):
            return f"/{member}/0/text", blocks[0]["text"]
    return "", result
