"""A child server as a provider: which connection serves whom, and what happens when it is lost."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace

from composite_runtime.bridge import SUSPENDABLE, Bridge, drive_rounds, from_modern_child, is_parked, to_modern_child
from composite_runtime.child.arrivals import Arrivals
from composite_runtime.child.connection import Connection, Hooks
from composite_runtime.child.listening import Watched
from composite_runtime.child.lists import read_offers
from composite_runtime.child.memory import Memory
from composite_runtime.child.pool import Pool
from composite_runtime.child.spawn import access_to, transport_to
from composite_runtime.drift import NO_DRIFT, Drift, How, merged
from composite_runtime.errors import ChildError
from composite_runtime.events import ChildChanged, ChildDrifted, ChildState, Emit, Log
from composite_runtime.graph.model import ServerNode
from composite_runtime.hops import repeated, told
from composite_runtime.provider import NOTHING, Kind, Notice, Offers
from composite_runtime.wire.call import Caller, Relay, traits
from composite_runtime.wire.era import LOG_LEVELS, Era, bare_meta
from composite_runtime.wire.guard import Guard
from composite_runtime.wire.jsonrpc import HEADER_MISMATCH, Json, RpcError
from composite_runtime.wire.link import Link, Timeouts, WrongEra
from composite_runtime.wire.tap import TappedTransport, Taps, untapped
from composite_runtime.wire.transport import SessionForgotten, Transport

_BEST_FIRST = (ChildState.READY, ChildState.STARTING, ChildState.RETRYING, ChildState.FAILED, ChildState.STOPPED)
_BRIEF = Timeouts(idle_s=5.0, total_s=5.0)
_REPEATABLE = frozenset(
    {"prompts/get", "resources/read", "completion/complete", "tasks/get", "tasks/list", "tasks/result"}
)
# What a client of one era may add to a call and a child of the other would misunderstand.
_CORE_TASK = "task"
_MODERN_PARAMS = frozenset({"inputResponses", "requestState", _CORE_TASK})


class Child:
    """One child server, however many connections to it are needed."""

    def __init__(
        self,
        node: ServerNode,
        *,
        emit: Emit,
        guard: Guard,
        memory: Memory,
        arrivals: Arrivals | None = None,
        recorder: Taps | None = None,
        graph: str = "GRAPH",
    ) -> None:
        self._node = node
        self._emit = emit
        self._guard = guard
        self._memory = memory
        self._arrivals = arrivals or Arrivals()
        self._tap = recorder.at(node.id) if recorder is not None else untapped
        self._recall: dict[tuple[str, ...], Offers | None] = {}
        self._drifts: dict[tuple[str, ...], Drift] = {}
        self._drift_told = NO_DRIFT
        self._levels: dict[str, tuple[str, str]] = {}
        self._pool = Pool(node, memory, self._made, self._watched)
        self._listeners: list[Callable[[Notice], None]] = []
        self._watchers: dict[tuple[Kind, str], list[Caller]] = {}
        self._bridge = Bridge(node.limits.parked_calls)
        self._turns = asyncio.Semaphore(node.limits.concurrent_calls)
        self._timeouts = Timeouts(node.limits.idle_s, node.limits.total_s)
        self._told_last: tuple[ChildState, str | None, int | None, int | None, str | None] | None = None
        self._access = access_to(node, self._access_changed, graph)

    @property
    def node(self) -> str:
        """The id of the node."""
        return self._node.id

    @property
    def name(self) -> str:
        """What the user calls the server."""
        return self._node.name

    @property
    def definition(self) -> ServerNode:
        """The node this child was made from."""
        return self._node

    def rename(self, node: ServerNode) -> None:
        """Be called as this node is, which describes the same server."""
        self._node = self._pool.node = node

    def start(self, caller: Caller) -> None:
        """Begin to connect, as this caller would need it."""
        self._pool.connection(caller)

    async def close(self) -> None:
        """End all connections, at once."""
        await self._bridge.close()
        if self._access is not None:
            await self._access.close()
        await self._pool.close()

    def subscribe(self, listener: Callable[[Notice], None]) -> Callable[[], None]:
        """Have `listener` called with each notice until the returned function is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def tell(self, method: str, params: Json, caller: Caller) -> None:
        """Pass on what a client tells, if the child has a connection that is this client's."""
        connection = self._pool.present(caller)
        link = connection.link if connection is not None else None
        if link is not None and link.era is Era.LEGACY and caller.interactive:
            link.notify(method, params)

    def forget(self, session: str) -> None:
        """End the connection that was held for a client's session."""
        self._levels.pop(session, None)
        self._pool.forget(session)

    async def offers(self, caller: Caller, patience_s: float = 0.0) -> Offers:
        """Return what the child offers, or offered last time; waits only while nothing is known of it."""
        alike = self._pool.alike(caller)
        if alike is not None and alike.offers is not None:
            return alike.offers
        remembered = self._recalled(caller)
        if remembered is not None and self._pool.is_used and not self._pool.lacks(caller):
            return remembered
        try:
            connection = self._pool.connection(caller)
        except ChildError:
            return remembered or NOTHING
        remembered = self._recalled(caller)  # perhaps in the other era, as it is addressed by now
        if remembered is not None:
            return remembered
        if patience_s:
            await connection.settled(patience_s)
            if connection.state is ChildState.STARTING:
                # Remembered, so that the next run does not wait for it again.
                self._memory.keep(self._node, *self._pool.address(caller), NOTHING)
        if connection.wrong_era:
            return await self.offers(caller, patience_s)
        # What others were offered is the best guess until then, so that no tool seems unknown only because this client
        # is new.
        guess = next((other.offers for other in self._pool if other.offers is not None), NOTHING)
        return connection.offers or replace(guess, complete=not connection.is_awaited)

    async def request(self, method: str, params: Json, relay: Relay) -> Json:
        """Return the child's result; raise its own `RpcError`, or `ChildError` when it is down."""
        if method == "logging/setLevel":
            return await self._set_level(params, relay.caller)
        return await told(self._emit, self.node, method, params, relay=relay, work=self._in_turn(method, params, relay))

    async def watch(self, name: str, caller: Caller, *, on: bool, kind: Kind = Kind.RESOURCE) -> None:
        """Begin or end to have the child tell about something; counted, since several clients may want the same."""
        if not on:
            self._unwatch((kind, name), caller)
            return
        self._watchers.setdefault((kind, name), []).append(caller)
        try:
            connection = self._pool.connection(caller)
            answers = connection.watch(self._watched(self._pool.key(caller)))
            if answers:
                await asyncio.wait(answers)
            for refusal in (answer.result() for answer in answers if not answer.cancelled()):
                if refusal is not None:
                    raise refusal
        except BaseException:
            self._unwatch((kind, name), caller)
            raise

    def _unwatch(self, what: tuple[Kind, str], caller: Caller) -> None:
        callers = self._watchers.get(what, [])
        with contextlib.suppress(ValueError):
            callers.remove(caller)
        if not callers:
            self._watchers.pop(what, None)
        connection = self._pool.present(caller)  # to end watching is no reason to start a child
        if connection is not None:
            connection.watch(self._watched(self._pool.key(caller)))

    def _watched(self, key: str) -> Watched:
        """Return what the clients of one connection watch."""
        everybody = {id(caller): caller for callers in self._watchers.values() for caller in callers}
        its = {each for each, caller in everybody.items() if self._pool.key(caller) == key}
        return frozenset(what for what, callers in self._watchers.items() if any(id(each) in its for each in callers))

    async def _set_level(self, params: Json, caller: Caller) -> Json:
        """Pass a legacy client's log level on; a modern child is told with each request, and one that is down never."""
        key = self._pool.key(caller)
        self._levels[caller.session] = (key, params["level"])
        connection = self._pool.present(caller)
        link = connection.link if connection is not None else None
        if link is not None and link.era is Era.LEGACY and "logging" in link.capabilities:
            link.log_level = self._wanted_level(key)
            with contextlib.suppress(RpcError, ChildError):
                await link.request("logging/setLevel", {"level": link.log_level}, None, timeouts=_BRIEF)
        return {}

    def _wanted_level(self, key: str) -> str | None:
        """Return the lowest level that one of those who share a connection wants; each is given only its own."""
        return min(
            (level for owner, level in self._levels.values() if owner == key), key=LOG_LEVELS.index, default=None
        )

    async def _in_turn(self, method: str, params: Json, relay: Relay) -> Json:
        async with self._turns:
            return await self._answer(method, params, relay)

    async def _answer(self, method: str, params: Json, relay: Relay) -> Json:
        if is_parked(params):
            return await self._bridge.resume(method, _bare(params), relay)
        link = await self._link(relay.caller)
        link.claims += 1
        try:
            return await self._exchange(link, method, params, relay)
        except SessionForgotten as error:
            reason = str(error)  # nothing has been done, so it may be asked again
        except ChildError as error:
            if link.is_open or not self._may_repeat(method, params, relay.caller):
                raise ChildError(f"{self.name}: {error}", self.node) from None
            reason = str(error)
        finally:
            link.claims -= 1
        repeated(self._emit, self.node, reason)
        link = await self._link(relay.caller)
        try:
            return await self._exchange(link, method, params, relay)
        except ChildError as error:
            raise ChildError(f"{self.name}: {error}", self.node) from None

    async def _exchange(self, link: Link, method: str, params: Json, relay: Relay) -> Json:
        meta = bare_meta(params) if "_meta" in params else None
        bare = _bare(params)

        async def send(changed: Json, through: Relay) -> Json:
            try:
                return await link.request(method, changed, through, meta=meta, timeouts=self._timeouts)
            except RpcError as error:
                # The child has changed which arguments it wants in headers; nothing was done yet, so it is asked again.
                if error.code != HEADER_MISMATCH:
                    raise
                repeated(self._emit, self.node, str(error))
            await read_offers(link, lambda text: self._emit(Log(level="warning", source=self.node, message=text)))
            return await link.request(method, changed, through, meta=meta, timeouts=self._timeouts)

        modern_client = relay.caller.era is Era.MODERN
        if link.era is Era.LEGACY:
            if not modern_client:
                return await send(bare, relay)
            await self._level(link, relay.log_level)
            plain = {key: value for key, value in bare.items() if key not in _MODERN_PARAMS}
            if method not in SUSPENDABLE:
                return await send(plain, relay)
            return await self._bridge.call(lambda through: send(plain, through), method, bare, relay)
        if modern_client:
            return from_modern_child(await send(to_modern_child(bare), relay), relay.caller)
        plain = {key: value for key, value in bare.items() if key != _CORE_TASK}
        return await drive_rounds(lambda changed: send(changed, relay), plain, relay)

    async def _level(self, link: Link, level: str | None) -> None:
        """Have a legacy child log from the level a modern client asks for with its call, if it does not already."""
        if level is None or "logging" not in link.capabilities:
            return
        if link.log_level is None or LOG_LEVELS.index(level) < LOG_LEVELS.index(link.log_level):
            link.log_level = level
            with contextlib.suppress(RpcError, ChildError):  # a child that is silent about it may still answer the call
                await link.request("logging/setLevel", {"level": level}, None, timeouts=_BRIEF)

    async def _link(self, caller: Caller) -> Link:
        eras_left = len(Era)
        while True:
            try:
                return await self._pool.free(caller).ready(self._timeouts.idle_s)
            except ChildError as error:
                if isinstance(error, WrongEra) and eras_left:
                    eras_left -= 1
                elif str(error).startswith(self.name):
                    raise
                else:
                    raise ChildError(f"{self.name} is not running: {error}", self.node) from None

    def _made(self, era: Era, caller: Caller, only: bool) -> Connection:
        hooks = Hooks(
            open_transport=self._transport,
            state_changed=lambda: self._state_changed(caller),
            offers_changed=self._remember,
            notice=self._notify,
            complain=lambda level, text: self._emit(Log(level=level, source=self.node, message=text)),
            log_level=lambda: self._wanted_level(self._pool.key(caller)),
            arrivals=self._arrivals,
            audience=None if era is Era.MODERN or self._node.session == "shared" else caller.identity,
        )
        return Connection(era, caller if era is Era.LEGACY else None, hooks, only=only)

    def _recalled(self, caller: Caller) -> Offers | None:
        """Return what the child offered to such a caller in an earlier run."""
        era, told = self._pool.address(caller)
        key = (era, *traits(told))
        if key not in self._recall:
            self._recall[key] = self._memory.recall(self._node, era, told)
        return self._recall[key]

    async def _transport(self) -> Transport:
        transport = await transport_to(self._node, self._guard, self._hear, self._access)
        return transport if self._tap is untapped else TappedTransport(transport, self._tap)

    def _remember(self, connection: Connection) -> None:
        offers = connection.offers
        assert offers is not None
        self._pool.works(connection.era)
        key = (connection.era, *traits(connection.told))
        before = self._recall.get(key) or NOTHING
        for kind, old, new in (
            (Kind.TOOLS, before.tools, offers.tools),
            (Kind.PROMPTS, before.prompts, offers.prompts),
            (
                Kind.RESOURCES,
                (before.resources, before.templates, before.capabilities),
                (offers.resources, offers.templates, offers.capabilities),
            ),
        ):
            if old != new:
                self._notify(Notice(kind))
        self._drifts[key] = self._memory.drift(self._node, connection.era, connection.told, offers)
        self._tell_drift()
        if offers != before:
            self._recall[key] = offers
            self._memory.keep(self._node, connection.era, connection.told, offers)

    def _tell_drift(self) -> None:
        drift = merged(self._drifts.values())
        if drift == self._drift_told:
            return
        self._drift_told = drift
        added, removed, changed = (drift.count(how) for how in (How.ADDED, How.REMOVED, How.CHANGED))
        self._emit(ChildDrifted(node=self.node, added=added, removed=removed, changed=changed, summary=drift.summary))

    def _may_repeat(self, method: str, params: Json, caller: Caller) -> bool:
        if method in _REPEATABLE:
            return True
        connection = self._pool.present(caller)
        offers = (connection.offers if connection is not None else None) or NOTHING
        tool = next((tool for tool in offers.tools if tool["name"] == params.get("name")), {})
        hints = tool.get("annotations")
        return isinstance(hints, dict) and (hints.get("idempotentHint") is True or hints.get("readOnlyHint") is True)

    def _state_changed(self, caller: Caller) -> None:
        best = self._best()
        if best is None:
            return
        own = self._pool.present(caller)
        if own is not None and own.wrong_era:
            with contextlib.suppress(ChildError):
                self._pool.connection(caller)  # the other era is tried at once, not when somebody calls
        if not best.wrong_era:
            self._tell_state(best)

    def _tell_state(self, best: Connection) -> None:
        is_ready = best.state is ChildState.READY
        tools = len(best.offers.tools) if is_ready and best.offers is not None else None
        is_running = best.state is not ChildState.STOPPED
        need = self._access.need if self._access is not None and is_running else None
        reason, action = (best.reason, None) if need is None else (need, "sign-in")
        told = (best.state, reason, tools, best.pid if is_ready else None, action)
        if told != self._told_last:
            self._told_last = told
            self._emit(
                ChildChanged(node=self.node, state=best.state, reason=reason, tools=tools, pid=told[3], action=action)
            )

    def _access_changed(self) -> None:
        """Say what a person has to do; once it is done, try again."""
        if self._access is not None and self._access.need is None:
            for connection in self._pool:
                connection.wake()
        best = self._best()
        if best is not None and best.state is ChildState.READY:  # else it is about to tell a new state by itself
            self._tell_state(best)

    def _best(self) -> Connection | None:
        return min(self._pool, key=lambda connection: _BEST_FIRST.index(connection.state), default=None)

    def _hear(self, line: str) -> None:
        self._emit(Log(level="info", source=self.node, message=line, stream="stderr"))

    def _notify(self, notice: Notice) -> None:
        for listener in tuple(self._listeners):
            listener(notice)


def _bare(params: Json) -> Json:
    return {key: value for key, value in params.items() if key != "_meta"} if "_meta" in params else params
