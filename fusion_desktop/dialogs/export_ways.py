"""Ways to hand a graph to a client without changing its file: links, commands, text to paste, and a bundle."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QFrame, QGridLayout, QLabel, QLineEdit, QPushButton, QScrollArea, QWidget

from composite_runtime.graph.check import served_composite
from composite_runtime.graph.model import Graph
from composite_runtime.interop import bundle, links
from composite_runtime.interop.clients import clients
from composite_runtime.interop.clients.format import Entry
from fusion_desktop import tasks, theme


@dataclass(frozen=True)
class Way:
    """One text to be handed on; `opens` says that it is a link to be opened here."""

    title: str
    note: str
    text: str
    opens: bool = False


def ways(entry: Entry, client_id: str, title: str) -> list[Way]:
    """Return what can be handed to a client, and what every client takes."""
    found: list[Way] = []
    name = clients[client_id].title
    if link := links.links(entry).get(client_id):
        found.append(Way("Install link", f"{name} opens it and asks whether to add the server", link, opens=True))
    if command := links.commands(entry).get(client_id):
        found.append(Way("Command", f"Run it in a terminal; {name} adds the server itself", command))
    found.append(Way("Configuration", "JSON for the box or the file of most clients", links.as_json(entry)))
    section = links.as_markdown(entry, title)
    found.append(Way("Section for a README", "Markdown with the configuration and install links", section))
    return found


class ExportWays(QScrollArea):
    """The ways as rows with buttons. What is copied or written holds paths of this computer and no secret."""

    said = Signal(str)
    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Ready-made entries and links")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self._graph: Graph | None = None
        self._composite: str | None = None

    def show_ways(self, found: list[Way], graph: Graph | None, composite: str | None) -> None:
        """Show what can be handed on now."""
        self._graph, self._composite = graph, composite
        page = QWidget()
        grid = QGridLayout(page)
        grid.setContentsMargins(0, 3 * theme.GRID, 2 * theme.GRID, 0)
        grid.setHorizontalSpacing(2 * theme.GRID)
        grid.setVerticalSpacing(theme.GRID)
        grid.setColumnStretch(0, 1)
        row = 0
        for way in found:
            buttons = [_button("Copy", lambda _=False, way=way: self.copy(way))]
            if way.opens:
                buttons.insert(0, _button("Open", lambda _=False, way=way: self.open_link(way)))
            row = self._add(grid, row, way, buttons)
        self.save = _button("Save…", self._ask_bundle)
        note = "A .mcpb file with the runtime and the graph inside, for Claude Desktop on other computers too"
        row = self._add(grid, row, Way("Bundle", note, ""), [self.save])
        here = QLabel("Except for the bundle, they name files of this computer, so they work on this computer only.")
        here.setProperty("role", "caption")
        here.setWordWrap(True)
        grid.addWidget(here, row, 0, 1, 3)
        grid.setRowStretch(row + 1, 1)
        self.setWidget(page)

    def _add(self, grid: QGridLayout, row: int, way: Way, buttons: list[QPushButton]) -> int:
        name = QLabel(way.title)
        name.setFont(theme.font(bold=True))
        words = QLabel(way.note, wordWrap=True)
        words.setProperty("role", "caption")
        grid.addWidget(name, row, 0)
        grid.addWidget(words, row + 1, 0)
        for column, button in enumerate(reversed(buttons)):
            button.setAccessibleName(f"{button.text().rstrip('…')} {way.title}")
            grid.addWidget(button, row, 2 - column, 2, 1, Qt.AlignmentFlag.AlignVCenter)
        if way.text:
            line = QLineEdit(" ".join(way.text.split()))
            line.setReadOnly(True)
            line.setCursorPosition(0)
            line.setFont(theme.font(theme.CAPTION, mono=True))
            line.setAccessibleName(way.title)
            grid.addWidget(line, row + 2, 0, 1, 3)
        grid.setRowMinimumHeight(row + 3, 2 * theme.GRID)
        return row + 4

    def copy(self, way: Way) -> None:
        """Put a way's text onto the clipboard."""
        QGuiApplication.clipboard().setText(way.text)
        self.said.emit(f"Copied: {way.title[:1].lower()}{way.title[1:]}.")

    def open_link(self, way: Way) -> None:
        """Let the system open a link; whichever program it belongs to asks its user."""
        if not QDesktopServices.openUrl(QUrl(way.text, QUrl.ParsingMode.StrictMode)):
            self.refused.emit("No program on this computer opens this link. Is the client installed?")

    def _ask_bundle(self) -> None:
        dialog = QFileDialog(self, "Save the bundle", "", "Bundles (*.mcpb)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("mcpb")
        dialog.selectFile(f"{self._graph.name if self._graph is not None else 'graph'}.mcpb")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.save_bundle(Path(name)))
        dialog.open()

    def save_bundle(self, path: Path) -> None:
        """Make the bundle and write it."""
        if self._graph is None:
            return
        graph, composite = self._graph, self._composite

        def make() -> bundle.Bundle:
            made = bundle.bundle(graph, served_composite(graph, composite))
            bundle.write(made, path)
            return made

        async def work() -> None:
            made = await asyncio.to_thread(make)
            asked = made.manifest["user_config"]
            names = ", ".join(question["title"] for question in asked.values())
            lines = [f"Saved {path}.", f"It asks for {names}." if names else "", *made.warnings]
            self.said.emit(" ".join(filter(None, lines)))

        self.save.setEnabled(False)
        task = tasks.spawn_for(self, work(), failed=self._fail)
        task.add_done_callback(lambda done: None if done.cancelled() else self.save.setEnabled(True))

    def _fail(self, words: str) -> None:
        self.refused.emit(f"{words[:1].upper()}{words[1:]}")


def _button(words: str, action: Callable[..., object]) -> QPushButton:
    button = QPushButton(words)
    button.setAutoDefault(False)
    button.clicked.connect(action)
    return button
