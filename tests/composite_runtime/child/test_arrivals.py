"""How long a first list waits."""

import asyncio

from composite_runtime.child.arrivals import Arrivals


async def test_nobody_is_waited_for_longer_than_the_client_has_patience() -> None:
    now = asyncio.get_running_loop().time()
    arrivals = Arrivals()
    assert arrivals.deadline(now, 5.0) == now + 5.0
    arrivals.note()
    assert arrivals.deadline(now - 4.0, 5.0) == now + 1.0


async def test_once_others_are_there_the_rest_is_given_as_long_again_and_a_second_at_least() -> None:
    now = asyncio.get_running_loop().time()
    arrivals = Arrivals()
    arrivals.note()
    assert 1.0 <= arrivals.deadline(now, 5.0) - now < 1.1
    assert 2.0 <= arrivals.deadline(now - 2.0, 5.0) - now < 2.1


async def test_a_child_that_is_added_later_holds_nobody_up() -> None:
    now = asyncio.get_running_loop().time()
    arrivals = Arrivals()
    arrivals.note()
    assert arrivals.deadline(now + 100.0, 5.0) < now + 100.0
