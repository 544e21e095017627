"""The values a graph is made of: immutable, and with every key they do not know kept."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue

FORMAT_VERSION = 1


class Value(BaseModel):
    """A frozen value. Unknown keys stay in `model_extra`, so that a newer program's file survives an older one."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    def but(self, **changes: Any) -> Self:
        """Return a copy in which `changes` are applied and validated."""
        return type(self).model_validate({**dict(self), **changes})


class StdioTransport(Value):
    """A child started as a process; `env` is added to a small inherited environment."""

    type: Literal["stdio"] = "stdio"
    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = Field(default_factory=dict)
    cwd: str | None = None


class Auth(Value):
    """How to sign in to a remote server by OAuth, where what Fusion finds out by itself does not do.

    `client_id` and `client_secret` are of a client that was registered by hand, with `redirect_uri` where it was given
    a fixed one; `client_metadata_url` is the address of a client's own description. `issuer` is the only authorization
    server to trust with them. With the grant `client_credentials` the runtime signs in by itself, as that client.
    """

    grant: Literal["authorization_code", "client_credentials"] = "authorization_code"
    client_id: str | None = None
    client_secret: str | None = None
    client_metadata_url: str | None = None
    redirect_uri: str | None = None
    issuer: str | None = None
    scope: str | None = None


class HttpTransport(Value):
    """A child reached over streamable HTTP."""

    type: Literal["http"] = "http"
    url: str
    headers: Mapping[str, str] = Field(default_factory=dict)
    auth: Auth | None = None


class SseTransport(Value):
    """An old child reached over HTTP with server-sent events."""

    type: Literal["sse"] = "sse"
    url: str
    headers: Mapping[str, str] = Field(default_factory=dict)
    auth: Auth | None = None


Transport: TypeAlias = Annotated[StdioTransport | HttpTransport | SseTransport, Field(discriminator="type")]


# A limit of nothing is let in, so that such a graph can be opened and mended; `check` reports it as an error.
_ABOVE_ZERO: dict[str, JsonValue] = {"exclusiveMinimum": 0}
_MESSAGE_BYTES = 64 * 1024 * 1024


class Limits(Value):
    """What one child may use up; the defaults suit a server that is trusted but not known."""

    idle_s: float = Field(default=300.0, json_schema_extra=_ABOVE_ZERO)
    """How long a call may take without a sign of progress, in seconds."""
    total_s: float = Field(default=3600.0, json_schema_extra=_ABOVE_ZERO)
    """How long a call may take in all, in seconds."""
    concurrent_calls: int = Field(default=256, json_schema_extra=_ABOVE_ZERO)
    """How many calls may be in flight at once; more wait for their turn."""
    parked_calls: int = Field(default=256, json_schema_extra=_ABOVE_ZERO)
    """How many calls may wait for what their clients were asked; one more is refused."""
    connections: int = Field(default=32, json_schema_extra=_ABOVE_ZERO)
    """How many connections a legacy child may be given, one for each client that it could ask something."""
    message_bytes: int = Field(default=_MESSAGE_BYTES, json_schema_extra=_ABOVE_ZERO)
    """How long one message may be."""


class ServingLimits(Value):
    """What the clients of a composite may use up while it is the one that is served."""

    sessions: int = Field(default=1000, json_schema_extra=_ABOVE_ZERO)
    """How many sessions there may be over HTTP; one more ends the one that was idle for longest."""
    session_idle_s: float = Field(default=1800.0, json_schema_extra=_ABOVE_ZERO)
    """How long a session may be idle, in seconds, before it is ended."""
    listen_streams: int = Field(default=1024, json_schema_extra=_ABOVE_ZERO)
    """How many `subscriptions/listen` there may be at once; one more is refused."""
    message_bytes: int = Field(default=_MESSAGE_BYTES, json_schema_extra=_ABOVE_ZERO)
    """How long a client's message may be."""


class ServerNode(Value):
    """How to reach one child server.

    `era` overrules which protocol it is addressed in. `session` says how many connections a legacy child gets: one for
    each client that it could ask something, or one that all clients share.
    """

    id: str
    type: Literal["server"] = "server"
    name: str
    namespace: str | None = None
    enabled: bool = True
    transport: Transport
    era: Literal["auto", "legacy", "modern"] = "auto"
    session: Literal["auto", "shared"] = "auto"
    limits: Limits = Field(default_factory=Limits)


