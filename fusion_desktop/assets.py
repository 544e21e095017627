"""Our own drawn icons, tinted when they are painted, so that a new theme reaches them all."""

from functools import cache, lru_cache

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from composite_runtime import paths
from fusion_desktop import theme


def icon(name: str, role: str = "text") -> QIcon:
    """Return the icon `resources/icons/NAME.svg` in the colour of a theme role; it follows a change of theme."""
    _source(name)  # an unknown name fails here, not at the first paint
    return QIcon(_TintedEngine(name, role))


def draw_icon(painter: QPainter, name: str, target: QRectF, colour: str) -> None:
    """Paint an icon in one colour, for items that paint themselves."""
    _renderer(name, colour).render(painter, target)


@lru_cache(maxsize=256)
def _renderer(name: str, colour: str) -> QSvgRenderer:
    # Reading a drawing costs far more than painting it, and the canvas paints many.
    return QSvgRenderer(_source(name).replace(b"currentColor", colour.encode()))


@cache
def _source(name: str) -> bytes:
    return paths.resource(f"icons/{name}.svg").read_bytes()


class _TintedEngine(QIconEngine):
    """Paints one file in the colour that its role has at that moment."""

    def __init__(self, name: str, role: str) -> None:
        super().__init__()
        self._name = name
        self._role = role

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        role = "faint" if mode == QIcon.Mode.Disabled else self._role
        draw_icon(painter, self._name, QRectF(rect), getattr(theme.current(), role))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        if size.isEmpty():
            return QPixmap()  # a button squeezed to nothing still asks
        made = QPixmap(size)
        made.fill(Qt.GlobalColor.transparent)
        painter = QPainter(made)
        self.paint(painter, QRect(QPoint(), size), mode, state)
        painter.end()
        return made

    def clone(self) -> QIconEngine:
        return _TintedEngine(self._name, self._role)
