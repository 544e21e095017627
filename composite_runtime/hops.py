"""Telling each hop of a call: when it reached a node, when and how it came back."""

import time
from collections.abc import Awaitable

from composite_runtime.errors import FusionError
from composite_runtime.events import CallFinished, CallStarted, Emit
from composite_runtime.wire.call import Relay
from composite_runtime.wire.jsonrpc import Json, RpcError


async def told(emit: Emit, node: str, method: str, params: Json, *, relay: Relay, work: Awaitable[Json]) -> Json:
    """Return what `work` returns, and tell of it as one hop of the relay's call."""
    name = params.get("name") or params.get("uri")
    name = name if isinstance(name, str) else None
    emit(CallStarted(call=relay.call, node=node, method=method, name=name))
    began = time.perf_counter()
    error: str | None = "cancelled"
    try:
        result = await work
        error = tool_failure(result)
        return result
    except (RpcError, FusionError) as failure:
        error = str(failure)
        raise
    finally:
        milliseconds = round((time.perf_counter() - began) * 1000, 3)
        emit(CallFinished(call=relay.call, node=node, method=method, name=name, milliseconds=milliseconds, error=error))


def tool_failure(result: Json) -> str | None:
    """Return what a tool says about its own failure, or None when it did not fail."""
    if result.get("isError") is not True:
        return None
    content = result.get("content")
    texts = (block.get("text") for block in content if isinstance(block, dict)) if isinstance(content, list) else ()
    return next((text for text in texts if isinstance(text, str)), "the tool failed")[:500]
