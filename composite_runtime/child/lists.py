"""Read what a child offers, all pages, never trusting a cursor."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from composite_runtime.errors import ChildError
from composite_runtime.provider import Offers
from composite_runtime.wire.headers import invalid_mirror
from composite_runtime.wire.jsonrpc import Json, RpcError
from composite_runtime.wire.link import Link, Timeouts

PAGES = 1000
_PATIENCE = Timeouts(idle_s=30.0, total_s=120.0)
_KEYS = {
    "tools": ("tools/list", "tools", "name"),
    "prompts": ("prompts/list", "prompts", "name"),
    "resources": ("resources/list", "resources", "uri"),
    "templates": ("resources/templates/list", "resourceTemplates", "uriTemplate"),
}
_NEEDS = {"tools": "tools", "prompts": "prompts", "resources": "resources", "templates": "resources"}


async def read_offers(link: Link, complain: Callable[[str], None]) -> Offers:
    """Return everything the child offers; a list it refuses is empty, which is complained about."""
    parts = [part for part, capability in _NEEDS.items() if capability in link.capabilities]
    lists = await asyncio.gather(*(_read(link, part, complain) for part in parts))
    offers: dict[str, Any] = dict(zip(parts, lists, strict=True))
    offers["tools"] = tuple(_callable(offers.get("tools", ()), complain, mirrored=link.mirrors_parameters))
    link.schemas = {tool["name"]: tool.get("inputSchema") for tool in offers.get("tools", ())}
    instructions = link.instructions if isinstance(link.instructions, str) else None
    return Offers(**offers, capabilities=link.capabilities, instructions=instructions)


async def _read(link: Link, part: str, complain: Callable[[str], None]) -> tuple[Json, ...]:
    method, key, name = _KEYS[part]
    entries: list[Json] = []
    cursors: set[str] = set()
    params: Json = {}
    for _ in range(PAGES):
        try:
            page = await link.request(method, params, None, timeouts=_PATIENCE)
        except RpcError as error:
            if part != "templates" or error.code != -32601:  # many servers have resources but never heard of templates
                complain(f"it refused {method}: {error.message}")
            break
        except ChildError as error:
            if part == "tools" or not link.is_open:
                raise
            complain(f"{method}: {error}")  # which must not cost its tools
            break
        entries.extend(_sound(page.get(key), name, lambda text: complain(f"in {method}: {text}")))
        cursor = page.get("nextCursor")
        if not isinstance(cursor, str) or not cursor:
            break
        if cursor in cursors:
            complain(f"it repeats itself in {method}, so its list was cut off")
            break
        cursors.add(cursor)
        params = {"cursor": cursor}
    else:
        complain(f"it has more than {PAGES} pages in {method}, so its list was cut off")
    return tuple(_first_of_each(entries, name))


def _callable(tools: Iterable[Json], complain: Callable[[str], None], *, mirrored: bool) -> Iterator[Json]:
    """Yield the tools that can be called; `mirrored` says that some arguments have to be repeated in HTTP headers."""
    for tool in tools:
        schema = tool.get("inputSchema")
        if not isinstance(schema, dict):
            # Clients that check a list refuse all of it because of one such tool.
            complain(f"its tool {tool['name']} has no input schema, so any object is let through")
            yield {**tool, "inputSchema": {"type": "object"}}
        elif mirrored and (wrong := invalid_mirror(schema)) is not None:
            complain(f"its tool {tool['name']} was left out: {wrong}")
        else:
            yield tool


def _sound(entries: object, name: str, complain: Callable[[str], None]) -> list[Json]:
    """Return the entries that have a name; one that has none must not hide the others."""
    if not isinstance(entries, list):
        complain("there is no list in the answer")
        return []
    sound = [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get(name), str) and entry[name]]
    if len(sound) < len(entries):
        complain(f"{len(entries) - len(sound)} entries without a {name} were left out")
    return sound


def _first_of_each(entries: list[Json], name: str) -> list[Json]:
    seen: dict[str, Json] = {}
    for entry in entries:
        seen.setdefault(entry[name], entry)
    return list(seen.values())
