"""What menus, keys and buttons do to the graph: each is one edit of what is selected."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject, QPointF, QRectF, Signal
from PySide6.QtGui import QGuiApplication

from composite_runtime.errors import FusionError
from composite_runtime.graph.edit import connect
from composite_runtime.graph.model import CompositeNode, Graph, ServerNode
from fusion_desktop.canvas.marking import Marking
from fusion_desktop.canvas.scene import CanvasScene
from fusion_desktop.canvas.view import CanvasView
from fusion_desktop.document import arranging, changes, copying, layout, marks, places
from fusion_desktop.document.document import Document
from fusion_desktop.document.template import Template

DIRECTIONS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
STEPS = {"move": places.GRID, "nudge": 1}


class Editing(QObject):
    """Edits the document on behalf of the user."""

    refused = Signal(str)
    said = Signal(str)
    """Words for the status bar about what was done."""
    entered = Signal()

    def __init__(self, document: Document, scene: CanvasScene, view: CanvasView) -> None:
        super().__init__(view)
        self._document = document
        self._scene = scene
        self._view = view
        self._marking = Marking(document, scene, view)
        self._marking.refused.connect(self.refused)
        self._views: dict[str | None, tuple[float, QPointF]] = {}
        view.rename_done.connect(self.rename)
        view.enter_wanted.connect(self.enter)
        view.escaped.connect(self.escape)
        document.loaded.connect(self._begin_anew)
        self._reached_last = ""

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Return what does each action of the table that edits or moves about the canvas."""
        document, view, scene = self._document, self._view, self._scene
        handlers: dict[str, Callable[[], object]] = {
            "edit.undo": document.undo_stack.undo,
            "edit.redo": document.undo_stack.redo,
            "edit.cut": self.cut,
            "edit.copy": self.copy,
            "edit.duplicate": self.duplicate,
            "edit.delete": self.delete,
            "edit.delete_reconnect": self.delete_and_reconnect,
            "edit.rename": lambda: view.rename(self._only()),
            "select.all": lambda: scene.select(self._shown()),
            "select.none": scene.select,
            "select.invert": lambda: scene.select(set(self._shown()) - set(scene.selected())),
            "select.members": lambda: scene.select(self._reached(down=True)),
            "select.composites": lambda: scene.select(self._reached(up=True)),
            "select.connected": lambda: scene.select(self._reached(up=True, down=True)),
            "graph.composite": self.add_composite,
            "graph.group": self.group,
            "graph.ungroup": self.ungroup,
            "graph.enter": lambda: self.enter(self._only()),
            "graph.leave": self.leave,
            **self._marking.handlers(),
            "graph.tidy": self.tidy,
            "view.zoom_in": lambda: view.zoom(1.25),
            "view.zoom_out": lambda: view.zoom(0.8),
            "view.zoom_reset": view.reset_zoom,
            "view.fit": self.fit,
            "view.fit_selection": lambda: view.fit(scene.content_rect(scene.selected() or None)),
        }
        for side in arranging.SIDES:
            handlers[f"align.{side}"] = partial(self.align, side)
        for axis in arranging.AXES:
            handlers[f"distribute.{axis}"] = partial(self.distribute, axis)
        for direction, (dx, dy) in DIRECTIONS.items():
            handlers[f"go.{direction}"] = partial(self.go, direction)
            handlers[f"extend.{direction}"] = partial(self.go, direction, extend=True)
            for kind, step in STEPS.items():
                handlers[f"{kind}.{direction}"] = partial(self.nudge, dx * step, dy * step)
        return handlers

    # Adding

    def add(self, template: Template, at: QPointF | None = None) -> None:
        """Add a node at a point of the scene, or where there is room in the composite that is selected."""
        document = self._document
        node = changes.named(document.graph, template.node)
        into = None if at is not None else self._place_for_new()
        if at is None and into is None:
            at = self._free_near(self._middle(), node)
        elif at is not None:
            into = self._scene.level_at(at)
        target = document.node(into) if into else None
        corner = (at.x(), at.y()) if at is not None else None
        text = f"Add {node.name} to {target.name}" if target else f"Add {node.name}"
        document.edit(text, changes.added(document.graph, node, corner, into))
        self._scene.select([node.id])
        self._reveal([node.id])

    def add_connected(self, template: Template, at: QPointF, node_id: str, *, as_member: bool) -> None:
        """Add a node at a point and wire it to another: as its member, or as a composite around it."""
        document = self._document
        node, other = changes.named(document.graph, template.node), document.node(node_id)
        if other is None:
            return
        into = self._scene.level_at(at, without={node_id})
        ends = (node.id, node_id) if as_member else (node_id, node.id)

        def change(graph: Graph) -> Graph:
            return connect(changes.added(graph, node, (at.x(), at.y() - places.HEADER / 2), into), *ends)

        self._try(f"Add {node.name} and connect {other.name}", change)
        self._scene.select([node.id])

    def add_composite(self) -> None:
        """Add an empty composite, or one around nothing yet."""
        self.add(Template(CompositeNode(id="", name="Composite")))

    def _place_for_new(self) -> str | None:
        chosen = self._scene.selected_nodes()
        if len(chosen) == 1 and isinstance(self._document.node(chosen[0]), CompositeNode):
            return chosen[0]
        return self._scene.root

    def _free_near(self, at: QPointF, what: ServerNode | CompositeNode | Graph) -> QPointF:
        """Return the first place to the right or below that nothing covers."""
        if isinstance(what, Graph):
            rects = [places.rect_of(what, one.id) for one in (*what.nodes, *what.annotations)]
            width = max(r.x + r.width for r in rects) - min(r.x for r in rects)
            height = max(r.y + r.height for r in rects) - min(r.y for r in rects)
        else:
            is_composite = isinstance(what, CompositeNode)
            width = places.COMPOSITE_WIDTH if is_composite else places.NODE_WIDTH
            height = places.COMPOSITE_HEIGHT if is_composite else places.NODE_HEIGHT
        taken = [item.body for item in self._scene.shown()]
        for step in range(200):
            row, column = divmod(step, 4)
            spot = QRectF(at.x() + column * (width + 20), at.y() + row * (height + 20), width, height)
            if not any(spot.intersects(body) for body in taken):
                return spot.topLeft()
        return at

    # Clipboard

    def copy(self) -> None:
        """Put what is selected on the clipboard as the text of a graph, without secrets."""
        if nodes := self._scene.selected():
            QGuiApplication.clipboard().setText(copying.copied(self._document.graph, nodes))
            self.said.emit(f"Copied {self._what(nodes)}")

    def cut(self) -> None:
        """Copy what is selected with all that lies in it, and take it away."""
        graph = self._document.graph
        if nodes := self._unlocked(self._scene.selected(), "cut"):
            QGuiApplication.clipboard().setText(copying.copied(graph, nodes))
            whole = places.inside(self._document.holders, nodes)
            self._document.edit(f"Cut {self._what(nodes)}", changes.removed(graph, whole))

    def add_part(self, word: str, part: Graph, at: QPointF | None, *, wired: bool = False) -> None:
        """Add the nodes of a graph: at a point, beside the originals if these are in view, or where there is room.

        With `wired` they are connected with what the originals were connected with.
        """
        ids = [one.id for one in (*part.nodes, *part.annotations)]
        into = self._scene.level_at(at) if at is not None else self._scene.root
        if at is None and not self._are_in_view(ids):
            at = self._free_near(self._middle(), part)
        point = (at.x(), at.y()) if at is not None else None
        graph, fresh = copying.pasted(self._document.graph, part, point, into, wired=wired)
        self._document.edit(f"{word} {marks.called(part, ids[0]) if len(fresh) == 1 else self._what(ids)}", graph)
        self.show_nodes(fresh)

    def _are_in_view(self, ids: Sequence[str]) -> bool:
        visible = self._view.mapToScene(self._view.viewport().rect()).boundingRect()
        things = [self._scene.thing(one) for one in ids]
        return any(one is not None and one.isVisible() and visible.intersects(one.body) for one in things)

    def _middle(self) -> QPointF:
        """Return where the corner of something new goes that shall lie in the middle of what is shown."""
        centre = self._view.mapToScene(self._view.viewport().rect().center())
        return QPointF(round(centre.x() / 20) * 20 - 100, round(centre.y() / 20) * 20 - 30)

    def show_nodes(self, nodes: Sequence[str]) -> None:
        """Select nodes and bring them into view, outside the composite one looks into if they do not lie there."""
        root = self._scene.root
        if root is not None and not set(nodes) <= places.inside(self._document.holders, [root]):
            self._show(None)
        self._scene.select(nodes)
        self._reveal(nodes)

    def chosen(self) -> list[str]:
        """Return the selected nodes."""
        return self._scene.selected()

    def duplicate(self) -> None:
        """Make a second set of what is selected."""
        if nodes := self._scene.selected():
            graph, fresh = copying.duplicated(self._document.graph, nodes)
            self._document.edit(f"Duplicate {self._what(nodes)}", graph)
            self._scene.select(fresh)

    # Removing

    def delete(self) -> None:
        """Delete the selected nodes and wires."""
        chosen, edges = self._scene.selected(), self._scene.selected_edges()
        nodes = self._unlocked(chosen, "delete")
        if nodes:
            text = f"Delete {self._what(nodes)}"
        elif edges and not chosen:
            text = f"Delete {'wire' if len(edges) == 1 else f'{len(edges)} wires'}"
        else:
            return
        self._document.edit(text, changes.removed(self._unfolded(nodes), nodes, edges))

    def _unfolded(self, nodes: Sequence[str]) -> Graph:
        """Return the graph in which what these composites hold has the room it needs once they are gone."""
        folded = [one for one in nodes if self._document.box(one).collapsed]
        return marks.collapsed(self._document.graph, folded, on=False)

    def delete_and_reconnect(self) -> None:
        """Delete nodes; the members of a deleted composite join those it was in."""
        if nodes := self._unlocked(self._scene.selected_nodes(), "delete"):
            graph = changes.removed_and_reconnected(self._unfolded(nodes), nodes)
            self._document.edit(f"Delete {self._what(nodes)} and reconnect", graph)

    # Changing

    def rename(self, node_id: str, name: str) -> None:
        """Call a node or a frame something else."""
        if self._document.annotation(node_id) is not None:
            self._marking.word(node_id, name)
            return
        node = self._document.node(node_id)
        if node is not None:
            self._try(f"Rename {node.name} to {name.strip()}", lambda g: changes.renamed(g, node_id, name))

    def group(self) -> None:
        """Put a composite around the selected nodes."""
        nodes = self._scene.selected()
        try:
            graph, composite = changes.grouped(self._document.graph, nodes, "Composite")
        except FusionError as error:
            self.refused.emit(error.message)
            return
        self._document.edit(f"Group {self._what(nodes)}", graph)
        self._scene.select([composite])
        self._view.rename(composite)

    def ungroup(self) -> None:
        """Take a composite away from around its members."""
        if composite := self._only():
            if not self._unlocked([composite], "ungroup"):
                return
            members = [child for child, home in self._document.homes.items() if home == composite]
            text = f"Ungroup {self._what([composite])}"
            self._document.edit(text, changes.ungrouped(self._unfolded([composite]), composite))
            self._scene.select(members)

    def nudge(self, dx: float, dy: float) -> None:
        """Move the selected nodes a little; steps in a row are undone together."""
        nodes = self._unlocked(self._scene.selected(), "move")
        if not nodes:
            return
        levels = places.levels(self._document.graph)
        tops = places.outermost(self._document.holders, nodes)
        graph = places.shifted(self._document.graph, tops, dx, dy)
        for node_id in tops:
            # Nodes do not leave a composite by keys: it grows along.
            if (home := levels.get(node_id)) is not None:
                graph = changes.settled(graph, node_id, home)
        self._document.edit(f"Move {self._what(nodes)}", graph, merge=f"nudge {' '.join(sorted(nodes))}")

    def tidy(self) -> None:
        """Arrange the selected nodes, or all that one looks at, in layers."""
        chosen = self._scene.selected()
        graph = layout.tidied(self._document.graph, chosen if len(chosen) > 1 else None, self._scene.root)
        self._document.edit("Tidy up", graph)
        if len(chosen) <= 1:
            self.fit()

    def align(self, side: arranging.Side) -> None:
        """Bring the selected nodes into line."""
        nodes = self._unlocked(self._scene.selected(), "align")
        if len(nodes) > 1:
            graph = arranging.aligned(self._document.graph, nodes, side)
            self._document.edit(f"Align {self._what(nodes)}", graph)

    def distribute(self, axis: arranging.Axis) -> None:
        """Make the gaps between the selected nodes equal."""
        nodes = self._unlocked(self._scene.selected(), "distribute")
        if len(nodes) > 2:
            graph = arranging.distributed(self._document.graph, nodes, axis)
            self._document.edit(f"Distribute {self._what(nodes)}", graph)

    # Going about

    def enter(self, composite_id: str) -> None:
        """Show only the inside of a composite."""
        if isinstance(self._document.node(composite_id), CompositeNode):
            self._show(composite_id)

    def leave(self) -> None:
        """Show what is around the composite whose inside is shown."""
        if (inside := self._scene.root) is not None:
            self._show(self._document.homes.get(inside))
            self._scene.select([inside])

    def show_level(self, composite_id: str | None) -> None:
        """Show the inside of a composite, or everything."""
        if composite_id != self._scene.root:
            self._show(composite_id)

    def _begin_anew(self) -> None:
        """Show another graph from its outside; it was never looked at before."""
        if self._scene.root is not None:
            self._scene.show_inside(None)
            self.fit()
            self.entered.emit()
        self._views.clear()

    def _show(self, root: str | None) -> None:
        view = self._view
        centre = view.mapToScene(view.viewport().rect().center())
        self._views[self._scene.root] = (view.scale_factor, QPointF(centre))
        self._scene.show_inside(root)
        if root in self._views:
            scale, centre = self._views[root]
            view.zoom(scale / view.scale_factor)
            view.centerOn(centre)
        else:
            self.fit()
        self.entered.emit()

    def fit(self) -> None:
        """Show everything there is at this level."""
        self._view.fit(self._scene.content_rect())

    def escape(self) -> None:
        """Select nothing; when nothing is selected, leave the composite whose inside is shown."""
        if self._scene.selected() or self._scene.selected_edges():
            self._scene.select()
        else:
            self.leave()

    def go(self, direction: str, *, extend: bool = False) -> None:
        """Select the nearest node in a direction, alone or together with what is selected."""
        chosen = self._scene.selected()
        items = list(self._scene.shown())
        if not items:
            return
        last = self._reached_last if self._reached_last in chosen else chosen[-1] if chosen else ""
        here = self._scene.thing(last)
        if here is None:
            first = min(items, key=lambda item: (item.body.top(), item.body.left()))
            self._scene.select([first.node_id])
            self._reveal([first.node_id])
            return
        dx, dy = DIRECTIONS[direction]
        best: tuple[float, str] | None = None
        for item in items:
            way = item.body.center() - here.body.center()
            ahead = way.x() * dx + way.y() * dy
            aside = abs(way.x() * dy) + abs(way.y() * dx)
            if item is not here and ahead > 1:
                best = min(best or (float("inf"), ""), (ahead + 2 * aside, item.node_id))
        if best is not None:
            self._reached_last = best[1]
            self._scene.select([*chosen, best[1]] if extend else [best[1]])
            self._reveal([best[1]])

    def show_node(self, node_id: str) -> None:
        """Select a node, a frame or a note and bring it into view, whatever level it lies on."""
        item = self._scene.thing(node_id)
        if item is None:
            return
        if not item.isVisible() and self._scene.root is not None:
            self._show(None)
        if not item.isVisible():
            # A collapsed composite hides it: looking into it changes nothing in the document.
            self._show(places.levels(self._document.graph).get(node_id))
        self._scene.select([node_id])
        self._reveal([node_id])

    # Helpers of the above

    def _try(self, text: str, change: Callable[[Graph], Graph]) -> None:
        try:
            graph = change(self._document.graph)
        except FusionError as error:
            self.refused.emit(error.message)
            return
        self._document.edit(text, graph)

    def _only(self) -> str:
        chosen = self._scene.selected()
        return chosen[0] if len(chosen) == 1 else ""

    def _shown(self) -> list[str]:
        return [item.node_id for item in self._scene.shown()]

    def _unlocked(self, ids: Sequence[str], doing: str) -> list[str]:
        try:
            return marks.unlocked(self._document.graph, ids, doing)
        except FusionError as error:
            self.refused.emit(error.message)
            return []

    def _reveal(self, nodes: Sequence[str]) -> None:
        self._view.reveal(self._scene.content_rect(nodes))

    def _what(self, nodes: Sequence[str]) -> str:
        return self._marking.what(nodes)

    def _reached(self, *, up: bool = False, down: bool = False) -> set[str]:
        """Return what is selected and all that membership leads to, upwards, downwards or both."""
        edges = [(e.source, e.target) for e in self._document.graph.edges]
        found = set(self._scene.selected_nodes())
        while True:
            more = {t for s, t in edges if up and s in found} | {s for s, t in edges if down and t in found}
            if more <= found:
                return found
            found |= more
