"""Which connection to a child serves which client.

A modern child has one connection for everybody. A legacy child has one for all clients it cannot tell apart, and one
for each client that it could ask something, because it does not say whose call its question belongs to. Such a
connection is opened when its client first calls the child; to see what there is, one that was told the same about its
client will do, and is opened where there is none.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace

from composite_runtime.child.connection import Connection
from composite_runtime.child.listening import Watched
from composite_runtime.child.memory import Memory
from composite_runtime.errors import ChildError
from composite_runtime.graph.model import ServerNode
from composite_runtime.tasks import Tasks
from composite_runtime.wire.call import Caller
from composite_runtime.wire.era import Era
from composite_runtime.wire.jsonrpc import Json

# A client without a session never says that it has gone.
IDLE_S = 300.0
_END_S = 10.0
# What is said of clients to a child they share; a question to a client that cannot answer it is refused when it comes.
_EVERYTHING: Json = {"sampling": {}, "elicitation": {"form": {}, "url": {}}, "roots": {}}


class Pool:
    """The connections to one child.

    `make` makes one for an era and a caller, which opens nothing before its start; `watched` tells what it is to watch
    from the start.
    """

    def __init__(
        self,
        node: ServerNode,
        memory: Memory,
        make: Callable[[Era, Caller, bool], Connection],
        watched: Callable[[str], Watched],
        *,
        idle_s: float = IDLE_S,
    ) -> None:
        self.node = node
        self._idle_s = idle_s
        self._memory = memory
        self._make = make
        self._watched = watched
        self._speaks = memory.speaks(node) if node.era == "auto" else frozenset({Era(node.era)})
        self._refused: set[Era] = set()
        self._connections: dict[str, Connection] = {}
        self._tasks = Tasks()
        self._endings = Tasks()
        self._is_closed = False
        self._last: tuple[Caller, frozenset[Era], tuple[Era, Caller]] | None = None

    def __iter__(self) -> Iterator[Connection]:
        return iter(self._connections.values())

    async def close(self) -> None:
        """End all connections, at once."""
        self._is_closed = True
        await self._tasks.close()
        await asyncio.gather(self._endings.wait(_END_S), *(connection.close() for connection in self))

    def forget(self, session: str) -> None:
        """End the connection that was held for a client's session."""
        if session:
            self._last = None
            self._drop(f"legacy {session}")

    def key(self, caller: Caller) -> str:
        """Return what tells a caller's connection from others."""
        return _key(*self._seen(caller))

    def present(self, caller: Caller) -> Connection | None:
        """Return the caller's connection if it has one."""
        return self._connections.get(self.key(caller))

    def alike(self, caller: Caller) -> Connection | None:
        """Return a connection by which the child offers what it would offer this caller; its own, if it has one."""
        era, seen = self._seen(caller)
        own = self._connections.get(_key(era, seen))
        if own is not None and own.offers is not None:
            return own
        known = (other for other in self if other.era is era and other.offers is not None)
        return next((other for other in known if other.told == seen.told or era is Era.MODERN), own)

    def lacks(self, caller: Caller) -> bool:
        """Say whether no connection, up or not, will tell what the child offers this caller, and there is room for one.

        What was remembered may be outdated, and without such a connection nobody would ever hear of it.
        """
        era, seen = self._seen(caller)
        if self._is_closed or len(self._connections) >= self.node.limits.connections:
            return False
        return not any(
            other.era is era and (era is Era.MODERN or other.told == seen.told) for other in self._connections.values()
        )

    def connection(self, caller: Caller) -> Connection:
        """Return the caller's connection, started if it has none yet; raise `ChildError` when it cannot have one."""
        if self._is_closed:
            raise ChildError(f"{self.node.name} was stopped", self.node.id)
        era, seen = self._seen(caller)
        key = _key(era, seen)
        connection = self._connections.get(key)
        if connection is not None and connection.wrong_era:
            self._turn_from(era, is_sure=not connection.era_is_unclear)
            return self.connection(caller)
        if connection is None:
            self._make_room()
            connection = self._added(key, era, seen)
        else:
            self._connections[key] = self._connections.pop(key)  # the least used come first
        return connection

    @property
    def is_used(self) -> bool:
        """Whether there is a connection at all."""
        return bool(self._connections)

    def address(self, caller: Caller) -> tuple[Era, Json]:
        """Return the era a caller's connection would speak, and what the child would be told of the caller."""
        era, seen = self._seen(caller)
        return era, seen.told if era is Era.LEGACY else {}

    def free(self, caller: Caller) -> Connection:
        """Return a connection on which a question of the child belongs to this call for certain, where that matters.

        That takes a child that asks, and clients without sessions: the first then keep theirs to themselves for as long
        as they are asked something, within the limit.
        """
        own = self.connection(caller)
        if not own.has_asked:
            return own
        era, seen = self._seen(caller)
        if own.is_free or seen.session or era is Era.MODERN:
            return own
        for number in range(1, self.node.limits.connections):
            key = f"{_key(era, seen)} #{number}"
            other = self._connections.get(key)
            if other is None:
                return own if len(self._connections) >= self.node.limits.connections else self._added(key, era, seen)
            if other.is_free:
                return other
        return own

    def works(self, era: Era) -> None:
        """Take note that the child speaks this era, so that what it refused is worth remembering."""
        if self._refused:
            self._memory.refuses(self.node, _other(era))
            self._refused.clear()

    def _added(self, key: str, era: Era, seen: Caller) -> Connection:
        only = self.node.era != "auto" or _other(era) in self._refused
        connection = self._connections[key] = self._make(era, seen, only)
        connection.watch(self._watched(key))
        connection.start()
        if not seen.session:
            self._tasks.start(self._retire(key, connection, is_personal=bool(seen.interactive)))
        return connection

    def _seen(self, caller: Caller) -> tuple[Era, Caller]:
        """Return the era to address the child in, and the caller as the child sees it."""
        # Each call asks several times, and mostly the same client calls again.
        last = self._last
        if last is None or last[0] is not caller or last[1] is not self._speaks:
            last = self._last = (caller, self._speaks, self._looked_at(caller))
        return last[2]

    def _looked_at(self, caller: Caller) -> tuple[Era, Caller]:
        era = caller.era
        if self._speaks and era not in self._speaks:
            (era,) = self._speaks
        if era is Era.LEGACY and self.node.session == "shared":
            return era, replace(caller, capabilities=_EVERYTHING, session="", channel=None)
        return era, caller if caller.interactive else replace(caller, session="", channel=None)

    def _turn_from(self, era: Era, *, is_sure: bool) -> None:
        """Address the child in the other era from now on. One it has refused for sure is not tried again: this ends."""
        self._speaks = frozenset({_other(era)})
        if is_sure:
            self._refused.add(era)
        for key in [key for key, connection in self._connections.items() if connection.era is era]:
            self._drop(key)

    def _make_room(self) -> None:
        """End the connection that was not needed for longest, when there are as many as there may be."""
        if len(self._connections) < self.node.limits.connections:
            return
        idle = (key for key, connection in self._connections.items() if connection.is_idle)
        key = next(idle, None)
        if key is None:
            count = len(self._connections)
            raise ChildError(f"{self.node.name} serves {count} clients already, each by a connection", self.node.id)
        self._drop(key)

    async def _retire(self, key: str, connection: Connection, *, is_personal: bool) -> None:
        """End a connection beside others that nobody has used for a while, unless the child may remember its calls.

        Its client may still listen, so one stays by which the child offers what it offers nobody else: of a change in
        that nobody would hear.
        """
        last = connection.used
        while self._connections.get(key) is connection:
            await asyncio.sleep(self._idle_s)
            forgettable = self._has_twin(connection) if is_personal else connection.used == 0
            if connection.used == last and connection.is_idle and forgettable and len(self._connections) > 1:
                self._drop(key)
            last = connection.used

    def _has_twin(self, connection: Connection) -> bool:
        others = (other for other in self if other is not connection and other.era is connection.era)
        return any(other.offers == connection.offers for other in others)

    def _drop(self, key: str) -> None:
        connection = self._connections.pop(key, None)
        if connection is not None:
            self._endings.start(connection.close())


def _key(era: Era, seen: Caller) -> str:
    return "modern" if era is Era.MODERN else f"legacy {seen.identity}"


def _other(era: Era) -> Era:
    return Era.LEGACY if era is Era.MODERN else Era.MODERN
