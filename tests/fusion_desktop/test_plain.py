"""No name of a node is taken for markup or for a key, wherever it is shown."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from composite_runtime.graph.edit import add_node
from composite_runtime.graph.model import Box
from fusion_desktop import plain
from fusion_desktop.app import Program
from fusion_desktop.canvas.overlay import Hint
from tests.fusion_desktop.graphs import composite, graph, server
from tests.fusion_desktop.pointer import Pointer

HOSTILE = "<img src='file:///tmp/x.png'> & Co"


def test_a_tooltip_says_what_it_was_given() -> None:
    shown = QTextDocument()
    shown.setHtml(plain.tip(f"{HOSTILE}\nsecond line"))

    assert shown.toPlainText() == f"{HOSTILE}\nsecond line"
    assert plain.tip("two\nlines") == "two\nlines"


def test_a_name_is_shown_letter_by_letter(program: Program, qtbot: QtBot) -> None:
    window = program.window
    program.document.load(graph((composite("box", HOSTILE), (300, 100, 400, 300)), (server("a", HOSTILE), (0, 100))))
    window.editing.fit()
    item = window.scene.item("a")
    assert item is not None
    assert "<img" not in item.toolTip()

    pointer = Pointer(window.view)
    pointer.press(50, 130)
    pointer.move(200, 200)
    pointer.move(450, 250)
    hint = window.findChild(Hint)
    assert hint is not None
    assert (hint.text(), hint.textFormat()) == (f"Add to {HOSTILE}", Qt.TextFormat.PlainText)
    pointer.release(450, 250)

    program.document.edit("Add R&D", add_node(program.document.graph, server("b", "R&D"), Box(x=0, y=400)))
    assert window.actions_table["edit.undo"].text() == "Undo Add R&&D", "of two ampersands a menu shows one"
    window.editing.enter("box")
    program.document.edit("Add", add_node(program.document.graph, composite("c", "R&D"), Box(x=0, y=600)))
    window.editing.enter("c")
    assert "Whole graph" in [button.text() for button in window.crumbs.findChildren(QToolButton)]
