"""A graph as a picture, in any theme and size, whatever the window shows of it at the moment."""

from collections.abc import Mapping

from PySide6.QtCore import QBuffer, QIODevice, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QImageWriter, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QGraphicsItem

from composite_runtime.graph.model import Graph
from fusion_desktop import theme
from fusion_desktop.canvas.scene import CanvasScene
from fusion_desktop.canvas.state import State
from fusion_desktop.document.document import Document

MARGIN = 32.0
LARGEST_SIDE = 16_000
"""In pixels; programs that show pictures fail beyond it, and memory does."""

States = Mapping[str, tuple[State, str]]


def image(graph: Graph, look: str, scale: float = 1.0, *, clear: bool = False, states: States | None = None) -> QImage:
    """Return the graph as pixels, `scale` of them per point, or fewer if it would get too large."""
    with theme.painting(look):
        document = Document()
        scene, area = _drawn(document, graph, states or {})
        scale = min(scale, LARGEST_SIDE / max(area.width(), area.height()))
        made = QImage(
            QSize(round(area.width() * scale), round(area.height() * scale)),
            QImage.Format.Format_ARGB32_Premultiplied if clear else QImage.Format.Format_RGB32,
        )
        made.fill(Qt.GlobalColor.transparent if clear else theme.colour("canvas"))
        painter = QPainter(made)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        scene.render(painter, QRectF(made.rect()), area)
        painter.end()
    return made


def png(image: QImage) -> bytes:
    """Return pixels as a PNG file."""
    held = QBuffer()
    held.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QImageWriter(held, b"png")
    writer.write(image)
    return bytes(held.data().data())


def svg(graph: Graph, look: str, *, clear: bool = False, states: States | None = None) -> bytes:
    """Return the graph as an SVG file whose words are text."""
    with theme.painting(look):
        document = Document()
        scene, area = _drawn(document, graph, states or {})
        held = QBuffer()
        held.open(QIODevice.OpenModeFlag.WriteOnly)
        generator = QSvgGenerator()
        generator.setOutputDevice(held)
        # Sizes are in points at 96 per inch, as browsers take them.
        generator.setResolution(96)
        generator.setSize(area.size().toSize())
        generator.setViewBox(QRectF(0, 0, area.width(), area.height()))
        generator.setTitle(graph.name)
        generator.setDescription("A graph of MCP servers, drawn by Fusion")
        painter = QPainter(generator)
        if not clear:
            painter.fillRect(QRectF(0, 0, area.width(), area.height()), theme.colour("canvas"))
        scene.render(painter, QRectF(0, 0, area.width(), area.height()), area)
        painter.end()
    return bytes(held.data().data())


def _drawn(document: Document, graph: Graph, states: States) -> tuple[CanvasScene, QRectF]:
    document.load(graph)
    scene = CanvasScene(document, document)
    area = QRectF()
    for node_id, (state, detail) in states.items():
        scene.show_state(node_id, state, detail)
    scene.sum_up()
    for item in scene.items():
        if item.isVisible():
            # What is cached is cached as pixels.
            item.setCacheMode(QGraphicsItem.CacheMode.NoCache)
            area = area.united(item.sceneBoundingRect())
    return scene, area.adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN)
