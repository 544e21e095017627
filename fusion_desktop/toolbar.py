"""The toolbar, made from the table of actions; at its end what runs or stops the graph, and what hands it on."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QSizePolicy, QToolBar, QToolButton, QWidget

from fusion_desktop import assets
from fusion_desktop.actions import Actions
from fusion_desktop.controls import restyle
from fusion_desktop.menu_table import TOOLBAR


class Toolbar(QToolBar):
    """Shows what the actions are; decides nothing."""

    def __init__(self, table: Actions, parent: QWidget | None = None) -> None:
        super().__init__("Toolbar", parent)
        self.setObjectName("toolbar")
        self.setMovable(False)
        self.setIconSize(QSize(20, 20))
        for name in TOOLBAR:
            self.addAction(table[name]) if name else self.addSeparator()
        space = QWidget()
        space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(space)
        self._run, self._stop = table["run.start"], table["run.stop"]
        self._button = QToolButton()
        self._button.setObjectName("run-button")
        self._button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._button.clicked.connect(lambda: (self._stop if self._stop.isEnabled() else self._run).trigger())
        self.addWidget(self._button)
        export = QToolButton()
        export.setDefaultAction(table["file.export"])
        export.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.addWidget(export)
        for button in self.findChildren(QToolButton):
            action = button.defaultAction()
            button.setAccessibleName(action.text().rstrip("…") if action is not None else button.toolTip())
        for action in (self._run, self._stop):
            action.enabledChanged.connect(self._fit_button)
        self._fit_button()

    def _fit_button(self) -> None:
        is_running = self._stop.isEnabled()
        words = "Stop" if is_running else "Run"
        self._button.setText(words)
        self._button.setAccessibleName(words)
        self._button.setIcon(assets.icon(words.lower(), "failed" if is_running else "on_accent"))
        self._button.setEnabled(is_running or self._run.isEnabled())
        restyle(self._button, primary=not is_running)
