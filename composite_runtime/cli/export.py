"""`composite-runtime export GRAPH --client ID`."""

import argparse
import json
from pathlib import Path

from composite_runtime.errors import ConfigError, GraphError
from composite_runtime.graph import file
from composite_runtime.graph.check import Level, check, served_composite
from composite_runtime.graph.model import CompositeNode, Graph
from composite_runtime.interop import export, links
from composite_runtime.interop.clients import clients
from composite_runtime.interop.clients.format import MARK, Entry
from composite_runtime.interop.launch import serve_command

_FORMS = ("link", "command", "json", "markdown")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("graph", type=Path, metavar="GRAPH", help="the graph file")
    parser.add_argument("--client", metavar="ID", help=f"one of {', '.join(sorted(clients))}")
    parser.add_argument(
        "--file", type=Path, metavar="PATH", help="the configuration to change, if not the client's own"
    )
    parser.add_argument(
        "--project", type=Path, metavar="FOLDER", help="change the configuration of this project instead"
    )
    parser.add_argument("--name", help="what the client calls the server (default: made from the composite's name)")
    parser.add_argument("--composite", metavar="ID", help="the composite to serve, if the graph has several")
    parser.add_argument("--url", help="enter this URL of a running composite instead of a command")
    parser.add_argument("--print", choices=_FORMS, dest="form", help="print this for the client and change no file")
    parser.add_argument("--dry-run", action="store_true", help="show the change without making it")
    parser.add_argument("--json", action="store_true", help="answer in JSON")


def run(args: argparse.Namespace) -> int:
    """Show the change and make it."""
    graph = file.load(args.graph)
    composite = _served(graph, args.composite)
    name = args.name or export.entry_name(composite.name)
    command = serve_command(args.graph, args.composite and composite.id)
    if args.form:
        _print(args, Entry(name, command, {MARK: graph.id}, args.url), composite.name)
        return 0
    if not args.client:
        raise ConfigError(f"say which client is meant with --client: one of {', '.join(sorted(clients))}")
    target = _target(args)
    if args.url:
        plan = export.plan_url(args.client, name, args.url, file=target)
    else:
        plan = export.plan(args.client, name, command, file=target, graph_id=graph.id)
    backup = None if args.dry_run else export.apply(plan)
    report(args, plan, backup, "Wrote {name!r} to {path}")
    return 0


def _served(graph: Graph, wanted: str | None) -> CompositeNode:
    composite = served_composite(graph, wanted)
    errors = [problem for problem in check(graph) if problem.level is Level.ERROR]
    if errors:
        first = errors[0]
        more = f" ({len(errors) - 1} more: run `composite-runtime check`)" if len(errors) > 1 else ""
        raise GraphError(f"the graph cannot be served: {first.message}. {first.fix}{more}", first.node)
    return composite


def _target(args: argparse.Namespace) -> Path | None:
    if args.project is None:
        return args.file if args.file is None else Path(args.file)
    client = clients[args.client]
    if client.project_file is None:
        raise ConfigError(f"{client.title} has no configuration in a project's folder")
    if not args.project.is_dir():
        raise ConfigError(f"there is no folder {args.project}")
    return Path(args.project) / client.project_file


def _print(args: argparse.Namespace, entry: Entry, title: str) -> None:
    if args.form in {"json", "markdown"}:
        print(links.as_json(entry) if args.form == "json" else links.as_markdown(entry, title))
        return
    known = links.links(entry) if args.form == "link" else links.commands(entry)
    if args.client and args.client not in known:
        raise ConfigError(f"{clients[args.client].title} has no {args.form} for that; known are {', '.join(known)}")
    for client_id, text in known.items():
        if args.client in (None, client_id):
            print(text if args.client else f"{clients[client_id].title}: {text}")


def report(args: argparse.Namespace, plan: export.Plan, backup: Path | None, done: str) -> None:
    """Print the change of a client's configuration and what to do next; `done` says it in words."""
    if args.json:
        print(json.dumps(_as_json(plan, backup, is_done=not args.dry_run), ensure_ascii=False))
        return
    if plan.changes_nothing:
        print(f"{plan.path} already has {plan.entry_name!r} as it should be; nothing to do.")
        return
    print(plan.diff, end="")
    if args.dry_run:
        print(f"Nothing was written. Without --dry-run, {plan.path} is changed like this.")
        return
    print(done.format(name=plan.entry_name, path=plan.path))
    if backup is not None:
        print(f"The file as it was before: {backup}")
    print(clients[plan.client_id].restart)


def _as_json(plan: export.Plan, backup: Path | None, *, is_done: bool) -> dict[str, object]:
    return {
        "client": plan.client_id,
        "file": str(plan.path),
        "name": plan.entry_name,
        "changed": is_done and not plan.changes_nothing,
        "replaced": plan.replaces,
        "backup": str(backup) if backup else None,
        "diff": plan.diff,
    }
