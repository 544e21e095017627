"""What is selected, as fields. Each field that was changed is one edit."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QLabel,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from composite_runtime import secrets
from composite_runtime.errors import GraphError
from composite_runtime.graph import edit
from composite_runtime.graph.model import (
    Auth,
    CompositeNode,
    Edge,
    Frame,
    Graph,
    HttpTransport,
    Note,
    ServerNode,
    SseTransport,
    StdioTransport,
)
from composite_runtime.graph.naming import namespace_of, slug
from fusion_desktop.document import changes, marks
from fusion_desktop.document.document import Document
from fusion_desktop.panels.annotation_page import AnnotationPage
from fusion_desktop.panels.fields import Line, Lines, Pairs, SecretField
from fusion_desktop.panels.mark_boxes import MarkBoxes
from fusion_desktop.panels.sign_in_field import SignInField
from fusion_desktop.tasks import spawn

Node = ServerNode | CompositeNode

_TRANSPORTS = {"stdio": "Command", "http": "URL (streamable HTTP)", "sse": "URL (SSE, old servers)"}
_SECRET = re.compile(r"\$\{secret:([^}]+)\}")


class PropertiesPanel(QStackedWidget):
    """Shows a page for what is selected: nothing, a node, an edge, or several nodes."""

    refused = Signal(str)
    """Words why a value was not taken."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._nothing = QLabel("Select a node or a wire to see its properties.")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._nothing.setProperty("role", "muted")
        self._nothing.setWordWrap(True)
        self._nothing.setMargin(24)
        self._document = document
        self.node_page = NodePage(document, self.refused.emit)
        self.edge_page = EdgePage(document, self.refused.emit)
        self.many_page = ManyPage(document)
        self.annotation_page = AnnotationPage(document)
        self._nodes: list[str] = []
        self._edges: list[tuple[str, str]] = []
        self._scroll = _scrolled(self.node_page)
        for page in (self._nothing, self._scroll, self.edge_page, self.many_page, self.annotation_page):
            self.addWidget(page)
        document.edited.connect(self._refresh)

    def show_selection(self, things: Sequence[str], edges: Sequence[tuple[str, str]]) -> None:
        """Show what is selected now: nodes, frames and notes, and wires."""
        self._nodes, self._edges = list(things), list(edges)
        self._refresh()

    def focus_name(self) -> None:
        """Begin to edit the name of the selected node."""
        if self.currentWidget() is self._scroll:
            self.node_page.name.setFocus()
            self.node_page.name.selectAll()
        elif self.currentWidget() is self.annotation_page:
            self.annotation_page.focus_name()

    def _refresh(self) -> None:
        nodes = [node for node_id in self._nodes if (node := self._document.node(node_id)) is not None]
        edges = [edge for ends in self._edges if (edge := self._document.edge(*ends)) is not None]
        notes = [note for one in self._nodes if (note := self._document.annotation(one)) is not None]
        if len(notes) == 1 and not nodes and not edges:
            self.annotation_page.show_annotation(notes[0])
            self.setCurrentWidget(self.annotation_page)
        elif len(nodes) == 1 and not edges and not notes:
            self.node_page.show_node(nodes[0])
            self.setCurrentWidget(self._scroll)
        elif len(edges) == 1 and not nodes and not notes:
            self.edge_page.show_edge(edges[0])
            self.setCurrentWidget(self.edge_page)
        elif nodes or edges or notes:
            self.many_page.show_things(nodes, notes, len(edges))
            self.setCurrentWidget(self.many_page)
        else:
            self.setCurrentWidget(self._nothing)