class CompositeNode(Value):
    """Aggregates its members behind one name.

    One that is bypassed is left out while its members stay: the composites it is in offer them as their own members,
    without its namespace. Where it is itself what clients are served, bypassing it changes nothing.
    """

    id: str
    type: Literal["composite"] = "composite"
    name: str
    namespace: str | None = None
    enabled: bool = True
    bypassed: bool = False
    limits: ServingLimits = Field(default_factory=ServingLimits)


Node: TypeAlias = Annotated[ServerNode | CompositeNode, Field(discriminator="type")]


class Edge(Value):
    """`source` is a member of the composite `target`; `namespace` is what it is called there."""

    source: str
    target: str
    namespace: str | None = None


Colour: TypeAlias = Literal["grey", "blue", "green", "amber", "red", "violet"]


class Frame(Value):
    """A coloured region with a title; what lies in it moves with it. `inside` is the composite it is drawn in."""

    id: str
    type: Literal["frame"] = "frame"
    title: str = ""
    colour: Colour = "grey"
    inside: str | None = None


class Note(Value):
    """Words on the canvas, in Markdown. `inside` is the composite it is drawn in."""

    id: str
    type: Literal["note"] = "note"
    text: str = ""
    colour: Colour = "amber"
    inside: str | None = None


Annotation: TypeAlias = Annotated[Frame | Note, Field(discriminator="type")]


class Box(Value):
    """Where a node, a frame or a note lies on the canvas, in scene units; servers have no size of their own.

    A composite that is collapsed is drawn as small as a server; its size is what it covers once it is expanded.
    What is locked is neither moved nor deleted by hand.
    """

    x: float
    y: float
    width: float | None = None
    height: float | None = None
    collapsed: bool = False
    locked: bool = False


class Graph(Value):
    """Nodes and edges: what is drawn, saved, served and exported. Annotations are for people only."""

    version: Literal[1] = 1
    id: str
    name: str
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    layout: Mapping[str, Box] = Field(default_factory=dict)

    # Underscored, so that copies and comparisons leave them out.
    @cached_property
    def _by_id(self) -> Mapping[str, ServerNode | CompositeNode]:
        return {node.id: node for node in reversed(self.nodes)}

    @cached_property
    def _annotation_by_id(self) -> Mapping[str, Frame | Note]:
        return {one.id: one for one in reversed(self.annotations)}

    @cached_property
    def _by_target(self) -> Mapping[str, tuple[Edge, ...]]:
        return _grouped((edge.target, edge) for edge in self.edges)

    @cached_property
    def _by_source(self) -> Mapping[str, tuple[Edge, ...]]:
        return _grouped((edge.source, edge) for edge in self.edges)

    def node(self, node_id: str) -> ServerNode | CompositeNode | None:
        """Return the first node with this id, or None."""
        return self._by_id.get(node_id)

    def annotation(self, annotation_id: str) -> Frame | Note | None:
        """Return the first frame or note with this id, or None."""
        return self._annotation_by_id.get(annotation_id)

    def members(self, composite_id: str) -> tuple[Edge, ...]:
        """Return the edges whose sources are the members of a composite, in the order of the file."""
        return self._by_target.get(composite_id, ())

    def memberships(self, node_id: str) -> tuple[Edge, ...]:
        """Return the edges that make a node a member of composites."""
        return self._by_source.get(node_id, ())

    def roots(self) -> tuple[CompositeNode, ...]:
        """Return the composites that are nobody's member: the candidates to be served."""
        return tuple(node for node in self.nodes if isinstance(node, CompositeNode) and node.id not in self._by_source)


def _grouped(edges: Iterable[tuple[str, Edge]]) -> Mapping[str, tuple[Edge, ...]]:
    found: defaultdict[str, list[Edge]] = defaultdict(list)
    for key, edge in edges:
        found[key].append(edge)
    return {key: tuple(group) for key, group in found.items()}
