"""From public names to the members that own them: a pure function of what the members offer."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from composite_runtime.graph.naming import qualified
from composite_runtime.provider import Offers, Provider
from composite_runtime.surface.names import unique
from composite_runtime.wire.jsonrpc import Json

_SCHEME = "fusion://"
# Hosts know an interactive app by its scheme, so one that is moved keeps it (MCP Apps, resource discovery).
_APP = "ui://"
_MOVED_APP = f"{_APP}fusion~"
# Where the definition of a tool names the app that shows its results: now, before, and in another dialect.
_APP_KEYS = ("ui/resourceUri", "openai/outputTemplate")


@dataclass(frozen=True, slots=True)
class Member:
    """A provider as a member of a composite: what it is called there."""

    namespace: str
    provider: Provider


@dataclass(frozen=True, slots=True)
class Route:
    """Where a public name leads: to which member, and what it calls it."""

    member: Member
    name: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything a composite offers, and the way to each part of it."""

    offers: Offers
    tools: Mapping[str, Route]
    prompts: Mapping[str, Route]
    resources: Mapping[str, Route]
    templates: tuple[tuple[tuple[str, ...], Route], ...]
    readers: tuple[Member, ...]
    members: tuple[Member, ...]
    starting: tuple[Member, ...]
    prefixes: Mapping[Member, str]

    def is_certain(self, name: str, owner: Member) -> bool:
        """Say whether no earlier member, which is still starting, could turn out to be the one the name belongs to."""
        before = takewhile(lambda member: member is not owner, self.members)
        rivals = (member for member in before if member in self.starting)
        return not any(not rival.namespace or name.startswith(f"{rival.namespace}_") for rival in rivals)

    def resource(self, uri: str) -> Route | None:
        """Return the way to a resource by its public URI; None when nobody is known to have it."""
        if route := self.resources.get(uri):
            return route
        if _is_moved(uri):
            before = {member: _prefix(self.prefixes[member], uri) for member in self.readers}
            fitting = (member for member in self.readers if uri.startswith(before[member]))
            owner = max(fitting, key=lambda member: len(before[member]), default=None)
            app = _APP if uri.startswith(_MOVED_APP) else ""
            return None if owner is None else Route(owner, app + uri.removeprefix(before[owner]))
        return next((Route(route.member, uri) for literals, route in self.templates if _fits(uri, literals)), None)

    def public_uri(self, member: Member, uri: str) -> str:
        """Return the URI by which clients reach a member's resource: its own, unless that leads elsewhere."""
        owner = self.resources.get(uri)
        is_free = owner is None or owner.member is member
        return uri if is_free and not _is_moved(uri) else self.moved(member, uri)

    def moved(self, member: Member, uri: str) -> str:
        """Return a member's URI in the form that cannot be another member's."""
        return _moved(self.prefixes[member], uri)


def _is_moved(uri: str) -> bool:
    return uri.startswith((_SCHEME, _MOVED_APP))


def _prefix(prefix: str, uri: str) -> str:
    """Return what stands before a member's URIs of this kind once they are moved."""
    return _MOVED_APP + prefix.removeprefix(_SCHEME) if uri.startswith(_APP) else prefix


def _moved(prefix: str, uri: str) -> str:
    return _prefix(prefix, uri) + uri.removeprefix(_APP)


def build(offered: Sequence[tuple[Member, Offers]]) -> Catalog:
    """Return the catalog of members, in their order: where two clash, the earlier keeps the name."""
    prefixes = _prefixes([member for member, _ in offered])
    tools, tool_routes = _named(offered, lambda offers: offers.tools)
    prompts, prompt_routes = _named(offered, lambda offers: offers.prompts)
    resources, resource_routes = _located(offered, prefixes)
    templates, template_routes = _templated(offered, prefixes)
    tools = [_with_own_app(tool, tool_routes[tool["name"]].member, resource_routes, prefixes) for tool in tools]
    return Catalog(
        offers=Offers(
            tools=tuple(tools),
            prompts=tuple(prompts),
            resources=tuple(resources),
            templates=tuple(templates),
            capabilities=_united(offers.capabilities for _, offers in offered),
            instructions=_instructions(offered),
            complete=all(offers.complete for _, offers in offered),
        ),
        tools=tool_routes,
        prompts=prompt_routes,
        resources=resource_routes,
        templates=tuple(template_routes),
        readers=tuple(
            member for member, offers in offered if "resources" in offers.capabilities or not offers.complete
        ),
        members=tuple(member for member, _ in offered),
        starting=tuple(member for member, offers in offered if not offers.complete),
        prefixes=prefixes,
    )


def _prefixes(members: Iterable[Member]) -> dict[Member, str]:
    """Return what stands before each member's URIs once they are moved, no two alike.

    What begins like that already, as a nested composite's may, is moved always: then the first name after the scheme is
    one of ours for certain.
    """
    prefixes: dict[Member, str] = {}
    for member in members:
        name = member.namespace or member.provider.node
        taken = prefixes.values()
        names = (name, *(f"{name}~{number}" for number in range(2, len(prefixes) + 2)))
        prefixes[member] = next(prefix for each in names if (prefix := f"{_SCHEME}{each}/") not in taken)
    return prefixes


