"""`composite-runtime doctor GRAPH`."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from composite_runtime.cli import supervised
from composite_runtime.doctor import Check, Diagnosis, Outcome, Patience, examine_all
from composite_runtime.errors import GraphError
from composite_runtime.graph import file
from composite_runtime.graph.model import Graph, ServerNode

_SIGNS = {
    Outcome.PASSED: "ok",
    Outcome.WARNED: "warning",
    Outcome.FAILED: "FAILED",
    Outcome.SKIPPED: "-",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("graph", type=Path, metavar="GRAPH", help="the graph file")
    parser.add_argument(
        "--node", action="append", metavar="ID", help="a server to check, by id or name; several may be given"
    )
    parser.add_argument(
        "--patience", type=float, default=60.0, metavar="SECONDS", help="how long a server may take to begin"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print every check with what was seen, as JSON")
    form.add_argument("--supervised", action="store_true", help=supervised.HELP)


def run(args: argparse.Namespace) -> int:
    """Check the servers of a graph; return 1 when one of them cannot be used."""
    nodes = _wanted(file.load(args.graph), args.node)

    def tell(node: ServerNode, check: Check) -> None:
        if args.supervised:
            supervised.tell("check", {"node": node.id, "check": check.to_json()})
            return
        print(f"{node.name}: {check.step} {_SIGNS[check.outcome]}", file=sys.stderr)

    if args.supervised:
        supervised.end_with_stdin()
    diagnoses = asyncio.run(examine_all(nodes, patience=Patience(opening_s=args.patience), tell=tell))
    if args.supervised:
        for diagnosis in diagnoses:
            supervised.tell("diagnosis", diagnosis.to_json())
        return _exit_code(diagnoses)
    if args.json:
        text = json.dumps([diagnosis.to_json() for diagnosis in diagnoses], indent=2, ensure_ascii=False)
    else:
        text = "\n\n".join(_as_text(diagnosis) for diagnosis in diagnoses) or "There is no server in this graph."
    print(text)
    return _exit_code(diagnoses)


def _exit_code(diagnoses: Sequence[Diagnosis]) -> int:
    return 0 if all(diagnosis.is_healthy for diagnosis in diagnoses) else 1


def _wanted(graph: Graph, wanted: Sequence[str] | None) -> list[ServerNode]:
    servers = [node for node in graph.nodes if isinstance(node, ServerNode)]
    if wanted is None:
        return [node for node in servers if node.enabled]
    chosen = [node for node in servers if node.id in wanted or node.name in wanted]
    unknown = [name for name in wanted if not any(name in (node.id, node.name) for node in chosen)]
    if unknown:
        known = ", ".join(f"{node.name} ({node.id})" for node in servers) or "none"
        raise GraphError(f"there is no server {unknown[0]!r} in {graph.name!r}; it has {known}")
    return chosen


def _as_text(diagnosis: Diagnosis) -> str:
    lines = [f"{diagnosis.name} ({diagnosis.node})"]
    for check in diagnosis.checks:
        lines.append(f"  {_SIGNS[check.outcome]:8}{check.step:15}{check.message}")
        if check.finding is None:
            continue
        lines += [f"{'':25}{line}" for line in check.detail]
        lines.append(f"{'':10}{check.finding.remedy}")
        lines += [f"{'':10}fix: {fix}" for fix in check.finding.fixes]
    return "\n".join(lines)
