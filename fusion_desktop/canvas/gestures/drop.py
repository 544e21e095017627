"""Drop a node from the catalogue onto the canvas or into a composite."""

from PySide6.QtCore import QPointF, QRectF, Qt

from composite_runtime.graph.model import CompositeNode
from fusion_desktop.canvas.composite_item import CompositeItem
from fusion_desktop.canvas.edge_item import EdgeItem
from fusion_desktop.canvas.gestures.base import NO_WAY_BETWEEN, Ghosts, Ground, snapped
from fusion_desktop.document import changes, marks, places
from fusion_desktop.document.template import Template


class Drop:
    """Shows where the new node would lie, and makes it."""

    cursor = Qt.CursorShape.DragCopyCursor
    is_refused = False

    def __init__(self, ground: Ground, template: Template) -> None:
        self._ground = ground
        self._template = template
        self._target: CompositeItem | None = None
        self._wire: EdgeItem | None = None
        self.hint = ""
        self._ghost = Ghosts(ground.scene)

    def move(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        target = self._ground.scene.level_item(point)
        if target is not self._target:
            self._mark(None)
            self._mark(target)
        width, height = self._size()
        self._ghost.show([QRectF(*self._corner(point), width, height)])
        name = self._ground.document.node(target.node_id) if target else None
        self.hint = f"Add to {name.name}" if name else ""
        is_composite = isinstance(self._template.node, CompositeNode)
        wire = self._ground.scene.wire_for(None, point) if is_composite else None
        if not self.hint and not is_composite and any(self._ground.scene.wires_near(point)):
            self.hint = NO_WAY_BETWEEN
        self._mark_wire(wire)
        if wire is not None:
            self.hint = f"Put between {self._between(wire)}"

    def finish(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        self.move(point, modifiers)
        target = self._target.node_id if self._target else None
        wire = self._wire
        self.cancel()
        document = self._ground.document
        node = changes.named(document.graph, self._template.node)
        into = document.node(target) if target else None
        text = f"Add {node.name} to {into.name}" if into else f"Add {node.name}"
        graph = changes.added(document.graph, node, self._corner(point), target)
        if wire is not None:
            text = f"Put {node.name} between {self._between(wire)}"
            graph = changes.inserted(graph, node.id, *wire.ends)
        document.edit(text, graph)
        self._ground.scene.select([node.id])

    def cancel(self) -> None:
        self._mark(None)
        self._mark_wire(None)
        self._ghost.remove()

    def _mark(self, target: CompositeItem | None) -> None:
        if self._target is not None:
            self._target.show_target(None)
        self._target = target
        if target is not None:
            target.show_target(True)

    def _mark_wire(self, wire: EdgeItem | None) -> None:
        if wire is not self._wire:
            if self._wire is not None:
                self._wire.mark(False)
            self._wire = wire
            if wire is not None:
                wire.mark(True)

    def _between(self, wire: EdgeItem) -> str:
        graph = self._ground.document.graph
        return " and ".join(marks.called(graph, end) for end in wire.ends)

    def _size(self) -> tuple[float, float]:
        if isinstance(self._template.node, CompositeNode):
            return places.COMPOSITE_WIDTH, places.COMPOSITE_HEIGHT
        return places.NODE_WIDTH, places.NODE_HEIGHT

    def _corner(self, point: QPointF) -> tuple[float, float]:
        # The pointer holds the node near its icon, which is what is dragged.
        return snapped(point.x() - 28), snapped(point.y() - 30)
