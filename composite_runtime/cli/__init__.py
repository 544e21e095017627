"""The command line. A command's module is imported only when the command is used, so that `--help` stays quick."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from types import ModuleType

from composite_runtime.errors import FusionError

# Each module offers `arguments(parser)` and `run(args) -> int`, the exit code.
COMMANDS = {
    "serve": "serve a graph as one MCP server",
    "check": "say what is wrong with a graph",
    "list": "list what a client will see",
    "call": "call one tool and print its result",
    "test": "make the saved calls of a graph and check their answers",
    "doctor": "say why a server does not work, and what helps",
    "export": "enter a graph into the configuration of an MCP client",
    "unexport": "take a graph out of the configuration of an MCP client again",
    "clients": "list the MCP clients on this machine and what they have of Fusion",
    "import": "take servers over from MCP clients, files and pasted text",
    "bundle": "write a graph as a bundle that Claude Desktop installs",
    "catalogue": "find known servers, here or in the MCP Registry",
    "ps": "list the runtimes that are running, and follow one",
    "sign-in": "sign in to a remote server of a graph, in the browser",
    "sign-out": "forget the sign-in to a remote server",
    "sign-ins": "list the remote servers you are signed in to",
    "secret": "store, list and delete secrets in the system keyring",
    "example": "run one of the small servers that come with Fusion",
}

# Commands whose names cannot be those of modules.
_MODULES = {"import": "importing", "sign-in": "sign_in", "sign-out": "sign_out", "sign-ins": "sign_ins"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 refused with a message, 2 wrong usage."""
    # Not `list(...)`: in this package that name is the module of the command `list`, once it was used.
    words = [*(sys.argv[1:] if argv is None else argv)]
    parser = argparse.ArgumentParser(
        prog="composite-runtime", description="Serve a graph of MCP servers as one MCP server."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('fusion-desktop')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    chosen = next((word for word in words if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if name == chosen:
            _module(name).arguments(command)
    args = parser.parse_args(words)
    try:
        code = int(_module(args.command).run(args))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Who read our output has had enough; without this Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except FusionError as error:
        # A server's own words may quote the secret it was given. Imported here, for `--help` needs no secrets.
        from composite_runtime import secrets

        print(secrets.redact(f"composite-runtime: {error}"), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _module(command: str) -> ModuleType:
    return import_module(f"composite_runtime.cli.{_MODULES.get(command, command)}")
