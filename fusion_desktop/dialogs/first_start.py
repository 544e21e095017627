"""Show the commands that are about to be started for the first time, whole, and let a person decide."""

import asyncio
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from composite_runtime.graph.model import ServerNode, StdioTransport
from composite_runtime.interop import catalogue, first_start, login_path, needs
from composite_runtime.interop.needs import Need
from fusion_desktop import tasks, theme
from fusion_desktop.controls import restyle

Look = Callable[[Sequence[str]], Need | None]
"""From a command line to what it needs on this machine."""


def command_line(transport: StdioTransport) -> str:
    """Return a command as it would be typed; secrets in it are references."""
    words = [transport.command, *transport.args]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def look(words: Sequence[str]) -> Need | None:
    """Return what a command line needs on this machine, searched as the runtime searches it."""
    path = login_path.joined(os.environ.get("PATH"), login_path.login_shell_path())
    return needs.need_of(words[0], path, catalogue.least_version(words))


class FirstStartDialog(QDialog):
    """Lists commands with a box to tick each. Open it with `open()`; it answers with one of its signals."""

    agreed = Signal(list, list)
    """The nodes that may be started, and those that may not."""

    def __init__(self, nodes: Sequence[ServerNode], parent: QWidget | None = None, *, look: Look = look) -> None:
        super().__init__(parent)
        self.setWindowTitle("First start")
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self._rows = [_Row(node, self) for node in nodes]
        count = len(nodes)
        heading = QLabel("Start this program?" if count == 1 else f"Start these {count} programs?")
        heading.setProperty("role", "heading")
        words = QLabel(
            "Fusion has not started it before. It gets your rights on this computer."
            if count == 1
            else "Fusion has not started them before. They get your rights on this computer."
        )
        words.setProperty("role", "muted")
        words.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(5 * theme.GRID, 5 * theme.GRID, 5 * theme.GRID, 4 * theme.GRID)
        layout.setSpacing(3 * theme.GRID)
        layout.addWidget(heading)
        layout.addWidget(words)
        layout.addWidget(self._list(), 1)
        layout.addLayout(self._buttons())
        self.resize(640, min(640, 148 + 96 * count))
        self._count()
        tasks.spawn_for(self, self._look(look))

    def _list(self) -> QScrollArea:
        page = QWidget()
        rows = QVBoxLayout(page)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(2 * theme.GRID)
        for row in self._rows:
            rows.addWidget(row)
            row.box.toggled.connect(self._count)
        rows.addStretch(1)
        area = QScrollArea()
        area.setAccessibleName("Commands that would be started")
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(page)
        return area

    def _buttons(self) -> QHBoxLayout:
        cancel, self.without, self.start = QPushButton("Cancel"), QPushButton("Go on without"), QPushButton()
        cancel.clicked.connect(self.reject)
        self.without.clicked.connect(lambda: self._answer(set()))
        self.start.clicked.connect(lambda: self._answer({id(row) for row in self._rows if row.box.isChecked()}))
        self.start.setProperty("primary", True)
        for button in (cancel, self.without, self.start):
            button.setAutoDefault(False)
        # Agreeing takes a click or a Tab: Enter alone starts nothing.
        cancel.setDefault(True)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(cancel)
        row.addWidget(self.without)
        row.addWidget(self.start)
        return row

    def _count(self) -> None:
        count = sum(row.box.isChecked() for row in self._rows)
        self.start.setEnabled(count > 0)
        self.start.setText("Start" if count == len(self._rows) else f"Start {count}")

    def _answer(self, chosen: set[int]) -> None:
        self.agreed.emit(
            [row.node for row in self._rows if id(row) in chosen],
            [row.node for row in self._rows if id(row) not in chosen],
        )
        self.accept()

    async def _look(self, look: Look) -> None:
        """Say what has to be installed for a command, and which version is."""
        for row in self._rows:
            need = await asyncio.to_thread(look, row.words)
            if need is not None:
                row.show_need(need)


class _Row(QFrame):
    def __init__(self, node: ServerNode, parent: QWidget) -> None:
        super().__init__(parent)
        assert isinstance(node.transport, StdioTransport)
        self.node, self.words = node, (node.transport.command, *node.transport.args)
        self.setObjectName("card")
        self.box = QCheckBox(node.name.replace("&", "&&"))
        self.box.setChecked(True)
        self.box.setFont(theme.font(bold=True))
        line = QLabel(command_line(node.transport), textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        line.setFont(theme.font(mono=True))
        line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        line.setAccessibleName(f"Command of {node.name}")
        self._need = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._need.setProperty("role", "caption")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * theme.GRID, 2 * theme.GRID, 3 * theme.GRID, 2 * theme.GRID)
        layout.setSpacing(theme.GRID)
        layout.addWidget(self.box)
        layout.addWidget(line)
        layout.addWidget(self._need)
        self._need.setText(_variables(node.transport))
        self._need.setVisible(bool(self._need.text()))

    def show_need(self, need: Need) -> None:
        """Say what the command needs, and what is missing."""
        words = need.problem or f"Uses {need.title} {need.version}".rstrip()
        assert isinstance(self.node.transport, StdioTransport)
        self._need.setText("  ·  ".join(filter(None, (words, _variables(self.node.transport)))))
        restyle(self._need, role="warning" if need.problem else "caption")
        self._need.show()


def _variables(transport: StdioTransport) -> str:
    folder = f"in {transport.cwd}" if transport.cwd else ""
    loaders = first_start.steering(transport)
    # The others may hold secrets, and are the program's own affair.
    shown = [f"{name}={loaders[name]}" if name in loaders else name for name in transport.env]
    names = f"sets {', '.join(shown)}" if shown else ""
    return "  ·  ".join(filter(None, (folder, names)))
