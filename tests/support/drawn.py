"""Graphs as values: a small one by hand, and all there can be, drawn by hypothesis."""

from typing import Any

from hypothesis import strategies as st

from composite_runtime.graph.model import (
    Box,
    CompositeNode,
    Edge,
    Frame,
    Graph,
    HttpTransport,
    Limits,
    Note,
    ServerNode,
    ServingLimits,
    SseTransport,
    StdioTransport,
    Value,
)


def server(node_id: str, **fields: object) -> ServerNode:
    return ServerNode.model_validate(
        {"id": node_id, "name": node_id.title(), "transport": {"type": "stdio", "command": "echo"}, **fields}
    )


def composite(node_id: str, **fields: object) -> CompositeNode:
    return CompositeNode.model_validate({"id": node_id, "name": node_id.title(), **fields})


def graph(*nodes: ServerNode | CompositeNode, edges: str = "", name: str = "Test") -> Graph:
    """Return a graph; `edges` reads `time>dev docs>dev`."""
    ends = [edge.split(">") for edge in edges.split()]
    return Graph(
        id="test", name=name, nodes=nodes, edges=tuple(Edge(source=source, target=target) for source, target in ends)
    )


def _with_unknown(kind: type[Value], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw values of one kind, some with keys that a newer program could have written."""
    return st.builds(
        lambda known, unknown: kind.model_validate({**known, **unknown}), st.fixed_dictionaries(fields), _unknown
    )


_numbers = st.floats(allow_nan=False, allow_infinity=False)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | _numbers | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_unknown = st.dictionaries(st.text(max_size=8).map("x-{}".format), _json, max_size=2)
_texts = st.dictionaries(st.text(), st.text(), max_size=3)
_ids = st.text("abcdefghij", min_size=1, max_size=3)
_optional_text = st.none() | st.text(max_size=10)

_transports = (
    _with_unknown(
        StdioTransport, command=st.text(), args=st.lists(st.text(), max_size=3), env=_texts, cwd=_optional_text
    )
    | _with_unknown(HttpTransport, url=st.text(), headers=_texts)
    | _with_unknown(SseTransport, url=st.text(), headers=_texts)
)
_servers = _with_unknown(
    ServerNode,
    id=_ids,
    name=st.text(),
    namespace=_optional_text,
    enabled=st.booleans(),
    transport=_transports,
    era=st.sampled_from(["auto", "legacy", "modern"]),
    limits=_with_unknown(Limits, idle_s=st.floats(min_value=0.001, max_value=1e9)),
)
_composites = _with_unknown(
    CompositeNode,
    id=_ids,
    name=st.text(),
    namespace=_optional_text,
    enabled=st.booleans(),
    bypassed=st.booleans(),
    limits=_with_unknown(ServingLimits, sessions=st.integers(min_value=1)),
)
_frames = _with_unknown(Frame, id=_ids, title=st.text(), colour=st.sampled_from(["grey", "red"]), inside=_optional_text)
_notes = _with_unknown(Note, id=_ids, text=st.text(), inside=_optional_text)
_edges = _with_unknown(Edge, source=_ids, target=_ids, namespace=_optional_text)
_boxes = _with_unknown(
    Box,
    x=_numbers,
    y=_numbers,
    width=st.none() | _numbers,
    height=st.none() | _numbers,
    collapsed=st.booleans(),
    locked=st.booleans(),
)

graphs: st.SearchStrategy[Graph] = _with_unknown(
    Graph,
    id=_ids,
    name=st.text(),
    nodes=st.lists(_servers | _composites, max_size=5),
    edges=st.lists(_edges, max_size=5),
    annotations=st.lists(_frames | _notes, max_size=3),
    layout=st.dictionaries(_ids, _boxes, max_size=4),
)
"""Every graph the model allows, also those that `check` refuses."""
