"""The sheet of all keys, made from the table of actions."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from fusion_desktop.controls import search_field


class KeySheet(QDialog):
    """Shows groups of commands with their keys; typing narrows them."""

    def __init__(self, groups: Mapping[str, Sequence[tuple[str, str]]], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._groups = groups
        self.search = search_field("Search commands")
        self._area = QScrollArea()
        self._area.setAccessibleName("Commands and their keys")
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setWidgetResizable(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(12)
        layout.addWidget(self.search)
        layout.addWidget(self._area, 1)
        self.search.textChanged.connect(self._show)
        self._show("")
        self.resize(560, 640)

    def _show(self, words: str) -> None:
        page = QWidget()
        grid = QGridLayout(page)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(0, 1)
        row = 0
        for title, commands in self._groups.items():
            fitting = [(name, keys) for name, keys in commands if words.casefold() in f"{name} {keys}".casefold()]
            if not fitting:
                continue
            heading = QLabel(title)
            heading.setProperty("role", "heading")
            heading.setContentsMargins(0, 12 if row else 0, 0, 2)
            grid.addWidget(heading, row, 0, 1, 2)
            for name, keys in fitting:
                row += 1
                grid.addWidget(QLabel(name), row, 0)
                label = QLabel(keys)
                label.setProperty("role", "muted")
                grid.addWidget(label, row, 1, Qt.AlignmentFlag.AlignRight)
            row += 1
        grid.setRowStretch(row, 1)
        self._area.setWidget(page)
