"""`composite-runtime test GRAPH [CALLS...]`."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from composite_runtime import files
from composite_runtime.calls.folder import Collection, folder_of, load_all
from composite_runtime.calls.model import SavedCall
from composite_runtime.calls.report import as_junit, summary
from composite_runtime.calls.runner import AT_ONCE, PATIENCE_S, TIMEOUT_S, Result, Status, run_calls
from composite_runtime.cli import supervised
from composite_runtime.errors import FusionError
from composite_runtime.graph import file
from composite_runtime.runtime import prepare_loop

_GLOB = frozenset("*?")
ALL_PASSED, SOME_FAILED, USAGE, NOT_MADE = 0, 1, 2, 3


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.epilog = "Exit codes: 0 all passed, 1 an expectation was not met, 2 wrong usage, 3 a call could not be made."
    parser.add_argument("graph", type=Path, metavar="GRAPH", help="the graph file")
    parser.add_argument(
        "calls", nargs="*", metavar="CALL", help="calls of GRAPH.calls by name, folder or pattern (default: all)"
    )
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where the calls are (default: GRAPH.calls)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the results as JSON")
    form.add_argument("--supervised", action="store_true", help=supervised.HELP)
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write the results as JUnit XML as well")
    parser.add_argument("--jobs", type=_count, default=AT_ONCE, metavar="N", help="how many calls at a time")
    parser.add_argument("--timeout", type=float, default=TIMEOUT_S, metavar="SECONDS", help="how long a call may take")
    parser.add_argument(
        "--patience", type=float, default=PATIENCE_S, metavar="SECONDS", help="how long servers may take to start"
    )


def run(args: argparse.Namespace) -> int:
    """Make the calls and print what came of them; the exit code says it too."""
    folder = args.folder or folder_of(args.graph)
    if args.supervised:
        supervised.end_with_stdin()
    try:
        graph = file.load(args.graph)
        chosen = _chosen(load_all(folder), args.calls)
        if isinstance(chosen, str):
            print(f"composite-runtime: {chosen} in {folder}", file=sys.stderr)
            return USAGE
        began = time.perf_counter()
        with asyncio.Runner(loop_factory=prepare_loop()) as runner:
            made = runner.run(
                run_calls(
                    graph,
                    chosen.calls,
                    at_once=args.jobs,
                    timeout_s=args.timeout,
                    patience_s=args.patience,
                    tell=_tell_line if args.supervised else _tell,
                )
            )
        broken = [Result(key, key, Status.NOT_MADE, why) for key, why in chosen.broken.items()]
        results = sorted((*made, *broken), key=lambda result: result.key)
        if args.junit is not None:
            files.write_text(args.junit, as_junit(graph.name, results))
    except FusionError as error:
        print(f"composite-runtime: {error}", file=sys.stderr)
        return NOT_MADE
    if args.supervised:
        for result in broken:
            _tell_line(result)
    else:
        print(_as_json(results) if args.json else _as_text(results, time.perf_counter() - began))
    return _exit_code(results)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of calls")
    return int(text)


def _chosen(there: Collection, patterns: Sequence[str]) -> Collection | str:
    """Return the calls that are wanted, or what is wrong with the wish."""
    if not there.calls and not there.broken:
        return "there are no saved calls"
    for pattern in patterns:
        if not any(_matches(key, pattern) for key in (*there.calls, *there.broken)):
            return f"there is no saved call {pattern!r}"

    def wanted(key: str) -> bool:
        return not patterns or any(_matches(key, pattern) for pattern in patterns)

    calls: dict[str, SavedCall] = {key: call for key, call in there.calls.items() if wanted(key)}
    return Collection(calls, {key: why for key, why in there.broken.items() if wanted(key)})


def _matches(key: str, pattern: str) -> bool:
    if pattern.endswith(".json") and not _GLOB.intersection(pattern):
        return key == pattern.removesuffix(".json")
    name = pattern.rstrip("/")
    return fnmatchcase(key, name) or key.startswith(f"{name}/") or key.rpartition("/")[2] == name


def _exit_code(results: Sequence[Result]) -> int:
    statuses = {result.status for result in results}
    if Status.NOT_MADE in statuses:
        return NOT_MADE
    return SOME_FAILED if Status.FAILED in statuses else ALL_PASSED


def _tell(result: Result) -> None:
    took = "" if result.milliseconds is None else f" ({result.milliseconds:.0f} ms)"
    print(f"{_word(result)} {result.key}{took}", file=sys.stderr)


def _tell_line(result: Result) -> None:
    supervised.tell("result", {**result.to_json(), "answer": result.answer})


def _word(result: Result) -> str:
    return {Status.PASSED: "ok      ", Status.FAILED: "FAILED  ", Status.NOT_MADE: "NOT MADE"}[result.status]


def _as_json(results: Sequence[Result]) -> str:
    counts = {status: sum(result.status is status for result in results) for status in Status}
    return json.dumps({**counts, "calls": [result.to_json() for result in results]}, indent=2, ensure_ascii=False)


def _as_text(results: Sequence[Result], took_s: float) -> str:
    lines: list[str] = []
    for result in results:
        if result.status is Status.PASSED:
            continue
        lines.append(f"{_word(result).strip()} {result.key}")
        missed = [verdict for verdict in result.verdicts if not verdict.is_met]
        lines += [f"  {verdict.kind}: {verdict.message}" for verdict in missed] or [f"  {result.message}"]
    return "\n".join((*lines, f"{summary(results)} in {took_s:.1f} s"))
