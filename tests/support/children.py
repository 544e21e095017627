"""Real children for tests: processes that behave as their script says."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from composite_runtime.child.child import Child
from composite_runtime.child.memory import Memory
from composite_runtime.events import ChildChanged, Event, Log
from composite_runtime.graph.model import ServerNode
from composite_runtime.provider import Notice
from composite_runtime.wire.guard import Guard
from composite_runtime.wire.jsonrpc import Json
from tests.support.links import TestRelay

SERVERS = Path(__file__).parent.parent / "servers"
SERVER = SERVERS / "raw_child.py"


def node(node_id: str = "raw", *, limits: dict[str, Any] | None = None, era: str = "auto", **script: Any) -> ServerNode:
    """Return a node whose server follows the script (see `tests/servers/raw_child.py`)."""
    return ServerNode.model_validate(
        {
            "id": node_id,
            "name": node_id.title(),
            "era": era,
            "limits": limits or {},
            "transport": {
                "type": "stdio",
                "command": sys.executable,
                "args": ["-S", "-E", str(SERVER), json.dumps(script)],
            },
        }
    )


def conditional() -> ServerNode:
    """Return a node whose server has a tool for clients with sampling only (see `tests/servers/conditional.py`)."""
    args = ["-S", "-E", str(SERVERS / "conditional.py")]
    transport = {"type": "stdio", "command": sys.executable, "args": args}
    return ServerNode.model_validate({"id": "conditional", "name": "Conditional", "transport": transport})


@dataclass
class Heard:
    """What the runtime told."""

    events: list[Event] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self.news.set()

    async def until(self, condition: Callable[[], Any]) -> None:
        """Return once the condition over the events holds."""
        while not condition():
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 15)

    async def log(self, text: str) -> Log:
        """Return the log entry that holds the text, once there is one."""
        await self.until(lambda: any(isinstance(event, Log) and text in event.message for event in self.events))
        return next(event for event in self.events if isinstance(event, Log) and text in event.message)

    async def state(self, state: str, count: int = 1) -> ChildChanged:
        """Return the event of the child's `count`th change to a state, once there is one."""
        await self.until(lambda: len(self._changes(state)) >= count)
        return self._changes(state)[count - 1]

    def states(self) -> list[str]:
        return [str(event.state) for event in self.events if isinstance(event, ChildChanged)]

    def _changes(self, state: str) -> list[ChildChanged]:
        return [event for event in self.events if isinstance(event, ChildChanged) and event.state == state]


@asynccontextmanager
async def living(definition: ServerNode, heard: Heard | None = None) -> AsyncIterator[Child]:
    """Hold a child of this definition, and end it."""
    guard = Guard()
    child = Child(definition, emit=heard or Heard(), guard=guard, memory=Memory())
    try:
        yield child
    finally:
        await child.close()
        guard.close()


async def called(child: Child, tool: str, relay: TestRelay | None = None, **arguments: Any) -> Any:
    """Return the text of a tool's result."""
    result = await asyncio.wait_for(call(child, tool, relay, **arguments), 20)
    return result["content"][0]["text"]


async def call(child: Child, tool: str, relay: TestRelay | None = None, **arguments: Any) -> Json:
    return await child.request("tools/call", {"name": tool, "arguments": arguments}, relay or TestRelay())


def notices_of(child: Child) -> "asyncio.Queue[Notice]":
    """Return where the child's notices arrive from now on."""
    queue: asyncio.Queue[Notice] = asyncio.Queue()
    child.subscribe(queue.put_nowait)
    return queue
