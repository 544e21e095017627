"""What keys and menus do to what is selected, and where one is afterwards."""

import pytest
from PySide6.QtGui import QGuiApplication

from composite_runtime.graph.edit import add_annotation, connect, remove_nodes
from composite_runtime.graph.model import Box, Graph, Note, ServerNode, StdioTransport
from fusion_desktop.canvas.editing import Editing
from fusion_desktop.canvas.scene import CanvasScene
from fusion_desktop.canvas.view import CanvasView
from fusion_desktop.document import foreign, marks, places
from fusion_desktop.document.document import Document
from tests.fusion_desktop.graphs import composite, desk, graph, server


@pytest.fixture(autouse=True)
def drawn(document: Document, editing: Editing) -> None:
    document.load(desk())


def paste(editing: Editing) -> None:
    editing.add_part("Paste", foreign.from_text(QGuiApplication.clipboard().text()).part, None)
    QGuiApplication.clipboard().clear()


def test_cutting_a_composite_takes_along_what_lies_in_it(
    document: Document, editing: Editing, scene: CanvasScene
) -> None:
    scene.select(["box"])

    editing.cut()
    assert [node.id for node in document.graph.nodes] == ["loose"]

    paste(editing)
    assert sorted(node.name for node in document.graph.nodes) == ["Box", "Inner", "Loose"]
    assert document.undo_stack.count() == 2


def test_what_is_locked_is_not_cut_and_not_copied_by_cutting(
    document: Document, editing: Editing, scene: CanvasScene
) -> None:
    document.edit("Lock", document.graph.but(layout={**document.graph.layout, "loose": Box(x=0, y=100, locked=True)}))
    scene.select(["loose", "box"])

    editing.cut()

    assert [node.id for node in document.graph.nodes] == ["loose"]
    assert '"loose"' not in QGuiApplication.clipboard().text()
    QGuiApplication.clipboard().clear()


def test_a_copy_of_a_member_is_pasted_into_its_composite(
    document: Document, editing: Editing, scene: CanvasScene
) -> None:
    scene.select(["inner"])
    editing.copy()

    paste(editing)

    assert document.homes["inner-2"] == "box"


def test_what_is_pasted_can_be_seen_although_its_original_cannot(
    document: Document, editing: Editing, scene: CanvasScene, view: CanvasView
) -> None:
    scene.select(["loose"])
    editing.copy()
    view.centerOn(5000, 5000)

    paste(editing)

    visible = view.mapToScene(view.viewport().rect()).boundingRect()
    assert abs(document.box("loose-2").x - 5000) < visible.width() / 2


def test_what_is_copied_outside_is_pasted_into_the_composite_one_looks_into(
    document: Document, editing: Editing, scene: CanvasScene
) -> None:
    scene.select(["loose"])
    editing.copy()
    editing.enter("box")

    paste(editing)

    assert document.homes["loose-2"] == "box"
    item = scene.item("loose-2")
    assert item is not None
    assert item.isVisible()


def test_escape_lets_go_of_a_note_before_it_leaves_a_composite(
    document: Document, editing: Editing, scene: CanvasScene
) -> None:
    note = Note(id="note", text="Read me", inside="box")
    document.load(add_annotation(desk(), note, Box(x=400, y=260, width=240, height=120)))
    editing.enter("box")
    scene.select(["note"])

    editing.escape()
    assert (scene.selected(), scene.root) == ([], "box")
    editing.escape()
    assert scene.root is None


def test_another_graph_is_shown_from_outside_whatever_was_entered(
    document: Document, editing: Editing, scene: CanvasScene
) -> None:
    told: list[str | None] = []
    editing.entered.connect(lambda: told.append(scene.root))
    editing.enter("box")

    document.load(remove_nodes(desk(), {"inner"}))

    assert scene.root is None
    assert told == ["box", None]
    loose = scene.item("loose")
    assert loose is not None
    assert loose.isVisible()


