"""The right end of the status bar: whether it runs and where, how many problems there are, and the zoom."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from fusion_desktop import assets


class Footer(QWidget):
    """Shows what is told; decides nothing."""

    problems_wanted = Signal()
    copied = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = QLabel()
        self.url = _button("Copy the address")
        self.url.setIcon(assets.icon("copy", "muted"))
        self.url.clicked.connect(self._copy)
        self.problems = _button("Show the problems")
        self.problems.clicked.connect(self.problems_wanted)
        self._scale = QLabel("100 %")
        # Wide enough for the largest scale; the status bar gives a label no more than it had at first.
        self._scale.setFixedWidth(self._scale.fontMetrics().horizontalAdvance("1000 %") + 8)
        self._scale.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 12, 0)
        layout.setSpacing(8)
        for widget in (self.state, self.url, self.problems, self._scale):
            layout.addWidget(widget)
        self.show_run("", None)

    def show_run(self, words: str, url: str | None) -> None:
        """Show what the run is doing, and its address if it has one."""
        self.state.setText(words)
        self.url.setText(url or "")
        self.url.setVisible(url is not None)

    def show_problems(self, errors: int, warnings: int) -> None:
        """Show how many problems there are."""
        icon, role = ("error", "error") if errors else ("warning", "warning") if warnings else ("check", "ready")
        self.problems.setIcon(assets.icon(icon, role))
        counts = ((errors, "error"), (warnings, "warning"))
        parts = [f"{count} {word}{'s' if count != 1 else ''}" for count, word in counts if count]
        self.problems.setText(", ".join(parts) or "No problems")
        self.problems.setAccessibleName(f"Show the problems: {self.problems.text()}")

    def show_scale(self, scale: float) -> None:
        """Show how large the canvas is drawn."""
        self._scale.setText(f"{round(scale * 100)} %")

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.url.text())
        self.copied.emit()


def _button(name: str) -> QToolButton:
    button = QToolButton()
    button.setToolTip(name)
    button.setAccessibleName(name)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    return button
