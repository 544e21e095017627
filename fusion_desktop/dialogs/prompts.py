"""Ask for what a server needs before it is added: keys, folders, addresses, and which way it is run."""

import asyncio
from collections.abc import Collection, Mapping
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from composite_runtime.errors import FusionError
from composite_runtime.graph.model import StdioTransport
from composite_runtime.interop.needs import Need
from composite_runtime.interop.plain_secrets import PlainSecret, Transport
from composite_runtime.interop.registry_entry import Missing, Prompt, Severity, Text, Way, fill, secret_name
from fusion_desktop import assets, tasks, theme
from fusion_desktop.controls import restyle
from fusion_desktop.dialogs.first_start import Look, command_line, look
from fusion_desktop.dialogs.prompt_fields import PromptField
from fusion_desktop.document.template import Template

_HELP = {
    "Node.js": "Install it from nodejs.org.",
    "uv": "Install it as docs.astral.sh/uv says.",
    "Docker": "Install it from docker.com, and start it.",
    "the .NET SDK": "Install .NET 10 from dotnet.microsoft.com.",
}


class PromptDialog(QDialog):
    """Asks what a template asks. Open it with `open()`; it answers with `completed`, or not at all."""

    completed = Signal(object, list)
    """The transport, and the secrets it refers to that are not stored yet."""

    def __init__(
        self,
        template: Template,
        parent: QWidget | None = None,
        *,
        stored: Collection[str] = (),
        look: Look = look,
    ) -> None:
        super().__init__(parent)
        self._template = template
        self._stored = stored
        self._look = look
        self._fields: list[PromptField] = []
        self.setWindowTitle(f"Add {template.node.name}")
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self._page = QScrollArea()
        self._page.setFrameShape(QFrame.Shape.NoFrame)
        self._page.setWidgetResizable(True)
        self._page.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._preview = _words("caption", mono=True)
        self._note = _words("caption")
        self._fault = _words("error")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(5 * theme.GRID, 5 * theme.GRID, 5 * theme.GRID, 4 * theme.GRID)
        layout.setSpacing(3 * theme.GRID)
        layout.addLayout(self._heading())
        layout.addWidget(self._make_ways())
        layout.addWidget(self._page, 1)
        layout.addWidget(self._note)
        layout.addWidget(self._preview)
        layout.addWidget(self._fault)
        layout.addLayout(self._buttons())
        self.ways.currentIndexChanged.connect(self._show_way)
        self._show_way()

    @property
    def fields(self) -> Mapping[str, PromptField]:
        """Return the fields by the id of what they ask."""
        return {field.prompt.id: field for field in self._fields}

    def _heading(self) -> QHBoxLayout:
        icon = QLabel()
        icon.setPixmap(assets.icon(self._template.icon, "accent").pixmap(32, 32))
        title = QLabel(f"Add {self._template.node.name}", textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        title.setProperty("role", "heading")
        lines = QVBoxLayout()
        lines.setSpacing(theme.GRID)
        lines.addWidget(title)
        for text in (self._template.summary, self._template.note):
            if text:
                words = _words("muted")
                words.setText(text)
                lines.addWidget(words)
        row = QHBoxLayout()
        row.setSpacing(3 * theme.GRID)
        row.addWidget(icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(lines, 1)
        return row

    def _make_ways(self) -> QWidget:
        self.ways = QComboBox()
        self.ways.setAccessibleName("How it is run")
        self.ways.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for way in self._template.ways:
            where = "Connect to" if way.origin == "remote" else "Run on this computer:"
            self.ways.addItem(f"{where} {way.label}")
        self.ways.setVisible(self.ways.count() > 1)
        return self.ways

    def _buttons(self) -> QHBoxLayout:
        cancel, self.add = QPushButton("Cancel"), QPushButton("Add")
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        self.add.setProperty("primary", True)
        self.add.setDefault(True)
        self.add.clicked.connect(self.finish)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(cancel)
        row.addWidget(self.add)
        return row

    @property
    def _way(self) -> Way:
        return self._template.ways[max(0, self.ways.currentIndex())]

    def _show_way(self) -> None:
        way = self._way
        prompts = sorted(way.prompts.values(), key=lambda prompt: (not _is_shown(prompt), not prompt.is_required))
        self._fields = [PromptField(p, is_stored=self._base_name(p) in self._stored) for p in prompts]
        page = QWidget()
        lines = QVBoxLayout(page)
        lines.setContentsMargins(0, 0, 2 * theme.GRID, 0)
        lines.setSpacing(4 * theme.GRID)
        more = [field for field in self._fields if not _is_shown(field.prompt)]
        for field in self._fields:
            field.changed.connect(self._refresh)
            if field in more[:1]:
                lines.addWidget(self._toggle(more))
            lines.addWidget(field)
            field.setVisible(field not in more)
        lines.addStretch(1)
        self._page.setWidget(page)
        self._page.setVisible(bool(self._fields))
        shown = len(self._fields) - len(more)
        self.resize(520, min(660, 240 + 88 * shown + (40 if more else 0)))
        self._say_needs(way, None)
        if way.command:
            tasks.spawn_for(self, self._ask_needs(way))
        self._refresh()
        if self._fields:
            self._fields[0].setFocus()

    def _toggle(self, fields: list[PromptField]) -> QToolButton:
        button = QToolButton()
        button.setText(f"More settings ({len(fields)})")
        button.setCheckable(True)
        button.setIcon(assets.icon("chevron-right", "muted"))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)

        def show(is_open: bool) -> None:
            button.setIcon(assets.icon("chevron-down" if is_open else "chevron-right", "muted"))
            for field in fields:
                field.setVisible(is_open)
            if is_open:
                self.resize(self.width(), min(660, self.height() + 72 * len(fields)))

        button.toggled.connect(show)
        return button

    async def _ask_needs(self, way: Way) -> None:
        words = [way.command, *(word for argument in way.arguments if (word := argument.literal) is not None)]
        need = await asyncio.to_thread(self._look, words)
        if way is self._way:
            self._say_needs(way, need)

    def _say_needs(self, way: Way, need: Need | None) -> None:
        warnings = [one.message for one in way.findings if one.severity is Severity.WARNING]
        lines = [f"{line[:1].upper()}{line[1:]}." for line in warnings]
        if need is not None and need.problem:
            lines.insert(0, f"{need.problem}. {_HELP.get(need.title, '')}".strip())
        elif need is not None:
            lines.insert(0, f"Runs with {need.title} {need.version}, which is installed.".replace(" ,", ","))
        elif way.needs:
            lines.insert(0, f"Needs {way.needs}.")
        is_warning = bool(warnings) or (need is not None and bool(need.problem))
        self._note.setText("\n".join(lines))
        restyle(self._note, role="warning" if is_warning else "caption")
        self._note.setVisible(bool(lines))

    def _refresh(self) -> None:
        """Show what would be run; nothing secret is in it."""
        self._fault.hide()
        answers = self._answers()
        for field in self._fields:
            if not answers[field.prompt.id] and field.prompt.is_required:
                answers[field.prompt.id] = [f"<{field.prompt.label}>"] if field.prompt.is_repeated else "<…>"
        try:
            transport = fill(self._way, answers, self._secret_name)
        except FusionError:
            self._preview.hide()
            return
        is_command = isinstance(transport, StdioTransport)
        self._preview.setText(command_line(transport) if isinstance(transport, StdioTransport) else transport.url)
        self._preview.setAccessibleName("Command" if is_command else "Address")
        self._preview.show()

    def _answers(self) -> dict[str, Text]:
        return {field.prompt.id: field.answer() for field in self._fields}

    def finish(self) -> None:
        """Answer, or say what is missing."""
        for field in self._fields:
            field.show_fault("")
        for field in self._fields:
            if words := _fault_of(field):
                self._complain(field, words)
                return
        try:
            transport: Transport = fill(self._way, self._answers(), self._secret_name)
        except Missing as error:
            self._complain(self.fields.get(error.prompt), error.message)
            return
        except FusionError as error:
            self._complain(None, error.message)
            return
        typed = [field for field in self._fields if field.prompt.is_secret and not field.keeps_stored]
        values = [(self._secret_name(field.prompt), field.answer()) for field in typed]
        secrets = [PlainSecret("the settings", name, value) for name, value in values if isinstance(value, str)]
        self.completed.emit(transport, secrets)
        self.accept()

    def _complain(self, field: PromptField | None, words: str) -> None:
        sentence = f"{words[:1].upper()}{words[1:]}."
        if field is None:
            self._fault.setText(sentence)
            self._fault.show()
            return
        field.setVisible(True)
        field.show_fault(sentence)
        field.setFocus()
        self._page.ensureWidgetVisible(field)

    def _base_name(self, prompt: Prompt) -> str:
        return secret_name(self._template.known or self._template.node.name, prompt)

    def _secret_name(self, prompt: Prompt) -> str:
        """Return the name a secret is kept under: that of the stored one if it is used, else one that is free."""
        base, field = self._base_name(prompt), self.fields.get(prompt.id)
        if base not in self._stored or (field is not None and field.keeps_stored):
            return base
        return next(
            name for number in range(2, len(self._stored) + 3) if (name := f"{base}-{number}") not in self._stored
        )


def _is_shown(prompt: Prompt) -> bool:
    return prompt.is_secret or (prompt.is_required and prompt.default is None)


def _fault_of(field: PromptField) -> str:
    """Return what is wrong with an answer, beyond what every prompt is held to."""
    prompt, answer = field.prompt, field.answer()
    if isinstance(answer, str) and any(sign in answer for sign in "\r\n\0"):
        return f"{prompt.label} must be a single line"
    if prompt.kind != "filepath" or prompt.is_secret or not prompt.is_required:
        return ""
    # A file may be one the server makes, but not in a folder that does not exist.
    given = answer if isinstance(answer, list | tuple) else [answer] if isinstance(answer, str) else []
    for text in given:
        path = Path(text).expanduser()
        if not path.is_absolute():
            return f"{text} must be a whole path"
        if not (path.exists() or path.parent.is_dir()):
            return f"{text} does not exist"
    return ""


def _words(role: str, *, mono: bool = False) -> QLabel:
    label = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
    label.setProperty("role", role)
    if mono:
        label.setFont(theme.font(theme.CAPTION, mono=True))
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
