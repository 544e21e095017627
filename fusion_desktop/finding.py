"""Find by typing: a command, something to add, or a node of the graph."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject, QPointF
from PySide6.QtGui import QKeySequence

from composite_runtime.graph.model import CompositeNode
from fusion_desktop.actions import Actions
from fusion_desktop.canvas.editing import Editing
from fusion_desktop.canvas.view import CanvasView
from fusion_desktop.completing import Completing
from fusion_desktop.document import marks
from fusion_desktop.document.document import Document
from fusion_desktop.document.template import Template
from fusion_desktop.panels.palette import Entry, Palette
from fusion_desktop.settings import Settings


class Finding(QObject):
    """Fills the palette with what it is asked for."""

    def __init__(
        self,
        document: Document,
        view: CanvasView,
        editing: Editing,
        actions: Actions,
        *,
        templates: Sequence[Template],
        completing: Completing,
        settings: Settings,
    ) -> None:
        super().__init__(view)
        self._document = document
        self._view = view
        self._editing = editing
        self._actions = actions
        self._templates = templates
        self._completing = completing
        self._settings = settings
        self.palette = Palette(view)
        view.add_wanted.connect(self.templates)
        view.wire_dropped.connect(self.connected)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Return what does each action of the table that finds something."""
        return {"graph.add": self.templates, "view.find": self.nodes, "help.palette": self.commands}

    def commands(self) -> None:
        """Let the user choose among all commands."""
        native = QKeySequence.SequenceFormat.NativeText
        entries = [
            Entry(
                action.text().rstrip("…").replace("&&", "&"),
                action.trigger,
                action.statusTip(),
                action.shortcut().toString(native),
                icon,
                action.isEnabled(),
            )
            for action, icon in self._actions.with_icons()
        ]
        self.palette.offer(entries, "Type a command")

    def templates(self, at: QPointF | None = None) -> None:
        """Let the user choose what to add, at a point of the scene or where there is room."""
        self._offer(self._templates, partial(self._add, at), "Add a server or a composite", at)

    def _add(self, at: QPointF | None, template: Template) -> None:
        self._completing.complete(template, lambda done: self._editing.add(done, at))

    def connected(self, node_id: str, takes: bool, at: QPointF) -> None:
        """Let the user choose a new node at a point: a member of this one when it `takes`, else a composite around."""
        fitting = [template for template in self._templates if takes or isinstance(template.node, CompositeNode)]
        self._offer(fitting, partial(self._connect, at, node_id, takes), "Connect to a new node", at)

    def _connect(self, at: QPointF, node_id: str, takes: bool, template: Template) -> None:
        self._completing.complete(
            template, lambda done: self._editing.add_connected(done, at, node_id, as_member=takes)
        )

    def _offer(
        self, templates: Sequence[Template], add: Callable[[Template], object], prompt: str, at: QPointF | None
    ) -> None:
        added = self._settings.added
        latest_first = sorted(templates, key=lambda t: added.index(t.node.name) if t.node.name in added else len(added))
        entries = [Entry(t.node.name, partial(self._choose, add, t), t.summary, icon=t.icon) for t in latest_first]
        self.palette.offer(entries, prompt, self._view.mapFromScene(at) if at is not None else None)

    def _choose(self, add: Callable[[Template], object], template: Template) -> None:
        self._settings.remember_added(template.node.name)
        add(template)

    def nodes(self) -> None:
        """Let the user find a node of the graph, a frame or a note."""
        entries = [
            Entry(
                node.name,
                partial(self._editing.show_node, node.id),
                node.id,
                icon="composite" if isinstance(node, CompositeNode) else "server",
            )
            for node in self._document.graph.nodes
        ]
        graph = self._document.graph
        entries += [
            Entry(marks.called(graph, one.id), partial(self._editing.show_node, one.id), one.type, icon=one.type)
            for one in graph.annotations
        ]
        self.palette.offer(entries, "Find a node")
