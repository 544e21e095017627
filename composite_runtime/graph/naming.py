"""What a member is called: the rule of the file format that turns names into public names.

Tool names are 1 to 128 characters of `A-Z a-z 0-9 _ - .` (MCP 2026-07-28, server/tools), but the large model APIs
accept only 64, so that is where Fusion draws the line.
"""

import re
import unicodedata

from composite_runtime.graph.model import Edge, Graph

NAME_LIMIT = 64


def slug(name: str) -> str:
    """Return the name as a namespace: lower case, ASCII, words joined by `_`; `member` when nothing is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_") or "member"


def namespace_of(graph: Graph, edge: Edge) -> str:
    """Return what the member is called in the composite: the edge's word, else the node's, else a slug of its name."""
    if edge.namespace is not None:
        return edge.namespace
    node = graph.node(edge.source)
    if node is None:
        return slug(edge.source)
    return node.namespace if node.namespace is not None else slug(node.name)


def qualified(namespace: str, name: str) -> str:
    """Return the public form of a member's own name. An empty namespace adds nothing."""
    return f"{namespace}_{name}" if namespace else name
