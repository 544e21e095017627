"""The page about the server itself: what it says of itself, how fast it answers, and what was settled with it."""

from typing import Final

from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from fusion_desktop import theme
from fusion_desktop.assets import icon
from fusion_desktop.controls import clear, reading
from fusion_desktop.inspector.answers import Answer, Answers
from fusion_desktop.inspector.editors import Choice, TextArea, mark
from fusion_desktop.inspector.json_tree import JsonTree
from fusion_desktop.run.session import InspectorSession, SessionState
from fusion_desktop.tasks import spawn

LEVELS: Final = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")

_SILENCES: Final = {
    10: "10 seconds without progress",
    60: "a minute without progress",
    300: "5 minutes without progress",
    3600: "an hour without progress",
    0: "never",
}


class ServerPage(QScrollArea):
    """What concerns the connection as a whole."""

    def __init__(self, session: InspectorSession, answers: Answers, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._answers = answers
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("About the server")
        self._build()
        session.state_changed.connect(self._show_state)
        answers.changed.connect(self._show_settled)
        self._show_state()
        self._show_settled()

    def _build(self) -> None:
        page = QWidget()
        self._column = QVBoxLayout(page)
        self._column.setContentsMargins(3 * theme.GRID, 2 * theme.GRID, 3 * theme.GRID, 3 * theme.GRID)
        self._column.setSpacing(2 * theme.GRID)
        self._build_server()
        self._build_settled()
        self._column.addStretch(1)
        self.setWidget(page)

    def _build_server(self) -> None:
        self._identity = reading()
        self._instructions = reading(role="muted")
        self.ping = QPushButton("Ping")
        self.ping.setToolTip("See how fast the server answers")
        self.ping.clicked.connect(self._ping)
        self._pinged = reading(role="muted")
        row = QHBoxLayout()
        row.addWidget(self.ping)
        row.addWidget(self._pinged, 1)
        self.level = Choice()
        self.level.setAccessibleName("Log messages from this level on")
        self.level.view().setAccessibleName("Levels of log messages")
        self.level.addItem("as the server likes", None)
        for level in LEVELS:
            self.level.addItem(f"from {level} on", level)
        self.level.activated.connect(self._set_level)
        self._level_row = QWidget()
        levels = QFormLayout(self._level_row)
        levels.setContentsMargins(0, 0, 0, 0)
        levels.addRow("Log messages", self.level)
        self._capabilities = JsonTree()
        self._about = QWidget()
        column = QVBoxLayout(self._about)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2 * theme.GRID)
        column.addWidget(self._identity)
        column.addWidget(self._instructions)
        column.addLayout(row)
        column.addWidget(self._level_row)
        column.addWidget(_heading("Capabilities"))
        column.addWidget(self._capabilities)
        self._column.addWidget(self._about)

    def _build_settled(self) -> None:
        self.idle = Choice()
        self.idle.setAccessibleName("How long a call may be silent")
        self.idle.view().setAccessibleName("How long a call may be silent")
        for seconds, words in _SILENCES.items():
            self.idle.addItem(words, seconds)
        self.idle.activated.connect(lambda _: self._answers.set_idle(int(self.idle.currentData())))
        self.protocol = Choice()
        self.protocol.setAccessibleName("Protocol")
        self.protocol.view().setAccessibleName("Protocol")
        self.protocol.addItem("the newest both know", False)
        self.protocol.addItem("2025-11-25, as older clients do", True)
        self.protocol.setToolTip("What older clients see may differ, such as tools that must be called as a task")
        self.protocol.activated.connect(lambda _: self._session.speak(is_legacy=bool(self.protocol.currentData())))
        row = QFormLayout()
        row.addRow("Protocol", self.protocol)
        row.addRow("Give up after", self.idle)
        self._column.addWidget(_heading("Calls"))
        self._column.addLayout(row)
        self.roots = TextArea(lines=2)
        self.roots.setPlaceholderText("file:///home/me/project")
        self.roots.setAccessibleName("Roots, one URI in each line")
        self.roots.textChanged.connect(self._take_roots)
        folder = QPushButton(icon("folder"), "Add a folder…")
        folder.clicked.connect(self._choose_folder)
        self._column.addWidget(_heading("Roots"))
        self._column.addWidget(_caption("Folders servers are told they may work in, one file:// address in each line."))
        self._column.addWidget(self.roots)
        self._column.addWidget(folder, 0, Qt.AlignmentFlag.AlignLeft)
        self._column.addWidget(_heading("Saved answers"))
        self._none = _caption("None yet. When a server asks something, the answer can be kept for the next time.")
        self._column.addWidget(self._none)
        self._saved = QVBoxLayout()
        self._column.addLayout(self._saved)

    def _show_state(self, *_: object) -> None:
        server = self._session.server
        is_open = self._session.state is SessionState.OPEN and server is not None
        self.protocol.setCurrentIndex(int(self._session.speaks_legacy))
        self._about.setVisible(is_open)
        self._pinged.clear()
        if server is None or not is_open:
            self.level.setCurrentIndex(0)
            return
        version = str(server.info.get("version") or "")
        names = dict.fromkeys((server.title, str(server.info.get("name") or ""), version))
        era = "no handshake" if server.is_modern else "handshake"
        self._identity.setText(f"{' · '.join(name for name in names if name)}\nMCP {server.revision}, {era}")
        self._instructions.setText(server.instructions or "")
        self._instructions.setVisible(bool(server.instructions))
        self._level_row.setVisible(self._session.offers("logging"))
        self._capabilities.show_value(server.capabilities)
        self._capabilities.setFixedHeight((min(max(len(server.capabilities), 3), 10) + 1) * 26)

    def _show_settled(self) -> None:
        uris = [str(root["uri"]) for root in self._answers.roots]
        if self._typed_roots() != uris:
            self.roots.setPlainText("\n".join(uris))
        if (place := self.idle.findData(self._answers.idle_s)) < 0:
            self.idle.addItem(f"{self._answers.idle_s} s without progress", self._answers.idle_s)
            place = self.idle.count() - 1
        self.idle.setCurrentIndex(place)
        clear(self._saved)
        for answer in self._answers.saved:
            self._saved.addWidget(self._answer_row(answer))
        self._none.setVisible(not self._answers.saved)

    def _answer_row(self, answer: Answer) -> QWidget:
        words = reading()
        words.setText(answer.words if answer.is_kept else f"{answer.words} (until Fusion ends)")
        remove = QToolButton()
        remove.setIcon(icon("trash", "muted"))
        remove.setIconSize(QSize(16, 16))
        remove.setToolTip("Ask again")
        remove.setAccessibleName(f"Remove the answer {answer.words}")
        remove.clicked.connect(lambda: self._answers.remove(answer))
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(words, 1)
        layout.addWidget(remove, 0, Qt.AlignmentFlag.AlignTop)
        return row

    def _ping(self) -> None:
        self._pinged.setText("…")
        spawn(self._pinging(), failed=self._pinged.setText)

    async def _pinging(self) -> None:
        self._pinged.setText(f"It answered in {await self._session.ping():.1f} ms.")

    def _set_level(self) -> None:
        if isinstance(level := self.level.currentData(), str):
            spawn(self._session.set_log_level(level), failed=self._pinged.setText)

    def _typed_roots(self) -> list[str]:
        return [line.strip() for line in self.roots.exact_text().splitlines() if line.strip()]

    def _take_roots(self) -> None:
        typed = self._typed_roots()
        is_usable = all(uri.startswith("file://") for uri in typed)
        mark(self.roots, is_invalid=not is_usable)
        # An address that is only half typed is no root yet.
        if is_usable and typed != [root["uri"] for root in self._answers.roots]:
            self._answers.set_roots(typed)

    def _choose_folder(self) -> None:
        dialog = QFileDialog(self, "Choose a folder")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._add_folder)
        dialog.open()

    def _add_folder(self, path: str) -> None:
        uri = QUrl.fromLocalFile(path).toString(QUrl.ComponentFormattingOption.FullyEncoded)
        self._answers.set_roots([*self._typed_roots(), uri])


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setFont(theme.font(bold=True))
    label.setContentsMargins(0, 2 * theme.GRID, 0, 0)
    return label


def _caption(text: str) -> QLabel:
    label = QLabel(text, wordWrap=True)
    label.setProperty("role", "caption")
    return label
