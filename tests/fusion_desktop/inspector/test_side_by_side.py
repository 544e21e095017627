import time

from pytestqt.qtbot import QtBot

from fusion_desktop.inspector.side_by_side import Row, SideBySide, aligned


def test_equal_lines_stand_beside_each_other() -> None:
    rows = aligned(["{", '"a": 1,', '"b": 2', "}"], ["{", '"b": 2', "}"])

    assert rows == [Row("{", "{"), Row('"a": 1,', None), Row('"b": 2', '"b": 2'), Row("}", "}")]


def test_a_changed_line_faces_the_one_it_was() -> None:
    assert aligned(["{", "1", "}"], ["{", "2", "3", "}"])[1:3] == [Row("1", "2"), Row(None, "3")]


def test_long_texts_are_compared_in_time() -> None:
    left = [f"line {n}" for n in range(60_000)]
    right = [f"line {n}" if n % 3 else f"other {n}" for n in range(60_000)]
    began = time.process_time()
    rows = aligned(left, right)

    assert sum(not row.is_equal for row in rows) == 20_000
    assert time.process_time() - began < 5


def test_what_differs_is_marked_by_a_sign_and_both_sides_scroll_together(qtbot: QtBot) -> None:
    view = SideBySide()
    qtbot.addWidget(view)
    view.resize(600, 200)
    view.show()
    view.show_texts("\n".join(map(str, range(100))), "\n".join(["0", "x", *map(str, range(2, 100))]))

    assert view.differing == 1
    assert view.left.toPlainText().split("\n")[:3] == ["  0", "- 1", "  2"]
    assert view.right.toPlainText().split("\n")[:3] == ["  0", "+ x", "  2"]
    view.left.verticalScrollBar().setValue(50)
    assert view.right.verticalScrollBar().value() == 50
