"""The page of tasks: calls the server answers later, how each stands, what it gave, and a button that cancels it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeySequence, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListView,
    QPushButton,
    QSplitter,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from fusion_desktop import theme
from fusion_desktop.assets import icon
from fusion_desktop.inspector.call import Call
from fusion_desktop.inspector.result import ResultView
from fusion_desktop.inspector.task_list import TaskModel, TaskRole, TaskRow, span, title
from fusion_desktop.inspector.task_view import TaskView
from fusion_desktop.run.server_tasks import ServerTask
from fusion_desktop.run.session import InspectorSession, SessionState
from fusion_desktop.tasks import spawn

Json: TypeAlias = Any

_TICK_MS = 1000
_WIDE = 560
_NOTHING = (
    "No task yet. A tool that takes long can be called as a task: the server then answers at once, and the result is"
    " here when it is done."
)


class TaskPage(QWidget):
    """Lists the tasks of one session, newest first."""

    counted = Signal()
    """There are more or fewer tasks, or another number of them is under way."""

    def __init__(self, session: InspectorSession, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._model = TaskModel(self)
        self._tick = QTimer(self, interval=_TICK_MS)
        self._tick.timeout.connect(self._show_time)
        self.result = ResultView()
        self.view = TaskView(session.tasks, self.result, self)
        self._reading = Call(session, self.result, self)
        self.result.wanted.connect(self._read)
        self._build()
        tasks = session.tasks
        tasks.added.connect(self._add)
        tasks.changed.connect(self._change)
        tasks.removed.connect(self._remove)
        session.state_changed.connect(lambda *_: self._show_buttons())
        for task in tasks.all:
            self._model.add(task)
        self._show_chosen()

    @property
    def under_way(self) -> int:
        """How many tasks have not ended."""
        return len(self._session.tasks.open)

    @property
    def is_wanted(self) -> bool:
        """Whether there is anything to show: tasks, or a server that may make some."""
        return bool(self._model.tasks) or self._session.tasks.is_offered

    def show_task(self, task: ServerTask) -> None:
        """Select a task."""
        if (row := self._model.row_of(task)) >= 0:
            self.list.setCurrentIndex(self._model.index(row))

    def current(self) -> ServerTask | None:
        """Return the selected task."""
        index = self.list.currentIndex()
        return index.data(TaskRole) if index.isValid() else None

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._tick.start()
        self._show_time()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._tick.stop()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_wide = event.size().width() >= _WIDE
        wanted = Qt.Orientation.Horizontal if is_wide else Qt.Orientation.Vertical
        if self._split.orientation() != wanted:
            self._split.setOrientation(wanted)
            self._split.setSizes([2, 3] if is_wide else [1, 2])

    def _build(self) -> None:
        self.list = QListView()
        self.list.setModel(self._model)
        self.list.setItemDelegate(TaskRow(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setAccessibleName("Tasks")
        self.list.selectionModel().currentChanged.connect(lambda *_: self._show_chosen())
        QShortcut(QKeySequence.StandardKey.Delete, self.list, self._forget, context=Qt.ShortcutContext.WidgetShortcut)
        empty = QLabel(_NOTHING, wordWrap=True, alignment=Qt.AlignmentFlag.AlignTop)
        empty.setProperty("role", "muted")
        empty.setContentsMargins(3 * theme.GRID, 2 * theme.GRID, 3 * theme.GRID, 0)
        self._clear = _tool("trash", "Forget the tasks that have ended", self._forget_ended)
        self._look = _tool("refresh", "Ask the server which tasks it has", self._ask)
        self._count = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._count.setProperty("role", "caption")
        bar = QHBoxLayout()
        bar.setContentsMargins(3 * theme.GRID, 0, 2 * theme.GRID, 0)
        bar.addWidget(self._count, 1)
        bar.addWidget(self._look)
        bar.addWidget(self._clear)
        listed = QWidget()
        self._pages = QStackedLayout()
        self._pages.addWidget(self.list)
        self._pages.addWidget(empty)
        left = QVBoxLayout(listed)
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(theme.GRID)
        left.addLayout(bar)
        left.addLayout(self._pages, 1)
        self._split = QSplitter(Qt.Orientation.Vertical)
        self._split.setChildrenCollapsible(False)
        self._split.addWidget(listed)
        self._split.addWidget(self._build_detail())
        self._split.setStretchFactor(0, 1)
        self._split.setStretchFactor(1, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2 * theme.GRID, 0, 0)
        layout.addWidget(self._split)

    def _build_detail(self) -> QWidget:
        self._name = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._name.setProperty("role", "heading")
        self._facts = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._facts.setProperty("role", "caption")
        self._facts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._facts.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.stop = QPushButton("Cancel")
        self.stop.setToolTip("Ask the server to cancel the task; it may finish it all the same")
        self.stop.clicked.connect(self._cancel)
        self._detail = QWidget()
        names = QVBoxLayout()
        names.setSpacing(0)
        names.addWidget(self._name)
        names.addWidget(self._facts)
        head = QHBoxLayout()
        head.setSpacing(2 * theme.GRID)
        head.addLayout(names, 1)
        head.addWidget(self.stop, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self._detail)
        column.setContentsMargins(3 * theme.GRID, 2 * theme.GRID, 3 * theme.GRID, 2 * theme.GRID)
        column.setSpacing(2 * theme.GRID)
        column.addLayout(head)
        column.addWidget(self.result, 1)
        return self._detail

    # What happens

    def _add(self, task: ServerTask) -> None:
        self._model.add(task)
        self.show_task(task)
        self._show_buttons()
        self.counted.emit()

    def _change(self, task: ServerTask) -> None:
        self._model.show_change(task)
        if task is self.current():
            self._show_facts(task)
        self._show_buttons()
        self.counted.emit()

    def _remove(self, task: ServerTask) -> None:
        self._model.remove(task)
        self._show_chosen()
        self.counted.emit()

    def _show_chosen(self) -> None:
        task = self.current()
        self._pages.setCurrentIndex(0 if self._model.tasks else 1)
        self._detail.setVisible(task is not None)
        if task is not None:
            self.view.show_task(task, self._schema_of(task))
            self._show_facts(task)
        else:
            self.view.leave()
        self._show_buttons()

    def _show_facts(self, task: ServerTask) -> None:
        self._name.setText(title(task))
        begun = datetime.fromtimestamp(task.began).strftime("%H:%M:%S")
        facts = [task.id, f"begun {begun}"]
        if not task.state.is_over:
            facts.append(f"asked every {span((task.poll_ms or 1000) / 1000)}")
        if task.ttl_ms is not None:
            facts.append(f"kept by the server for {span(task.ttl_ms / 1000)}")
        self._facts.setText(" · ".join(facts))

    def _show_buttons(self) -> None:
        task, tasks = self.current(), self._session.tasks
        self.stop.setVisible(task is not None and not task.state.is_over and tasks.can_cancel)
        self.stop.setEnabled(task is not None and not task.is_cancelling)
        ended = len(self._model.tasks) - self.under_way
        self._clear.setVisible(ended > 0)
        self._look.setVisible(self._session.state is SessionState.OPEN and tasks.can_list)
        words = f"{self.under_way} under way" if self.under_way else ""
        self._count.setText(" · ".join(part for part in (words, f"{ended} ended" if ended else "") if part))

    def _show_time(self) -> None:
        if self.under_way:
            self._model.show_change()

    def _read(self, uri: str) -> None:
        self.view.leave()
        self._reading.send("resources/read", {"uri": uri}, f"Reading {uri}")

    def _cancel(self) -> None:
        if (task := self.current()) is not None:
            self._session.tasks.cancel(task)

    def _forget(self) -> None:
        if (task := self.current()) is not None:
            self._session.tasks.remove(task)

    def _forget_ended(self) -> None:
        for task in self._session.tasks.all:
            self._session.tasks.remove(task)

    def _ask(self) -> None:
        spawn(self._session.tasks.look(), failed=self._count.setText)

    def _schema_of(self, task: ServerTask) -> Mapping[str, Json] | None:
        tools = self._session.listing("tools").items
        schema = next((item.get("outputSchema") for item in tools if item["name"] == task.tool), None)
        return schema if isinstance(schema, dict) else None


def _tool(name: str, tip: str, action: Any) -> QToolButton:
    button = QToolButton()
    button.setIcon(icon(name, "muted"))
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.clicked.connect(lambda _checked=False: action())
    return button
