"""What a server sends fits the panel: a long text scrolls, and the window gets no higher than a small screen."""

from PySide6.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from fusion_desktop import theme
from fusion_desktop.inspector.panel import InspectorPanel
from fusion_desktop.inspector.room import Room
from fusion_desktop.run.frames import Outcome, Question
from fusion_desktop.run.session import InspectorSession

LOWEST = 640
"""What a screen of 768 pixels leaves for a panel."""
TOOL = {
    "name": "search",
    "description": "Find anything. " * 200,
    "inputSchema": {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(30)}},
}


def panel_of(qtbot: QtBot) -> InspectorPanel:
    theme.apply("light")
    panel = InspectorPanel(InspectorSession())
    qtbot.addWidget(panel)
    panel.resize(320, LOWEST)
    panel.show()
    return panel


def settle() -> None:
    for _ in range(3):
        QApplication.processEvents()


def test_a_long_description_a_large_form_and_a_result_fit_a_small_screen(qtbot: QtBot) -> None:
    panel = panel_of(qtbot)
    panel.tools.offers.set_items([{**TOOL, "name": f"tool{n}"} for n in range(50)], "")
    panel.tools.offers.select("tool40")
    assert panel.tools.form is not None
    panel.tools.form.write({f"p{n}": "line\n" * 30 for n in range(30)})
    panel.tools.form.show_json()
    panel.tools.result.show_outcome(
        Outcome(
            "tools/call", {}, 1, {"content": [{"type": "text", "text": "a\n" * 500}], "structuredContent": {"a": 1}}
        )
    )
    settle()

    assert panel.height() == LOWEST
    assert panel.minimumSizeHint().height() <= LOWEST


async def test_a_long_question_scrolls_and_its_answers_stay_in_sight(qtbot: QtBot) -> None:
    panel = panel_of(qtbot)
    panel.tools.offers.set_items([TOOL], "")
    panel.tools.offers.select("search")
    panel.questions.add(
        Question("elicitation/create", {"message": "Tell me all. " * 500, "requestedSchema": TOOL["inputSchema"]})
    )
    settle()

    assert panel.questions.height() < LOWEST
    card = panel.questions._card
    assert card is not None
    assert card.findChildren(Room)[0].verticalScrollBar().maximum() > 0
    assert panel.questions.rect().contains(card.again.mapTo(panel.questions, card.again.rect().bottomLeft()))


async def test_a_question_beside_a_long_form_and_a_result_fits_a_small_screen(qtbot: QtBot) -> None:
    panel = panel_of(qtbot)
    panel.tools.offers.set_items([TOOL], "")
    panel.tools.offers.select("search")
    panel.tools.result.show_outcome(
        Outcome("tools/call", {}, 1, {"content": [{"type": "text", "text": "a\n" * 500}]}, request_id="one")
    )
    settle()
    question = Question("elicitation/create", {"message": "Which? " * 50, "requestedSchema": TOOL["inputSchema"]})
    panel.questions.add(question)
    settle()

    assert panel.height() == LOWEST
    asked = panel.minimumSizeHint().height()
    assert asked <= LOWEST - 100
    assert panel._below.verticalScrollBar().maximum() > 0

    panel.questions.withdraw(question)
    settle()
    assert panel.minimumSizeHint().height() > asked
    assert panel._below.verticalScrollBar().maximum() == 0


def test_the_chosen_offer_stays_in_sight_when_the_list_gets_shorter(qtbot: QtBot) -> None:
    panel = panel_of(qtbot)
    offers = panel.tools.offers
    offers.set_items([{**TOOL, "name": f"tool{n}"} for n in range(50)], "")
    offers.select("tool40")
    settle()
    qtbot.waitUntil(lambda: offers.view.viewport().rect().contains(offers.view.visualRect(offers.view.currentIndex())))

    assert offers.current_name() == "tool40"


def test_the_page_of_the_server_is_as_wide_as_the_panel(qtbot: QtBot) -> None:
    panel = panel_of(qtbot)
    panel.resize(280, LOWEST)
    panel.tabs.setCurrentWidget(panel.server)
    settle()

    assert panel.server.horizontalScrollBar().maximum() == 0


def test_a_short_text_takes_no_more_room_than_it_needs(qtbot: QtBot) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    layout = QVBoxLayout(holder)
    label = QLabel("one line", wordWrap=True)
    room = Room(label, least=40, most=200, name="Text")
    layout.addWidget(room)
    layout.addStretch(1)
    holder.resize(300, 400)
    holder.show()
    settle()
    assert room.height() == label.heightForWidth(room.viewport().width()) <= 40

    label.setText("many words " * 300)
    room.updateGeometry()
    settle()
    assert room.height() == 200
    assert room.verticalScrollBar().maximum() > 0
