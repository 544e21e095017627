"""A server on the canvas: one item that paints everything itself, after the measured recipe for large graphs."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QPainter, QPainterPath, QPen, QStaticText, QTransform
from PySide6.QtWidgets import QGraphicsItem, QGraphicsSceneHoverEvent, QStyleOptionGraphicsItem, QWidget

from composite_runtime.graph.model import ServerNode, StdioTransport
from fusion_desktop import assets, plain, theme
from fusion_desktop.canvas import ink as inks
from fusion_desktop.canvas.state import State, draw_badge
from fusion_desktop.document.copying import without_secrets
from fusion_desktop.document.places import NODE_HEIGHT, NODE_WIDTH

MARGIN = 10.0
"""Room around an item for its shadow, its halo and its ports."""
PORT_RADIUS = 5.0
PORT_REACH = 14.0
"""How near the pointer must come to take hold of a port."""
RADIUS = 9.0

_TEXT_LEFT = 52.0
_TEXT_WIDTH = NODE_WIDTH - _TEXT_LEFT - 14
_BADGE_ROOM = 22.0


class NodeItem(QGraphicsItem):
    """Shows one server node; decides nothing."""

    _BODY = QRectF(0, 0, NODE_WIDTH, NODE_HEIGHT)
    _BOUNDS = _BODY.adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN)

    def __init__(self, node: ServerNode) -> None:
        super().__init__()
        self.node_id = node.id
        self.state: State | None = None
        self.detail = ""
        self.mark = ""
        self.is_locked = False
        self._is_hot = False
        self._title, self._line = QStaticText(), QStaticText()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIsSelectable)
        self.setAcceptHoverEvents(True)
        self.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        self.setZValue(1000)
        self.show_node(node)

    def show_node(self, node: ServerNode) -> None:
        """Show what the node says now."""
        self._node, self._summary = node, _summary(node)
        self._prepare()

    def show_state(self, state: State | None, detail: str) -> None:
        """Show what the node is doing; None while nothing runs."""
        if (state, detail) != (self.state, self.detail):
            could_be_fixed = self.can_be_fixed
            self.state, self.detail = state, detail
            if self.can_be_fixed is not could_be_fixed:
                self.prepareGeometryChange()
                self._is_hot = False
            self._prepare()

    def show_mark(self, words: str) -> None:
        """Say that somebody should look at the node, and why; nothing when there is no need."""
        if words != self.mark:
            self.mark = words
            self._prepare()

    def show_locked(self, locked: bool) -> None:
        """Say whether it can be moved."""
        if locked is not self.is_locked:
            self.is_locked = locked
            self.update()

    def restyle(self) -> None:
        """Take the fonts and colours of another theme."""
        self._prepare()

    def boundingRect(self) -> QRectF:
        return self._BOUNDS

    def shape(self) -> QPainterPath:
        return _SHAPE_WITH_FIX if self.can_be_fixed else _SHAPE

    def hoverMoveEvent(self, event: QGraphicsSceneHoverEvent) -> None:
        self._show_hot(self.can_be_fixed and _FIX.contains(event.pos()))

    def hoverLeaveEvent(self, event: QGraphicsSceneHoverEvent) -> None:
        self._show_hot(False)

    @property
    def body(self) -> QRectF:
        """Return the card in scene coordinates."""
        return self._BODY.translated(self.pos())

    @property
    def output(self) -> QPointF:
        """Return the port from which the node is offered, in scene coordinates."""
        return self.pos() + QPointF(NODE_WIDTH, NODE_HEIGHT / 2)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        scale = option.levelOfDetailFromTransform(painter.worldTransform())
        pens = inks.ink()
        if scale < inks.FULL_DETAIL:
            self._paint_block(painter, pens, scale)
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._node.enabled:
            painter.setOpacity(0.72)
        self._paint_card(painter, pens)
        self._paint_words(painter, pens)
        painter.setPen(pens.port)
        painter.setBrush(pens.port_fill)
        painter.drawEllipse(QPointF(NODE_WIDTH, NODE_HEIGHT / 2), PORT_RADIUS, PORT_RADIUS)
        painter.setOpacity(1.0)
        if (shown := self.shown_state) is not None:
            draw_badge(painter, shown, QPointF(NODE_WIDTH - 22, NODE_HEIGHT / 2))
        if self.can_be_fixed:
            self._paint_fix(painter)
        if self.mark:
            _paint_mark(painter)
        if self.is_locked:
            assets.draw_icon(painter, "lock", _LOCK, theme.current().muted)

    def pill_holds(self, point: QPointF) -> bool:
        """Return whether a point of the scene lies on the button that signs in."""
        return self.shown_state is State.SIGN_IN and _PILL.contains(point - self.pos())

    @property
    def can_be_fixed(self) -> bool:
        """Whether the server does not come up, so that there is a button which finds out what helps."""
        return self._node.enabled and self.state in {State.FAILED, State.RETRYING}

    @property
    def fix_button(self) -> QRectF:
        """Return where that button is, in the scene."""
        return _FIX.translated(self.pos())

    def fix_holds(self, point: QPointF) -> bool:
        """Return whether a point of the scene lies on the button that finds out what helps."""
        return self.can_be_fixed and _FIX.contains(point - self.pos())

    @property
    def shown_state(self) -> State | None:
        """Return the state to show: a node that is switched off says so even while nothing runs."""
        return self.state if self._node.enabled else State.DISABLED

    def _paint_block(self, painter: QPainter, pens: inks.Ink, scale: float) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(self._BODY, pens.node)
        painter.setPen(pens.selected_border if self.isSelected() else pens.node_border)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(self._BODY)
        if (shown := self.shown_state) is not None:
            painter.fillRect(
                QRectF(0, 0, 14 if scale >= inks.SOME_DETAIL else 40, NODE_HEIGHT), theme.colour(shown.value)
            )

    def _paint_card(self, painter: QPainter, pens: inks.Ink) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        if self.isSelected():
            painter.setBrush(pens.halo)
            painter.drawRoundedRect(self._BODY.adjusted(-4, -4, 4, 4), RADIUS + 4, RADIUS + 4)
        else:
            for step, brush in enumerate(pens.shadows):
                painter.setBrush(brush)
                grow = 3 - step
                painter.drawRoundedRect(
                    self._BODY.adjusted(-grow, -grow + 2, grow, grow + 2), RADIUS + grow, RADIUS + grow
                )
        painter.setBrush(pens.node)
        painter.setPen(self._border(pens))
        painter.drawRoundedRect(self._BODY.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)

    def _border(self, pens: inks.Ink) -> QPen:
        if self.isSelected():
            return pens.selected_border
        if not self._node.enabled:
            return pens.disabled_border
        return pens.failed_border if self.state is State.FAILED else pens.node_border

    def _paint_words(self, painter: QPainter, pens: inks.Ink) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(pens.tile)
        painter.drawRoundedRect(_TILE, 7, 7)
        assets.draw_icon(painter, self._icon, _TILE.adjusted(7, 7, -7, -7), theme.current().accent)
        painter.setFont(pens.title)
        painter.setPen(pens.text)
        painter.drawStaticText(QPointF(_TEXT_LEFT, 13), self._title)
        painter.setFont(pens.body)
        if self.shown_state is State.SIGN_IN:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour(State.SIGN_IN.value))
            painter.drawRoundedRect(_PILL, _PILL.height() / 2, _PILL.height() / 2)
            painter.setPen(theme.colour("on_accent"))
            painter.drawText(_PILL, Qt.AlignmentFlag.AlignCenter, "Sign in…")
            return
        alarming = self.state in {State.FAILED, State.RETRYING, State.QUARANTINED} and self._node.enabled
        painter.setPen(theme.colour(self.state.value) if alarming and self.state else pens.muted)
        painter.drawStaticText(QPointF(_TEXT_LEFT, 33), self._line)

    def _paint_fix(self, painter: QPainter) -> None:
        """Paint the button at the lower edge; it stands out when the pointer is on it."""
        assert self.state is not None
        colour, back = theme.colour(self.state.value), theme.colour("node")
        painter.setPen(QPen(colour, 1))
        painter.setBrush(colour if self._is_hot else back)
        painter.drawRoundedRect(_FIX.adjusted(0.5, 0.5, -0.5, -0.5), _FIX.height() / 2, _FIX.height() / 2)
        painter.setFont(inks.ink().body)
        painter.setPen(back if self._is_hot else colour)
        painter.drawText(_FIX, Qt.AlignmentFlag.AlignCenter, "Fix…")

    def _show_hot(self, is_hot: bool) -> None:
        if is_hot is not self._is_hot:
            self._is_hot = is_hot
            self.update()

    def _prepare(self) -> None:
        pens = inks.ink()
        node = self._node
        # The title above says whose reason it is; the room is short.
        said = self.detail.removeprefix(f"{node.name} ")
        line = f"{said[:1].upper()}{said[1:]}" if said else self._summary
        elide, room = Qt.TextElideMode.ElideRight, _TEXT_WIDTH - (_BADGE_ROOM if self.shown_state else 0)
        self._title = _static(pens.title_metrics.elidedText(node.name, elide, room), pens.title)
        # Servers of one kind begin alike: what tells them apart stands at the end.
        middle = Qt.TextElideMode.ElideRight if self.detail else Qt.TextElideMode.ElideMiddle
        self._line = _static(pens.body_metrics.elidedText(line, middle, room), pens.body)
        self._icon = "terminal" if isinstance(node.transport, StdioTransport) else "globe"
        mark = f"Changed since it was accepted: {self.mark}" if self.mark else ""
        fix = "Fix…: find out why, and what helps" if self.can_be_fixed else ""
        words = (shown.look.words if (shown := self.shown_state) else "", self.detail, fix, mark, self._summary)
        self.setToolTip(plain.tip("\n".join([node.name, *(word for word in words if word)])))
        self.update()


def _paint_mark(painter: QPainter) -> None:
    """Paint the chip at the upper corner: its sign says the same without the colour."""
    painter.setPen(QPen(theme.colour("node"), 2))
    painter.setBrush(theme.colour("warning"))
    painter.drawRoundedRect(_MARK, _MARK.height() / 2, _MARK.height() / 2)
    painter.setFont(inks.ink().letter)
    painter.setPen(theme.colour("node"))
    painter.drawText(_MARK, Qt.AlignmentFlag.AlignCenter, "±")


def _summary(node: ServerNode) -> str:
    """Return in a few words how the server is reached. No secret shows: pictures of the canvas go anywhere."""
    transport = without_secrets(node).transport
    if isinstance(transport, StdioTransport):
        # What is started by a package runner matters more than the runner.
        words = [transport.command, *transport.args]
        words = [word for word in words if word not in {"npx", "-y", "--yes", "uvx", "composite-runtime"}] or words
        return " ".join(words).strip() or "no command yet"
    return transport.url.split("://")[-1] or "no URL yet"


def _static(text: str, font: QFont) -> QStaticText:
    made = QStaticText(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.prepare(QTransform(), font)
    return made


_MARK = QRectF(NODE_WIDTH - 40, -8, 24, 16)
_LOCK = QRectF(NODE_WIDTH - 18, 4, 12, 12)
_TILE = QRectF(12, 14, 32, 32)
_PILL = QRectF(_TEXT_LEFT, 32, 64, 20)
_FIX = QRectF(NODE_WIDTH - 68, NODE_HEIGHT - 11, 56, 20)
_SHAPE = QPainterPath()
_SHAPE.addRect(QRectF(0, 0, NODE_WIDTH, NODE_HEIGHT))
_SHAPE.addEllipse(QPointF(NODE_WIDTH, NODE_HEIGHT / 2), PORT_REACH, PORT_REACH)
_SHAPE_WITH_FIX = QPainterPath(_SHAPE)
_SHAPE_WITH_FIX.setFillRule(Qt.FillRule.WindingFill)
_SHAPE_WITH_FIX.addRect(_FIX)
