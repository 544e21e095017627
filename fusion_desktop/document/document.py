"""The open graph with its undo stack. Every change is one `edit`; views follow the signals."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TypeVar

from PySide6.QtCore import QObject, QTimer, Signal, SignalInstance
from PySide6.QtGui import QUndoCommand, QUndoStack

from composite_runtime.graph.check import Problem, check
from composite_runtime.graph.edit import new_graph
from composite_runtime.graph.model import Box, CompositeNode, Edge, Frame, Graph, Note, ServerNode
from fusion_desktop.document import layout, places

K = TypeVar("K")


class Document(QObject):
    """Holds the graph that is edited. Undo and redo emit the same signals as the edit did."""

    node_added = Signal(str)
    node_removed = Signal(str)
    node_changed = Signal(str)
    edge_added = Signal(str, str)
    edge_removed = Signal(str, str)
    edge_changed = Signal(str, str)
    annotation_added = Signal(str)
    annotation_removed = Signal(str)
    annotation_changed = Signal(str)
    box_changed = Signal(str)
    edited = Signal()
    """Once after every edit, undo and redo, when the signals above are through."""
    loaded = Signal()
    """Another graph was opened; comes after `edited`."""
    problems_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo_stack = QUndoStack(self)
        # The stack tells this when it has counted the step, so that whoever hears `edited` finds it up to date.
        self.undo_stack.indexChanged.connect(self._settle)
        self._graph = new_graph()
        self._problems: list[Problem] | None = None
        self._problems_timer = QTimer(self)
        self._problems_timer.setSingleShot(True)
        self._problems_timer.timeout.connect(self.problems_changed)
        self._take(self._graph)

    def _take(self, graph: Graph) -> None:
        old, self._graph = self._graph, graph
        self._nodes = {node.id: node for node in graph.nodes}
        self._edges = {(edge.source, edge.target): edge for edge in graph.edges}
        self._annotations = {annotation.id: annotation for annotation in graph.annotations}
        self._homes = MappingProxyType(places.homes(graph))
        self._holders: Mapping[str, str] | None = None
        if (old.nodes, old.edges, old.annotations) != (graph.nodes, graph.edges, graph.annotations):
            self._problems = None  # where things lie is no problem

    @property
    def graph(self) -> Graph:
        """Return the graph as it is now."""
        return self._graph

    @property
    def homes(self) -> Mapping[str, str]:
        """Return for each node drawn inside a composite the id of that composite."""
        return self._homes

    @property
    def holders(self) -> Mapping[str, str]:
        """Return for each thing in a composite or a frame what it moves along with."""
        if self._holders is None:
            graph = self._graph
            self._holders = MappingProxyType(places.holders(graph)) if graph.annotations else self._homes
        return self._holders

    @property
    def is_modified(self) -> bool:
        """Tell whether the graph differs from what was last saved or opened."""
        return not self.undo_stack.isClean()

    @property
    def problems(self) -> list[Problem]:
        """Return what is wrong with the graph as it is now."""
        if self._problems is None:
            self._problems = check(self._graph)
        return self._problems

    def node(self, node_id: str) -> ServerNode | CompositeNode | None:
        """Return the node with this id, or None."""
        return self._nodes.get(node_id)

    def edge(self, source: str, target: str) -> Edge | None:
        """Return the edge between two nodes, or None."""
        return self._edges.get((source, target))

    def annotation(self, annotation_id: str) -> Frame | Note | None:
        """Return the frame or note with this id, or None."""
        return self._annotations.get(annotation_id)

    def box(self, node_id: str) -> Box:
        """Return where a node, a frame or a note lies."""
        return self._graph.layout.get(node_id) or places.DEFAULT_BOX

    def edit(self, text: str, graph: Graph, *, merge: str = "") -> None:
        """Replace the graph in one undo step called `text`; equal `merge` keys in a row become one step."""
        if graph != self._graph:
            self.undo_stack.push(_Change(self, text, graph, merge))

    def load(self, graph: Graph) -> None:
        """Show another graph, with nothing to undo. Nodes that have no place get one."""
        self.undo_stack.clear()
        self._show(layout.completed(graph))
        self._settle()
        self.loaded.emit()

    def mark_modified(self) -> None:
        """Say that what is shown is saved nowhere, as after a recovery."""
        self.undo_stack.resetClean()

    def _settle(self) -> None:
        self.edited.emit()
        self._problems_timer.start(0)

    def _show(self, graph: Graph) -> None:
        """Make `graph` the present one and tell what differs."""
        # Edges go before their nodes and come after them, so that no listener ever holds an edge without both ends.
        old_nodes, old_edges, old_layout = self._nodes, self._edges, self._graph.layout
        old_notes = self._annotations
        self._take(graph)
        nodes, edges, notes = self._nodes, self._edges, self._annotations
        told: tuple[tuple[SignalInstance, Iterator[str] | Iterator[tuple[str, str]]], ...] = (
            (self.edge_removed, _missing(old_edges, edges)),
            (self.node_removed, _missing(old_nodes, nodes)),
            (self.node_added, _missing(nodes, old_nodes)),
            (self.annotation_removed, _missing(old_notes, notes)),
            (self.annotation_added, _missing(notes, old_notes)),
            (self.edge_added, _missing(edges, old_edges)),
            (self.node_changed, _different(old_nodes, nodes)),
            (self.edge_changed, _different(old_edges, edges)),
            (self.annotation_changed, _different(old_notes, notes)),
        )
        for signal, keys in told:
            for key in keys:
                signal.emit(*((key,) if isinstance(key, str) else key))
        for node_id in (nodes.keys() & old_nodes.keys()) | (notes.keys() & old_notes.keys()):
            if graph.layout.get(node_id) != old_layout.get(node_id):
                self.box_changed.emit(node_id)


class _Change(QUndoCommand):
    """The only undo command: the graph before and after."""

    def __init__(self, document: Document, text: str, after: Graph, merge: str) -> None:
        super().__init__(text)
        self._document = document
        self._before = document.graph
        self._after = after
        self._merge = merge

    def redo(self) -> None:
        self._document._show(self._after)

    def undo(self) -> None:
        self._document._show(self._before)

    def id(self) -> int:
        return 1 if self._merge else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _Change) or other._merge != self._merge:
            return False
        self._after = other._after
        self.setObsolete(self._after == self._before)
        return True


def _missing(one: Mapping[K, object], other: Mapping[K, object]) -> Iterator[K]:
    return (key for key in one if key not in other)


def _different(one: Mapping[K, object], other: Mapping[K, object]) -> Iterator[K]:
    # Unchanged values are the same objects, since an edit copies only what it changes; that makes this quick.
    return (key for key in one.keys() & other.keys() if one[key] is not other[key] and one[key] != other[key])
