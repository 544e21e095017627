"""What the nodes tell that are inspected alone, brought to the same log and traffic as what runs, and marked there."""

import itertools
from functools import partial

from PySide6.QtCore import QObject

from composite_runtime.events import Following
from fusion_desktop.run.alone import told_alone
from fusion_desktop.run.direct import Direct, Directs
from fusion_desktop.run.log_model import LogModel
from fusion_desktop.run.traffic import Told
from fusion_desktop.run.traffic_model import TrafficModel
from fusion_desktop.run.watcher import Watcher


class DirectFeed(QObject):
    """Watches each node from when it is opened until it is closed."""

    def __init__(self, directs: Directs, traffic: TrafficModel, log: LogModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._traffic = traffic
        self._log = log
        self._numbers = itertools.count(1)
        directs.opened.connect(self._follow)

    def _follow(self, direct: Direct) -> None:
        watcher = Watcher(direct)
        node, number = direct.node_id, [0]

        def begin() -> None:
            if direct.path is not None:
                number[0] = next(self._numbers)
                watcher.watch_graph(direct.path)

        def take(told: Told) -> None:
            if isinstance(told, Following):
                self._traffic.miss(told.missed) if told.missed else None
            else:
                self._traffic.take(told_alone(told, node, number[0]))

        direct.process.event.connect(partial(self._log.append, alone=node))
        direct.process.started.connect(begin)
        direct.process.stopped.connect(lambda _: watcher.stop())
        direct.session.logged.connect(partial(self._log.take_message, alone=node))
        watcher.told.connect(take)
