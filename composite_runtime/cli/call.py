"""`composite-runtime call GRAPH TOOL [JSON]`."""

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

from composite_runtime.calls.answer import answered
from composite_runtime.errors import FusionError, UnknownName
from composite_runtime.once import CALLER, LoneRelay, opened
from composite_runtime.runtime import prepare_loop
from composite_runtime.wire import jsonrpc
from composite_runtime.wire.jsonrpc import RpcError

_PATIENCE_S = 60.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("graph", type=Path, metavar="GRAPH", help="the graph file")
    parser.add_argument("tool", metavar="TOOL", help="the tool's public name, as `list` prints it")
    parser.add_argument("arguments", nargs="?", default="{}", metavar="JSON", help="the arguments, a JSON object")
    parser.add_argument("--composite", metavar="ID", help="the composite to call, by id or name")


def run(args: argparse.Namespace) -> int:
    """Call the tool and print its result as JSON; return 1 when the tool reports a failure."""
    params = {"name": args.tool, "arguments": _object(args.arguments)}

    async def call() -> dict[str, Any]:
        async with opened(args.graph, args.composite, lambda event: None) as composite:
            try:
                return await answered(composite, "tools/call", params, LoneRelay())
            except UnknownName:
                # Nobody waits for a list here, so that children may take longer to start than a client would give them.
                await composite.offers(CALLER, _PATIENCE_S)
                return await answered(composite, "tools/call", params, LoneRelay())

    try:
        with asyncio.Runner(loop_factory=prepare_loop()) as runner:
            result = runner.run(call())
    except RpcError as error:
        data = "" if error.data is None else f" {json.dumps(error.data, ensure_ascii=False)}"
        raise FusionError(f"{args.tool} was refused with error {error.code}: {error.message}{data}") from None
    print(json.dumps(result, indent=2, ensure_ascii=False))
    return 1 if result.get("isError") is True else 0


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
        jsonrpc.encode(value)
    except json.JSONDecodeError as error:
        raise FusionError(f"the arguments are not JSON: {error.msg.lower()} at column {error.colno}") from None
    except (ValueError, RecursionError):
        raise FusionError("the arguments hold a number or a nesting that cannot be sent") from None
    if not isinstance(value, dict):
        raise FusionError('the arguments must be a JSON object, such as {"city": "Oslo"}')
    return value