class NodePage(QWidget):
    """The fields of one server or composite."""

    def __init__(self, document: Document, refused: Callable[[str], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._refused = refused
        self._node: Node | None = None
        self._secret_names: tuple[str, ...] | None = None
        self._stored: set[str] = set()
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
        self._secrets = QWidget()
        self._secrets_layout = QVBoxLayout(self._secrets)
        self._secrets_layout.setContentsMargins(0, 0, 0, 0)
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
        if self._node is not None and self._node.id != node.id:
            # What was being typed belongs to the node that was shown, not to this one.
            if (focus := self.focusWidget()) is not None:
                focus.clearFocus()
            self._secret_names = None
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
        self._show_secrets(node)

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
        lines = [f"{_name(graph, edge.source)}  →  {_called(graph, edge)}" for edge in members]
        self._members.setText("\n".join(lines))
        self._show(bool(lines), self._members)

    # Secrets

    def _show_secrets(self, node: Node) -> None:
        names = tuple(dict.fromkeys(_SECRET.findall(node.model_dump_json())))
        if names == self._secret_names:
            return
        if names and not set(names) <= self._stored:
            self._ask_which_are_stored()
        self._fill_secrets(names)

    def _fill_secrets(self, names: tuple[str, ...]) -> None:
        self._secret_names = names
        while (item := self._secrets_layout.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for name in names:
            field = SecretField(name, is_stored=name in self._stored)
            field.entered.connect(self._store)
            self._secrets_layout.addWidget(field)
        self._show(bool(names), self._secrets)

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
            self._fill_secrets(self._secret_names or ())

    def _store(self, name: str, value: str) -> None:
        async def keep() -> None:
            await asyncio.to_thread(secrets.store, name, value)
            self._stored.add(name)
            self._fill_secrets(self._secret_names or ())

        spawn(keep(), failed=self._refused)

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


class EdgePage(QWidget):
    """The fields of one wire: what its member is called in its composite."""

    def __init__(self, document: Document, refused: Callable[[str], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._refused = refused
        self._edge: Edge | None = None
        self._title = QLabel()
        self._title.setProperty("role", "heading")
        self._title.setWordWrap(True)
        self.inherit = QCheckBox("Use the namespace of the member")
        self.namespace = Line("Namespace of the member here", "Empty: no prefix")
        self._example = QLabel()
        self._example.setProperty("role", "muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 16)
        layout.setSpacing(8)
        for widget in (self._title, self.inherit, self.namespace, self._example):
            layout.addWidget(widget)
        layout.addStretch(1)
        self.inherit.clicked.connect(self._set_inherited)
        self.namespace.committed.connect(self._set)

    def show_edge(self, edge: Edge) -> None:
        """Show the values of an edge."""
        graph = self._document.graph
        self._edge = edge
        self._title.setText(f"{_name(graph, edge.source)} in {_name(graph, edge.target)}")
        self.inherit.setChecked(edge.namespace is None)
        self.namespace.setEnabled(edge.namespace is not None)
        self.namespace.show_value(namespace_of(graph, edge))
        self._example.setText(f"Its tools are called {_prefix(namespace_of(graph, edge))}")

    def _set_inherited(self, inherited: bool) -> None:
        edge = self._edge
        assert edge is not None
        self._change(None if inherited else namespace_of(self._document.graph, edge))

    def _set(self, text: str) -> None:
        self._change(text.strip())

    def _change(self, namespace: str | None) -> None:
        edge = self._edge
        assert edge is not None
        graph = edit.replace_edge(self._document.graph, edge.but(namespace=namespace))
        self._document.edit(f"Change namespace of {_name(graph, edge.source)}", graph)


class ManyPage(QWidget):
    """What can be changed on several nodes at once."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._nodes: list[Node] = []
        self._title = QLabel()
        self._title.setProperty("role", "heading")
        self.enable, self.disable = QPushButton("Enable"), QPushButton("Disable")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 16)
        layout.setSpacing(8)
        self.boxes = MarkBoxes(document)
        for widget in (self._title, self.enable, self.disable, self.boxes):
            layout.addWidget(widget)
        layout.addStretch(1)
        self.enable.clicked.connect(lambda: self._set(True))
        self.disable.clicked.connect(lambda: self._set(False))

    def show_things(self, nodes: Sequence[Node], notes: Sequence[Frame | Note], edges: int) -> None:
        """Show how many nodes, frames, notes and wires are selected."""
        self._nodes = list(nodes)
        kinds = Counter(note.type for note in notes)
        counts = {"node": len(nodes), "frame": kinds["frame"], "note": kinds["note"], "wire": edges}
        parts = [f"{count} {word}{'s' if count != 1 else ''}" for word, count in counts.items() if count]
        self._title.setText(", ".join(parts))
        self.boxes.setVisible(bool(nodes or notes))
        self.boxes.show_things([*(node.id for node in nodes), *(note.id for note in notes)])
        for button in (self.enable, self.disable):
            button.setVisible(bool(nodes))
        self.enable.setEnabled(any(not node.enabled for node in nodes))
        self.disable.setEnabled(any(node.enabled for node in nodes))

    def _set(self, on: bool) -> None:
        word = "Enable" if on else "Disable"
        graph = marks.enabled(self._document.graph, {node.id for node in self._nodes}, on)
        self._document.edit(f"{word} {len(self._nodes)} nodes", graph)


def _auth_of(node: Node | None) -> Auth:
    if not isinstance(node, ServerNode) or isinstance(node.transport, StdioTransport):
        return Auth()
    return node.transport.auth or Auth()


def _name(graph: Graph, node_id: str) -> str:
    node = graph.node(node_id)
    return node.name if node is not None else node_id


def _called(graph: Graph, edge: Edge) -> str:
    node = graph.node(edge.source)
    if isinstance(node, CompositeNode) and node.bypassed and node.enabled:
        return "its members, by their own names"
    return _prefix(namespace_of(graph, edge))


def _prefix(namespace: str) -> str:
    return f"{namespace}_…" if namespace else "as they are"


def _scrolled(page: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidget(page)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return area
