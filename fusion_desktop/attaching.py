"""Choose what is watched, and say in the window what that is."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QWidget

from fusion_desktop.dialogs.attach import AttachDialog
from fusion_desktop.panels.banner import Banner
from fusion_desktop.panels.log import LogPanel
from fusion_desktop.panels.traffic import TrafficPanel
from fusion_desktop.watching import Watching


class Attaching(QObject):
    """What the actions of watching do."""

    node_wanted = Signal(str)
    """The id of a node that shall be shown."""
    panel_wanted = Signal(str)
    """The name of a panel that shall be shown."""
    changed = Signal(str)
    """Something else is watched: in a word, or empty for nothing."""

    def __init__(
        self,
        watching: Watching,
        chosen: Callable[[], Sequence[str]],
        *,
        log: LogPanel,
        traffic: TrafficPanel,
        banner: Banner,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._watching = watching
        self._log = log
        self._traffic = traffic
        self._chosen = chosen
        self._banner = banner
        self._window = window
        watching.changed.connect(self._show)
        watching.refused.connect(lambda text: banner.tell(text, role="info"))
        for panel in (log, traffic):
            panel.node_wanted.connect(self.node_wanted)

    @property
    def is_attached(self) -> bool:
        """Whether a runtime of another program is watched."""
        return self._watching.attached is not None

    @property
    def shows_document(self) -> bool:
        """Whether what is watched serves the graph that is open."""
        return self._watching.shows_document

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Return what each action does, by its id."""
        return {
            "run.attach": self.choose,
            "run.detach": self._watching.detach,
            "run.recording": self._open_recording,
            "run.log": self._show_log,
            "run.traffic": self._show_traffic,
        }

    def choose(self) -> None:
        """Ask which of the running composites to watch."""
        dialog = AttachDialog(self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.chosen.connect(self._watching.attach)
        dialog.open()

    def _show(self) -> None:
        who = self._watching.who
        if who:
            self._banner.tell(f"Watching {who}. Nothing here changes it.", choices=(("Stop", self._watching.detach),))
            self.panel_wanted.emit("traffic")
        else:
            self._banner.hide()
        self.changed.emit("Watching" if who else "")

    def _show_log(self) -> None:
        if chosen := self._chosen():
            self.panel_wanted.emit("log")
            self._log.show_node(chosen[0])

    def _show_traffic(self) -> None:
        if chosen := self._chosen():
            self.panel_wanted.emit("traffic")
            self._traffic.show_only(f'node:"{chosen[0]}"')

    def _open_recording(self) -> None:
        self.panel_wanted.emit("traffic")
        self._traffic.open()
