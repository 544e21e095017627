"""How a text refers to a value it does not hold: `${env:NAME}`, `${secret:NAME}`, `${input:NAME}`."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

Kind: TypeAlias = Literal["env", "secret", "input"]

# `$${` is how a text says `${` and means it; it comes first so that what follows is not taken for a reference.
_PATTERN = re.compile(r"\$(?P<escaped>\$\{)|\$\{(?P<kind>env|secret|input):(?P<name>[^}]*?)(?::-(?P<default>[^}]*))?\}")

# What other programs write for a value they should have filled in. Whoever hands us such a text has no value for us.
_UNFILLED = re.compile(r"\s*(?:\$\{[^{}]*\}|\$?\{\{[^{}]*\}\}|\{(?:env|file):[^{}]*\}|%[A-Za-z_]\w*%)\s*")


@dataclass(frozen=True)
class Reference:
    """One reference; `default` is used when the value is not set, and only `env` and `input` have one."""

    kind: Kind
    name: str
    default: str | None = None

    def __str__(self) -> str:
        return f"${{{self.kind}:{self.name}}}"


def references(text: str) -> tuple[Reference, ...]:
    """Return the references in a text, in their order."""
    return tuple(_reference(match) for match in _matches(text))


def substitute(text: str, value_of: Callable[[Reference], str]) -> str:
    """Return the text with each reference replaced by its value. A value is not looked through again."""
    return _PATTERN.sub(lambda match: match["escaped"] or value_of(_reference(match)), text)


def escape(text: str) -> str:
    """Return the text that, after substitution, reads as `text` does now."""
    return text.replace("${", "$${")


def unescape(text: str) -> str:
    """Return what a text without references reads as."""
    return text.replace("$${", "${")


def is_unfilled(value: str) -> bool:
    """Return whether a value is nothing but a reference that some other program left as it was."""
    return _UNFILLED.fullmatch(value) is not None


def _matches(text: str) -> Iterator[re.Match[str]]:
    return (match for match in _PATTERN.finditer(text) if match["escaped"] is None)


def _reference(match: re.Match[str]) -> Reference:
    kind = cast(Kind, match["kind"])
    if kind == "secret" and match["default"] is not None:
        # A default would be a secret in plain text, so `:-` is part of the name here, and the name is refused later.
        return Reference(kind, f"{match['name']}:-{match['default']}")
    return Reference(kind, match["name"], match["default"])
