"""What is joined by choosing from a list: nearest first, shown while it is chosen, refused with the reason."""

from pytestqt.qtbot import QtBot

from fusion_desktop.app import Program
from fusion_desktop.canvas.composite_item import CompositeItem
from fusion_desktop.panels.palette import Entry, _Entries
from tests.fusion_desktop.graphs import composite, desk, graph, server


def offered(program: Program) -> list[Entry]:
    model = program.window.finding.palette.list.model()
    return [model.index(row, 0).data(_Entries.EntryRole) for row in range(model.rowCount())]


def choose(program: Program, action: str, *nodes: str) -> list[Entry]:
    program.window.scene.select(nodes)
    program.window.enabling.refresh()
    program.window.actions_table[action].trigger()
    return offered(program)


def test_a_server_is_offered_the_composites_nearest_first(program: Program) -> None:
    far, near = composite("far"), composite("near")
    program.document.load(graph((server("a"), (0, 0)), (far, (2000, 0)), (near, (400, 0)), edges="a>far"))

    entries = choose(program, "wire.connect", "a")

    assert [(entry.title, entry.enabled) for entry in entries] == [("Near", True), ("Far", False)]
    assert entries[1].detail == "A is already a member of Far"
    item = program.window.scene.item("near")
    assert isinstance(item, CompositeItem)
    assert item._target is True, "the canvas shows where the wire would go"
    entries[0].choose()
    program.window.finding.palette.hide()
    assert item._target is None
    assert [edge.target for edge in program.document.graph.memberships("a")] == ["far", "near"]
    assert program.document.undo_stack.undoText() == "Connect A to Near"


def test_a_composite_is_offered_members_as_well(program: Program) -> None:
    program.document.load(desk())

    entries = choose(program, "wire.connect", "box")

    assert [(entry.title, entry.detail) for entry in entries] == [("Loose", "becomes a member of Box")]


def test_a_membership_ends_by_choosing_it(program: Program) -> None:
    program.document.load(desk())

    (entry,) = choose(program, "wire.disconnect", "inner")
    entry.choose()

    assert program.document.graph.edges == ()
    assert program.document.undo_stack.undoText() == "Disconnect Inner from Box"


def test_nodes_move_in_and_out_by_choosing_where(program: Program) -> None:
    program.document.load(desk())

    entries = choose(program, "wire.nest", "loose")
    assert [(entry.title, entry.enabled) for entry in entries] == [("Box", True), ("The canvas", False)]
    entries[0].choose()

    assert program.document.homes["loose"] == "box"


def test_wires_are_reached_one_after_the_other(program: Program, qtbot: QtBot) -> None:
    nodes = ((server("a"), (0, 0)), (composite("x"), (400, 0)), (composite("y"), (400, 300)))
    program.document.load(graph(*nodes, edges="a>x a>y"))
    seen = []
    program.window.scene.select(["a"])
    for _ in range(3):
        program.window.wiring.next_wire()
        seen.append(program.window.scene.selected_edges())

    assert seen == [[("a", "x")], [("a", "y")], [("a", "x")]]


def test_something_new_is_wired_to_the_selected_node(program: Program) -> None:
    program.document.load(graph((server("a"), (0, 0))))

    entries = choose(program, "wire.add", "a")
    assert [entry.title for entry in entries] == ["Composite"], "a server goes into composites only"
    entries[0].choose()

    (edge,) = program.document.graph.edges
    assert edge.source == "a"
    assert not program.document.homes, "it lies beside, with a wire between"


def test_arrows_with_control_and_shift_add_to_the_selection(program: Program) -> None:
    row = [(server(name), (300.0 * place, 0.0)) for place, name in enumerate("abc")]
    program.document.load(graph(*row))
    editing = program.window.editing
    program.window.scene.select(["a"])

    editing.go("right", extend=True)
    editing.go("right", extend=True)
    assert program.window.scene.selected_nodes() == ["a", "b", "c"]
    editing.escape()
    assert program.window.scene.selected_nodes() == []
