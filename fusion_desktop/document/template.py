"""What can be put on the canvas: a node that is not in a graph yet. It travels in a drag as JSON."""

import json
from dataclasses import dataclass, replace
from typing import Self

from pydantic import TypeAdapter, ValidationError
from PySide6.QtCore import QMimeData

from composite_runtime.errors import UnknownName
from composite_runtime.graph.model import CompositeNode, Node, ServerNode
from composite_runtime.interop import catalogue
from composite_runtime.interop.bundle_file import BundleFile
from composite_runtime.interop.plain_secrets import Transport
from composite_runtime.interop.registry_entry import Way

MIME = "application/x-fusion-node+json"
_KNOWN = "application/x-fusion-known-server"
_node: TypeAdapter[ServerNode | CompositeNode] = TypeAdapter(Node)


@dataclass(frozen=True)
class Template:
    """A node to be made, with what the user should know about it.

    With `ways`, the node's transport is made from one of them and the answers to its prompts; until then it is a draft.
    """

    node: ServerNode | CompositeNode
    summary: str = ""
    icon: str = "server"
    tags: tuple[str, ...] = ()
    note: str = ""
    categories: tuple[str, ...] = ()
    needs: str = ""
    known: str = ""
    ways: tuple[Way, ...] = ()
    bundle: BundleFile | None = None

    @property
    def asks(self) -> bool:
        """Tell whether somebody has to fill something in, or to look at what it is, before it is added."""
        if self.bundle is not None or self.download is not None:
            return True
        prompts = self.ways[0].prompts.values() if self.ways else ()
        # Many a key is called optional although little works without it.
        return any(prompt.is_secret or (prompt.is_required and prompt.default is None) for prompt in prompts)

    @property
    def download(self) -> tuple[str, str] | None:
        """Return the address and the SHA-256 of the bundle that has to be fetched before more is known."""
        return self.ways[0].download if self.ways and self.bundle is None else None

    @property
    def asks_secret(self) -> bool:
        """Tell whether it needs a key or a password."""
        prompts = self.ways[0].prompts.values() if self.ways else ()
        return any(prompt.is_required and prompt.is_secret for prompt in prompts)

    def completed(self, transport: Transport) -> "Template":
        """Return the template with all it asked for answered."""
        assert isinstance(self.node, ServerNode)
        return replace(self, node=self.node.but(transport=transport), ways=(), known="", bundle=None)

    def to_mime(self) -> QMimeData:
        """Return the template as what is dragged."""
        mime = QMimeData()
        mime.setData(MIME, json.dumps(self.node.model_dump(mode="json")).encode())
        mime.setText(self.node.name)
        if self.known:
            mime.setData(_KNOWN, self.known.encode())
        return mime

    @classmethod
    def from_mime(cls, mime: QMimeData) -> Self | None:
        """Return the template that is dragged, or None if something else is."""
        if not mime.hasFormat(MIME):
            return None
        try:
            node = _node.validate_json(bytes(mime.data(MIME).data()))
            known = bytes(mime.data(_KNOWN).data()).decode() if mime.hasFormat(_KNOWN) else ""
            server = catalogue.known_server(known) if known else None
        except (ValidationError, UnicodeDecodeError, UnknownName):
            return None
        if server is None:
            return cls(node)
        ways = tuple(way for way in server.entry.ways if not way.is_blocked)
        return cls(node, server.entry.description, server.icon, note=server.note, known=known, ways=ways)
