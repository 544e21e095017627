"""Proposals of real servers of both eras while arguments are typed, and subscriptions to resources."""

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPlainTextEdit
from pytestqt.qtbot import QtBot

from fusion_desktop.inspector.completing import Completing
from fusion_desktop.inspector.pages import Page
from tests.fusion_desktop.inspector.test_panel import ERAS, called, inspecting
from tests.fusion_desktop.run.servers import until


def completing(page: Page, name: str) -> tuple[QPlainTextEdit, Completing]:
    assert page.form is not None
    area = next(a for a in page.form.findChildren(QPlainTextEdit) if a.accessibleName() == name)
    return area, next(iter(area.findChildren(Completing)))


@pytest.mark.parametrize("era", ERAS)
async def test_an_argument_of_a_prompt_is_completed_and_chosen_by_keyboard(qtbot: QtBot, era: str) -> None:
    async with inspecting(qtbot, era) as panel:
        await until(lambda: panel._session.listing("prompts").items)
        panel.tabs.setCurrentWidget(panel.prompts)
        panel.prompts.offers.select("greet")
        area, proposer = completing(panel.prompts, "who")
        panel.activateWindow()
        area.setFocus()
        await until(area.hasFocus)
        qtbot.keyClicks(area, "Ad")
        await until(lambda: proposer.proposals)

        assert proposer.proposals == [era, "greet", "who", "Ad", "null"]
        await until(proposer.completer.popup().isVisible)
        qtbot.keyClick(proposer.completer.popup(), Qt.Key.Key_Down)
        qtbot.keyClick(proposer.completer.popup(), Qt.Key.Key_Return)
        assert area.toPlainText() == era


@pytest.mark.parametrize("era", ERAS)
async def test_a_variable_of_a_template_is_completed(qtbot: QtBot, era: str) -> None:
    async with inspecting(qtbot, era) as panel:
        await until(lambda: panel._session.listing("templates").items)
        panel.tabs.setCurrentWidget(panel.templates)
        panel.templates.offers.select(f"{era}://item/{{id}}")
        area, proposer = completing(panel.templates, "id")
        area.setFocus()
        qtbot.keyClick(area, Qt.Key.Key_Space, Qt.KeyboardModifier.ControlModifier)
        await until(lambda: proposer.proposals)

        assert proposer.proposals[:3] == [era, f"{era}://item/{{id}}", "id"]
        assert area.toPlainText() == ""


async def test_arguments_of_tools_are_not_completed(qtbot: QtBot) -> None:
    async with inspecting(qtbot) as panel:
        panel.show_tool("region")
        assert panel.tools.form is not None

        assert panel.tools.form.findChildren(Completing) == []


@pytest.mark.parametrize("era", ERAS)
async def test_a_resource_that_changed_is_marked_until_it_is_read_again(qtbot: QtBot, era: str) -> None:
    async with inspecting(qtbot, era) as panel:
        uri, page = f"{era}://note", panel.resources
        await until(lambda: panel._session.listing("resources").items)
        panel.tabs.setCurrentWidget(page)
        page.offers.select(uri)
        heard: list[Any] = []
        panel._session.updated.connect(heard.append)

        page._watch.click()
        await until(lambda: page._watch.text() == "Subscribed")
        await called(panel, "change", {"what": "resources", "uri": uri})
        await until(lambda: heard)
        assert page._send.text() == "Read again"
        panel.tabs.setCurrentWidget(page)
        assert "updated" in str(page.offers.view.currentIndex().data(Qt.ItemDataRole.UserRole))

        page.send()
        await until(lambda: not page.call.is_running)
        assert page._send.text() == "Read"
        page._watch.click()
        await until(lambda: page._watch.text() == "Subscribe")
        assert panel._session.watched == ()
