"""Commands nobody typed here are shown whole before they are started for the first time, and never again."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from composite_runtime.graph import edit, file
from composite_runtime.graph.model import CompositeNode, Graph, ServerNode, StdioTransport
from composite_runtime.interop.catalogue import least_version
from composite_runtime.interop.first_start import Confirmed
from composite_runtime.interop.needs import Need, need_of
from fusion_desktop.app import Program
from fusion_desktop.dialogs.first_start import FirstStartDialog
from fusion_desktop.document.document import Document
from fusion_desktop.first_starts import FirstStarts
from fusion_desktop.settings import Settings


def server(node_id: str, *args: str, command: str = "npx", **env: str) -> ServerNode:
    transport = StdioTransport(command=command, args=args, env=env)
    return ServerNode(id=node_id, name=node_id.title(), transport=transport)


def graph(*nodes: ServerNode) -> Graph:
    return edit.new_graph("Desk").but(nodes=(CompositeNode(id="desk", name="Desk"), *nodes))


@pytest.fixture
def asking(settings: Settings) -> Settings:
    settings.asks_first_start = True
    return settings


@pytest.fixture
def starts(document: Document, asking: Settings) -> FirstStarts:
    return FirstStarts(document, asking)


def test_opened_commands_wait_until_somebody_agrees(document: Document, starts: FirstStarts) -> None:
    document.load(graph(server("time", "time-server")))
    went: list[bool] = []
    asked: list[list[ServerNode]] = []
    starts.asked.connect(asked.append)

    starts.guard(lambda: went.append(True))
    assert [node.id for node in asked[0]] == ["time"]
    assert not went
    assert not next(n for n in starts.held_back(document.graph).nodes if n.id == "time").enabled  # type: ignore[union-attr]

    starts.decide(asked[0], [])
    assert went == [True]
    assert starts.held_back(document.graph) is document.graph
    assert Confirmed().waiting(document.graph) == []


def test_a_changed_command_is_asked_about_again(document: Document, starts: FirstStarts) -> None:
    document.load(graph(server("time", "time-server")))
    starts.decide(starts.waiting(), [])
    for changed in (
        server("time", "other"),
        server("time", "time-server", NODE_ENV="x"),
        server("time", command="uvx"),
    ):
        document.load(graph(changed))
        assert starts.waiting()
    document.load(graph(server("time", "time-server")))
    assert not starts.waiting()


def test_what_is_typed_into_a_node_is_agreed_to(document: Document, starts: FirstStarts) -> None:
    own = server("own", command="")
    document.edit("Add", graph(own))
    for typed in (server("own", command="npx"), server("own", "my-server", command="npx")):
        document.edit("Change", graph(typed))
    assert not starts.waiting()


def test_an_edit_does_not_launder_a_command_that_waits(document: Document, starts: FirstStarts) -> None:
    document.load(graph(server("odd", "--do-harm")))
    document.edit("Change", graph(server("odd", "--do-harm", "--too")))
    assert [node.id for node in starts.waiting()] == ["odd"]


def test_undo_does_not_agree_to_what_was_there_before(document: Document, starts: FirstStarts) -> None:
    document.load(graph(server("odd", "--do-harm")))
    document.edit("Change", graph(server("odd", "--do-good")))
    starts.decide(starts.waiting(), [])
    assert not starts.waiting()

    document.undo_stack.undo()
    assert [node.id for node in starts.waiting()] == ["odd"]


def test_a_restored_version_is_asked_about(document: Document, starts: FirstStarts) -> None:
    document.load(graph(server("odd", "--do-good")))
    starts.decide(starts.waiting(), [])
    document.edit("Rename", document.graph.but(name="Other"))
    starts.untyped(lambda: document.edit("Restore", graph(server("odd", "--do-harm"))))
    assert [node.id for node in starts.waiting()] == ["odd"]


def test_another_graph_cannot_pass_by_the_name_of_a_node(document: Document, starts: FirstStarts) -> None:
    document.edit("Add", graph(server("own", command="")))
    document.load(graph(server("own", "--do-harm")))
    assert starts.waiting()


def test_what_can_hold_nothing_back_goes_on_only_with_all_of_it(document: Document, starts: FirstStarts) -> None:
    one, other = server("one"), server("other", "x").but(enabled=False)
    document.load(graph(one, other))
    went: list[str] = []
    asked: list[list[ServerNode]] = []
    starts.asked.connect(asked.append)

    starts.guard(lambda: went.append("both"), [one, other])
    assert [node.id for node in asked[0]] == ["one", "other"]
    starts.decide(asked[0][:1], asked[0][1:])
    assert not went

    starts.guard(lambda: went.append("one"), [one])
    assert went == ["one"]


def test_disabled_nodes_remote_servers_and_our_own_examples_are_not_asked_about(document: Document) -> None:
    ours = server("notes", "example", "notes", command="composite-runtime")
    nested = server("nested", "serve", "other.fusion", command="composite-runtime")
    waiting = Confirmed().waiting(graph(ours, server("off", "x").but(enabled=False), nested))
    assert [node.id for node in waiting] == ["nested"]


def test_our_own_program_waits_where_it_could_load_foreign_code(document: Document) -> None:
    ours = server("notes", "example", "notes", command="composite-runtime")
    for change in ({"env": {"PYTHONPATH": "/odd"}}, {"cwd": "/odd"}):
        changed = ours.but(transport=ours.transport.but(**change))
        assert Confirmed().waiting(graph(changed)) == [changed]


async def test_another_value_of_what_loads_code_is_asked_about_and_shown(
    document: Document, starts: FirstStarts, qtbot: QtBot, look: None
) -> None:
    document.load(graph(server("time", NODE_OPTIONS="--no-warnings", API_KEY="planted-value")))
    starts.decide(starts.waiting(), [])
    document.load(graph(server("time", NODE_OPTIONS="--no-warnings", API_KEY="another")))
    assert not starts.waiting()
    document.load(graph(server("time", NODE_OPTIONS="--require /odd.js", API_KEY="another")))
    dialog = FirstStartDialog(starts.waiting(), look=lambda words: Need(words[0], "Node.js"))
    qtbot.addWidget(dialog)
    await until(lambda: any("Uses Node.js" in label.text() for label in dialog.findChildren(QLabel)))
    texts = " ".join(label.text() for label in dialog.findChildren(QLabel))
    assert "NODE_OPTIONS=--require /odd.js" in texts
    assert "another" not in texts


def test_typing_a_command_before_arguments_of_somebody_else_agrees_to_nothing(
    document: Document, starts: FirstStarts
) -> None:
    document.load(graph(server("odd", "--do-harm", command="")))
    document.edit("Change", graph(server("odd", "--do-harm", command="npx")))
    assert [node.id for node in starts.waiting()] == ["odd"]


def test_a_damaged_memory_asks_again(document: Document, tmp_path: Path) -> None:
    (tmp_path / "kept.json").write_text("{", encoding="utf-8")
    assert Confirmed(tmp_path / "kept.json").waiting(graph(server("time")))


def test_what_is_remembered_holds_no_argument(tmp_path: Path) -> None:
    command = StdioTransport(command="x", args=("--token", "planted-value"))
    Confirmed(tmp_path / "kept.json").add([command])
    assert "planted-value" not in (tmp_path / "kept.json").read_text(encoding="utf-8")
    assert command in Confirmed(tmp_path / "kept.json")


async def test_the_dialog_shows_the_whole_command_and_what_it_needs(qtbot: QtBot, look: None) -> None:
    def missing(words: Sequence[str]) -> Need:
        return Need(words[0], "Node.js", problem="Node.js is not installed")

    dialog = FirstStartDialog([server("time", "-y", "a b", KEY="${secret:k}"), server("git", "git")], look=missing)
    qtbot.addWidget(dialog)
    texts = [label.text() for label in dialog.findChildren(QLabel)]
    assert "npx -y 'a b'" in texts
    await until(lambda: any("Node.js is not installed" in label.text() for label in dialog.findChildren(QLabel)))

    answers: list[tuple[list[ServerNode], list[ServerNode]]] = []
    dialog.agreed.connect(lambda *answer: answers.append(answer))
    dialog._rows[1].box.setChecked(False)
    assert dialog.start.text() == "Start 1"
    dialog.start.click()
    assert [[node.id for node in nodes] for nodes in answers[0]] == [["time"], ["git"]]


def test_a_command_is_known_by_what_brings_it(tmp_path: Path) -> None:
    for name, said in (("node", "v16.1.0"), ("npx", "9")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {said}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    assert need_of("npx", str(tmp_path)) == Need(
        "npx", "Node.js", "16.1.0", "Node.js 16.1.0 is too old: it takes 18 or later"
    )
    assert (need_of("uvx", str(tmp_path)) or Need("", "")).problem == "uv is not installed, or not on the PATH"
    (tmp_path / "node").write_text("#!/bin/sh\necho v20.0.0\n", encoding="utf-8")
    least = least_version(["npx", "-y", "firecrawl-mcp@3.24.0"])
    assert least == (22,)
    assert "takes 22 or later" in (need_of("npx", str(tmp_path), least) or Need("", "")).problem
    assert least_version(["npx", "something-else"]) == ()
    assert need_of("my-own-server", str(tmp_path)) is None


async def test_a_run_waits_for_the_answer_and_leaves_out_what_was_refused(
    qtbot: QtBot, program: Program, asking: Settings, tmp_path: Path, graph_file: Callable[[Graph], Path]
) -> None:
    from composite_runtime.graph.model import Box

    bad = server("bad", "-c", f"open({str(tmp_path / 'ran')!r}, 'w')", command=sys.executable)
    good = server("notes", "example", "notes", command="composite-runtime")
    drawn = graph(good, bad)
    drawn = edit.connect(edit.connect(drawn, "notes", "desk"), "bad", "desk")
    drawn = drawn.but(layout={node.id: Box(x=0, y=0) for node in drawn.nodes})
    program.window.filing.open(graph_file(drawn))

    program.window.actions_table["run.start"].trigger()
    dialog = program.window.findChild(FirstStartDialog)
    assert dialog is not None
    assert not program.running.is_running
    dialog.without.click()

    await until(lambda: program.status.of("notes").state == "ready")
    assert not (tmp_path / "ran").exists()
    copy = next((tmp_path / "fusion-home" / "run").rglob("graph-*.fusion"))
    held = {node.id: node for node in file.load(copy).nodes}
    assert not held["bad"].enabled  # type: ignore[union-attr]
    assert program.document.node("bad").enabled  # type: ignore[union-attr]
    await program.running.end()


async def until(ready: Callable[[], object]) -> None:
    import asyncio

    async with asyncio.timeout(20):
        while not ready():
            await asyncio.sleep(0.02)
