"""A generator that is dropped halfway is closed by the loop, and can still await what it has to."""

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest
from PySide6.QtWidgets import QApplication

from fusion_desktop.loop import EventLoop


async def stream(closed: list[str]) -> AsyncIterator[int]:
    try:
        for number in range(3):
            yield number
    finally:
        await asyncio.sleep(0)
        closed.append("closed")


async def first(closed: list[str]) -> int:
    async for number in stream(closed):
        return number
    raise AssertionError


@pytest.mark.filterwarnings("error")
def test_a_generator_that_is_dropped_halfway_is_closed(qapp: QApplication) -> None:
    closed: list[str] = []

    async def work() -> None:
        await first(closed)
        gc.collect()
        async with asyncio.timeout(5):
            while not closed:
                await asyncio.sleep(0.01)

    loop = EventLoop(qapp)
    loop.run_until_complete(work())
    loop.close()

    assert closed == ["closed"]


def test_a_generator_that_is_still_held_is_closed_with_the_loop(qapp: QApplication) -> None:
    closed: list[str] = []
    held = stream(closed)

    async def begin() -> None:
        await anext(held)

    loop = EventLoop(qapp)
    loop.run_until_complete(begin())
    loop.close()

    assert closed == ["closed"]
