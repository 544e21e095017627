"""One request to the server: made, watched, cancelled, and its outcome shown."""

import asyncio
from collections.abc import Mapping
from typing import Any, TypeAlias

from PySide6.QtCore import QObject, Signal

from fusion_desktop.inspector.answers import IDLE_S, Answers
from fusion_desktop.inspector.result import ResultView
from fusion_desktop.inspector.task_view import TaskView
from fusion_desktop.run.frames import JsonObject, Outcome, Patience
from fusion_desktop.run.session import InspectorSession
from fusion_desktop.tasks import spawn

Json: TypeAlias = Any


class Call(QObject):
    """At most one request at a time, shown in a result view; the task that one has made is shown until the next."""

    changed = Signal()
    """It began or ended."""
    finished = Signal(object)
    """The `Outcome` of a request that was answered."""

    def __init__(self, session: InspectorSession, view: ResultView, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._view = view
        self._task: asyncio.Task[None] | None = None
        self._answers: Answers | None = None
        self._made = TaskView(session.tasks, view, self)
        self._made.changed.connect(self.changed)

    def set_answers(self, answers: Answers) -> None:
        """Wait as long as the user has settled."""
        self._answers = answers

    @property
    def is_running(self) -> bool:
        """Whether an answer is awaited."""
        return self._task is not None

    @property
    def can_be_cancelled(self) -> bool:
        """Whether there is something to cancel: a request, or the task it has made."""
        return self.is_running or (self._made.under_way is not None and self._session.tasks.can_cancel)

    def send(
        self, method: str, params: JsonObject, words: str, *, output_schema: Mapping[str, Json] | None = None
    ) -> None:
        """Send a request; one that is running is cancelled, a task goes on."""
        self._made.leave()
        self.cancel()
        self._view.show_running(words)
        self._task = spawn(self._follow(method, params, output_schema), failed=self._view.show_failure)
        self.changed.emit()

    def leave(self) -> None:
        """Show the task that was made no longer; it goes on."""
        self._made.leave()

    def cancel(self) -> None:
        """Tell the server to stop, and show that it was told."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
            self._view.show_cancelled()
            self.changed.emit()
        elif (task := self._made.under_way) is not None:
            self._session.tasks.cancel(task)

    async def _follow(self, method: str, params: JsonObject, schema: Mapping[str, Json] | None) -> None:
        mine = asyncio.current_task()
        try:
            outcome = await self._session.send(
                method,
                params,
                patience=self._patience(),
                on_progress=self._view.show_progress,
                on_deadline=self._view.show_deadline,
            )
            if self._task is mine:
                self._show(outcome, schema)
        finally:
            if self._task is mine:
                self._task = None
                self.changed.emit()

    def _patience(self) -> Patience:
        idle_s = self._answers.idle_s if self._answers is not None else IDLE_S
        # Progress may go on and on, but not for ever.
        return Patience(idle_s, max(10.0 * idle_s, 600.0)) if idle_s else Patience(None, None)

    def _show(self, outcome: Outcome, schema: Mapping[str, Json] | None) -> None:
        if (task := self._session.tasks.made_by(outcome)) is not None:
            self._made.show_task(task, schema)
            return
        self._view.show_outcome(outcome, schema)
        self.finished.emit(outcome)
