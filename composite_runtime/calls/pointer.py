"""JSON Pointer (RFC 6901): the place of a value in another."""

from collections.abc import Iterable
from typing import Any


class Nowhere(Exception):
    """There is nothing at the place; the message says where the way ends."""


def resolve(value: Any, pointer: str) -> Any:
    """Return what is at the pointer; raise `Nowhere`."""
    if pointer and not pointer.startswith("/"):
        raise Nowhere(f"{pointer!r} is no JSON pointer: it must begin with /")
    here = value
    walked = ""
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        walked += f"/{step}"
        if isinstance(here, dict) and key in here:
            here = here[key]
        elif isinstance(here, list) and key.isdecimal() and int(key) < len(here):
            here = here[int(key)]
        else:
            raise Nowhere(f"there is nothing at {walked}")
    return here


def pointer_of(steps: Iterable[str | int]) -> str:
    """Return the pointer that takes these steps."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)
