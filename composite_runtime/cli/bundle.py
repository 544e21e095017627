"""`composite-runtime bundle GRAPH -o FILE.mcpb`."""

import argparse
import json
from pathlib import Path

from composite_runtime.graph import file
from composite_runtime.graph.check import served_composite
from composite_runtime.interop import bundle


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("graph", type=Path, metavar="GRAPH", help="the graph file")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="the bundle to write, a .mcpb file"
    )
    parser.add_argument("--composite", metavar="ID", help="the composite to serve, if the graph has several")
    parser.add_argument("--author", default="A user of Fusion", help="who is named as the author")
    parser.add_argument("--version", default="1.0.0", dest="bundle_version", help="the version of the bundle")
    parser.add_argument("--json", action="store_true", help="answer in JSON")


def run(args: argparse.Namespace) -> int:
    """Write the bundle and say what it asks for and needs."""
    graph = file.load(args.graph)
    composite = served_composite(graph, args.composite)
    made = bundle.bundle(graph, composite, author=args.author, version=args.bundle_version)
    bundle.write(made, args.output)
    asked = list(made.manifest["user_config"])
    if args.json:
        answer = {"file": str(args.output), "bytes": len(made.content), "asks": asked, "warnings": made.warnings}
        print(json.dumps(answer, ensure_ascii=False))
        return 0
    print(f"Wrote {args.output} ({len(made.content) // 1024} kB)")
    if asked:
        print(f"It asks for {', '.join(asked)}")
    for warning in made.warnings:
        print(warning)
    print("Its first start downloads the runtime's dependencies. Claude Desktop installs it; Claude Code does not.")
    return 0
