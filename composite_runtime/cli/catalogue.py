"""`composite-runtime catalogue search WORDS` and `catalogue add SERVER`."""

import argparse
import json

from composite_runtime.cli import catalogue_add
from composite_runtime.interop import catalogue
from composite_runtime.interop.online_registry import DEFAULT_URL, OnlineRegistry
from composite_runtime.interop.registry_entry import Entry, Way


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    search = actions.add_parser("search", help="find servers; without words, list all")
    search.add_argument("words", nargs="*", metavar="WORD")
    search.add_argument("--category", choices=catalogue.categories(), help="only servers of this category")
    add = actions.add_parser("add", help="put a server into a graph")
    catalogue_add.arguments(add)
    for action in (search, add):
        action.add_argument(
            "--online", action="store_true", help="ask the MCP Registry instead of the built-in catalogue"
        )
        action.add_argument("--registry", metavar="URL", default=DEFAULT_URL, help="another registry to ask")
        action.add_argument("--json", action="store_true", help="answer in JSON")


def run(args: argparse.Namespace) -> int:
    """Search or add; return 1 if nothing was found or added."""
    return catalogue_add.run(args) if args.action == "add" else _search(args)


def _search(args: argparse.Namespace) -> int:
    text = " ".join(args.words)
    if args.online:
        page = OnlineRegistry(args.registry).search(text)
        found = [(entry.name, "", entry) for entry in page.entries]
        warning = page.offline_reason and f"This is an older answer: {page.offline_reason}"
    else:
        known = catalogue.search(text, args.category)
        found = [(server.id, server.note, server.entry) for server in known]
        warning = None
    if args.json:
        print(json.dumps([_as_json(name, note, entry) for name, note, entry in found], ensure_ascii=False))
    else:
        print("\n".join(_lines(name, note, entry) for name, note, entry in found) or "Nothing was found.")
        if warning:
            print(warning)
    return 0 if found else 1


def _lines(name: str, note: str, entry: Entry) -> str:
    lines = [f"{name}  {entry.title}: {entry.description}"]
    for way in entry.ways:
        blocked = next((f"blocked: {one.message}" for one in way.findings if one.severity == "block"), "")
        asked = ", ".join(_asked(way))
        details = "; ".join(
            filter(None, (f"needs {way.needs}" if way.needs else "", asked and f"asks {asked}", blocked))
        )
        lines.append(f"    {way.label}" + (f" ({details})" if details else ""))
    return "\n".join([*lines, *([f"    {note}"] if note else [])])


def _asked(way: Way) -> list[str]:
    return [
        prompt.label + (" (secret)" if prompt.is_secret else "")
        for prompt in way.prompts.values()
        if prompt.is_required
    ]


def _as_json(name: str, note: str, entry: Entry) -> dict[str, object]:
    return {
        "id": name,
        "title": entry.title,
        "description": entry.description,
        "version": entry.version,
        "status": entry.status,
        "note": note,
        "ways": [
            {
                "origin": way.origin,
                "label": way.label,
                "needs": way.needs,
                "blocked": way.is_blocked,
                "asks": _asked(way),
                "findings": [{"severity": one.severity, "message": one.message} for one in way.findings],
            }
            for way in entry.ways
        ],
    }
