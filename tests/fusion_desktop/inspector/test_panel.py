"""The inspector's panel in front of real servers of both eras, used as a user would."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QListView, QPlainTextEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from fusion_desktop.inspector.contents import Contents
from fusion_desktop.inspector.panel import InspectorPanel
from fusion_desktop.run.session import InspectorSession, SessionState
from tests.fusion_desktop.inspector.test_schema_form import settle
from tests.fusion_desktop.run.servers import EXAMPLE, running, serving, until

ERAS = ("legacy", "modern")


@asynccontextmanager
async def inspecting(
    qtbot: QtBot, era: str = "modern", module: str = "tests.servers.features"
) -> AsyncIterator[InspectorPanel]:
    """Give a panel that is shown and connected."""
    session = InspectorSession()
    panel = InspectorPanel(session)
    qtbot.addWidget(panel)
    panel.resize(900, 700)
    panel.show()
    with serving(module, "--era", era) as url:
        session.open_url(url)
        await until(lambda: session.listing("tools").items or session.state is SessionState.LOST)
        try:
            yield panel
        finally:
            await session.end()


async def called(panel: InspectorPanel, tool: str, arguments: dict[str, Any] | None = None) -> str:
    """Call a tool by its form and return the headline of the result."""
    assert panel.show_tool(tool)
    form = panel.tools.form
    assert form is not None
    form.write(arguments or {})
    panel.tools.send()
    await until(lambda: not panel.tools.call.is_running)
    return panel.tools.result.headline


def button(widget: QWidget, words: str) -> QPushButton:
    settle()
    return next(found for found in widget.findChildren(QPushButton) if found.text() == words and found.isVisible())


def words_in(widget: QWidget) -> str:
    settle()
    labels = [label.text() for label in widget.findChildren(QLabel)]
    return "\n".join([*labels, *(area.toPlainText() for area in widget.findChildren(QPlainTextEdit))])


def test_before_a_run_the_panel_says_what_to_do(qtbot: QtBot) -> None:
    panel = InspectorPanel(InspectorSession())
    qtbot.addWidget(panel)

    assert "Nothing is running" in words_in(panel)
    assert "Press Run to see what is offered." in words_in(panel)


@pytest.mark.parametrize("era", ERAS)
async def test_a_tool_is_chosen_filled_in_and_called_by_keyboard(qtbot: QtBot, era: str) -> None:
    async with inspecting(qtbot, era) as panel:
        panel.tools.offers.search.setFocus()
        qtbot.keyClicks(panel.tools.offers.search, "region")
        view = panel.tools.offers.view
        view.setFocus()
        qtbot.keyClick(view, Qt.Key.Key_Down)
        form = panel.tools.form
        assert form is not None
        area = next(field for field in form.findChildren(QPlainTextEdit) if field.accessibleName() == "region")
        qtbot.keyClicks(area, "north")
        qtbot.keyClick(area, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
        await until(lambda: panel.tools.call.is_running or "Done" in panel.tools.result.headline)
        await until(lambda: not panel.tools.call.is_running)

        assert panel.tools.result.headline.startswith("Done in ")
        assert '"north"' in words_in(panel.tools.result)


@pytest.mark.parametrize("era", ERAS)
async def test_every_kind_of_content_is_shown(qtbot: QtBot, era: str) -> None:
    async with inspecting(qtbot, era) as panel:
        headline = await called(panel, "rich")
        shown = words_in(panel.tools.result.findChild(Contents))

        assert headline.startswith("Done in ")
        for part in ("ünï ☃", "image/png · 70 bytes · it cannot be shown", "audio/wav", "://note", "inside"):
            assert part in shown
        raw = json.loads(panel.tools.result._raw_text)
        assert raw["response"]["result"]["structuredContent"]["big"] == 12345678901234567890


async def test_a_linked_resource_is_read_where_it_is_shown(qtbot: QtBot) -> None:
    async with inspecting(qtbot) as panel:
        await called(panel, "rich")
        button(panel.tools.result, "Read").click()
        await until(lambda: not panel.tools.call.is_running)

        assert panel.tools.result.headline.startswith("Done in ")


@pytest.mark.parametrize(
    ("tool", "words"), [("fail", "The tool reported an error"), ("boom", "The server refused"), ("log", "Done in")]
)
async def test_failures_are_told_apart(qtbot: QtBot, tool: str, words: str) -> None:
    async with inspecting(qtbot) as panel:
        assert (await called(panel, tool)).startswith(words)


async def test_an_answer_without_content_is_named(qtbot: QtBot) -> None:
    async with inspecting(qtbot, module="tests.fusion_desktop.inspector.quiet_server") as panel:
        assert (await called(panel, "nothing")).endswith("The answer has no content.")


async def test_structured_content_is_held_to_the_output_schema(qtbot: QtBot) -> None:
    async with inspecting(qtbot, module="tests.fusion_desktop.inspector.quiet_server") as panel:
        await called(panel, "wrong")
        assert "/count: Must be a whole number." in words_in(panel.tools.result)

        await called(panel, "unstructured")
        assert "sent no structured content" in words_in(panel.tools.result)


@pytest.mark.parametrize("era", ERAS)
async def test_a_running_call_is_cancelled(qtbot: QtBot, era: str) -> None:
    async with inspecting(qtbot, era) as panel:
        panel.show_tool("sleep")
        panel.tools.send()
        await until(lambda: "begun" in words_in(panel.tools.result))
        button(panel, "Cancel").click()

        assert panel.tools.result.headline.startswith("Cancelled after")
        assert not panel.tools.call.is_running
        assert (await called(panel, "echo")).startswith("Done in")


async def test_arguments_that_do_not_fit_cannot_be_sent(qtbot: QtBot) -> None:
    async with inspecting(qtbot) as panel:
        panel.show_tool("region")
        form = panel.tools.form
        assert form is not None
        form.write({"region": 7})

        assert not button(panel.tools, "Call").isEnabled()
        panel.tools.send()
        assert not panel.tools.call.is_running


@pytest.mark.parametrize("era", ERAS)
async def test_metadata_of_any_shape_goes_along_with_a_request(qtbot: QtBot, era: str) -> None:
    async with inspecting(qtbot, era) as panel:
        panel.show_tool("seen")
        panel.tools._meta_on.click()
        panel.tools._meta.setPlainText('{"com.example/deep": {"a": [1, null, {"b": true}]}}')
        panel.tools.send()
        await until(lambda: not panel.tools.call.is_running)
        result = json.loads(panel.tools.result._raw_text)["response"]["result"]
        assert json.loads(result["content"][0]["text"])["meta"]["com.example/deep"] == {"a": [1, None, {"b": True}]}

        panel.tools._meta.setPlainText("[1]")
        panel.tools.send()
        assert panel.tools.result.headline == "_meta: Enter an object: { … }."
        assert not panel.tools.call.is_running


async def test_what_was_entered_is_there_again_when_a_tool_is_chosen_again(qtbot: QtBot) -> None:
    async with inspecting(qtbot) as panel:
        panel.show_tool("region")
        assert panel.tools.form is not None
        panel.tools.form.write({"region": "kept"})
        panel.show_tool("echo")
        panel.show_tool("region")

        assert panel.tools.form.reading().value == {"region": "kept"}


async def test_what_is_half_typed_is_there_again_too(qtbot: QtBot) -> None:
    async with inspecting(qtbot) as panel:
        panel.show_tool("echo")
        form = panel.tools.form
        assert form is not None
        form.show_json()
        area = next(field for field in form.findChildren(QPlainTextEdit) if field.isVisible())
        area.setPlainText('{"half": [1, ')
        for tool in ("region", "echo"):
            panel.show_tool(tool)

        assert "half" in words_in(panel.tools)
        assert not button(panel.tools, "Call").isEnabled()


async def test_a_result_that_comes_under_another_tool_says_whose_it_is(qtbot: QtBot) -> None:
    async with inspecting(qtbot) as panel:
        panel.show_tool("sleep")
        assert panel.tools.form is not None
        panel.tools.form.write({"seconds": 0.3})
        panel.tools.send()
        panel.show_tool("echo")
        assert panel.tools.result.headline.startswith("Calling sleep")
        await until(lambda: not panel.tools.call.is_running)

        assert panel.tools.result.headline.startswith("sleep: Done in")
        assert (await called(panel, "echo")).startswith("Done in")


async def test_a_call_is_made_again_with_its_metadata_and_no_other(qtbot: QtBot) -> None:
    async with inspecting(qtbot) as panel:

        async def seen(params: dict[str, Any]) -> Any:
            assert panel.show_call("tools/call", {"name": "seen", "arguments": {}, **params}, is_sent=True)
            await until(lambda: not panel.tools.call.is_running)
            result = json.loads(panel.tools.result._raw_text)["response"]["result"]
            return json.loads(result["content"][0]["text"])["meta"].get("com.example/key")

        assert await seen({"_meta": {"com.example/key": 2**70}}) == 2**70
        assert await seen({}) is None


async def test_resources_are_read_and_prompts_filled_in(qtbot: QtBot) -> None:
    async with inspecting(qtbot) as panel:
        await until(lambda: panel._session.listing("prompts").items and panel._session.listing("resources").items)
        panel.tabs.setCurrentWidget(panel.resources)
        panel.resources.offers.select("modern://note")
        panel.resources.send()
        await until(lambda: not panel.resources.call.is_running)
        assert panel.resources.result.headline.startswith("Done in")

        panel.tabs.setCurrentWidget(panel.prompts)
        panel.prompts.offers.select("greet")
        assert panel.prompts.form is not None
        assert panel.prompts.form.reading().faults
        panel.prompts.form.write({"who": "Ada"})
        panel.prompts.send()
        await until(lambda: not panel.prompts.call.is_running)
        assert "Ada" in panel.prompts.result._raw_text


@pytest.mark.parametrize("era", ERAS)
async def test_a_template_is_filled_in_and_read(qtbot: QtBot, era: str) -> None:
    async with inspecting(qtbot, era) as panel:
        await until(lambda: panel._session.listing("templates").items)
        panel.tabs.setCurrentWidget(panel.templates)
        panel.templates.offers.select(f"{era}://item/{{id}}")
        assert panel.templates.form is not None
        panel.templates.form.write({"id": "a b"})
        panel.templates.send()
        await until(lambda: not panel.templates.call.is_running)

        assert json.loads(panel.templates.result._raw_text)["request"]["params"] == {"uri": f"{era}://item/a%20b"}
        assert panel.templates.result.headline.startswith("Done in")


@pytest.mark.parametrize("era", ERAS)
async def test_sampling_is_answered_in_place(qtbot: QtBot, era: str) -> None:
    async with inspecting(qtbot, era) as panel:
        panel.show_tool("sample")
        panel.tools.send()
        await until(lambda: panel.questions.waiting)
        assert "What is it?" in words_in(panel.questions)
        reply = next(
            a for a in panel.questions.findChildren(QPlainTextEdit) if a.accessibleName() == "Answer of the model"
        )
        qtbot.keyClicks(reply, "a cat")
        button(panel.questions, "Send").click()
        await until(lambda: not panel.tools.call.is_running)

        assert "a cat" in panel.tools.result._raw_text
        assert not panel.questions.isVisible()


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(("answer", "action"), [("Accept", "accept"), ("Decline", "decline"), ("Cancel", "cancel")])
async def test_an_elicitation_is_answered_with_a_form(qtbot: QtBot, era: str, answer: str, action: str) -> None:
    async with inspecting(qtbot, era) as panel:
        panel.show_tool("form")
        panel.tools.send()
        await until(lambda: panel.questions.waiting)
        assert "Which color?" in words_in(panel.questions)
        assert not button(panel.questions, "Accept").isEnabled()
        color = next(a for a in panel.questions.findChildren(QPlainTextEdit) if a.accessibleName() == "color")
        qtbot.keyClicks(color, "red")
        button(panel.questions, answer).click()
        await until(lambda: not panel.tools.call.is_running)

        raw = json.loads(panel.tools.result._raw_text)
        told = json.loads(raw["response"]["result"]["content"][0]["text"])
        assert told == ({"action": action, "content": {"color": "red"}} if action == "accept" else {"action": action})


@pytest.mark.parametrize("era", ERAS)
async def test_a_page_to_open_is_shown_with_its_whole_address_first(qtbot: QtBot, era: str) -> None:
    async with inspecting(qtbot, era) as panel:
        panel.show_tool("link")
        panel.tools.send()
        await until(lambda: panel.questions.waiting)

        assert "https://example.com/sign-in?a=1&b=2" in words_in(panel.questions)
        assert button(panel.questions, "Open example.com in the browser").isEnabled()
        button(panel.questions, "Decline").click()
        await until(lambda: not panel.tools.call.is_running)
        assert "decline" in panel.tools.result._raw_text


async def test_several_questions_wait_in_a_queue(qtbot: QtBot) -> None:
    async with inspecting(qtbot) as panel:
        panel.show_tool("three")
        panel.tools.send()
        await until(lambda: panel.questions.waiting == 2)

        assert "The server asks · 1 of 2" in words_in(panel.questions)
        panel.tools.call.cancel()
        await until(lambda: panel.questions.waiting == 0)
        assert not panel.questions.isVisible()


async def test_an_answer_can_count_for_all_questions_of_its_kind(qtbot: QtBot) -> None:
    async with inspecting(qtbot) as panel:
        panel.show_tool("form")
        panel.tools.send()
        await until(lambda: panel.questions.waiting)
        color = next(a for a in panel.questions.findChildren(QPlainTextEdit) if a.accessibleName() == "color")
        qtbot.keyClicks(color, "red")
        assert panel.questions._card is not None
        panel.questions._card.again.setCurrentIndex(1)
        button(panel.questions, "Accept").click()
        await until(lambda: not panel.tools.call.is_running)

        assert (await called(panel, "form")).startswith("Done in")
        assert "red" in panel.tools.result._raw_text


async def test_a_tool_that_appears_while_running_is_listed_and_the_selection_stays(qtbot: QtBot) -> None:
    async with inspecting(qtbot, "legacy") as panel:
        before = len(panel._session.listing("tools").items)
        await called(panel, "change", {"what": "tools"})
        await until(lambda: len(panel._session.listing("tools").items) > before)

        assert panel.tools.offers.current_name() == "change"
        assert panel.tools.result.headline.startswith("Done in")


async def test_the_raw_json_is_copied_whole(qtbot: QtBot) -> None:
    async with inspecting(qtbot) as panel:
        await called(panel, "echo", {"v": 2**70})
        panel.tools.result._tabs.setCurrentIndex(2)
        button(panel.tools.result, "Copy").click()

        assert json.loads(QGuiApplication.clipboard().text())["request"]["params"]["arguments"] == {"v": 2**70}


async def test_when_the_runtime_is_gone_the_panel_says_so(qtbot: QtBot) -> None:
    async with running(EXAMPLE, "stdio") as (process, _):
        session = InspectorSession()
        panel = InspectorPanel(session)
        qtbot.addWidget(panel)
        session.open_pipes(process)
        await until(lambda: session.listing("tools").items)
        await process.end()
        await until(lambda: session.state is SessionState.LOST)

        assert "The connection is lost" in words_in(panel)
        await session.end()


def test_every_control_has_a_name(qtbot: QtBot) -> None:
    panel = InspectorPanel(InspectorSession())
    qtbot.addWidget(panel)

    fields = [*panel.findChildren(QLineEdit), *panel.findChildren(QListView), *panel.findChildren(QPlainTextEdit)]
    boxes = panel.findChildren(QComboBox)
    assert [field for field in (*fields, *boxes) if not field.accessibleName()] == []
