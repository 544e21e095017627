"""JSON values and their texts, exactly: no digit, sign or character gets lost between a form and the wire."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, TypeAlias

Json: TypeAlias = Any

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
_LOST_IN_FIELDS = "\u2028\u2029\ufdd0\ufdd1\u00a0"


class DraftError(ValueError):
    """A text that is not, or not yet, the value it shall become; the message is for the user."""


@dataclass(frozen=True)
class Fault:
    """What is wrong at one place of a value; `path` holds keys and positions from the outside in."""

    path: tuple[str | int, ...]
    message: str

    @property
    def pointer(self) -> str:
        """The place as a JSON pointer."""
        return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in self.path)


def parse_number(text: str, *, is_integer: bool = False) -> int | float:
    """Return the number a text is, whole ones in any size; raise `DraftError` if JSON cannot carry it."""
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        raise DraftError("Enter a whole number." if is_integer else "Enter a number, such as 3, -0.5 or 1e6.")
    try:
        # A whole number stays one; with a point or an exponent it is a floating point number, also for the server.
        is_whole = text.lstrip("-").isdecimal() and (is_integer or text != "-0")
        number = int(text) if is_whole else _exact_float(text)
    except DraftError:
        raise
    except ValueError:
        raise DraftError("That number has more digits than can be read.") from None
    if is_integer and isinstance(number, float) and not number.is_integer():
        raise DraftError("Enter a whole number.")
    return number


def number_text(number: float) -> str:
    """Return the shortest text that is read back as the same number."""
    return json.dumps(number)


def parse_json(text: str) -> Json:
    """Return the JSON value a text is; raise `DraftError` that says where it is none.

    What would not arrive as it stands there is refused: repeated keys, NaN, infinite numbers, fractions with more
    digits than are sent, and halves of characters.
    """
    try:
        value = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_float=_exact_float,
            parse_int=_whole,
            object_pairs_hook=_unique,
        )
    except json.JSONDecodeError as error:
        raise DraftError(f"Line {error.lineno}, column {error.colno}: {_plain(error.msg)}") from None
    except RecursionError:
        raise DraftError("That is nested too deeply.") from None
    except ValueError as error:
        raise DraftError(str(error) if isinstance(error, DraftError) else "A number has too many digits.") from None
    check_text(text)
    _check_halves(value)
    return value


def check_text(text: str) -> None:
    """Raise `DraftError` for a text with half a character, which UTF-8 cannot carry."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise DraftError("The text holds half of a character (a lone surrogate), which cannot be sent.")


def json_text(value: Json) -> str:
    """Return a value as readable JSON."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    # A text field would take these for ends of lines or frames, and lose them.
    for character in _LOST_IN_FIELDS:
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def same(one: Json, two: Json) -> bool:
    """Whether two JSON values are the same: true is not 1, and neither is 1.0; the order of keys does not matter."""
    if type(one) is not type(two):
        return False
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(value, two[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(two) and all(same(left, right) for left, right in zip(one, two, strict=True))
    if isinstance(one, float):
        # Text tells -0.0 from 0.0.
        return repr(one) == repr(two)
    return bool(one == two)


def _check_halves(value: Json) -> None:
    for text in _strings(value):
        check_text(text)


def _strings(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)


def _refuse_constant(word: str) -> NoReturn:
    raise DraftError(f"{word} is not JSON.")


def _exact_float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise DraftError(f"{_short(text)} is too large for JSON.")
    # A tenth is no binary fraction either, but its shortest text is: only what would be sent otherwise is lost.
    try:
        is_exact = Decimal(text) == Decimal(repr(number))
    except InvalidOperation:  # an exponent of astronomical length
        is_exact = False
    if not is_exact:
        raise DraftError(f"{_short(text)} cannot be sent exactly; the nearest number is {number_text(number)}.")
    return number


def _whole(text: str) -> int | float:
    # A whole number has no sign at zero.
    return -0.0 if text == "-0" else int(text)


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise DraftError(f"The key {twice!r} stands there twice.")
    return made


def _plain(message: str) -> str:
    return f"{message[:1].lower()}{message[1:]}."
