"""A graph as Mermaid text, which many places that show Markdown draw by themselves."""

import re
from collections.abc import Iterator

from composite_runtime.graph.model import CompositeNode, Graph
from fusion_desktop.document import places

_ENTITIES = {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;"}


def mermaid(graph: Graph) -> str:
    """Return a flow chart: what lies in a composite is drawn in it, every other membership is an arrow."""
    return "\n".join(_Writer(graph).lines()) + "\n"


class _Writer:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._homes = places.homes(graph)
        # Ids of ours may be words Mermaid keeps for itself, such as `end`.
        self._ids = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}

    def lines(self) -> Iterator[str]:
        yield "flowchart LR"
        for node in self._graph.nodes:
            if node.id not in self._homes:
                yield from self._node(node.id, 1)
        for edge in self._graph.edges:
            if self._homes.get(edge.source) == edge.target:
                continue
            source, target = self._ids[edge.source], self._ids[edge.target]
            if edge.target in places.ancestors(self._homes, edge.source):
                # Mermaid cannot draw an arrow from within a box to the box itself.
                yield f"    %% {source} is a member of {target} as well"
            else:
                yield f"    {source} --> {target}"
        off = [self._ids[node.id] for node in self._graph.nodes if not node.enabled]
        if off:
            yield "    classDef off stroke-dasharray:4 4,opacity:0.6"
            yield f"    class {','.join(off)} off"

    def _node(self, node_id: str, depth: int) -> Iterator[str]:
        node = self._graph.node(node_id)
        assert node is not None
        indent, own, label = "    " * depth, self._ids[node_id], _label(node.name)
        inside = [child.id for child in self._graph.nodes if self._homes.get(child.id) == node_id]
        if inside:
            yield f'{indent}subgraph {own}["{label}"]'
            for child in inside:
                yield from self._node(child, depth + 1)
            yield f"{indent}end"
        elif isinstance(node, CompositeNode):
            yield f'{indent}{own}[["{label}"]]'
        else:
            yield f'{indent}{own}["{label}"]'


def _label(name: str) -> str:
    plain = re.sub(r"\s+", " ", name).strip() or " "
    return "".join(_ENTITIES.get(letter, letter) for letter in plain)
