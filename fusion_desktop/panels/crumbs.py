"""Where one is: the composites around what is shown, each a button that goes there."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from fusion_desktop import assets, plain
from fusion_desktop.controls import clear
from fusion_desktop.document import places
from fusion_desktop.document.document import Document


class Crumbs(QWidget):
    """Visible only inside a composite."""

    wanted = Signal(object)
    """The id of a composite, or None for the whole graph."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._root: str | None = None
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(12, 4, 12, 4)
        self._layout.setSpacing(2)
        document.edited.connect(lambda: self.show_path(self._root))
        self.hide()

    def show_path(self, root: str | None) -> None:
        """Show the way to a composite."""
        self._root = root if root is not None and self._document.node(root) is not None else None
        clear(self._layout)
        self.setVisible(self._root is not None)
        if self._root is None:
            return
        path = [None, *reversed([self._root, *places.ancestors(self._document.homes, self._root)])]
        for place, node_id in enumerate(path):
            if place:
                arrow = QLabel()
                arrow.setPixmap(assets.icon("chevron-right", "muted").pixmap(14, 14))
                self._layout.addWidget(arrow)
            node = self._document.node(node_id) if node_id else None
            name = node.name if node else "Whole graph"
            if node_id == self._root:
                here = QLabel(name)
                here.setTextFormat(Qt.TextFormat.PlainText)
                here.setProperty("role", "here")
                here.setContentsMargins(6, 0, 6, 0)
                self._layout.addWidget(here)
                continue
            button = QToolButton()
            button.setText(plain.label(name))
            button.setAccessibleName(f"Show {name}")
            button.clicked.connect(lambda _checked=False, node_id=node_id: self.wanted.emit(node_id))
            self._layout.addWidget(button)
        self._layout.addStretch(1)
