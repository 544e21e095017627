"""`composite-runtime example NAME`."""

import argparse
from importlib import import_module

from composite_runtime.examples import SERVERS


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    known = ", ".join(f"{name} ({purpose})" for name, purpose in SERVERS.items())
    parser.add_argument("name", choices=SERVERS, metavar="NAME", help=f"the server: {known}")


def run(args: argparse.Namespace) -> int:
    """Serve over stdio until the client closes it."""
    import_module(f"composite_runtime.examples.{args.name}").server.run()
    return 0
