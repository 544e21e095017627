"""Which member made a task, and what clients call it: by its own id, unless another member has one of that id.

Tasks are the calls a server answers later: those of the core protocol (2025-11-25, basic/utilities/tasks) and those of
the extension `io.modelcontextprotocol/tasks` (2026-07-28). Both name a task in the same places.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from composite_runtime.catalog import Member
from composite_runtime.wire.jsonrpc import Json

RELATED_KEY: Final = "io.modelcontextprotocol/related-task"
_LIMIT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Made:
    """A task: who made it, its own id there, and the session of the client it was made for."""

    member: Member
    own: str
    session: str


class TaskIds:
    """The tasks that clients may ask about, by the id they know; the oldest are forgotten."""

    def __init__(self) -> None:
        self._made: OrderedDict[str, Made] = OrderedDict()

    def get(self, public: str) -> Made | None:
        """Return the task clients know by this id."""
        return self._made.get(public)

    def learn(self, member: Member, own: str, session: str) -> str:
        """Remember a task and return the id by which clients know it."""
        number, public = 1, own
        while (known := self._made.get(public)) is not None and (known.member.provider, known.own) != (
            member.provider,
            own,
        ):
            number += 1
            public = f"{own}~{number}"
        self._made[public] = Made(member, own, session)
        if len(self._made) > _LIMIT:
            self._made.popitem(last=False)
        return public

    def find(self, member: Member, own: str) -> tuple[str, Made] | None:
        """Return a member's task with the id by which clients know it."""
        wanted = (member.provider, own)
        found = ((public, made) for public, made in self._made.items() if (made.member.provider, made.own) == wanted)
        known = self._made.get(own)
        if known is not None and (known.member.provider, known.own) == wanted:
            return own, known
        return next(found, None)

    def keep(self, is_present: Callable[[Member], bool]) -> None:
        """Forget the tasks of members that are gone."""
        for public in [public for public, made in self._made.items() if not is_present(made.member)]:
            del self._made[public]


def made_in(result: Json) -> str | None:
    """Return the id of the task a call was answered with, or None when it was answered."""
    if result.get("resultType") == "task":
        task: Any = result
    else:
        task = result.get("task")
    own = task.get("taskId") if isinstance(task, dict) else None
    return own if isinstance(own, str) else None


def renamed(value: Json, own: str, public: str) -> Json:
    """Return a result or the params of a notification in which the task has its public id."""
    if own == public:
        return value
    changed = _with_id(value, own, public)
    if isinstance(value.get("task"), dict):
        changed = {**changed, "task": _with_id(value["task"], own, public)}
    meta = value.get("_meta")
    if isinstance(meta, dict) and isinstance(meta.get(RELATED_KEY), dict):
        changed = {**changed, "_meta": {**meta, RELATED_KEY: _with_id(meta[RELATED_KEY], own, public)}}
    return changed


def _with_id(value: Json, own: str, public: str) -> Json:
    return {**value, "taskId": public} if value.get("taskId") == own else value
