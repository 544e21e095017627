"""A composite on the canvas: a container drawn behind its members, or a card that stands for them all."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from composite_runtime.graph.model import CompositeNode
from fusion_desktop import assets, theme
from fusion_desktop.canvas import ink as inks
from fusion_desktop.canvas.node_item import MARGIN, PORT_RADIUS, PORT_REACH
from fusion_desktop.canvas.state import State, draw_badge
from fusion_desktop.document.places import HEADER, NODE_HEIGHT, NODE_WIDTH

RADIUS = 12.0
CORNER = 18.0
"""How large the corner is at which a composite is resized."""

_FOLD = QRectF(9, 0, 16, 16)


class CompositeItem(QGraphicsItem):
    """Shows one composite node; decides nothing."""

    def __init__(self, node: CompositeNode) -> None:
        super().__init__()
        self.node_id = node.id
        self.state: State | None = None
        self.detail = ""
        self._node = node
        self._body = QRectF(0, 0, 280, 160)
        self._depth = 0
        self._members = 0
        self._target: bool | None = None
        self._is_served = False
        self.is_collapsed = False
        self.is_locked = False
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIsSelectable)
        self.setAcceptHoverEvents(True)

    def show_node(self, node: CompositeNode) -> None:
        """Show what the node says now."""
        self._node = node
        self.update()

    def show_state(self, state: State | None, detail: str) -> None:
        """Show what the members are doing; None while nothing runs."""
        self.state, self.detail = state, detail
        self.update()

    def restyle(self) -> None:
        """Take the fonts and colours of another theme."""
        self.update()

    def show_place(self, *, members: int, depth: int, is_served: bool) -> None:
        """Show how many members it has, how deep it lies, and whether clients reach it."""
        if (members, depth, is_served) != (self._members, self._depth, self._is_served):
            self._members, self._is_served = members, is_served
            self._depth = depth
            self.update()
        # A card lies among the cards, above the wires; what contains lies behind what it contains.
        self.setZValue(1000 if self.is_collapsed else depth)

    def show_locked(self, locked: bool) -> None:
        """Say whether it can be moved."""
        if locked is not self.is_locked:
            self.is_locked = locked
            self.update()

    def show_target(self, allowed: bool | None) -> None:
        """Mark it as the place where a drag would drop, as one that refuses, or not at all."""
        if allowed is not self._target:
            self._target = allowed
            self.update()

    def set_size(self, width: float, height: float, *, collapsed: bool = False) -> None:
        """Cover this much; when collapsed, as much as a server does."""
        if collapsed is not self.is_collapsed:
            self.is_collapsed = collapsed
            self.setZValue(1000 if collapsed else self._depth)
            self.update()
        if collapsed:
            width, height = NODE_WIDTH, NODE_HEIGHT
        if (width, height) != (self._body.width(), self._body.height()):
            self.prepareGeometryChange()
            self._body = QRectF(0, 0, width, height)

    def boundingRect(self) -> QRectF:
        return self._body.adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN)

    def shape(self) -> QPainterPath:
        path = QPainterPath()
        path.addRect(self._body)
        path.addEllipse(QPointF(0, self._port), PORT_REACH, PORT_REACH)
        path.addEllipse(QPointF(self._body.width(), self._port), PORT_REACH, PORT_REACH)
        path.setFillRule(Qt.FillRule.WindingFill)
        return path

    @property
    def body(self) -> QRectF:
        """Return the container in scene coordinates."""
        return self._body.translated(self.pos())

    @property
    def output(self) -> QPointF:
        """Return the port from which the composite is offered, in scene coordinates."""
        return self.pos() + QPointF(self._body.width(), self._port)

    @property
    def input(self) -> QPointF:
        """Return the port at which wires from members end, in scene coordinates."""
        return self.pos() + QPointF(0, self._port)

    @property
    def _port(self) -> float:
        return (NODE_HEIGHT if self.is_collapsed else HEADER) / 2

    def fold_holds(self, point: QPointF) -> bool:
        """Tell whether a point of the scene lies on the sign at which the composite is collapsed or expanded."""
        middle = self.pos() + QPointF(_FOLD.center().x(), self._port)
        return abs(point.x() - middle.x()) <= 12 and abs(point.y() - middle.y()) <= 14

    def header_holds(self, point: QPointF) -> bool:
        """Tell whether a point of the scene lies at the height of its title."""
        return point.y() <= self.body.top() + HEADER

    def corner_holds(self, point: QPointF) -> bool:
        """Tell whether a point of the scene lies in the corner at which the composite is resized."""
        if self.is_collapsed:
            return False
        corner = self.body.bottomRight()
        return corner.x() - CORNER <= point.x() <= corner.x() and corner.y() - CORNER <= point.y() <= corner.y()

    @property
    def shown_state(self) -> State | None:
        """Return the state to show."""
        return self.state if self._node.enabled else State.DISABLED

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        scale = option.levelOfDetailFromTransform(painter.worldTransform())
        pens = inks.ink()
        detailed = scale >= inks.FULL_DETAIL
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, detailed)
        body = self._body.adjusted(0.5, 0.5, -0.5, -0.5)
        if self.isSelected() and detailed:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(pens.halo)
            painter.drawRoundedRect(body.adjusted(-4, -4, 4, 4), RADIUS + 4, RADIUS + 4)
        painter.setPen(self._border(pens))
        if self.is_collapsed:
            # Two sheets show below the first: there is more than one thing here.
            painter.setBrush(pens.composite[0])
            for step in (8, 4):
                painter.drawRoundedRect(body.adjusted(step, 12, -step, step), RADIUS - 4, RADIUS - 4)
        fill = pens.node if self.is_collapsed else pens.composite[self._depth % 2]
        painter.setBrush(Qt.BrushStyle.NoBrush if self._is_passed else fill)
        if self._is_passed and self.is_collapsed:
            painter.setBrush(pens.composite[0])
        painter.drawRoundedRect(body, RADIUS, RADIUS) if detailed else painter.drawRect(body)
        if self._target:
            painter.setBrush(pens.target_fill)
            painter.drawRoundedRect(body, RADIUS, RADIUS)
        if detailed and self.is_collapsed:
            self._paint_card(painter, pens)
        elif detailed:
            self._paint_header(painter, pens)
        elif (shown := self.shown_state) is not None:
            painter.fillRect(QRectF(0, 0, self._body.width(), 12), theme.colour(shown.value))

    def _border(self, pens: inks.Ink) -> QPen:
        if self._target is not None:
            return pens.target_border if self._target else pens.refused_border
        if self.isSelected():
            return pens.selected_border
        if not self._node.enabled:
            return pens.disabled_border
        return pens.bypassed_border if self._node.bypassed else pens.composite_border

    @property
    def _is_passed(self) -> bool:
        return self._node.bypassed and self._node.enabled

    @property
    def _count(self) -> str:
        return "empty" if not self._members else f"{self._members} member{'s' if self._members != 1 else ''}"

    def _paint_card(self, painter: QPainter, pens: inks.Ink) -> None:
        badge = 26 if self.shown_state is not None else 0
        room = NODE_WIDTH - 52 - 16 - badge
        self._paint_fold(painter)
        icon = "bypass" if self._is_passed else "composite"
        assets.draw_icon(painter, icon, QRectF(28, self._port - 9, 18, 18), theme.current().muted)
        painter.setFont(pens.title)
        painter.setPen(pens.text)
        title = pens.title_metrics.elidedText(self._node.name, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(54, 10, room, 20), Qt.AlignmentFlag.AlignVCenter, title)
        words = "bypassed" if self._is_passed else self.detail or self._count
        painter.setFont(pens.body)
        painter.setPen(pens.muted)
        line = pens.body_metrics.elidedText(words, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(54, 31, room, 18), Qt.AlignmentFlag.AlignVCenter, line)
        if (shown := self.shown_state) is not None:
            draw_badge(painter, shown, QPointF(NODE_WIDTH - 22, self._port))
        if self.is_locked:
            assets.draw_icon(painter, "lock", QRectF(NODE_WIDTH - 18, 4, 12, 12), theme.current().muted)
        self._paint_ports(painter, pens)

    def _paint_fold(self, painter: QPainter) -> None:
        sign = "chevron-right" if self.is_collapsed else "chevron-down"
        at = QRectF(_FOLD.x(), self._port - 8, 16, 16)
        assets.draw_icon(painter, sign, at, theme.current().muted)

    def _paint_header(self, painter: QPainter, pens: inks.Ink) -> None:
        width = self._body.width()
        self._paint_fold(painter)
        icon = "bypass" if self._is_passed else "composite"
        assets.draw_icon(painter, icon, QRectF(28, 11, 18, 18), theme.current().muted)
        side = self.detail or self._count
        if self._is_passed:
            side = "bypassed"
        lock = 20 if self.is_locked else 0
        side_width = pens.body_metrics.horizontalAdvance(side)
        badge = 26 if self.shown_state is not None else 0
        painter.setFont(pens.title)
        painter.setPen(pens.text)
        room = max(20.0, width - 54 - side_width - badge - lock - 32)
        title = pens.title_metrics.elidedText(self._node.name, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(54, 0, room, HEADER), Qt.AlignmentFlag.AlignVCenter, title)
        painter.setFont(pens.body)
        painter.setPen(pens.muted)
        if self.is_locked:
            at = QRectF(width - 18 - badge - side_width - 22, HEADER / 2 - 7, 14, 14)
            assets.draw_icon(painter, "lock", at, theme.current().muted)
        side_box = QRectF(width - 18 - badge - side_width - 2, 0, side_width + 4, HEADER)
        painter.drawText(side_box, Qt.AlignmentFlag.AlignVCenter, side)
        if (shown := self.shown_state) is not None:
            draw_badge(painter, shown, QPointF(width - 26, HEADER / 2))
        if not self._members:
            painter.setPen(pens.muted)
            painter.setFont(pens.body)
            room_below = QRectF(16, HEADER, width - 32, self._body.height() - HEADER - 12)
            words = "Drop servers here"
            painter.drawText(room_below, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, words)
        self._paint_ports(painter, pens)

    def _paint_ports(self, painter: QPainter, pens: inks.Ink) -> None:
        width, height = self._body.width(), self._body.height()
        painter.setPen(pens.port)
        painter.setBrush(pens.port_fill)
        painter.drawEllipse(QPointF(0, self._port), PORT_RADIUS, PORT_RADIUS)
        if self._is_served:
            # What clients connect to ends in an arrow, not in a port: nothing above it takes it in.
            assets.draw_icon(painter, "send", QRectF(width - 9, self._port - 9, 18, 18), theme.current().accent)
        else:
            painter.drawEllipse(QPointF(width, self._port), PORT_RADIUS, PORT_RADIUS)
        if self.is_collapsed:
            return
        painter.setPen(pens.composite_border)
        for reach in (5, 9):
            painter.drawLine(QPointF(width - 4 - reach, height - 5), QPointF(width - 5, height - 4 - reach))