def test_a_card_and_its_tooltip_show_no_secret(document: Document, scene: CanvasScene) -> None:
    transport = StdioTransport(command="npx", args=("server", "--api-key", "s3cret-of-mine"))
    document.load(graph((ServerNode(id="a", name="A", transport=transport), (0, 0))))

    item = scene.item("a")

    assert item is not None
    assert "server --api-key" in item.toolTip()
    assert "s3cret-of-mine" not in item.toolTip()


def test_a_thousand_nodes_are_pasted_at_once(document: Document, editing: Editing, scene: CanvasScene) -> None:
    document.load(graph(*((server(f"n{i}"), (i % 40 * 240, i // 40 * 80)) for i in range(1000))))
    scene.select([node.id for node in document.graph.nodes])
    editing.copy()

    paste(editing)

    assert len(document.graph.nodes) == 2000
    assert document.undo_stack.count() == 1
    assert len({places.rect_of(document.graph, node.id) for node in document.graph.nodes}) == 2000


@pytest.mark.parametrize("action", ["edit.delete", "graph.ungroup", "edit.delete_reconnect"])
def test_what_a_collapsed_composite_held_lies_on_nothing_when_it_goes(
    document: Document, editing: Editing, scene: CanvasScene, action: str
) -> None:
    document.load(graph((composite("box"), (0, 0, 300, 300)), (server("a"), (40, 200)), (server("b"), (0, 180))))
    document.edit("Connect", connect(document.graph, "a", "box"))
    document.edit("Collapse", marks.collapsed(document.graph, ["box"], True))
    scene.select(["box"])

    editing.handlers()[action]()

    assert not places.rect_of(document.graph, "a").overlaps(places.rect_of(document.graph, "b"))


def test_what_is_hidden_is_not_selected(document: Document, editing: Editing, scene: CanvasScene) -> None:
    document.load(
        graph(
            (composite("box"), (300, 0, 400, 300)),
            (composite("in"), (340, 60, 300, 180)),
            (server("a"), (0, 0)),
            (server("b"), (0, 400)),
            (composite("top"), (900, 400, 300, 200)),
            edges="in>box a>in b>top",
        )
    )
    scene.select(["in"], [("a", "in"), ("b", "top")])
    editing.enter("box")
    assert (scene.selected(), scene.selected_edges()) == ([], [])

    editing.leave()
    scene.select(["in"], [("b", "top")])
    document.edit("Collapse", marks.collapsed(document.graph, ["box"], True))
    assert scene.selected() == []
    assert scene.selected_edges() == [("b", "top")]


def crowded(width: float) -> Graph:
    """Return a narrow composite with four servers on top of each other, and two servers beside it."""
    return graph(
        (composite("box"), (0, 0, width, 400)),
        *((server(f"m{n}"), (20, 60 + 70 * n)) for n in range(4)),
        (server("far"), (700, 30)),
        (server("away"), (1300, 500)),
        edges="m0>box m1>box m2>box m3>box",
    )


def test_tidying_members_keeps_them_in_their_composite(
    document: Document, editing: Editing, scene: CanvasScene
) -> None:
    document.load(crowded(260))
    scene.select(["m0", "m1", "m2", "m3"])

    editing.tidy()

    assert {one: document.homes.get(one) for one in ("m0", "m1", "m2", "m3")} == dict.fromkeys(
        ("m0", "m1", "m2", "m3"), "box"
    )
    box = places.rect_of(document.graph, "box")
    assert all(box.contains(places.rect_of(document.graph, one)) for one in ("m0", "m1", "m2", "m3"))


def test_tidying_inside_a_composite_leaves_alone_what_is_not_shown(
    document: Document, editing: Editing, scene: CanvasScene
) -> None:
    document.load(crowded(260))
    editing.enter("box")

    editing.tidy()

    assert (document.box("far"), document.box("away")) == (Box(x=700, y=30), Box(x=1300, y=500))
    assert document.box("m1") != Box(x=20, y=130)
    assert all(document.homes.get(f"m{n}") == "box" for n in range(4))
