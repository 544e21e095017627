"""Guides: what is dragged snaps to edges, middles and gaps of its neighbours, and lines show to which."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QPainterPath
from PySide6.QtWidgets import QGraphicsPathItem, QGraphicsScene

from fusion_desktop.canvas.ink import ink

REACH = 6.0
"""How near, in pixels of the view, something must come to snap."""

# Along an axis: where it starts and ends; across it: where it starts and ends.
Span: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True)
class Snap:
    """How far to move so that something is in line, on each axis if there is something near, and with what."""

    dx: float | None = None
    dy: float | None = None
    lines: tuple[QLineF, ...] = ()


class Guides:
    """The lines of the neighbours, sorted once, so that each step of a drag costs little among thousands."""

    def __init__(self, bodies: Iterable[QRectF]) -> None:
        across = [(r.left(), r.right(), r.top(), r.bottom()) for r in bodies]
        self._across = _Axis(across)
        self._down = _Axis([(c, d, a, b) for a, b, c, d in across])

    def snap(self, rect: QRectF, reach: float, *, evenly: bool = True) -> Snap:
        """Return how to move a rectangle that far at most so that it is in line with its neighbours, or evenly spaced.

        A corner that is pulled is a rectangle without a size.
        """
        own = (rect.left(), rect.right(), rect.top(), rect.bottom())
        dx = self._across.nearest(own, reach)
        shifted = rect.translated(dx or 0.0, 0.0)
        dy = self._down.nearest((shifted.top(), shifted.bottom(), shifted.left(), shifted.right()), reach)
        if dx is None and evenly:
            moved = rect.translated(0.0, dy or 0.0)
            dx = self._across.evenly((moved.left(), moved.right(), moved.top(), moved.bottom()), reach)
        if dy is None and evenly:
            moved = rect.translated(dx or 0.0, 0.0)
            dy = self._down.evenly((moved.top(), moved.bottom(), moved.left(), moved.right()), reach)
        placed = rect.translated(dx or 0.0, dy or 0.0)
        lines: list[QLineF] = []
        if dx is not None:
            place = (placed.left(), placed.right(), placed.top(), placed.bottom())
            lines += [QLineF(a, c, b, d) for a, c, b, d in self._across.shown(place)]
        if dy is not None:
            place = (placed.top(), placed.bottom(), placed.left(), placed.right())
            lines += [QLineF(c, a, d, b) for a, c, b, d in self._down.shown(place)]
        return Snap(dx, dy, tuple(lines))


class _Axis:
    """One direction. Spans begin and end along it; what they are called across it does not matter here."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans
        self._lines = sorted((at, span) for span in spans for at in _marks(span))
        self._at = [at for at, _ in self._lines]

    def nearest(self, own: Span, reach: float) -> float | None:
        """Return the smallest way to an edge or a middle."""
        best: float | None = None
        for mark in _marks(own):
            index = bisect_left(self._at, mark)
            for at in self._at[max(0, index - 1) : index + 1]:
                way = at - mark
                if abs(way) <= reach and (best is None or abs(way) < abs(best)):
                    best = way
        return best

    def evenly(self, own: Span, reach: float) -> float | None:
        """Return the smallest way to where the gap to a neighbour equals the gap beside it."""
        ways = [start - own[0] for start, _ in self._even(own)]
        return min((way for way in ways if abs(way) <= reach), key=abs, default=None)

    def shown(self, own: Span) -> Iterator[tuple[float, float, float, float]]:
        """Yield lines, as along and across of both ends: through what is in line, or in the gaps that are equal."""
        lines: dict[float, tuple[float, float]] = {}
        for mark in _marks(own):
            first = bisect_left(self._at, mark - 0.25)
            same = [span for at, span in self._lines[first : first + 50] if abs(at - mark) <= 0.25]
            if same:
                lines[mark] = (min(own[2], *(s[2] for s in same)), max(own[3], *(s[3] for s in same)))
        if len(lines) == 3:
            del lines[_marks(own)[1]]  # where both edges are in line, that the middles are says nothing new
        for mark, (begin, end) in lines.items():
            yield mark, begin, mark, end
        if not lines:
            for start, gaps in self._even(own):
                if abs(start - own[0]) <= 0.25:
                    middle = (own[2] + own[3]) / 2
                    yield from ((begin, middle, end, middle) for begin, end in gaps)
                    return

    def _even(self, own: Span) -> Iterator[tuple[float, tuple[tuple[float, float], ...]]]:
        """Yield where something would start to have equal gaps, and those gaps."""
        row = [s for s in self._spans if s[2] < own[3] and own[2] < s[3]]
        size, middle = own[1] - own[0], (own[0] + own[1]) / 2
        before = sorted((s for s in row if s[1] <= middle and s[0] < own[0]), key=lambda s: -s[1])[:2]
        after = sorted((s for s in row if s[0] >= middle and s[1] > own[1]), key=lambda s: s[0])[:2]
        if before and after and (room := after[0][0] - before[0][1] - size) > 0:
            start = before[0][1] + room / 2
            yield start, ((before[0][1], start), (start + size, after[0][0]))
        if len(before) == 2 and (gap := before[0][0] - before[1][1]) > 0:
            start = before[0][1] + gap
            yield start, ((before[1][1], before[0][0]), (before[0][1], start))
        if len(after) == 2 and (gap := after[1][0] - after[0][1]) > 0:
            start = after[0][0] - gap - size
            yield start, ((start + size, after[0][0]), (after[0][1], after[1][0]))


def _marks(span: Span) -> tuple[float, float, float]:
    return span[0], (span[0] + span[1]) / 2, span[1]


class GuideLines:
    """Shows guides on the canvas for as long as something is dragged."""

    def __init__(self, scene: QGraphicsScene) -> None:
        self._scene = scene
        self._item = QGraphicsPathItem()
        self._item.setZValue(3000)
        self._item.setPen(ink().guide)
        scene.addItem(self._item)

    @property
    def count(self) -> int:
        """Return how many lines are shown."""
        return self._item.path().elementCount() // 2

    def show(self, lines: Iterable[QLineF]) -> None:
        """Show these lines and no others."""
        path = QPainterPath()
        for line in lines:
            path.moveTo(line.p1())
            path.lineTo(line.p2())
        if path != self._item.path():
            self._item.setPath(path)

    def remove(self) -> None:
        """Take them off the canvas."""
        if self._item.scene() is not None:
            self._scene.removeItem(self._item)
