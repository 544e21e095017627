"""`composite-runtime catalogue add SERVER -o GRAPH`."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from composite_runtime import secrets
from composite_runtime.errors import ConfigError
from composite_runtime.graph import edit, file
from composite_runtime.graph.model import Box, CompositeNode, Graph
from composite_runtime.interop import catalogue, importing
from composite_runtime.interop.clients.format import FoundServer
from composite_runtime.interop.importing import Candidate
from composite_runtime.interop.online_registry import OnlineRegistry
from composite_runtime.interop.registry_entry import Entry, Missing, Prompt, Text, Way, fill, secret_name


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("server", metavar="SERVER", help="its id as `catalogue search` lists it")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="GRAPH", help="the graph to make or to extend"
    )
    parser.add_argument("--composite", metavar="ID", help="the composite that takes the server")
    parser.add_argument("--way", metavar="ORIGIN", help="how to run it, such as npm, pypi, oci or remote")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="answer what it asks for; again for a list, and NAME= alone for a secret that is optional",
    )


def run(args: argparse.Namespace) -> int:
    """Add the server; return 1 if the graph has it already. Values of secrets are stored apart, never given here."""
    owner, entry = _entry(args)
    way = _way(entry, args.way)
    answers = _answers(way, args.set)

    def name_of(prompt: Prompt) -> str:
        return secret_name(owner, prompt)

    try:
        transport = fill(way, answers, name_of)
    except Missing as error:
        label = way.prompts[error.prompt].label if error.prompt in way.prompts else error.prompt
        raise ConfigError(f"{error.message}: add --set {label}=VALUE") from None
    graph = file.load(args.output) if args.output.exists() else _new_graph(args.output.stem)
    added = importing.add_to(graph, [Candidate(FoundServer(entry.title, transport), (owner,))], args.composite)
    if added.nodes:
        # A secret in an answer to something else, such as a password in a URL, is kept apart all the same.
        importing.store(added.secrets)
        file.save(added.graph, args.output)
    there = secrets.names()
    referred = [name_of(prompt) for prompt in way.prompts.values() if prompt.is_secret and answers.get(prompt.id)]
    lacking = [name for name in referred if name not in there]
    _report(args, way, [node.id for node in added.nodes], lacking)
    return 0 if added.nodes else 1


def _new_graph(name: str) -> Graph:
    return edit.add_node(edit.new_graph(name), CompositeNode(id="all", name=name), Box(x=0, y=0, width=720, height=480))


def _entry(args: argparse.Namespace) -> tuple[str, Entry]:
    if args.online:
        entry = OnlineRegistry(args.registry).entry(args.server)
        return entry.title, entry
    return args.server, catalogue.known_server(args.server).entry


def _way(entry: Entry, origin: str | None) -> Way:
    """Return the way that is wanted, else the first that is allowed; filling one that is blocked tells why."""
    wanted = [way for way in entry.ways if origin in (None, way.origin)]
    if not wanted:
        known = ", ".join(dict.fromkeys(way.origin for way in entry.ways)) or "none"
        raise ConfigError(f"{entry.title} cannot be run by {origin or 'anything Fusion knows'}: its ways are {known}")
    return next((way for way in wanted if not way.is_blocked and way.download is None), wanted[0])


def _answers(way: Way, given: Sequence[str]) -> dict[str, Text]:
    # Only that there is a secret is said here: arguments can be read by every program on the machine.
    answers: dict[str, Text] = {p.id: True for p in way.prompts.values() if p.is_secret and p.is_required}
    for setting in given:
        name, equals, value = setting.partition("=")
        prompt = next((p for p in way.prompts.values() if name in (p.id, p.label)), None)
        if prompt is None or not equals:
            asked = ", ".join(prompt.label for prompt in way.prompts.values()) or "nothing"
            raise ConfigError(f"--set takes NAME=VALUE; {way.label} asks for {asked}, not for {name!r}")
        if prompt.is_secret and value:
            raise ConfigError(
                f"{name} is a secret, and arguments can be read by other programs: leave its value out,"
                " and store it with `composite-runtime secret set`"
            )
        before = answers.get(prompt.id)
        repeated = [*(before if isinstance(before, list) else ()), value]
        answers[prompt.id] = True if prompt.is_secret else repeated if prompt.is_repeated else value
    return answers


def _report(args: argparse.Namespace, way: Way, added: Sequence[str], lacking: Sequence[str]) -> None:
    warnings = [finding.message for finding in way.findings if finding.severity == "warning"]
    if args.json:
        answer = {"graph": str(args.output), "nodes": added, "missing_secrets": lacking, "warnings": warnings}
        print(json.dumps(answer, ensure_ascii=False))
        return
    for warning in warnings:
        print(f"{warning[:1].upper()}{warning[1:]}", file=sys.stderr)
    if not added:
        print(f"{args.output} has this server already.")
        return
    print(f"{args.output} now has {added[0]}: {way.label}" + (f" (needs {way.needs})" if way.needs else ""))
    for name in lacking:
        print(f"Store its secret with `composite-runtime secret set {name}`.")
