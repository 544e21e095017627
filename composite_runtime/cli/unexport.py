"""`composite-runtime unexport NAME|GRAPH --client ID`."""

import argparse
from pathlib import Path

from composite_runtime.cli.export import report
from composite_runtime.interop import export, status
from composite_runtime.interop.clients import clients


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("name", metavar="NAME", help="what the client calls the server, or the graph file it serves")
    parser.add_argument("--client", required=True, metavar="ID", help=f"one of {', '.join(sorted(clients))}")
    parser.add_argument(
        "--file", type=Path, metavar="PATH", help="the configuration to change, if not the client's own"
    )
    parser.add_argument("--dry-run", action="store_true", help="show the change without making it")
    parser.add_argument("--json", action="store_true", help="answer in JSON")


def run(args: argparse.Namespace) -> int:
    """Show the change and make it."""
    plan = export.plan_removal(args.client, _entry_name(args), file=args.file)
    backup = None if args.dry_run else export.apply(plan)
    report(args, plan, backup, "Took {name!r} out of {path}")
    return 0


def _entry_name(args: argparse.Namespace) -> str:
    name = str(args.name)
    if not name.endswith(".fusion"):
        return name
    graph = str(Path(name).resolve())
    ours = status.entries_in(args.client, export.target(clients[args.client], args.file))
    return next((entry.name for entry in ours if entry.graph == graph), name)
