"""Go about the window with keys: from the canvas to each panel and back, and through a panel as it is laid out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import (
    QAbstractScrollArea,
    QApplication,
    QDockWidget,
    QLayout,
    QLineEdit,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QWidget,
)


class Focus(QObject):
    """Knows the places of the window in which the keyboard can be."""

    def __init__(
        self, canvas: QWidget, docks: Mapping[str, QDockWidget], parent: QObject, *, beside: Sequence[QWidget] = ()
    ) -> None:
        """`beside` is what lies over or above the canvas now and then, with buttons of its own."""
        super().__init__(parent)
        self._canvas = canvas
        self._beside = tuple(beside)
        self._docks = docks

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Return what does each action of the table that moves the focus."""
        return {
            "panel.next": lambda: self.step(1),
            "panel.previous": lambda: self.step(-1),
            **{f"panel.{name}": partial(self.toggle, name) for name in self._docks},
        }

    def step(self, by: int) -> bool:
        """Go to the next place that is shown: the canvas, then the panels in their order; tell whether there is one."""
        beside = [widget for widget in self._beside if widget.isVisible()]
        docks = [dock for dock in self._docks.values() if _is_in_front(dock)]
        places: list[QWidget] = [self._canvas, *beside, *docks]
        # What lies over the canvas is part of it, so the innermost that has the focus counts.
        here = max((n for n, place in enumerate(places) if _holds_focus(place)), default=0)
        return any(self._enter(places[(here + by * distance) % len(places)]) for distance in range(1, len(places)))

    def toggle(self, name: str) -> None:
        """Bring a panel to the front and go into it; when one is in it already, hide it and go back to the canvas."""
        dock = self._docks[name]
        if _is_in_front(dock) and _holds_focus(dock):
            dock.hide()
            self.to_canvas()
        else:
            self.enter(name)

    def show(self, name: str) -> None:
        """Bring a panel to the front."""
        self._docks[name].show()
        self._docks[name].raise_()

    def enter(self, name: str) -> None:
        """Bring a panel to the front and go into it."""
        self.show(name)
        self._enter(self._docks[name])

    def to_canvas(self) -> None:
        """Let the keys act on the canvas."""
        self._canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def tab(self, *, forward: bool) -> bool:
        """Go to the next control of the panel one is in, and from its last to the next panel; tell whether it did.

        Qt's own order is that in which controls were made, and forms are made anew all the time.
        """
        dock = next((dock for dock in self._docks.values() if _holds_focus(dock)), None)
        panel = dock.widget() if dock is not None else None
        if panel is None:
            return False
        controls, focus = list(_controls(panel)), QApplication.focusWidget()
        here = next((n for n, control in enumerate(controls) if focus in {control, control.focusProxy()}), None)
        if here is None:
            return False
        target = here + (1 if forward else -1)
        if 0 <= target < len(controls):
            reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
            controls[target].setFocus(reason)
            _reveal(controls[target])
            return True
        return self.step(1 if forward else -1)

    def _enter(self, place: QWidget) -> bool:
        if place is self._canvas:
            self.to_canvas()
            return True
        panel = place.widget() if isinstance(place, QDockWidget) else place
        controls = list(_controls(panel)) if panel is not None else []
        # Typing begins in a text field if there is one, else where Tab would lead first.
        fields = [control for control in controls if isinstance(control, QLineEdit)]
        target = next(iter((*fields, *controls)), None)
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


def _controls(panel: QWidget) -> Iterator[QWidget]:
    """Yield what Tab stops at, in the order in which the panel is laid out."""
    for widget in _walk(panel):
        if widget.isVisibleTo(panel) and widget.isEnabledTo(panel) and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            yield widget


def _walk(widget: QWidget) -> Iterator[QWidget]:
    yield widget
    parts: list[QWidget | None]
    if isinstance(widget, QTabWidget):
        yield widget.tabBar()
        parts = [widget.currentWidget()]
    elif isinstance(widget, QStackedWidget):
        parts = [widget.currentWidget()]
    elif isinstance(widget, QSplitter):
        parts = [widget.widget(n) for n in range(widget.count())]
    elif isinstance(widget, QScrollArea):
        parts = [widget.widget()]
    elif isinstance(widget, QAbstractScrollArea) or (layout := widget.layout()) is None:
        return
    else:
        yield from _walk_layout(layout)
        return
    for part in parts:
        if part is not None:
            yield from _walk(part)


def _walk_layout(layout: QLayout) -> Iterator[QWidget]:
    for place in range(layout.count()):
        item = layout.itemAt(place)
        if item is None:
            continue
        if (inner := item.layout()) is not None:
            yield from _walk_layout(inner)
        elif (widget := item.widget()) is not None:
            yield from _walk(widget)


def _reveal(control: QWidget) -> None:
    """Scroll to where the keyboard is now."""
    around = control.parentWidget()
    while around is not None:
        if isinstance(around, QScrollArea):
            around.ensureWidgetVisible(control)
        around = around.parentWidget()
