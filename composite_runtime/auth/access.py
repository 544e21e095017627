"""What lets a running child in: the tokens of a sign-in, kept fresh, shown to the one server they are for."""

import asyncio
import contextlib
import logging
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NoReturn

from composite_runtime import secrets
from composite_runtime.auth import store, web
from composite_runtime.auth.challenge import Challenge, joined
from composite_runtime.auth.grant import Grant
from composite_runtime.errors import ChildError, FusionError
from composite_runtime.graph.model import Auth, ServerNode, StdioTransport
from composite_runtime.tasks import Tasks
from composite_runtime.wire.transport import AuthorizationNeeded

_log = logging.getLogger(__name__)

_LOOK_S = 0.5
# Discovery only decides which words the user is told, so a slow server is not waited for.
_BRIEF_S = 5.0
_PAUSE_S = 15.0
_KEEPING_S = 3.0


class Access:
    """The way in to one remote child, for all its connections. `need` is what a person has to do, or None.

    `graph` is how the graph is called in the command that does it.
    """

    def __init__(self, node: ServerNode, changed: Callable[[], None], graph: str = "GRAPH") -> None:
        transport = node.transport
        assert not isinstance(transport, StdioTransport)
        self._node = node
        self._graph = graph
        self._key = transport.url
        self._auth = transport.auth or Auth()
        self._is_machine = self._auth.grant == "client_credentials"
        self._changed = changed
        self._grant: Grant | None = None
        self._seen: tuple[int, int] | None = None
        self._entry: store.Entry | None = None
        self._index = str(store.index_path())
        self._looking = asyncio.Lock()
        self._turn = asyncio.Lock()
        self._failed_at = -_PAUSE_S
        self._tasks = Tasks()
        self._renewals = Tasks()
        self._watching: asyncio.Task[None] | None = None
        self._is_waiting = False
        self.need: str | None = None

    async def close(self) -> None:
        """End what goes on beside the requests; fresh tokens on their way are waited for a moment, and kept."""
        await self._tasks.close()
        await self._renewals.wait(_KEEPING_S)
        await self._renewals.close()

    async def headers(self) -> Mapping[str, str]:
        """Return the header that shows the token, if there is one; fresh, when it can be had."""
        await self._look()
        grant = self._grant
        if grant is not None and grant.is_expiring and self._may_renew(grant):
            try:
                await self._renewed(grant, Challenge())
            except ChildError:
                self._failed_at = asyncio.get_running_loop().time()
                if grant.is_expired:
                    raise
        return {"authorization": f"Bearer {self._grant.access_token}"} if self._grant is not None else {}

    async def refused(self, status: int, challenge: str, sent: Mapping[str, str], *, again: bool) -> bool:
        """Take note of a refusal, as `wire.http.Access` has it."""
        asked = Challenge.of(challenge)
        if status == 403:
            if asked.error == "insufficient_scope":
                await self._want_more(asked)
            return False
        if not again and await self._has_another(sent.get("authorization"), asked):
            return True
        await self._want_sign_in(asked)
        return False

    def _may_renew(self, grant: Grant) -> bool:
        """Say whether it is worth trying now: as long as the old token is good, one failure is enough for a while."""
        now = asyncio.get_running_loop().time()
        return (self._is_machine or grant.refresh_token is not None) and (
            grant.is_expired or now > self._failed_at + _PAUSE_S
        )

    async def _look(self) -> None:
        """Take in that somebody has signed in or out; costs one look at a file's date."""
        if self._is_machine or store.stamp(self._index) == self._seen:
            return
        # Who comes while the keyring is asked waits for the answer, instead of going without a token.
        async with self._looking:
            now = store.stamp(self._index)
            if now != self._seen:
                await self._take_in()
                self._seen = now

    async def _take_in(self) -> None:
        entry = store.entries().get(self._key)
        if entry == self._entry and (self._grant is not None or entry is None):
            return
        was, self._entry = self._entry, entry
        self._grant = await self._fetched() if entry is not None else None
        if entry is not None and entry != was:
            self._fulfilled()

    async def _fetched(self) -> Grant | None:
        try:
            grant = await asyncio.to_thread(store.fetch, self._key)
        except FusionError as error:
            raise AuthorizationNeeded(f"its sign-in cannot be read: {error}") from None
        if grant is None:
            return None
        url = await asyncio.to_thread(secrets.resolve, self._key, self._node.id)
        # The name of a sign-in is the text of the graph, and what that stands for may have changed since.
        return grant if web.origin(grant.resource) == web.origin(url) else None

    async def _has_another(self, sent: str | None, asked: Challenge) -> bool:
        """Say whether there is a token other than the one that was sent, or one can be had."""
        await self._look()
        grant = self._grant
        if grant is not None and sent != f"Bearer {grant.access_token}":
            return True
        return await self._renewed(grant, asked)

    async def _renewed(self, old: Grant | None, asked: Challenge) -> bool:
        """Have a fresh token in place of an old one, for all who wait for it; return whether there is one."""
        if self._is_machine:
            return await self._by_itself(old, asked)
        if old is None:
            return False
        # A request that is given up must not interrupt it half-way: an old refresh token may be void already.
        return await asyncio.shield(self._renewals.start(self._renew(old)))

    async def _renew(self, old: Grant) -> bool:
        # Imported here because it is needed once in an hour, or never.
        from composite_runtime.auth import tokens
        from composite_runtime.auth.errors import CannotKeep, Refused, SignInFailed

        async with self._turn:
            if self._grant is not old:
                return self._grant is not None and self._grant.access_token != old.access_token
            try:
                async with store.only_renewer(self._key):
                    kept = await self._fetched()
                    if kept is not None and kept.access_token != old.access_token:
                        self._grant = kept  # another process was faster
                        return True
                    if old.refresh_token is None:
                        return False
                    self._grant = fresh = await tokens.renew(old)
                    await asyncio.to_thread(store.keep_renewed, self._key, old, fresh)
            except Refused as error:
                _log.info("%s: %s", self._node.id, error)
                self._grant = replace(old, refresh_token=None)
                return False
            except CannotKeep as error:
                _log.warning("%s: %s", self._node.name, error)
            except SignInFailed as error:
                raise ChildError(f"its sign-in cannot be renewed: {error}") from None
            return True

    async def _by_itself(self, old: Grant | None, asked: Challenge) -> bool:
        """Sign in as the client itself, which needs no person."""
        from composite_runtime.auth import machine
        from composite_runtime.auth.errors import Refused, SignInFailed, Unreachable

        async with self._turn:
            if self._grant is not old:
                return True
            try:
                url = await asyncio.to_thread(secrets.resolve, self._key, self._node.id)
                self._grant = await machine.granted(url, self._auth, asked)
            except Unreachable as error:
                raise ChildError(f"it cannot be signed in to: {error}") from None
            except (Refused, SignInFailed) as error:
                raise AuthorizationNeeded(f"it cannot be signed in to: {error}") from None
        return True

    async def _want_more(self, asked: Challenge) -> None:
        """Tell that this needs more rights than were granted, unless they were asked for in vain already."""
        had = joined(self._grant.scope, self._grant.asked) if self._grant is not None else None
        wanted = set((asked.scope or "").split())
        if self._is_machine or (had is not None and wanted <= set(had.split())):
            raise AuthorizationNeeded(f"it refuses this (403), with the rights {had or 'none'} it was signed in to for")
        await asyncio.to_thread(store.want, self._key, asked)
        rights = f" ({asked.scope})" if asked.scope else ""
        self._require(f"it wants more rights{rights} for this: {self._remedy('sign in again')}")

    async def _want_sign_in(self, asked: Challenge) -> None:
        if self._is_machine:
            raise AuthorizationNeeded("it refuses the token it was signed in to with (401)")
        if not asked.resource_metadata and not await self._offers_sign_in(asked):
            self._wait()
            raise AuthorizationNeeded("it wants credentials (401): set an Authorization header")
        await asyncio.to_thread(store.want, self._key, asked)
        if self._grant is None:
            self._require(f"it wants you to sign in: {self._remedy('sign in')}")
        self._require(f"it does not accept its sign-in any more: {self._remedy('sign in again')}")

    async def _offers_sign_in(self, asked: Challenge) -> bool:
        from composite_runtime.auth import discovery
        from composite_runtime.auth.errors import NoSignIn, SignInFailed

        try:
            async with asyncio.timeout(_BRIEF_S):
                await discovery.find(await asyncio.to_thread(secrets.resolve, self._key), asked)
        except NoSignIn:
            return False
        except (SignInFailed, TimeoutError):
            return asked.is_bearer
        return True

    def _remedy(self, what: str) -> str:
        command = shlex.join(["composite-runtime", "sign-in", self._graph, self._node.id])
        return f"{what} in Fusion, or with `{command}`"

    def _require(self, need: str) -> NoReturn:
        self.need = need
        self._wait()
        self._changed()
        raise AuthorizationNeeded(need)

    def _wait(self) -> None:
        """Have a sign-in noticed as soon as it comes."""
        self._is_waiting = True
        if self._watching is None or self._watching.done():
            self._watching = self._tasks.start(self._watch())

    async def _watch(self) -> None:
        seen = store.stamp(self._index)
        while self._is_waiting:
            await asyncio.sleep(_LOOK_S)
            # The keyring is asked only when there is something new, for it may have to be unlocked by hand.
            if (now := store.stamp(self._index)) != seen:
                seen = now
                with contextlib.suppress(AuthorizationNeeded):
                    await self._look()

    def _fulfilled(self) -> None:
        if self._is_waiting:
            self._is_waiting = False
            self.need = None
            self._changed()
