"""What the runtime tells: one JSON object per line on stderr. A line that is no event is a log entry of its own."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, TypeAlias


class ChildState(StrEnum):
    """What a child server is doing."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    RETRYING = "retrying"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing the runtime tells; `at` is in seconds since the epoch."""

    event: ClassVar[str]
    at: float = field(default_factory=time.time)


@dataclass(frozen=True, kw_only=True)
class Ready(Event):
    """Clients can connect: `transport` is stdio or http; `url` is set for http; `composite` is the node served."""

    event: ClassVar[str] = "ready"
    transport: str
    composite: str
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class ChildChanged(Event):
    """A child is in a new state; `tools` counts what it offers once it is ready.

    `reason` says why it is not ready, or what is wrong with it although it is. `action` names what a person has to do
    about it: `sign-in`.
    """

    event: ClassVar[str] = "child_changed"
    node: str
    state: ChildState
    reason: str | None = None
    tools: int | None = None
    pid: int | None = None
    action: str | None = None


@dataclass(frozen=True, kw_only=True)
class ChildDrifted(Event):
    """What a child offers differs from what a person has last accepted; all counts are 0 when it no longer does."""

    event: ClassVar[str] = "child_drifted"
    node: str
    added: int = 0
    removed: int = 0
    changed: int = 0
    summary: str = ""


@dataclass(frozen=True, kw_only=True)
class CallStarted(Event):
    """A call reached a composite or a child; `name` is what is called there.

    `call` is one id for all hops of a client's request. Each hop is a `span` of its own, and `parent` is the span of
    the node that passed it on; the hop the client reached has none.
    """

    event: ClassVar[str] = "call_started"
    call: str
    node: str
    method: str
    name: str | None = None
    span: int = 0
    parent: int | None = None


@dataclass(frozen=True, kw_only=True)
class CallFinished(Event):
    """A call came back from a node; `error` is set when it failed, also when a tool reported the failure itself.

    The sizes are those of the messages between us and the child, of all children together where it is a composite; they
    are missing where nothing was sent or nothing came back.
    """

    event: ClassVar[str] = "call_finished"
    call: str
    node: str
    method: str
    name: str | None = None
    milliseconds: float
    error: str | None = None
    request_bytes: int | None = None
    response_bytes: int | None = None
    span: int = 0


@dataclass(frozen=True, kw_only=True)
class CallRepeated(Event):
    """A node is asked again within a span: what was tried until now failed for the reason `error` gives."""

    event: ClassVar[str] = "call_repeated"
    call: str
    node: str
    span: int
    error: str


@dataclass(frozen=True, kw_only=True)
class ClientChanged(Event):
    """A client with a session came or went; modern clients have none, and are seen by their calls only."""

    event: ClassVar[str] = "client_changed"
    session: str
    name: str
    version: str | None = None
    protocol: str
    connected: bool


@dataclass(frozen=True, kw_only=True)
class Log(Event):
    """A message for the log; `source` is the id of a node, or `runtime`. `stream` is set for a child's own output."""

    event: ClassVar[str] = "log"
    level: str
    source: str
    message: str
    stream: str | None = None


@dataclass(frozen=True, kw_only=True)
class GraphChanged(Event):
    """The watched graph file was read again; `composite` is the node that is served from now on.

    `error` says why the file could not be used; the last good graph stays served.
    """

    event: ClassVar[str] = "graph_changed"
    error: str | None = None
    composite: str | None = None


@dataclass(frozen=True, kw_only=True)
class Following(Event):
    """Told to who follows a runtime: all before this was how things stood; `missed` events were lost on the way.

    On stderr, where there is nothing before, it is told only when some were lost.
    """

    event: ClassVar[str] = "following"
    missed: int = 0


@dataclass(frozen=True, kw_only=True)
class Frame(Event):
    """Told to who follows a runtime and asks for it: one message at a hop, which is a node's id or `client`.

    `link` tells connections of one hop apart. `call` and `span` are set where a message is known to begin a hop of a
    call, and `call` where it ends one at the client.
    """

    event: ClassVar[str] = "frame"
    hop: str
    way: str
    message: Any
    link: str = ""
    call: str = ""
    span: int = 0


@dataclass(frozen=True, kw_only=True)
class Http(Event):
    """Told with frames: what HTTP added to a message, without credentials. `http` has the members of `HttpSeen`."""

    event: ClassVar[str] = "http"
    hop: str
    http: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Stopped(Event):
    """The runtime ends; `reason` says why when nobody asked it to."""

    event: ClassVar[str] = "stopped"
    reason: str | None = None


Emit: TypeAlias = Callable[[Event], None]


def untold(event: Event) -> None:
    """Tell nobody."""


_KINDS: dict[str, type[Event]] = {
    kind.event: kind
    for kind in (
        Ready,
        ChildChanged,
        ChildDrifted,
        CallStarted,
        CallFinished,
        CallRepeated,
        ClientChanged,
        Log,
        GraphChanged,
        Following,
        Frame,
        Http,
        Stopped,
    )
}


def encode(event: Event) -> str:
    """Return the event as one line of JSON, without its line end."""
    fields = {key: value for key, value in asdict(event).items() if value is not None}
    return json.dumps({"event": event.event, **fields}, ensure_ascii=False)


def decode(line: str) -> Event:
    """Return the event a line tells. A line that is none becomes a log entry; unknown fields are dropped."""
    try:
        data: Any = json.loads(line)
        kind = _KINDS[data.pop("event")]
        known = {key: value for key, value in data.items() if key in kind.__dataclass_fields__}
        if kind is ChildChanged:
            known["state"] = ChildState(known["state"])
        return kind(**known)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Log(level="info", source="runtime", message=line, stream="stderr")
