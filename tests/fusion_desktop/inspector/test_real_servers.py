"""The inspector in front of servers that other people wrote, behind a running composite."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QPlainTextEdit, QTextBrowser
from pytestqt.qtbot import QtBot

from composite_runtime.graph import file as graph_file
from composite_runtime.graph.model import CompositeNode, Edge, Graph, ServerNode, StdioTransport
from fusion_desktop.inspector.pages import Page
from fusion_desktop.inspector.panel import InspectorPanel
from fusion_desktop.inspector.schema_form import SchemaForm
from fusion_desktop.run.session import InspectorSession
from tests.fusion_desktop.inspector.test_completing import completing
from tests.fusion_desktop.inspector.test_panel import ERAS, button, called, inspecting, words_in
from tests.fusion_desktop.run.servers import running, until, url_of

pytestmark = pytest.mark.slow


def graph_of(tmp_path: Path, *commands: tuple[str, ...]) -> Path:
    """Save a composite of servers, each named after its place."""
    nodes = tuple(
        ServerNode(id=f"s{n}", name=f"s{n}", transport=StdioTransport(command=command[0], args=tuple(command[1:])))
        for n, command in enumerate(commands)
    )
    edges = tuple(Edge(source=node.id, target="all") for node in nodes)
    graph = Graph(id="g", name="All", nodes=(*nodes, CompositeNode(id="all", name="All")), edges=edges)
    path = tmp_path / "all.fusion"
    graph_file.save(graph, path)
    return path


def result_of(panel: InspectorPanel) -> Any:
    return json.loads(panel.tools.result._raw_text)["response"]["result"]


@pytest.mark.timeout(120)
async def test_servers_from_pypi_are_called(qtbot: QtBot, tmp_path: Path) -> None:
    path = graph_of(tmp_path, (sys.executable, "-m", "mcp_server_time"), (sys.executable, "-m", "mcp_server_git"))
    async with running(path, "http") as (process, events):
        session = InspectorSession()
        panel = InspectorPanel(session)
        qtbot.addWidget(panel)
        session.open_url(url_of(events), process.token)
        await until(lambda: {item["name"][:3] for item in session.listing("tools").items} >= {"s0_", "s1_"})

        assert (await called(panel, "s0_get_current_time", {"timezone": "Europe/Oslo"})).startswith("Done in")
        assert "Europe/Oslo" in json.dumps(result_of(panel))
        assert (await called(panel, "s1_git_status", {"repo_path": str(tmp_path)})).startswith("The tool reported")
        await session.end()


EVERYTHING = {
    "echo": {"message": "ünï ☃"},
    "get-annotated-message": {"messageType": "error", "includeImage": True},
    "get-env": {},
    "get-resource-links": {"count": 3},
    "get-resource-reference": {"resourceType": "Blob", "resourceId": 2},
    "get-structured-content": {"location": "Chicago"},
    "get-sum": {"a": 2, "b": 3.5},
    "get-tiny-image": {},
    "gzip-file-as-resource": {"name": "a.gz", "data": "data:text/plain,hello", "outputType": "resource"},
    "toggle-simulated-logging": {},
    "toggle-subscriber-updates": {},
    "trigger-long-running-operation": {"duration": 1, "steps": 4},
    "get-roots-list": {},
    "trigger-elicitation-request": {},
    "trigger-url-elicitation": {"url": "https://example.com/x", "message": "Open"},
    "trigger-sampling-request": {"prompt": "Hello?", "maxTokens": 10},
}


async def used(panel: InspectorPanel, tool: str, arguments: dict[str, Any]) -> str:
    """Call a tool from its form, answer whatever the server asks meanwhile, and return the headline."""
    assert panel.show_tool(tool), tool
    assert panel.tools.form is not None
    panel.tools.form.write(arguments)
    panel.tools.send()
    while panel.tools.call.is_running:
        await until(lambda: panel.questions.waiting or not panel.tools.call.is_running)
        if panel.questions.waiting:
            await answer(panel)
    return panel.tools.result.headline


async def answer(panel: InspectorPanel) -> None:
    """Fill in what is asked and press the button that says yes."""
    card = panel.questions._card
    assert card is not None
    await until(card.isVisible)
    if card.question.method == "sampling/createMessage":
        area = next(a for a in card.findChildren(QPlainTextEdit) if a.accessibleName() == "Answer of the model")
        area.setPlainText("Hello yourself")
        button(card, "Send").click()
        return
    form = card.findChild(SchemaForm)
    if form is not None:
        needed = {"name": "Ada", "color": "red"}
        asked = card.question.params["requestedSchema"]["properties"]
        form.write({**form.reading().value, **{key: value for key, value in needed.items() if key in asked}})
    button(card, "Accept").click()


async def read_first(page: Page, arguments: dict[str, Any] | None = None, *, row: int = 0) -> str:
    """Choose an offer, fill it in, send it and return the headline."""
    page.offers.view.setCurrentIndex(page.offers.view.model().index(row, 0))
    assert page.form is not None
    page.form.write(arguments or {})
    page.send()
    await until(lambda: not page.call.is_running)
    return page.result.headline


@pytest.mark.timeout(180)
@pytest.mark.skipif(shutil.which("npx") is None, reason="needs npx")
@pytest.mark.parametrize("transport", ["http", "stdio"])
async def test_every_feature_of_the_reference_server_is_used(qtbot: QtBot, tmp_path: Path, transport: Any) -> None:
    path = graph_of(tmp_path, ("npx", "-y", "@modelcontextprotocol/server-everything"))
    async with running(path, transport) as (process, events):
        session = InspectorSession()
        panel = InspectorPanel(session)
        qtbot.addWidget(panel)
        panel.resize(900, 800)
        panel.show()
        panel.answers.set_roots([tmp_path.as_uri()])
        session.open_url(url_of(events), process.token) if transport == "http" else session.open_pipes(process)
        await until(lambda: all(session.listing(kind).items for kind in ("tools", "prompts", "resources", "templates")))
        # Some of its tools are there only once it knows what the client can answer.
        assert (await called(panel, "s0_echo", {"message": "first"})).startswith("Done in")
        await until(lambda: len(session.listing("tools").items) == len(EVERYTHING))
        assert {item["name"].removeprefix("s0_") for item in session.listing("tools").items} == set(EVERYTHING)
        logged: list[Any] = []
        updated: list[str] = []
        session.logged.connect(logged.append)
        session.updated.connect(updated.append)
        panel.server.level.setCurrentIndex(panel.server.level.findData("debug"))
        panel.server.level.activated.emit(panel.server.level.currentIndex())
        panel.server.ping.click()
        await until(lambda: "It answered in " in words_in(panel.server))

        panel.tabs.setCurrentWidget(panel.resources)
        assert (await read_first(panel.resources)).startswith("Done in")
        assert panel.resources.result.findChildren(QTextBrowser)  # Markdown, shown as it is meant
        panel.resources._watch.click()
        await until(lambda: panel.resources._watch.text() == "Subscribed")

        results = {}
        for name, arguments in EVERYTHING.items():
            headline = await used(panel, f"s0_{name}", arguments)
            assert headline.startswith("Done in"), (name, headline, panel.tools.result._raw_text)
            results[name] = json.dumps(result_of(panel), ensure_ascii=False)
        assert "ünï ☃" in results["echo"]
        assert "5.5" in results["get-sum"]
        assert '"structuredContent"' in results["get-structured-content"]
        assert '"image"' in results["get-tiny-image"]
        assert tmp_path.as_uri() in results["get-roots-list"]
        assert "Hello yourself" in results["trigger-sampling-request"]
        assert "Ada" in results["trigger-elicitation-request"]

        panel.tabs.setCurrentWidget(panel.templates)
        assert (await read_first(panel.templates, {"resourceId": "7"})).startswith("Done in")

        panel.tabs.setCurrentWidget(panel.prompts)
        assert panel.prompts.offers.select("s0_completable-prompt")
        area, proposer = completing(panel.prompts, "department")
        area.setPlainText("E")
        proposer.ask()
        await until(lambda: proposer.proposals == ["Engineering"])
        for name, given in (
            ("simple-prompt", {}),
            ("args-prompt", {"city": "Oslo"}),
            ("completable-prompt", {"department": "Engineering", "name": "Alice"}),
            ("resource-prompt", {"resourceType": "Text", "resourceId": "1"}),
        ):
            row = next(n for n, item in enumerate(session.listing("prompts").items) if item["name"] == f"s0_{name}")
            assert (await read_first(panel.prompts, given, row=row)).startswith("Done in"), name
        assert len(session.listing("prompts").items) == 4

        # Both were switched on above and come every few seconds.
        await until(lambda: updated and logged)
        assert updated[0] == session.watched[0]
        await session.end()


OWN = {
    "echo": {"v": 2**70},
    "region": {"region": "north"},
    "boom": {"code": 4711},
    "progress": {"count": 3},
    "sleep": {"seconds": 0.2, "beats": 2},
    "change": {"what": "prompts"},
    "big": {"length": 100_000},
    "size": {"payload": "abc"},
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("era", ERAS)
async def test_every_tool_and_prompt_of_our_own_server_is_used(qtbot: QtBot, tmp_path: Path, era: str) -> None:
    async with inspecting(qtbot, era) as panel:
        session = panel._session
        await until(lambda: session.listing("prompts").items and session.listing("resources").items)
        headlines = {}
        for item in session.listing("tools").items:
            arguments: dict[str, Any] = OWN.get(item["name"], {})
            if item["name"] == "write":
                arguments = {"path": str(tmp_path / "written")}
            headlines[item["name"]] = await used(panel, item["name"], arguments)
        refused = {name: words for name, words in headlines.items() if not words.startswith("Done in")}

        assert set(refused) == {"boom", "fail"}
        panel.tabs.setCurrentWidget(panel.prompts)
        for row, item in enumerate(session.listing("prompts").items):
            panel.prompts.offers.view.setCurrentIndex(panel.prompts.offers.view.model().index(row, 0))
            assert panel.prompts.form is not None
            panel.prompts.form.write({"who": "Ada"} if item["name"] == "greet" else {})
            panel.prompts.send()
            await until(lambda: panel.questions.waiting or not panel.prompts.call.is_running)
            if panel.questions.waiting:
                await answer(panel)
            await until(lambda: not panel.prompts.call.is_running)
        page = panel.resources
        for row in range(len(session.listing("resources").items)):
            page.offers.view.setCurrentIndex(page.offers.view.model().index(row, 0))
            page.send()
            await until(lambda: panel.questions.waiting or not page.call.is_running)
            if panel.questions.waiting:
                await answer(panel)
            await until(lambda: not page.call.is_running)
            assert page.result.headline.startswith("Done in"), page.offers.current_name()
