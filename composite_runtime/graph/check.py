"""What is wrong with a graph, in words, with what helps. A problem is a result, never raised."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from composite_runtime.errors import GraphError
from composite_runtime.graph.bypass import without_bypassed
from composite_runtime.graph.model import CompositeNode, Graph, Limits, ServerNode, StdioTransport
from composite_runtime.graph.naming import NAME_LIMIT, namespace_of, qualified
from composite_runtime.graph.nesting import circles

_USUAL_BYTES = 64 * 1024


class Level(StrEnum):
    """How bad a problem is: an error keeps the graph from running."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: which rule, on which node, in which words, and what to do about it."""

    level: Level
    rule: str
    node: str | None
    message: str
    fix: str


def check(graph: Graph, tools: Mapping[str, Sequence[str]] | None = None) -> list[Problem]:
    """Return what is wrong with the graph, errors first.

    `tools` holds the tool names each server node is known to offer, by node id; with it, clashes and lengths of public
    names are checked as a client would meet them.
    """
    found = [problem for rule in _RULES for problem in rule(graph)]
    if not any(problem.rule in {"cycle", "duplicate-id"} for problem in found):
        # Only now, for names that pass through a circle have no end.
        meant = without_bypassed(graph, *(root.id for root in graph.roots()))
        found.extend(_namespaces(meant))
        found.extend(_public_names(meant, tools) if tools else ())
    return sorted(found, key=lambda problem: problem.level is not Level.ERROR)


def served_composite(graph: Graph, wanted: str | None = None) -> CompositeNode:
    """Return the composite to serve: the one `wanted` by id or name, else the only one that is nobody's member.

    Raises:
        GraphError: there is no such composite, or there are several candidates; they are listed.
    """
    composites = [node for node in graph.nodes if isinstance(node, CompositeNode)]
    if wanted is not None:
        exact = [node for node in composites if node.id == wanted] or [
            node for node in composites if node.name == wanted
        ]
        if len(exact) == 1:
            return exact[0]
        raise GraphError(f"there is no single composite {wanted!r} in {graph.name!r}; it has {_listed(composites)}")
    roots = [node for node in graph.roots() if node.enabled]
    if len(roots) == 1:
        return roots[0]
    if not roots:
        raise GraphError(f"{graph.name!r} has no composite that could be served; draw one and put servers into it")
    raise GraphError(f"{graph.name!r} has several composites to serve: choose one of {_listed(roots)}")


def _listed(composites: Sequence[CompositeNode]) -> str:
    return ", ".join(f"{node.name!r} (id {node.id})" for node in composites) or "none"


def _duplicate_ids(graph: Graph) -> Iterator[Problem]:
    ids = Counter(node.id for node in (*graph.nodes, *graph.annotations))
    for node_id, count in ids.items():
        if count > 1:
            # Frames and notes share the layout with nodes.
            message = f"{count} nodes, frames or notes have the id {node_id!r}"
            yield Problem(Level.ERROR, "duplicate-id", node_id, message, "Give each an id of its own.")


def _dangling_edges(graph: Graph) -> Iterator[Problem]:
    for edge in graph.edges:
        for end in (edge.source, edge.target):
            if graph.node(end) is None:
                other = edge.target if end == edge.source else edge.source
                message = f"the edge from {edge.source!r} to {edge.target!r} has no node {end!r}"
                yield Problem(
                    Level.ERROR,
                    "dangling-edge",
                    other if graph.node(other) else None,
                    message,
                    "Remove the edge, or add the node.",
                )


def _edges_into_servers(graph: Graph) -> Iterator[Problem]:
    for edge in graph.edges:
        target = graph.node(edge.target)
        if isinstance(target, ServerNode):
            message = f"{target.name} is a server, so {edge.source!r} cannot be its member"
            yield Problem(Level.ERROR, "edge-into-server", target.id, message, "Connect it to a composite instead.")


def _repeated_edges(graph: Graph) -> Iterator[Problem]:
    for (source, target), count in Counter((edge.source, edge.target) for edge in graph.edges).items():
        if count > 1:
            message = f"{source!r} is a member of {target!r} {count} times"
            yield Problem(Level.ERROR, "repeated-edge", source, message, "Keep one of the edges.")


def _cycles(graph: Graph) -> Iterator[Problem]:
    for circle in circles(graph.edges):
        names = [node.name for node in graph.nodes if node.id in circle] or sorted(circle)
        message = f"{' and '.join(names)} contain each other" if len(circle) > 1 else f"{names[0]} contains itself"
        yield Problem(Level.ERROR, "cycle", min(circle), message, "Remove one of the edges between them.")


def _transports(graph: Graph) -> Iterator[Problem]:
    for node in graph.nodes:
        if not isinstance(node, ServerNode):
            continue
        if isinstance(node.transport, StdioTransport):
            if not node.transport.command.strip():
                yield Problem(
                    Level.ERROR,
                    "empty-command",
                    node.id,
                    f"{node.name} has no command",
                    "Enter the command that starts the server.",
                )
        elif not _is_url(node.transport.url):
            message = f"{node.name} has no usable URL: {node.transport.url!r}"
            yield Problem(Level.ERROR, "bad-url", node.id, message, "Enter a URL that starts with http:// or https://.")


