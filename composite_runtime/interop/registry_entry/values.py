"""What an entry is read into: ways to run the server, made of templates with prompts in them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias


class Severity(StrEnum):
    """What a finding means for the person who chooses."""

    BLOCK = "block"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Finding:
    """Something about a way that a person should know; one that blocks forbids it."""

    severity: Severity
    message: str


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """Something a person fills in; a secret is stored and only referred to."""

    id: str
    label: str
    description: str = ""
    kind: Literal["string", "number", "boolean", "filepath"] = "string"
    is_required: bool = False
    is_secret: bool = False
    is_repeated: bool = False
    default: str | None = None
    choices: tuple[str, ...] = ()
    placeholder: str = ""


@dataclass(frozen=True)
class Ref:
    """The place of a prompt's answer in a template."""

    prompt: str


Template: TypeAlias = tuple[str | Ref, ...]


@dataclass(frozen=True)
class Argument:
    """One argument, or a flag with its value; without an answer it disappears as a whole.

    With `switch`, the id of a boolean prompt, it is a flag without a value.
    """

    tokens: tuple[Template, ...]
    switch: str | None = None
    is_repeated: bool = False

    @property
    def literal(self) -> str | None:
        """Return the argument if it is a single fixed word."""
        match self.tokens:
            case ((str(word),),):
                return word
        return None

    @property
    def refs(self) -> Iterator[str]:
        """Yield the ids of the prompts in it."""
        return (part.prompt for token in self.tokens for part in token if isinstance(part, Ref))


Origin: TypeAlias = Literal["npm", "pypi", "oci", "nuget", "mcpb", "remote", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to run a server: a command to start, or a URL to connect to."""

    origin: Origin
    transport: str
    label: str
    command: str = ""
    arguments: tuple[Argument, ...] = ()
    env: Mapping[str, Template] = field(default_factory=dict)
    url: Template = ()
    headers: Mapping[str, Template] = field(default_factory=dict)
    prompts: Mapping[str, Prompt] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    download: tuple[str, str] | None = None
    """Address and SHA-256 of a bundle."""

    @property
    def is_blocked(self) -> bool:
        """Return whether something forbids this way."""
        return any(finding.severity is Severity.BLOCK for finding in self.findings)

    @property
    def needs(self) -> str | None:
        """Return what has to be installed before the first start, in words."""
        return {"npm": "Node.js", "pypi": "uv", "oci": "Docker", "nuget": ".NET 10"}.get(self.origin)
