"""The command `fusion-desktop`."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path


def main(argv: Sequence[str] | None = None) -> int:
    """Show the window until it is closed, and return the exit code."""
    args = _arguments().parse_args(argv)
    _prepare_environment(args)
    # Qt and qasync read the environment when they are imported, so not before it is set.
    from fusion_desktop import app

    return app.run(args.graph, mode=args.theme, picture=args.screenshot, select=args.select)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fusion-desktop", description="Draw MCP servers into one composite server.")
    parser.add_argument("graph", nargs="?", type=Path, metavar="GRAPH", help="the graph file to open")
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('fusion-desktop')}")
    parser.add_argument(
        "--theme", choices=("light", "dark", "contrast", "system"), help="how to look, for this start only"
    )
    parser.add_argument("--screenshot", type=Path, metavar="OUT.png", help="save a picture of the window and end")
    parser.add_argument("--scale", type=float, default=1.0, metavar="N", help="device pixels per point in the picture")
    parser.add_argument("--select", metavar="NODE", help="the node to select in the picture")
    return parser


def _prepare_environment(args: argparse.Namespace) -> None:
    # qasync tries other bindings first unless it is told.
    os.environ["QT_API"] = "pyside6"
    if args.screenshot is None:
        return
    os.environ["QT_SCALE_FACTOR"] = str(args.scale)
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


if __name__ == "__main__":
    sys.exit(main())
