"""Sign in to a remote server: says how far it is, can be given up, and tells how it ended."""

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from composite_runtime.auth.errors import CannotKeep, SignInFailed
from composite_runtime.auth.sign_in import SignedIn, Stage, sign_in
from composite_runtime.errors import FusionError
from composite_runtime.graph.model import ServerNode
from fusion_desktop import theme
from fusion_desktop.controls import restyle
from fusion_desktop.tasks import spawn_for

_WORDS = {
    Stage.ASKING: "Asking the server how to sign in …",
    Stage.REGISTERING: "Introducing Fusion to {host} …",
    Stage.WAITING: "Sign in to {host} in your browser. This window waits for you.",
    Stage.FETCHING: "Almost done …",
}


def open_page(url: str) -> None:
    """Open an address in the user's browser."""
    QDesktopServices.openUrl(QUrl(url))


class SignInDialog(QDialog):
    """One sign-in, from its start to its outcome. Open it with `open()`; to close it gives up."""

    signed_in = Signal(str)
    """The id of the node that was signed in to."""

    def __init__(
        self, node: ServerNode, parent: QWidget | None = None, *, browser: Callable[[str], None] = open_page
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Sign in")
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self._node = node
        self._browser = browser
        self._task: asyncio.Task[None] | None = None
        self._page = ""
        self._in_file = False
        self.heading = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self.heading.setProperty("role", "heading")
        self.words = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.words.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(theme.GRID)
        self.bar.setAccessibleName("Signing in")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(5 * theme.GRID, 5 * theme.GRID, 5 * theme.GRID, 4 * theme.GRID)
        layout.setSpacing(3 * theme.GRID)
        layout.addWidget(self.heading)
        layout.addWidget(self.words, 1)
        layout.addWidget(self.bar)
        layout.addLayout(self._buttons())
        self.resize(460, 192)
        self.begin()

    def _buttons(self) -> QHBoxLayout:
        self.copy, self.reopen = QPushButton("Copy the address"), QPushButton("Open it again")
        self.in_file, self.again = QPushButton("Keep it in a private file"), QPushButton("Try again")
        self.end = QPushButton("Cancel")
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._page))
        self.reopen.clicked.connect(lambda: self._browser(self._page))
        self.again.clicked.connect(self.begin)
        self.in_file.clicked.connect(self._keep_in_file)
        self.end.clicked.connect(self.close)
        row = QHBoxLayout()
        row.addWidget(self.copy)
        row.addWidget(self.reopen)
        row.addStretch(1)
        for button in (self.in_file, self.again, self.end):
            row.addWidget(button)
        for button in (self.copy, self.reopen, self.in_file, self.again, self.end):
            button.setAutoDefault(False)
        return row

    def begin(self) -> None:
        """Begin, or begin again."""
        self._page = ""
        self._show(f"Signing in to {self._node.name}", "", role="", end="Cancel")
        self.bar.show()
        self._task = spawn_for(self, self._sign_in())

    def done(self, result: int) -> None:
        """Close the window; what goes on is given up."""
        if self._task is not None:
            self._task.cancel()
        super().done(result)

    async def _sign_in(self) -> None:
        try:
            outcome = await sign_in(self._node, show=self._show_page, tell=self._tell, in_file=self._in_file)
        except CannotKeep as error:
            self._failed(error, "no keyring" if not self._in_file else "")
        except (SignInFailed, FusionError) as error:
            self._failed(error, "")
        else:
            self._succeeded(outcome)

    def _tell(self, stage: Stage) -> None:
        host = urlsplit(self._node.transport.url).hostname if self._node.transport.type != "stdio" else ""
        self.words.setText(_WORDS[stage].format(host=host or "the server"))

    def _show_page(self, url: str) -> None:
        self._page = url
        self.copy.show()
        self.reopen.show()
        self._browser(url)

    def _succeeded(self, outcome: SignedIn) -> None:
        self.bar.hide()
        rights = f"Fusion may use it for: {outcome.scope}." if outcome.scope else "Fusion may use it now."
        kept = "a private file" if self._in_file else "the system keyring"
        words = f"{rights} The sign-in is kept in {kept} and renewed by itself."
        self._show(f"Signed in to {self._node.name}", words, role="", end="Done")
        self._primary(self.end)
        self.signed_in.emit(self._node.id)

    def _failed(self, error: FusionError, why: str) -> None:
        self.bar.hide()
        words = f"{error.message[:1].upper()}{error.message[1:]}."
        self._show(f"Not signed in to {self._node.name}", words, role="error", end="Close")
        self.in_file.setVisible(bool(why))
        self.again.setVisible(not why)
        self._primary(self.in_file if why else self.again)

    def _keep_in_file(self) -> None:
        self._in_file = True
        self.begin()

    def _show(self, heading: str, words: str, *, role: str, end: str) -> None:
        self.heading.setText(heading)
        self.words.setText(words)
        restyle(self.words, role=role)
        self.end.setText(end)
        for button in (self.copy, self.reopen, self.in_file, self.again):
            button.hide()
        self._primary(None)

    def _primary(self, chosen: QPushButton | None) -> None:
        for button in (self.in_file, self.again, self.end):
            restyle(button, primary=button is chosen)
        if chosen is not None:
            chosen.setFocus()
