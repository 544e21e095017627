"""A screen reader finds every node with its name, role, state and place."""

from PySide6.QtGui import QAccessible, QAccessibleInterface

from fusion_desktop.canvas.access import Access
from fusion_desktop.canvas.scene import CanvasScene
from fusion_desktop.canvas.state import State
from fusion_desktop.canvas.view import CanvasView
from fusion_desktop.document.document import Document
from tests.fusion_desktop.graphs import desk


def children(view: CanvasView) -> list[QAccessibleInterface]:
    interface = QAccessible.queryAccessibleInterface(view)
    assert interface.text(QAccessible.Text.Name) == "Canvas"
    return [interface.child(number) for number in range(interface.childCount())]


def test_every_node_is_an_item_with_a_name(document: Document, scene: CanvasScene, view: CanvasView) -> None:
    document.load(desk())
    Access(document, scene, view)
    scene.show_state("inner", State.READY, "3 tools")

    names = [child.text(QAccessible.Text.Name) for child in children(view)]

    assert names == [
        "Loose, server",
        "Box, composite, 1 member, ready, 1 of 1 ready",
        "Inner, server, ready, 3 tools, in Box",
    ]
    assert {child.role() for child in children(view)} == {QAccessible.Role.ListItem}


def test_a_selected_node_says_so_and_lies_where_it_is_drawn(
    document: Document, scene: CanvasScene, view: CanvasView
) -> None:
    document.load(desk())
    Access(document, scene, view)
    scene.select(["inner"])

    chosen = [child for child in children(view) if child.state().selected]

    assert [child.text(QAccessible.Text.Name) for child in chosen] == ["Inner, server, in Box"]
    item = scene.item("inner")
    assert item is not None
    middle = view.viewport().mapToGlobal(view.mapFromScene(item.body.center()))
    assert chosen[0].rect().contains(middle)


def test_a_deleted_node_is_gone(document: Document, scene: CanvasScene, view: CanvasView) -> None:
    document.load(desk())
    Access(document, scene, view)
    held = children(view)

    document.load(desk().but(nodes=(), edges=(), layout={}))

    assert children(view) == []
    assert not any(interface.isValid() for interface in held)
