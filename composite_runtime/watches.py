"""Who is told when a resource changes, under which name, and which member it was asked of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from composite_runtime.catalog import Member, Route
from composite_runtime.provider import Kind
from composite_runtime.wire.call import Caller


@dataclass(eq=False, slots=True)
class Watch:
    """One client's wish to be told about something; the route changes when the member is made anew."""

    kind: Kind
    name: str
    caller: Caller
    route: Route


class Watches:
    """The wishes that have not ended. Each ends where it began, whatever clients call things by then."""

    def __init__(self) -> None:
        self._open: list[Watch] = []

    def __contains__(self, watch: Watch) -> bool:
        return watch in self._open

    def begin(self, kind: Kind, name: str, caller: Caller, route: Route) -> Watch:
        """Remember a wish."""
        watch = Watch(kind, name, caller, route)
        self._open.append(watch)
        return watch

    def end(self, watch: Watch) -> None:
        """Forget a wish; one that was forgotten already is no matter."""
        if watch in self._open:
            self._open.remove(watch)

    def taken(self, kind: Kind, name: str, caller: Caller) -> Watch | None:
        """Forget a client's wish and return it; None when there was none."""
        for watch in self._open:
            if (watch.kind, watch.name) == (kind, name) and _same(watch.caller, caller):
                self._open.remove(watch)
                return watch
        return None

    def names(self, member: Member, uri: str) -> set[str]:
        """Return what those who want to know call a member's resource that was updated."""
        return {
            watch.name + uri[len(watch.route.name) :]
            for watch in self._open
            if watch.route.member.provider is member.provider and covers(watch.route.name, uri)
        }

    def remade(self, members: Sequence[Member]) -> Iterator[Watch]:
        """Yield the wishes whose member was made anew for the same node, now with the way to the new one."""
        present = {id(member.provider) for member in members}
        by_node = {member.provider.node: member for member in members}
        for watch in self._open:
            before = watch.route.member.provider
            member = by_node.get(before.node)
            # A task has ended together with the server that did it.
            if id(before) not in present and member is not None and watch.kind is Kind.RESOURCE:
                watch.route = Route(member, watch.route.name)
                yield watch


def covers(watched: str, uri: str) -> bool:
    """Say whether who watches one resource is told of another: of itself, and of what lies below it."""
    if not uri.startswith(watched):
        return False
    return len(uri) == len(watched) or watched.endswith(("/", "?", "#")) or uri[len(watched)] in "/?#"


def _same(one: Caller, other: Caller) -> bool:
    return one.session == other.session if one.session or other.session else one == other
