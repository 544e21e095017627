"""`composite-runtime clients`."""

import argparse
import json
from dataclasses import asdict

from composite_runtime.interop.status import ClientStatus, State, statuses


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("--all", action="store_true", help="list clients that are not installed as well")
    parser.add_argument("--json", action="store_true", help="answer in JSON")


def run(args: argparse.Namespace) -> int:
    """Print each client with what it has of ours; return 1 if an entry is stale or a file cannot be read."""
    found = [status for status in statuses() if args.all or args.json or status.state is not State.NOT_INSTALLED]
    if args.json:
        print(json.dumps([asdict(status) for status in found], ensure_ascii=False, default=str))
    elif not found:
        print("No MCP client was found on this machine. `composite-runtime clients --all` lists those Fusion knows.")
    else:
        print("\n".join(_lines(status) for status in found))
    return 1 if any(status.state in {State.STALE, State.UNREADABLE} for status in found) else 0


def _lines(status: ClientStatus) -> str:
    lines = [f"{status.client_id:<16} {status.state:<14} {status.path or ''}".rstrip()]
    for entry in status.entries:
        lines.append(f"{'':<17}{entry.name}: {entry.graph}" + (f" ({entry.problem})" if entry.problem else ""))
    if status.problem:
        lines.append(f"{'':<17}{status.problem}")
    return "\n".join(lines)
