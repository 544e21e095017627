"""Tools that need a task, in the window: found out about, shown on request, called, kept in the history, traced."""

import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from composite_runtime.graph.model import CompositeNode, Edge, Graph, ServerNode, StdioTransport
from fusion_desktop import theme
from fusion_desktop.app import Program
from fusion_desktop.inspector.compare import CompareDialog
from fusion_desktop.inspector.panel import InspectorPanel
from fusion_desktop.inspector.schema_form import SchemaForm
from fusion_desktop.run.history_store import CallStatus
from fusion_desktop.run.server_tasks import TaskState
from fusion_desktop.settings import Settings
from tests.fusion_desktop.inspector.test_panel import button, words_in
from tests.fusion_desktop.run.servers import ROOT, until
from tests.fusion_desktop.test_calling import press, targets

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

COMMAND = StdioTransport(
    command=sys.executable, args=("-m", "tests.servers.research", "--era", "legacy"), env={"PYTHONPATH": str(ROOT)}
)
GRAPH = Graph(
    id="older",
    name="Older",
    nodes=(ServerNode(id="old", name="Old", transport=COMMAND), CompositeNode(id="all", name="All")),
    edges=(Edge(source="old", target="all"),),
)


async def test_a_tool_that_needs_a_task_is_found_called_kept_and_traced(qtbot: QtBot, tmp_path: Path) -> None:
    QApplication.setQuitOnLastWindowClosed(False)
    theme.apply("light")
    settings = Settings(tmp_path / "desktop.ini")
    settings.asks_first_start = False
    program = Program(settings)
    try:
        window = program.window
        window.show()
        program.document.load(GRAPH)
        for name in ("inspector", "calls"):
            window.focus.show(name)
        window.actions_table["run.start"].trigger()
        panel = program.inspector.panel
        await until(lambda: panel.show_tool("old_quick"))
        assert not panel.show_tool("old_research")
        await research(panel, "old_research")

        view = program.calling.history_view
        await until(lambda: targets(view) == ["old_research"] and view.newest is not None)
        await until(lambda: view.newest is not None and view.newest.status is CallStatus.DONE)
        await until(lambda: "All about pythons" in words_in(view.result))
        window.focus.show("calls")
        press(view, "Trace")
        row = window.traffic_panel.detail.row
        assert row is not None
        assert (row.method, row.name) == ("tools/call", "old_research")

        # Made again, it is a task again, although the newest protocol is spoken by then.
        panel.session.speak(is_legacy=False)
        await until(lambda: panel.session.server is not None and panel.session.server.is_modern)
        made = len(panel.session.tasks.all)
        press(view, "Call again")
        await until(lambda: len(panel.session.tasks.all) > made and panel.questions.waiting)
        answer(panel)
        await until(lambda: not panel.session.tasks.open)
        assert "All about pythons" in words_in(panel.tools.result)

        dialog = await compared(program, panel)
        assert dialog.verdict == "The results are the same."
        dialog.close()

        assert program.inspector.inspect("old")
        program.directs.of("old").session.speak(is_legacy=False)  # type: ignore[union-attr]  # it is open
        alone = program.inspector.panel_of("old")
        assert alone is not None
        await until(lambda: alone.show_tool("quick"))
        await research(alone, "research")
    finally:
        program.document.undo_stack.setClean()
        program.window.close()
        await program.end()
        program.window.deleteLater()
        program.deleteLater()


async def research(panel: InspectorPanel, tool: str) -> None:
    """Follow the hint to the tool, call it, answer what it asks, and see its result."""
    await until(lambda: any(b.text() == "Show it" and b.isVisible() for b in panel.findChildren(QPushButton)))
    assert "1 more tool runs only as a task of 2025-11-25." in words_in(panel)
    button(panel, "Show it").click()
    await until(lambda: panel.show_tool(tool))
    assert "as clients of 2025-11-25 see it" in words_in(panel)
    assert panel.tools.form is not None
    panel.tools.form.write({"topic": "pythons", "asks": True, "poll_ms": 20})
    panel.tools.send()
    await until(lambda: panel.questions.waiting)
    answer(panel)
    await until(lambda: panel.session.tasks.all and panel.session.tasks.all[-1].state is TaskState.COMPLETED)
    assert "All about pythons" in words_in(panel.tools.result)


async def compared(program: Program, panel: InspectorPanel) -> CompareDialog:
    """Make the call of the form directly and through the composite."""
    panel.tabs.setCurrentWidget(panel.tools)
    assert panel.tools.form is not None
    panel.tools.form.write({"topic": "pythons", "poll_ms": 20})
    menu = next(b for b in panel.tools.findChildren(QToolButton) if b.text() == "Compare…").menu()
    menu.aboutToShow.emit()
    next(action for action in menu.actions() if action.text().startswith("with Old")).trigger()
    dialog = program.inspector.findChildren(CompareDialog)[-1]
    await until(lambda: not dialog.is_running)
    return dialog


def answer(panel: InspectorPanel) -> None:
    """Accept what is asked, with an answer."""
    form = panel.questions.findChild(SchemaForm)
    assert form is not None
    form.write({"meaning": "snake"})
    button(panel.questions, "Accept").click()
