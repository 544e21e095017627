"""The answer to a call nobody watches: a tool that can be called as a task only is called as one, and waited for."""

import asyncio
import contextlib

from composite_runtime.once import CALLER, LoneRelay
from composite_runtime.provider import FIRST_LIST_S, Provider
from composite_runtime.task_ids import made_in
from composite_runtime.wire.jsonrpc import Json, RpcError

_CANCEL_S = 2.0
_LOOK_AGAIN_S = 0.05


async def answered(provider: Provider, method: str, params: Json, relay: LoneRelay) -> Json:
    """Return what a call gives in the end; who gives up waiting cancels its task. Raises what the provider raises."""
    if method == "tools/call" and await _needs_task(provider, params.get("name")):
        params = {**params, "task": {}}
    result = await provider.request(method, params, relay)
    task = made_in(result) if method == "tools/call" else None
    if task is None:
        return result
    try:
        return await provider.request("tasks/result", {"taskId": task}, relay)  # which comes when there is one
    except asyncio.CancelledError:
        with contextlib.suppress(RpcError, TimeoutError):
            async with asyncio.timeout(_CANCEL_S):
                await provider.request("tasks/cancel", {"taskId": task}, relay)
        raise


async def _needs_task(provider: Provider, name: object) -> bool:
    """Say whether a tool can be called as a task only; one that is not known yet is waited for as a list would be."""
    deadline = asyncio.get_running_loop().time() + FIRST_LIST_S
    while True:
        offers = await provider.offers(CALLER)
        tool = next((tool for tool in offers.tools if tool.get("name") == name), None)
        if tool is not None or offers.complete or asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(_LOOK_AGAIN_S)
    execution = tool.get("execution") if tool is not None else None
    return isinstance(execution, dict) and execution.get("taskSupport") == "required"
