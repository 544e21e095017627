"""How clients refer to values outside their file, and what that becomes in a graph."""

import re
from dataclasses import dataclass

from composite_runtime.secrets import escape

_NAME = r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)"

NONE = re.compile(r"(?!)")
"""The client takes every text as it is."""
ENV = re.compile(rf"\$\{{env:{_NAME}\}}")
"""`${env:V}`"""
BRACES = re.compile(rf"\$\{{{_NAME}(?::-(?P<default>[^}}]*))?\}}")
"""`${V}` and `${V:-default}`"""
DOLLAR = re.compile(rf"\$(?:\{{{_NAME}(?::-(?P<default>[^}}]*))?\}}|(?P<bare>[A-Za-z_][A-Za-z0-9_]*))")
"""`$V`, `${V}` and `${V:-default}`"""
CURLY = re.compile(rf"\{{env:{_NAME}\}}")
"""`{env:V}`"""
SECRETS = re.compile(r"\$\{\{\s*secrets\.(?P<secret>[A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
"""`${{ secrets.V }}`"""

_HOME = re.compile(r"\$\{userHome\}")
_LEFT = re.compile(r"\$?\{\{?[A-Za-z_][A-Za-z0-9_.:]*[^{}]*\}\}?")


@dataclass(frozen=True)
class Translated:
    """A text as a graph spells it, and the references nobody here understands, which stay text."""

    text: str
    unknown: tuple[str, ...] = ()


def translate(text: str, syntax: re.Pattern[str]) -> Translated:
    """Return a text of a client in the spelling of a graph; what is no reference there is none here either."""
    if syntax is NONE:
        return Translated(escape(text))
    pieces: list[str] = []
    unknown: list[str] = []
    end = 0
    for match in sorted([*syntax.finditer(text), *_HOME.finditer(text)], key=lambda match: match.start()):
        _literal(text[end : match.start()], pieces, unknown)
        pieces.append(_ours(match))
        end = match.end()
    _literal(text[end:], pieces, unknown)
    return Translated("".join(pieces), tuple(unknown))


def _literal(text: str, pieces: list[str], unknown: list[str]) -> None:
    pieces.append(escape(text))
    unknown.extend(match[0] for match in _LEFT.finditer(text))


def _ours(match: re.Match[str]) -> str:
    groups = match.groupdict()
    if not groups:
        return "${env:HOME}"
    if secret := groups.get("secret"):
        return f"${{secret:{secret}}}"
    name = groups.get("name") or groups.get("bare")
    default = groups.get("default")
    return f"${{env:{name}}}" if default is None else f"${{env:{name}:-{default}}}"
