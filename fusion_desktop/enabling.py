"""Which actions make sense now: by what is selected, what is in the graph, and what runs."""

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication

from composite_runtime.graph.model import CompositeNode
from fusion_desktop import plain
from fusion_desktop.actions import Actions, Situation
from fusion_desktop.attaching import Attaching
from fusion_desktop.canvas.editing import Editing
from fusion_desktop.canvas.scene import CanvasScene
from fusion_desktop.document.document import Document
from fusion_desktop.running import Running
from fusion_desktop.signing import Signing


class Enabling(QObject):
    """Keeps the table of actions up to date."""

    def __init__(
        self,
        table: Actions,
        document: Document,
        scene: CanvasScene,
        *,
        editing: Editing,
        running: Running,
        attaching: Attaching,
        signing: Signing,
    ) -> None:
        super().__init__(table)
        self._table = table
        self._document = document
        self._scene = scene
        self._running = running
        self._attaching = attaching
        self._signing = signing
        for changed in (document.edited, scene.selection_changed, editing.entered, running.changed, attaching.changed):
            changed.connect(self.refresh)
        QGuiApplication.clipboard().dataChanged.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Enable what makes sense now, and say what undo and redo would do."""
        nodes, things = self._scene.selected_nodes(), self._scene.selected()
        stack = self._document.undo_stack
        mime = QGuiApplication.clipboard().mimeData()
        self._table.update(
            Situation(
                nodes=len(nodes),
                annotations=len(things) - len(nodes),
                edges=len(self._scene.selected_edges()),
                remotes=sum(self._signing.is_remote(n) for n in nodes),
                composites=sum(isinstance(self._document.node(n), CompositeNode) for n in nodes),
                shown=len(self._document.graph.nodes),
                can_undo=stack.canUndo(),
                can_redo=stack.canRedo(),
                can_paste=mime is not None and (mime.hasText() or mime.hasUrls()),
                is_running=self._running.is_running,
                is_attached=self._attaching.is_attached,
                is_inside=self._scene.root is not None,
            )
        )
        self._table["edit.undo"].setText(f"Undo {plain.label(stack.undoText())}".strip())
        self._table["edit.redo"].setText(f"Redo {plain.label(stack.redoText())}".strip())
