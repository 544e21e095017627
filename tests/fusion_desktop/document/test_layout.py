"""Tidying up: nothing overlaps, wires point to the right, members stay inside, and twice is once."""

import time
from collections.abc import Callable

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from composite_runtime.graph.edit import add_annotation, connect, move, why_not_connect
from composite_runtime.graph.model import Box, Edge, Frame, Graph, Note
from fusion_desktop.document import places
from fusion_desktop.document.layout import arranged, completed, sibling_wires
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


def test_large_graphs_are_placed_and_arranged_at_once() -> None:
    hubs = [composite(f"c{n}") for n in range(25)]
    servers = [server(f"s{n}") for n in range(475)]
    edges = [Edge(source=s.id, target=f"c{(n // 19 + step) % 25}") for n, s in enumerate(servers) for step in (0, 1)]
    drawn = graph().but(nodes=(*hubs, *servers), edges=tuple(edges))

    start = time.process_time()
    whole = completed(drawn)
    assert time.process_time() - start < 0.2
    best = min(_seconds(lambda: arranged(whole)) for _ in range(3))
    assert best < 0.05

    assert set(whole.layout) == {node.id for node in drawn.nodes}
    assert places.homes(whole) == {f"s{n}": f"c{n // 19}" for n in range(475)}


def _seconds(do: Callable[[], object]) -> float:
    start = time.process_time()
    do()
    return time.process_time() - start


def test_what_is_locked_stays_and_nothing_comes_to_lie_on_it() -> None:
    before = graph((server("a"), (0, 0)), (server("b"), (500, 0)), (server("c"), (0, 70)))
    before = move(before, [("b", Box(x=240, y=0, locked=True))])

    after = tidied(before)

    assert after.layout["b"] == before.layout["b"]
    assert not any(places.rect_of(after, n).overlaps(places.rect_of(after, "b")) for n in "ac")
    assert tidied(after) == after


def test_a_collapsed_composite_is_arranged_as_the_card_it_is_drawn_as() -> None:
    before = move(desk(), [("box", Box(x=300, y=100, width=400, height=300, collapsed=True))])
    before = connect(before, "loose", "box")

    after = tidied(before)

    box, inner = after.layout["box"], after.layout["inner"]
    assert (box.width, box.height) == (400, 300)
    assert (inner.x - box.x, inner.y - box.y) == (40, 80), "what it hides comes along"


def test_framed_things_are_arranged_within_their_frame() -> None:
    before = graph((server("a"), (40, 60)), (server("b"), (60, 80)), (server("c"), (900, 0)))
    before = add_annotation(before, Frame(id="frame", title="Mine"), Box(x=0, y=0, width=400, height=300))
    before = add_annotation(before, Note(id="note", text="Why"), Box(x=100, y=100, width=160, height=120))

    after = tidied(before)

    assert places.holders(after) == places.holders(before) == dict.fromkeys(("a", "b", "note"), "frame")
    assert not places.rect_of(after, "a").overlaps(places.rect_of(after, "b"))
    assert not places.rect_of(after, "a").overlaps(places.rect_of(after, "note"))
    assert not places.rect_of(after, "c").overlaps(places.rect_of(after, "frame"))
    assert tidied(after) == after
