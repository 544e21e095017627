"""How a node's state looks: a shape, a colour and a letter, so that none of them is the only sign."""

from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

from fusion_desktop import theme
from fusion_desktop.canvas.ink import ink

SIZE = 16.0


@dataclass(frozen=True)
class _Look:
    shape: str
    letter: str
    words: str
    filled: bool = True


class State(Enum):
    """What a node is doing. The value is the colour role, and the runtime's word where it has one."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    BUSY = "busy"
    RETRYING = "retrying"
    DEGRADED = "degraded"
    FAILED = "failed"
    DISABLED = "disabled"
    QUARANTINED = "quarantined"
    SIGN_IN = "sign_in"

    @property
    def look(self) -> _Look:
        """Return shape, letter and words."""
        return _LOOKS[self]


_LOOKS = {
    State.STOPPED: _Look("circle", "O", "Stopped", filled=False),
    State.STARTING: _Look("circle", "S", "Starting", filled=False),
    State.READY: _Look("circle", "R", "Ready"),
    State.BUSY: _Look("square", "B", "Busy"),
    State.RETRYING: _Look("triangle", "!", "Retrying"),
    State.DEGRADED: _Look("hexagon", "P", "Partly ready"),
    State.FAILED: _Look("octagon", "F", "Failed"),
    State.DISABLED: _Look("square", "D", "Disabled", filled=False),
    State.QUARANTINED: _Look("diamond", "Q", "Quarantined"),
    State.SIGN_IN: _Look("diamond", "!", "Wants you to sign in"),
}

UP = frozenset({State.READY, State.BUSY})
# The worst first: what a composite shows of its members.
SEVERITY = (
    State.FAILED,
    State.SIGN_IN,
    State.QUARANTINED,
    State.RETRYING,
    State.STARTING,
    State.BUSY,
    State.READY,
    State.STOPPED,
)


def together(states: set[State]) -> State | None:
    """Return the state of a group: that of the member that needs most attention, or degraded if others still work."""
    worst = next((state for state in SEVERITY if state in states), None)
    if worst in {State.FAILED, State.QUARANTINED, State.RETRYING} and not UP.isdisjoint(states):
        return State.DEGRADED
    return worst


def draw_badge(painter: QPainter, state: State, middle: QPointF, *, with_letter: bool = True) -> None:
    """Paint the badge of a state around a point."""
    look = state.look
    colour = theme.colour(state.value)
    rect = QRectF(middle.x() - SIZE / 2, middle.y() - SIZE / 2, SIZE, SIZE)
    painter.setPen(QPen(colour, 1.5, Qt.PenStyle.DotLine if state is State.STARTING else Qt.PenStyle.SolidLine))
    painter.setBrush(colour if look.filled else Qt.BrushStyle.NoBrush)
    painter.drawPath(_PATHS[look.shape].translated(rect.topLeft()))
    if not with_letter:
        return
    painter.setPen(QColor(theme.current().node) if look.filled else colour)
    painter.setFont(ink().letter)
    # A triangle has its middle lower than its box.
    shift = 2.0 if look.shape == "triangle" else 0.0
    painter.drawText(rect.translated(0, shift), Qt.AlignmentFlag.AlignCenter, look.letter)


def _polygon(*points: tuple[float, float]) -> QPainterPath:
    path = QPainterPath()
    path.addPolygon(QPolygonF([QPointF(x, y) for x, y in points]))
    path.closeSubpath()
    return path


def _paths() -> dict[str, QPainterPath]:
    circle, square = QPainterPath(), QPainterPath()
    circle.addEllipse(QRectF(0.5, 0.5, SIZE - 1, SIZE - 1))
    square.addRoundedRect(QRectF(1, 1, SIZE - 2, SIZE - 2), 3, 3)
    cut = SIZE * 0.29
    return {
        "circle": circle,
        "square": square,
        "triangle": _polygon((SIZE / 2, 0), (SIZE + 1, SIZE - 0.5), (-1, SIZE - 0.5)),
        "diamond": _polygon((SIZE / 2, -1.5), (SIZE + 1.5, SIZE / 2), (SIZE / 2, SIZE + 1.5), (-1.5, SIZE / 2)),
        "hexagon": _polygon(
            (SIZE / 4, 0.5),
            (SIZE * 3 / 4, 0.5),
            (SIZE + 0.5, SIZE / 2),
            (SIZE * 3 / 4, SIZE - 0.5),
            (SIZE / 4, SIZE - 0.5),
            (-0.5, SIZE / 2),
        ),
        "octagon": _polygon(
            (cut, 0),
            (SIZE - cut, 0),
            (SIZE, cut),
            (SIZE, SIZE - cut),
            (SIZE - cut, SIZE),
            (cut, SIZE),
            (0, SIZE - cut),
            (0, cut),
        ),
    }


_PATHS = _paths()
