"""A screen reader reads the whole window over AT-SPI, runs the graph, and hears how each node is."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from composite_runtime import paths
from composite_runtime.graph import file
from tests.fusion_desktop.graphs import desk
from tests.support.atspi import Reader, buses

pytestmark = [pytest.mark.xvfb, pytest.mark.timeout(120)]

CONTROLS = {"push button", "check box", "combo box", "text", "spin box", "list", "tree", "table", "slider", "menu item"}

RETURN = 0xFF0D


@pytest.fixture
def reader(tmp_path: Path, fusion_home: Path) -> Iterator[Reader]:
    """Return a reader of the program, which shows the example."""
    graph = tmp_path / "first.fusion"
    graph.write_bytes(paths.resource("examples/first.fusion").read_bytes())
    with reading(tmp_path, fusion_home, graph) as reader:
        yield reader


@contextmanager
def reading(tmp_path: Path, fusion_home: Path, *graph: Path) -> Iterator[Reader]:
    """Run the program, with a graph or without one, and a reader of it."""
    with buses(tmp_path / "bus") as environment:
        environment |= {"QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1", "FUSION_HOME": str(fusion_home)}
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        desktop = subprocess.Popen([sys.executable, "-m", "fusion_desktop", *map(str, graph)], env=environment)
        reader = Reader(environment)
        try:
            yield reader
        finally:
            reader.close()
            desktop.terminate()
            desktop.wait(10)


def test_every_node_is_read_with_name_role_and_state_while_it_runs(reader: Reader) -> None:
    things = reader.until(lambda found: sum(thing.parent_role == "list" for thing in found) > 3)
    nodes = [thing for thing in things if thing.role == "list item" and ", " in thing.name]

    assert sorted(node.name for node in nodes) == [
        "Desk, composite, 2 members",
        "Notes, server, in Desk",
        "Text, server, in Desk",
    ]
    for node in nodes:
        assert {"enabled", "focusable", "selectable", "showing", "visible"} <= node.states, node

    reader.press("Run")
    reader.until(lambda found: sum("server, ready" in thing.name for thing in found) == 2)


def test_the_ports_of_a_node_are_read_and_can_be_pressed(reader: Reader) -> None:
    things = reader.until(lambda found: any(thing.name.startswith("Output of Text") for thing in found))
    ports = {thing.name: thing for thing in things if thing.parent_role == "list item" and "put of" in thing.name}

    assert sorted(ports) == [
        "Input of Desk, Notes and Text",
        "Output of Desk, not connected",
        "Output of Notes, Desk",
        "Output of Text, Desk",
    ]

    reader.press("Output of Text")
    reader.until(lambda found: any(t.name.startswith("Text, server") and "selected" in t.states for t in found))


def test_two_nodes_are_connected_and_the_wire_is_announced(tmp_path: Path, fusion_home: Path) -> None:
    graph = tmp_path / "desk.fusion"
    file.save(desk(), graph)
    with reading(tmp_path, fusion_home, graph) as reader, reader.announcements() as announced:
        reader.press("Output of Loose, not connected")
        things = reader.until(lambda found: any(thing.name == "What fits" for thing in found))
        assert [thing.name for thing in things if thing.parent_role == "list" and thing.name == "Box"] == ["Box"]

        reader.key(RETURN)

        reader.until(lambda found: any(thing.name == "Loose is a member of Box" for thing in found))
        names = {thing.name for thing in reader.things()}
        assert {"Loose, server, in Box", "Box, composite, 2 members", "Output of Loose, Box"} <= names
    assert "Connect Loose to Box" in announced


def test_the_welcome_of_an_empty_canvas_is_read_and_leads_on(tmp_path: Path, fusion_home: Path) -> None:
    with reading(tmp_path, fusion_home) as reader:
        reader.press("Open the example")

        reader.until(lambda found: any(thing.name == "Desk, composite, 2 members" for thing in found))
        assert not any(thing.name == "Open the example" for thing in reader.things())


def test_every_control_that_takes_the_keyboard_has_a_name(reader: Reader) -> None:
    things = reader.until(lambda found: len(found) > 60)

    nameless = [
        f"{thing.role} in {thing.parent_role}"
        for thing in things
        if thing.role in CONTROLS
        and "focusable" in thing.states
        and not thing.name.strip()
        and thing.parent_role != "combo box"  # the list that a box opens is called as the box is
    ]
    assert nameless == []
