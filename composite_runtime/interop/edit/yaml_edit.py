"""Add, replace or remove one entry of a YAML mapping or list as whole lines; what comes out is parsed and compared.

New values are written as JSON, which YAML understands, so that no word is taken for a boolean or a number.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from composite_runtime.errors import ConfigError
from composite_runtime.interop.edit.compare import same
from composite_runtime.interop.edit.lines import line_end_of, lines_of

_BOM = "\ufeff"
_PLAIN_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_NOT_PRINTABLE = re.compile("[\\x7f-\\x9f\\u2028\\u2029\\ufeff\\ufffe\\uffff]")
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}


def load(text: str) -> Any:
    """Return the value of a YAML text; raise `ConfigError` with line and column when it is none."""
    try:
        return yaml.safe_load(text.removeprefix(_BOM))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError(f"{error.problem or error.context or 'this is not YAML'}{where}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"this is not YAML: {str(error).splitlines()[0]}") from None


def set_entry(text: str, parent: str, name: str, value: Mapping[str, Any]) -> str:
    """Return the text in which the mapping `parent` holds `value` under `name`; raise `ConfigError` if not safe."""
    return _edited(text, _Mapping(parent, name), value)


def remove_entry(text: str, parent: str, name: str) -> str:
    """Return the text without the entry; raise as `set_entry`."""
    return _edited(text, _Mapping(parent, name), None)


def set_item(text: str, parent: str, name: str, value: Mapping[str, Any]) -> str:
    """Return the text in which the list `parent` has `value` as the item called `name`; raise as `set_entry`."""
    return _edited(text, _List(parent, name), {"name": name, **value})


def remove_item(text: str, parent: str, name: str) -> str:
    """Return the text without the item called `name`; raise as `set_entry`."""
    return _edited(text, _List(parent, name), None)


@dataclass(frozen=True)
class _Mapping:
    """Entries are the members of a mapping."""

    parent: str
    name: str
    kind = "a mapping of names"
    empty = "{}"

    def entries(self, node: yaml.Node) -> list[tuple[Any, yaml.Node, yaml.Node]] | None:
        """Return the name, first and last node of each entry; None if the node has none such."""
        if not isinstance(node, yaml.MappingNode):
            return None
        return [(key.value, key, value) for key, value in node.value]

    def changed(self, data: Any, value: Mapping[str, Any] | None) -> Any:
        """Return what the parsed value must be afterwards."""
        others = {key: item for key, item in (data or {}).items() if key != self.name}
        return others if value is None else {**others, self.name: dict(value)}

    def lines(self, value: Mapping[str, Any], indent: str) -> list[str]:
        """Return the lines of a new entry."""
        is_plain = _PLAIN_KEY.fullmatch(self.name) and self.name.lower() not in _WORDS
        key = self.name if is_plain else _scalar(self.name)
        return [f"{indent}{key}:", *(f"{indent}  {line}" for line in _members(value))]

    def inline(self, value: Mapping[str, Any]) -> str:
        """Return a new entry for a mapping that is written on one line."""
        return f"{_scalar(self.name)}: {_scalar(value)}"


@dataclass(frozen=True)
class _List:
    """Entries are the items of a list, each with its `name`."""

    parent: str
    name: str
    kind = "a list"
    empty = "[]"

    def entries(self, node: yaml.Node) -> list[tuple[Any, yaml.Node, yaml.Node]] | None:
        """Return the name, first and last node of each item; None if the node has none."""
        if not isinstance(node, yaml.SequenceNode):
            return None
        return [(self._name(item), item, item) for item in node.value]

    def _name(self, item: yaml.Node) -> Any:
        pairs = item.value if isinstance(item, yaml.MappingNode) else []
        return next((value.value for key, value in pairs if key.value == "name"), None)

    def changed(self, data: Any, value: Mapping[str, Any] | None) -> Any:
        """Return what the parsed value must be afterwards."""
        others = [item for item in data or [] if not (isinstance(item, dict) and item.get("name") == self.name)]
        return others if value is None else [dict(value), *others]

    def lines(self, value: Mapping[str, Any], indent: str) -> list[str]:
        """Return the lines of a new item."""
        first, *rest = _members(value)
        return [f"{indent}- {first}", *(f"{indent}  {line}" for line in rest)]

    def inline(self, value: Mapping[str, Any]) -> str:
        """Return a new item for a list that is written on one line."""
        return _scalar(value)


def _members(value: Mapping[str, Any]) -> list[str]:
    return [f"{key}: {_scalar(item)}" for key, item in value.items()]


def _scalar(value: Any) -> str:
    # Characters that JSON leaves as they are and YAML does not allow.
    return _NOT_PRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))


def _edited(text: str, box: _Mapping | _List, value: Mapping[str, Any] | None) -> str:
    if text.startswith(_BOM):
        return _BOM + _edited(text[1:], box, value)
    data = load(text)
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise ConfigError("the document is not a mapping")
    new, row = _Edit(text, box).without()
    expected = {**data, box.parent: box.changed(data.get(box.parent), value)}
    if value is not None:
        new = _Edit(new, box).with_entry(value, row)
    elif row is None:
        return text
    got = load(new)
    # An empty mapping, an empty list and nothing are the same to the programs concerned.
    if not same(
        {**got, box.parent: got.get(box.parent) or None}, {**expected, box.parent: expected[box.parent] or None}
    ):
        raise ConfigError(f"{box.parent!r} is laid out in a way that cannot be changed safely; change it by hand")
    return new


class _Edit:
    """A text with the place of its entries."""

    def __init__(self, text: str, box: _Mapping | _List) -> None:
        self._text = text
        self._box = box
        self._lines = lines_of(text)
        self._line_end = line_end_of(text)
        self._key, self._node = self._find()
        self._entries = self._known_entries()

    def _find(self) -> tuple[yaml.Node | None, yaml.Node | None]:
        root = yaml.compose(self._text, Loader=yaml.SafeLoader)
        pairs = root.value if isinstance(root, yaml.MappingNode) else []
        found = [(key, value) for key, value in pairs if key.value == self._box.parent]
        if len(found) > 1:
            raise ConfigError(f"{self._box.parent!r} is written twice, again at line {found[1][0].start_mark.line + 1}")
        return found[0] if found else (None, None)

    def _known_entries(self) -> list[tuple[Any, yaml.Node, yaml.Node]]:
        node = self._node
        if node is None or (isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null")):
            return []
        entries = self._box.entries(node)
        if entries is None:
            where = f"line {node.start_mark.line + 1}, column {node.start_mark.column + 1}"
            raise ConfigError(f"{self._box.parent!r} is not {self._box.kind} at {where}")
        names = [name for name, _, _ in entries]
        if names.count(self._box.name) > 1:
            raise ConfigError(f"{self._box.name!r} is written twice in {self._box.parent!r}: keep one")
        return entries

    def without(self) -> tuple[str, int | None]:
        """Return the text without the entry, and the line where it began."""
        for index, (name, first, last) in enumerate(self._entries):
            if name == self._box.name:
                if self._node is not None and getattr(self._node, "flow_style", False):
                    return self._without_inline(index), first.start_mark.line
                start, end = first.start_mark.line, _last_line(last)
                rest = "".join([*self._lines[:start], *self._lines[end + 1 :]])
                return (rest if len(self._entries) > 1 else self._emptied(start, end)), start
        return self._text, None

    def _emptied(self, start: int, end: int) -> str:
        """Return the text without its only entry; the parent says that it is empty, or it would mean nothing."""
        assert self._key is not None
        head = self._lines[self._key.start_mark.line]
        body = head.rstrip("\r\n")
        match = re.match(r"(.*?:)(\s*#.*)?$", body)
        if match is None:
            raise ConfigError(f"{self._box.parent!r} is laid out in a way that cannot be changed safely")
        said = f"{match[1]} {self._box.empty}{match[2] or ''}{head[len(body) :]}"
        before = self._lines[: self._key.start_mark.line]
        between = self._lines[self._key.start_mark.line + 1 : start]
        return "".join([*before, said, *between, *self._lines[end + 1 :]])

    def _without_inline(self, index: int) -> str:
        _, first, last = self._entries[index]
        if index + 1 < len(self._entries):
            return self._text[: first.start_mark.index] + self._text[self._entries[index + 1][1].start_mark.index :]
        start = self._entries[index - 1][2].end_mark.index if index else first.start_mark.index
        return self._text[:start] + self._text[last.end_mark.index :]

    def with_entry(self, value: Mapping[str, Any], at: int | None = None) -> str:
        """Return the text with a new entry: at the line `at`, or in front of the others."""
        if self._key is None:
            gap = self._line_end if self._text and not self._text.endswith("\n") else ""
            return self._text + gap + self._block([f"{self._box.parent}:", *self._box.lines(value, "  ")])
        if self._entries and getattr(self._node, "flow_style", False):
            start = self._entries[0][1].start_mark.index
            return f"{self._text[:start]}{self._box.inline(value)}, {self._text[start:]}"
        row = self._key.start_mark.line
        if self._entries:
            new = self._box.lines(value, " " * self._entry_column())
            before = self._lines[: row + 1 if at is None else at]
        else:
            new = self._box.lines(value, "  ")
            before = [*self._lines[:row], self._opened(self._lines[row])]
        after = self._lines[len(before) :]
        if not before[-1].endswith("\n"):
            before[-1] += self._line_end
        return "".join([*before, self._block(new), *after])

    def _entry_column(self) -> int:
        first = self._entries[0][1].start_mark
        if isinstance(self._box, _Mapping):
            return int(first.column)
        line = self._lines[first.line]
        return len(line) - len(line.lstrip(" "))

    def _opened(self, head: str) -> str:
        """Return the parent's line without the `{}`, `[]` or `null` that says it is empty."""
        body = head.rstrip("\r\n")
        match = re.fullmatch(r"([^:]*:)[ \t]*(?:\{\s*\}|\[\s*\]|null|Null|NULL|~)?[ \t]*(#.*)?", body)
        if match is None:
            raise ConfigError(f"{self._box.parent!r} is laid out in a way that cannot be changed safely")
        return match[1] + (f" {match[2]}" if match[2] else "") + head[len(body) :]

    def _block(self, lines: list[str]) -> str:
        return "".join(line + self._line_end for line in lines)


def _last_line(node: yaml.Node) -> int:
    """Return the last line of a node's own; where PyYAML says a block ends, comments after it are included."""
    children = node.value if isinstance(node, yaml.CollectionNode) and not node.flow_style else []
    if children:
        last = children[-1]
        return _last_line(last[1] if isinstance(last, tuple) else last)
    end = node.end_mark
    return int(end.line - 1 if end.column == 0 and end.line > node.start_mark.line else end.line)
