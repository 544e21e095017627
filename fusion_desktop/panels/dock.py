"""A panel at the side of the window. Its title goes when a tab already says it."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QLabel, QMainWindow, QToolButton, QWidget

from fusion_desktop import assets

TITLE_HEIGHT = 36


class Dock(QDockWidget):
    """Wraps one panel."""

    def __init__(self, name: str, title: str, panel: QWidget, window: QMainWindow) -> None:
        super().__init__(title, window)
        self.setObjectName(f"dock-{name}")
        # Else a panel that is only a widget lets the darker window show between its parts.
        panel.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWidget(panel)
        self._title = QLabel(title)
        self._title.setProperty("role", "dock-title")
        self._close = close = QToolButton()
        close.setIcon(assets.icon("close", "muted"))
        close.setToolTip(f"Hide {title.lower()}")
        close.setAccessibleName(f"Hide {title.lower()}")
        close.clicked.connect(self.close)
        self._bar = QWidget()
        self._bar.setObjectName("dock-title")
        self._bar.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QHBoxLayout(self._bar)
        layout.setContentsMargins(12, 0, 6, 0)
        layout.addWidget(self._title, 1)
        layout.addWidget(close)
        self._bar.setFixedHeight(TITLE_HEIGHT)
        self.setTitleBarWidget(self._bar)
        self.windowTitleChanged.connect(self._title.setText)

    def fit_title(self) -> None:
        """Show the title unless the panel shares its place with others, whose tabs say it."""
        window = self.parentWidget()
        assert isinstance(window, QMainWindow)
        is_tab = any(dock.isVisible() or not dock.isHidden() for dock in window.tabifiedDockWidgets(self))
        shown = self.isFloating() or not is_tab
        # A bar of no height is only as low as what it holds.
        for part in (self._title, self._close):
            part.setVisible(shown)
        self._bar.setFixedHeight(TITLE_HEIGHT if shown else 0)
