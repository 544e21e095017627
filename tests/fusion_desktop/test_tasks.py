"""A coroutine started from Qt code is kept, and its failure reaches somebody."""

import asyncio
import logging

import pytest

from composite_runtime.errors import FusionError
from fusion_desktop import tasks


async def test_a_task_is_kept_until_it_is_done() -> None:
    done = asyncio.Event()

    async def work() -> None:
        await asyncio.sleep(0)
        done.set()

    tasks.spawn(work())
    await asyncio.wait_for(done.wait(), 1)


async def test_an_error_meant_for_the_user_is_passed_on_as_it_is() -> None:
    told: list[str] = []

    async def work() -> None:
        raise FusionError("The server is not running")

    await asyncio.wait([tasks.spawn(work(), failed=told.append)])
    await asyncio.sleep(0)

    assert told == ["The server is not running"]


async def test_any_other_error_is_a_bug_and_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []

    async def work() -> None:
        raise ValueError("broken")

    with caplog.at_level(logging.ERROR):
        await asyncio.wait([tasks.spawn(work(), failed=told.append)])
        await asyncio.sleep(0)

    assert told == ["unexpected ValueError: broken"]
    assert caplog.records[0].message == "unexpected"
    assert caplog.records[0].exc_info is not None


async def test_a_cancelled_task_is_no_failure() -> None:
    told: list[str] = []
    task = tasks.spawn(asyncio.sleep(60), failed=told.append)

    await tasks.cancel_all()

    assert task.cancelled()
    assert told == []


async def test_cancel_all_waits_for_what_cleans_up() -> None:
    cleaned = False

    async def work() -> None:
        nonlocal cleaned
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            cleaned = True

    tasks.spawn(work())
    await asyncio.sleep(0)
    await tasks.cancel_all()

    assert cleaned
