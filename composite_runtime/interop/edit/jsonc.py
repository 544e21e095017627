"""JSON with comments and trailing commas as a tree of offsets, so that a text can be changed in place."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, NoReturn

from composite_runtime.errors import ConfigError

# Deeper nesting has no use in a configuration and would exhaust the stack.
_DEEPEST = 100

_BLANK = re.compile(r"[ \t\r\n]*")
_COMMENT = re.compile(r"//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_SCALAR = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null")


class Kind(StrEnum):
    """What a node of the tree is."""

    OBJECT = "object"
    ARRAY = "array"
    SCALAR = "scalar"


@dataclass(frozen=True, slots=True)
class Member:
    """A key of an object with its value; `comma` is where the comma after it stands, or None."""

    key: str
    start: int
    value: "Node"
    comma: int | None

    @property
    def end(self) -> int:
        """Return where the member ends, its comma included."""
        return self.value.end if self.comma is None else self.comma + 1


@dataclass(frozen=True, slots=True)
class Node:
    """A value between two offsets of the text."""

    kind: Kind
    start: int
    end: int
    members: tuple[Member, ...] = ()
    items: tuple["Node", ...] = ()

    def member(self, key: str) -> Member | None:
        """Return the last member with this key: the one JSON readers use."""
        return next((member for member in reversed(self.members) if member.key == key), None)


@dataclass(frozen=True)
class Document:
    """A parsed text; `root` is None when there is nothing but blanks and comments."""

    text: str
    root: Node | None
    comments: tuple[tuple[int, int], ...]
    trailing_commas: tuple[int, ...]

    @property
    def comment_texts(self) -> list[str]:
        """Return the comments in their order."""
        return [self.text[start:end] for start, end in self.comments]

    @cached_property
    def data(self) -> Any:
        """Return the value of the text, None for an empty one; of a repeated key the last counts."""
        return None if self.root is None else self.value(self.root)

    def value(self, node: Node) -> Any:
        """Return the value of one node."""
        match node.kind:
            case Kind.OBJECT:
                return {member.key: self.value(member.value) for member in node.members}
            case Kind.ARRAY:
                return [self.value(item) for item in node.items]
            case Kind.SCALAR:
                return json.loads(self.text[node.start : node.end])

    def place(self, offset: int) -> str:
        """Return an offset as a person counts: line and column."""
        return place(self.text, offset)


def place(text: str, offset: int) -> str:
    """Return an offset of a text as a person counts: line and column."""
    return f"line {text.count(chr(10), 0, offset) + 1}, column {offset - text.rfind(chr(10), 0, offset)}"


def parse(text: str) -> Document:
    """Return the tree of a text; raise `ConfigError` with line and column when it is not JSON."""
    return _Parser(text).document()


@dataclass
class _Parser:
    text: str
    comments: list[tuple[int, int]] = field(default_factory=list)
    trailing_commas: list[int] = field(default_factory=list)

    def document(self) -> Document:
        start = self._skip(0)
        root = None if start == len(self.text) else self._value(start, 0)
        end = start if root is None else self._skip(root.end)
        if end != len(self.text):
            self._fail(end, "there is text after the end of the document")
        return Document(self.text, root, tuple(self.comments), tuple(self.trailing_commas))

    def _fail(self, offset: int, what: str) -> NoReturn:
        raise ConfigError(f"{what} at {place(self.text, offset)}")

    def _skip(self, offset: int) -> int:
        """Return where the next token starts, and note the comments in between."""
        while True:
            offset = _end(_BLANK, self.text, offset)
            if not self.text.startswith("/", offset):
                return offset
            comment = _COMMENT.match(self.text, offset)
            if comment is None:
                self._fail(offset, "a comment is not closed")
            self.comments.append(comment.span())
            offset = comment.end()

    def _value(self, offset: int, depth: int) -> Node:
        if depth > _DEEPEST:
            self._fail(offset, f"there are more than {_DEEPEST} levels")
        match self.text[offset : offset + 1]:
            case "{":
                return self._object(offset, depth)
            case "[":
                return self._array(offset, depth)
            case '"':
                return Node(Kind.SCALAR, offset, self._string_end(offset))
        scalar = _SCALAR.match(self.text, offset)
        if scalar is None:
            self._fail(offset, "a value is missing" if offset < len(self.text) else "the text ends too early")
        return Node(Kind.SCALAR, offset, scalar.end())

    def _object(self, start: int, depth: int) -> Node:
        members = []
        offset = self._skip(start + 1)
        while not self.text.startswith("}", offset):
            key_end = self._key_end(offset)
            colon = self._skip(key_end)
            if not self.text.startswith(":", colon):
                self._fail(colon, "a colon is missing")
            value = self._value(self._skip(colon + 1), depth + 1)
            comma, after = self._comma(value.end, "}")
            members.append(Member(json.loads(self.text[offset:key_end]), offset, value, comma))
            offset = after
        return Node(Kind.OBJECT, start, offset + 1, members=tuple(members))

    def _array(self, start: int, depth: int) -> Node:
        items = []
        offset = self._skip(start + 1)
        while not self.text.startswith("]", offset):
            items.append(self._value(offset, depth + 1))
            _, offset = self._comma(items[-1].end, "]")
        return Node(Kind.ARRAY, start, offset + 1, items=tuple(items))

    def _comma(self, offset: int, closing: str) -> tuple[int | None, int]:
        """Return where the comma after a value is, if there is one, and where the next token starts."""
        offset = self._skip(offset)
        if self.text.startswith(closing, offset):
            return None, offset
        if not self.text.startswith(",", offset):
            self._fail(offset, f"a comma or {closing!r} is missing")
        after = self._skip(offset + 1)
        if self.text.startswith(closing, after):
            self.trailing_commas.append(offset)
        return offset, after

    def _key_end(self, offset: int) -> int:
        if not self.text.startswith('"', offset):
            self._fail(offset, "a key in double quotes is missing")
        return self._string_end(offset)

    def _string_end(self, offset: int) -> int:
        string = _STRING.match(self.text, offset)
        if string is None:
            self._fail(offset, "a text in quotes is not closed, or has an escape that JSON does not know,")
        return string.end()


def _end(pattern: re.Pattern[str], text: str, offset: int) -> int:
    match = pattern.match(text, offset)
    return offset if match is None else match.end()


def duplicates(document: Document) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield the path of each repeated key with the offset where it is repeated."""
    if document.root is not None:
        yield from _duplicates(document.root, ())


def _duplicates(node: Node, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int]]:
    seen: set[str] = set()
    for member in node.members:
        if member.key in seen:
            yield (*path, member.key), member.start
        seen.add(member.key)
        yield from _duplicates(member.value, (*path, member.key))
    for item in node.items:
        yield from _duplicates(item, (*path, "[]"))
