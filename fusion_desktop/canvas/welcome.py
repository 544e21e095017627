"""What an empty canvas says: what to do first, and buttons that do it."""

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from fusion_desktop import assets, theme

_STEPS = (
    ("catalogue", "Drag a server from the catalogue onto the canvas, or press Tab and type its name."),
    ("paste", "Or paste or drop what you have: a client’s configuration, a command, a URL, a bundle."),
    ("composite", "Put a composite around it: what lies in it is offered as one server."),
    ("run", "Run it, call its tools in the inspector, and export it to your client."),
)


class Welcome(QWidget):
    """Lies in the middle of the canvas while there is nothing else; drags pass through it."""

    example_wanted = Signal()
    open_wanted = Signal()
    import_wanted = Signal()
    composite_wanted = Signal()

    def __init__(self, viewport: QWidget) -> None:
        super().__init__(viewport)
        self.setAcceptDrops(False)
        self.setAutoFillBackground(True)
        title = QLabel("Draw your first composite")
        title.setProperty("role", "display")
        title.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        steps = QGridLayout()
        steps.setHorizontalSpacing(12)
        steps.setVerticalSpacing(10)
        self._icons: list[tuple[QLabel, str]] = []
        for row, (icon, words) in enumerate(_STEPS):
            picture, text = QLabel(), QLabel(words)
            text.setProperty("role", "muted")
            self._icons.append((picture, icon))
            steps.addWidget(picture, row, 0)
            steps.addWidget(text, row, 1)
        steps.setColumnStretch(1, 1)
        self.example = QPushButton("Open the example")
        self.example.setProperty("primary", True)
        self.composite = QPushButton("New composite")
        self.importing = QPushButton("Import from clients…")
        self.open = QPushButton("Open a graph…")
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        for button in (self.example, self.composite, self.importing, self.open):
            buttons.addWidget(button)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setSpacing(24)
        layout.addWidget(title)
        centred = QHBoxLayout()
        centred.addStretch(1)
        centred.addLayout(steps)
        centred.addStretch(1)
        layout.addLayout(centred)
        layout.addLayout(buttons)
        self.example.clicked.connect(self.example_wanted)
        self.importing.clicked.connect(self.import_wanted)
        self.open.clicked.connect(self.open_wanted)
        self.composite.clicked.connect(self.composite_wanted)
        theme.signals.changed.connect(self._restyle)
        self._restyle()
        viewport.installEventFilter(self)
        self._centre()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._centre()
        return False

    def _centre(self) -> None:
        viewport = self.parentWidget()
        assert viewport is not None
        size = self.sizeHint()
        self.setGeometry(
            (viewport.width() - size.width()) // 2,
            (viewport.height() - size.height()) // 2,
            size.width(),
            size.height(),
        )

    def _restyle(self) -> None:
        # No dots shine through between the words.
        look = self.palette()
        look.setColor(QPalette.ColorRole.Window, theme.colour("canvas"))
        self.setPalette(look)
        for label, name in self._icons:
            label.setPixmap(assets.icon(name, "accent").pixmap(20, 20))
