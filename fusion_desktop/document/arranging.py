"""Bring nodes into line, as pure functions of a graph."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias, get_args

from composite_runtime.graph.model import Graph
from fusion_desktop.document import changes, places
from fusion_desktop.document.places import Rect

Side: TypeAlias = Literal["left", "right", "top", "bottom", "middle", "centre"]
Axis: TypeAlias = Literal["across", "down"]
SIDES: tuple[Side, ...] = get_args(Side)
AXES: tuple[Axis, ...] = get_args(Axis)

# Where a node must move to be in line with what all of them cover.
_LINES: Mapping[Side, Callable[[Rect, Rect], tuple[float, float]]] = {
    "left": lambda node, all_: (all_.x - node.x, 0.0),
    "right": lambda node, all_: (all_.x + all_.width - node.x - node.width, 0.0),
    "centre": lambda node, all_: (all_.middle[0] - node.middle[0], 0.0),
    "top": lambda node, all_: (0.0, all_.y - node.y),
    "bottom": lambda node, all_: (0.0, all_.y + all_.height - node.y - node.height),
    "middle": lambda node, all_: (0.0, all_.middle[1] - node.middle[1]),
}


def aligned(graph: Graph, node_ids: Sequence[str], side: Side) -> Graph:
    """Return the graph in which these nodes share an edge or a middle line; what lies in them comes along."""
    rects = _rects(graph, node_ids)
    around = places.covered(list(rects.values()))
    return _moved(graph, {node_id: _LINES[side](rect, around) for node_id, rect in rects.items()})


def distributed(graph: Graph, node_ids: Sequence[str], axis: Axis) -> Graph:
    """Return the graph in which the gaps between these nodes are equal; the first and the last stay where they are."""
    rects = _rects(graph, node_ids)
    if len(rects) < 3:
        return graph
    is_across = axis == "across"
    order = sorted(rects, key=lambda n: rects[n].middle[0 if is_across else 1])
    starts = {n: rect.x if is_across else rect.y for n, rect in rects.items()}
    sizes = {n: rect.width if is_across else rect.height for n, rect in rects.items()}
    room = starts[order[-1]] + sizes[order[-1]] - starts[order[0]] - sum(sizes.values())
    gap = room / (len(order) - 1)
    steps: dict[str, tuple[float, float]] = {}
    at = starts[order[0]]
    for node_id in order:
        step = round(at) - starts[node_id]
        steps[node_id] = (step, 0.0) if is_across else (0.0, step)
        at += sizes[node_id] + gap
    return _moved(graph, steps)


def _rects(graph: Graph, node_ids: Sequence[str]) -> dict[str, Rect]:
    return {one: places.shown_rect(graph, one) for one in places.outermost(places.holders(graph), node_ids)}


def _moved(graph: Graph, steps: Mapping[str, tuple[float, float]]) -> Graph:
    home = places.levels(graph)
    for node_id, (dx, dy) in steps.items():
        if dx or dy:
            graph = places.shifted(graph, [node_id], dx, dy)
    for node_id in steps:
        # Nodes do not leave a composite by being brought into line: it grows along.
        if (around := home.get(node_id)) is not None:
            graph = changes.settled(graph, node_id, around)
    return graph
