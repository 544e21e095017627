"""One task in a result view: how it stands while it is under way, and then what it gave, as any other call shows it."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from PySide6.QtCore import QObject, Signal

from fusion_desktop.inspector.result import ResultView
from fusion_desktop.inspector.task_list import look_of, state_words, title
from fusion_desktop.run.server_tasks import ServerTask, ServerTasks, TaskState

Json: TypeAlias = Any


class TaskView(QObject):
    """Follows at most one task. It only shows: what happens to a task does not depend on who looks."""

    changed = Signal()
    """Another task is shown, or it has ended."""

    def __init__(self, tasks: ServerTasks, view: ResultView, parent: QObject) -> None:
        super().__init__(parent)
        self._view = view
        self._task: ServerTask | None = None
        self._schema: Mapping[str, Json] | None = None
        tasks.changed.connect(self._follow)

    @property
    def under_way(self) -> ServerTask | None:
        """The task that is shown, while it has not ended."""
        return self._task if self._task is not None and not self._task.state.is_over else None

    def show_task(self, task: ServerTask, schema: Mapping[str, Json] | None = None) -> None:
        """Show this task; its result is held to the schema."""
        if task is self._task:
            return
        self._task, self._schema = task, schema
        if not task.state.is_over:
            self._view.show_running(title(task), since_ms=task.milliseconds)
        self._show(task)
        self.changed.emit()

    def leave(self) -> None:
        """Show it no longer."""
        if self._task is not None:
            self._task = None
            self.changed.emit()

    def _follow(self, task: ServerTask) -> None:
        if task is self._task:
            self._show(task)
            if task.state.is_over:
                self.changed.emit()

    def _show(self, task: ServerTask) -> None:
        if not task.state.is_over:
            self._view.show_words(f"Task {state_words(task)}" if not task.note else f"Task {look_of(task)[2]}")
            if task.progress is not None:
                self._view.show_progress(task.progress)
            if task.note:
                self._view.show_note(task.note)
        elif task.outcome is not None:
            self._view.show_outcome(task.outcome, self._schema)
        elif task.state is TaskState.CANCELLED:
            self._view.show_ended(_sentence("The task was cancelled", task.note or task.message))
        else:
            self._view.show_failure(task.note or f"The task is {task.state}.")


def _sentence(words: str, more: str) -> str:
    return f"{words}: {more}" if more else f"{words}."
