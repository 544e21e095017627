"""Move nodes: about the canvas, into a composite, and out of one."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, Qt

from composite_runtime.errors import GraphError
from composite_runtime.graph.edit import why_not_connect
from fusion_desktop.canvas.composite_item import CompositeItem
from fusion_desktop.canvas.gestures.base import Ground, snapped
from fusion_desktop.document import changes, places


class DragNodes:
    """Takes the selected nodes along. Alt leaves the originals where they are and drags copies."""

    cursor = Qt.CursorShape.ClosedHandCursor

    def __init__(self, ground: Ground, start: QPointF, node_ids: Sequence[str]) -> None:
        self._ground = ground
        self._start = start
        document = ground.document
        self._nodes = places.outermost(document.homes, node_ids)
        self._carried = places.inside(document.homes, self._nodes)
        self._origin = document.box(self._nodes[0])
        self._target: CompositeItem | None = None
        self.hint = ""
        self.is_refused = False

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        dx, dy = self._delta(point)
        self._ground.scene.preview_move(self._nodes, dx, dy)
        self._aim(point, modifiers)

    def finish(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        self._aim(point, modifiers)
        target = self._target.node_id if self._target is not None else None
        self._unmark()
        document, scene = self._ground.document, self._ground.scene
        delta = self._delta(point)
        if self.is_refused or delta == (0.0, 0.0):
            scene.end_preview(self._nodes)
            return
        try:
            if modifiers & Qt.KeyboardModifier.AltModifier:
                scene.end_preview(self._nodes)
                graph, copies = changes.duplicated(document.graph, self._nodes, delta)
                document.edit(f"Duplicate {self._what()}", graph)
                scene.select(copies)
                return
            graph = changes.moved(document.graph, self._nodes, delta, target)
        except GraphError:
            scene.end_preview(self._nodes)
            raise
        document.edit(self._text(target), graph)
        # What the edit put somewhere else than the preview is told by the document; what it left is not.
        scene.end_preview(self._nodes)

    def cancel(self) -> None:
        self._unmark()
        self._ground.scene.end_preview(self._nodes)

    def _delta(self, point: QPointF) -> tuple[float, float]:
        way = point - self._start
        return (
            snapped(self._origin.x + way.x()) - self._origin.x,
            snapped(self._origin.y + way.y()) - self._origin.y,
        )

    def _aim(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Find where the nodes would go, and say so on the canvas."""
        target = self._ground.scene.composite_at(point, self._carried)
        reason = None
        homes = self._ground.document.homes
        joining = [n for n in self._nodes if target is not None and homes.get(n) != target.node_id]
        if target is not None:
            graph = self._ground.document.graph
            fresh = [n for n in joining if not any(e.target == target.node_id for e in graph.memberships(n))]
            reason = next((why for n in fresh if (why := why_not_connect(graph, n, target.node_id))), None)
        leaving = target is None and any(n in homes for n in self._nodes)
        if target is not self._target:
            self._unmark()
            self._target = target
        if target is not None:
            target.show_target(reason is None if joining or reason else None)
        self.is_refused = reason is not None
        self.hint = reason or self._promise(target, joining, leaving=leaving)

    def _promise(self, target: CompositeItem | None, joining: Sequence[str], *, leaving: bool) -> str:
        if target is not None and joining:
            return f"Add to {self._name(target.node_id)}"
        if leaving:
            homes = self._ground.document.homes
            return f"Take out of {self._name(homes[next(n for n in self._nodes if n in homes)])}"
        return ""

    def _text(self, target: str | None) -> str:
        homes = self._ground.document.homes
        if target is not None and any(homes.get(n) != target for n in self._nodes):
            return f"Move {self._what()} into {self._name(target)}"
        if target is None and (left := next((homes[n] for n in self._nodes if n in homes), None)):
            return f"Take {self._what()} out of {self._name(left)}"
        return f"Move {self._what()}"

    def _what(self) -> str:
        return self._name(self._nodes[0]) if len(self._nodes) == 1 else f"{len(self._nodes)} nodes"

    def _name(self, node_id: str) -> str:
        node = self._ground.document.node(node_id)
        return node.name if node is not None else node_id

    def _unmark(self) -> None:
        if self._target is not None:
            self._target.show_target(None)
            self._target = None
