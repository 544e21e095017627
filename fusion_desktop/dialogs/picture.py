"""Save or copy the graph as a picture: choose what, in which form, and see it first."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from fusion_desktop import theme
from fusion_desktop.dialogs.preview import Preview

FORMS = {"PNG image": "png", "SVG drawing": "svg", "Mermaid text": "mermaid"}
_LOOKS = {"Light": "light", "Dark": "dark", "High contrast": "contrast"}
_SCALES = {"1×": 1.0, "2× (sharp on any screen)": 2.0, "3×": 3.0}


@dataclass(frozen=True)
class Wish:
    """What kind of picture is wanted."""

    form: str
    look: str
    scale: float = 1.0
    is_clear: bool = False
    only_selection: bool = False


class PictureDialog(QDialog):
    """Draws anew with each choice. `draw` makes the preview, `write` the text of a Mermaid chart."""

    save_wanted = Signal(object)
    copy_wanted = Signal(object)

    def __init__(
        self,
        draw: Callable[[Wish], QImage],
        write: Callable[[Wish], str],
        *,
        look: str,
        selected: int,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._draw = draw
        self._write = write
        self.setWindowTitle("Picture of the graph")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.what = _choice("What", {"Whole graph": False, f"Selection ({selected})": True})
        self.what.setEnabled(bool(selected))
        self.form = _choice("Form", FORMS)
        self.look = _choice("Look", _LOOKS)
        self.look.setCurrentIndex(max(0, self.look.findData(look)))
        self.scale = _choice("Size", _SCALES)
        self.scale.setCurrentIndex(1)
        self.clear = QCheckBox("Transparent background")
        self._build()
        for box in (self.what, self.form, self.look, self.scale):
            box.currentIndexChanged.connect(self.refresh)
        self.clear.toggled.connect(self.refresh)
        self.resize(880, 560)
        self.refresh()

    @property
    def wish(self) -> Wish:
        """Return what is chosen."""
        return Wish(
            form=self.form.currentData(),
            look=self.look.currentData(),
            scale=self.scale.currentData(),
            is_clear=self.clear.isChecked(),
            only_selection=bool(self.what.currentData()) and self.what.isEnabled(),
        )

    def refresh(self) -> None:
        """Show what would be saved."""
        wish = self.wish
        is_text = wish.form == "mermaid"
        for control in (self.look, self.clear):
            control.setEnabled(not is_text)
        self.scale.setEnabled(wish.form == "png")
        if is_text:
            self.text.setPlainText(self._write(wish))
            self._size.setText("Shown as a chart by GitHub, GitLab, Notion and others")
        else:
            image = self._draw(wish)
            drawn = image.size() if wish.form == "png" else image.size() / wish.scale
            self._size.setText(f"{drawn.width()} × {drawn.height()} {'pixels' if wish.form == 'png' else 'points'}")
            self.preview.show_image(image, wish.scale)
        self._pages.setCurrentWidget(self.text if is_text else self.preview)

    def _build(self) -> None:
        form = QFormLayout()
        form.setVerticalSpacing(3 * theme.GRID)
        form.setHorizontalSpacing(3 * theme.GRID)
        for words, field in (("Draw", self.what), ("Form", self.form), ("Look", self.look), ("Size", self.scale)):
            form.addRow(words, field)
        form.addRow("", self.clear)
        self._size = QLabel()
        self._size.setProperty("role", "muted")
        self._size.setWordWrap(True)
        side = QVBoxLayout()
        side.addLayout(form)
        side.addWidget(self._size)
        side.addStretch(1)
        self.preview = Preview("Preview")
        self.text = QPlainTextEdit(readOnly=True)
        self.text.setAccessibleName("Mermaid text")
        self.text.setFont(theme.font(mono=True))
        self._pages = QStackedWidget()
        for page in (self.preview, self.text):
            self._pages.addWidget(page)
        middle = QHBoxLayout()
        middle.setSpacing(4 * theme.GRID)
        middle.addWidget(self._pages, 1)
        middle.addLayout(side)
        close, self.copy, self.save = QPushButton("Close"), QPushButton("Copy"), QPushButton("Save…")
        self.save.setProperty("primary", True)
        self.save.setDefault(True)
        close.clicked.connect(self.reject)
        self.copy.clicked.connect(lambda: self.copy_wanted.emit(self.wish))
        self.save.clicked.connect(lambda: self.save_wanted.emit(self.wish))
        buttons = QHBoxLayout()
        buttons.setSpacing(2 * theme.GRID)
        buttons.addStretch(1)
        for button in (close, self.copy, self.save):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*[4 * theme.GRID] * 4)
        layout.setSpacing(4 * theme.GRID)
        layout.addLayout(middle, 1)
        layout.addLayout(buttons)


def _choice(name: str, words: dict[str, str] | dict[str, float] | dict[str, bool]) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    box.setMinimumWidth(48 * theme.GRID)
    for text, value in words.items():
        box.addItem(text, value)
    return box
