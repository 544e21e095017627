"""Check boxes for what can be said of several things at once: bypassed, collapsed, locked."""

from collections.abc import Callable, Collection, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from composite_runtime.graph.model import CompositeNode, Graph
from fusion_desktop.document import marks, places
from fusion_desktop.document.document import Document

Change = Callable[[Graph, Collection[str], bool], Graph]


class MarkBoxes(QWidget):
    """Each box is one edit. What holds for some of the things and not for others is shown as neither."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._things: list[str] = []
        self._composites: list[str] = []
        self.bypassed = QCheckBox("Bypassed")
        self.bypassed.setToolTip("What it is in offers its members directly, without its namespace")
        self.collapsed = QCheckBox("Collapsed")
        self.collapsed.setToolTip("Drawn as a card that stands for all it holds")
        self.locked = QCheckBox("Locked")
        self.locked.setToolTip("Not to be moved or deleted by hand")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for box in (self.bypassed, self.collapsed, self.locked):
            layout.addWidget(box)
        self.bypassed.clicked.connect(
            lambda on: self._set("Bypass" if on else "End bypass of", marks.bypassed, self._members(), on)
        )
        self.collapsed.clicked.connect(
            lambda on: self._set("Collapse" if on else "Expand", marks.collapsed, self._composites, on)
        )
        self.locked.clicked.connect(lambda on: self._set("Lock" if on else "Unlock", marks.locked, self._things, on))

    def show_things(self, things: Sequence[str]) -> None:
        """Show how these nodes, frames and notes are marked."""
        graph = self._document.graph
        self._things = list(things)
        nodes = [node for one in things if isinstance(node := graph.node(one), CompositeNode)]
        self._composites = [node.id for node in nodes]
        self.collapsed.setVisible(bool(nodes))
        self.bypassed.setVisible(bool(self._members()) or any(node.bypassed for node in nodes))
        _show(self.bypassed, [node.bypassed for node in nodes])
        _show(self.collapsed, [self._document.box(node.id).collapsed for node in nodes])
        _show(self.locked, [places.is_locked(graph, one) for one in things])

    def _members(self) -> list[str]:
        """Return the composites that are in another; what is bypassed elsewhere can at least be switched back."""
        graph = self._document.graph
        return [
            one
            for one in self._composites
            if graph.memberships(one) or (isinstance(node := graph.node(one), CompositeNode) and node.bypassed)
        ]

    def _set(self, word: str, change: Change, things: Sequence[str], on: bool) -> None:
        graph = self._document.graph
        what = marks.called(graph, things[0]) if len(things) == 1 else f"{len(things)} things"
        self._document.edit(f"{word} {what}", change(graph, things, on))


def _show(box: QCheckBox, values: Sequence[bool]) -> None:
    box.setTristate(False)
    if values and len(set(values)) > 1:
        box.setCheckState(Qt.CheckState.PartiallyChecked)
    else:
        box.setChecked(bool(values) and values[0])
