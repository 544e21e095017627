"""Which children are up, as the events tell it, for those who must wait until all are."""

import asyncio
from collections.abc import Collection

from composite_runtime.events import ChildChanged, ChildState, Event
from composite_runtime.graph.model import Graph, ServerNode


def servers_below(graph: Graph, node_id: str) -> frozenset[str]:
    """Return the enabled servers that a node stands for: itself, or what its members stand for."""
    seen: set[str] = set()
    waiting = [node_id]
    while waiting:
        node = graph.node(waiting.pop())
        if node is not None and node.enabled and node.id not in seen:
            seen.add(node.id)
            waiting.extend(edge.source for edge in graph.members(node.id))
    return frozenset(node.id for node in graph.nodes if isinstance(node, ServerNode) and node.id in seen)


class Readiness:
    """Takes every event, and knows the newest state of each child, and why it was last lost."""

    def __init__(self) -> None:
        self._states: dict[str, ChildState] = {}
        self._reasons: dict[str, str] = {}
        self._news = asyncio.Event()

    def note(self, event: Event) -> None:
        """Take an event."""
        if isinstance(event, ChildChanged):
            self._states[event.node] = event.state
            if event.state is ChildState.READY:
                self._reasons.pop(event.node, None)
            elif event.reason:
                self._reasons[event.node] = event.reason
            self._news.set()

    async def settled(self, servers: Collection[str], patience_s: float) -> None:
        """Return when each of these is up or known to be down, or after the time."""
        try:
            async with asyncio.timeout(patience_s):
                while any(self._is_starting(server) for server in servers):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            pass  # `down` tells who is not up

    def down(self, servers: Collection[str]) -> dict[str, str]:
        """Return those that are not up, each with the reason."""
        return {
            server: self._reasons.get(server) or f"it is {self._state(server)}"
            for server in sorted(servers)
            if self._state(server) is not ChildState.READY
        }

    def _is_starting(self, server: str) -> bool:
        return self._state(server) in {ChildState.STARTING, ChildState.STOPPED}

    def _state(self, server: str) -> ChildState:
        return self._states.get(server, ChildState.STOPPED)
