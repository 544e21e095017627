"""What a server may send in a second must not keep the window busy for longer."""

import json
import time
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QPushButton, QTextBrowser
from pytestqt.qtbot import QtBot

from fusion_desktop.inspector.contents import Contents, text_block
from fusion_desktop.inspector.json_tree import JsonTree
from fusion_desktop.inspector.long_text import LINE, SHOWN, excerpt
from fusion_desktop.inspector.markdown import is_markdown
from fusion_desktop.inspector.result import ResultView
from fusion_desktop.run.frames import Outcome

MEGA = 5_000_000
ROWS = [{"a": n, "b": f"text {n}"} for n in range(150_000)]


@pytest.mark.parametrize(
    "result",
    [
        {"content": [{"type": "text", "text": "x" * MEGA}]},
        {"content": [{"type": "text", "text": ("lorem ipsum " * 7 + "\n") * (MEGA // 85)}]},
        {"content": [{"type": "text", "text": "# Head\n" + "- item **bold**\n" * (MEGA // 16)}]},
        {"content": [{"type": "text", "text": json.dumps(ROWS)}]},
        {"content": [], "structuredContent": {"rows": ROWS}},
        {"content": [{"type": "text", "text": f"block {n}"} for n in range(20_000)]},
    ],
    ids=["one line", "lines", "markdown", "json", "structure", "parts"],
)
def test_five_megabytes_are_shown_in_a_moment(qtbot: QtBot, result: Any) -> None:
    view = ResultView()
    qtbot.addWidget(view)
    view.resize(500, 600)
    view.show()
    began = time.process_time()
    view.show_outcome(Outcome("tools/call", {}, 5, result), {"type": "object"})
    QApplication.processEvents()

    # Before anything was cut, the first of these took minutes.
    assert time.process_time() - began < 2
    assert json.loads(view._raw_text)["response"]["result"] == result


def test_a_long_text_is_shown_in_part_and_copied_whole(qtbot: QtBot) -> None:
    text = "é" * (SHOWN + 1)
    block = text_block(text)
    qtbot.addWidget(block)
    shown = next(iter(block.findChildren(QPlainTextEdit))).toPlainText()
    next(b for b in block.findChildren(QPushButton) if b.text() == "Copy all").click()

    assert shown == "é" * LINE + "…"
    assert QGuiApplication.clipboard().text() == text


@pytest.mark.parametrize("text", ["", "a", "a\n" * 100, "x" * LINE, ("x" * 30 + "\n") * 4000])
def test_what_can_be_shown_is_shown_whole(text: str) -> None:
    assert excerpt(text).text == text
    assert excerpt(text).left_out == ""


def test_a_long_list_opens_step_by_step(qtbot: QtBot) -> None:
    tree = JsonTree()
    qtbot.addWidget(tree)
    tree.show_value(list(range(1200)))
    assert tree.topLevelItemCount() == 501
    for count in (1001, 1200):
        last = tree.topLevelItem(tree.topLevelItemCount() - 1)
        assert last is not None
        last.setExpanded(True)
        assert tree.topLevelItemCount() == count


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("# Title\n\nSome **bold** words", "", True),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "", True),
        ("plain words", "text/markdown", True),
        ("- one\n- two", "", False),
        ("2 * 3 ** 4", "", False),
        ("#!/bin/sh\n# comment", "", False),
        ("", "", False),
    ],
)
def test_markdown_is_told_from_plain_text(text: str, kind: str, expected: bool) -> None:
    assert is_markdown(text, kind) is expected


def test_markdown_is_shown_as_meant_loads_nothing_and_keeps_its_plain_text(qtbot: QtBot) -> None:
    text = '# Title\n\n**bold** ![p](http://127.0.0.1:9/p.png) <img src="http://127.0.0.1:9/q.png"> [l](file:///etc)'
    contents = Contents()
    qtbot.addWidget(contents)
    contents.show_blocks([{"type": "text", "text": text}])
    contents.show()
    page = next(iter(contents.findChildren(QTextBrowser)))

    assert page.toPlainText().startswith("Title\nbold")
    assert '<img src="http://127.0.0.1:9/q.png">' in page.toPlainText()
    assert page.loadResource(2, "http://127.0.0.1:9/p.png") is None
    assert next(iter(contents.findChildren(QPlainTextEdit))).toPlainText() == text


@pytest.mark.parametrize(
    ("kind", "is_played"), [("audio/mpeg", True), ("audio/x-wav", True), ("audio/exe", False), ("audio/x-bat", False)]
)
def test_audio_is_played_by_the_system_unless_it_could_be_a_program(qtbot: QtBot, kind: str, is_played: bool) -> None:
    contents = Contents()
    qtbot.addWidget(contents)
    contents.show_blocks([{"type": "audio", "data": "AAAA", "mimeType": kind}])

    assert ("Play" in [button.text() for button in contents.findChildren(QPushButton)]) is is_played
