"""`composite-runtime sign-in GRAPH NODE`."""

import argparse
import asyncio
import json
import sys
import webbrowser
from pathlib import Path

from composite_runtime.auth.errors import CannotKeep
from composite_runtime.auth.sign_in import PATIENCE_S, SignedIn, Stage, sign_in
from composite_runtime.errors import GraphError
from composite_runtime.graph import file
from composite_runtime.graph.model import Graph, ServerNode, StdioTransport


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("graph", type=Path, metavar="GRAPH", help="the graph file")
    parser.add_argument("node", metavar="NODE", help="the server, by id or name")
    parser.add_argument("--no-browser", action="store_true", help="print the address only, and open nothing")
    parser.add_argument(
        "--timeout", type=float, default=PATIENCE_S, metavar="SECONDS", help="how long to wait for you (300)"
    )
    parser.add_argument(
        "--in-file", action="store_true", help="keep it in a private file in ~/.fusion instead of the system keyring"
    )
    parser.add_argument("--json", action="store_true", help="tell each step as one line of JSON")


def run(args: argparse.Namespace) -> int:
    """Sign in; a running graph uses it at once."""
    node = remote(file.load(args.graph), args.node)
    try:
        done = asyncio.run(_signed_in(node, args))
    except CannotKeep as error:
        if not args.in_file:
            raise CannotKeep(f"{error}, with --in-file") from None
        raise
    rights = f", for {done.scope}" if done.scope else ""
    _say(args, {"signed_in": node.id, "issuer": done.issuer, "scope": done.scope}, f"Signed in to {node.name}{rights}.")
    return 0


def remote(graph: Graph, wanted: str) -> ServerNode:
    """Return the remote server of a graph by id, else by name; raise `GraphError` when there is no single one."""
    servers = [n for n in graph.nodes if isinstance(n, ServerNode) and not isinstance(n.transport, StdioTransport)]
    found = [node for node in servers if node.id == wanted] or [node for node in servers if node.name == wanted]
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{node.name} ({node.id})" for node in servers) or "none"
    raise GraphError(f"there is no single remote server {wanted!r} in {graph.name!r}; it has {known}")


async def _signed_in(node: ServerNode, args: argparse.Namespace) -> SignedIn:
    def show(url: str) -> None:
        _say(args, {"open": url}, f"Open this address to sign in to {node.name}:\n\n  {url}\n")
        if not args.no_browser:
            webbrowser.open(url)

    def tell(stage: Stage) -> None:
        if args.json:
            _say(args, {"stage": stage.name.lower()}, "")
        else:
            print(f"{stage.capitalize()} …", file=sys.stderr)

    return await sign_in(node, show=show, tell=tell, patience_s=args.timeout, in_file=args.in_file)


def _say(args: argparse.Namespace, data: object, text: str) -> None:
    print(json.dumps(data, ensure_ascii=False) if args.json else text, flush=True)
