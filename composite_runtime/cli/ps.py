"""`composite-runtime ps`."""

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

from composite_runtime.attach import attached
from composite_runtime.attach.place import Run
from composite_runtime.errors import FusionError
from composite_runtime.events import encode


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    parser.add_argument("--follow", type=int, metavar="PID", help="print what this runtime tells, as JSON lines")
    parser.add_argument("--frames", action="store_true", help="with --follow: print every message as well")


def run(args: argparse.Namespace) -> int:
    """List the runtimes of this user, or follow one until it ends."""
    runs = attached.runtimes()
    if args.follow is not None:
        chosen = next((found for found in runs if found.pid == args.follow), None)
        if chosen is None:
            raise FusionError(f"no runtime of yours has the process number {args.follow}")
        asyncio.run(_follow(chosen, frames=args.frames))
    elif args.json:
        print(json.dumps([_shown(found) for found in runs], indent=2, ensure_ascii=False))
    else:
        print("\n".join(_table(runs)) if runs else "No runtime is running.")
    return 0


async def _follow(chosen: Run, *, frames: bool) -> None:
    async for event in attached.follow(chosen, frames=frames):
        print(encode(event))
        sys.stdout.flush()


def _shown(found: Run) -> dict[str, object]:
    """Return what may be shown of a runtime, which is all but the way in."""
    return {
        "pid": found.pid,
        "graph": found.graph,
        "composite": found.composite,
        "transport": found.transport,
        "url": found.url,
        "client": found.client,
        "started": found.started,
        "supervised": found.supervised,
    }


def _table(runs: tuple[Run, ...]) -> list[str]:
    head = ("PID", "TRANSPORT", "CLIENT", "UP", "GRAPH")
    rows = [
        (
            str(found.pid),
            found.url or found.transport,
            found.client or "-",
            _duration(time.time() - found.started),
            f"{found.graph} ({found.composite})" if Path(found.graph).exists() else f"{found.graph} (gone)",
        )
        for found in runs
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    ]


def _duration(seconds: float) -> str:
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
