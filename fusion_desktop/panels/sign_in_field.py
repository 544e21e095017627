"""Whether somebody is signed in to a remote server, with the button that changes it."""

import time

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from composite_runtime.auth import store
from composite_runtime.graph.model import ServerNode, StdioTransport


class SignInField(QWidget):
    """Says who let us in, and since when; the token itself is nobody's to see."""

    sign_in_wanted = Signal(str)
    sign_out_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._node = ""
        self.words = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self.words.setProperty("role", "muted")
        self.sign_in, self.sign_out = QPushButton("Sign in…"), QPushButton("Sign out")
        self.sign_in.setToolTip("Sign in to this server in your browser")
        self.sign_out.setToolTip("Forget the sign-in here, and have the server forget it")
        self.sign_in.clicked.connect(lambda: self.sign_in_wanted.emit(self._node))
        self.sign_out.clicked.connect(lambda: self.sign_out_wanted.emit(self._node))
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.sign_in)
        row.addWidget(self.sign_out)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.words)
        layout.addLayout(row)

    def applies_to(self, node: object) -> bool:
        """Say whether one can sign in to a node: a remote server that is given no credentials of its own."""
        if not isinstance(node, ServerNode) or isinstance(node.transport, StdioTransport):
            return False
        return "authorization" not in map(str.lower, node.transport.headers)

    def show_node(self, node: ServerNode) -> None:
        """Show how things stand with the server of a node."""
        self._node = node.id
        entry = None if isinstance(node.transport, StdioTransport) else store.entries().get(node.transport.url)
        self.sign_out.setVisible(entry is not None)
        self.sign_in.setText("Sign in again…" if entry is not None else "Sign in…")
        if entry is None:
            self.words.setText("Nobody is signed in. Only needed when the server asks for it.")
            return
        since = time.strftime("%d %B %Y", time.localtime(entry.since)).lstrip("0")
        rights = f"\nFor: {entry.scope}" if entry.scope else ""
        self.words.setText(f"Signed in by {entry.issuer.split('://')[-1]} since {since}{rights}")
