"""A dictionary filled by a decorator: how Fusion is extended."""

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import TypeVar

from composite_runtime.errors import UnknownName

T = TypeVar("T")


class Registry(Mapping[str, T]):
    """Parts of one kind by name; an unknown name is answered with the nearest known one."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._parts: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that enters its argument under `name`."""

        def enter(part: T) -> T:
            if name in self._parts:
                raise ValueError(f"{self._kind} {name!r} is registered twice")
            self._parts[name] = part
            return part

        return enter

    def __getitem__(self, name: str) -> T:
        """Return the part called `name`; raise `UnknownName` if there is none."""
        try:
            return self._parts[name]
        except KeyError:
            nearest = get_close_matches(name, self._parts, n=1)
            hint = f"did you mean {nearest[0]!r}?" if nearest else f"known are {', '.join(sorted(self._parts))}"
            raise UnknownName(f"there is no {self._kind} {name!r}; {hint}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._parts

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)
