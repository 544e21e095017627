"""The properties of a server or a composite, as fields."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QVBoxLayout, QWidget

from composite_runtime import secrets
from composite_runtime.errors import GraphError
from composite_runtime.graph import edit
from composite_runtime.graph.model import (
    Auth,
    CompositeNode,
    HttpTransport,
    ServerNode,
    SseTransport,
    StdioTransport,
)
from composite_runtime.graph.naming import slug
from fusion_desktop.document import changes, marks
from fusion_desktop.document.document import Document
from fusion_desktop.panels.edge_page import called, name_of
from fusion_desktop.panels.fields import Line, Lines, Pairs
from fusion_desktop.panels.mark_boxes import MarkBoxes
from fusion_desktop.panels.node_secrets import NodeSecrets
from fusion_desktop.panels.sign_in_field import SignInField

Node = ServerNode | CompositeNode

_TRANSPORTS = {"stdio": "Command", "http": "URL (streamable HTTP)", "sse": "URL (SSE, old servers)"}


class NodePage(QWidget):
    """The fields of one server or composite."""

    def __init__(self, document: Document, refused: Callable[[str], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._refused = refused
        self._node: Node | None = None
        self.name = Line("Name", "What people call it")
        self.namespace = Line("Namespace")
        self.enabled = QCheckBox("Enabled")
        self.enabled.setToolTip("A node that is switched off is not started and offers nothing")
        self.boxes = MarkBoxes(document)
        self.kind = QComboBox()
        self.kind.setAccessibleName("How the server is reached")
        for key, words in _TRANSPORTS.items():
            self.kind.addItem(words, key)
        self.command = Line("Command", "uvx, npx, python, …")
        self.arguments = Lines("Arguments", "One per line")
        self.variables = Pairs("Environment", "NAME")
        self.folder = Line("Working folder", "Where the graph lies")
        self.url = Line("URL", "https://example.org/mcp")
        self.headers = Pairs("Headers", "Header")
        self.sign_in = SignInField()
        self.client_id = Line("Client id", "Only if Fusion was registered by hand")
        self.client_secret = Line("Client secret", "${secret:NAME}")
        self._members = QLabel()
        self._members.setWordWrap(True)
        self._members.setTextFormat(Qt.TextFormat.PlainText)
        self._secrets = NodeSecrets(refused)
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 16)
        layout.setSpacing(4)
        layout.addWidget(self.enabled)
        layout.addWidget(self.boxes)
        self._labels: dict[QWidget, QLabel] = {}
        for title, field in (
            ("Name", self.name),
            ("Namespace", self.namespace),
            ("Reached by", self.kind),
            ("Command", self.command),
            ("Arguments, one per line", self.arguments),
            ("Environment", self.variables),
            ("Working folder", self.folder),
            ("URL", self.url),
            ("Headers", self.headers),
            ("Sign-in", self.sign_in),
            ("Client id", self.client_id),
            ("Client secret", self.client_secret),
            ("Secrets", self._secrets),
            ("Members", self._members),
        ):
            label = QLabel(title)
            label.setProperty("role", "caption")
            label.setContentsMargins(0, 8, 0, 0)
            label.setBuddy(field)
            self._labels[field] = label
            layout.addWidget(label)
            layout.addWidget(field)
        layout.addStretch(1)

    def _connect(self) -> None:
        self.name.committed.connect(self._rename)
        self.namespace.committed.connect(self._set_namespace)
        self.enabled.clicked.connect(self._set_enabled)
        self.kind.activated.connect(self._set_kind)
        self.command.committed.connect(lambda text: self._set_transport("command", command=text.strip()))
        self.arguments.committed.connect(lambda values: self._set_transport("arguments", args=values))
        self.variables.committed.connect(lambda values: self._set_transport("environment", env=values))
        self.folder.committed.connect(lambda text: self._set_transport("working folder", cwd=text.strip() or None))
        self.url.committed.connect(lambda text: self._set_transport("URL", url=text.strip()))
        self.headers.committed.connect(lambda values: self._set_transport("headers", headers=values))
        self.client_id.committed.connect(self._set_client_id)
        self.client_secret.committed.connect(self._set_client_secret)

    def show_node(self, node: Node) -> None:
        """Show the values of a node."""
        is_other = self._node is not None and self._node.id != node.id
        # What was being typed belongs to the node that was shown, not to this one.
        if is_other and (focus := self.focusWidget()) is not None:
            focus.clearFocus()
        self._node = node
        self.name.show_value(node.name)
        self.namespace.setPlaceholderText(f"{slug(node.name)} (from the name)")
        self.namespace.show_value(node.namespace or "")
        self.enabled.setChecked(node.enabled)
        self.boxes.show_things([node.id])
        transport = node.transport if isinstance(node, ServerNode) else None
        is_command = isinstance(transport, StdioTransport)
        is_url = isinstance(transport, HttpTransport | SseTransport)
        if isinstance(transport, StdioTransport):
            self.command.show_value(transport.command)
            self.arguments.show_value(transport.args)
            self.variables.show_value(transport.env)
            self.folder.show_value(transport.cwd or "")
        elif isinstance(transport, HttpTransport | SseTransport):
            self.url.show_value(transport.url)
            self.headers.show_value(transport.headers)
        if transport is not None:
            self.kind.setCurrentIndex(self.kind.findData(transport.type))
        self._show(transport is not None, self.kind)
        self._show(is_command, self.command, self.arguments, self.variables, self.folder)
        self._show(is_url, self.url, self.headers)
        self.show_sign_in()
        self._show_members(node)
        self._secrets.show_node(node)
        self._show(bool(self._secrets.names), self._secrets)

    def show_sign_in(self) -> None:
        """Show whether somebody is signed in to the server."""
        node = self._node
        if isinstance(node, ServerNode) and self.sign_in.applies_to(node):
            self.sign_in.show_node(node)
        applies = self.sign_in.applies_to(node)
        auth = _auth_of(node) if applies else Auth()
        self.client_id.show_value(auth.client_id or "")
        self.client_secret.show_value(auth.client_secret or "")
        self._show(applies, self.sign_in, self.client_id)
        self._show(applies and bool(auth.client_id), self.client_secret)

    def _show(self, visible: bool, *fields: QWidget) -> None:
        for field in fields:
            field.setVisible(visible)
            self._labels[field].setVisible(visible)

    def _show_members(self, node: Node) -> None:
        graph = self._document.graph
        members = graph.members(node.id) if isinstance(node, CompositeNode) else ()
        lines = [f"{name_of(graph, edge.source)}  →  {called(graph, edge)}" for edge in members]
        self._members.setText("\n".join(lines))
        self._show(bool(lines), self._members)

    # Edits

    def _rename(self, text: str) -> None:
        node = self._node
        assert node is not None
        try:
            graph = changes.renamed(self._document.graph, node.id, text)
        except GraphError as error:
            self._refused(error.message)
            self.name.show_value(node.name)
            return
        self._document.edit(f"Rename {node.name} to {text.strip()}", graph)

    def _set_namespace(self, text: str) -> None:
        # Blank means the usual rule; an empty namespace, which means no prefix, is set on a wire.
        self._replace("namespace", namespace=text.strip() or None)

    def _set_enabled(self, on: bool) -> None:
        node = self._node
        assert node is not None
        graph = marks.enabled(self._document.graph, {node.id}, on)
        self._document.edit(f"{'Enable' if on else 'Disable'} {node.name}", graph)

    def _set_kind(self, _index: int) -> None:
        node = self._node
        assert isinstance(node, ServerNode)
        kind = self.kind.currentData()
        old = node.transport
        if kind == old.type:
            return
        new: StdioTransport | HttpTransport | SseTransport
        if kind == "stdio":
            new = StdioTransport(command="")
        else:
            kept = {} if isinstance(old, StdioTransport) else {"headers": old.headers, "auth": old.auth}
            url = "" if isinstance(old, StdioTransport) else old.url
            made = HttpTransport if kind == "http" else SseTransport
            new = made.model_validate({"url": url, **kept})
        self._replace("transport", transport=new)

    def _set_transport(self, what: str, **values: object) -> None:
        node = self._node
        assert isinstance(node, ServerNode)
        self._replace(what, transport=node.transport.but(**values))

    def _set_auth(self, what: str, **values: str | None) -> None:
        auth = _auth_of(self._node).but(**values)
        self._set_transport(what, auth=None if auth == Auth() else auth)

    def _set_client_id(self, text: str) -> None:
        name = text.strip()
        if name:
            self._set_auth("client id", client_id=name)
        else:
            self._set_auth("client id", client_id=None, client_secret=None)

    def _set_client_secret(self, text: str) -> None:
        secret = text.strip()
        if secret and not secrets.references(secret):
            self._refused("Store the client secret as a secret, and enter ${secret:NAME}: the graph holds none itself.")
            self.show_sign_in()
            return
        self._set_auth("client secret", client_secret=secret or None)

    def _replace(self, what: str, **values: object) -> None:
        node = self._node
        assert node is not None
        self._document.edit(
            f"Change {what} of {node.name}", edit.replace_node(self._document.graph, node.but(**values))
        )


def _auth_of(node: Node | None) -> Auth:
    if not isinstance(node, ServerNode) or isinstance(node.transport, StdioTransport):
        return Auth()
    return node.transport.auth or Auth()
