"""The values a saved call is made of: immutable, and with every key they do not know kept."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag

from composite_runtime.graph.model import Value

Json: TypeAlias = Any


class SchemaExpected(Value):
    """The answer fits a JSON Schema: the one given, else the output schema the tool declares."""

    kind: Literal["schema"]
    against: Mapping[str, Json] | None = None
    pointer: str = "/structuredContent"


class EqualsExpected(Value):
    """The part of the answer at `pointer` is this value; numbers are compared as numbers."""

    kind: Literal["equals"]
    pointer: str = ""
    value: Json


class ContainsExpected(Value):
    """The part at `pointer` contains the value: a text in a text, an element in a list, members in an object.

    A text is also looked for in every text below.
    """

    kind: Literal["contains"]
    pointer: str = ""
    value: Json


class LatencyExpected(Value):
    """The answer comes in less than so many milliseconds."""

    kind: Literal["latency"]
    under_ms: float = Field(gt=0)


class ErrorExpected(Value):
    """The call fails: by an error of this code, or by a tool's own word; `contains` is part of the message."""

    kind: Literal["error"]
    code: int | None = None
    contains: str | None = None


class UnknownExpected(Value):
    """What a newer program expects; it is kept, and cannot be judged here."""

    kind: str


_KINDS = {"schema", "equals", "contains", "latency", "error"}


def _kind(value: Any) -> str:
    kind = value.get("kind") if isinstance(value, Mapping) else getattr(value, "kind", None)
    return kind if isinstance(kind, str) and kind in _KINDS else "unknown"


Expected: TypeAlias = Annotated[
    Annotated[SchemaExpected, Tag("schema")]
    | Annotated[EqualsExpected, Tag("equals")]
    | Annotated[ContainsExpected, Tag("contains")]
    | Annotated[LatencyExpected, Tag("latency")]
    | Annotated[ErrorExpected, Tag("error")]
    | Annotated[UnknownExpected, Tag("unknown")],
    Discriminator(_kind),
]


class SavedCall(Value):
    """One call that can be made again.

    `at` is the id or name of the composite or server that is called, or nothing for the composite that is served.
    `target` is the tool, the prompt or the URI. Texts in the arguments and in what is expected may refer to
    `${env:NAME}` and `${secret:NAME}`.
    """

    version: Literal[1] = 1
    name: str = ""
    at: str | None = None
    method: str = "tools/call"
    target: str = ""
    arguments: Mapping[str, Json] = Field(default_factory=dict)
    expect: tuple[Expected, ...] = ()

    def params(self, arguments: Mapping[str, Json]) -> dict[str, Json]:
        """Return the parameters of the request, with these arguments in place of the saved ones."""
        if self.method in {"tools/call", "prompts/get"}:
            return {"name": self.target, "arguments": dict(arguments)}
        if self.method == "resources/read":
            return {"uri": self.target}
        return dict(arguments)
