"""One connection to a child, kept open: started, listened to, restarted after a loss."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from composite_runtime.child.arrivals import Arrivals
from composite_runtime.child.backoff import Backoff
from composite_runtime.child.listening import Listening, Watched
from composite_runtime.child.lists import read_offers
from composite_runtime.child.spawn import CommandMissing
from composite_runtime.errors import ChildError, SecretMissing
from composite_runtime.events import ChildState
from composite_runtime.provider import FIRST_LIST_S, Kind, Notice, Offers
from composite_runtime.tasks import Tasks
from composite_runtime.wire.call import Caller, Relay
from composite_runtime.wire.era import SUBSCRIPTION_KEY, Era, meta_of, with_meta
from composite_runtime.wire.jsonrpc import METHOD_NOT_FOUND, Json, RpcError
from composite_runtime.wire.link import EraUnclear, Link, Timeouts, WrongEra
from composite_runtime.wire.transport import AuthorizationNeeded, Transport

_log = logging.getLogger(__name__)

CLIENT_INFO: Json = {"name": "fusion", "title": "Fusion", "version": "0.1.0"}
_RELIST_S = 0.05
_NOTICED_WITHIN = 10  # turns of the event loop
_SOON_S = 1.0
_LOOK_AGAIN_S = 0.1
# Longer than a stubborn process may take to be ended.
_END_S = 8.0
_BRIEF = Timeouts(idle_s=5.0, total_s=5.0)
_OPENED_WITHIN_S = 1.0
_NEXT_CALL_S = 30.0

_CHANGES = {
    "notifications/tools/list_changed": Kind.TOOLS,
    "notifications/prompts/list_changed": Kind.PROMPTS,
    "notifications/resources/list_changed": Kind.RESOURCES,
}

_ABOUT_TASKS = {"notifications/tasks/status": Kind.TASK_STATUS, "notifications/tasks": Kind.TASK}


@dataclass(frozen=True)
class Hooks:
    """What a connection calls when something happens to it."""

    open_transport: Callable[[], Awaitable[Transport]]
    state_changed: Callable[[], None]
    offers_changed: Callable[["Connection"], None]
    notice: Callable[[Notice], None]
    complain: Callable[[str, str], None]
    log_level: Callable[[], str | None]
    arrivals: Arrivals = field(default_factory=Arrivals)
    audience: str | None = None


class Connection:
    """Keeps one link to a child open, for one kind of caller; `only` says that its era is the only one to try."""

    def __init__(self, era: Era, caller: Caller | None, hooks: Hooks, *, only: bool = False) -> None:
        self.era = era
        self._only = only
        self._caller = caller
        self._hooks = hooks
        self._tasks = Tasks()
        self._endings = Tasks()
        self._wake = asyncio.Event()
        self._attempt: asyncio.Future[Link] = asyncio.get_running_loop().create_future()
        self._watched: Watched = frozenset()
        self._listening: Listening | None = None
        self._relist: asyncio.TimerHandle | None = None
        self._changed: set[Kind] = set()
        self._is_behind = False
        self._reading: asyncio.Task[None] | None = None
        self._failed_at = -_SOON_S
        self._started_at = 0.0
        self.state = ChildState.STOPPED
        self.reason: str | None = None
        self._flaw: str | None = None
        self.wrong_era = False
        self.era_is_unclear = False
        self.offers: Offers | None = None
        self.used = 0
        self.has_asked = False
        self.link: Link | None = None
        self.pid: int | None = None

    def start(self) -> None:
        """Begin to keep the link."""
        self._started_at = asyncio.get_running_loop().time()
        self._tasks.start(self._keep())

    @property
    def told(self) -> Json:
        """What the child was told the client can do; a modern child is told with each request."""
        return self._caller.told if self._caller is not None else {}

    @property
    def is_awaited(self) -> bool:
        """Whether it was started just now, has not failed yet, and so may have something to offer any moment."""
        begins = self.state in {ChildState.STOPPED, ChildState.STARTING} and self.reason is None
        return begins and asyncio.get_running_loop().time() < self._started_at + FIRST_LIST_S

    @property
    def is_free(self) -> bool:
        """Whether nobody's call is on it."""
        return self.link is not None and not self.link.in_flight and not self.link.claims

    @property
    def is_idle(self) -> bool:
        """Whether it could be ended without anybody noticing."""
        return self.link is not None and not self.link.in_flight and not self._watched

    async def close(self) -> None:
        """End the link for good."""
        if self._relist is not None:
            self._relist.cancel()
        await self._tasks.close()
        await self._endings.wait(_END_S)
        if not self._attempt.done():
            # Not cancelled: who waits for it was not cancelled either, and answers somebody.
            self._attempt.set_exception(ChildError("it was stopped"))
            self._attempt.exception()
        self._set(ChildState.STOPPED)

    async def ready(self, patience_s: float | None = None) -> Link:
        """Return the open link, waking a child that rests; raise `ChildError` if it cannot be had in this time."""
        self.used += 1
        if self.link is not None and self.link.is_open and self._attempt.done():
            return self.link
        resting = self.state in {ChildState.RETRYING, ChildState.FAILED}
        # A loss after a good run is an accident and restarted at once; after a failed start, calls fail fast.
        if resting and asyncio.get_running_loop().time() - self._failed_at < _SOON_S:
            raise ChildError(self.reason or "it is not running")
        self._wake.set()
        for _ in range(_NOTICED_WITHIN):
            attempt = self._attempt
            try:
                async with asyncio.timeout(patience_s):
                    link = await asyncio.shield(attempt)
            except TimeoutError:
                raise ChildError(f"it was still starting after {patience_s:g} s") from None
            if link.is_open:
                return link
            await asyncio.sleep(0)  # it was lost just now, and its owner is about to begin another attempt
            if self._attempt is not attempt:
                self._wake.set()
        raise ChildError(self.reason or "it ended")

    def wake(self) -> None:
        """Try again at once if it rests: what kept it from starting may be gone."""
        if self.state in {ChildState.RETRYING, ChildState.FAILED}:
            self._wake.set()

    async def settled(self, patience_s: float) -> None:
        """Return when the first attempt to open the link has succeeded or failed, or when that is waited for no longer.

        That is `patience_s` after its start, and sooner when nothing else comes any more.
        """
        loop = asyncio.get_running_loop()
        while not self._attempt.done() and self.state in {ChildState.STOPPED, ChildState.STARTING}:
            left_s = self._hooks.arrivals.deadline(self._started_at, patience_s) - loop.time()
            if left_s <= 0:
                return
            await asyncio.wait([self._attempt], timeout=min(left_s, _LOOK_AGAIN_S))

    def watch(self, watched: Watched) -> list[asyncio.Task[RpcError | None]]:
        """Have the child tell about these resources and tasks, and no others.

        Returns what a legacy child says to those that are new: nothing, or why it refuses.
        """
        before, self._watched = self._watched, watched
        link = self.link
        if link is None or not link.is_open:
            return []
        if link.era is Era.MODERN:
            if self._listening is not None and watched != before:
                self._listening.renew()
            return []
        for uri in _resources(before - watched):
            self._tasks.start(self._subscribe(link, "resources/unsubscribe", uri))
        return [
            self._tasks.start(self._subscribe(link, "resources/subscribe", uri)) for uri in _resources(watched - before)
        ]

    async def _keep(self) -> None:
        backoff = Backoff()
        loop = asyncio.get_running_loop()
        while True:
            self._set(ChildState.STARTING)
            opened_at: float | None = None
            try:
                async with contextlib.AsyncExitStack() as stack:
                    link = await self._open(stack)
                    opened_at = loop.time()
                    error = await link.ended()
                    self._fail(error)  # at once: to end what is left of it may take seconds
            except (ChildError, SecretMissing) as failure:
                self._fail(failure)
            except Exception as failure:
                _log.exception("unexpected")
                self._fail(ChildError(f"unexpected: {failure}"))
            if self.wrong_era:
                return
            if opened_at is None or self.state is ChildState.FAILED:
                self._failed_at = loop.time()
            pause = (
                None if self.state is ChildState.FAILED else backoff.next_s(loop.time() - (opened_at or loop.time()))
            )
            await self._rest(pause)

    async def _rest(self, pause_s: float | None) -> None:
        """Wait for the time to pass or for somebody to need the child."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._wake.wait()

    async def _open(self, stack: contextlib.AsyncExitStack) -> Link:
        transport = await self._hooks.open_transport()
        link = Link(
            transport,
            capabilities=self.told,
            client_info=CLIENT_INFO,
            ask=self._asked,
            tell=self._told,
            noise=lambda line: self._hooks.complain("warning", f"not a message: {line}"),
        )
        stack.push_async_callback(self._end, link)
        await link.open(self.era, only=self._only)
        self.pid = getattr(transport, "pid", None)
        await self._set_level(link)
        self._changed.clear()
        if link.era is Era.MODERN:
            self._listen(link, stack)
            await asyncio.sleep(0)  # it goes before the lists, or a change meanwhile would never be heard of
        self.offers, self._flaw = await self._read(link)
        self.link = link
        for uri in _resources(self._watched) if link.era is Era.LEGACY else ():
            self._tasks.start(self._subscribe(link, "resources/subscribe", uri))
        self._hooks.offers_changed(self)
        self._set(ChildState.READY)
        self._hooks.arrivals.note()
        self._attempt.set_result(link)
        if self._changed:  # while it was being read
            self._relist_soon()
        return link

    def _listen(self, link: Link, stack: contextlib.AsyncExitStack) -> None:
        listening = self._listening = Listening(
            link,
            lambda: self._watched,
            complain=lambda text: self._hooks.complain("warning", text),
            missed=self._missed,
        )
        stack.callback(self._tasks.start(listening.keep()).cancel)

    async def _read(self, link: Link) -> tuple[Offers, str | None]:
        """Return what the child offers, and what is wrong with it."""
        flaws: list[str] = []
        offers = await read_offers(link, flaws.append)
        for flaw in flaws:
            self._hooks.complain("warning", flaw)
        return offers, flaws[0] if flaws else None

    async def _end(self, link: Link) -> None:
        # Shielded, because to be interrupted half-way would leave a process behind.
        await asyncio.shield(self._endings.start(link.close()))

    async def _set_level(self, link: Link) -> None:
        level = self._hooks.log_level()
        if level is not None and link.era is Era.LEGACY and "logging" in link.capabilities:
            link.log_level = level
            with contextlib.suppress(RpcError):
                await link.request("logging/setLevel", {"level": level}, None, timeouts=_BRIEF)

    def _fail(self, error: Exception) -> None:
        self.link = None
        self.reason = str(error)
        self._wake.clear()
        self.wrong_era = isinstance(error, WrongEra) and not self._only
        self.era_is_unclear = isinstance(error, EraUnclear)
        hopeless = isinstance(error, CommandMissing | SecretMissing | WrongEra | AuthorizationNeeded)
        if not self._attempt.done():
            self._attempt.set_exception(error if isinstance(error, ChildError) else ChildError(self.reason))
            self._attempt.exception()  # nobody may be waiting for it
        self._attempt = asyncio.get_running_loop().create_future()
        if self.wrong_era:
            self._attempt.set_exception(error)
            self._attempt.exception()
        self._set(ChildState.FAILED if hopeless else ChildState.RETRYING)

    def _set(self, state: ChildState) -> None:
        if state is ChildState.READY:
            self.reason = self._flaw
        self.state = state
        self._hooks.state_changed()

    async def _asked(self, method: str, params: Json, relay: Relay | None) -> Json:
        if self.era is Era.MODERN:
            raise RpcError(METHOD_NOT_FOUND, f"{method}: in this revision a server asks by its result")
        if relay is None and self._caller is not None and self._caller.channel is not None:
            self.has_asked = True
            return await self._caller.channel.ask(method, params)
        is_carried = relay is not None and relay.can_answer(method)
        is_between = not is_carried and (self.link is None or not self.link.has_call_for(method))
        if is_between and method == "roots/list" and "roots" in self.told:
            # The client has roots, as the child was told, but can be asked for them only in some calls; many children
            # ask as soon as they start, and take a refusal for a fault.
            relay = await self._next_call(method)
            if relay is None:
                return {"roots": []}
        self.has_asked = True
        if relay is not None:
            return await relay.ask(method, params)
        raise RpcError(METHOD_NOT_FOUND, f"there is no client that could answer {method} now")

    async def _next_call(self, question: str) -> Relay | None:
        """Return the next call that can carry a question to its client, or None when none comes in good time."""
        with contextlib.suppress(TimeoutError, ChildError):
            async with asyncio.timeout(_OPENED_WITHIN_S):  # what it offers may depend on the answer
                link = await asyncio.shield(self._attempt) if self.link is None else self.link
            async with asyncio.timeout(_NEXT_CALL_S):
                return await link.next_call(question)
        return None

    def _told(self, method: str, params: Json, relay: Relay | None) -> None:
        if method in _CHANGES:
            self._changed.add(_CHANGES[method])
            self._relist_soon()
        elif method == "notifications/subscriptions/acknowledged":
            if self._listening is not None:
                self._listening.acknowledged()
        elif method == "notifications/resources/updated":
            self._notice(Kind.RESOURCE, _without_subscription(params))
        elif method in _ABOUT_TASKS:
            self._notice(_ABOUT_TASKS[method], _without_subscription(params))
        elif method == "notifications/progress" and relay is not None:
            self._hooks.notice(Notice(Kind.PROGRESS, params, relay.caller.session))
        elif method == "notifications/message":
            self._notice(Kind.LOG, params)
        elif SUBSCRIPTION_KEY in meta_of(params):
            pass  # about our own subscription, which is nobody else's business
        elif relay is not None:
            relay.notify(method, params)
        else:
            self._notice(Kind.OTHER, params, method)

    def _notice(self, kind: Kind, params: Json, method: str = "") -> None:
        session = self._caller.session if self._caller is not None else ""
        self._hooks.notice(Notice(kind, params, session, method, self._hooks.audience))

    def _missed(self) -> None:
        """Read again what may have changed unheard; clients are told if it has."""
        self._is_behind = True
        self._relist_soon()

    def _relist_soon(self) -> None:
        if self._relist is None:
            self._relist = asyncio.get_running_loop().call_later(_RELIST_S, self._start_relist)

    def _start_relist(self) -> None:
        self._relist = None
        is_reading = self._reading is not None and not self._reading.done()
        if self.link is not None and self.link.is_open and not is_reading:
            self._reading = self._tasks.start(self._read_again(self.link))

    async def _read_again(self, link: Link) -> None:
        """Read what the child offers until it has not changed meanwhile: one reading at a time, or the oldest wins."""
        while (self._changed or self._is_behind) and link.is_open:
            changed, self._changed, self._is_behind = self._changed, set(), False
            try:
                offers, flaw = await self._read(link)
            except ChildError as error:
                self._hooks.complain("warning", f"its lists could not be read again: {error}")
                return
            if link is not self.link:
                return  # it was lost in the same moment
            self.offers, self._flaw = offers, flaw
            self._hooks.offers_changed(self)
            self._set(ChildState.READY)  # what is wrong with it may have changed, and so may the count of its tools
            # Clients are told whenever the child says so, even if the list reads the same: it may know better.
            for kind in sorted(changed):
                self._hooks.notice(Notice(kind))
            await asyncio.sleep(_RELIST_S)

    async def _subscribe(self, link: Link, method: str, uri: str) -> RpcError | None:
        """Begin or end a subscription; one the child has never heard of is no matter, it just never tells."""
        resources = link.capabilities.get("resources")
        if not isinstance(resources, dict) or resources.get("subscribe") is not True:
            return None
        try:
            await link.request(method, {"uri": uri}, None, timeouts=_BRIEF)
        except (RpcError, ChildError) as error:
            self._hooks.complain("warning", f"it refused {method} for {uri}: {error}")
            return error if isinstance(error, RpcError) else None
        return None


def _resources(watched: Iterable[tuple[Kind, str]]) -> list[str]:
    return [name for kind, name in watched if kind is Kind.RESOURCE]


def _without_subscription(params: Json) -> Json:
    """Drop the id of our own subscription, which means nothing to anybody else."""
    return with_meta(params, {key: value for key, value in meta_of(params).items() if key != SUBSCRIPTION_KEY})
