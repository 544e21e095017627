"""Move things: about the canvas, into a composite, out of one, and into a wire."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt

from composite_runtime.errors import GraphError
from composite_runtime.graph.edit import why_not_connect
from fusion_desktop.canvas.composite_item import CompositeItem
from fusion_desktop.canvas.edge_item import EdgeItem
from fusion_desktop.canvas.gestures.base import NO_WAY_BETWEEN, Ghosts, Ground, snapped
from fusion_desktop.canvas.gestures.guides import REACH, GuideLines, Guides
from fusion_desktop.canvas.node_item import NodeItem
from fusion_desktop.document import changes, copying, marks, places


class DragNodes:
    """Takes what is selected along, snapping to neighbours and to the grid; Ctrl suspends that.

    Alt leaves the originals where they are and drags copies. A composite that is dropped on a wire goes between its
    ends. What is locked stays.
    """

    cursor = Qt.CursorShape.ClosedHandCursor

    def __init__(self, ground: Ground, start: QPointF, ids: Sequence[str]) -> None:
        self._ground = ground
        self._start = start
        document = ground.document
        self._nodes: list[str] = []
        self.hint = ""
        self.is_refused = False
        try:
            self._nodes = places.outermost(document.holders, marks.unlocked(document.graph, ids, "move"))
        except GraphError as error:
            self.hint, self.is_refused = error.message, True
        self._carried = places.inside(document.holders, self._nodes)
        self._framed = changes.with_framed(document.graph, document.holders, self._nodes)
        self._levels = places.levels(document.graph)
        self._target: CompositeItem | None = None
        self._wire: EdgeItem | None = None
        self._copies = False
        self._body = ground.scene.content_rect(self._nodes)
        sight, self._scale = ground.sight() if ground.sight is not None else (QRectF(), 1.0)
        around = {n for one in self._nodes for n in places.ancestors(document.holders, one)}
        self._guides = Guides(
            item.body
            for item in ground.scene.shown()
            if item.node_id not in self._carried and item.node_id not in around and sight.intersects(item.body)
        )
        self._lines = GuideLines(ground.scene)
        self._ghosts = Ghosts(ground.scene)

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        if not self._nodes:
            return
        delta = self._delta(point, modifiers)
        self._copies = bool(modifiers & Qt.KeyboardModifier.AltModifier)
        self._preview(delta)
        self._aim(point, delta)

    def _preview(self, delta: tuple[float, float]) -> None:
        scene = self._ground.scene
        if self._copies:
            scene.end_preview(self._carried)
            bodies = (item.body for one in self._nodes if (item := scene.thing(one)) is not None)
            self._ghosts.show(body.translated(*delta) for body in bodies)
        else:
            self._ghosts.show(())
            scene.preview_move(self._nodes, *delta)

    def finish(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        if not self._nodes:
            self._unmark()
            return
        delta = self._delta(point, modifiers)
        self._copies = bool(modifiers & Qt.KeyboardModifier.AltModifier)
        self._aim(point, delta)
        target = self._target.node_id if self._target is not None else None
        wire = self._wire.ends if self._wire is not None else None
        self._unmark()
        document, scene = self._ground.document, self._ground.scene
        if self.is_refused or delta == (0.0, 0.0):
            scene.end_preview(self._carried)
            return
        try:
            if self._copies:
                scene.end_preview(self._carried)
                graph, copies = copying.dragged(document.graph, self._nodes, delta, target)
                document.edit(f"Duplicate {self._what()}", graph)
                scene.select(copies)
                return
            graph = changes.moved(document.graph, self._nodes, delta, target)
            if wire is not None:
                graph = changes.inserted(graph, self._nodes[0], *wire)
        except GraphError:
            scene.end_preview(self._carried)
            raise
        document.edit(self._between(wire) if wire is not None else self._text(target), graph)
        # What the edit put somewhere else than the preview is told by the document; what it left is not.
        scene.end_preview(self._carried)

    def cancel(self) -> None:
        self._unmark()
        self._ground.scene.end_preview(self._carried)

    def _delta(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> tuple[float, float]:
        way = point - self._start
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            self._lines.show(())
            return round(way.x()), round(way.y())
        snap = self._guides.snap(self._body.translated(way), REACH / self._scale)
        self._lines.show(snap.lines)
        corner = self._ground.document.box(self._nodes[0])
        dx = way.x() + snap.dx if snap.dx is not None else snapped(corner.x + way.x()) - corner.x
        dy = way.y() + snap.dy if snap.dy is not None else snapped(corner.y + way.y()) - corner.y
        return round(dx, 3), round(dy, 3)

    def _aim(self, point: QPointF, delta: tuple[float, float]) -> None:
        """Find where the nodes would go, and say so on the canvas."""
        self._aim_at_wire(point)
        target = self._folded_around(delta) or self._ground.scene.level_item(point, self._carried)
        reason = None
        document = self._ground.document
        homes, graph = self._levels, document.graph
        joining = [n for n in self._framed if target is not None and homes.get(n) != target.node_id]
        if target is not None:
            nodes = [n for n in joining if document.node(n) is not None]
            fresh = [n for n in nodes if not any(e.target == target.node_id for e in graph.memberships(n))]
            reason = next((why for n in fresh if (why := why_not_connect(graph, n, target.node_id))), None)
        leaving = target is None and any(n in homes for n in self._nodes)
        if target is not self._target:
            self._unmark_target()
            self._target = target
        if target is not None:
            target.show_target(reason is None if joining or reason else None)
        self.is_refused = reason is not None
        self.hint = reason or self._promise(target, joining, leaving=leaving) or self._no_wire(point)

    def _folded_around(self, delta: tuple[float, float]) -> CompositeItem | None:
        """Return the collapsed composite that would take a member of it in, since it lies there once it is expanded."""
        graph = self._ground.document.graph
        for one in self._nodes:
            middle = places.rect_of(graph, one).middle
            for edge in graph.memberships(one):
                if edge.target in self._carried or edge.target == self._levels.get(one):
                    continue
                item = self._ground.scene.item(edge.target)
                if not isinstance(item, CompositeItem) or not item.is_collapsed or not item.isVisible():
                    continue
                if places.rect_of(graph, edge.target).holds((middle[0] + delta[0], middle[1] + delta[1])):
                    return item
        return None

    def _aim_at_wire(self, point: QPointF) -> None:
        """Find the wire into which a composite would go, if one is dragged alone."""
        wire = None
        alone = len(self._nodes) == 1 and not self._copies
        if alone and isinstance(self._ground.scene.item(self._nodes[0]), CompositeItem):
            wire = self._ground.scene.wire_for(self._nodes[0], point)
        if wire is not self._wire:
            if self._wire is not None:
                self._wire.mark(False)
            self._wire = wire
            if wire is not None:
                wire.mark(True)

    def _no_wire(self, point: QPointF) -> str:
        """Say that a server does not go into the wire it is held over; it may lie there all the same."""
        is_server = len(self._nodes) == 1 and isinstance(self._ground.scene.item(self._nodes[0]), NodeItem)
        own = self._nodes[0]
        over = is_server and any(own not in wire.ends for wire in self._ground.scene.wires_near(point))
        return NO_WAY_BETWEEN if over else ""

    def _promise(self, target: CompositeItem | None, joining: Sequence[str], *, leaving: bool) -> str:
        if self._wire is not None:
            return self._between(self._wire.ends)
        if self._copies:
            return f"Copy {self._what()}" + (f" into {self._name(target.node_id)}" if target is not None else "")
        if target is not None and joining:
            return f"Add to {self._name(target.node_id)}"
        if leaving:
            homes = self._levels
            return f"Take out of {self._name(homes[next(n for n in self._nodes if n in homes)])}"
        return ""

    def _between(self, ends: tuple[str, str]) -> str:
        return f"Put {self._what()} between {self._name(ends[0])} and {self._name(ends[1])}"

    def _text(self, target: str | None) -> str:
        homes = self._levels
        if target is not None and any(homes.get(n) != target for n in self._nodes):
            return f"Move {self._what()} into {self._name(target)}"
        if target is None and (left := next((homes[n] for n in self._nodes if n in homes), None)):
            return f"Take {self._what()} out of {self._name(left)}"
        return f"Move {self._what()}"

    def _what(self) -> str:
        if len(self._nodes) == 1:
            return self._name(self._nodes[0])
        notes = any(self._ground.document.annotation(one) is not None for one in self._nodes)
        return f"{len(self._nodes)} {'things' if notes else 'nodes'}"

    def _name(self, one: str) -> str:
        return marks.called(self._ground.document.graph, one)

    def _unmark_target(self) -> None:
        if self._target is not None:
            self._target.show_target(None)
            self._target = None

    def _unmark(self) -> None:
        self._unmark_target()
        self._lines.remove()
        self._ghosts.remove()
        if self._wire is not None:
            self._wire.mark(False)
            self._wire = None
