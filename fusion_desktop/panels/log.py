"""The log dock: what the runtime and its children said, filtered, followed, copied and saved."""

from pathlib import Path

from PySide6.QtCore import QPoint, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QGuiApplication, QPainter, QPolygon
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from composite_runtime import files
from composite_runtime.errors import FusionError
from fusion_desktop import theme
from fusion_desktop.controls import search_field
from fusion_desktop.panels.rows import RowTable, RowWords, bar_above, pause_button
from fusion_desktop.run.alone import node_of
from fusion_desktop.run.log_model import RUNTIME, Entry, Filter, Level, LogModel
from fusion_desktop.run.rows import Index

_TYPING_MS = 120
"""How long the user must have stopped typing before the list is searched."""
_ROLES = {
    Level.DEBUG: "faint",
    Level.INFO: "muted",
    Level.NOTICE: "info",
    Level.WARNING: "warning",
    Level.ERROR: "error",
    Level.CRITICAL: "error",
    Level.ALERT: "error",
    Level.EMERGENCY: "error",
}


class LogPanel(QWidget):
    """Shows the log with filters, search, pause, copy and save."""

    node_wanted = Signal(str)
    """The id of a node whose entry was double-clicked."""

    def __init__(self, model: LogModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._typing = QTimer(self, interval=_TYPING_MS, singleShot=True)
        self._typing.timeout.connect(self._apply)
        self._build()
        model.sources_changed.connect(self._list_sources)
        model.counted.connect(self._count)
        model.rowsInserted.connect(self.table.follow)
        model.modelReset.connect(self.table.follow)
        self._list_sources()
        self._count(model.rowCount(), model.rowCount())

    def show_node(self, node_id: str | None) -> None:
        """Show only what one node said, or everything."""
        if node_id is not None and self.sources.findData(node_id) < 0:
            self.sources.addItem(self._model.name_of(node_id), node_id)
        self.sources.setCurrentIndex(max(0, self.sources.findData(node_id)))

    def copy(self) -> None:
        """Put the selected entries, or all that are shown, on the clipboard."""
        QGuiApplication.clipboard().setText(self._model.text_of(self.table.chosen() or self._model.shown()))

    def save(self) -> None:
        """Ask for a file and write what is shown."""
        dialog = QFileDialog(self, "Save the log", "fusion.log")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.save_to(Path(name)))
        dialog.open()

    def save_to(self, path: Path) -> None:
        """Write what is shown to a file; the line below the list tells how that went."""
        entries = self._model.shown()
        try:
            files.write_text(path, self._model.text_of(entries))
        except FusionError as error:
            self._words.tell(error.message, "error")
        else:
            self._words.tell(f"{len(entries)} entries were written to {path}.")

    def _build(self) -> None:
        self.search = search_field("Search", "Search the log")
        self.search.textChanged.connect(self._typing.start)
        self.levels = QComboBox()
        self.levels.setAccessibleName("Level")
        for level in Level:
            self.levels.addItem("All levels" if level is Level.DEBUG else f"{level.name.capitalize()} and up", level)
        self.levels.setCurrentIndex(int(Level.INFO))
        self.levels.currentIndexChanged.connect(self._apply)
        self.sources = QComboBox()
        self.sources.setAccessibleName("Node")
        self.sources.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.sources.currentIndexChanged.connect(self._apply)
        self.pause = pause_button("Let the list stand still; entries are still collected", self._model.set_paused)
        self._build_table()
        self._words = RowWords()
        buttons = (
            ("Copy", "copy", "Copy the selected entries, or all that are shown", self.copy),
            ("Save", "save", "Save what is shown to a file", self.save),
            ("Clear", "trash", "Forget all entries", self._model.clear),
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.GRID)
        layout.addLayout(bar_above(self.search, (self.levels, self.sources, self.pause), buttons))
        layout.addWidget(self.table, 1)
        layout.addWidget(self._words)
        self._apply()

    def _build_table(self) -> None:
        self.table = RowTable("Log")
        self.table.setModel(self._model)
        self.table.setItemDelegate(_Cells(self.table))
        self.table.horizontalHeader().setStretchLastSection(True)
        for column, width in enumerate((100, 92, 150)):
            self.table.setColumnWidth(column, width)
        self.table.doubleClicked.connect(self._go)
        self.table.copied.connect(self.copy)
        self.table.menu_wanted.connect(self._offer)

    def _apply(self) -> None:
        source = self.sources.currentData()
        wanted = Filter(
            level=Level(self.levels.currentData() or 0),
            sources=frozenset({source}) if source is not None else None,
            text=self.search.text(),
        )
        if wanted != self._model.filter:
            self._model.set_filter(wanted)

    def _list_sources(self) -> None:
        chosen = self.sources.currentData()
        self.sources.blockSignals(True)
        self.sources.clear()
        self.sources.addItem("All nodes", None)
        for source in self._model.sources():
            self.sources.addItem("Runtime" if source == "runtime" else self._model.name_of(source), source)
        self.sources.blockSignals(False)
        self.show_node(chosen)

    def _count(self, shown: int, kept: int) -> None:
        if not kept:
            self._words.tell("Nothing was said yet. What the runtime and its servers say appears here.")
        elif shown == kept:
            self._words.tell(f"{kept:,} entries")
        else:
            self._words.tell(f"{shown:,} of {kept:,} entries; the others are hidden by the filter")

    def _offer(self, menu: QMenu, entry: Entry) -> None:
        name = "the runtime" if entry.source == RUNTIME else self._model.name_of(entry.source)
        menu.addAction("Copy the entry", self.copy)
        menu.addAction("Copy the message alone", lambda: QGuiApplication.clipboard().setText(entry.text))
        menu.addSeparator()
        menu.addAction(f"Only {name}", lambda: self.show_node(entry.source))
        if self.sources.currentData() is not None:
            menu.addAction("All nodes", lambda: self.show_node(None))
        if entry.source != RUNTIME:
            menu.addAction("Show the node", lambda: self.node_wanted.emit(node_of(entry.source)))

    def _go(self, index: Index) -> None:
        self.node_wanted.emit(node_of(index.data(LogModel.RowRole).source))


