"""`composite-runtime list GRAPH`."""

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

from composite_runtime.child.memory import Memory
from composite_runtime.graph import file
from composite_runtime.graph.model import ServerNode
from composite_runtime.once import CALLER, opened
from composite_runtime.provider import Offers
from composite_runtime.readiness import Readiness, servers_below
from composite_runtime.runtime import prepare_loop, served_root

_PATIENCE_S = 60.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("graph", type=Path, metavar="GRAPH", help="the graph file")
    parser.add_argument("--composite", metavar="ID", help="the composite to list, by id or name")
    parser.add_argument("--json", action="store_true", help="print everything that is known, as JSON")
    parser.add_argument(
        "--drift", action="store_true", help="print instead what each server has changed since it was accepted"
    )
    parser.add_argument("--accept", action="store_true", help="with --drift: accept what the servers offer now")


def run(args: argparse.Namespace) -> int:
    """Print what a client will see; return 1 when a child could not be asked."""
    return _tell_drift(args) if args.drift else _tell_offers(args)


def _tell_offers(args: argparse.Namespace) -> int:
    wanted = _servers(args)

    async def ask() -> tuple[Offers, dict[str, str]]:
        readiness = Readiness()
        async with opened(args.graph, args.composite, readiness.note) as composite:
            await readiness.settled(wanted, _PATIENCE_S)
            return await composite.offers(CALLER, _PATIENCE_S), readiness.down(wanted)

    with asyncio.Runner(loop_factory=prepare_loop()) as runner:
        offers, down = runner.run(ask())
    print(_as_json(offers) if args.json else _as_text(offers))
    for node, reason in down.items():
        print(f"composite-runtime: {node} is not listed: {reason}", file=sys.stderr)
    return 1 if down else 0


def _servers(args: argparse.Namespace) -> dict[str, ServerNode]:
    """Return the servers that are served, by id."""
    graph = file.load(args.graph)
    wanted = servers_below(graph, served_root(graph, args.composite))
    return {node.id: node for node in graph.nodes if isinstance(node, ServerNode) and node.id in wanted}


def _tell_drift(args: argparse.Namespace) -> int:
    """Print what the servers have changed, and accept it if that is wanted; return 1 when anything is left."""
    servers = _servers(args)

    async def look() -> dict[str, str]:
        readiness = Readiness()
        async with opened(args.graph, args.composite, readiness.note):
            await readiness.settled(servers, _PATIENCE_S)
            return readiness.down(servers)

    with asyncio.Runner(loop_factory=prepare_loop()) as runner:
        down = runner.run(look())
    memory = Memory()
    drifts = {node.id: memory.known_drift(node) for node in servers.values()}
    if args.json:
        print(json.dumps({node: asdict(drift) for node, drift in drifts.items()}, indent=2, ensure_ascii=False))
    else:
        told = [f"{node.name} ({node.id})\n{drifts[node.id]}" for node in servers.values() if drifts[node.id]]
        print("\n\n".join(told) or "No server has changed what it offers since it was accepted.")
    for node, why in down.items():
        print(f"composite-runtime: {node} is not up and was compared as it was last seen: {why}", file=sys.stderr)
    if args.accept:
        for server in servers.values():
            memory.accept(server)
    return 1 if down or (any(drifts.values()) and not args.accept) else 0


def _as_json(offers: Offers) -> str:
    lists = {
        "tools": offers.tools,
        "prompts": offers.prompts,
        "resources": offers.resources,
        "resourceTemplates": offers.templates,
    }
    return json.dumps(lists, indent=2, ensure_ascii=False)


def _as_text(offers: Offers) -> str:
    sections = (
        ("tool", [(tool["name"], tool) for tool in offers.tools]),
        ("prompt", [(prompt["name"], prompt) for prompt in offers.prompts]),
        ("resource", [(resource["uri"], resource) for resource in offers.resources]),
        ("resource template", [(template["uriTemplate"], template) for template in offers.templates]),
    )
    lines: list[str] = []
    for title, entries in sections:
        lines.append(f"{len(entries)} {title}{'' if len(entries) == 1 else 's'}")
        width = min(max((len(name) for name, _ in entries), default=0), 48)
        for name, entry in entries:
            first = str(entry.get("description") or entry.get("title") or "").strip().partition("\n")[0]
            lines.append(f"  {name:<{width}}  {first[:100]}".rstrip())
    return "\n".join(lines)
