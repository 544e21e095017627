"""A screen reader finds every node with its name, role, state and place."""

import time

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from composite_runtime.graph.edit import connect
from fusion_desktop.app import Program
from fusion_desktop.canvas.access import Access
from fusion_desktop.canvas.scene import CanvasScene
from fusion_desktop.canvas.state import State
from fusion_desktop.canvas.view import CanvasView
from fusion_desktop.document.document import Document
from tests.bench.painting import large
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


def named(within: QAccessibleInterface, name: str) -> QAccessibleInterface:
    children = (within.child(number) for number in range(within.childCount()))
    return next(child for child in children if child.text(QAccessible.Text.Name).startswith(name))


async def test_a_wire_is_selected_and_deleted_by_a_screen_reader(program: Program, qtbot: QtBot) -> None:
    program.document.load(connect(desk(), "loose", "box"))
    window = program.window
    canvas = QAccessible.queryAccessibleInterface(window.view)
    wire = named(canvas, "Loose is a member of Box")
    item = window.scene.edge_item("loose", "box")
    assert item is not None
    assert canvas.child(canvas.indexOfChild(wire)) is wire
    middle = window.view.viewport().mapToGlobal(window.view.mapFromScene(item.path().pointAtPercent(0.5)))
    assert wire.rect().contains(middle)
    assert wire.state().selectable
    assert not wire.state().selected

    # What it cannot do, it says so: a screen reader asks for everything.
    assert wire.textInterface() is wire.valueInterface() is wire.selectionInterface() is None

    wire.actionInterface().doAction("Select")

    assert wire.state().selected
    assert window.scene.selected_edges() == [("loose", "box")]

    wire.actionInterface().doAction("Delete")

    assert program.document.graph.edges == desk().edges
    assert not wire.isValid()
    program.document.undo_stack.undo()
    await program.end()


async def test_a_port_says_what_it_is_connected_with_and_connects(program: Program, qtbot: QtBot) -> None:
    program.document.load(desk())
    window = program.window
    canvas = QAccessible.queryAccessibleInterface(window.view)
    box, loose = named(canvas, "Box"), named(canvas, "Loose")
    ports = [box.child(number) for number in range(box.childCount())]

    assert [port.text(QAccessible.Text.Name) for port in ports] == [
        "Input of Box, Inner",
        "Output of Box, not connected",
    ]
    assert {port.role() for port in ports} == {QAccessible.Role.Button}
    port = named(loose, "Output of Loose")
    assert port.parent() is loose
    item = window.scene.item("loose")
    assert item is not None
    assert port.rect().contains(window.view.viewport().mapToGlobal(window.view.mapFromScene(item.output)))

    port.actionInterface().doAction("Connect")

    palette = next(w for w in window.findChildren(QLineEdit) if w.placeholderText().startswith("Connect Loose to"))
    QTest.keyClick(palette, Qt.Key.Key_Return)
    assert [(edge.source, edge.target) for edge in program.document.graph.edges] == [
        ("inner", "box"),
        ("loose", "box"),
    ]
    await program.end()


def test_what_lies_at_a_place_of_the_screen_is_found(document: Document, scene: CanvasScene, view: CanvasView) -> None:
    document.load(connect(desk(), "loose", "box"))
    Access(document, scene, view)
    canvas = QAccessible.queryAccessibleInterface(view)

    def at(x: float, y: float) -> str:
        place = view.viewport().mapToGlobal(view.mapFromScene(QPointF(x, y)))
        found = canvas.childAt(place.x(), place.y())
        return found.text(QAccessible.Text.Name) if found is not None else ""

    wire = scene.edge_item("loose", "box")
    assert wire is not None
    middle = wire.path().pointAtPercent(0.5)
    assert at(400, 210) == "Inner, server, in Box"
    assert at(middle.x(), middle.y()) == "Loose is a member of Box"
    assert at(0, 0) == ""

    view.rename("loose")
    assert at(20, 120) == "Name of the node"
    field = next(child for child in children(view) if child.text(QAccessible.Text.Name) == "Name of the node")
    assert canvas.indexOfChild(field) == canvas.childCount() - 1


def test_reading_a_large_graph_costs_about_as_much_as_sorting_it(
    document: Document, scene: CanvasScene, view: CanvasView
) -> None:
    document.load(large(1000))
    access = Access(document, scene, view)
    canvas = QAccessible.queryAccessibleInterface(view)
    began = time.process_time()
    access.shown()
    sorting = time.process_time() - began

    began = time.process_time()
    assert all(canvas.child(number) is not None for number in range(canvas.childCount()))

    assert time.process_time() - began < 100 * sorting, "it is not sorted for each of the 2,000"
