"""A line over the canvas that tells something and offers what helps. It waits; it never blocks."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget

from fusion_desktop import assets, theme
from fusion_desktop.controls import clear

Choice = tuple[str, Callable[[], object]]


class Banner(QWidget):
    """Shows one message at a time; a new one takes the place of the old one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._role = "info"
        self._icon = QLabel()
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._buttons = QHBoxLayout()
        close = QToolButton()
        close.setIcon(assets.icon("close", "muted"))
        close.setToolTip("Close this message")
        close.setAccessibleName("Close this message")
        close.clicked.connect(self.hide)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 8, 8, 8)
        layout.setSpacing(8)
        layout.addWidget(self._icon)
        layout.addWidget(self._text, 1)
        layout.addLayout(self._buttons)
        layout.addWidget(close)
        self.setObjectName("banner")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        theme.signals.changed.connect(self._restyle)
        self.hide()

    @property
    def text(self) -> str:
        """Return what is told."""
        return self._text.text()

    def tell(self, text: str, *, role: str = "info", choices: Sequence[Choice] = ()) -> None:
        """Show words as `info`, `warning` or `error`, with buttons for what helps."""
        self._role = role
        self._text.setText(text)
        self._text.setAccessibleName(f"{role}: {text}")
        clear(self._buttons)
        for words, do in choices:
            button = QPushButton(words)
            button.clicked.connect(lambda _checked=False, do=do: self._do(do))
            self._buttons.addWidget(button)
        self._restyle()
        self.show()
        if QAccessible.isActive():
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    def _do(self, do: Callable[[], object]) -> None:
        self.hide()
        do()

    def _restyle(self) -> None:
        back = theme.colour(self._role, 34)
        self._icon.setPixmap(assets.icon(self._role, self._role).pixmap(18, 18))
        line = theme.colour(self._role, 130)
        self.setStyleSheet(
            f"#banner {{ background: rgba({back.red()},{back.green()},{back.blue()},{back.alpha()});"
            f" border-bottom: 1px solid rgba({line.red()},{line.green()},{line.blue()},{line.alpha()}); }}"
        )
