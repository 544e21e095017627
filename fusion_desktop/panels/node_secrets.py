"""The secrets a node refers to: whether each is stored, and a field to store it."""

import asyncio
import re
from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from composite_runtime import secrets
from composite_runtime.graph.model import CompositeNode, ServerNode
from fusion_desktop.controls import clear
from fusion_desktop.tasks import spawn

_SECRET = re.compile(r"\$\{secret:([^}]+)\}")


class NodeSecrets(QWidget):
    """One field for each secret of the node that is shown; `refused` hears why one was not stored."""

    def __init__(self, refused: Callable[[str], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._refused = refused
        self._node_id = ""
        self._names: tuple[str, ...] = ()
        self._stored: set[str] = set()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)

    @property
    def names(self) -> tuple[str, ...]:
        """What the secrets are called."""
        return self._names

    def show_node(self, node: ServerNode | CompositeNode) -> None:
        """Show the secrets of a node; what is typed into a field stays while they are the same."""
        names = tuple(dict.fromkeys(_SECRET.findall(node.model_dump_json())))
        if (node.id, names) == (self._node_id, self._names):
            return
        self._node_id, self._names = node.id, names
        if not set(names) <= self._stored:
            self._ask_which_are_stored()
        self._fill()

    def _fill(self) -> None:
        clear(self._layout)
        for name in self._names:
            field = SecretField(name, is_stored=name in self._stored)
            field.entered.connect(self._store)
            self._layout.addWidget(field)

    def _ask_which_are_stored(self) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        spawn(self._find_stored(), failed=self._refused)

    async def _find_stored(self) -> None:
        # A locked keyring may ask the user and block; never in the thread that paints.
        stored = set(await asyncio.to_thread(secrets.names))
        if stored != self._stored:
            self._stored = stored
            self._fill()

    def _store(self, name: str, value: str) -> None:
        async def keep() -> None:
            await asyncio.to_thread(secrets.store, name, value)
            self._stored.add(name)
            self._fill()

        spawn(keep(), failed=self._refused)


class SecretField(QWidget):
    """One secret the node refers to: whether it is stored, and a field to store it in the keyring."""

    entered = Signal(str, str)

    def __init__(self, name: str, *, is_stored: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        label = QLabel(f"{name} — stored" if is_stored else f"{name} — not stored on this computer")
        label.setProperty("role", "muted" if is_stored else "warning")
        label.setWordWrap(True)
        self.value = QLineEdit()
        self.value.setEchoMode(QLineEdit.EchoMode.Password)
        self.value.setAccessibleName(f"Secret {name}")
        self.value.setPlaceholderText("Enter another value" if is_stored else "Enter the value")
        self.button = QPushButton("Store")
        self.button.setAccessibleName(f"Store secret {name}")
        self.button.setToolTip("Keep the value in the keyring of this computer. The graph file holds only its name.")
        self.button.setEnabled(False)
        row = QHBoxLayout()
        row.addWidget(self.value, 1)
        row.addWidget(self.button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(label)
        layout.addLayout(row)
        self.value.textChanged.connect(lambda text: self.button.setEnabled(bool(text)))
        self.value.returnPressed.connect(self._enter)
        self.button.clicked.connect(self._enter)

    def _enter(self) -> None:
        if self.value.text():
            self.entered.emit(self._name, self.value.text())
            self.value.clear()
