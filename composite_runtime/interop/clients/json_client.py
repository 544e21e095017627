"""Clients that keep their servers in a JSON object, name by name: nearly all of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from composite_runtime.errors import ConfigError
from composite_runtime.interop.clients.decode import PLAIN, Dialect, decode_server, encode_entry
from composite_runtime.interop.clients.format import ClientFormat, Entry, Reading
from composite_runtime.interop.edit.compare import same
from composite_runtime.interop.edit.json_edit import remove_member, set_member
from composite_runtime.interop.edit.jsonc import Kind, Node, parse

_BOM = "\ufeff"

# What often holds secrets: variables and headers, but also arguments and URLs. Nobody needs those of other servers to
# see what an export changes.
_PRIVATE = {"env", "environment", "envs", "headers", "http_headers", "args", "url", "serverUrl", "auth", "oauth"}

# An entry has one of these only.
_EXCLUSIVE = {"command", "args", "url", "serverUrl", "httpUrl"}


@dataclass(frozen=True, kw_only=True)
class JsonClient(ClientFormat):
    """A client with a JSON object of servers at `container`; the flags say what its own reader puts up with."""

    container: tuple[str, ...] = ("mcpServers",)
    takes_comments: bool = False
    takes_trailing_commas: bool = False
    takes_bom: bool = True
    encode: Callable[[Entry], dict[str, Any]] = encode_entry
    dialect: Dialect = PLAIN

    def read(self, text: str) -> Reading:
        """Return the servers in the object at `container`."""
        document = parse(text.removeprefix(_BOM))
        if document.root is None:
            return Reading()
        found: Any = document.data
        for key in self.container_in(found):
            if not isinstance(found, dict):
                raise ConfigError("the document is not a JSON object")
            found = found.get(key)
            if found is None:
                return Reading()
        return read_servers(found, self.container[-1], self.dialect)

    def container_in(self, data: Any) -> tuple[str, ...]:
        """Return where the servers are in this configuration; `data` is its value."""
        return self.container

    def write(self, text: str, entry: Entry) -> str:
        """Return the text with the entry as the last member of the object at `container`."""
        if reason := self.why_unreadable(text):
            raise ConfigError(f"{self.title} itself cannot read this file: {reason}. Correct that first")
        path = (*self._container_of(text), entry.name)
        present = _value_at(parse(text.removeprefix(_BOM)).data, path)
        if not isinstance(present, dict):
            return set_member(text, path, self.encode(entry))
        # What the user or the client added to the entry, such as tools allowed without asking, stays.
        wanted = self.encode(entry)
        for key, value in wanted.items():
            old = present.get(key)
            new = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
            if not same(old, new):
                text = set_member(text, (*path, key), new)
        for key in (present.keys() & _EXCLUSIVE) - wanted.keys():
            text = remove_member(text, (*path, key))
        return text

    def remove(self, text: str, name: str) -> str:
        """Return the text without the entry; its container stays, even when it is empty then."""
        return remove_member(text, (*self._container_of(text), name))

    def _container_of(self, text: str) -> tuple[str, ...]:
        return self.container_in(parse(text.removeprefix(_BOM)).data)

    def why_unreadable(self, text: str) -> str | None:
        """Return what the client's reader stumbles over."""
        document = parse(text.removeprefix(_BOM))
        if text.startswith(_BOM) and not self.takes_bom:
            return "it begins with a byte order mark"
        if document.comments and not self.takes_comments:
            return f"there is a comment at {document.place(document.comments[0][0])}"
        if document.trailing_commas and not self.takes_trailing_commas:
            return f"there is a comma too many at {document.place(document.trailing_commas[0])}"
        return None

    def masked(self, text: str, name: str) -> str:
        """Return the text with the values in `env`, `headers` and the like hidden, except in our own entry."""
        document = parse(text.removeprefix(_BOM))
        if document.root is None:
            return text
        hidden = list(_private_values(document.root, (*self._container_of(text), name)))
        shown = document.text
        for node in sorted(hidden, key=lambda node: node.start, reverse=True):
            shown = f'{shown[: node.start]}"…"{shown[node.end :]}'
        return shown


def read_servers(found: Any, container: str, dialect: Dialect) -> Reading:
    """Return the servers in an object that maps names to descriptions; a bad one does not hide the others."""
    if not isinstance(found, dict):
        raise ConfigError(f"{container!r} is not an object that maps names to servers")
    servers, problems = [], []
    for name, raw in found.items():
        if not isinstance(raw, dict):
            problems.append(f"{name!r} is not the description of a server")
            continue
        try:
            servers.append(decode_server(name, raw, dialect))
        except ConfigError as error:
            problems.append(f"{name!r}: {error}")
    return Reading(tuple(servers), tuple(problems))


def _value_at(data: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _private_values(node: Node, kept: tuple[str, ...], *, is_private: bool = False) -> Iterator[Node]:
    """Yield the scalars below `node` that may be secret, except those below the path `kept`."""
    if node.kind is Kind.SCALAR:
        if is_private:
            yield node
        return
    for item in node.items:
        yield from _private_values(item, (), is_private=is_private)
    for member in node.members:
        is_on_path = bool(kept) and member.key == kept[0]
        if is_on_path and len(kept) == 1:
            continue
        rest = kept[1:] if is_on_path else ()
        yield from _private_values(member.value, rest, is_private=is_private or member.key in _PRIVATE)
