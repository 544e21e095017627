"""Who calls, and the two-way side traffic of one call."""

import json
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

from composite_runtime.wire.era import TASKS_EXTENSION, Era
from composite_runtime.wire.jsonrpc import Json

HOP: ContextVar[tuple[str, int]] = ContextVar("hop", default=("", 0))
"""The call that is under way here, and its innermost span; spans are numbered in one run, and 0 is none."""

# What a client can do on request; a child that knows of one may offer more, and may ask for it.
_INTERACTIVE = ("sampling", "elicitation", "roots")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the era it speaks, what it can do, and the connection it holds, if its era has connections."""

    era: Era
    version: str
    capabilities: Json = field(default_factory=dict)
    info: Json = field(default_factory=dict)
    session: str = ""
    principal: str = ""
    channel: "Channel | None" = field(default=None, compare=False)

    @property
    def interactive(self) -> Json:
        """The capabilities by which a child may tell one client from another."""
        return {name: self.capabilities[name] for name in _INTERACTIVE if name in self.capabilities}

    @property
    def told(self) -> Json:
        """What a legacy child is told of it at the start: how it can be asked, and which extensions it knows.

        That for tasks is not among them: the child's revision has tasks of its own.
        """
        stated = self.capabilities.get("extensions")
        if not isinstance(stated, dict):
            return self.interactive
        extensions = {name: value for name, value in stated.items() if name != TASKS_EXTENSION}
        return {**self.interactive, "extensions": extensions} if extensions else self.interactive

    @property
    def identity(self) -> str:
        """What tells this caller from others in the eyes of a child: nothing, if it can do nothing beyond the protocol.

        Who can be asked is known by its session; without one, by what it can do and by whom it speaks for.
        """
        told = self.told
        if not told:
            return ""
        if not self.interactive:
            return json.dumps(told, sort_keys=True)
        return self.session or json.dumps([told, self.principal], sort_keys=True)


def traits(told: Json) -> list[str]:
    """Return by what a child may offer other things to one client than to another, whatever the settings are."""
    extensions = told.get("extensions")
    named = [f"extensions/{name}" for name in extensions] if isinstance(extensions, dict) else []
    return sorted([*(name for name in told if name != "extensions"), *named])


class Channel(Protocol):
    """The way back to a legacy client outside of any call."""

    async def ask(self, method: str, params: Json) -> Json:
        """Put a child's question to the client and return the answer; raise `RpcError` when it is refused."""
        ...


@dataclass(slots=True)
class Sizes:
    """How many bytes the requests and answers of a call had between us and its children, up to now."""

    sent: int = 0
    received: int = 0


class Relay(Protocol):
    """The two-way side traffic of one call."""

    @property
    def caller(self) -> Caller:
        """Who waits for the result."""
        ...

    @property
    def call(self) -> str:
        """One id for all hops of the call; empty when nobody would hear of them."""
        ...

    @property
    def sizes(self) -> Sizes:
        """How much has been sent and received for it."""
        ...

    @property
    def progress_token(self) -> Any:
        """The token the caller gave for progress, or None."""
        ...

    @property
    def log_level(self) -> str | None:
        """The level from which the caller wants log messages, or None for none."""
        ...

    def can_answer(self, method: str) -> bool:
        """Say whether this call can carry such a question to the client, and the client can answer it."""
        ...

    def notify(self, method: str, params: Json) -> None:
        """Send a notification that belongs to the call; it arrives before the result."""
        ...

    async def ask(self, method: str, params: Json) -> Json:
        """Put a child's question to the client and return the answer; raise `RpcError` when it is refused."""
        ...
