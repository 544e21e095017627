"""Calls as tasks, from the form of a tool to the list of tasks, in front of real servers of both eras."""

from typing import Any

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from fusion_desktop.inspector.panel import InspectorPanel
from fusion_desktop.inspector.schema_form import SchemaForm
from fusion_desktop.inspector.task_list import TaskModel, state_words
from fusion_desktop.run.server_tasks import TaskState
from tests.fusion_desktop.inspector.test_panel import ERAS, button, inspecting, words_in
from tests.fusion_desktop.run.servers import until

RESEARCH = "tests.servers.research"


def begin(panel: InspectorPanel, tool: str, **arguments: Any) -> None:
    """Fill in the form of a tool and press the button."""
    assert panel.show_tool(tool)
    assert panel.tools.form is not None
    panel.tools.form.write({"topic": "pythons", "poll_ms": 20, **arguments})
    panel.tools._send.click()


def states(panel: InspectorPanel) -> list[TaskState]:
    model = panel.tasks.list.model()
    assert isinstance(model, TaskModel)
    return [task.state for task in model.tasks]


async def test_a_tool_says_whether_it_can_be_called_as_a_task(qtbot: QtBot) -> None:
    async with inspecting(qtbot, "legacy", RESEARCH) as panel:
        box = panel.tools.as_task
        panel.show_tool("research")
        assert (box.isVisible(), box.isChecked(), box.isEnabled()) == (True, True, False)
        panel.show_tool("quick")
        assert (box.isVisible(), box.isChecked(), box.isEnabled()) == (True, False, True)
        panel.show_tool("plain")
        assert not box.isVisible()

        begin(panel, "plain")
        await until(lambda: panel.tools.result.headline.startswith("Done in"))
        begin(panel, "quick")
        await until(lambda: panel.tools.result.headline.startswith("Done in"))
        assert states(panel) == []


@pytest.mark.parametrize("era", ERAS)
async def test_a_task_is_seen_where_it_was_begun_and_among_the_tasks(qtbot: QtBot, era: str) -> None:
    """Where the server decides, there is nothing to choose."""
    async with inspecting(qtbot, era, RESEARCH) as panel:
        begin(panel, "research", steps=3, step_ms=300)
        assert panel.tools.as_task.isVisible() is (era == "legacy")
        await until(lambda: "Step 2 of 3" in panel.tools.result.headline)
        assert panel.tools.result.headline.startswith("Task working · Step 2 of 3")
        assert panel.tools._send.isEnabled()
        assert panel.tabs.tabText(panel.tabs.indexOf(panel.tasks)) == "1"

        panel.tabs.setCurrentWidget(panel.tasks)
        await until(lambda: not panel.tasks.under_way)
        for result in (panel.tools.result, panel.tasks.result):
            assert result.headline.startswith("Done in")
            assert "All about pythons" in words_in(result)
        assert states(panel) == [TaskState.COMPLETED]
        assert panel.tabs.tabText(panel.tabs.indexOf(panel.tasks)) == ""


@pytest.mark.slow
async def test_other_calls_are_made_while_a_task_goes_on(qtbot: QtBot) -> None:
    async with inspecting(qtbot, "legacy", RESEARCH) as panel:
        begin(panel, "research", step_ms=300)
        await until(lambda: panel.tasks.under_way)
        begin(panel, "plain")
        await until(lambda: panel.tools.result.headline.startswith("Done in"))
        assert "at once" in words_in(panel.tools.result)
        await until(lambda: not panel.tasks.under_way)
        assert "at once" in words_in(panel.tools.result)
        assert "All about pythons" in words_in(panel.tasks.result)


@pytest.mark.slow
async def test_a_task_goes_on_while_its_call_is_made_again(qtbot: QtBot) -> None:
    async with inspecting(qtbot, "legacy", RESEARCH) as panel:
        begin(panel, "research", step_ms=200)
        await until(lambda: panel.tasks.under_way)
        arguments = {"topic": "pythons", "poll_ms": 20, "step_ms": 10}
        panel.show_call("tools/call", {"name": "research", "arguments": arguments, "task": {}}, is_sent=True)
        await until(lambda: len(states(panel)) == 2 and not panel.tasks.under_way)
        assert states(panel) == [TaskState.COMPLETED, TaskState.COMPLETED]


