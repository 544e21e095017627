"""Where nodes lie decides which memberships are containment and which are wires."""

from hypothesis import given
from hypothesis import strategies as st

from composite_runtime.graph.edit import connect, move, new_graph
from composite_runtime.graph.model import Box, Graph
from fusion_desktop.document import changes, layout, places
from tests.fusion_desktop.graphs import composite, desk, graph, server


def test_a_member_whose_middle_lies_in_its_composite_is_drawn_inside() -> None:
    assert places.homes(desk()) == {"inner": "box"}


def test_a_member_that_lies_elsewhere_is_drawn_as_a_wire() -> None:
    assert places.homes(connect(desk(), "loose", "box")) == {"inner": "box"}


def test_a_node_that_lies_in_a_composite_without_being_its_member_is_not_drawn_inside() -> None:
    assert "loose" not in places.homes(move(desk(), [("loose", Box(x=400, y=200))]))


def test_the_innermost_composite_counts() -> None:
    nested = graph(
        (composite("outer"), (0, 0, 600, 400)),
        (composite("mid"), (100, 100, 300, 200)),
        (server("leaf"), (140, 160)),
        edges="leaf>outer leaf>mid mid>outer",
    )

    assert places.homes(nested) == {"leaf": "mid", "mid": "outer"}
    assert list(places.ancestors(places.homes(nested), "leaf")) == ["mid", "outer"]


def test_moving_a_composite_moves_what_lies_in_it() -> None:
    moved = places.shifted(desk(), ["box"], 10, 20)

    assert (moved.layout["inner"].x, moved.layout["inner"].y) == (350, 200)
    assert moved.layout["loose"] == desk().layout["loose"]


def test_a_composite_grows_with_what_is_put_into_it() -> None:
    full = changes.moved(desk(), ["loose"], (620.0, 300.0), "box")

    around, member = places.rect_of(full, "box"), places.rect_of(full, "loose")
    assert around.x <= member.x
    assert member.x + member.width <= around.x + around.width
    assert member.y + member.height <= around.y + around.height
    assert places.homes(full)["loose"] == "box"


def test_nodes_without_a_place_are_put_into_their_first_composite() -> None:
    whole = layout.completed(desk().but(layout={}))

    assert places.homes(whole) == {"inner": "box"}
    assert not places.rect_of(whole, "loose").overlaps(places.rect_of(whole, "box"))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=14), st.integers(1, 7))
def test_completed_places_everything_without_overlap_among_siblings(links: list[tuple[int, int]], count: int) -> None:
    made: Graph = new_graph()
    for number in range(count):
        node = composite(f"n{number}") if number % 2 else server(f"n{number}")
        made = made.but(nodes=(*made.nodes, node))
    for source, target in links:
        ids = f"n{source}", f"n{target}"
        if made.node(ids[0]) and made.node(ids[1]) and target % 2:
            try:
                made = connect(made, *ids)
            except Exception:  # a circle or a repetition: not what is tested here
                continue

    whole = layout.completed(made)

    assert set(whole.layout) == {node.id for node in whole.nodes}
    home = places.homes(whole)
    for node_id, parent in home.items():
        around, member = places.rect_of(whole, parent), places.rect_of(whole, node_id)
        assert around.overlaps(member)
    assert layout.completed(whole) == whole
