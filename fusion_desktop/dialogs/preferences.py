"""Preferences: how Fusion looks, how it serves, and which keys do what."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from fusion_desktop import theme
from fusion_desktop.dialogs.key_page import KeyPage
from fusion_desktop.keymap import Keymap

_MODES = {"Follow the system": "system", "Light": "light", "Dark": "dark", "High contrast": "contrast"}
_TRANSPORTS = {"HTTP, on this machine only": "http", "stdio": "stdio"}


class Preferences(QDialog):
    """Tells each choice at once; there is nothing to confirm."""

    mode_chosen = Signal(str)
    transport_chosen = Signal(str)
    keymap_chosen = Signal(object)
    first_start_chosen = Signal(bool)
    """Whether a command is shown before it is started for the first time."""

    def __init__(
        self,
        mode: str,
        transport: str,
        keymap: Keymap,
        parent: QWidget | None = None,
        *,
        asks_first_start: bool = True,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Preferences")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.mode = _choice("Theme", _MODES, mode)
        self.transport = _choice("Serve over", _TRANSPORTS, transport)
        self.mode.currentIndexChanged.connect(lambda: self.mode_chosen.emit(self.mode.currentData()))
        self.transport.currentIndexChanged.connect(lambda: self.transport_chosen.emit(self.transport.currentData()))
        self.first_start = QCheckBox("Show a command before its first start")
        self.first_start.setChecked(asks_first_start)
        self.first_start.toggled.connect(self.first_start_chosen)
        self.keys = KeyPage(keymap)
        self.keys.changed.connect(self.keymap_chosen)
        self.tabs = QTabWidget(documentMode=True)
        self.tabs.setAccessibleName("Preferences")
        self.tabs.tabBar().setDrawBase(False)
        self.tabs.addTab(self._general(), "General")
        self.tabs.addTab(self.keys, "Keys")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        # In the list of keys Enter gives a key; it must not close the dialog.
        close.setAutoDefault(False)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*[4 * theme.GRID] * 4)
        layout.setSpacing(3 * theme.GRID)
        layout.addWidget(self.tabs, 1)
        layout.addWidget(buttons)
        self.resize(640, 680)

    def _general(self) -> QWidget:
        page = QWidget()
        form = QFormLayout(page)
        form.setContentsMargins(0, 4 * theme.GRID, 0, 0)
        form.setVerticalSpacing(3 * theme.GRID)
        form.setHorizontalSpacing(4 * theme.GRID)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.FieldsStayAtSizeHint)
        form.addRow("Theme", self.mode)
        form.addRow("Serve over", self.transport)
        note = QLabel("How the composite is served when it is run from here. It takes effect with the next run.")
        note.setProperty("role", "muted")
        note.setWordWrap(True)
        note.setMinimumWidth(110 * theme.GRID)
        form.addRow("", note)
        form.addRow("Safety", self.first_start)
        trust = QLabel("Commands that were imported, pasted, opened or taken from a catalogue run with your rights.")
        trust.setProperty("role", "muted")
        trust.setWordWrap(True)
        trust.setMinimumWidth(110 * theme.GRID)
        form.addRow("", trust)
        return page


def _choice(name: str, words: dict[str, str], present: str) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    box.setMinimumWidth(60 * theme.GRID)
    for text, value in words.items():
        box.addItem(text, value)
    box.setCurrentIndex(max(0, box.findData(present)))
    return box