def _client_secrets(graph: Graph) -> Iterator[Problem]:
    for node in graph.nodes:
        transport = node.transport if isinstance(node, ServerNode) else None
        auth = None if transport is None or isinstance(transport, StdioTransport) else transport.auth
        if auth is None:
            continue
        if auth.client_secret and not _REFERENCE.fullmatch(auth.client_secret):
            message = f"the client secret of {node.name} stands in the graph as plain text"
            fix = "Store it as a secret, and write ${secret:NAME} instead."
            yield Problem(Level.WARNING, "plain-secret", node.id, message, fix)
        if auth.client_secret and not auth.issuer:
            message = f"the client secret of {node.name} goes to whichever authorization server {node.name} names"
            fix = "Enter the issuer it belongs to in the transport's auth."
            yield Problem(Level.WARNING, "any-issuer", node.id, message, fix)
        if auth.grant == "client_credentials" and not (auth.client_id and auth.client_secret):
            message = f"{node.name} is to sign in by itself, and has no client id and client secret to do it with"
            yield Problem(Level.WARNING, "no-client", node.id, message, "Enter both in its transport's auth.")


_REFERENCE = re.compile(r"\$\{(secret|env|input):[^}]+\}")


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _limits(graph: Graph) -> Iterator[Problem]:
    for node in graph.nodes:
        limits = node.limits
        nothing = [name for name in type(limits).model_fields if getattr(limits, name) <= 0]
        for name in nothing:
            message = f"the limit {name} of {node.name} is {getattr(limits, name):g}, so nothing could pass"
            yield Problem(Level.ERROR, "bad-limit", node.id, message, "Enter a number above 0, or remove the limit.")
        if nothing:
            continue
        if isinstance(limits, Limits) and limits.idle_s > limits.total_s:
            message = (
                f"a call of {node.name} ends after {limits.total_s:g} s, before idle_s ({limits.idle_s:g} s) is over"
            )
            yield Problem(Level.WARNING, "bad-limit", node.id, message, "Make idle_s shorter than total_s.")
        if limits.message_bytes < _USUAL_BYTES:
            message = f"{node.name} may not use messages above {limits.message_bytes} bytes, and a usual list is longer"
            yield Problem(Level.WARNING, "bad-limit", node.id, message, f"Allow {_USUAL_BYTES} bytes or more.")


def _lonely(graph: Graph) -> Iterator[Problem]:
    for node in graph.nodes:
        if isinstance(node, CompositeNode) and not graph.members(node.id):
            yield Problem(
                Level.WARNING, "empty-composite", node.id, f"{node.name} has no members", "Drop a server into it."
            )
        if isinstance(node, ServerNode) and not graph.memberships(node.id):
            yield Problem(
                Level.WARNING,
                "unused-server",
                node.id,
                f"{node.name} is in no composite, so no client sees it",
                "Drag it into a composite.",
            )


def _bypassed_roots(graph: Graph) -> Iterator[Problem]:
    for node in graph.roots():
        if node.bypassed:
            message = f"{node.name} is bypassed, but it is in no composite that could offer its members instead"
            yield Problem(Level.WARNING, "bypassed-root", node.id, message, "Switch the bypass off.")


def _namespaces(graph: Graph) -> Iterator[Problem]:
    for composite in graph.nodes:
        seen: dict[str, str] = {}
        for edge in graph.members(composite.id):
            node = graph.node(edge.source)
            if node is None or not node.enabled:
                continue
            namespace = namespace_of(graph, edge)
            if len(namespace) >= NAME_LIMIT:
                message = f"the namespace of {node.name} has {len(namespace)} characters; a name may have {NAME_LIMIT}"
                yield Problem(Level.ERROR, "long-name", node.id, message, "Give it a shorter namespace.")
            if namespace and namespace in seen:
                message = f"{node.name} and {seen[namespace]} are both called {namespace!r} in {composite.name}"
                yield Problem(Level.WARNING, "name-clash", node.id, message, "Give one of them another namespace.")
            seen.setdefault(namespace, node.name)


_RULES = (
    _duplicate_ids,
    _dangling_edges,
    _edges_into_servers,
    _repeated_edges,
    _cycles,
    _transports,
    _client_secrets,
    _limits,
    _bypassed_roots,
    _lonely,
)


def _public_names(graph: Graph, tools: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    for composite in graph.nodes:
        if not isinstance(composite, CompositeNode):
            continue
        owners: dict[str, str] = {}
        for name, server in _names_in(graph, composite.id, tools):
            if len(name) > NAME_LIMIT:
                message = f"{name} in {composite.name} is shortened: many clients accept {NAME_LIMIT} characters"
                yield Problem(Level.WARNING, "long-name", server, message, "Give the member a shorter namespace.")
            if name in owners and owners[name] != server:
                message = f"two members of {composite.name} offer {name}; the later one gets a number"
                yield Problem(Level.WARNING, "name-clash", server, message, "Give one of them another namespace.")
            owners.setdefault(name, server)


def _names_in(graph: Graph, node_id: str, tools: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Yield each public tool name of a node with the id of the server that offers it."""
    node = graph.node(node_id)
    if node is None or not node.enabled:
        return
    if isinstance(node, ServerNode):
        yield from ((name, node.id) for name in tools.get(node.id, ()))
        return
    for edge in graph.members(node_id):
        for name, server in _names_in(graph, edge.source, tools):
            yield qualified(namespace_of(graph, edge), name), server
