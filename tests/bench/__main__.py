"""`python -m tests.bench`: measure, and print the tables of the README in this folder."""

import argparse
import inspect
import platform
import shlex
import signal
import sys
import tempfile
from pathlib import Path

from composite_runtime.interop.launch import runtime_command
from tests.bench.measures import ALL, Row
from tests.bench.target import Setup

RELAY = shlex.join([sys.executable, str(Path(__file__).with_name("sdk_relay.py"))]) + " {config} {port}"


def main() -> int:
    """Run the chosen measures."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=f"one or more of {', '.join(ALL)}; all if none")
    parser.add_argument("--rounds", type=int, default=12, help="more rounds, less noise")
    parser.add_argument("--ours", default=shlex.join(runtime_command()), help="the command that starts our runtime")
    parser.add_argument("--no-relay", action="store_true", help="leave the relay made with the SDK out")
    parser.add_argument(
        "--beside",
        action="append",
        default=[],
        metavar="NAME=COMMAND",
        help="measure another composite too; {config} becomes a file with mcpServers, {port} a port, or 0 for stdio",
    )
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing that was started is left behind
    if unknown := set(args.measures) - set(ALL):
        parser.error(f"there is no measure {', '.join(sorted(unknown))}")
    others = {} if args.no_relay else {"sdk-relay": RELAY}
    others |= dict(entry.split("=", 1) for entry in args.beside)
    tell(f"{platform.machine()}, {platform.system()} {platform.release()}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        setup = Setup(Path(folder), shlex.split(args.ours), others)
        for name in args.measures or ALL:
            rows = ALL[name](setup, args.rounds)
            tell(f"\n### {name}\n\n{inspect.getdoc(ALL[name])}\n\n{table(rows)}")
    return 0


def tell(text: str) -> None:
    """Print at once, also into a pipe."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def table(rows: list[Row]) -> str:
    """Return rows as a table in Markdown."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = [columns, ["---"] * len(columns), *([str(row.get(column, "")) for column in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


sys.exit(main())
