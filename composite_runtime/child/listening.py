"""Having a modern child tell what changes: a stream that is begun anew when it ends, breaks or has to hold more."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from composite_runtime.errors import ChildError
from composite_runtime.provider import Kind
from composite_runtime.tasks import Tasks
from composite_runtime.wire.era import Era
from composite_runtime.wire.jsonrpc import Json, RpcError
from composite_runtime.wire.link import Link, Timeouts
from composite_runtime.wire.transport import AuthorizationNeeded

_AGAIN_S = 5.0
_LONGEST_S = 300.0
# What stands between us and a server may cut quiet streams every minute, which is no news.
_WORTH_TELLING = 3
_FOR_EVER = Timeouts(idle_s=10 * 365 * 86400.0, total_s=10 * 365 * 86400.0)

Watched = frozenset[tuple[Kind, str]]


class Refused(ChildError):
    """The child tells nothing; asking again does not help."""


class Listening:
    """The stream of one link. `missed` is called when a change may have gone unheard, for nothing is told twice."""

    def __init__(
        self,
        link: Link,
        watched: Callable[[], Watched],
        *,
        complain: Callable[[str], None],
        missed: Callable[[], None],
        again_s: float = _AGAIN_S,
    ) -> None:
        self._link = link
        self._watched = watched
        self._complain = complain
        self._missed = missed
        self._again_s = again_s
        self._tasks = Tasks()
        self._stream: asyncio.Task[None] | None = None
        self._renewed = asyncio.Event()
        self._is_behind = False
        self._failures = 0

    def renew(self) -> None:
        """Listen to what is watched by now."""
        self._renewed.set()
        if self._stream is not None:
            self._stream.cancel()

    def acknowledged(self) -> None:
        """Take note that the child has begun to tell."""
        self._failures = 0
        if self._is_behind:
            self._is_behind = False
            self._missed()

    async def keep(self) -> None:
        """Listen until the link ends, the child refuses, or the task is cancelled."""
        try:
            while self._link.is_open and await self._listened():
                self._is_behind = True
                pause_s = min(_LONGEST_S, self._again_s * 2.0 ** min(self._failures, 16))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await self._renewed.wait()
        finally:
            await self._tasks.close()

    async def _listened(self) -> bool:
        """Listen until the stream is over; return whether it is worth beginning another."""
        task = asyncio.current_task()
        assert task is not None
        self._renewed.clear()
        self._stream = self._tasks.start(listen(self._link, self._watched()))
        try:
            await self._stream
        except asyncio.CancelledError:
            if task.cancelling():
                raise  # else it was `renew` that ended the stream
        except (Refused, AuthorizationNeeded) as error:
            self._complain(str(error))
            return False
        except ChildError as error:
            self._failures += 1
            if self._failures == _WORTH_TELLING and self._link.is_open:
                self._complain(f"its changes cannot be listened to just now: {error}")
        return True


async def listen(link: Link, watched: Watched) -> None:
    """Have a modern child tell about changes until it ends the stream or the task is cancelled.

    Raises:
        Refused: it does not tell.
        ChildError: the stream broke.
    """
    wanted: Json = {
        f"{part}ListChanged": True
        for part in ("tools", "prompts", "resources")
        if _object(link.capabilities.get(part)).get("listChanged") is True
    }
    for key, kind in (("resourceSubscriptions", Kind.RESOURCE), ("taskIds", Kind.TASK)):
        if names := sorted(name for of, name in watched if of is kind):
            wanted[key] = names
    if link.era is Era.LEGACY or not wanted:
        await asyncio.Event().wait()
    try:
        await link.request("subscriptions/listen", {"notifications": wanted}, None, timeouts=_FOR_EVER)
    except RpcError as error:
        raise Refused(f"it refused subscriptions/listen: {error.message}") from None


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}
