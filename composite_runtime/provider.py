"""The one interface: whatever offers tools, resources and prompts is a provider, a child as well as a composite."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from composite_runtime.wire.call import Caller, Relay
from composite_runtime.wire.jsonrpc import Json


@dataclass(frozen=True, slots=True)
class Offers:
    """What a provider offers at one moment, in its own names, as it would answer the four lists."""

    tools: tuple[Json, ...] = ()
    prompts: tuple[Json, ...] = ()
    resources: tuple[Json, ...] = ()
    templates: tuple[Json, ...] = ()
    capabilities: Json = field(default_factory=dict)
    instructions: str | None = None
    complete: bool = True  # False while a member is still starting


NOTHING = Offers()

# How long a first list waits for children nothing is remembered of. Later, list_changed does the rest.
FIRST_LIST_S = 5.0


class Kind(StrEnum):
    """What a notice is about."""

    TOOLS = "tools"
    PROMPTS = "prompts"
    RESOURCES = "resources"
    RESOURCE = "resource"
    TASK = "task"
    TASK_STATUS = "task_status"
    PROGRESS = "progress"
    LOG = "log"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a provider tells outside of any call: a list changed, a resource was updated, a log message.

    How a task stands is told in two ways: `TASK` is of the extension and goes to who listens to it, `TASK_STATUS` is of
    the core protocol and goes to who had the task made. So does `PROGRESS`, of calls answered by a task. `OTHER` is
    whatever else a child says, such as that a page it had opened was visited, or what only its client understands.
    """

    kind: Kind
    params: Json = field(default_factory=dict)
    session: str = ""  # set when it concerns one client only
    method: str = ""  # set when the kind does not tell
    audience: str | None = None  # set when it concerns only clients of this identity

    def concerns(self, caller: Caller) -> bool:
        """Say whether it is for this client: what a child says on one connection is for those who share it."""
        if self.session:
            return self.session == caller.session
        return self.audience is None or self.audience == caller.identity


class Provider(Protocol):
    """Offers tools, resources and prompts."""

    @property
    def node(self) -> str:
        """The id of the node it stands for."""
        ...

    @property
    def name(self) -> str:
        """What the user calls it."""
        ...

    async def offers(self, caller: Caller, patience_s: float = 0.0) -> Offers:
        """Return what the caller may see now; never fails, and waits at most `patience_s` for what is starting."""
        ...

    async def request(self, method: str, params: Json, relay: Relay) -> Json:
        """Return the result of a request; raise `RpcError` for the child's error, `ChildError` when it is down."""
        ...

    def subscribe(self, listener: Callable[[Notice], None]) -> Callable[[], None]:
        """Have `listener` called with each notice until the returned function is called."""
        ...

    async def watch(self, name: str, caller: Caller, *, on: bool, kind: Kind = Kind.RESOURCE) -> None:
        """Begin or end to tell when a resource is updated, or a task; raise `RpcError` when nobody has it."""
        ...

    def tell(self, method: str, params: Json, caller: Caller) -> None:
        """Pass on what a client tells outside of any call."""
        ...

    def forget(self, session: str) -> None:
        """End what was held for a client's session."""
        ...
