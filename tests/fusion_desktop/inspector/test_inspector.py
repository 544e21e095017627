"""Any node of a graph is inspected by itself, and the same call is made directly and through the composite."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QMenu, QToolButton
from pytestqt.qtbot import QtBot

from composite_runtime.graph import file as graph_file
from composite_runtime.graph.model import CompositeNode, Edge, Graph, ServerNode, StdioTransport
from fusion_desktop.inspector.answers import Answers
from fusion_desktop.inspector.compare import CompareDialog
from fusion_desktop.inspector.inspector import Inspector
from fusion_desktop.run.direct import Directs
from fusion_desktop.run.frames import Question
from fusion_desktop.run.session import InspectorSession, SessionState
from fusion_desktop.tasks import spawn
from tests.fusion_desktop.inspector.test_panel import called, words_in
from tests.fusion_desktop.run.servers import ROOT, running, serving, until, url_of


def features(era: str) -> StdioTransport:
    return StdioTransport(command=sys.executable, args=("-m", "tests.servers.features", "--era", era), cwd=str(ROOT))


NESTED = Graph(
    id="inspected",
    name="Inspected",
    nodes=(
        ServerNode(id="old", name="Old", transport=features("legacy")),
        ServerNode(id="new", name="New", transport=features("modern"), enabled=False),
        CompositeNode(id="inner", name="Inner"),
        CompositeNode(id="outer", name="Outer"),
    ),
    edges=(
        Edge(source="old", target="inner"),
        Edge(source="new", target="inner"),
        Edge(source="inner", target="outer"),
    ),
)


@asynccontextmanager
async def inspecting(qtbot: QtBot, graph: Graph = NESTED, path: Path | None = None) -> AsyncIterator[Inspector]:
    """Give an inspector of the graph, whose outer composite runs if it was saved."""
    session, directs = InspectorSession(), Directs()
    inspector = Inspector(session, directs)
    qtbot.addWidget(inspector)
    inspector.resize(900, 700)
    inspector.show()
    directs.set_graph(graph)
    try:
        if path is None:
            yield inspector
        else:
            graph_file.save(graph, path)
            async with running(path, "http", "outer") as (process, events):
                for event in events:
                    inspector.take(event)
                session.open_url(url_of(events), process.token)
                await until(lambda: session.listing("tools").items)
                yield inspector
                await session.end()
    finally:
        await directs.end()


async def listed(inspector: Inspector, node_id: str) -> list[str]:
    assert inspector.inspect(node_id)
    await until(lambda: inspector.current._session.listing("tools").items or "does not run" in words_in(inspector))
    return [item["name"] for item in inspector.current._session.listing("tools").items]


def offered(inspector: Inspector) -> list[str]:
    """Open the menu of comparisons and return what it offers."""
    menu = comparisons(inspector)
    menu.aboutToShow.emit()
    return [action.text() for action in menu.actions()]


def comparisons(inspector: Inspector) -> QMenu:
    page = inspector.current.tabs.currentWidget()
    assert page is not None
    button = next(b for b in page.findChildren(QToolButton) if b.text() == "Compare…")
    return button.menu()


async def compared(inspector: Inspector, words: str) -> CompareDialog:
    next(action for action in comparisons(inspector).actions() if action.text() == words).trigger()
    dialog = inspector.findChildren(CompareDialog)[-1]
    await until(lambda: not dialog.is_running)
    return dialog


async def test_a_server_is_inspected_alone_under_its_own_names_and_although_it_is_disabled(qtbot: QtBot) -> None:
    async with inspecting(qtbot) as inspector:
        assert "echo" in await listed(inspector, "new")
        assert (await called(inspector.current, "echo", {"v": 2**70})).startswith("Done in")
        assert f"{2**70}" in inspector.current.tools.result._raw_text

        assert "old_echo" in await listed(inspector, "inner")
        inspector.show_running()
        assert "Nothing is running" in words_in(inspector.current)


async def test_a_server_that_does_not_start_says_why(qtbot: QtBot) -> None:
    broken = ServerNode(id="b", name="Broken", transport=StdioTransport(command="no-such-command-anywhere"))
    async with inspecting(qtbot, Graph(id="broken", name="G", nodes=(broken,))) as inspector:
        assert inspector.inspect("b")
        await until(lambda: "no-such-command-anywhere" in words_in(inspector.current))

        assert "Broken does not run" in words_in(inspector.current)


async def test_a_command_nobody_has_agreed_to_is_not_started(qtbot: QtBot) -> None:
    def held_back(graph: Graph) -> Graph:
        return graph.but(nodes=tuple(n.but(enabled=False) for n in graph.nodes))

    asked: list[Callable[[], object]] = []
    directs = Directs(guard=asked.append, held_back=held_back)
    inspector = Inspector(InspectorSession(), directs)
    qtbot.addWidget(inspector)
    directs.set_graph(NESTED)
    inspector.inspect("new")
    direct = directs.of("new")
    assert direct is not None
    assert not direct.process.is_running

    asked[0]()
    assert not direct.process.is_running
    assert "Nobody has agreed to start its command" in words_in(inspector.current)
    await directs.end()


async def test_what_is_edited_reaches_the_node_and_a_deleted_node_is_left(qtbot: QtBot) -> None:
    async with inspecting(qtbot) as inspector:
        await listed(inspector, "old")
        directs = inspector._directs
        process = directs.of("old").process  # type: ignore[union-attr]
        other = NESTED.node("old").but(transport=features("modern"))  # type: ignore[union-attr]
        nodes = tuple(other if node.id == "old" else node for node in NESTED.nodes)
        directs.set_graph(NESTED.but(nodes=nodes))
        session = inspector.current._session
        await until(lambda: any(r["uri"] == "modern://note" for r in session.listing("resources").items))

        directs.set_graph(NESTED.but(nodes=NESTED.nodes[1:], edges=NESTED.edges[1:]))
        assert inspector.current is inspector.panel
        assert "Old alone" not in [inspector._chooser.itemText(n) for n in range(inspector._chooser.count())]
        await until(lambda: not process.is_running)


async def test_one_call_is_made_directly_and_through_two_composites(qtbot: QtBot, tmp_path: Path) -> None:
    async with inspecting(qtbot, path=tmp_path / "g.fusion") as inspector:
        await until(lambda: inspector.panel.show_tool("inner_old_echo"))
        assert inspector.panel.tools.form is not None
        inspector.panel.tools.form.write({"v": "ünï"})

        assert offered(inspector) == ["with Old · echo", "with Inner · old_echo"]
        dialog = await compared(inspector, "with Old · echo")
        assert dialog.verdict == "The results are the same."
        assert "ünï" in dialog._texts.left.toPlainText()
        assert "Outer · inner_old_echo" in [label.text() for label in dialog.findChildren(QLabel)]
        dialog.close()

        # What a child says about itself differs: it was started twice.
        inspector.panel.show_tool("inner_old_seen")
        offered(inspector)
        dialog = await compared(inspector, "with Old · seen")
        assert "differ in" in dialog.verdict
        # The tool reports JSON as text, which is compared line by line all the same.
        assert dialog._texts.differing == 1
        assert '"pid": ' in dialog._texts.left.toPlainText()
        dialog.close()


async def test_a_comparison_starts_at_the_node_as_well(qtbot: QtBot, tmp_path: Path) -> None:
    async with inspecting(qtbot, path=tmp_path / "g.fusion") as inspector:
        await listed(inspector, "old")
        await until(lambda: inspector.panel.show_tool("inner_old_fail"))
        inspector.current.show_tool("fail")

        assert offered(inspector) == ["with inner_old_fail, as it runs"]
        dialog = await compared(inspector, "with inner_old_fail, as it runs")
        assert dialog.verdict == "The results are the same."
        assert "reported an error after" in "\n".join(label.text() for label in dialog.findChildren(QLabel))
        dialog.close()


async def test_a_resource_is_read_directly_and_through_two_composites(qtbot: QtBot, tmp_path: Path) -> None:
    async with inspecting(qtbot, path=tmp_path / "g.fusion") as inspector:
        panel = inspector.panel
        await until(lambda: any(r["uri"] == "legacy://note" for r in panel.session.listing("resources").items))
        panel.tabs.setCurrentWidget(panel.resources)
        assert panel.resources.offers.select("legacy://note")
        assert {"with Old", "with Inner"} <= set(offered(inspector))
        dialog = await compared(inspector, "with Old")
        assert dialog.verdict == "The results are the same."
        assert dialog.windowTitle().startswith("legacy://note")
        dialog.close()

        await listed(inspector, "old")
        page = inspector.current.resources
        inspector.current.tabs.setCurrentWidget(page)
        await until(lambda: page.offers.select("legacy://note"))
        assert offered(inspector) == ["with legacy://note, as it runs"]


async def test_before_a_run_there_is_nothing_to_compare_with(qtbot: QtBot) -> None:
    async with inspecting(qtbot) as inspector:
        await listed(inspector, "old")
        inspector.current.show_tool("echo")

        assert offered(inspector) == ["Press Run first"]


async def test_a_node_is_no_longer_run_once_it_is_left(qtbot: QtBot) -> None:
    async with inspecting(qtbot) as inspector:
        await listed(inspector, "old")
        direct = inspector._directs.of("old")
        assert direct is not None
        process, session = direct.process, direct.session
        inspector._stop.click()

        assert inspector.current is inspector.panel
        await until(lambda: not process.is_running and session.state is SessionState.CLOSED)


@pytest.mark.parametrize("node_id", ["gone", ""])
async def test_a_node_that_is_not_there_is_not_inspected(qtbot: QtBot, node_id: str) -> None:
    async with inspecting(qtbot) as inspector:
        assert not inspector.inspect(node_id)
        assert inspector.current is inspector.panel


async def test_only_a_question_that_waits_for_the_user_leads_away_from_a_node(qtbot: QtBot) -> None:
    async with inspecting(qtbot) as inspector:
        with serving("tests.servers.features", "--era", "modern") as url:
            inspector.panel.session.open_url(url)
            await until(lambda: inspector.panel.session.listing("tools").items)
            assert inspector.inspect("old")
            here = inspector.current
            asked = Question("sampling/createMessage", {})
            inspector.answers.add(asked, {"role": "assistant"}, is_kept=False)

            await inspector.panel.session.call("sample", {})
            assert inspector.current is here

            inspector.answers.remove(inspector.answers.saved[0])
            call = spawn(inspector.panel.session.call("sample", {}))
            await until(lambda: inspector.current is inspector.panel)
            call.cancel()
            await inspector.panel.session.end()


async def test_an_answer_to_a_form_is_none_to_a_page_that_shall_be_opened() -> None:
    answers = Answers()
    form = Question("elicitation/create", {"message": "Go on?"})
    answers.add(form, {"action": "accept", "content": {}}, is_kept=False)

    assert answers.find(form) is not None
    assert answers.find(Question("elicitation/create", {"mode": "url", "url": "https://example.com"})) is None
