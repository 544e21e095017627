"""Pens, brushes and fonts of the canvas, made once per theme: a paint method creates none."""

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPen

from fusion_desktop import theme

FULL_DETAIL, SOME_DETAIL = 0.35, 0.15
"""Below these scales a node is drawn without words, and then without its badge."""


@dataclass(frozen=True)
class Ink:
    """What items paint with."""

    node: QBrush
    composite: tuple[QBrush, ...]
    header: QBrush
    node_border: QPen
    composite_border: QPen
    disabled_border: QPen
    bypassed_border: QPen
    selected_border: QPen
    target_border: QPen
    refused_border: QPen
    failed_border: QPen
    target_fill: QBrush
    halo: QBrush
    shadows: tuple[QBrush, ...]
    tile: QBrush
    text: QPen
    muted: QPen
    faint: QPen
    port: QPen
    port_fill: QBrush
    port_busy: QBrush
    wire: QPen
    wire_standing: QPen
    """Of what a collapsed composite hides."""
    wire_hovered: QPen
    wire_selected: QPen
    wire_busy: QPen
    wire_dragged: QPen
    guide: QPen
    wire_refused: QPen
    title: QFont
    body: QFont
    letter: QFont
    title_metrics: QFontMetricsF
    body_metrics: QFontMetricsF


def ink() -> Ink:
    """Return what the theme in use paints with."""
    return _make(theme.current())


@lru_cache(maxsize=4)
def _make(chosen: theme.Theme) -> Ink:
    title, body = theme.font(theme.BODY, bold=True), theme.font(theme.CAPTION)
    return Ink(
        node=QBrush(QColor(chosen.node)),
        composite=_depths(chosen),
        header=QBrush(_clear(chosen.text, 10)),
        node_border=_pen(chosen.node_border),
        composite_border=_pen(chosen.composite_border),
        disabled_border=_pen(chosen.outline, style=Qt.PenStyle.DashLine),
        bypassed_border=_pen(chosen.composite_border, 1.5, Qt.PenStyle.DotLine),
        selected_border=_pen(chosen.accent, 2),
        target_border=_pen(chosen.accent, 2),
        refused_border=_pen(chosen.error, 2, Qt.PenStyle.DashLine),
        failed_border=_pen(chosen.failed),
        target_fill=QBrush(_clear(chosen.accent, 26)),
        halo=QBrush(_clear(chosen.accent, 46)),
        shadows=tuple(
            QBrush(_clear("#000000", alpha)) for alpha in ((5, 6, 8) if not chosen.is_dark else (26, 26, 30))
        ),
        tile=QBrush(_clear(chosen.accent, 30)),
        text=QPen(QColor(chosen.text)),
        muted=QPen(QColor(chosen.muted)),
        faint=QPen(QColor(chosen.disabled)),
        port=_pen(chosen.wire, 1.5),
        port_fill=QBrush(QColor(chosen.node)),
        port_busy=QBrush(QColor(chosen.wire)),
        wire=_pen(chosen.wire),
        wire_standing=_pen(chosen.wire, style=Qt.PenStyle.DashLine),
        wire_hovered=_pen(chosen.text, 2),
        wire_selected=_pen(chosen.accent, 2),
        wire_busy=_pen(chosen.busy, 2),
        wire_dragged=_pen(chosen.accent, 2),
        guide=_pen(chosen.accent),
        wire_refused=_pen(chosen.error, 2, Qt.PenStyle.DashLine),
        title=title,
        body=body,
        letter=theme.font(10, bold=True),
        title_metrics=QFontMetricsF(title),
        body_metrics=QFontMetricsF(body),
    )


def _depths(chosen: theme.Theme) -> tuple[QBrush, ...]:
    """Return a fill per depth, so that a composite stands out from the one around it."""
    base, other = QColor(chosen.composite), QColor(chosen.canvas)
    return tuple(QBrush(base if depth % 2 == 0 else _mixed(base, other)) for depth in range(2))


def _mixed(one: QColor, other: QColor) -> QColor:
    return QColor((one.red() + other.red()) // 2, (one.green() + other.green()) // 2, (one.blue() + other.blue()) // 2)


def _pen(colour: str, width: float = 1, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    pen = QPen(QColor(colour), width, style)
    # A line of one device pixel takes Qt's quick path at every zoom.
    pen.setCosmetic(True)
    return pen


def _clear(colour: str, alpha: int) -> QColor:
    made = QColor(colour)
    made.setAlpha(alpha)
    return made
