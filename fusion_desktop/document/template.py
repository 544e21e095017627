"""What can be put on the canvas: a node that is not in a graph yet. It travels in a drag as JSON."""

import json
from dataclasses import dataclass
from typing import Self

from pydantic import TypeAdapter, ValidationError
from PySide6.QtCore import QMimeData

from composite_runtime.graph.model import CompositeNode, Node, ServerNode

MIME = "application/x-fusion-node+json"
_node: TypeAdapter[ServerNode | CompositeNode] = TypeAdapter(Node)


@dataclass(frozen=True)
class Template:
    """A node to be made, with what the user should know about it."""

    node: ServerNode | CompositeNode
    summary: str = ""
    icon: str = "server"
    tags: tuple[str, ...] = ()
    note: str = ""

    def to_mime(self) -> QMimeData:
        """Return the template as what is dragged."""
        mime = QMimeData()
        mime.setData(MIME, json.dumps(self.node.model_dump(mode="json")).encode())
        mime.setText(self.node.name)
        return mime

    @classmethod
    def from_mime(cls, mime: QMimeData) -> Self | None:
        """Return the template that is dragged, or None if something else is."""
        if not mime.hasFormat(MIME):
            return None
        try:
            return cls(_node.validate_json(bytes(mime.data(MIME).data())))
        except ValidationError:
            return None
