import base64
import json
from typing import Any

import pytest
from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from fusion_desktop.inspector.contents import Contents
from fusion_desktop.inspector.json_tree import JsonTree


def shown(qtbot: QtBot, *blocks: Any) -> Contents:
    contents = Contents()
    qtbot.addWidget(contents)
    contents.show_blocks(list(blocks))
    return contents


def words_in(widget: QWidget) -> str:
    labels = [label.text() for label in widget.findChildren(QLabel)]
    return "\n".join([*labels, *(area.toPlainText() for area in widget.findChildren(QPlainTextEdit))])


def png(width: int, height: int) -> str:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(0x336699)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.data().data()).decode()


def test_an_image_is_shown_with_its_size(qtbot: QtBot) -> None:
    contents = shown(qtbot, {"type": "image", "data": png(64, 48), "mimeType": "image/png"})

    assert "image/png · 64 × 48" in words_in(contents)
    assert any(not label.pixmap().isNull() for label in contents.findChildren(QLabel))


def test_an_image_wider_than_the_panel_is_made_smaller(qtbot: QtBot) -> None:
    contents = shown(qtbot, {"type": "image", "data": png(2000, 500), "mimeType": "image/png"})
    contents.resize(300, 400)
    contents.show()

    [picture] = [label for label in contents.findChildren(QLabel) if not label.pixmap().isNull()]
    assert picture.pixmap().deviceIndependentSize().width() <= 300
    contents.close()


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"type": "text", "text": "hello"}, "hello"),
        ({"type": "text", "text": ""}, "Empty text."),
        ({"type": "image", "data": "no base64!", "mimeType": "image/png"}, "it is no base64"),
        ({"type": "audio", "data": "AAAA", "mimeType": "audio/wav"}, "audio/wav · 3 bytes"),
        ({"type": "resource_link", "uri": "a://b", "name": "B", "description": "About B"}, "B\na://b\nAbout B"),
        ({"type": "resource", "resource": {"uri": "a://b", "text": "inside"}}, "inside"),
        ({"type": "resource", "resource": {"uri": "a://b", "blob": "AAAA"}}, "3 bytes"),
        ({"role": "user", "content": {"type": "text", "text": "question"}}, "user"),
    ],
)
def test_every_known_block_is_shown_in_its_way(qtbot: QtBot, block: Any, words: str) -> None:
    assert words in words_in(shown(qtbot, block))


@pytest.mark.parametrize(
    "block", [{"type": "x-future", "a": [None]}, {"type": "text"}, "a text", None, 2**70, {"type": "resource"}]
)
def test_what_nobody_knows_is_shown_as_json(qtbot: QtBot, block: Any) -> None:
    assert shown(qtbot, block).findChildren(JsonTree)


def test_text_that_is_json_is_shown_as_a_tree(qtbot: QtBot) -> None:
    contents = shown(qtbot, {"type": "text", "text": json.dumps({"a": 2**70})})

    [tree] = contents.findChildren(JsonTree)
    item = tree.topLevelItem(0)
    assert item is not None
    assert (item.text(0), item.text(1)) == ("a", str(2**70))


def test_branches_of_a_tree_are_made_when_they_are_opened(qtbot: QtBot) -> None:
    tree = JsonTree()
    qtbot.addWidget(tree)
    tree.show_value({"a": {"b": [1, 2, {"c": None}]}})
    first = tree.topLevelItem(0)
    assert first is not None
    assert first.text(1) == "{1}"

    first.setExpanded(True)
    child = first.child(0)
    assert child is not None
    assert (child.text(0), child.text(1)) == ("b", "[3]")


def test_a_branch_with_very_many_children_shows_the_first_and_counts_the_rest(qtbot: QtBot) -> None:
    tree = JsonTree()
    qtbot.addWidget(tree)
    tree.show_value(list(range(700)))

    last = tree.topLevelItem(tree.topLevelItemCount() - 1)
    assert last is not None
    assert last.text(1) == "200 more"


def test_new_blocks_replace_the_old_ones(qtbot: QtBot) -> None:
    contents = shown(qtbot, {"type": "text", "text": "old"})
    contents.show_blocks([{"type": "text", "text": "new"}])

    visible = [area.toPlainText() for area in contents.findChildren(QPlainTextEdit) if not area.isHidden()]
    assert "new" in visible
