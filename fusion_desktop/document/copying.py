"""Copy part of a graph as text, paste it, duplicate it; pure functions of a graph. What is copied holds no secrets."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from composite_runtime.graph import edit, file
from composite_runtime.graph.model import Edge, Frame, Graph, Note, ServerNode, StdioTransport
from composite_runtime.interop import plain_secrets
from fusion_desktop.document import changes, places
from fusion_desktop.document.changes import Node

_AROUND = "around"
"""The key under which copied text keeps the wires that lead out of it."""

Point = tuple[float, float]


def part_of(graph: Graph, ids: Collection[str]) -> Graph:
    """Return some nodes, frames and notes of a graph, what lies inside them, and the edges among them."""
    whole = places.inside(places.holders(graph), ids)
    return Graph(
        id=graph.id,
        name=graph.name,
        nodes=tuple(node for node in graph.nodes if node.id in whole),
        edges=tuple(edge for edge in graph.edges if edge.source in whole and edge.target in whole),
        annotations=tuple(
            one if one.inside in whole else one.but(inside=None) for one in graph.annotations if one.id in whole
        ),
        layout={one: box for one, box in graph.layout.items() if one in whole},
    )


def copied(graph: Graph, ids: Collection[str]) -> str:
    """Return part of a graph as text. Values that look like secrets become references, so that anybody may see it."""
    part = part_of(graph, ids)
    known = {node.id for node in part.nodes}
    around = [edge.model_dump() for edge in graph.edges if (edge.source in known) is not (edge.target in known)]
    shown = (without_secrets(node) if isinstance(node, ServerNode) else node for node in part.nodes)
    part = part.but(nodes=tuple(shown))
    return file.dumps(part.but(**{_AROUND: around}) if around else part)


def pasted(
    graph: Graph, part: Graph, at: Point | None, into: str | None = None, *, wired: bool = False
) -> tuple[Graph, tuple[str, ...]]:
    """Return the graph with the nodes of a part, their ids fresh, and the ids of those that lie in no other of them.

    `at` is where their left upper corner goes. Without it they lie a step beside the originals, in the same composites.
    With `wired` they are connected with what the originals were connected with, as far as that is in this graph.
    """
    home = places.levels(graph)
    ids = [one.id for one in (*part.nodes, *part.annotations)]
    graph, fresh = _with_copies(graph, part, _way(graph, part, ids, at))
    graph = _wired(graph, [*part.edges, *(_around(part) if wired and part.id == graph.id else ())], fresh, around=wired)
    tops = places.outermost(places.holders(part), ids)
    goals: dict[str, list[str]] = {}
    for top in tops:
        goal = home.get(top) if at is None and _is_known(graph, top) else into
        if goal is not None:
            goals.setdefault(goal, []).append(fresh[top])
    for goal, copies in goals.items():
        graph = changes.moved(graph, copies, (0.0, 0.0), goal)
    return graph, tuple(fresh[top] for top in tops)


def duplicated(graph: Graph, node_ids: Collection[str], delta: Point = (40.0, 40.0)) -> tuple[Graph, tuple[str, ...]]:
    """Return the graph with a second set of these nodes, wired as they are, and the ids of the new ones."""
    home = places.levels(graph)
    graph, fresh = _doubled(graph, node_ids, delta, graph.edges)
    for node_id, copy in fresh.items():
        if (parent := home.get(node_id)) is not None:
            graph = changes.settled(graph, copy, parent)
    return graph, tuple(fresh.values())


def dragged(graph: Graph, node_ids: Collection[str], delta: Point, into: str | None) -> tuple[Graph, tuple[str, ...]]:
    """Return the graph with a second set of these nodes that was dragged into a composite or out, and the new ids."""
    home, held = places.levels(graph), places.holders(graph)
    movers = changes.with_framed(graph, held, places.outermost(held, list(node_ids)))
    left = {(one, home[one]) for one in movers if one in home and home[one] != into}
    edges = [edge for edge in graph.edges if (edge.source, edge.target) not in left]
    graph, fresh = _doubled(graph, node_ids, delta, edges)
    return changes.moved(graph, tuple(fresh.values()), (0.0, 0.0), into), tuple(fresh.values())


def _doubled(
    graph: Graph, node_ids: Collection[str], delta: Point, edges: Collection[Edge]
) -> tuple[Graph, dict[str, str]]:
    """Return the graph with copies of nodes and of these wires, and the copy of each that lies in no other of them."""
    tops = places.outermost(
        places.holders(graph), [one.id for one in (*graph.nodes, *graph.annotations) if one.id in node_ids]
    )
    inside = {one.id: one.inside for one in graph.annotations}
    part = part_of(graph, tops)
    part = part.but(annotations=tuple(one.but(inside=inside[one.id]) for one in part.annotations))
    graph, fresh = _with_copies(graph, part, delta)
    return _wired(graph, edges, fresh, around=True), {top: fresh[top] for top in tops}


def _way(graph: Graph, part: Graph, ids: Iterable[str], at: Point | None) -> Point:
    """Return how far the copies lie from where the part says."""
    corners = [places.rect_of(part, one)[:2] for one in ids]
    left, top = min(x for x, _ in corners), min(y for _, y in corners)
    if at is not None:
        return at[0] - left, at[1] - top
    # Each paste one step further, else the second would hide the first.
    taken = {(box.x, box.y) for box in graph.layout.values()}
    step = 2.0 * places.GRID
    way = step
    while all((x + way, y + way) in taken for x, y in corners):
        way += step
    return way, way


def _with_copies(graph: Graph, part: Graph, way: Point) -> tuple[Graph, dict[str, str]]:
    """Return the graph with copies of all in a part, and which copy each of them has; wires are not copied."""
    names, ids = {node.name for node in graph.nodes}, {one.id for one in (*graph.nodes, *graph.annotations)}
    fresh: dict[str, str] = {}
    nodes: list[Node] = []
    annotations: list[Frame | Note] = []
    layout = dict(graph.layout)

    def place(old: str, name: str, x: float, y: float) -> str:
        fresh[old] = new = edit.free_id(ids, name)
        ids.add(new)
        box = part.layout.get(old, places.DEFAULT_BOX)
        layout[new] = box.but(x=x + way[0], y=y + way[1], locked=False)
        return new

    for node in part.nodes:
        names.add(name := changes.free_name(names, node.name))
        box = part.layout.get(node.id, places.DEFAULT_BOX)
        nodes.append(node.but(id=place(node.id, name, box.x, box.y), name=name))
    for one in part.annotations:
        rect = places.annotation_rect(part, one)
        inside = fresh.get(one.inside, one.inside) if one.inside else None
        annotations.append(one.but(id=place(one.id, one.type, rect.x, rect.y), inside=inside))
    # All in one, since each copy of a graph costs as much as it has nodes.
    return graph.but(nodes=(*graph.nodes, *nodes), annotations=(*graph.annotations, *annotations), layout=layout), fresh


def _wired(graph: Graph, edges: Iterable[Edge], fresh: Mapping[str, str], *, around: bool) -> Graph:
    """Return the graph in which copies are wired among each other as their originals are, or with others as well."""
    edges = [edge for edge in edges if edge.source in fresh or edge.target in fresh]
    inner = [edge for edge in edges if edge.source in fresh and edge.target in fresh]
    copies = (edge.but(source=fresh[edge.source], target=fresh[edge.target]) for edge in inner)
    graph = graph.but(edges=(*graph.edges, *copies))
    for edge in edges if around else ():
        source, target = fresh.get(edge.source, edge.source), fresh.get(edge.target, edge.target)
        if edit.why_not_connect(graph, source, target) is None:
            graph = graph.but(edges=(*graph.edges, edge.but(source=source, target=target)))
    return graph


def _around(part: Graph) -> list[Edge]:
    """Return the wires that led out of a part when it was copied."""
    kept: Any = (part.model_extra or {}).get(_AROUND)
    try:
        return [Edge.model_validate(one) for one in kept or ()]
    except (ValidationError, TypeError):
        return []


def _is_known(graph: Graph, one: str) -> bool:
    return graph.node(one) is not None or graph.annotation(one) is not None


def without_secrets(node: ServerNode) -> ServerNode:
    """Return the server with a reference in the place of each value that looks like a secret."""
    transport = plain_secrets.move(node.transport, node.id).transport
    hidden = _hidden(node.id)
    if isinstance(transport, StdioTransport):
        return node.but(transport=transport.but(env=hidden(transport.env)))
    auth = transport.auth
    if auth is not None and auth.client_secret:
        auth = auth.but(**hidden({"client_secret": auth.client_secret}))
    return node.but(transport=transport.but(headers=hidden(transport.headers), auth=auth))


_SECRET = re.compile(r"key|token|secret|passw|auth|credential|cookie", re.IGNORECASE)


def _hidden(node_id: str) -> Callable[[Mapping[str, str]], dict[str, str]]:
    """Return what hides values by their names alone: rather one too many, since the text may go anywhere."""

    def hidden(values: Mapping[str, str]) -> dict[str, str]:
        return {
            name: f"${{secret:{node_id}.{name}}}" if value and "${" not in value and _SECRET.search(name) else value
            for name, value in values.items()
        }

    return hidden