class _Cells(QStyledItemDelegate):
    """Paints a row in the colour of its level; the level's shape and word say the same without colour."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        entry: Entry = index.data(LogModel.RowRole)
        rect = option.rect
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, theme.colour("selection"))
        elif entry.level >= Level.WARNING:
            painter.fillRect(rect, theme.colour(_ROLES[entry.level], 22))
        inner = rect.adjusted(2 * theme.GRID, 0, -theme.GRID, 0)
        column = index.column()
        painter.save()
        if column == 1:
            _draw_sign(painter, QRect(inner.left(), inner.center().y() - 4, 9, 9), entry.level)
            inner.adjust(4 * theme.GRID, 0, 0, 0)
        is_plain = column in (0, 2) or (column == 3 and entry.level < Level.WARNING)
        role = "muted" if column in (0, 2) else "text" if is_plain else _ROLES[entry.level]
        painter.setFont(theme.font(theme.CAPTION, mono=column != 2 and column != 1))
        painter.setPen(theme.colour("faint" if entry.level is Level.DEBUG and column == 3 else role))
        text = painter.fontMetrics().elidedText(str(index.data()), Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
        painter.restore()


def _draw_sign(painter: QPainter, box: QRect, level: Level) -> None:
    """Draw a dot, a triangle or an octagon-like square: info, warning, error."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(getattr(theme.current(), _ROLES[level])))
    if level >= Level.ERROR:
        painter.drawRect(box.adjusted(0, 0, -1, -1))
    elif level is Level.WARNING:
        painter.drawPolygon(
            QPolygon([QPoint(box.center().x(), box.top()), box.bottomRight(), QPoint(box.left(), box.bottom())])
        )
    else:
        painter.drawEllipse(box.adjusted(1, 1, -2, -2))
