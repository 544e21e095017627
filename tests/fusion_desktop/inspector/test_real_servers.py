"""The inspector in front of servers that other people wrote, behind a running composite."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from composite_runtime.graph import file as graph_file
from composite_runtime.graph.model import CompositeNode, Edge, Graph, ServerNode, StdioTransport
from fusion_desktop.inspector.panel import InspectorPanel
from fusion_desktop.run.session import InspectorSession
from tests.fusion_desktop.inspector.test_panel import button, called
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


@pytest.mark.timeout(180)
@pytest.mark.skipif(shutil.which("npx") is None, reason="needs npx")
@pytest.mark.parametrize("transport", ["http", "stdio"])
async def test_every_feature_of_the_reference_server_is_used(qtbot: QtBot, tmp_path: Path, transport: Any) -> None:
    path = graph_of(tmp_path, ("npx", "-y", "@modelcontextprotocol/server-everything"))
    async with running(path, transport) as (process, events):
        session = InspectorSession()
        panel = InspectorPanel(session)
        qtbot.addWidget(panel)
        panel.show()
        session.open_url(url_of(events), process.token) if transport == "http" else session.open_pipes(process)
        await until(lambda: session.listing("tools").items and session.listing("prompts").items)
        names = [item["name"] for item in session.listing("tools").items]

        def named(part: str) -> str:
            return next(name for name in names if part in name)

        assert (await called(panel, named("echo"), {"message": "ünï ☃"})).startswith("Done in")
        assert "ünï ☃" in json.dumps(result_of(panel), ensure_ascii=False)
        assert (await called(panel, named("sum"), {"a": 2, "b": 3.5})).startswith("Done in")
        assert (await called(panel, named("tiny-image"))).startswith("Done in")
        assert (await called(panel, named("structured"), {"location": "Chicago"})).startswith("Done in")
        assert "structuredContent" in result_of(panel)
        long = {"duration": 1, "steps": 4}
        assert (await called(panel, named("long-running"), long)).startswith("Done in")

        panel.show_tool(named("sampling"))
        assert panel.tools.form is not None
        panel.tools.form.write({"prompt": "Hello?", "maxTokens": 10})
        panel.tools.send()
        await until(lambda: panel.questions.waiting)
        button(panel.questions, "Send").click()
        await until(lambda: not panel.tools.call.is_running)
        assert panel.tools.result.headline.startswith("Done in")
        await session.end()
