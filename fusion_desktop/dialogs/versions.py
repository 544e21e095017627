"""Earlier versions of the graph: what each looked like, what restoring it would do, and restoring it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from fusion_desktop import theme
from fusion_desktop.controls import restyle
from fusion_desktop.dialogs.preview import Preview


@dataclass(frozen=True)
class Shown:
    """One version as it is shown."""

    title: str
    image: QImage
    facts: Sequence[str]
    trouble: str = ""


class VersionsDialog(QDialog):
    """Lists versions by their titles; `show` is asked for one when it is selected."""

    restore_wanted = Signal(int)

    def __init__(self, titles: Sequence[str], show: Callable[[int], Shown], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._show_version = show
        self.setWindowTitle("Earlier versions")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._build()
        for title in titles:
            self.list.addItem(QListWidgetItem(title))
        self.list.currentRowChanged.connect(self._show_row)
        if titles:
            self.list.setCurrentRow(0)
        else:
            self._facts.setText(
                "There are none yet. Each time the file is saved, Fusion keeps what it held before: the last 20 saves."
            )
            self.list.hide()
            self.restore.setEnabled(False)
        self.resize(880, 560)

    def _build(self) -> None:
        self.list = QListWidget()
        self.list.setAccessibleName("Versions")
        self.list.setFixedWidth(72 * theme.GRID)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.preview = Preview("What the version looks like")
        self._facts = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._facts.setAccessibleName("What restoring it would do")
        side = QVBoxLayout()
        side.setSpacing(3 * theme.GRID)
        side.addWidget(self.preview, 1)
        side.addWidget(self._facts)
        middle = QHBoxLayout()
        middle.setSpacing(4 * theme.GRID)
        middle.addWidget(self.list)
        middle.addLayout(side, 1)
        note = QLabel("Restoring is one step that can be undone. The file changes only when it is saved.")
        note.setProperty("role", "muted")
        close, self.restore = QPushButton("Close"), QPushButton("Restore")
        self.restore.setProperty("primary", True)
        self.restore.setDefault(True)
        close.clicked.connect(self.reject)
        self.restore.clicked.connect(self._restore)
        buttons = QHBoxLayout()
        buttons.setSpacing(2 * theme.GRID)
        buttons.addWidget(note, 1)
        buttons.addWidget(close)
        buttons.addWidget(self.restore)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*[4 * theme.GRID] * 4)
        layout.setSpacing(4 * theme.GRID)
        layout.addLayout(middle, 1)
        layout.addLayout(buttons)

    def _show_row(self, row: int) -> None:
        shown = self._show_version(row)
        self.preview.show_image(shown.image, self.devicePixelRatioF())
        self._facts.setText(shown.trouble or "\n".join(shown.facts) or "The same as now.")
        restyle(self._facts, role="error" if shown.trouble else "")
        self.restore.setEnabled(bool(shown.facts) and not shown.trouble)

    def _restore(self) -> None:
        self.restore_wanted.emit(self.list.currentRow())
        self.accept()
