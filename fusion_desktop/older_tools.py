"""Say in the inspector which tools older clients are offered only: those that need a task of 2025-11-25.

What servers offer is read from their own lists in the traffic, for the composite hides these tools from newer clients.
"""

from PySide6.QtCore import QObject

from composite_runtime.events import Event, Ready
from fusion_desktop.inspector.inspector import Inspector
from fusion_desktop.run.traffic import Row
from fusion_desktop.run.traffic_model import TrafficModel


class OlderTools(QObject):
    """Counts them per node, for what runs and for each node that is inspected alone."""

    def __init__(self, traffic: TrafficModel, inspector: Inspector, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._inspector = inspector
        self._counts: dict[tuple[str, str], int] = {}
        traffic.tools_listed.connect(self._look)

    def take(self, event: Event) -> None:
        """Begin anew with another run."""
        if isinstance(event, Ready):
            self._counts = {place: count for place, count in self._counts.items() if place[0]}
            self._tell("")

    def _look(self, row: Row) -> None:
        count = _needing_tasks(row)
        if count != self._counts.get((row.alone, row.hop), 0):
            self._counts[row.alone, row.hop] = count
            self._tell(row.alone)

    def _tell(self, alone: str) -> None:
        panel = self._inspector.panel_of(alone) if alone else self._inspector.panel
        if panel is not None:
            panel.show_older(sum(count for (where, _), count in self._counts.items() if where == alone))


def _needing_tasks(row: Row) -> int:
    """Return how many tools of a list can be called as a task only."""
    if '"taskSupport"' not in row.text:
        return 0
    result = row.message.get("result")
    tools = result.get("tools") if isinstance(result, dict) else None
    executions = [tool.get("execution") for tool in tools or () if isinstance(tool, dict)]
    return sum(isinstance(one, dict) and one.get("taskSupport") == "required" for one in executions)
