"""`composite-runtime import [FILE…] -o GRAPH`."""

import argparse
import json
import sys
from pathlib import Path

from composite_runtime.errors import ConfigError, FusionError
from composite_runtime.graph import edit, file
from composite_runtime.graph.model import Graph
from composite_runtime.interop import config_file, importing, paste
from composite_runtime.interop.clients import clients


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("files", nargs="*", metavar="FILE", help="configurations to read; - for standard input")
    parser.add_argument(
        "--client", action="append", metavar="ID", help="read this client's files on this machine, or FILE as its own"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="GRAPH", help="the graph to make or to extend"
    )
    parser.add_argument("--composite", metavar="ID", help="the composite that takes the servers")
    parser.add_argument("--only", action="append", metavar="NAME", help="take over this server only; may be repeated")
    plain = parser.add_mutually_exclusive_group()
    plain.add_argument(
        "--secrets-in-file", action="store_true", help="keep secrets in a private file, not in the keyring"
    )
    plain.add_argument("--keep-plain-secrets", action="store_true", help="leave secrets in the graph as plain text")
    parser.add_argument("--dry-run", action="store_true", help="say what would be taken over, and write nothing")
    parser.add_argument("--json", action="store_true", help="answer in JSON")


def run(args: argparse.Namespace) -> int:
    """Read, join and write; return 1 if there was nothing to take over."""
    gathered = importing.gather(_sources(args))
    chosen = [one for one in gathered.candidates if not args.only or one.found.name in args.only]
    graph = file.load(args.output) if args.output.exists() else edit.new_graph(args.output.stem)
    imported = importing.add_to(graph, chosen, args.composite, keep_plain_secrets=args.keep_plain_secrets)
    if imported.nodes and not args.dry_run:
        # Before the graph is written: one that refers to secrets nobody has would be worse than none.
        _store(imported, in_file=args.secrets_in_file)
        file.save(imported.graph, args.output)
    (_report_json if args.json else _report)(args, gathered, chosen, imported)
    return 0 if imported.nodes else 1


def _store(imported: importing.Imported, *, in_file: bool) -> None:
    try:
        importing.store(imported.secrets, in_file=in_file)
    except FusionError as error:
        if in_file:
            raise
        raise FusionError(f"{error.message}; or import with --secrets-in-file") from None


def _sources(args: argparse.Namespace) -> list[importing.Source]:
    for client_id in args.client or ():
        clients[client_id]
    if not args.files:
        return importing.installed(client_ids=args.client)
    if args.client:
        if len(args.client) > 1:
            raise ConfigError("files can be read as those of one client only: name one with --client, or none")
        return [importing.from_file(Path(name), args.client[0]) for name in args.files]
    return [_pasted(name) for name in args.files]


def _pasted(name: str) -> importing.Source:
    try:
        if name.endswith((".mcpb", ".dxt")):
            return importing.from_bundle(Path(name))
        text = sys.stdin.read() if name == "-" else config_file.load(Path(name))
        if text is None:
            return importing.Source(name, problem=f"{name} does not exist")
        return importing.Source("standard input" if name == "-" else name, paste.read(text))
    except FusionError as error:
        return importing.Source(name, problem=str(error) if name in str(error) else f"{name}: {error}")


def _report(
    args: argparse.Namespace,
    gathered: importing.Gathered,
    chosen: list[importing.Candidate],
    imported: importing.Imported,
) -> None:
    taken = {importing.identity(one.found.transport): one for one in chosen}
    for one in taken.values():
        print(f"{one.found.name}  (from {', '.join(one.labels)})")
        if one.differs:
            print("    its sources give it different settings: the fullest are taken")
        for note in one.found.notes:
            print(f"    {note}")
    for secret in imported.secrets:
        warning = ": the server gets it as an argument, which other programs can read" if secret.is_argument else ""
        print(f"secret {secret.name}: was plain text in {secret.place}{warning}")
    for own in gathered.ours:
        print(f"{own.found.name} in {', '.join(own.labels)} is a graph of Fusion's and is not taken over")
    for problem in gathered.problems:
        print(problem, file=sys.stderr)
    _say_result(args, imported.graph, len(imported.nodes))


def _say_result(args: argparse.Namespace, graph: Graph, count: int) -> None:
    if not count:
        print("There is nothing new to take over.")
    elif args.dry_run:
        print(f"{count} servers would be taken over; nothing was written.")
    else:
        print(f"{args.output} now has {len(graph.nodes)} nodes, {count} of them new.")


def _report_json(
    args: argparse.Namespace,
    gathered: importing.Gathered,
    chosen: list[importing.Candidate],
    imported: importing.Imported,
) -> None:
    answer = {
        "graph": str(args.output),
        "written": bool(imported.nodes) and not args.dry_run,
        "nodes": [{"id": node.id, "name": node.name} for node in imported.nodes],
        "servers": [
            {"name": one.found.name, "sources": one.labels, "differs": one.differs, "notes": one.found.notes}
            for one in chosen
        ],
        "secrets": [{"name": secret.name, "place": secret.place} for secret in imported.secrets],
        "ours": [{"name": one.found.name, "sources": one.labels} for one in gathered.ours],
        "problems": gathered.problems,
    }
    print(json.dumps(answer, ensure_ascii=False))
