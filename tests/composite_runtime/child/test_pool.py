"""Which connection to a child serves which client."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from composite_runtime.child.connection import Connection, Hooks
from composite_runtime.child.memory import Memory
from composite_runtime.child.pool import IDLE_S, Pool
from composite_runtime.errors import ChildError
from composite_runtime.wire.call import Caller
from composite_runtime.wire.era import Era
from composite_runtime.wire.transport import Transport
from tests.support.children import node
from tests.support.links import LEGACY, MODERN, Wire, declares


@asynccontextmanager
async def pool(idle_s: float = IDLE_S, **fields: object) -> AsyncIterator[tuple[Pool, list[tuple[Era, Caller, bool]]]]:
    """Hold a pool whose connections lead to children in memory."""
    made: list[tuple[Era, Caller, bool]] = []

    async def transport() -> Transport:
        return Wire()

    def make(era: Era, caller: Caller, only: bool) -> Connection:
        made.append((era, caller, only))
        hooks = Hooks(
            open_transport=transport,
            state_changed=lambda: None,
            offers_changed=lambda connection: None,
            notice=lambda notice: None,
            complain=lambda level, text: None,
            log_level=lambda: None,
        )
        return Connection(era, caller if era is Era.LEGACY else None, hooks, only=only)

    kept = Pool(node().but(**fields), Memory(), make, lambda key: frozenset(), idle_s=idle_s)
    try:
        yield kept, made
    finally:
        await kept.close()


async def test_clients_that_cannot_be_asked_share_a_connection_that_is_nobodys() -> None:
    async with pool() as (kept, made):
        callers = [Caller(Era.LEGACY, "2025-11-25", info={"name": "c"}, session=str(n)) for n in range(3)]
        assert len({kept.connection(caller) for caller in callers}) == 1
        assert (made[0][1].session, made[0][1].channel) == ("", None)


async def test_a_client_that_can_be_asked_has_a_connection_of_its_own_until_it_is_forgotten() -> None:
    async with pool() as (kept, _):
        one, other = declares("roots", session="one"), declares("roots", session="other")
        assert kept.connection(one) is kept.connection(one) is not kept.connection(other)
        kept.forget("one")
        kept.forget("one")
        kept.forget("")
        assert kept.present(one) is None
        assert kept.present(other) is not None


async def test_all_modern_clients_share_a_connection() -> None:
    async with pool() as (kept, _):
        assert kept.connection(MODERN) is kept.connection(declares("roots", Era.MODERN))


async def test_a_node_may_have_all_its_clients_share_one() -> None:
    async with pool(session="shared") as (kept, made):
        assert kept.connection(LEGACY) is kept.connection(declares("roots", session="one"))
        assert set(made[0][1].capabilities) == {"sampling", "elicitation", "roots"}


async def test_a_fixed_era_is_the_only_one() -> None:
    async with pool(era="modern") as (kept, made):
        kept.connection(LEGACY)
        assert [(era, only) for era, _, only in made] == [(Era.MODERN, True)]


async def test_the_connection_that_is_idle_for_longest_makes_room_and_one_that_starts_does_not() -> None:
    async with pool(limits={"connections": 2}) as (kept, _):
        one, two, three = (declares("roots", session=name) for name in ("one", "two", "three"))
        await kept.connection(one).ready()
        kept.connection(two)
        await kept.connection(one).ready()
        kept.connection(three)
        assert (kept.present(one), kept.present(two) is None) == (None, False)
        with pytest.raises(ChildError, match="serves 2 clients already"):
            kept.connection(one)


async def test_a_connection_nobody_uses_ends_unless_the_child_offers_nobody_else_the_same() -> None:
    """A client without a session may listen for a change of just that."""
    async with pool(idle_s=0.05, era="legacy") as (kept, _):
        alike, apart = declares("roots", Era.MODERN), declares("sampling", Era.MODERN)
        kept.connection(LEGACY).used = 1
        own = kept.connection(apart)
        for caller in (LEGACY, alike, apart):
            await kept.connection(caller).settled(5)
        assert own.offers is not None
        own.offers = replace(own.offers, tools=({"name": "ask_model"},))
        async with asyncio.timeout(5):
            while kept.present(alike) is not None:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        assert kept.present(apart) is own


async def test_a_closed_pool_makes_nothing_any_more() -> None:
    async with pool() as (kept, made):
        await kept.close()
        with pytest.raises(ChildError, match="was stopped"):
            kept.connection(LEGACY)
        assert made == []
