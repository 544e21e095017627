"""A provider made by hand, for tests of what stands above providers."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from composite_runtime.catalog import Member
from composite_runtime.provider import Kind, Notice, Offers
from composite_runtime.wire.call import Caller, Relay
from composite_runtime.wire.jsonrpc import Json


def tool(name: str, **more: Any) -> Json:
    return {"name": name, "inputSchema": {"type": "object"}, **more}


@dataclass(eq=False)
class HandMade:
    """Offers what it is told to; `answers` maps (method, params, relay) to a result or an error to raise."""

    node: str
    tools: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    capabilities: Json = field(default_factory=lambda: {"tools": {}, "resources": {}, "prompts": {}, "completions": {}})
    instructions: str | None = None
    complete: bool = True
    answers: Callable[[str, Json, Relay], Any] = lambda method, params, relay: {"content": []}
    settles: asyncio.Event | None = None
    asked: list[tuple[str, Json]] = field(default_factory=list)
    watched: list[tuple[str, bool]] = field(default_factory=list)
    listed: int = 0
    forgotten: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    listeners: list[Callable[[Notice], None]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.node.title()

    async def offers(self, caller: Caller, patience_s: float = 0.0) -> Offers:
        self.listed += 1
        if self.settles is not None and patience_s:
            await self.settles.wait()
        return Offers(
            tools=tuple(tool(name) for name in self.tools),
            prompts=tuple({"name": name} for name in self.prompts),
            resources=tuple({"uri": uri, "name": uri} for uri in self.resources),
            templates=tuple({"uriTemplate": uri, "name": uri} for uri in self.templates),
            capabilities=self.capabilities,
            instructions=self.instructions,
            complete=self.complete,
        )

    async def request(self, method: str, params: Json, relay: Relay) -> Json:
        self.asked.append((method, params))
        answer = self.answers(method, params, relay)
        if asyncio.iscoroutine(answer):
            answer = await answer
        if isinstance(answer, Exception):
            raise answer
        result: Json = answer
        return result

    def subscribe(self, listener: Callable[[Notice], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    async def watch(self, name: str, caller: Caller, *, on: bool, kind: Kind = Kind.RESOURCE) -> None:
        self.watched.append((name, on))

    def tell(self, method: str, params: Json, caller: Caller) -> None:
        self.told.append(method)

    def forget(self, session: str) -> None:
        self.forgotten.append(session)

    def notice(self, kind: Kind, **params: Any) -> None:
        for listener in tuple(self.listeners):
            listener(Notice(kind, params))


def member(namespace: str, provider: HandMade | None = None, **fields: Any) -> Member:
    return Member(namespace, provider or HandMade(namespace or "plain", **fields))
