"""`composite-runtime sign-ins`."""

import argparse
import json
import time
from dataclasses import asdict

from composite_runtime.auth import store


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("--json", action="store_true", help="answer in JSON")


def run(args: argparse.Namespace) -> int:
    """List where somebody is signed in, since when and by whom; never a token."""
    found = sorted(store.entries().values(), key=lambda entry: entry.url)
    if args.json:
        shown = [{name: value for name, value in asdict(entry).items() if name != "stamp"} for entry in found]
        print(json.dumps(shown, ensure_ascii=False))
        return 0
    for entry in found:
        since = time.strftime("%Y-%m-%d", time.localtime(entry.since))
        rights = f", for {entry.scope}" if entry.scope else ""
        print(f"{entry.url}  (by {entry.issuer}{rights}, since {since}, kept in the {entry.place})")
    if not found:
        print("Nobody is signed in anywhere. Sign in with `composite-runtime sign-in GRAPH NODE`.")
    return 0
