"""Fields for what a server asks for before it can be added: texts, secrets, numbers, switches, choices and paths."""

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from composite_runtime.interop.registry_entry import Prompt, Text
from fusion_desktop import assets, theme

_LIST_HEIGHT = 72


class PromptField(QWidget):
    """One prompt: its name, an editor, what it is for, and what is wrong with the answer."""

    changed = Signal()

    def __init__(self, prompt: Prompt, parent: QWidget | None = None, *, is_stored: bool = False) -> None:
        super().__init__(parent)
        self.prompt = prompt
        self._is_stored = is_stored and prompt.is_secret
        self._read: Callable[[], Text]
        self.editor = self._make_editor()
        self.editor.setAccessibleName(prompt.label)
        self.editor.setAccessibleDescription(prompt.description)
        self.setFocusProxy(self.editor)
        self._fault = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._fault.setProperty("role", "error")
        self._fault.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.GRID)
        if not isinstance(self.editor, QCheckBox):
            layout.addLayout(self._heading())
        layout.addLayout(self._row())
        if prompt.description:
            words = QLabel(prompt.description, textFormat=Qt.TextFormat.PlainText, wordWrap=True)
            words.setProperty("role", "caption")
            layout.addWidget(words)
        layout.addWidget(self._fault)

    def answer(self) -> Text:
        """Return what was filled in; None if nothing was. A stored secret counts as an answer."""
        if self._is_stored and not self._read():
            return "stored"
        return self._read() or None if not isinstance(self.editor, QCheckBox) else self._read()

    @property
    def keeps_stored(self) -> bool:
        """Tell whether the secret that is stored already is to be used."""
        return self._is_stored and not self._read()

    def show_fault(self, words: str) -> None:
        """Say what is wrong; nothing removes it again."""
        self._fault.setText(words)
        self._fault.setVisible(bool(words))

    def _heading(self) -> QHBoxLayout:
        label = QLabel(self.prompt.label, textFormat=Qt.TextFormat.PlainText)
        label.setFont(theme.font(bold=True))
        label.setBuddy(self.editor)
        kind = QLabel("required" if self.prompt.is_required else "optional")
        kind.setProperty("role", "caption")
        row = QHBoxLayout()
        row.setSpacing(2 * theme.GRID)
        row.addWidget(label)
        row.addWidget(kind)
        row.addStretch(1)
        return row

    def _row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(2 * theme.GRID)
        row.addWidget(self.editor, 1)
        if self.prompt.kind == "filepath" and not self.prompt.is_secret:
            row.addWidget(self._picker(), 0, Qt.AlignmentFlag.AlignTop)
        return row

    def _make_editor(self) -> QWidget:
        prompt = self.prompt
        if prompt.kind == "boolean":
            box = QCheckBox(prompt.label.replace("&", "&&"))
            box.setChecked(prompt.default in {"true", "1"})
            box.toggled.connect(self._edited)
            self._read = box.isChecked
            return box
        if prompt.is_repeated:
            return self._list_editor()
        if prompt.choices:
            return self._choice_editor()
        return self._line_editor()

    def _list_editor(self) -> QWidget:
        text = QPlainTextEdit(self.prompt.default or "")
        text.setPlaceholderText("One per line")
        text.setFixedHeight(_LIST_HEIGHT)
        text.setTabChangesFocus(True)
        text.textChanged.connect(self._edited)
        self._read = lambda: [line.strip() for line in text.toPlainText().splitlines() if line.strip()]
        return text

    def _choice_editor(self) -> QWidget:
        choice = QComboBox()
        if not self.prompt.is_required:
            choice.addItem("Not set", "")
        for value in self.prompt.choices:
            choice.addItem(value, value)
        choice.setCurrentIndex(max(0, choice.findData(self.prompt.default or "")))
        choice.currentIndexChanged.connect(self._edited)
        self._read = choice.currentData
        return choice

    def _line_editor(self) -> QWidget:
        prompt = self.prompt
        line = QLineEdit(prompt.default or "")
        line.setPlaceholderText("Stored already; leave empty to use it" if self._is_stored else prompt.placeholder)
        line.textChanged.connect(self._edited)
        if prompt.is_secret:
            line.setEchoMode(QLineEdit.EchoMode.Password)
            show = QAction(assets.icon("eye", "muted"), "Show what is typed", line, checkable=True)
            show.toggled.connect(
                lambda is_on: line.setEchoMode(QLineEdit.EchoMode.Normal if is_on else QLineEdit.EchoMode.Password)
            )
            line.addAction(show, QLineEdit.ActionPosition.TrailingPosition)
        self._read = lambda: line.text().strip()
        return line

    def _picker(self) -> QWidget:
        button = QPushButton("Choose…")
        button.setAutoDefault(False)
        button.setAccessibleName(f"Choose {self.prompt.label}")
        menu = QMenu(button)
        menu.addAction("A folder…", lambda: self._pick(QFileDialog.FileMode.Directory))
        menu.addAction("A file…", lambda: self._pick(QFileDialog.FileMode.AnyFile))
        button.setMenu(menu)
        button.setProperty("menu", True)
        return button

    def _pick(self, mode: QFileDialog.FileMode) -> None:
        dialog = QFileDialog(self, self.prompt.label)
        dialog.setFileMode(mode)
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.write_path)
        dialog.open()

    def write_path(self, path: str) -> None:
        """Fill in a path that was chosen; a list gets one more line."""
        if isinstance(self.editor, QPlainTextEdit):
            lines = [line for line in self.editor.toPlainText().splitlines() if line.strip()]
            self.editor.setPlainText("\n".join([*lines, path]))
        elif isinstance(self.editor, QLineEdit):
            self.editor.setText(path)

    def _edited(self) -> None:
        self.show_fault("")
        self.changed.emit()
