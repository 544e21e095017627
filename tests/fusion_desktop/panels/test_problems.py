from pytestqt.qtbot import QtBot

from fusion_desktop.document.document import Document
from fusion_desktop.panels.problems import ProblemsPanel
from tests.fusion_desktop.graphs import desk


def test_a_click_puts_a_problem_right_and_can_be_undone(qtbot: QtBot, document: Document) -> None:
    document.load(desk())
    panel = ProblemsPanel(document)
    qtbot.addWidget(panel)
    panel.show()
    assert panel.fix.isVisible()
    assert panel.fix.text() == "Connect to Box"

    panel.fix.click()
    panel.refresh()

    assert document.problems == []
    assert not panel.fix.isVisible()
    assert document.undo_stack.undoText() == "Fix: Connect to Box"
    document.undo_stack.undo()
    assert document.graph == desk().but(id=document.graph.id)
