"""Run and stop the composite that is drawn, and tell everyone who shows what it does."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from composite_runtime.errors import FusionError
from composite_runtime.events import Event, GraphChanged, Ready
from composite_runtime.graph.check import Level, served_composite
from fusion_desktop.document.document import Document
from fusion_desktop.document.working_copy import WorkingCopy
from fusion_desktop.first_starts import FirstStarts
from fusion_desktop.run.log_model import LogModel
from fusion_desktop.run.process import RuntimeProcess, Transport
from fusion_desktop.run.session import InspectorSession
from fusion_desktop.run.status import Status


class Running(QObject):
    """One run at a time, of a working copy that follows the edits."""

    changed = Signal()
    """It started, became ready, or stopped."""
    refused = Signal(str)
    """Words why it did not start, or why it ended."""
    warned = Signal(str)
    """Words why what runs is not what is drawn."""

    def __init__(
        self,
        document: Document,
        process: RuntimeProcess,
        *,
        status: Status,
        log: LogModel,
        session: InspectorSession,
        first_starts: FirstStarts,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._process = process
        self._status = status
        self._log = log
        self._session = session
        self._first_starts = first_starts
        self._copy = WorkingCopy(document, self, held_back=first_starts.held_back)
        self._url: str | None = None
        self._is_ready = self._is_left = False
        self._served: Path | None = None
        process.event.connect(self._take)
        session.logged.connect(log.take_message)
        process.stopped.connect(self._stopped)
        self._copy.failed.connect(self.warned)
        first_starts.agreed.connect(self._copy.refresh)
        document.edited.connect(self._name_sources)
        document.edited.connect(self._look)
        document.loaded.connect(self._leave)
        self._name_sources()

    @property
    def is_running(self) -> bool:
        """Tell whether the runtime exists, even if it is about to stop."""
        return self._process.is_running

    @property
    def is_ready(self) -> bool:
        """Tell whether clients can connect."""
        return self._is_ready

    @property
    def url(self) -> str | None:
        """Return where clients can connect, if it is served over HTTP."""
        return self._url

    @property
    def served(self) -> Path | None:
        """Return the file that is served, while something runs."""
        return self._served if self._process.is_running else None

    def start(self, transport: Transport, composite: str | None = None) -> None:
        """Start the composite, once its commands are agreed to; say why if it cannot be started."""
        if not self._process.is_running:
            self._first_starts.guard(lambda: self._start(transport, composite))

    def _start(self, transport: Transport, composite: str | None) -> None:
        if self._process.is_running:
            return
        errors = [problem for problem in self._document.problems if problem.level is Level.ERROR]
        if errors:
            more = f" There are {len(errors) - 1} more problems." if len(errors) > 1 else ""
            self.refused.emit(f"{errors[0].message[:1].upper()}{errors[0].message[1:]}. {errors[0].fix}{more}")
            return
        try:
            served = served_composite(self._document.graph, composite)
            path = self._copy.begin()
        except FusionError as error:
            self.refused.emit(f"{error.message[:1].upper()}{error.message[1:]}.")
            return
        self._log.clear()
        self._status.clear()
        self._served = path
        self._process.start(path, transport=transport, composite=served.id)
        self.changed.emit()

    def stop(self) -> None:
        """Ask the runtime to stop; `changed` tells when it has."""
        self._session.close()
        self._process.stop()
        self.changed.emit()

    async def end(self) -> None:
        """Stop and return when nothing runs any more."""
        self._copy.end()
        await self._session.end()
        await self._process.end()

    def _take(self, event: Event) -> None:
        self._status.show(event)
        self._log.append(event)
        if isinstance(event, Ready):
            self._is_ready, self._url = True, event.url
            if event.url is not None:
                self._session.open_url(event.url, self._process.token)
            else:
                self._session.open_pipes(self._process)
            self.changed.emit()
        elif isinstance(event, GraphChanged) and event.error:
            self.warned.emit(f"What runs is still the graph as it was before: {event.error}")

    def _stopped(self, reason: str) -> None:
        self._is_ready, self._url = False, None
        self._copy.end()
        self._copy.discard()
        self._session.close()
        self._status.stop()
        self.changed.emit()
        if self._is_left:
            self.warned.emit("What ran was stopped, because another graph was opened.")
        elif reason:
            self.refused.emit(reason)
        self._is_left = False

    def _leave(self) -> None:
        """Stop when another graph is shown: what ran would show its states on nodes that are not its own."""
        if self._process.is_running and not self._copy.is_of(self._document.graph):
            self._is_left = True
            self.stop()

    def _look(self) -> None:
        if self._process.is_running:
            self._first_starts.look()

    def _name_sources(self) -> None:
        self._log.set_names({node.id: node.name for node in self._document.graph.nodes})
