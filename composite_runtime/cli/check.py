"""`composite-runtime check GRAPH`."""

import argparse
from pathlib import Path

from composite_runtime.graph import file
from composite_runtime.graph.check import Level, check, served_composite


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("graph", type=Path, metavar="GRAPH", help="the graph file")


def run(args: argparse.Namespace) -> int:
    """Print each problem with its fix; return 1 if one of them is an error."""
    graph = file.load(args.graph)
    problems = check(graph)
    for problem in problems:
        print(f"{problem.level}: {problem.message}. {problem.fix} [{problem.rule}, node {problem.node}]")
    if any(problem.level is Level.ERROR for problem in problems):
        return 1
    print(f"{args.graph.name} serves {served_composite(graph).name!r}")
    return 0
