"""Whether a value fits a JSON Schema, said in words and with the place of each fault."""

import datetime
import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.exceptions import SchemaError, UnknownType, best_match
from jsonschema.validators import extend, validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from fusion_desktop.inspector.values import Fault

Json: TypeAlias = Any
Found: TypeAlias = Any
"""A `ValidationError`; what it holds is JSON from outside."""

FAULTS = 100
"""More faults help nobody."""
_PATTERN_LENGTH: Final = 10_000

# A repeated group that repeats something inside can take for ever on a short text, and schemas come from strangers.
_RISKY: Final = re.compile(r"\((?:[^()\\]|\\.)*[+*}](?:[^()\\]|\\.)*\)\s*[+*{]|\\[1-9]")


class Checker:
    """Checks values against one schema; `note` says what could not be checked."""

    def __init__(self, schema: Mapping[str, Json]) -> None:
        self.note = ""
        known = validator_for(dict(schema), default=Draft202012Validator)
        try:
            known.check_schema(dict(schema))
        except SchemaError as error:
            place = "/".join(str(step) for step in error.absolute_path) or "its root"
            self.note = f"The schema of this tool is faulty at {place}: {error.message}"
        except RecursionError:
            self.note = "The schema of this tool is nested too deeply to be checked."
        own = {"pattern": _pattern, "multipleOf": _multiple, "patternProperties": _pattern_properties}
        # Without a registry of its own the library would fetch remote references.
        made = extend(known, own)  # type: ignore[no-untyped-call]  # its stub lacks annotations
        self._validator: Any = made(dict(schema), registry=Registry(), format_checker=_formats)

    def faults(self, value: Json) -> list[Fault]:
        """Return what does not fit, at most `FAULTS` of it; nothing when the schema itself is unusable."""
        if self.note:
            return []
        found: dict[Fault, None] = {}
        try:
            for error in self._validator.iter_errors(value):
                for fault in _faults(error):
                    found.setdefault(fault)
                if len(found) >= FAULTS:
                    break
        except Unresolvable as error:
            self.note = f"Not checked against the schema, which refers to something outside itself: {error}"
            return []
        except (RecursionError, OverflowError, ArithmeticError, re.error) as error:
            self.note = f"Not checked against the schema: {error}"
            return []
        return list(found)

    def fits(self, part: Mapping[str, Json], value: Json) -> bool:
        """Whether a value fits one part of the schema, as far as that can be checked."""
        if self.note:
            return True
        try:
            return bool(self._validator.evolve(schema=dict(part)).is_valid(value))
        except (Unresolvable, UnknownType, RecursionError, ArithmeticError, TypeError, ValueError, AttributeError):
            return True  # a part so faulty that it cannot be tested rules nothing out


def _faults(error: Found) -> Iterator[Fault]:
    # Of several alternatives, what is wrong with the nearest one helps; that none fits does not.
    near = best_match([error]) if error.context else error
    shown = near if near is not None and len(near.absolute_path) > len(error.absolute_path) else error
    path = tuple(shown.absolute_path)
    if shown.validator == "required" and isinstance(shown.instance, dict):
        for name in shown.validator_value:
            if name not in shown.instance:
                yield Fault((*path, name), "Required.")
    else:
        yield Fault(path, _WORDS.get(str(shown.validator), _plain)(shown))


def _plain(error: Found) -> str:
    text = error.message if len(error.message) < 300 else f"{error.message[:300]}…"
    return f"{text[:1].upper()}{text[1:]}."


def _type_words(error: Found) -> str:
    wanted = error.validator_value
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    return f"Must be {' or '.join(_ARTICLES.get(name, str(name)) for name in names)}."


def _several_words(error: Found) -> str:
    return "Fits none of the alternatives." if "not valid under any" in error.message else "Fits several alternatives."


_ARTICLES: Final = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
}

