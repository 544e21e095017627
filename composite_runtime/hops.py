"""Telling each hop of a call: when it reached a node, when and how it came back."""

import time
from collections.abc import Awaitable
from itertools import count

from composite_runtime.errors import FusionError
from composite_runtime.events import CallFinished, CallRepeated, CallStarted, Emit
from composite_runtime.wire.call import HOP, Relay
from composite_runtime.wire.jsonrpc import Json, RpcError

_spans = count(1)


async def told(emit: Emit, node: str, method: str, params: Json, *, relay: Relay, work: Awaitable[Json]) -> Json:
    """Return what `work` returns, and tell of it as one hop of the relay's call, if that is told at all."""
    if not relay.call:
        return await work
    name = params.get("name") or params.get("uri")
    name = name if isinstance(name, str) else None
    call, span, outer = relay.call, next(_spans), HOP.get()
    parent = outer[1] if outer[0] == call and outer[1] else None
    HOP.set((call, span))
    began = time.perf_counter()
    emit(CallStarted(call=call, node=node, method=method, name=name, span=span, parent=parent))
    sizes = relay.sizes
    sent, received = sizes.sent, sizes.received
    error: str | None = "cancelled"
    try:
        result = await work
        error = tool_failure(result)
        return result
    except (RpcError, FusionError) as failure:
        error = str(failure)
        raise
    finally:
        HOP.set(outer)
        milliseconds = round((time.perf_counter() - began) * 1000, 3)
        emit(
            CallFinished(
                call=call,
                node=node,
                method=method,
                name=name,
                milliseconds=milliseconds,
                error=error,
                request_bytes=sizes.sent - sent or None,
                response_bytes=sizes.received - received or None,
                span=span,
            )
        )


def repeated(emit: Emit, node: str, error: str) -> None:
    """Tell that the node is asked again within the hop that is under way, and why."""
    call, span = HOP.get()
    emit(CallRepeated(call=call, node=node, span=span, error=error))


def tool_failure(result: Json) -> str | None:
    """Return what a tool says about its own failure, or None when it did not fail."""
    if result.get("isError") is not True:
        return None
    content = result.get("content")
    texts = (block.get("text") for block in content if isinstance(block, dict)) if isinstance(content, list) else ()
    return next((text for text in texts if isinstance(text, str)), "the tool failed")[:500]
