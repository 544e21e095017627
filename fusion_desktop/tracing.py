"""From a result to its trace: the timeline of exactly that call, in the traffic of all hops."""

from PySide6.QtCore import QObject, Signal

from fusion_desktop.inspector.call_history import CallHistory
from fusion_desktop.inspector.inspector import Inspector
from fusion_desktop.panels.traffic import TrafficPanel
from fusion_desktop.run.frames import Outcome

_GONE = "The trace of this call is not kept any more: traffic was cleared, or what it was called on runs no longer."


class Tracing(QObject):
    """Shows traces that are asked for beside results."""

    shown = Signal()
    """A trace stands in the traffic panel."""
    refused = Signal(str)
    """Words why there is no trace."""

    def __init__(
        self, inspector: Inspector, history: CallHistory, traffic: TrafficPanel, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._traffic = traffic
        inspector.trace_wanted.connect(self.show)
        history.trace_wanted.connect(self.show)

    def show(self, outcome: Outcome) -> None:
        """Show the trace of the call with this outcome."""
        if outcome.request_id and self._traffic.show_trace(outcome.request_id):
            self.shown.emit()
        else:
            self.refused.emit(_GONE)
