"""Connect, nest and take apart without a pointer: what is selected, and a list of what it may be joined with."""

from collections.abc import Callable, Iterator
from functools import partial

from PySide6.QtCore import QObject, QPointF

from composite_runtime.errors import FusionError
from composite_runtime.graph import edit
from composite_runtime.graph.model import CompositeNode, Graph
from fusion_desktop.canvas.composite_item import CompositeItem
from fusion_desktop.canvas.editing import Editing
from fusion_desktop.canvas.scene import CanvasScene, Ends
from fusion_desktop.canvas.view import CanvasView
from fusion_desktop.document import nesting, places
from fusion_desktop.document.document import Document
from fusion_desktop.finding import Finding
from fusion_desktop.panels.palette import Entry


class Wiring(QObject):
    """Fills the palette with what the selected nodes may be joined with, nearest first, and shows it on the canvas."""

    def __init__(
        self, document: Document, scene: CanvasScene, view: CanvasView, *, editing: Editing, finding: Finding
    ) -> None:
        super().__init__(view)
        self._document = document
        self._scene = scene
        self._view = view
        self._editing = editing
        self._finding = finding

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Return what does each action of the table that joins or parts nodes."""
        return {
            "wire.connect": self.connect_nodes,
            "wire.disconnect": self.disconnect_nodes,
            "wire.nest": self.nest,
            "wire.add": self.add_connected,
            "wire.next": self.next_wire,
        }

    def connect_nodes(self) -> None:
        """Let the user choose the composite that shall offer the selected nodes, or what a selected one shall offer."""
        chosen = self._scene.selected_nodes()
        if not chosen:
            return
        entries = [*self._joins(chosen), *(self._takes(chosen[0]) if len(chosen) == 1 else ())]
        self._offer(entries, f"Connect {self._what(chosen)} to…")

    def _joins(self, chosen: list[str]) -> Iterator[Entry]:
        graph, what = self._document.graph, self._what(chosen)
        for composite in self._near(chosen[0], composites=True):
            if composite in chosen:
                continue
            name = self._what([composite])
            reasons = [edit.why_not_connect(graph, node_id, composite) for node_id in chosen]
            reason = None if None in reasons else reasons[0]
            change = partial(self._edit, f"Connect {what} to {name}", partial(_connect, chosen, composite))
            yield Entry(
                name,
                change,
                reason or f"offers {what} to its clients",
                icon="composite",
                enabled=reason is None,
                preview=partial(self._preview, composite, allowed=reason is None),
            )

    def _takes(self, composite: str) -> Iterator[Entry]:
        if not isinstance(self._document.node(composite), CompositeNode):
            return
        graph, owner = self._document.graph, self._what([composite])
        for node_id in self._near(composite, composites=False):
            if edit.why_not_connect(graph, node_id, composite) is None:
                name = self._what([node_id])
                change = partial(self._edit, f"Connect {name} to {owner}", partial(_connect, [node_id], composite))
                icon = "composite" if isinstance(self._document.node(node_id), CompositeNode) else "server"
                preview = partial(self._preview, node_id, allowed=True)
                yield Entry(name, change, f"becomes a member of {owner}", icon=icon, preview=preview)

    def disconnect_nodes(self) -> None:
        """Let the user choose which membership of the selected nodes ends."""
        chosen = self._scene.selected_nodes()
        if not chosen:
            return
        graph = self._document.graph
        ends = [(e.source, e.target) for n in chosen for e in (*graph.memberships(n), *graph.members(n))]
        entries = []
        for source, target in dict.fromkeys(ends):
            member, composite = self._what([source]), self._what([target])
            change = partial(self._edit, f"Disconnect {member} from {composite}", partial(_disconnect, source, target))
            detail = f"no longer offers {member}"
            preview = partial(self._preview_wire, (source, target))
            entries.append(Entry(composite, change, detail, icon="close", preview=preview))
        self._offer(entries, f"Disconnect {self._what(chosen)} from…")

    def nest(self) -> None:
        """Let the user choose the composite in which the selected nodes shall lie."""
        chosen = self._scene.selected_nodes()
        if not chosen:
            return
        graph, what = self._document.graph, self._what(chosen)
        entries = []
        for composite in (*self._near(chosen[0], composites=True), None):
            if composite in chosen:
                continue
            name = self._what([composite]) if composite is not None else "The canvas"
            reason = nesting.why_not_nest(graph, chosen, composite)
            change = partial(self._edit, f"Move {what} into {name}", partial(_nest, chosen, composite))
            if composite is None:
                change = partial(self._edit, f"Take {what} out", partial(_nest, chosen, None))
            entries.append(
                Entry(
                    name,
                    change,
                    reason or ("drawn inside it" if composite is not None else "in no composite"),
                    icon="composite" if composite is not None else "leave",
                    enabled=reason is None,
                    preview=partial(self._preview, composite, allowed=reason is None),
                )
            )
        self._offer(entries, f"Move {what} into…")

    def add_connected(self) -> None:
        """Let the user choose a new node that is wired to the selected one, beside it."""
        chosen = self._scene.selected_nodes()
        if not chosen:
            return
        item = self._scene.item(chosen[0])
        if item is None:
            return
        takes = isinstance(item, CompositeItem)
        step = -places.NODE_WIDTH - 3 * places.GRID if takes else item.body.width() + 3 * places.GRID
        at = item.body.topLeft() + QPointF(step, places.HEADER / 2)
        home = self._document.homes.get(chosen[0])
        around = self._scene.item(home) if home is not None else None
        if around is not None and not takes:
            # A composite beside a member goes beside what holds that member.
            at.setX(around.body.right() + 3 * places.GRID)
        self._finding.connected(chosen[0], takes, at)

    def next_wire(self) -> None:
        """Select the next wire of the selected node, or of the node at the end of the selected wire."""
        nodes, edges = self._scene.selected_nodes(), self._scene.selected_edges()
        owner = nodes[0] if nodes else edges[0][0] if edges else None
        shown = [item.ends for item in self._scene.edge_items if item.isVisible()]
        own = [ends for ends in shown if owner in ends] or shown
        if own:
            place = own.index(edges[0]) + 1 if edges and edges[0] in own else 0
            self._scene.select([], [own[place % len(own)]])

    # Helpers of the above

    def _offer(self, entries: list[Entry], prompt: str) -> None:
        self._finding.palette.offer(sorted(entries, key=lambda entry: not entry.enabled), prompt)

    def _near(self, node_id: str, *, composites: bool) -> list[str]:
        """Return the other nodes of this level, nearest first; only composites if that is wanted."""
        here = self._scene.item(node_id)
        items = [item for item in self._scene.node_items if item.isVisible() and item.node_id != node_id]
        if composites:
            items = [item for item in items if isinstance(item, CompositeItem)]
        if here is not None:
            middle = here.body.center()
            items.sort(key=lambda item: (item.body.center() - middle).manhattanLength())
        return [item.node_id for item in items]

    def _edit(self, text: str, change: Callable[[Graph], Graph]) -> None:
        chosen = self._scene.selected_nodes()
        try:
            graph = change(self._document.graph)
        except FusionError as error:
            self._editing.refused.emit(error.message)
            return
        self._document.edit(text, graph)
        self._editing.said.emit(text)
        self._editing.show_nodes(chosen)

    def _preview(self, node_id: str | None, shown: bool, *, allowed: bool) -> None:
        item = self._scene.item(node_id) if node_id is not None else None
        if item is None:
            return
        if isinstance(item, CompositeItem):
            item.show_target(allowed if shown else None)
        if shown:
            self._view.reveal(item.body)

    def _preview_wire(self, ends: Ends, shown: bool) -> None:
        if (edge := self._scene.edge_item(*ends)) is not None:
            edge.choose(shown)

    def _what(self, nodes: list[str]) -> str:
        node = self._document.node(nodes[0]) if len(nodes) == 1 else None
        return node.name if node is not None else f"{len(nodes)} nodes"


def _connect(node_ids: list[str], composite: str, graph: Graph) -> Graph:
    return nesting.connected(graph, node_ids, composite)


def _disconnect(source: str, target: str, graph: Graph) -> Graph:
    return edit.disconnect(graph, source, target)


def _nest(node_ids: list[str], into: str | None, graph: Graph) -> Graph:
    return nesting.nested(graph, node_ids, into)
