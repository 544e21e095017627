"""The choice to run a tool as a task, or why there is none: a box to tick, and the way to where it can be ticked."""

from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from fusion_desktop import theme
from fusion_desktop.controls import reading
from fusion_desktop.run.frames import JsonObject
from fusion_desktop.run.session import InspectorSession

_NEEDED = "This tool can only be called as a task: the server answers at once, the result comes later."
_CHOICE = "The server answers at once, the result comes later; other calls can be made meanwhile."


class TaskChoice(QWidget):
    """Hidden for tools that never are tasks."""

    def __init__(self, session: InspectorSession, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.box = QCheckBox("Run as a task")
        self.switch = QPushButton("Switch to it")
        self.switch.setToolTip("Speak the protocol of 2025-11-25 with this server")
        self._hint = QWidget()
        row = QHBoxLayout(self._hint)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * theme.GRID)
        row.addWidget(reading("It can run as a task in protocol 2025-11-25.", "caption"), 1)
        row.addWidget(self.switch)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.box)
        column.addWidget(self._hint)

    @property
    def is_task(self) -> bool:
        """Whether the tool shall be called as a task."""
        return not self.box.isHidden() and self.box.isChecked()

    def show_tool(self, item: JsonObject) -> None:
        """Offer what a tool and the connection allow."""
        support = self._session.tasks.support(item)
        is_required = support == "required"
        self.box.setVisible(support != "forbidden")
        self.box.setChecked(is_required)
        self.box.setEnabled(not is_required)
        self.box.setToolTip(_NEEDED if is_required else _CHOICE)
        is_elsewhere = support == "forbidden" and self._is_task_of_older(item)
        self._hint.setVisible(is_elsewhere)
        self.setVisible(support != "forbidden" or is_elsewhere)

    def _is_task_of_older(self, item: JsonObject) -> bool:
        """Tell whether older clients could call a tool as a task, which this connection cannot."""
        server, execution = self._session.server, item.get("execution")
        is_optional = isinstance(execution, dict) and execution.get("taskSupport") == "optional"
        return is_optional and server is not None and server.is_modern
