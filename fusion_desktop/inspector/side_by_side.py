"""Two texts side by side, line against line, with what differs marked by colour and by a sign."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtGui import QTextCharFormat, QTextCursor, QTextFormat
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QTextEdit, QWidget

from fusion_desktop import theme

_LIMIT = 4000
"""More lines than this are compared one by one, without looking for what was moved."""


@dataclass(frozen=True)
class Row:
    """One line of each text; None where the other has a line that this one lacks."""

    left: str | None
    right: str | None

    @property
    def is_equal(self) -> bool:
        """Whether both texts have this line."""
        return self.left == self.right


def aligned(left: Sequence[str], right: Sequence[str]) -> list[Row]:
    """Return the lines of two texts so that equal ones stand beside each other."""
    start = _common(left, right)
    end = _common(left[start:][::-1], right[start:][::-1])
    middle = _differing(left[start : len(left) - end], right[start : len(right) - end])
    same_before = [Row(line, line) for line in left[:start]]
    return [*same_before, *middle, *(Row(line, line) for line in left[len(left) - end :])]


def _common(left: Sequence[str], right: Sequence[str]) -> int:
    pairs = zip(left, right, strict=False)
    return next((n for n, (one, two) in enumerate(pairs) if one != two), min(len(left), len(right)))


def _differing(left: Sequence[str], right: Sequence[str]) -> list[Row]:
    if len(left) + len(right) > _LIMIT:
        return _beside(left, right)
    rows: list[Row] = []
    # What looks like junk to the matcher, a line that is often there, is a brace of the JSON like any other.
    for kind, a, b, c, d in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        rows += [Row(line, line) for line in left[a:b]] if kind == "equal" else _beside(left[a:b], right[c:d])
    return rows


def _beside(left: Sequence[str], right: Sequence[str]) -> list[Row]:
    longest = max(len(left), len(right))
    one, two = ([*lines, *[None] * (longest - len(lines))] for lines in (left, right))
    return [Row(a, b) for a, b in zip(one, two, strict=True)]


class SideBySide(QWidget):
    """Shows two texts to be read; both scroll together."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * theme.GRID)
        self.left, self.right = QPlainTextEdit(), QPlainTextEdit()
        for area, name in ((self.left, "First result"), (self.right, "Second result")):
            area.setReadOnly(True)
            area.setTabChangesFocus(True)
            area.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
            area.setFont(theme.font(mono=True))
            area.setAccessibleName(name)
            layout.addWidget(area)
        for one, two in ((self.left, self.right), (self.right, self.left)):
            one.verticalScrollBar().valueChanged.connect(two.verticalScrollBar().setValue)
            one.horizontalScrollBar().valueChanged.connect(two.horizontalScrollBar().setValue)
        theme.signals.changed.connect(self._mark)

    @property
    def differing(self) -> int:
        """How many lines are not the same in both."""
        return sum(not row.is_equal for row in self._rows)

    def show_texts(self, left: str, right: str) -> None:
        """Compare two texts."""
        self._rows = aligned(left.split("\n"), right.split("\n"))
        for area, lines, sign in (
            (self.left, [row.left for row in self._rows], "- "),
            (self.right, [row.right for row in self._rows], "+ "),
        ):
            shown = [
                "" if line is None else f"{'  ' if row.is_equal else sign}{line}"
                for row, line in zip(self._rows, lines, strict=True)
            ]
            area.setPlainText("\n".join(shown))
        self._mark()

    def show_first_difference(self) -> None:
        """Scroll to where the texts begin to differ."""
        first = next((n for n, row in enumerate(self._rows) if not row.is_equal), 0)
        self.left.verticalScrollBar().setValue(max(0, first - 2))

    def _mark(self) -> None:
        changed = [number for number, row in enumerate(self._rows) if not row.is_equal][:_LIMIT]
        for area, role in ((self.left, "removed"), (self.right, "added")):
            look = QTextCharFormat()
            look.setBackground(theme.colour(role, 36))
            look.setProperty(QTextFormat.Property.FullWidthSelection, True)
            marks: list[QTextEdit.ExtraSelection] = []
            for number in changed:
                mark = QTextEdit.ExtraSelection()
                mark.cursor = QTextCursor(area.document().findBlockByNumber(number))
                mark.format = look
                marks.append(mark)
            area.setExtraSelections(marks)
