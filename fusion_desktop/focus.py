"""Go about the window with keys: from the canvas to each panel, and back."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QApplication, QDockWidget, QLineEdit, QTabWidget, QWidget

_PREFERRED = (QLineEdit,)


class Focus(QObject):
    """Knows the places of the window in which the keyboard can be."""

    def __init__(self, canvas: QWidget, docks: Mapping[str, QDockWidget], parent: QObject) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self._docks = docks

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Return what does each action of the table that moves the focus."""
        return {"panel.next": lambda: self.step(1), "panel.previous": lambda: self.step(-1)}

    def step(self, by: int) -> None:
        """Go to the next place that is shown: the canvas, then the panels in their order."""
        places: list[QWidget] = [self._canvas, *(dock for dock in self._docks.values() if _is_in_front(dock))]
        here = next((n for n, place in enumerate(places) if _holds_focus(place)), 0)
        for distance in range(1, len(places) + 1):
            if self._enter(places[(here + by * distance) % len(places)]):
                return

    def toggle(self, name: str) -> None:
        """Bring a panel to the front and go into it; when one is in it already, hide it and go back to the canvas."""
        dock = self._docks[name]
        if _is_in_front(dock) and _holds_focus(dock):
            dock.hide()
            self.to_canvas()
            return
        self.enter(name)

    def enter(self, name: str) -> None:
        """Bring a panel to the front and go into it."""
        dock = self._docks[name]
        dock.show()
        dock.raise_()
        self._enter(dock)

    def to_canvas(self) -> None:
        """Let the keys act on the canvas."""
        self._canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def _enter(self, place: QWidget) -> bool:
        if place is self._canvas:
            self.to_canvas()
            return True
        panel = place.widget() if isinstance(place, QDockWidget) else place
        target = _first_field(panel) if panel is not None else None
        if target is None:
            return False
        target.setFocus(Qt.FocusReason.TabFocusReason)
        return True


def _holds_focus(place: QWidget) -> bool:
    focus = QApplication.focusWidget()
    return focus is not None and (focus is place or place.isAncestorOf(focus))


def _is_in_front(dock: QDockWidget) -> bool:
    # A panel behind another tab is "visible" to Qt, but nobody sees it.
    return dock.isVisible() and not dock.visibleRegion().isEmpty()


def _first_field(panel: QWidget) -> QWidget | None:
    """Return where typing in a panel begins: a text field if there is one, else what Tab would reach first."""
    fitting = [
        widget
        for widget in (panel, *panel.findChildren(QWidget))
        if widget.isVisibleTo(panel) and widget.isEnabledTo(panel) and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    fields = [widget for widget in fitting if isinstance(widget, _PREFERRED)]
    others = [widget for widget in fitting if not isinstance(widget, QTabWidget)]
    return next(iter((*fields, *others)), None)
