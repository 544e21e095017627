"""URI templates after RFC 6570, all four levels: which variables they have, and the address they make."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import quote

from composite_runtime.errors import FusionError

Value: TypeAlias = str | Sequence[str] | Mapping[str, str]

_EXPRESSION: Final = re.compile(r"\{([^{}]*)\}")
_VARIABLE: Final = re.compile(r"((?:[\w.]|%[0-9A-Fa-f]{2})+)(?:(\*)|:([1-9][0-9]{0,3}))?", re.ASCII)
_RESERVED: Final = ":/?#[]@!$&'()*+,;="


@dataclass(frozen=True)
class _Operator:
    """How an expression is written: what it begins with, what parts it, and whether names are told."""

    first: str
    between: str
    is_named: bool = False
    if_empty: str = ""
    keeps_reserved: bool = False


_OPERATORS: Final = {
    "": _Operator("", ","),
    "+": _Operator("", ",", keeps_reserved=True),
    "#": _Operator("#", ",", keeps_reserved=True),
    ".": _Operator(".", "."),
    "/": _Operator("/", "/"),
    ";": _Operator(";", ";", is_named=True),
    "?": _Operator("?", "&", is_named=True, if_empty="="),
    "&": _Operator("&", "&", is_named=True, if_empty="="),
}


@dataclass(frozen=True)
class Variable:
    """One variable of a template; an exploded one takes a list, a prefixed one is cut to so many characters."""

    name: str
    is_exploded: bool = False
    prefix: int | None = None


def variables(template: str) -> tuple[Variable, ...]:
    """Return the variables in order, each once; raise `FusionError` if this is no template."""
    found = [variable for match in _expressions(template) for variable in _parsed(match[1])[1]]
    return tuple({variable.name: variable for variable in found}.values())


def expand(template: str, values: Mapping[str, Value]) -> str:
    """Return the address; variables without a value leave nothing. Raise `FusionError` if this is no template."""
    made: list[str] = []
    end = 0
    for match in _expressions(template):
        made.append(_literal(template[end : match.start()]))
        operator, found = _parsed(match[1])
        parts = [part for variable in found for part in _parts(variable, operator, values.get(variable.name))]
        made.append(operator.first + operator.between.join(parts) if parts else "")
        end = match.end()
    return "".join([*made, _literal(template[end:])])


def _expressions(template: str) -> list[re.Match[str]]:
    if set("{}") & set(_EXPRESSION.sub("", template)):
        raise FusionError(f"{template} is no URI template: a brace has no partner")
    return list(_EXPRESSION.finditer(template))


def _parsed(body: str) -> tuple[_Operator, tuple[Variable, ...]]:
    sign = body[:1] if body[:1] in _OPERATORS and body[:1] else ""
    found: list[Variable] = []
    for text in body[len(sign) :].split(","):
        match = _VARIABLE.fullmatch(text)
        if match is None:
            raise FusionError(f"{{{body}}} is no expression of a URI template")
        found.append(Variable(match[1], match[2] is not None, int(match[3]) if match[3] else None))
    return _OPERATORS[sign], tuple(found)


def _parts(variable: Variable, operator: _Operator, value: Value | None) -> Iterator[str]:
    """Yield what stands between the separators for one variable."""
    if value is None or (not isinstance(value, str) and not value):
        return
    if isinstance(value, str):
        text = _encoded(value if variable.prefix is None else value[: variable.prefix], operator)
        yield _named(variable.name, text, operator)
    elif not variable.is_exploded:
        flat = [part for pair in value.items() for part in pair] if isinstance(value, Mapping) else value
        yield _named(variable.name, ",".join(_encoded(part, operator) for part in flat), operator)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield f"{_encoded(key, operator)}={_encoded(part, operator)}"
    else:
        for part in value:
            yield _named(variable.name, _encoded(part, operator), operator)


def _named(name: str, text: str, operator: _Operator) -> str:
    if not operator.is_named:
        return text
    return f"{name}={text}" if text else f"{name}{operator.if_empty}"


def _encoded(text: str, operator: _Operator) -> str:
    if not operator.keeps_reserved:
        return quote(text, safe="")
    return _literal(text)


def _literal(text: str) -> str:
    # What is percent-encoded already stays; a percent sign alone is encoded.
    pieces = re.split(r"(%[0-9A-Fa-f]{2})", text)
    return "".join(piece if number % 2 else quote(piece, safe=_RESERVED) for number, piece in enumerate(pieces))