def _named(
    offered: Iterable[tuple[Member, Offers]], part: Callable[[Offers], tuple[Json, ...]]
) -> tuple[list[Json], dict[str, Route]]:
    entries: list[Json] = []
    routes: dict[str, Route] = {}
    for member, offers in offered:
        for entry in part(offers):
            name = unique(qualified(member.namespace, entry["name"]), routes)
            routes[name] = Route(member, entry["name"])
            entries.append(entry if name == entry["name"] else {**entry, "name": name})
    return entries, routes


def _located(
    offered: Iterable[tuple[Member, Offers]], prefixes: Mapping[Member, str]
) -> tuple[list[Json], dict[str, Route]]:
    entries: list[Json] = []
    routes: dict[str, Route] = {}
    for member, offers in offered:
        for entry in offers.resources:
            own = entry["uri"]
            uri = _moved(prefixes[member], own) if own in routes or _is_moved(own) else own
            if uri not in routes:
                routes[uri] = Route(member, own)
                entries.append(entry if uri == own else {**entry, "uri": uri})
    return entries, routes


def _templated(
    offered: Iterable[tuple[Member, Offers]], prefixes: Mapping[Member, str]
) -> tuple[list[Json], list[tuple[tuple[str, ...], Route]]]:
    entries: list[Json] = []
    routes: list[tuple[tuple[str, ...], Route]] = []
    seen: set[str] = set()
    for member, offers in offered:
        for entry in offers.templates:
            own = entry["uriTemplate"]
            template = _moved(prefixes[member], own) if own in seen or _is_moved(own) else own
            if template not in seen:
                seen.add(template)
                routes.append((_literals(template), Route(member, own)))
                entries.append(entry if template == own else {**entry, "uriTemplate": template})
    return entries, routes


def _with_own_app(tool: Json, member: Member, routes: dict[str, Route], prefixes: Mapping[Member, str]) -> Json:
    """Return a tool whose app is its own server's, also where another one lists one of the same address."""
    meta = tool.get("_meta")
    if not isinstance(meta, dict):
        return tool

    def own(uri: object) -> object:
        if not isinstance(uri, str) or not uri.startswith(_APP):
            return uri
        owner = routes.get(uri)
        is_free = owner is None or owner.member is member
        return uri if is_free and not _is_moved(uri) else _moved(prefixes[member], uri)

    changed = {key: own(value) if key in _APP_KEYS else value for key, value in meta.items()}
    if isinstance(ui := meta.get("ui"), dict) and "resourceUri" in ui:
        changed["ui"] = {**ui, "resourceUri": own(ui["resourceUri"])}
    return tool if changed == meta else {**tool, "_meta": changed}


def _literals(template: str) -> tuple[str, ...]:
    """Return what stands between the variables of a URI template (RFC 6570)."""
    return tuple(re.split(r"\{[^{}]*\}", template))


def _fits(uri: str, literals: tuple[str, ...]) -> bool:
    """Say whether a URI may be an expansion of a template.

    Not by a regular expression: a child could write a template that takes a year to match.
    """
    if len(literals) == 1:
        return uri == literals[0]
    first, *middle, last = literals
    position, end = len(first), len(uri) - len(last)
    if end < position or not uri.startswith(first) or not uri.endswith(last):
        return False
    for literal in middle:
        found = uri.find(literal, position, end)
        if found < 0:
            return False
        position = found + len(literal)
    return True


def _united(all_capabilities: Iterable[Json]) -> Json:
    """Return what at least one member can do."""
    united: Json = {}
    for capabilities in all_capabilities:
        for name, value in capabilities.items():
            before = united.get(name)
            united[name] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value
    return united


def _instructions(offered: Iterable[tuple[Member, Offers]]) -> str | None:
    notes = [
        f"{member.namespace}: {offers.instructions}" if member.namespace else offers.instructions
        for member, offers in offered
        if offers.instructions
    ]
    return "\n\n".join(notes) or None


def links(result: Any) -> Iterator[Json]:
    """Yield the parts of a result that hold the URI of a resource."""
    if not isinstance(result, dict):
        return
    for part in _parts(result):
        if not isinstance(part, dict):
            continue
        if part.get("type") == "resource_link" and isinstance(part.get("uri"), str):
            yield part
        elif part.get("type") == "resource" and isinstance(part.get("resource"), dict):
            yield part["resource"]


def _parts(result: Json) -> Iterator[Any]:
    content = result.get("content")
    if isinstance(content, list):
        yield from content
    messages = result.get("messages")
    if isinstance(messages, list):
        yield from (message.get("content") for message in messages if isinstance(message, dict))


def with_public_links(result: Json, public: Callable[[str], str]) -> Json:
    """Return the result with each link replaced by its public form; the same object when none changes."""
    if all(public(link["uri"]) == link["uri"] for link in links(result) if isinstance(link.get("uri"), str)):
        return result

    def block(part: Any) -> Any:
        if isinstance(part, dict) and part.get("type") == "resource_link" and isinstance(part.get("uri"), str):
            return {**part, "uri": public(part["uri"])}
        resource = part.get("resource") if isinstance(part, dict) and part.get("type") == "resource" else None
        if isinstance(resource, dict) and isinstance(resource.get("uri"), str):
            return {**part, "resource": {**resource, "uri": public(resource["uri"])}}
        return part

    changed = dict(result)
    if isinstance(result.get("content"), list):
        changed["content"] = [block(part) for part in result["content"]]
    if isinstance(result.get("messages"), list):
        changed["messages"] = [
            {**message, "content": block(message.get("content"))} if isinstance(message, dict) else message
            for message in result["messages"]
        ]
    return changed
