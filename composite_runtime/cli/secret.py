"""`composite-runtime secret set|list|delete`."""

import argparse
import getpass
import json
import sys

from composite_runtime import secrets
from composite_runtime.errors import FusionError


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    setting = actions.add_parser("set", help="store a secret: typed at a hidden prompt, or read from standard input")
    setting.add_argument("name", metavar="NAME", help="what ${secret:NAME} in a graph refers to")
    setting.add_argument(
        "--in-file", action="store_true", help="keep it in a private file in ~/.fusion instead of the system keyring"
    )
    listing = actions.add_parser("list", help="list the names of stored secrets, never their values")
    deleting = actions.add_parser("delete", help="forget a secret")
    deleting.add_argument("name", metavar="NAME")
    for action in (setting, listing, deleting):
        action.add_argument("--json", action="store_true", help="answer in JSON")


def run(args: argparse.Namespace) -> int:
    """Store, list or delete; return 1 if there is nothing to delete."""
    return {"set": _set, "list": _list, "delete": _delete}[args.action](args)


def _set(args: argparse.Namespace) -> int:
    secrets.store(args.name, _typed_value(args.name), in_file=args.in_file)
    place = "file" if args.in_file else "keyring"
    _answer(
        args,
        {"name": args.name, "stored": place},
        f"Stored {args.name!r} in the {place}: write ${{secret:{args.name}}}",
    )
    return 0


def _typed_value(name: str) -> str:
    # Never an argument: those can be read by every program on the machine, and stay in the shell's history.
    if sys.stdin.isatty():
        return getpass.getpass(f"Value of {name}: ")
    try:
        return sys.stdin.read().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise FusionError(f"the value of {name!r} on standard input is not text") from None


def _list(args: argparse.Namespace) -> int:
    places = secrets.names()
    text = "\n".join(f"{name}  ({place})" for name, place in places.items())
    _answer(args, places, text or "No secrets are stored. Store one with `composite-runtime secret set NAME`.")
    return 0


def _delete(args: argparse.Namespace) -> int:
    was_there = secrets.delete(args.name)
    _answer(
        args,
        {"name": args.name, "deleted": was_there},
        f"Deleted {args.name!r}" if was_there else f"There is no secret {args.name!r}",
    )
    return 0 if was_there else 1


def _answer(args: argparse.Namespace, data: object, text: str) -> None:
    print(json.dumps(data, ensure_ascii=False) if args.json else text)
