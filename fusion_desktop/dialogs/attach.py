"""Choose one of the composites that run on this machine, whoever has started them, to watch it."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from composite_runtime.attach import attached
from composite_runtime.attach.place import Run
from composite_runtime.errors import FusionError
from composite_runtime.graph import file
from fusion_desktop import assets, theme
from fusion_desktop.tasks import spawn

_REFRESH_MS = 1500
_RUN = Qt.ItemDataRole.UserRole


class AttachDialog(QDialog):
    """Lists what runs, kept current while it is open."""

    chosen = Signal(object)
    """The `Run` to watch."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Attach to a running composite")
        self.setMinimumSize(560, 360)
        self._runs: tuple[Run, ...] = ()
        self._task: asyncio.Task[None] | None = None
        words = QLabel(
            "Composites of yours that run on this machine, whichever program has started them. "
            "Watching one shows its log and its traffic, and changes nothing."
        )
        words.setWordWrap(True)
        words.setProperty("role", "muted")
        self.list = QListWidget()
        self.list.setAccessibleName("Running composites")
        self.list.setItemDelegate(_Entry(self.list))
        self.list.itemActivated.connect(self._choose)
        self.list.currentItemChanged.connect(self._update)
        self.empty = QLabel("Looking…", alignment=Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.empty.setProperty("role", "muted")
        self.watch = QPushButton("Watch")
        self.watch.setDefault(True)
        self.watch.setProperty("primary", True)
        self.watch.clicked.connect(self._choose)
        cancel = QPushButton("Cancel")
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.watch)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4 * theme.GRID, 4 * theme.GRID, 4 * theme.GRID, 4 * theme.GRID)
        layout.setSpacing(3 * theme.GRID)
        layout.addWidget(words)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.empty, 1)
        layout.addLayout(buttons)
        self.list.hide()
        self._update()
        self._timer = QTimer(self, interval=_REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self._timer.start()
        self.refresh()

    @property
    def runs(self) -> tuple[Run, ...]:
        """What is listed."""
        return self._runs

    def refresh(self) -> None:
        """Look again."""
        if self._task is None or self._task.done():
            self._task = spawn(self._look())

    def done(self, result: int) -> None:
        self._timer.stop()
        if self._task is not None:
            self._task.cancel()
        super().done(result)

    async def _look(self) -> None:
        self._show(*await asyncio.to_thread(_found))

    def _show(self, runs: tuple[Run, ...], names: Mapping[int, str]) -> None:
        if [run.pid for run in runs] != [run.pid for run in self._runs] or not runs:
            chosen = self._chosen()
            self.list.clear()
            for run in runs:
                item = QListWidgetItem()
                self.list.addItem(item)
                if chosen is not None and run.pid == chosen.pid:
                    self.list.setCurrentItem(item)
        self._runs = runs
        for row, run in enumerate(runs):
            item = self.list.item(row)
            item.setData(_RUN, run)
            item.setText(f"{names[run.pid]}\n{_words(run)}")
            item.setToolTip(run.graph)
        if runs and self.list.currentItem() is None:
            self.list.setCurrentRow(0)
        is_first = bool(runs) and self.list.isHidden()
        self.list.setVisible(bool(runs))
        if is_first:
            self.list.setFocus()
        self.empty.setVisible(not runs)
        self.empty.setText(
            "No composite of yours is running.\n"
            "One that you have exported appears here once its client has started it; it may have to be restarted."
        )
        self._update()

    def _update(self) -> None:
        self.watch.setEnabled(self._chosen() is not None)

    def _chosen(self) -> Run | None:
        item = self.list.currentItem()
        run = item.data(_RUN) if item is not None else None
        return run if isinstance(run, Run) else None

    def _choose(self) -> None:
        run = self._chosen()
        if run is not None:
            self.accept()
            self.chosen.emit(run)


class _Entry(QStyledItemDelegate):
    """Paints a runtime in two lines: which graph, and who has started it when."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(0, 13 * theme.GRID)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        run = index.data(_RUN)
        if not isinstance(run, Run):
            return
        rect: QRect = option.rect
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, theme.colour("selection"))
        side = 5 * theme.GRID
        box = QRect(rect.left() + 3 * theme.GRID, rect.center().y() - side // 2, side, side)
        assets.icon("composite", "accent").paint(painter, box)
        words = rect.adjusted(11 * theme.GRID, 2 * theme.GRID, -3 * theme.GRID, -2 * theme.GRID)
        name, _, about = str(index.data()).partition("\n")
        for text, font, role, align in (
            (name, theme.font(theme.BODY, bold=True), "text", Qt.AlignmentFlag.AlignTop),
            (about, theme.font(theme.CAPTION), "muted", Qt.AlignmentFlag.AlignBottom),
        ):
            painter.setFont(font)
            painter.setPen(theme.colour(role))
            shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, words.width())
            painter.drawText(words, align | Qt.AlignmentFlag.AlignLeft, shown)
        painter.restore()


def _found() -> tuple[tuple[Run, ...], dict[int, str]]:
    runs = attached.runtimes()
    return runs, {run.pid: _name(run) for run in runs}


def _name(run: Run) -> str:
    path = Path(run.graph)
    try:
        return file.load(path).name or path.stem
    except FusionError:  # it may be gone, or not ours to read any more
        return path.stem


def _words(run: Run) -> str:
    client = run.client or ("A Fusion window" if run.supervised else "No client yet")
    minutes = max(0, int(time.time() - run.started)) // 60
    since = "just now" if minutes < 1 else f"{minutes} min ago" if minutes < 60 else f"{minutes // 60} h ago"
    where = run.url or run.transport
    return f"{client} · {where} · started {since} · process {run.pid}"
