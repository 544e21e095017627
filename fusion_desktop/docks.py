"""The panels around the canvas: where each begins, and which share a place."""

from collections.abc import Mapping

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QMainWindow, QTabWidget, QWidget

from fusion_desktop.panels.dock import Dock

_LEFT, _RIGHT, _BOTTOM = (
    Qt.DockWidgetArea.LeftDockWidgetArea,
    Qt.DockWidgetArea.RightDockWidgetArea,
    Qt.DockWidgetArea.BottomDockWidgetArea,
)
_PLACES = {
    "catalogue": ("Catalogue", _LEFT),
    "minimap": ("Map", _LEFT),
    "properties": ("Properties", _RIGHT),
    "inspector": ("Inspector", _RIGHT),
    "history": ("History", _RIGHT),
    "log": ("Log", _BOTTOM),
    "traffic": ("Traffic", _BOTTOM),
    "problems": ("Problems", _BOTTOM),
    "calls": ("Calls", _BOTTOM),
    "doctor": ("Doctor", _RIGHT),
    "drift": ("Changes", _RIGHT),
}
_TABS = (
    *(("properties", "inspector"), ("properties", "history"), ("inspector", "doctor"), ("inspector", "drift")),
    *(("log", "traffic"), ("log", "problems"), ("log", "calls")),
)
_IN_FRONT = ("properties", "log")
_HIDDEN = ("history", "doctor", "drift")


def docked(panels: Mapping[str, QWidget], window: QMainWindow) -> dict[str, Dock]:
    """Put panels around the middle of a window, and return them docked, by name, in the order of the keys."""
    window.setDockNestingEnabled(True)
    window.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
    window.setCorner(Qt.Corner.BottomRightCorner, _RIGHT)
    window.setCorner(Qt.Corner.BottomLeftCorner, _LEFT)
    docks: dict[str, Dock] = {}
    for name, (title, area) in _PLACES.items():
        docks[name] = Dock(name, title, panels[name], window)
        window.addDockWidget(area, docks[name])
    for first, second in _TABS:
        window.tabifyDockWidget(docks[first], docks[second])
    for name in _IN_FRONT:
        docks[name].raise_()
    for name in _HIDDEN:
        docks[name].hide()
    window.resizeDocks([docks["catalogue"], docks["properties"]], [248, 328], Qt.Orientation.Horizontal)
    window.resizeDocks([docks["log"]], [232], Qt.Orientation.Vertical)
    window.resizeDocks([docks["catalogue"], docks["minimap"]], [560, 160], Qt.Orientation.Vertical)
    _keep_titles_fit(docks, window)
    return docks


def _keep_titles_fit(docks: Mapping[str, Dock], window: QMainWindow) -> None:
    def fit() -> None:
        for dock in docks.values():
            dock.fit_title()

    # Later, because moving a panel shows and hides several.
    timer = QTimer(window, interval=0, singleShot=True)
    timer.timeout.connect(fit)
    for dock in docks.values():
        dock.toggleViewAction().toggled.connect(timer.start)
        dock.dockLocationChanged.connect(timer.start)
    timer.start()
