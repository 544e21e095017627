"""The tasks of a server as a list: which tool, how it stands, what the server says, and how long it takes."""

from typing import Any, Final, TypeAlias

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from fusion_desktop import assets, theme
from fusion_desktop.inspector.call_list import draw_text, paint_back, when
from fusion_desktop.run.server_tasks import ServerTask, TaskState

Index: TypeAlias = QModelIndex | QPersistentModelIndex

_SIGN = 16
# Icon, colour role and word: never the colour alone.
STATES: Final[dict[TaskState, tuple[str, str, str]]] = {
    TaskState.WORKING: ("clock", "busy", "working"),
    TaskState.INPUT_REQUIRED: ("help", "warning", "asks you"),
    TaskState.COMPLETED: ("check", "ready", "done"),
    TaskState.FAILED: ("error", "error", "failed"),
    TaskState.CANCELLED: ("stop", "stopped", "cancelled"),
    TaskState.EXPIRED: ("warning", "warning", "expired"),
    TaskState.LOST: ("warning", "warning", "lost"),
}
_CANCELLING: Final = ("stop", "stopped", "cancelling")
_REPORTED: Final = ("error", "error", "reported an error")
TaskRole = Qt.ItemDataRole.UserRole


class TaskModel(QAbstractListModel):
    """The tasks of one session, newest first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks: list[ServerTask] = []

    @property
    def tasks(self) -> tuple[ServerTask, ...]:
        """All that are listed."""
        return tuple(self._tasks)

    def row_of(self, task: ServerTask) -> int:
        """Return where a task is listed, or -1."""
        return self._tasks.index(task) if task in self._tasks else -1

    def add(self, task: ServerTask) -> None:
        """List a task."""
        self.beginInsertRows(QModelIndex(), 0, 0)
        self._tasks.insert(0, task)
        self.endInsertRows()

    def remove(self, task: ServerTask) -> None:
        """List a task no longer."""
        if (row := self.row_of(task)) >= 0:
            self.beginRemoveRows(QModelIndex(), row, row)
            del self._tasks[row]
            self.endRemoveRows()

    def show_change(self, task: ServerTask | None = None) -> None:
        """Show what has changed on a task, or on all of them."""
        row = self.row_of(task) if task is not None else 0
        if self._tasks and row >= 0:
            self.dataChanged.emit(self.index(row), self.index(row if task is not None else len(self._tasks) - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own default
        return 0 if parent.isValid() else len(self._tasks)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        task = self._tasks[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return title(task)
        if role == TaskRole:
            return task
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{title(task)}\n{state_words(task)}\n{task.id}"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{title(task)}, {state_words(task)}, begun {when(task.began)}, {took(task)}"
        return None


class TaskRow(QStyledItemDelegate):
    """Paints a task in two lines."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(160, 11 * theme.GRID)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        task: ServerTask = index.data(TaskRole)
        rect: QRect = option.rect
        paint_back(painter, option)
        icon, role, _ = look_of(task)
        assets.icon(icon, role).paint(painter, QRect(rect.left() + 12, rect.top() + 7, _SIGN, _SIGN))
        inner = rect.adjusted(36, theme.GRID, -3 * theme.GRID, -theme.GRID)
        top = QRect(inner.left(), inner.top(), inner.width(), inner.height() // 2)
        under = top.translated(0, top.height())
        used = draw_text(painter, top, when(task.began), "muted", size=theme.CAPTION, right=True)
        draw_text(painter, top.adjusted(0, 0, -used - 8, 0), title(task), "text")
        used = draw_text(painter, under, took(task), "muted", size=theme.CAPTION, right=True)
        colour = "muted" if task.state in {TaskState.WORKING, TaskState.COMPLETED} and role != "error" else role
        draw_text(painter, under.adjusted(0, 0, -used - 8, 0), state_words(task), colour, size=theme.CAPTION)


def look_of(task: ServerTask) -> tuple[str, str, str]:
    """Return icon, colour role and word for how a task stands."""
    if task.is_cancelling:
        return _CANCELLING
    if task.state is TaskState.COMPLETED and task.outcome is not None and task.outcome.is_failure:
        return _REPORTED
    return STATES[task.state]


def title(task: ServerTask) -> str:
    """Return what a task is called: by its tool, or by its id when somebody else has begun it."""
    return task.tool or f"Task {task.id}"


def state_words(task: ServerTask) -> str:
    """Return in a line how a task stands and what is said about that."""
    said = task.note or task.message
    if not said and task.progress is not None and not task.state.is_over:
        said = progress_words(task)
    word = look_of(task)[2]
    return f"{word} · {said}" if said else word


def progress_words(task: ServerTask) -> str:
    """Return how far a task has come, if that is known."""
    progress = task.progress
    if progress is None:
        return ""
    return f"{progress.progress:g} of {progress.total:g}" if progress.total else f"{progress.progress:g}"


def took(task: ServerTask) -> str:
    """Return how long a task took, or takes until now."""
    return span(task.milliseconds / 1000)


def span(seconds: float) -> str:
    """Return a length of time as a person reads it."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 and seconds % 1 else f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    if seconds < 86_400:
        return f"{round(seconds / 3600, 1):g} h"
    days = round(seconds / 86_400)
    return f"{days} day{'' if days == 1 else 's'}"
