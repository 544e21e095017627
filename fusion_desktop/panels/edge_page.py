"""The properties of a wire: what its member is called in its composite."""

from PySide6.QtWidgets import QCheckBox, QLabel, QVBoxLayout, QWidget

from composite_runtime.graph import edit
from composite_runtime.graph.model import CompositeNode, Edge, Graph
from composite_runtime.graph.naming import namespace_of
from fusion_desktop.document.document import Document
from fusion_desktop.panels.fields import Line


class EdgePage(QWidget):
    """The fields of one wire."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._edge: Edge | None = None
        self._title = QLabel()
        self._title.setProperty("role", "heading")
        self._title.setWordWrap(True)
        self.inherit = QCheckBox("Use the namespace of the member")
        self.namespace = Line("Namespace of the member here", "Empty: no prefix")
        self._example = QLabel()
        self._example.setProperty("role", "muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 16)
        layout.setSpacing(8)
        for widget in (self._title, self.inherit, self.namespace, self._example):
            layout.addWidget(widget)
        layout.addStretch(1)
        self.inherit.clicked.connect(self._set_inherited)
        self.namespace.committed.connect(self._set)

    def show_edge(self, edge: Edge) -> None:
        """Show the values of an edge."""
        graph = self._document.graph
        self._edge = edge
        self._title.setText(f"{name_of(graph, edge.source)} in {name_of(graph, edge.target)}")
        self.inherit.setChecked(edge.namespace is None)
        self.namespace.setEnabled(edge.namespace is not None)
        self.namespace.show_value(namespace_of(graph, edge))
        self._example.setText(f"Its tools are called {_prefix(namespace_of(graph, edge))}")

    def _set_inherited(self, inherited: bool) -> None:
        edge = self._edge
        assert edge is not None
        self._change(None if inherited else namespace_of(self._document.graph, edge))

    def _set(self, text: str) -> None:
        self._change(text.strip())

    def _change(self, namespace: str | None) -> None:
        edge = self._edge
        assert edge is not None
        graph = edit.replace_edge(self._document.graph, edge.but(namespace=namespace))
        self._document.edit(f"Change namespace of {name_of(graph, edge.source)}", graph)


def name_of(graph: Graph, node_id: str) -> str:
    """Return what people call a node."""
    node = graph.node(node_id)
    return node.name if node is not None else node_id


def called(graph: Graph, edge: Edge) -> str:
    """Return in words what the tools of a member are called in its composite."""
    node = graph.node(edge.source)
    if isinstance(node, CompositeNode) and node.bypassed and node.enabled:
        return "its members, by their own names"
    return _prefix(namespace_of(graph, edge))


def _prefix(namespace: str) -> str:
    return f"{namespace}_…" if namespace else "as they are"
