"""Who lies inside whom: members of members of members."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from importlib import import_module

from composite_runtime.graph.model import Edge


def containers(edges: Iterable[Edge], node_id: str) -> set[str]:
    """Return every node that has this one as a member, at any depth."""
    return _reached(_above(edges), node_id)


def circles(edges: Iterable[Edge]) -> Iterator[set[str]]:
    """Yield the nodes that lie inside each other, circle by circle, in the order of their smallest id."""
    above = _above(edges)
    try:
        TopologicalSorter(above).prepare()
    except CycleError:
        # Imported only now: loading it takes a quarter of the time to a runtime's first answer.
        nx = import_module("networkx")
        graph = nx.DiGraph(above)
        for circle in sorted(nx.strongly_connected_components(graph), key=min):
            first = min(circle)
            if len(circle) > 1 or graph.has_edge(first, first):
                yield set(circle)


def _above(edges: Iterable[Edge]) -> Mapping[str, list[str]]:
    above: defaultdict[str, list[str]] = defaultdict(list)
    for edge in edges:
        above[edge.source].append(edge.target)
    return dict(above)


def _reached(above: Mapping[str, list[str]], start: str) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        for node_id in above.get(waiting.pop(), ()):
            if node_id not in reached:
                reached.add(node_id)
                waiting.append(node_id)
    return reached
