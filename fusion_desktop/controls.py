"""Buttons and texts, made the way every panel and dialog wants them."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLayout, QLineEdit, QPushButton, QToolButton, QWidget

from fusion_desktop.assets import icon


def push_button(text: str, do: Callable[[], object], tip: str = "", *, primary: bool = False) -> QPushButton:
    """Return a button that Enter presses only where it has the focus."""
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setAutoDefault(False)
    button.setProperty("primary", primary)
    button.clicked.connect(lambda _checked=False: do())
    return button


def icon_button(name: str, about: str, do: Callable[[], object]) -> QToolButton:
    """Return a button that shows an icon alone, and says what it does to who points at it or cannot see it."""
    button = QToolButton()
    button.setIcon(icon(name, "muted"))
    button.setToolTip(about)
    button.setAccessibleName(about)
    button.clicked.connect(lambda _checked=False: do())
    return button


def word_button(text: str, about: str) -> QToolButton:
    """Return a flat button with a word on it."""
    button = QToolButton()
    button.setText(text)
    button.setToolTip(about)
    button.setAccessibleName(f"{text}: {about}")
    return button


def search_field(words: str, name: str = "") -> QLineEdit:
    """Return a field that says in it what is searched, and more in full to who cannot see that."""
    field = QLineEdit(placeholderText=words, clearButtonEnabled=True)
    field.setAccessibleName(name or words)
    return field


def reading(text: str = "", role: str = "") -> QLabel:
    """Return words that are shown as they are, wrap, and can be selected with the mouse."""
    label = QLabel(text, textFormat=Qt.TextFormat.PlainText, wordWrap=True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    # A click on words leaves the keyboard where it is.
    label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    if role:
        label.setProperty("role", role)
    return label


def restyle(widget: QWidget, **properties: object) -> None:
    """Give a widget properties that the style sheet asks for, and let it look like that at once."""
    for name, value in properties.items():
        widget.setProperty(name, value)
    widget.style().polish(widget)


def clear(layout: QLayout) -> None:
    """Take everything out of a layout and let it go."""
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            # It lives until control is back in the event loop, and must not be seen meanwhile.
            widget.hide()
            widget.deleteLater()