@pytest.mark.slow
async def test_a_task_is_not_shown_where_another_tool_is_chosen(qtbot: QtBot) -> None:
    async with inspecting(qtbot, "legacy", RESEARCH) as panel:
        begin(panel, "research", step_ms=200)
        await until(lambda: panel.tasks.under_way)
        panel.show_tool("plain")
        assert panel.tools.result.headline == "Nothing was called yet."
        assert not panel.tools.call.can_be_cancelled
        await until(lambda: not panel.tasks.under_way)
        assert panel.tools.result.headline == "Nothing was called yet."
        assert panel.tasks.result.headline.startswith("Done in")


@pytest.mark.slow
@pytest.mark.parametrize("era", ERAS)
async def test_a_task_is_cancelled_where_it_was_begun(qtbot: QtBot, era: str) -> None:
    async with inspecting(qtbot, era, RESEARCH) as panel:
        begin(panel, "research", step_ms=60_000)
        await until(lambda: panel.tasks.under_way)
        button(panel.tools, "Cancel").click()
        await until(lambda: not panel.tasks.under_way)
        assert panel.tools.result.headline == "The task was cancelled: As you wished"
        assert states(panel) == [TaskState.CANCELLED]


@pytest.mark.slow
@pytest.mark.parametrize("era", ERAS)
async def test_what_a_task_asks_waits_among_the_questions(qtbot: QtBot, era: str) -> None:
    async with inspecting(qtbot, era, RESEARCH) as panel:
        begin(panel, "research", asks=True)
        await until(lambda: panel.questions.waiting)
        assert states(panel) == [TaskState.INPUT_REQUIRED]
        assert state_words(panel.session.tasks.all[0]) == "asks you · It is not clear what is meant"
        form = panel.questions.findChild(SchemaForm)
        assert form is not None
        form.write({"meaning": "snake"})
        button(panel.questions, "Accept").click()
        await until(lambda: not panel.tasks.under_way)
        assert "All about pythons" in words_in(panel.tasks.result)


@pytest.mark.slow
async def test_tasks_that_are_gone_say_so_and_are_forgotten_on_request(qtbot: QtBot) -> None:
    async with inspecting(qtbot, "legacy", RESEARCH) as panel:
        panel.tabs.setCurrentWidget(panel.tasks)
        begin(panel, "research", ttl_ms=100, poll_ms=150, step_ms=60_000)
        await until(lambda: states(panel) == [TaskState.EXPIRED])
        assert "that time is over" in panel.tasks.result.headline
        begin(panel, "research", step_ms=60_000)
        await until(lambda: panel.tasks.under_way)
        await panel.session.end()
        assert states(panel) == [TaskState.LOST, TaskState.EXPIRED]
        assert panel.tasks.result.headline == "The connection ended before the task did."
        panel.tasks._clear.click()
        assert states(panel) == []
        assert "No task yet" in words_in(panel.tasks)


@pytest.mark.slow
async def test_the_protocol_of_older_clients_is_spoken_on_request(qtbot: QtBot) -> None:
    async with inspecting(qtbot, "dual", RESEARCH) as panel:
        assert "MCP 2026-07-28" in words_in(panel)
        combo = panel.server.protocol
        combo.setCurrentIndex(1)
        combo.activated.emit(1)
        await until(lambda: "MCP 2025-11-25" in words_in(panel) and panel.session.listing("tools").items)
        begin(panel, "research")
        assert panel.tools.as_task.isVisible()
        await until(lambda: states(panel) == [TaskState.COMPLETED])


async def test_a_tool_that_older_clients_run_as_a_task_leads_to_that_choice(qtbot: QtBot) -> None:
    async with inspecting(qtbot, "dual", RESEARCH) as panel:
        [switch] = [one for one in panel.tools.findChildren(QPushButton) if one.text() == "Switch to it"]
        panel.show_tool("plain")
        assert not switch.isVisible()
        panel.show_tool("quick")
        assert switch.isVisible()
        assert not panel.tools.as_task.isVisible()

        switch.click()
        await until(panel.tools.as_task.isVisible)
        assert panel.tools.as_task.isChecked()
        assert "MCP 2025-11-25" in words_in(panel)
        assert not switch.isVisible()
