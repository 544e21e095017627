"""The catalogue: known servers, a command or URL of one's own, and composites, to be dragged onto the canvas."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from PySide6.QtCore import (
    QAbstractListModel,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QLabel,
    QLineEdit,
    QListView,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from composite_runtime.graph.model import CompositeNode, HttpTransport, ServerNode, StdioTransport
from fusion_desktop import assets, theme
from fusion_desktop.controls import search_field
from fusion_desktop.document import offers
from fusion_desktop.document.template import Template

Index: TypeAlias = QModelIndex | QPersistentModelIndex

OWN = (
    Template(CompositeNode(id="", name="Composite"), "Offers its members as one server", "composite", ("group",)),
    Template(
        ServerNode(id="", name="Command", transport=StdioTransport(command="")),
        "A server started by a command of your own",
        "terminal",
        ("stdio", "custom command"),
    ),
    Template(
        ServerNode(id="", name="URL", transport=HttpTransport(url="")),
        "A server that runs somewhere already",
        "link",
        ("http", "remote", "url"),
    ),
)
"""What does not come from the catalogue file."""


def load_catalogue() -> tuple[Template, ...]:
    """Return all that can be put on the canvas: our own kinds, what comes with Fusion, and what is known."""
    return (*OWN, *offers.with_fusion(), *offers.known())


class CatalogueModel(QAbstractListModel):
    """The templates as rows that can be dragged."""

    TemplateRole = Qt.ItemDataRole.UserRole

    def __init__(self, templates: tuple[Template, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._templates = templates

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own default
        return 0 if parent.isValid() else len(self._templates)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        template = self._templates[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return template.node.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join((template.summary, *_to_know(template)))
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return ". ".join((template.summary, *_to_know(template)))
        if role == Qt.ItemDataRole.StatusTipRole:
            return template.summary
        if role == self.TemplateRole:
            return template
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsDragEnabled

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        template = self._templates[indexes[0].row()]
        return template.to_mime()


def _to_know(template: Template) -> list[str]:
    """Return what matters before the first start."""
    ways = template.ways[:1]
    asked = [prompt.label for way in ways for prompt in way.prompts.values() if prompt.is_required]
    keys = "Asks for " + ", ".join(asked) if asked else ""
    return list(filter(None, (f"Needs {template.needs}" if template.needs else "", keys, template.note)))


class _Search(QSortFilterProxyModel):
    """Keeps the rows of a category in which every word of the search occurs."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._words: list[str] = []
        self._category = ""

    def narrow(self, text: str, category: str) -> None:
        self.beginFilterChange()
        self._words = text.casefold().split()
        self._category = category
        self.endFilterChange()

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:
        template: Template = self.sourceModel().index(row, 0).data(CatalogueModel.TemplateRole)
        if self._category and self._category not in template.categories:
            return False
        hay = " ".join((template.node.name, template.summary, *template.tags)).casefold()
        return all(word in hay for word in self._words)


class _Row(QStyledItemDelegate):
    """Paints an icon, a name and what it is good for."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(160, 52)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        template: Template = index.data(CatalogueModel.TemplateRole)
        area: QRect = option.rect.adjusted(6, 2, -6, -2)
        state: QStyle.StateFlag = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if state & QStyle.StateFlag.State_Selected:
            painter.setBrush(theme.colour("selection"))
            painter.drawRoundedRect(area, theme.RADIUS, theme.RADIUS)
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(theme.colour("hover"))
            painter.drawRoundedRect(area, theme.RADIUS, theme.RADIUS)
        tile = QRect(area.x() + 8, area.y() + 8, 32, 32)
        painter.setBrush(theme.colour("accent", 30))
        painter.drawRoundedRect(tile, 7, 7)
        assets.icon(template.icon, "accent").paint(painter, tile.adjusted(6, 6, -6, -6))
        left, width = tile.right() + 10, area.right() - tile.right() - 18
        if template.asks_secret:
            # Right of the name: it takes a key to use this.
            assets.icon("key", "muted").paint(painter, QRect(area.right() - 20, area.y() + 8, 14, 14))
        for text, font, role, top in (
            (template.node.name, theme.font(bold=True), "text", 6),
            (template.summary, theme.font(theme.CAPTION), "muted", 25),
        ):
            painter.setFont(font)
            painter.setPen(theme.colour(role))
            room = width - 18 if template.asks_secret and top == 6 else width
            shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, room)
            painter.drawText(QRect(left, area.y() + top, width, 18), Qt.AlignmentFlag.AlignVCenter, shown)
        painter.restore()


class CataloguePanel(QWidget):
    """Search, then drag; Enter or a double click adds what is chosen to the middle of the canvas."""

    chosen = Signal(object)
    """A `Template` to be added."""
    registry_wanted = Signal()

    def __init__(self, templates: tuple[Template, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = CatalogueModel(templates, self)
        self._rows = _Search(self)
        self._rows.setSourceModel(self._model)
        self.search = search_field("Search servers")
        self.search.addAction(assets.icon("magnifier", "muted"), QLineEdit.ActionPosition.LeadingPosition)
        self.category = QComboBox()
        self.category.setAccessibleName("Category")
        self.category.addItem("All categories", "")
        for name in sorted({name for template in templates for name in template.categories}):
            self.category.addItem(name[:1].upper() + name[1:], name)
        more = QPushButton("Search the registry…")
        more.clicked.connect(self.registry_wanted)
        self.list = QListView()
        self.list.setAccessibleName("Servers to add")
        self.list.setModel(self._rows)
        self.list.setItemDelegate(_Row(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setDragEnabled(True)
        self.list.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self._nothing = QLabel(
            "Nothing fits. Search the registry, or drag “Command” or “URL” for a server of your own."
        )
        self._nothing.setProperty("role", "muted")
        self._nothing.setWordWrap(True)
        self._nothing.setContentsMargins(16, 8, 16, 8)
        self._nothing.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.setSpacing(8)
        head = QVBoxLayout()
        head.setContentsMargins(8, 0, 8, 0)
        head.setSpacing(8)
        head.addWidget(self.search)
        head.addWidget(self.category)
        layout.addLayout(head)
        layout.addWidget(self._nothing)
        layout.addWidget(self.list, 1)
        foot = QVBoxLayout()
        foot.setContentsMargins(8, 0, 8, 8)
        foot.addWidget(more)
        layout.addLayout(foot)
        self.search.textChanged.connect(self._search)
        self.category.currentIndexChanged.connect(self._search)
        self.search.returnPressed.connect(self._choose_first)
        self.list.activated.connect(self._choose)
        theme.signals.changed.connect(self.list.viewport().update)

    def _search(self) -> None:
        self._rows.narrow(self.search.text(), self.category.currentData())
        self._nothing.setVisible(not self._rows.rowCount())

    def _choose_first(self) -> None:
        if self._rows.rowCount():
            self._choose(self._rows.index(0, 0))

    def _choose(self, index: QModelIndex) -> None:
        self.chosen.emit(index.data(CatalogueModel.TemplateRole))
