"""A wire: the member at its start is offered by the composite at its end."""

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainterPath, QPainterPathStroker
from PySide6.QtWidgets import QGraphicsPathItem, QGraphicsSceneHoverEvent

from fusion_desktop import plain
from fusion_desktop.canvas.ink import ink


def wire_path(start: QPointF, end: QPointF) -> QPainterPath:
    """Return the curve from a port on the right of one node to a port on the left of another."""
    reach = max(40.0, min(180.0, abs(end.x() - start.x()) / 2))
    path = QPainterPath(start)
    path.cubicTo(start + QPointF(reach, 0), end - QPointF(reach, 0), end)
    return path


class EdgeItem(QGraphicsPathItem):
    """Shows one edge. It is painted by Qt itself with a line of one pixel, since wide curves are dear.

    It is not selectable in Qt's sense, because Qt would draw its own frame around it; the scene remembers which are.
    """

    def __init__(self, source: str, target: str) -> None:
        super().__init__()
        self.ends = (source, target)
        self._is_chosen = False
        self._is_hovered = False
        self._is_busy = False
        self._is_marked = False
        self._stands_for = ""
        self._calls = ""
        self.setAcceptHoverEvents(True)
        self.setZValue(500)
        self.restyle()

    @property
    def is_chosen(self) -> bool:
        """Tell whether the edge is selected."""
        return self._is_chosen

    @property
    def is_stand_in(self) -> bool:
        """Tell whether it ends at a collapsed composite instead of at what that hides."""
        return bool(self._stands_for)

    def choose(self, chosen: bool) -> None:
        """Select it, or no longer."""
        self._is_chosen = chosen
        self.restyle()

    def show_calls(self, busy: bool, words: str) -> None:
        """Show whether calls go along it, and say how many have."""
        if words != self._calls:
            self._calls = words
            self._say()
        if busy is not self._is_busy:
            self._is_busy = busy
            self.restyle()

    def restyle(self) -> None:
        """Take the line that fits the theme and what happens to the edge."""
        pens = ink()
        if self._is_chosen or self._is_marked:
            self.setPen(pens.wire_selected)
        elif self._is_hovered:
            self.setPen(pens.wire_hovered)
        elif self._is_busy:
            self.setPen(pens.wire_busy)
        else:
            self.setPen(pens.wire_standing if self._stands_for else pens.wire)

    def mark(self, marked: bool) -> None:
        """Show that something would go into it, or no longer."""
        self._is_marked = marked
        self.restyle()

    def stand_for(self, words: str) -> None:
        """Say in words which members it leads from and to, if it ends at collapsed composites instead of them."""
        if words != self._stands_for:
            self._stands_for = words
            self._say()
            self.restyle()

    def _say(self) -> None:
        self.setToolTip(plain.tip("\n".join(words for words in (self._stands_for, self._calls) if words)))

    def connect_points(self, start: QPointF, end: QPointF) -> None:
        """Run between two points of the scene."""
        self.setPath(wire_path(start, end))

    def shape(self) -> QPainterPath:
        stroker = QPainterPathStroker()
        stroker.setWidth(12)
        return stroker.createStroke(self.path())

    def hoverEnterEvent(self, event: QGraphicsSceneHoverEvent) -> None:
        self._is_hovered = True
        self.restyle()

    def hoverLeaveEvent(self, event: QGraphicsSceneHoverEvent) -> None:
        self._is_hovered = False
        self.restyle()
