"""From a graph to running providers, and from a changed graph to the same ones, changed as little as possible."""

import asyncio
from collections.abc import Mapping

from composite_runtime import paths
from composite_runtime.catalog import Member
from composite_runtime.child.arrivals import Arrivals
from composite_runtime.child.child import Child
from composite_runtime.child.memory import Memory
from composite_runtime.composite import Composite
from composite_runtime.errors import GraphError
from composite_runtime.events import Emit, Log
from composite_runtime.graph.bypass import without_bypassed
from composite_runtime.graph.model import CompositeNode, Graph, ServerNode
from composite_runtime.graph.naming import namespace_of
from composite_runtime.provider import Provider
from composite_runtime.tasks import Tasks
from composite_runtime.wire.call import Caller
from composite_runtime.wire.guard import Guard
from composite_runtime.wire.leftovers import Ledger, reap
from composite_runtime.wire.tap import Taps

# How long children that were taken out of the graph may take to end when we end ourselves.
_CLOSE_S = 5.0


class Supervisor:
    """Holds the providers of the graph being served: one child per server node, one composite per composite node."""

    def __init__(
        self, *, emit: Emit, memory: Memory | None = None, recorder: Taps | None = None, graph: str = "GRAPH"
    ) -> None:
        self._emit = emit
        self._recorder = recorder
        self._graph = graph
        self._memory = memory or Memory()
        self._arrivals = Arrivals()
        groups = paths.home() / "run"
        if ended := reap(groups):
            emit(Log(level="warning", source="runtime", message=f"ended {ended} children a killed runtime had left"))
        self._guard = Guard(Ledger(groups))
        self._children: dict[str, Child] = {}
        self._composites: dict[str, Composite] = {}
        self._root: Composite | None = None
        self._started: Caller | None = None
        self._tasks = Tasks()

    def apply(self, graph: Graph, root: str) -> Composite:
        """Serve this graph from now on and return its root; what did not change is not touched.

        The root is the same object every time, also when another node is the root: clients stay connected to it.

        Raises:
            GraphError: the members of the root cannot be built; what was served before is still served.
        """
        graph = without_bypassed(graph, root)
        reached = _reached(graph, root)
        order = _members_first(graph, root)
        if not isinstance(reached[root], CompositeNode):
            raise GraphError(f"{reached[root].name} is not a composite", root)
        children = self._built_children([node for node in reached.values() if isinstance(node, ServerNode)])
        composites: dict[str, Composite] = {}
        for node_id in order:
            node = reached[node_id]
            if isinstance(node, CompositeNode):
                members = self._members(graph, node, {**children, **composites})
                composites[node_id] = self._built_composite(node, members, is_root=node_id == root)
        gone = [child for child in self._children.values() if child not in children.values()]
        for dropped in self._composites.values():
            if dropped not in composites.values():
                dropped.reshape(dropped.name, ())  # so that it no longer hears of its members
        self._children, self._composites, self._root = children, composites, composites[root]
        for child in gone:
            self._tasks.start(child.close())
        if self._started is not None:
            self.start(self._started)
        return composites[root]

    def start(self, caller: Caller) -> None:
        """Start every child, all at once, as this caller needs it."""
        self._started = caller
        for child in self._children.values():
            child.start(caller)

    async def close(self) -> None:
        """End every child, all at once."""
        for composite in self._composites.values():
            await composite.close()
        await asyncio.gather(self._tasks.wait(_CLOSE_S), *(child.close() for child in self._children.values()))
        await self._tasks.close()
        self._guard.close()

    def _built_children(self, nodes: list[ServerNode]) -> dict[str, Child]:
        built: dict[str, Child] = {}
        for node in nodes:
            present = self._children.get(node.id)
            if present is not None and _same_server(present.definition, node):
                present.rename(node)
                built[node.id] = present
            else:
                built[node.id] = Child(
                    node,
                    emit=self._emit,
                    guard=self._guard,
                    memory=self._memory,
                    arrivals=self._arrivals,
                    recorder=self._recorder,
                    graph=self._graph,
                )
        return built

    def _members(self, graph: Graph, node: CompositeNode, providers: Mapping[str, Provider]) -> tuple[Member, ...]:
        return tuple(
            Member(namespace_of(graph, edge), providers[edge.source])
            for edge in graph.members(node.id)
            if edge.source in providers
        )

    def _built_composite(self, node: CompositeNode, members: tuple[Member, ...], *, is_root: bool) -> Composite:
        present = self._root if is_root else self._composites.get(node.id)
        if present is None or (present is self._root and not is_root):
            return Composite(node.id, node.name, members, self._emit)
        present.reshape(node.name, members, node.id)
        return present


def _same_server(one: ServerNode, other: ServerNode) -> bool:
    """Say whether two nodes start the same server; what they are called does not matter to it."""
    return one.but(name="", namespace=None) == other.but(name="", namespace=None)


def _reached(graph: Graph, root: str) -> dict[str, ServerNode | CompositeNode]:
    """Return the enabled nodes that are served, by id."""
    reached: dict[str, ServerNode | CompositeNode] = {}
    waiting = [root]
    while waiting:
        node_id = waiting.pop()
        node = graph.node(node_id)
        if node is None:
            raise GraphError(f"there is no node {node_id!r}", node_id)
        if node_id not in reached and (node.enabled or node_id == root):
            reached[node_id] = node
            waiting.extend(edge.source for edge in graph.members(node_id))
    return reached


def _members_first(graph: Graph, root: str) -> list[str]:
    """Return the ids of the served nodes so that members come before their composites; raise on a circle."""
    order: list[str] = []
    open_ids: set[str] = set()

    def visit(node_id: str) -> None:
        node = graph.node(node_id)
        if node_id in order or node is None or not (node.enabled or node_id == root):
            return
        if node_id in open_ids:
            raise GraphError(f"{node.name} contains itself; remove one of the edges of the circle", node_id)
        open_ids.add(node_id)
        for edge in graph.members(node_id):
            visit(edge.source)
        open_ids.discard(node_id)
        order.append(node_id)

    visit(root)
    return order
