"""What is selected, as fields. Each field that was changed is one edit."""

from collections import Counter
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from composite_runtime.graph.model import Frame, Note
from fusion_desktop.document import marks
from fusion_desktop.document.document import Document
from fusion_desktop.panels.annotation_page import AnnotationPage
from fusion_desktop.panels.edge_page import EdgePage
from fusion_desktop.panels.mark_boxes import MarkBoxes
from fusion_desktop.panels.node_page import Node, NodePage


class PropertiesPanel(QStackedWidget):
    """Shows a page for what is selected: nothing, a node, an edge, or several nodes."""

    refused = Signal(str)
    """Words why a value was not taken."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._nothing = QLabel("Select a node or a wire to see its properties.")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._nothing.setProperty("role", "muted")
        self._nothing.setWordWrap(True)
        self._nothing.setMargin(24)
        self._document = document
        self.node_page = NodePage(document, self.refused.emit)
        self.edge_page = EdgePage(document)
        self.many_page = ManyPage(document)
        self.annotation_page = AnnotationPage(document)
        self._nodes: list[str] = []
        self._edges: list[tuple[str, str]] = []
        self._scroll = _scrolled(self.node_page)
        for page in (self._nothing, self._scroll, self.edge_page, self.many_page, self.annotation_page):
            self.addWidget(page)
        document.edited.connect(self._refresh)

    def show_selection(self, things: Sequence[str], edges: Sequence[tuple[str, str]]) -> None:
        """Show what is selected now: nodes, frames and notes, and wires."""
        self._nodes, self._edges = list(things), list(edges)
        self._refresh()

    def focus_name(self) -> None:
        """Begin to edit the name of the selected node."""
        if self.currentWidget() is self._scroll:
            self.node_page.name.setFocus()
            self.node_page.name.selectAll()
        elif self.currentWidget() is self.annotation_page:
            self.annotation_page.focus_name()

    def _refresh(self) -> None:
        nodes = [node for node_id in self._nodes if (node := self._document.node(node_id)) is not None]
        edges = [edge for ends in self._edges if (edge := self._document.edge(*ends)) is not None]
        notes = [note for one in self._nodes if (note := self._document.annotation(one)) is not None]
        if len(notes) == 1 and not nodes and not edges:
            self.annotation_page.show_annotation(notes[0])
            self.setCurrentWidget(self.annotation_page)
        elif len(nodes) == 1 and not edges and not notes:
            self.node_page.show_node(nodes[0])
            self.setCurrentWidget(self._scroll)
        elif len(edges) == 1 and not nodes and not notes:
            self.edge_page.show_edge(edges[0])
            self.setCurrentWidget(self.edge_page)
        elif nodes or edges or notes:
            self.many_page.show_things(nodes, notes, len(edges))
            self.setCurrentWidget(self.many_page)
        else:
            self.setCurrentWidget(self._nothing)


class ManyPage(QWidget):
    """What can be changed on several nodes at once."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._nodes: list[Node] = []
        self._title = QLabel()
        self._title.setProperty("role", "heading")
        self.enable, self.disable = QPushButton("Enable"), QPushButton("Disable")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 16)
        layout.setSpacing(8)
        self.boxes = MarkBoxes(document)
        for widget in (self._title, self.enable, self.disable, self.boxes):
            layout.addWidget(widget)
        layout.addStretch(1)
        self.enable.clicked.connect(lambda: self._set(True))
        self.disable.clicked.connect(lambda: self._set(False))

    def show_things(self, nodes: Sequence[Node], notes: Sequence[Frame | Note], edges: int) -> None:
        """Show how many nodes, frames, notes and wires are selected."""
        self._nodes = list(nodes)
        kinds = Counter(note.type for note in notes)
        counts = {"node": len(nodes), "frame": kinds["frame"], "note": kinds["note"], "wire": edges}
        parts = [f"{count} {word}{'s' if count != 1 else ''}" for word, count in counts.items() if count]
        self._title.setText(", ".join(parts))
        self.boxes.setVisible(bool(nodes or notes))
        self.boxes.show_things([*(node.id for node in nodes), *(note.id for note in notes)])
        for button in (self.enable, self.disable):
            button.setVisible(bool(nodes))
        self.enable.setEnabled(any(not node.enabled for node in nodes))
        self.disable.setEnabled(any(node.enabled for node in nodes))

    def _set(self, on: bool) -> None:
        word = "Enable" if on else "Disable"
        graph = marks.enabled(self._document.graph, {node.id for node in self._nodes}, on)
        self._document.edit(f"{word} {len(self._nodes)} nodes", graph)


def _scrolled(page: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidget(page)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return area
