"""What concerns the connection as a whole: ping, log level, roots, saved answers and how long calls may be silent."""

import json

import pytest
from PySide6.QtWidgets import QPlainTextEdit, QToolButton
from pytestqt.qtbot import QtBot

from fusion_desktop.inspector.answers import Answers, asks_for_secret
from fusion_desktop.inspector.panel import InspectorPanel
from fusion_desktop.run.frames import Question
from fusion_desktop.settings import Settings
from tests.fusion_desktop.inspector.test_panel import ERAS, button, called, inspecting, words_in
from tests.fusion_desktop.run.servers import until


def raw(panel: InspectorPanel) -> str:
    return panel.tools.result._raw_text


@pytest.mark.parametrize("era", ERAS)
async def test_the_page_tells_what_the_server_is_and_how_fast_it_answers(qtbot: QtBot, era: str) -> None:
    async with inspecting(qtbot, era) as panel:
        panel.tabs.setCurrentWidget(panel.server)
        shown = words_in(panel.server)
        assert era in shown
        assert "Call anything." in shown

        panel.server.ping.click()
        await until(lambda: "It answered in " in words_in(panel.server))


@pytest.mark.parametrize("era", ERAS)
async def test_log_messages_come_from_the_level_on_that_was_chosen(qtbot: QtBot, era: str) -> None:
    async with inspecting(qtbot, era) as panel:
        heard: list[str] = []
        panel._session.logged.connect(lambda entry: heard.append(entry["level"]))
        panel.server.level.setCurrentIndex(panel.server.level.findData("warning"))
        panel.server.level.activated.emit(panel.server.level.currentIndex())
        # The next request waits behind the one that sets the level.
        panel.server.ping.click()
        await until(lambda: "It answered in " in words_in(panel.server))
        await called(panel, "log")
        await until(lambda: "error" in heard)

        assert "debug" not in heard or era == "modern"


async def test_roots_are_named_once_and_told_from_then_on(qtbot: QtBot) -> None:
    async with inspecting(qtbot) as panel:
        panel.tabs.setCurrentWidget(panel.server)
        qtbot.keyClicks(panel.server.roots, "file:///one")
        await called(panel, "where")
        assert "file:///one" in raw(panel)

        panel.server.roots.setPlainText("file:///one\nnowhere")
        assert panel.server.roots.property("invalid")
        assert [root["uri"] for root in panel.answers.roots] == ["file:///one"]
        panel.server._add_folder("/tmp/a b")
        assert panel.server.roots.toPlainText().endswith("file:///tmp/a%20b")


async def test_an_answer_kept_with_the_graph_is_given_until_it_is_removed(qtbot: QtBot) -> None:
    async with inspecting(qtbot) as panel:
        panel.show_tool("form")
        panel.tools.send()
        await until(lambda: panel.questions.waiting)
        color = next(a for a in panel.questions.findChildren(QPlainTextEdit) if a.accessibleName() == "color")
        qtbot.keyClicks(color, "red")
        assert panel.questions._card is not None
        panel.questions._card.again.setCurrentIndex(2)
        button(panel.questions, "Accept").click()
        await until(lambda: not panel.tools.call.is_running)
        panel.tabs.setCurrentWidget(panel.server)
        assert "“Which color?”: accept" in words_in(panel.server)

        other = Answers()
        other.load(panel.answers.text())
        assert [answer.result for answer in other.saved] == [{"action": "accept", "content": {"color": "red"}}]
        assert (await called(panel, "form")).startswith("Done in")

        remove = next(b for b in panel.server.findChildren(QToolButton) if b.accessibleName().startswith("Remove"))
        remove.click()
        panel.show_tool("form")
        panel.tools.send()
        await until(lambda: panel.questions.waiting)
        panel.tools.call.cancel()


async def test_an_answer_fits_only_the_same_form(qtbot: QtBot) -> None:
    answers = Answers()
    schema = {"type": "object", "properties": {"color": {"type": "string"}}}
    asked = Question("elicitation/create", {"message": "Color?", "requestedSchema": schema})
    answers.add(asked, {"action": "decline"}, is_kept=False)

    assert answers.find(Question("elicitation/create", {"message": "?", "requestedSchema": schema})) is not None
    assert answers.find(Question("elicitation/create", {"message": "Color?", "requestedSchema": {}})) is None
    assert answers.find(Question("sampling/createMessage", {})) is None
    assert answers.text() == ""


async def test_an_answer_that_may_be_a_secret_is_never_kept(qtbot: QtBot) -> None:
    schema = {"type": "object", "properties": {"api_key": {"type": "string"}}}

    assert asks_for_secret(Question("elicitation/create", {"requestedSchema": schema}))
    hidden = {"type": "object", "properties": {"it": {"type": "string", "format": "password"}}}
    assert asks_for_secret(Question("elicitation/create", {"requestedSchema": hidden}))
    assert not asks_for_secret(Question("sampling/createMessage", {}))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"roots": 1, "answers": [1, {}], "idle_s": "x"}'])
async def test_what_was_kept_and_cannot_be_read_is_as_if_nothing_was(qtbot: QtBot, text: str) -> None:
    answers = Answers()
    answers.load(text)

    assert (answers.roots, answers.saved, answers.idle_s) == ((), (), 60)


def test_what_was_settled_is_kept_for_each_graph(settings: Settings) -> None:
    answers = Answers()
    answers.set_roots(["file:///a, b; ünï"])
    answers.set_idle(5)
    settings.save_inspected("one", answers.text())
    again = Answers()
    again.load(settings.inspected("one"))

    assert again.roots == ({"uri": "file:///a, b; ünï"},)
    assert again.idle_s == 5
    assert settings.inspected("two") == ""
    settings.save_inspected("one", "")
    assert settings.inspected("one") == ""


async def test_progress_gives_a_call_more_time_and_silence_ends_it(qtbot: QtBot) -> None:
    async with inspecting(qtbot) as panel:
        panel.answers.set_idle(1)
        assert panel.server.idle.currentText() == "1 s without progress"
        assert (await called(panel, "sleep", {"seconds": 1.6, "beats": 8})).startswith("Done in")

        assert "did not answer tools/call in time" in await called(panel, "sleep", {"seconds": 30})
        panel.server.idle.setCurrentIndex(panel.server.idle.findData(0))
        panel.server.idle.activated.emit(panel.server.idle.currentIndex())
        assert json.loads(panel.answers.text()) == {"idle_s": 0}


@pytest.mark.slow
async def test_the_time_that_is_left_is_shown_and_stands_still_while_the_user_is_asked(qtbot: QtBot) -> None:
    async with inspecting(qtbot) as panel:
        panel.answers.set_idle(9)
        panel.show_tool("sleep")
        assert panel.tools.form is not None
        panel.tools.form.write({"seconds": 20})
        panel.tools.send()
        await until(lambda: "given up in" in panel.tools.result.headline)
        left = int(panel.tools.result.headline.partition("given up in ")[2].split()[0])
        assert 3 <= left <= 9
        panel.tools.call.cancel()

        panel.show_tool("form")
        panel.tools.send()
        await until(lambda: panel.questions.waiting)
        assert panel.tools.result._ends_at is None
        panel.tools.call.cancel()
