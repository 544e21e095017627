"""The canvas says how nodes are called, and stays calm however often that is."""

import time

import pytest
from pytestqt.qtbot import QtBot

from composite_runtime.events import CallFinished, CallStarted, ChildChanged, ChildState
from composite_runtime.graph.edit import new_graph
from composite_runtime.graph.model import CompositeNode, Edge, ServerNode, StdioTransport
from fusion_desktop.canvas.composite_item import CompositeItem
from fusion_desktop.canvas.ink import ink
from fusion_desktop.canvas.node_item import NodeItem
from fusion_desktop.canvas.scene import CanvasScene
from fusion_desktop.canvas.state import State
from fusion_desktop.document.document import Document
from fusion_desktop.liveness import FRAME_MS, Liveness
from fusion_desktop.run.status import Status


@pytest.fixture
def status(qtbot: QtBot) -> Status:
    return Status()


@pytest.fixture
def live(status: Status, scene: CanvasScene, document: Document) -> Liveness:
    server = ServerNode(id="n", name="N", transport=StdioTransport(command="n"))
    graph = new_graph("Test").model_copy(
        update={"nodes": (server, CompositeNode(id="all", name="All")), "edges": (Edge(source="n", target="all"),)}
    )
    document.load(graph)
    live = Liveness(status, scene, lambda: True)
    status.show(ChildChanged(node="n", state=ChildState.READY, tools=3))
    return live


def begin(status: Status, span: int) -> None:
    status.show(CallStarted(call="c", node="all", method="tools/call", span=2 * span))
    status.show(CallStarted(call="c", node="n", method="tools/call", span=2 * span + 1, parent=2 * span))


def call(status: Status, *, span: int = 1, error: str | None = None) -> None:
    begin(status, span)
    for node, own in (("n", 2 * span + 1), ("all", 2 * span)):
        status.show(CallFinished(call="c", node=node, method="tools/call", milliseconds=20, error=error, span=own))


def detail(scene: CanvasScene, node: str) -> str:
    item = scene.item(node)
    assert isinstance(item, NodeItem | CompositeItem)
    return item.detail


def test_a_node_and_its_composite_say_how_often_they_are_called_and_how_long_it_takes(
    qtbot: QtBot, live: Liveness, status: Status, scene: CanvasScene
) -> None:
    assert detail(scene, "n") == "3 tools"
    call(status)
    call(status, error="no")

    qtbot.waitUntil(lambda: detail(scene, "n") == "2 calls · 1 failed · 20 ms")
    qtbot.waitUntil(lambda: detail(scene, "all") == "1 of 1 ready · 2 calls · 1 failed · 20 ms")
    assert scene.state_of("all") is State.READY


def test_a_wire_shows_that_it_is_used_and_then_no_longer(
    qtbot: QtBot, live: Liveness, status: Status, scene: CanvasScene
) -> None:
    wire = scene.edge_item("n", "all")
    assert wire is not None
    begin(status, 1)
    qtbot.waitUntil(lambda: wire.pen() == ink().wire_busy)

    status.show(CallFinished(call="c", node="n", method="tools/call", milliseconds=20, span=3))
    qtbot.waitUntil(lambda: wire.pen() == ink().wire)
    assert wire.toolTip() == "1 call · 20 ms"


def test_a_thousand_events_reach_the_canvas_together(
    qtbot: QtBot, live: Liveness, status: Status, scene: CanvasScene
) -> None:
    shown: list[float] = []
    live.shown.connect(lambda: shown.append(time.monotonic()))
    began = time.monotonic()
    for number in range(250):
        call(status, span=number)
        qtbot.wait(0)
    qtbot.waitUntil(lambda: detail(scene, "n").startswith("250 calls"))

    assert len(shown) <= (time.monotonic() - began) * 1000 / FRAME_MS + 2
