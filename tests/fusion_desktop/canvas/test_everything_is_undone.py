"""Whatever is done in whatever order, undo leads back byte for byte, redo forth, and the scene agrees at every step."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QRectF, Qt

from composite_runtime.graph import file
from composite_runtime.graph.check import check
from composite_runtime.graph.model import CompositeNode
from fusion_desktop.actions import TABLE
from fusion_desktop.canvas.composite_item import CompositeItem
from fusion_desktop.canvas.editing import Editing
from fusion_desktop.canvas.gestures.base import Ground
from fusion_desktop.canvas.gestures.drag import DragNodes
from fusion_desktop.canvas.gestures.wire import Wire
from fusion_desktop.canvas.scene import CanvasScene
from fusion_desktop.document import copying, foreign, places
from fusion_desktop.document.document import Document
from fusion_desktop.document.fixes import fix_for
from fusion_desktop.document.template import Template
from tests.fusion_desktop.graphs import composite, desk, server

NONE = Qt.KeyboardModifier.NoModifier
UNDOING = {"edit.undo", "edit.redo"}


def assert_scene_agrees(scene: CanvasScene, document: Document) -> None:
    graph = document.graph
    assert {item.node_id for item in scene.node_items} == {node.id for node in graph.nodes}
    assert {item.ends for item in scene.edge_items} == {(edge.source, edge.target) for edge in graph.edges}
    around = [scene.root] if scene.root else []
    for item in scene.node_items:
        box = document.box(item.node_id)
        assert (item.pos().x(), item.pos().y()) == (box.x, box.y), item.node_id
        assert isinstance(item, CompositeItem) == isinstance(document.node(item.node_id), CompositeNode)
        assert item.is_locked == box.locked
        if isinstance(item, CompositeItem) and box.width is not None:
            assert item.is_collapsed == (box.collapsed and item.node_id not in around)
            assert item.body.width() == (places.NODE_WIDTH if item.is_collapsed else box.width)
    assert {item.node_id for item in scene.annotation_items} == {one.id for one in graph.annotations}
    for note in scene.annotation_items:
        rect = places.rect_of(graph, note.node_id)
        assert note.body == QRectF(rect.x, rect.y, rect.width, rect.height)
    for edge in scene.edge_items:
        start, end = scene.card_of(edge.ends[0]), scene.card_of(edge.ends[1])
        source, target = scene.item(start), scene.item(end)
        assert isinstance(target, CompositeItem)
        assert source is not None
        is_wire = start != end and document.homes.get(start) != end
        assert edge.isVisible() == (is_wire and source.isVisible() and target.isVisible())
        if edge.isVisible():
            assert edge.path().elementAt(0).x == source.output.x()
            assert edge.path().currentPosition() == target.input


class Hand:
    """Does what a user may do, chosen by numbers."""

    def __init__(self, document: Document, scene: CanvasScene, editing: Editing) -> None:
        self._document = document
        self._scene = scene
        self._editing = editing
        handlers = editing.handlers()
        self._handlers = [handlers[spec.id] for spec in TABLE if spec.id in handlers and spec.id not in UNDOING]

    def do(self, kind: int, one: int, other: int) -> None:
        nodes = [item.node_id for item in self._scene.node_items if item.isVisible()]
        things = [item.node_id for item in self._scene.shown()]
        ground = Ground(self._document, self._scene)
        match kind:
            case 0 if nodes:
                self._scene.select([things[one % len(things)], things[other % len(things)]])
            case 1:
                make = composite("box") if one % 3 == 0 else server("srv")
                self._editing.add(Template(make), QPointF(one * 40 % 900, other * 40 % 700) if other % 2 else None)
            case 2 if nodes:
                self._drag(DragNodes(ground, QPointF(0, 0), [things[one % len(things)]]), one, other)
            case 3 if nodes:
                item = self._scene.item(nodes[one % len(nodes)])
                assert item is not None
                self._drag(
                    Wire(ground, item, from_input=isinstance(item, CompositeItem) and bool(other % 2)), one, other
                )
            case 4 if nodes:
                self._editing.rename(nodes[one % len(nodes)], f"Name {other}" if other % 5 else " ")
            case 5:
                edges = [item.ends for item in self._scene.edge_items]
                self._scene.select([], edges[: other % 3])
            case 6 if nodes:
                copied = copying.copied(self._document.graph, [nodes[one % len(nodes)]])
                self._editing.add_part("Paste", foreign.from_text(copied).part, None, wired=bool(other % 2))
            case 7:
                self._editing.add_part(
                    "Paste", foreign.from_text(f"npx -y server-{one}").part, QPointF(one * 30, other)
                )
            case 8:
                self._fix(one)
            case _:
                self._handlers[(one * 41 + other) % len(self._handlers)]()

    def _fix(self, one: int) -> None:
        problems = check(self._document.graph)
        fix = fix_for(self._document.graph, problems[one % len(problems)]) if problems else None
        if fix is not None:
            self._document.edit(fix.words, fix.graph)

    def _drag(self, gesture: DragNodes | Wire, one: int, other: int) -> None:
        end = QPointF(one * 37 % 1100 - 100, other * 53 % 800 - 50)
        keys = Qt.KeyboardModifier.AltModifier if other % 5 == 0 else NONE
        gesture.move(end / 2, keys)
        gesture.move(end, keys)
        if one % 7 == 0:
            gesture.cancel()
            return
        try:
            gesture.finish(end, keys)
        except Exception:
            gesture.cancel()
            raise


steps = st.lists(
    st.tuples(st.integers(0, 15), st.integers(0, 40), st.integers(0, 40)),
    min_size=1,
    max_size=25,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sequence=steps)
def test_any_sequence_can_be_undone_and_redone(
    document: Document, scene: CanvasScene, editing: Editing, sequence: list[tuple[int, int, int]]
) -> None:
    document.load(desk())
    hand = Hand(document, scene, editing)
    start = file.dumps(document.graph)

    for step in sequence:
        hand.do(*step)
        assert_scene_agrees(scene, document)
    end = file.dumps(document.graph)

    stack = document.undo_stack
    while stack.canUndo():
        assert stack.undoText()
        stack.undo()
        assert_scene_agrees(scene, document)
    assert file.dumps(document.graph) == start
    assert not document.is_modified
    while stack.canRedo():
        stack.redo()
    assert_scene_agrees(scene, document)
    assert file.dumps(document.graph) == end
