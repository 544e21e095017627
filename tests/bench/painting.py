"""`python -m tests.bench.painting`: what the canvas costs at 2,000 nodes, beside a plain way of drawing the same."""

import os
import statistics
import sys
import time
from collections.abc import Callable

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import (
    QApplication,
    QGraphicsItem,
    QGraphicsScene,
    QGraphicsView,
    QStyleOptionGraphicsItem,
    QWidget,
)

from composite_runtime.graph import file
from composite_runtime.graph.model import Box, CompositeNode, Edge, Graph, ServerNode, StdioTransport
from fusion_desktop import theme
from fusion_desktop.canvas.scene import CanvasScene
from fusion_desktop.canvas.view import CanvasView
from fusion_desktop.document import layout
from fusion_desktop.document.document import Document
from fusion_desktop.document.places import NODE_HEIGHT, NODE_WIDTH

LIMIT = 0.25
"""What our painting may cost, as a part of the plain one's cost."""


def large(count: int) -> Graph:
    """Return a graph of this many nodes, one in twenty a composite, each server wired to one or two of them."""
    hubs = [CompositeNode(id=f"c{n}", name=f"Composite {n}") for n in range(count // 20)]
    servers = [
        ServerNode(id=f"s{n}", name=f"Server {n}", transport=StdioTransport(command="npx", args=("-y", f"server-{n}")))
        for n in range(count - len(hubs))
    ]
    edges = [
        Edge(source=server.id, target=f"c{(n // 19 + step) % len(hubs)}")
        for n, server in enumerate(servers)
        for step in range(1 + n % 2)
    ]
    columns = 50
    places = {s.id: Box(x=n % columns * 280, y=n // columns * 120) for n, s in enumerate(servers)}
    places |= {h.id: Box(x=columns * 280 + n % 2 * 400, y=n // 2 * 260) for n, h in enumerate(hubs)}
    return Graph(id="bench", name="Bench", nodes=(*hubs, *servers), edges=tuple(edges), layout=places)


class PlainNode(QGraphicsItem):
    """A card painted anew each time, with all its detail at every scale."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self._words = words
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIsSelectable)

    def boundingRect(self) -> QRectF:
        return QRectF(-10, -10, NODE_WIDTH + 20, NODE_HEIGHT + 20)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for grow in (3, 2, 1):
            painter.setBrush(QColor(0, 0, 0, 12))
            painter.drawRoundedRect(QRectF(-grow, 2 - grow, NODE_WIDTH + 2 * grow, NODE_HEIGHT + 2 * grow), 9, 9)
        painter.setBrush(QColor("white"))
        painter.setPen(QPen(QColor("gray"), 1))
        painter.drawRoundedRect(QRectF(0, 0, NODE_WIDTH, NODE_HEIGHT), 9, 9)
        painter.drawRoundedRect(QRectF(12, 14, 32, 32), 7, 7)
        painter.drawEllipse(QPointF(NODE_WIDTH, NODE_HEIGHT / 2), 5, 5)
        painter.setPen(QColor("black"))
        painter.setFont(theme.font(bold=True))
        painter.drawText(QPointF(52, 26), self._words)
        painter.setFont(theme.font(theme.CAPTION))
        painter.drawText(QPointF(52, 45), f"npx -y {self._words}")


def plain(graph: Graph) -> tuple[QGraphicsView, list[QGraphicsItem]]:
    """Return a view of the graph made the plain way, and its nodes."""
    scene = QGraphicsScene()
    for edge in graph.edges:
        start, end = graph.layout[edge.source], graph.layout[edge.target]
        path = QPainterPath(QPointF(start.x + NODE_WIDTH, start.y + NODE_HEIGHT / 2))
        path.cubicTo(start.x + 400, start.y, end.x - 200, end.y, end.x, end.y + 20)
        scene.addPath(path, QPen(QColor("gray"), 2))
    nodes: list[QGraphicsItem] = []
    for node in graph.nodes:
        item = PlainNode(node.name)
        item.setPos(graph.layout[node.id].x, graph.layout[node.id].y)
        scene.addItem(item)
        nodes.append(item)
    view = QGraphicsView(scene)
    scene.setParent(view)
    view.setRenderHint(QPainter.RenderHint.Antialiasing)
    view.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
    return view, nodes


def cpu_ms(work: Callable[[], object], rounds: int = 9) -> float:
    """Return the median processor time of something in milliseconds."""
    took = []
    for _ in range(rounds + 2):
        start = time.process_time()
        work()
        took.append((time.process_time() - start) * 1000)
    return statistics.median(took[2:])


def frames(view: QGraphicsView, nodes: list[QGraphicsItem], whole: QRectF) -> dict[str, float]:
    """Return what each way of looking at a view costs for one frame."""
    shift = iter(range(10_000))

    def repaint() -> None:
        view.viewport().repaint()

    def drag() -> None:
        step = 10.0 if next(shift) % 2 else -10.0
        for item in nodes[-200:]:
            item.moveBy(step, step)
        repaint()

    costs = {}
    view.resetTransform()
    view.centerOn(2000, 1500)
    costs["full repaint"] = cpu_ms(repaint)
    view.fitInView(whole, Qt.AspectRatioMode.KeepAspectRatio)
    costs["all in view"] = cpu_ms(repaint)
    costs["dragging 200"] = cpu_ms(drag)
    return costs


def main() -> int:
    """Measure, print, and tell by the exit code whether the painting keeps its limit."""
    app = QApplication.instance() or QApplication([])
    theme.apply("light")
    graph = large(2000)
    text = file.dumps(graph)
    document = Document()

    def load() -> None:
        fresh = Document()
        CanvasScene(fresh, fresh)
        fresh.load(file.loads(text))
        fresh.deleteLater()

    document.load(graph)
    scene = CanvasScene(document)
    ours = CanvasView(document, scene)
    load_ms = cpu_ms(load, rounds=3)
    theirs, plain_nodes = plain(graph)
    for view in (ours, theirs):
        view.resize(1600, 900)
        view.show()
    app.processEvents()
    whole = scene.content_rect()
    mine = frames(ours, list(scene.node_items), whole)
    other = frames(theirs, plain_nodes, whole)
    lines = [
        f"{name:30} {cost:7.1f} ms   plain {other[name]:7.1f} ms   ratio {cost / other[name]:.2f}"
        for name, cost in mine.items()
    ]
    small = large(500)
    arrange_ms = cpu_ms(lambda: layout.arranged(small, None), rounds=5)
    lines += [f"{'load 2,000 nodes':30} {load_ms:7.0f} ms", f"{'arrange 500 nodes':30} {arrange_ms:7.0f} ms"]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if all(cost / other[name] <= LIMIT for name, cost in mine.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
