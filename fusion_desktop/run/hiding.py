"""What must not be written down: values a graph refers to, secrets that stand in it, and arguments named like one."""

import contextlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from composite_runtime import secrets
from composite_runtime.errors import FusionError
from composite_runtime.graph.model import Graph, ServerNode, StdioTransport
from composite_runtime.interop import plain_secrets

Json: TypeAlias = Any

_OPEN, _CLOSE = "‹", "›"
HIDDEN = f"{_OPEN}hidden{_CLOSE}"
"""Stands for a value that was not kept, and that nothing refers to."""
_MARK = re.compile(f"{_OPEN}(?:hidden|(?P<kind>env|secret|input):(?P<name>[^{_CLOSE}]*)){_CLOSE}")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# A value nothing but its name can give away.
_OPAQUE = "opaque value"
# Arguments are often called so without being secret; servers' variables and headers are not.
_ORDINARY = frozenset({"key", "keys", "auth", "progress_token"})
_MAYBE = re.compile(
    r'"[^"]*(?:token|secret|pass|pwd|pat|credential|cookie|jwt|bearer|auth|dsn|string|key)s?"\s*:', re.I
)


class Hiding:
    """Knows what must not be seen. `learn` may ask the keyring, so it belongs into a thread of its own."""

    def __init__(self) -> None:
        self._redactor = secrets.Redactor()

    def learn(self, graph: Graph) -> None:
        """Hide from now on what the servers of a graph are given, and what this program was started with."""
        for name, value in os.environ.items():
            if plain_secrets.looks_secret(name, value):
                self._redactor.learn(value, f"{_OPEN}env:{name}{_CLOSE}")
        for node in graph.nodes:
            if isinstance(node, ServerNode):
                self._learn_server(node)

    def hide(self, value: Json, name: str = "") -> Json:
        """Return a JSON value without what must not be seen; what is named like a secret goes whatever it holds."""
        if isinstance(value, str):
            return HIDDEN if value and _names_secret(name) and not _MARK.search(value) else self._redactor.redact(value)
        if isinstance(value, Mapping):
            return {self._redactor.redact(key): self.hide(item, key) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.hide(item, name) for item in value]
        return value

    def hide_arguments(self, value: Json) -> Json:
        """Return what a call was given without what must not be seen, and hide the same in what comes back."""
        for secret in _named_secrets(value, ""):
            self._redactor.learn(secret, HIDDEN)
        return self.hide(value)

    def _learn_server(self, node: ServerNode) -> None:
        for text in _texts(node):
            for reference in secrets.references(text):
                # What has no value cannot be seen either.
                with contextlib.suppress(FusionError):
                    value = secrets.resolve(str(reference), node.id)
                    self._redactor.learn(value, f"{_OPEN}{reference.kind}:{reference.name}{_CLOSE}")
        for plain in plain_secrets.move(node.transport, node.id).secrets:
            self._redactor.learn(plain.value, HIDDEN)


def hidden_lines(lines: Iterable[str]) -> list[str]:
    """Return lines of JSON without what is named like a secret, and without the same value elsewhere in them."""
    hiding, kept = Hiding(), list(lines)
    named = {number: json.loads(line) for number, line in enumerate(kept) if _MAYBE.search(line)}
    for value in named.values():
        hiding.hide_arguments(value)
    return [
        json.dumps(hiding.hide(named[number]), ensure_ascii=False) if number in named else str(hiding.hide(line))
        for number, line in enumerate(kept)
    ]


def has_hidden(value: Json) -> bool:
    """Say whether anything in a JSON value was hidden."""
    return any(_MARK.search(text) for text in _strings(value))


def without_hidden(value: Json) -> Json:
    """Return an object without the members that were hidden, so that a form asks for them again."""
    if isinstance(value, Mapping):
        return {
            key: without_hidden(item)
            for key, item in value.items()
            if not (isinstance(item, str) and _MARK.search(item))
        }
    if isinstance(value, list | tuple):
        return [without_hidden(item) for item in value if not (isinstance(item, str) and _MARK.search(item))]
    return value


def with_references(value: Json, name: str = "") -> Json:
    """Return a JSON value with a reference for all that was hidden; other texts are escaped, so that they stay."""
    if isinstance(value, str):
        return _MARK.sub(lambda mark: _reference(mark, name), secrets.escape(value))
    if isinstance(value, Mapping):
        return {key: with_references(item, key) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [with_references(item, name) for item in value]
    return value


def _reference(mark: re.Match[str], name: str) -> str:
    if mark["kind"] is not None:
        return f"${{{mark['kind']}:{mark['name']}}}"
    variable = re.sub(r"\W+", "_", _HUMP.sub("_", name)).upper() or "SECRET"
    return f"${{env:{variable}}}"


def _names_secret(name: str) -> bool:
    plain = _HUMP.sub("_", name)
    return bool(name) and plain.lower() not in _ORDINARY and plain_secrets.looks_secret(plain, _OPAQUE)


def _named_secrets(value: Json, name: str) -> Iterator[str]:
    if isinstance(value, str) and _names_secret(name):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _named_secrets(item, key)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _named_secrets(item, name)


def _strings(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)


def _texts(node: ServerNode) -> tuple[str, ...]:
    transport = node.transport
    if isinstance(transport, StdioTransport):
        return (transport.command, *transport.args, *transport.env.values(), transport.cwd or "")
    return (transport.url, *transport.headers.values())
