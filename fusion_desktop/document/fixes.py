"""What can be put right with one click: for each problem the words on the button and the graph after it."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from composite_runtime.graph import edit
from composite_runtime.graph.check import Problem
from composite_runtime.graph.model import Edge, Graph, ServerNode
from composite_runtime.graph.naming import namespace_of
from composite_runtime.graph.nesting import circles


@dataclass(frozen=True)
class Fix:
    """One way out of a problem."""

    words: str
    graph: Graph


def fix_for(graph: Graph, problem: Problem) -> Fix | None:
    """Return the one obvious way out of a problem, or None if only its author can know."""
    make = _FIXES.get(problem.rule)
    return make(graph, problem) if make is not None else None


def _without_dangling(graph: Graph, _: Problem) -> Fix:
    known = {node.id for node in graph.nodes}
    edges = tuple(edge for edge in graph.edges if edge.source in known and edge.target in known)
    return Fix("Remove the edge" if len(edges) == len(graph.edges) - 1 else "Remove such edges", graph.but(edges=edges))


def _without_repeats(graph: Graph, _: Problem) -> Fix:
    first: dict[tuple[str, str], Edge] = {}
    for edge in graph.edges:
        first.setdefault((edge.source, edge.target), edge)
    return Fix("Keep one", graph.but(edges=tuple(first.values())))


def _without_members_of_server(graph: Graph, problem: Problem) -> Fix:
    return Fix("Remove the edge", graph.but(edges=tuple(e for e in graph.edges if e.target != problem.node)))


def _without_circle(graph: Graph, _: Problem) -> Fix | None:
    edges = list(graph.edges)
    # The edge drawn last closed the circle.
    while found := list(circles(edges)):
        last = next(e for e in reversed(edges) if any(e.source in c and e.target in c for c in found))
        edges.remove(last)
    return Fix("Remove the last edge", graph.but(edges=tuple(edges)))


def _with_other_namespace(graph: Graph, problem: Problem) -> Fix | None:
    for edge in graph.memberships(problem.node or ""):
        taken = Counter(namespace_of(graph, other) for other in graph.members(edge.target))
        mine = namespace_of(graph, edge)
        if mine and taken[mine] > 1:
            fresh = next(name for number in range(2, len(taken) + 3) if (name := f"{mine}{number}") not in taken)
            return Fix(f"Call it {fresh}", edit.replace_edge(graph, edge.but(namespace=fresh)))
    return None


def _into_only_composite(graph: Graph, problem: Problem) -> Fix | None:
    roots = graph.roots()
    if len(roots) != 1 or problem.node is None:
        return None
    if edit.why_not_connect(graph, problem.node, roots[0].id) is not None:
        return None
    return Fix(f"Connect to {roots[0].name}", edit.connect(graph, problem.node, roots[0].id))


def _without_node(graph: Graph, problem: Problem) -> Fix:
    return Fix("Delete it", edit.remove_nodes(graph, {problem.node or ""}))


def _with_scheme(graph: Graph, problem: Problem) -> Fix | None:
    node = graph.node(problem.node or "")
    if not isinstance(node, ServerNode) or node.transport.type == "stdio":
        return None
    url = node.transport.url.strip()
    if "://" in url or "." not in url:
        return None
    return Fix(
        "Put https:// before it", edit.replace_node(graph, node.but(transport=node.transport.but(url=f"https://{url}")))
    )


_FIXES: Mapping[str, Callable[[Graph, Problem], Fix | None]] = {
    "dangling-edge": _without_dangling,
    "repeated-edge": _without_repeats,
    "edge-into-server": _without_members_of_server,
    "cycle": _without_circle,
    "name-clash": _with_other_namespace,
    "unused-server": _into_only_composite,
    "empty-composite": _without_node,
    "bad-url": _with_scheme,
}
