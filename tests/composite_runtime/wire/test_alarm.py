"""One timer for many deadlines."""

import asyncio

from composite_runtime.wire.alarm import Alarm


async def rung_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True


async def test_it_rings_at_the_earliest_time_it_was_set_for_and_once() -> None:
    times: list[float] = []
    rung = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ring() -> None:
        times.append(loop.time())
        rung.set()

    alarm = Alarm(ring)
    now = loop.time()
    for later in (60.0, 0.05, 30.0):
        alarm.set(now + later)
    assert await rung_within(rung, 5)
    assert len(times) == 1
    assert times[0] - now >= 0.04
    rung.clear()
    alarm.set(loop.time())
    assert await rung_within(rung, 5)


async def test_it_does_not_ring_once_it_is_closed() -> None:
    rung = asyncio.Event()
    alarm = Alarm(rung.set)
    alarm.set(asyncio.get_running_loop().time())
    alarm.close()
    assert not await rung_within(rung, 0.05)
