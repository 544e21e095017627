"""What a composite shows of its members, and every state with a look of its own."""

import time

import pytest
from pytestqt.qtbot import QtBot

from fusion_desktop import theme
from fusion_desktop.canvas.scene import CanvasScene
from fusion_desktop.canvas.state import State, together
from fusion_desktop.document.document import Document
from tests.bench.painting import large
from tests.fusion_desktop.graphs import composite, graph, server


@pytest.mark.parametrize(
    ("members", "shown"),
    [
        ({State.READY}, State.READY),
        ({State.READY, State.BUSY}, State.BUSY),
        ({State.READY, State.STARTING}, State.STARTING),
        ({State.READY, State.FAILED}, State.DEGRADED),
        ({State.BUSY, State.RETRYING}, State.DEGRADED),
        ({State.READY, State.QUARANTINED}, State.DEGRADED),
        ({State.FAILED, State.RETRYING}, State.FAILED),
        (set(), None),
    ],
)
def test_members_together(members: set[State], shown: State | None) -> None:
    assert together(members) is shown


def test_no_two_states_look_alike_without_colour() -> None:
    looks = [(state.look.shape, state.look.letter, state.look.filled) for state in State]
    assert len(set(looks)) == len(State)
    assert len({state.look.words for state in State}) == len(State)
    for state in State:
        assert getattr(theme.LIGHT, state.value)


def test_a_composite_with_a_failed_member_is_partly_ready_and_so_is_what_it_is_in(
    document: Document, scene: CanvasScene, qtbot: QtBot
) -> None:
    document.load(
        graph(
            (composite("top"), (0, 0, 800, 600)),
            (composite("box"), (40, 80, 500, 400)),
            (server("a"), (80, 160)),
            (server("b"), (80, 260)),
            edges="a>box b>box box>top",
        )
    )
    scene.show_state("a", State.READY, "3 tools")
    scene.show_state("b", State.FAILED, "gone")

    item = scene.item("top")
    assert item is not None
    qtbot.waitUntil(lambda: item.shown_state is State.DEGRADED, timeout=1000)
    assert item.detail == "1 of 2 ready"
    assert scene.state_of("box") is State.DEGRADED
    scene.clear_states()
    assert scene.state_of("top") is None


@pytest.mark.slow
def test_two_thousand_servers_may_tell_their_state_at_once(document: Document, scene: CanvasScene) -> None:
    document.load(large(2000))
    start = time.process_time()
    for node in document.graph.nodes:
        scene.show_state(node.id, State.READY, "3 tools")
    assert scene.state_of("c0") is State.READY
    assert time.process_time() - start < 2