_WORDS: Final[dict[str, Callable[[Found], str]]] = {
    "type": _type_words,
    "minLength": lambda error: f"At least {error.validator_value} characters; this has {len(error.instance)}.",
    "maxLength": lambda error: f"At most {error.validator_value} characters; this has {len(error.instance)}.",
    "pattern": lambda error: f"Must match the pattern {error.validator_value}",
    "format": lambda error: f"Is no {error.validator_value}.",
    "minimum": lambda error: f"At least {error.validator_value}.",
    "maximum": lambda error: f"At most {error.validator_value}.",
    "exclusiveMinimum": lambda error: f"More than {error.validator_value}.",
    "exclusiveMaximum": lambda error: f"Less than {error.validator_value}.",
    "multipleOf": lambda error: f"Must be a multiple of {error.validator_value}.",
    "minItems": lambda error: f"At least {error.validator_value} items; there are {len(error.instance)}.",
    "maxItems": lambda error: f"At most {error.validator_value} items; there are {len(error.instance)}.",
    "uniqueItems": lambda error: "No item may stand there twice.",
    "enum": lambda error: "Must be one of the choices.",
    "const": lambda error: f"Must be {error.validator_value!r}.",
    "oneOf": _several_words,
    "anyOf": _several_words,
}


def _pattern(validator: Any, pattern: Json, instance: Json, schema: Json) -> Iterator[Found]:
    if isinstance(instance, str) and not _matches(pattern, instance):
        yield ValidationError("does not match")


def _pattern_properties(validator: Any, parts: Json, instance: Json, schema: Json) -> Iterator[Found]:
    if not isinstance(instance, dict):
        return
    for pattern, part in parts.items():
        for key, value in instance.items():
            if _is_safe(pattern) and _matches(pattern, key):
                yield from validator.descend(value, part, path=key, schema_path=pattern)


def _matches(pattern: str, text: str) -> bool:
    """Whether the text matches, or cannot be tested."""
    return not _is_safe(pattern) or len(text) > _PATTERN_LENGTH or re.search(pattern, text) is not None


def _is_safe(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False  # patterns are ECMAScript's, which knows more than Python
    return _RISKY.search(pattern) is None


def _multiple(validator: Any, step: Json, instance: Json, schema: Json) -> Iterator[Found]:
    is_number = isinstance(instance, int | float) and not isinstance(instance, bool)
    # As fractions of what is written, 0.3 is a multiple of 0.1; as binary floating point numbers it is not.
    if is_number and step and (Fraction(repr(instance)) / Fraction(repr(step))).denominator != 1:
        yield ValidationError("is no multiple")


def _readable(read: Callable[[str], object]) -> Callable[[object], bool]:
    def check(value: object) -> bool:
        if isinstance(value, str):
            read(value)
        return True

    return check


def _written(pattern: str, read: Callable[[str], object] | None = None) -> Callable[[str], object]:
    """Return a reader that wants a text to be written in one way: what stands behind it knows no other."""
    form = re.compile(pattern, re.ASCII | re.IGNORECASE)

    def check(text: str) -> None:
        if form.fullmatch(text) is None:
            raise ValueError(text)
        if read is not None:
            read(text)

    return check


def _uri(text: str) -> None:
    if not urlsplit(text).scheme or " " in text:
        raise ValueError(text)


def _moment(text: str) -> None:
    # A leap second is a moment too, which `datetime` does not know.
    datetime.datetime.fromisoformat(re.sub(r":60(?=[.Z+-])", ":59", text.upper()))


_CLOCK: Final = r"\d\d:\d\d:\d\d(\.\d+)?"
_ZONE: Final = r"(Z|[+-]\d\d:\d\d)"
_READERS: Final[dict[str, Callable[[str], object]]] = {
    "email": _written(r"[^@\s]+@[^@\s]+"),
    "uri": _uri,
    "hostname": _written(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"),
    "date": _written(r"\d{4}-\d\d-\d\d", datetime.date.fromisoformat),
    # Many a server means the time on a wall, which has no zone.
    "time": _written(f"{_CLOCK}{_ZONE}?", lambda text: _moment(f"2000-01-01T{text}")),
    "date-time": _written(rf"\d{{4}}-\d\d-\d\dT{_CLOCK}{_ZONE}", _moment),
    "uuid": _written(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "ipv4": ipaddress.IPv4Address,
    "ipv6": ipaddress.IPv6Address,
}
_formats = FormatChecker(formats=())
for _name, _read in _READERS.items():
    _formats.checks(_name, raises=ValueError)(_readable(_read))
