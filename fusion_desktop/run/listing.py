"""The lists of one server, page by page, as it gave them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from composite_runtime.errors import FusionError
from fusion_desktop.run.frames import JsonObject

if TYPE_CHECKING:
    from fusion_desktop.run.connection import Connection

PAGES = 1000
"""A server that names a next page for ever is stopped here."""


@dataclass(frozen=True)
class Kind:
    """One list a server can offer: its method, the member of the result, and the capability that announces it."""

    method: str
    member: str
    capability: str
    key: str


KINDS = {
    "tools": Kind("tools/list", "tools", "tools", "name"),
    "resources": Kind("resources/list", "resources", "resources", "uri"),
    "templates": Kind("resources/templates/list", "resourceTemplates", "resources", "uriTemplate"),
    "prompts": Kind("prompts/list", "prompts", "prompts", "name"),
}


@dataclass(frozen=True)
class Listing:
    """One list as the server gave it; `broken` describes entries that are not usable, `error` why there is none."""

    items: tuple[JsonObject, ...] = ()
    broken: tuple[str, ...] = ()
    error: str = ""


async def fetched(connection: "Connection", kind: Kind) -> Listing:
    """Return a whole list, page by page; what cannot be used is described instead."""
    if kind.capability not in connection.server.capabilities:
        return Listing()
    items: list[JsonObject] = []
    broken: list[str] = []
    cursor: object = None
    seen: set[object] = set()
    try:
        for _ in range(PAGES):
            page = await connection.request(kind.method, {} if cursor is None else {"cursor": cursor})
            for number, entry in enumerate(page.get(kind.member) or [], len(items) + len(broken) + 1):
                fault = _fault(entry, kind)
                if fault:
                    broken.append(f"Entry {number}: {fault}")
                else:
                    items.append(entry)
            cursor = page.get("nextCursor")
            if not isinstance(cursor, str) or cursor in seen:
                break
            seen.add(cursor)
    except FusionError as error:
        return Listing(tuple(items), tuple(broken), f"{kind.method} failed: {error.message}")
    return Listing(tuple(items), tuple(broken))


def _fault(entry: object, kind: Kind) -> str:
    if not isinstance(entry, dict):
        return f"is no object but {entry!r:.80}"
    if not isinstance(entry.get(kind.key), str):
        return f"has no {kind.key}: {entry!r:.80}"
    if kind.member == "tools" and not isinstance(entry.get("inputSchema"), dict):
        return f"{entry['name']} has no inputSchema"
    return ""
