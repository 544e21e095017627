"""What must not be written down: values a graph refers to, secrets that stand in it, and arguments named like one."""

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from composite_runtime import secrets
from composite_runtime.auth import store
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
    r'"[^"]*(?:token|secret|pass|pwd|pat|credential|cookie|jwt|bearer|auth|dsn|string|key)s?\\?"\s*:', re.I
)
_HIDING_SCHEMA = re.compile(r'"format"\s*:\s*"password"|"writeOnly"\s*:\s*true')
_SCHEMA = frozenset({"type", "$ref", "anyOf", "oneOf", "allOf", "enum", "const"})
_LONGEST = 1_000_000
"""A longer text is not read as JSON."""
_DIGITS = 6
"""A number with fewer digits says nothing."""


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

    def hide(self, value: Json) -> Json:
        """Return a JSON value without what must not be seen; what is named like a secret goes whatever it holds."""
        return _hidden(value, self._redactor.redact, frozenset())

    def hide_arguments(self, value: Json, names: frozenset[str] = frozenset()) -> Json:
        """Return what a call was given without what must not be seen, and hide the same in what comes back.

        `names` are members that are secret because a schema says so.
        """
        for secret in _secrets_in(value, names):
            self.learn_value(secret)
        return _hidden(value, self._redactor.redact, names)

    def hide_answer(self, value: Json) -> Json:
        """Return what a server said without what must not be seen, or what it calls a secret and repeats elsewhere."""
        own = secrets.Redactor()
        for secret in _secrets_in(value, frozenset()):
            own.learn(secret, HIDDEN)
        return _hidden(value, lambda text: own.redact(self._redactor.redact(text)), frozenset())

    def learn_value(self, value: str) -> None:
        """Hide one value from now on."""
        self._redactor.learn(value, HIDDEN)

    def redact(self, text: str) -> str:
        """Return a text without what must not be seen."""
        return self._redactor.redact(text)

    def _learn_server(self, node: ServerNode) -> None:
        for text in _texts(node):
            for reference in secrets.references(text):
                # What has no value cannot be seen either.
                with contextlib.suppress(FusionError):
                    value = secrets.resolve(str(reference), node.id)
                    self._redactor.learn(value, f"{_OPEN}{reference.kind}:{reference.name}{_CLOSE}")
        for plain in plain_secrets.move(node.transport, node.id).secrets:
            self._redactor.learn(plain.value, HIDDEN)
        if not isinstance(node.transport, StdioTransport):
            with contextlib.suppress(FusionError):
                grant = store.fetch(node.transport.url)
                for token in grant.secrets if grant is not None else ():
                    self._redactor.learn(token, HIDDEN)


def hidden_lines(lines: Iterable[str]) -> list[str]:
    """Return lines of JSON without what is named like a secret, and without the same value elsewhere in them."""
    hiding, kept = Hiding(), list(lines)
    names = frozenset().union(*(secret_names(json.loads(line)) for line in kept if _HIDING_SCHEMA.search(line)))
    asked = re.compile("|".join(f'"{re.escape(name)}"' for name in sorted(names)) or "(?!)")
    holding = set()
    for number, line in enumerate(kept):
        if _MAYBE.search(line) or asked.search(line) or any(True for _ in plain_secrets.within(line)):
            for secret in _secrets_in(json.loads(line), names):
                hiding.learn_value(secret)
                holding.add(number)
    return [
        json.dumps(_hidden(json.loads(line), hiding.redact, names), ensure_ascii=False)
        if number in holding
        else hiding.redact(line)
        for number, line in enumerate(kept)
    ]


def secret_names(schema: Json) -> frozenset[str]:
    """Return the members that a schema, or any schema in a JSON value, wants nobody to see."""
    return frozenset(_marked(schema))


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


def has_references(value: Json) -> bool:
    """Say whether a text anywhere in a JSON value refers to something."""
    return any(secrets.references(text) for text in _strings(value))


def without_references(value: Json) -> Json:
    """Return what `with_references` was made of, without what was hidden, so that a form asks for that."""
    if isinstance(value, str):
        return secrets.unescape(value)
    if isinstance(value, Mapping):
        return {key: without_references(item) for key, item in value.items() if not _refers(item)}
    if isinstance(value, list | tuple):
        return [without_references(item) for item in value if not _refers(item)]
    return value


def _refers(value: Json) -> bool:
    return isinstance(value, str) and bool(secrets.references(value))


def _reference(mark: re.Match[str], name: str) -> str:
    if mark["kind"] is not None:
        return f"${{{mark['kind']}:{mark['name']}}}"
    variable = re.sub(r"\W+", "_", _HUMP.sub("_", name)).upper() or "SECRET"
    return f"${{env:{variable}}}"


@lru_cache(maxsize=4096)
def _names_secret(name: str) -> bool:
    plain = _HUMP.sub("_", name)
    return bool(name) and plain.lower() not in _ORDINARY and plain_secrets.looks_secret(plain, _OPAQUE)


def _secrets_in(value: Json, names: frozenset[str], *, is_secret: bool = False) -> Iterator[str]:
    """Yield the texts that are secret by their name, by a name around them, or by what they look like."""
    if isinstance(value, str):
        if is_secret:
            yield value
            return
        yield from plain_secrets.within(value)
        inner = _json_in(value)
        if inner is not None:
            yield from _secrets_in(inner, names)
    elif isinstance(value, dict | Mapping):
        for key, item in value.items():
            yield from _secrets_in(item, names, is_secret=_is_secret(key, item, names, is_around=is_secret))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secrets_in(item, names, is_secret=is_secret)
    elif is_secret and _is_number(value):
        yield str(value)


def _hidden(value: Json, redact: Callable[[str], str], names: frozenset[str], *, is_secret: bool = False) -> Json:
    if isinstance(value, str):
        return HIDDEN if value and is_secret and not _MARK.search(value) else redact(value)
    if isinstance(value, Mapping):
        return {
            redact(key): _hidden(item, redact, names, is_secret=_is_secret(key, item, names, is_around=is_secret))
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_hidden(item, redact, names, is_secret=is_secret) for item in value]
    return HIDDEN if is_secret and _is_number(value) else value


def _is_secret(name: str, value: Json, names: frozenset[str], *, is_around: bool) -> bool:
    # What a schema says of a password is no password.
    return (is_around or name in names or _names_secret(name)) and not (
        isinstance(value, Mapping) and not _SCHEMA.isdisjoint(value)
    )


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and len(str(value)) >= _DIGITS


def _json_in(text: str) -> Json:
    """Return the object or list that a text is, if anything in it may be named like a secret."""
    if text.lstrip()[:1] not in ("{", "[") or len(text) > _LONGEST or not _MAYBE.search(text):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _marked(value: Json) -> Iterator[str]:
    if isinstance(value, Mapping):
        properties = value.get("properties")
        for name, part in properties.items() if isinstance(properties, Mapping) else ():
            if isinstance(part, Mapping) and (part.get("format") == "password" or part.get("writeOnly") is True):
                yield str(name)
        for item in value.values():
            yield from _marked(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _marked(item)


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
