"""The menus, made from the table of actions, and what the user prefers, which two of them choose."""

from collections.abc import Callable, Iterable
from importlib.metadata import version

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QDockWidget, QMainWindow, QMenu

from fusion_desktop import theme
from fusion_desktop.actions import Actions, key_sheet
from fusion_desktop.dialogs.ask import ask
from fusion_desktop.dialogs.filing import Filing
from fusion_desktop.dialogs.keys import KeySheet
from fusion_desktop.dialogs.preferences import Preferences
from fusion_desktop.keymap import Keymap
from fusion_desktop.menu_table import CONTEXT_MENUS, MENUS
from fusion_desktop.settings import Settings

_TRANSPORTS = {"HTTP": "http", "stdio": "stdio"}
_MODES = {"Follow the system": "system", "Light": "light", "Dark": "dark", "High contrast": "contrast"}


class Menus(QObject):
    """The menu bar and the context menus of a window."""

    def __init__(
        self, window: QMainWindow, table: Actions, settings: Settings, filing: Filing, docks: Iterable[QDockWidget]
    ) -> None:
        super().__init__(window)
        self._window = window
        self._table = table
        self._settings = settings
        extra = {
            "*recent": self._menu("Open recent"),
            "*transport": self._menu("Serve over"),
            "*docks": self._menu("Panels"),
            "*theme": self._menu("Theme"),
        }
        recent = extra["*recent"]
        recent.setToolTipsVisible(True)
        recent.aboutToShow.connect(lambda: filing.fill_recent(recent))
        for dock in docks:
            extra["*docks"].addAction(dock.toggleViewAction())
        extra["*docks"].addSeparator()
        table.fill(extra["*docks"], ("panel.next", "panel.previous"))
        self._choices(extra["*transport"], _TRANSPORTS, lambda: settings.transport, self._set_transport)
        self._choices(extra["*theme"], _MODES, lambda: str(settings.mode), self.set_mode)
        for title, names in MENUS:
            table.fill(window.menuBar().addMenu(title), names, extra)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Return what does each action of the table that is about preferences and keys."""
        return {
            "file.preferences": self.open_preferences,
            "help.keys": self.open_key_sheet,
            "help.about": self.tell_about,
        }

    def open_preferences(self) -> None:
        """Let the user choose looks, transport and keys."""
        settings = self._settings
        dialog = Preferences(
            settings.mode,
            settings.transport,
            self._table.keymap,
            self._window,
            asks_first_start=settings.asks_first_start,
        )
        dialog.first_start_chosen.connect(lambda asks: setattr(settings, "asks_first_start", asks))
        dialog.mode_chosen.connect(self.set_mode)
        dialog.transport_chosen.connect(self._set_transport)
        dialog.keymap_chosen.connect(self.set_keymap)
        dialog.open()

    def open_key_sheet(self) -> None:
        """Show all keys."""
        KeySheet(key_sheet(self._table.keymap), self._window).open()

    def tell_about(self) -> None:
        """Say which Fusion this is."""
        about = f"Version {version('fusion-desktop')}, under the MIT licence."
        ask(self._window, "Fusion", about, {"Close": lambda: None}, default="Close")

    def set_keymap(self, keymap: Keymap) -> None:
        """Give every action its keys, and remember what the user changed."""
        self._settings.keys = keymap.changed
        self._table.rebind(keymap)

    def open_context(self, at: QPoint, kind: str) -> None:
        """Open the menu for a node, an edge or the canvas at a point of the screen."""
        menu = QMenu(self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._table.fill(menu, CONTEXT_MENUS[kind])
        menu.popup(at)

    def set_mode(self, mode: str) -> None:
        """Change how Fusion looks, and remember it."""
        self._settings.mode = theme.Mode(mode)
        theme.apply(mode)

    def _set_transport(self, transport: str) -> None:
        self._settings.transport = "stdio" if transport == "stdio" else "http"

    def _menu(self, title: str) -> QMenu:
        return QMenu(title, self._window)

    def _choices(
        self, menu: QMenu, words: dict[str, str], present: Callable[[], str], choose: Callable[[str], object]
    ) -> None:
        group = QActionGroup(menu)
        for text, value in words.items():
            action = QAction(text, menu, checkable=True)
            menu.aboutToShow.connect(lambda action=action, value=value: action.setChecked(value == present()))
            action.triggered.connect(lambda _checked=False, value=value: choose(value))
            group.addAction(action)
            menu.addAction(action)
