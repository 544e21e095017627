"""`composite-runtime sign-out GRAPH NODE`."""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from composite_runtime.auth.sign_in import key_of, sign_out
from composite_runtime.cli.sign_in import remote
from composite_runtime.graph import file


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("graph", type=Path, metavar="GRAPH", nargs="?", help="the graph file")
    parser.add_argument("node", metavar="NODE", nargs="?", help="the server, by id or name")
    parser.add_argument("--url", help="the server's URL as `sign-ins` lists it, instead of a graph and a node")
    parser.add_argument("--json", action="store_true", help="answer in JSON")


def run(args: argparse.Namespace) -> int:
    """Sign out, here and at the authorization server; return 1 when nobody was signed in, 2 on wrong usage."""
    if (args.url is None) == (args.node is None):
        print("composite-runtime sign-out: name GRAPH and NODE, or --url", file=sys.stderr)
        return 2
    url = args.url or key_of(remote(file.load(args.graph), args.node))
    was_there = asyncio.run(sign_out(url))
    words = f"Signed out of {url}" if was_there else f"Nobody is signed in to {url}"
    print(json.dumps({"url": url, "signed_out": was_there}) if args.json else words)
    return 0 if was_there else 1
