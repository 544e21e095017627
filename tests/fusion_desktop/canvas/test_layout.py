"""Tidying up: nothing overlaps, wires point to the right, members stay inside, and twice is once."""

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from composite_runtime.graph.edit import connect, move, why_not_connect
from composite_runtime.graph.model import Box, Graph
from fusion_desktop.canvas.layout import arranged, sibling_wires
from fusion_desktop.document import places
from tests.fusion_desktop.graphs import composite, desk, graph, server


def tidied(before: Graph) -> Graph:
    return move(before, arranged(before))


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    made = graph()
    count = draw(st.integers(1, 10))
    for number in range(count):
        node = composite(f"n{number}") if draw(st.booleans()) else server(f"n{number}")
        box = Box(x=draw(st.integers(-500, 500)), y=draw(st.integers(-500, 500)))
        made = made.but(nodes=(*made.nodes, node), layout={**made.layout, node.id: box})
    for _ in range(draw(st.integers(0, 14))):
        source, target = f"n{draw(st.integers(0, count - 1))}", f"n{draw(st.integers(0, count - 1))}"
        if why_not_connect(made, source, target) is None:
            made = connect(made, source, target)
    for edge in made.edges:
        if draw(st.booleans()) and edge.source not in places.homes(made):
            around = places.rect_of(made, edge.target)
            made = move(made, [(edge.source, Box(x=around.x + 20, y=around.y + 60))])
            made = places.enclosing(made, edge.target, edge.source)
    return made


@given(graphs())
def test_siblings_do_not_overlap_and_members_stay_inside(before: Graph) -> None:
    after = tidied(before)

    home = places.homes(before)
    for one in after.nodes:
        for other in after.nodes:
            if one.id < other.id and home.get(one.id) == home.get(other.id):
                assert not places.rect_of(after, one.id).overlaps(places.rect_of(after, other.id))
        if (parent := home.get(one.id)) is not None:
            around, member = places.rect_of(after, parent), places.rect_of(after, one.id)
            assert around.x < member.x
            assert around.y + places.HEADER <= member.y
            assert member.x + member.width < around.x + around.width
            assert member.y + member.height < around.y + around.height


@given(graphs())
def test_a_second_run_moves_nothing(before: Graph) -> None:
    once = tidied(before)

    assert tidied(once) == once


@given(graphs())
def test_wires_point_to_the_right_unless_they_run_in_a_circle(before: Graph) -> None:
    after = tidied(before)

    for wires in sibling_wires(before, places.homes(before)).values():
        # What lies inside a node may lead back to where a wire of the node came from.
        if nx.is_directed_acyclic_graph(nx.DiGraph(wires)):
            for source, target in wires:
                start, end = places.rect_of(after, source), places.rect_of(after, target)
                assert start.x + start.width < end.x


def test_only_what_is_chosen_is_moved() -> None:
    before = desk()

    assert {node_id for node_id, _ in arranged(before, ["box"])} == {"box", "inner"}
