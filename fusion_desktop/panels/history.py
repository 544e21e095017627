"""What was done, step by step: a click goes back or forth to any of it."""

from PySide6.QtWidgets import QUndoView, QVBoxLayout, QWidget

from fusion_desktop import assets
from fusion_desktop.document.document import Document


class HistoryPanel(QWidget):
    """The undo stack as a list."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = QUndoView(document.undo_stack)
        self.list.setEmptyLabel("As opened")
        self.list.setCleanIcon(assets.icon("save", "muted"))
        self.list.setAccessibleName("History of changes")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.list)
