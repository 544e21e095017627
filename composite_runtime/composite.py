"""Members behind one name: a composite is a provider made of providers."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from composite_runtime.catalog import Catalog, Member, Route, build, with_public_links
from composite_runtime.errors import FusionError, UnknownName
from composite_runtime.events import Emit, untold
from composite_runtime.hops import told
from composite_runtime.provider import FIRST_LIST_S, Kind, Notice, Offers, Provider
from composite_runtime.task_ids import TaskIds, made_in, renamed
from composite_runtime.tasks import Tasks
from composite_runtime.watches import Watch, Watches
from composite_runtime.wire.call import Caller, Relay
from composite_runtime.wire.era import not_found
from composite_runtime.wire.jsonrpc import INVALID_PARAMS, RESOURCE_NOT_FOUND, Json, RpcError

# Links a child hands out without listing them are remembered, so that they can be followed.
_PLACES_LIMIT = 10_000
_CATALOGS_LIMIT = 1024
_PAGES = 100
_LEARNED_S = 0.1
_ANYWHERE_S = 30.0
_LOOK_AGAIN_S = 0.25
_NOT_THERE = frozenset({INVALID_PARAMS, RESOURCE_NOT_FOUND})


class Composite:
    """All tools, resources and prompts of its members, and the way of each call to the member that answers it."""

    def __init__(self, node: str, name: str, members: Sequence[Member], emit: Emit = untold) -> None:
        self._emit = emit
        self._node = node
        self._name = name
        self._members: tuple[Member, ...] = ()
        self._changed = asyncio.Event()
        self._catalogs: OrderedDict[tuple[str, ...], Catalog] = OrderedDict()
        self._outdated: tuple[Catalog, ...] = ()
        self._changes = 0
        self._links: OrderedDict[str, Member] = OrderedDict()
        self._task_ids = TaskIds()
        self._watches = Watches()
        self._tasks = Tasks()
        self._listeners: list[Callable[[Notice], None]] = []
        self._unsubscribe: list[Callable[[], None]] = []
        self._join(members)

    @property
    def node(self) -> str:
        """The id of the node."""
        return self._node

    @property
    def name(self) -> str:
        """What the user calls the composite."""
        return self._name

    @property
    def members(self) -> tuple[Member, ...]:
        """The members, in the order of the graph."""
        return self._members

    def reshape(self, name: str, members: Sequence[Member], node: str | None = None) -> None:
        """Have this name and these members from now on; calls in flight go on with the old ones.

        `node` is the node it stands for from now on, when that is another one.
        """
        self._name = name
        self._node = node or self._node
        if tuple(members) == self._members:
            return
        self._join(members)
        for kind in (Kind.TOOLS, Kind.PROMPTS, Kind.RESOURCES):
            self._pass_up(Notice(kind))

    async def close(self) -> None:
        """Give up what goes on beside the calls."""
        await self._tasks.close()

    def subscribe(self, listener: Callable[[Notice], None]) -> Callable[[], None]:
        """Have `listener` called with each notice until the returned function is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def tell(self, method: str, params: Json, caller: Caller) -> None:
        """Pass on to every member what a client tells."""
        for member in self._members:
            member.provider.tell(method, params, caller)

    def forget(self, session: str) -> None:
        """End what the members hold for a client's session."""
        for key in [key for key in self._catalogs if session in key]:
            del self._catalogs[key]
        for member in self._members:
            member.provider.forget(session)

    async def offers(self, caller: Caller, patience_s: float = 0.0) -> Offers:
        """Return what the caller may see now, in public names; waits at most so long for members that are starting."""
        return (await self.catalog(caller, patience_s)).offers

    async def catalog(self, caller: Caller, patience_s: float = 0.0) -> Catalog:
        """Return the catalog for a caller; made anew only after something changed, or while something may."""
        key = _key(caller)
        catalog = self._catalogs.get(key)
        if catalog is None:
            members, changes = self._members, self._changes
            offered = await asyncio.gather(*(member.provider.offers(caller, patience_s) for member in members))
            catalog = build(list(zip(members, offered, strict=True)))
            # Whatever has changed while members were waited for may be missing in it.
            if catalog.offers.complete and changes == self._changes:
                self._catalogs[key] = catalog
                if len(self._catalogs) > _CATALOGS_LIMIT:  # of clients that left in the middle of something
                    self._catalogs.popitem(last=False)
        return catalog

    async def request(self, method: str, params: Json, relay: Relay) -> Json:
        """Return the result of the member that owns what is asked for.

        Raises:
            UnknownName: nobody offers it.
            RpcError, ChildError: as the member raised them.
        """
        if method == "logging/setLevel":
            await asyncio.gather(*(member.provider.request(method, params, relay) for member in self._members))
            return {}
        return await told(self._emit, self._node, method, params, relay=relay, work=self._routed(method, params, relay))

    async def _routed(self, method: str, params: Json, relay: Relay) -> Json:
        if method in {"tools/call", "prompts/get"}:
            route, catalog = await self._named(method, str(params.get("name")), relay.caller)
            result = await route.member.provider.request(method, {**params, "name": route.name}, relay)
            if (own := made_in(result)) is not None:
                return renamed(result, own, self._task_ids.learn(route.member, own, relay.caller.session))
            return self._linked(result, route.member, catalog)
        if method == "tasks/list":
            return await self._task_list(relay)
        if method.startswith("tasks/"):
            return await self._task(method, params, relay)
        if method == "resources/read":
            return await self._read(params, relay)
        if method == "completion/complete":
            return await self._complete(params, relay)
        raise UnknownName(f"nobody in {self._name} knows {method}")

    async def watch(self, name: str, caller: Caller, *, on: bool, kind: Kind = Kind.RESOURCE) -> None:
        """Begin or end to tell when a resource is updated, or a task; raise `RpcError` when nobody has it."""
        if not on:
            ended = self._watches.taken(kind, name, caller)
            if ended is not None:
                await ended.route.member.provider.watch(ended.route.name, ended.caller, on=False, kind=kind)
            return
        route = Route(*self._made(name)) if kind is Kind.TASK else await self._watchable(name, caller)
        begun = self._watches.begin(kind, name, caller, route)
        try:
            await route.member.provider.watch(route.name, caller, on=True, kind=kind)
        except BaseException:
            self._watches.end(begun)
            raise

    async def _watchable(self, uri: str, caller: Caller) -> Route:
        route = self._route_or_lone(uri, await self.catalog(caller, FIRST_LIST_S))
        if route is None:
            raise not_found(caller.era, uri)
        return route

    async def _watch_again(self, watch: Watch) -> None:
        """Have a member that was made anew tell what the one before it told."""
        if watch in self._watches:
            with contextlib.suppress(RpcError, FusionError):
                await watch.route.member.provider.watch(watch.route.name, watch.caller, on=True, kind=watch.kind)

    async def _named(self, method: str, name: str, caller: Caller) -> tuple[Route, Catalog]:
        deadline = asyncio.get_running_loop().time() + FIRST_LIST_S
        while True:
            catalog = await self.catalog(caller)
            route = (catalog.tools if method == "tools/call" else catalog.prompts).get(name)
            left_s = deadline - asyncio.get_running_loop().time()
            if route is not None and (left_s <= 0 or catalog.is_certain(name, route.member)):
                return route, catalog
            if catalog.offers.complete or left_s <= 0:
                break
            await self._news(min(left_s, _LOOK_AGAIN_S))
        if len(self._members) == 1 and not self._members[0].namespace:
            return Route(self._members[0], name), catalog  # a lone member may know names it does not list
        down = [member.provider.name for member in self._members if not await _listed(member, caller)]
        reason = f" (not available now: {', '.join(down)})" if down else ""
        raise UnknownName(f"Unknown {'tool' if method == 'tools/call' else 'prompt'}: {name}{reason}")

    async def _task(self, method: str, params: Json, relay: Relay) -> Json:
        """Ask the member that made a task about it."""
        public = str(params.get("taskId"))
        member, own = self._made(public)
        result = await member.provider.request(method, {**params, "taskId": own}, relay)
        return self._linked(renamed(result, own, public), member, await self.catalog(relay.caller))

    def _made(self, public: str) -> tuple[Member, str]:
        """Return who made a task, and its id there."""
        made = self._task_ids.get(public)
        member = self._present(made.member) if made is not None else None
        if made is None or member is None:
            raise UnknownName(f"Unknown task: {public}")
        return member, made.own

    async def _task_list(self, relay: Relay) -> Json:
        """Return the tasks that were made for this client: members that all clients share know the others' as well."""
        tasks: list[Json] = []
        for member in self._members:
            capability = (await member.provider.offers(relay.caller)).capabilities.get("tasks")
            if not isinstance(capability, dict) or "list" not in capability:
                continue
            with contextlib.suppress(RpcError, FusionError):  # who cannot tell now must not hide the others' tasks
                async for task in _pages(member.provider, relay):
                    own = task.get("taskId")
                    found = self._task_ids.find(member, own) if isinstance(own, str) else None
                    if found is not None and found[1].session == relay.caller.session:
                        tasks.append(renamed(task, found[1].own, found[0]))
        return {"tasks": tasks}

    async def _read(self, params: Json, relay: Relay) -> Json:
        uri = str(params.get("uri"))
        catalog = await self.catalog(relay.caller, FIRST_LIST_S)
        route = self._route_or_lone(uri, catalog)
        if route is None:
            return await self._read_anywhere(params, [member.provider for member in catalog.readers], relay)
        result = await route.member.provider.request("resources/read", {**params, "uri": route.name}, relay)
        return _with_uris(result, route.name, uri)

    async def _read_anywhere(self, params: Json, providers: Sequence[Provider], relay: Relay) -> Json:
        """Ask all who may have an unlisted resource at once; the first wins, and one who is silent delays nobody."""
        tasks = Tasks()
        waiting = {tasks.start(provider.request("resources/read", params, relay)) for provider in providers}
        refusal: RpcError | None = None
        try:
            async with asyncio.timeout(_ANYWHERE_S):
                while waiting:
                    done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        error = task.exception()
                        if error is None:
                            return task.result()
                        if isinstance(error, RpcError) and error.code not in _NOT_THERE:
                            refusal = error
                        elif not isinstance(error, RpcError | FusionError):
                            raise error
        except TimeoutError:
            pass
        finally:
            await tasks.close()
        raise refusal or not_found(relay.caller.era, str(params.get("uri")))

    async def _complete(self, params: Json, relay: Relay) -> Json:
        ref = params.get("ref")
        ref = ref if isinstance(ref, dict) else {}
        if ref.get("type") == "ref/prompt":
            route, _ = await self._named("prompts/get", str(ref.get("name")), relay.caller)
            own = {**ref, "name": route.name}
        else:
            uri = str(ref.get("uri"))
            found = await self._template(uri, relay.caller)
            if found is None:
                raise RpcError(INVALID_PARAMS, f"Unknown resource template: {uri}")
            route, own = found, {**ref, "uri": found.name}
        offers = await route.member.provider.offers(relay.caller)
        if "completions" not in offers.capabilities:
            return {"completion": {"values": [], "hasMore": False}}
        return await route.member.provider.request("completion/complete", {**params, "ref": own}, relay)

    async def _template(self, uri: str, caller: Caller) -> Route | None:
        catalog = await self.catalog(caller, FIRST_LIST_S)
        entries = zip(catalog.offers.templates, catalog.templates, strict=True)
        exact = next((route for entry, (_, route) in entries if entry["uriTemplate"] == uri), None)
        return exact or self._route(uri, catalog)

    def _route(self, uri: str, catalog: Catalog) -> Route | None:
        """Return the way to a resource; a link leads back to who handed it out, whoever else's template it fits."""
        listed = catalog.resources.get(uri)
        if listed is None and uri in self._links:
            member = self._present(self._links[uri])
            return Route(member, uri) if member is not None else catalog.resource(uri)
        return listed or catalog.resource(uri)

    def _route_or_lone(self, uri: str, catalog: Catalog) -> Route | None:
        """Return the way to a resource; where one member only has any, it may have what it does not list."""
        route = self._route(uri, catalog)
        return Route(catalog.readers[0], uri) if route is None and len(catalog.readers) == 1 else route

    def _present(self, member: Member) -> Member | None:
        """Return a remembered member as it is now, under whatever name."""
        return next((present for present in self._members if present.provider is member.provider), None)

    def _linked(self, result: Json, member: Member, catalog: Catalog) -> Json:
        """Return the result with links that can be followed through us."""

        def public(uri: str) -> str:
            known = self._links.get(uri, member)
            if known.provider is not member.provider and self._present(known) is not None:
                return catalog.moved(member, uri)
            name = catalog.public_uri(member, uri)
            if name == uri and uri not in catalog.resources:
                _remember(self._links, uri, member)
            return name

        return with_public_links(result, public)

    def _join(self, members: Sequence[Member]) -> None:
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._members = tuple(members)
        self._forget_catalogs()
        for uri in [uri for uri, member in self._links.items() if self._present(member) is None]:
            del self._links[uri]
        self._task_ids.keep(lambda member: self._present(member) is not None)
        self._unsubscribe = [member.provider.subscribe(self._hearing(member)) for member in members]
        for watch in self._watches.remade(self._members):
            self._tasks.start(self._watch_again(watch))

    def _hearing(self, member: Member) -> Callable[[Notice], None]:
        return lambda notice: self._heard(member, notice)

    def _heard(self, member: Member, notice: Notice) -> None:
        if notice.kind in {Kind.TASK, Kind.TASK_STATUS}:
            if not self._tell_task(member, notice):
                # The result that names the task came just before this, and is still on its way through here.
                asyncio.get_running_loop().call_later(_LEARNED_S, self._tell_task, member, notice)
            return
        if notice.kind is Kind.RESOURCE:
            uri = str(notice.params.get("uri"))
            for name in self._watches.names(member, uri) or self._public_names(member, uri):
                self._pass_up(replace(notice, params={**notice.params, "uri": name}))
            return
        if notice.kind not in {Kind.LOG, Kind.PROGRESS, Kind.OTHER}:
            self._forget_catalogs()
        self._pass_up(notice)

    def _public_names(self, member: Member, uri: str) -> set[str]:
        catalogs = tuple(self._catalogs.values()) or self._outdated
        return {catalog.public_uri(member, uri) for catalog in catalogs if member in catalog.prefixes} or {uri}

    def _tell_task(self, member: Member, notice: Notice) -> bool:
        found = self._task_ids.find(member, str(notice.params.get("taskId")))
        if found is None:
            return False
        public, made = found
        self._pass_up(Notice(notice.kind, renamed(notice.params, made.own, public), made.session))
        return True

    def _forget_catalogs(self) -> None:
        self._changes += 1
        self._outdated = tuple(self._catalogs.values()) or self._outdated  # they still tell what clients call things
        self._catalogs.clear()
        self._changed.set()
        self._changed = asyncio.Event()

    async def _news(self, timeout_s: float) -> None:
        """Return when what members offer has changed, or after the time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()

    def _pass_up(self, notice: Notice) -> None:
        for listener in tuple(self._listeners):
            listener(notice)


def _key(caller: Caller) -> tuple[str, ...]:
    """Return what tells callers apart that may be offered different things."""
    return (caller.era, repr(caller.told), caller.session if caller.interactive else "")


async def _pages(provider: Provider, relay: Relay) -> AsyncIterator[Json]:
    """Yield the tasks a provider lists, all pages, never trusting a cursor."""
    cursors: set[str] = set()
    params: Json = {}
    while len(cursors) < _PAGES:
        page = await provider.request("tasks/list", params, relay)
        listed = page.get("tasks")
        for task in listed if isinstance(listed, list) else ():
            if isinstance(task, dict):
                yield task
        cursor = page.get("nextCursor")
        if not isinstance(cursor, str) or not cursor or cursor in cursors:
            return
        cursors.add(cursor)
        params = {"cursor": cursor}


def _remember(places: OrderedDict[str, Member], key: str, member: Member) -> None:
    places[key] = member
    if len(places) > _PLACES_LIMIT:
        places.popitem(last=False)


async def _listed(member: Member, caller: Caller) -> bool:
    offers = await member.provider.offers(caller)
    return bool(offers.capabilities)


def _with_uris(result: Json, own: str, public: str) -> Json:
    """Return what was read under the URI the client asked for."""
    contents = result.get("contents")
    if own == public or not isinstance(contents, list):
        return result
    renamed = [
        {**part, "uri": public} if isinstance(part, dict) and part.get("uri") == own else part for part in contents
    ]
    return {**result, "contents": renamed}
