"""Add, replace or remove one member of a JSON text, with or without comments, and leave every other byte alone.

An edit is one or two splices. What comes out is parsed again and compared with what the edit was meant to do.
"""

import copy
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from composite_runtime.errors import ConfigError
from composite_runtime.interop.edit.compare import same
from composite_runtime.interop.edit.jsonc import Document, Kind, Member, Node, duplicates, parse
from composite_runtime.interop.edit.lines import line_end_of

_BOM = "\ufeff"


def set_member(text: str, path: Sequence[str], value: Any) -> str:
    """Return the text in which `value` stands at `path`; missing objects on the way are made.

    Raises:
        ConfigError: the text is not JSON, something on the path is no object, or a key on it is written twice.
    """
    if text.startswith(_BOM):
        return _BOM + set_member(text[1:], path, value)
    document = _opened(text, path)
    style = _Style.of(document)
    if document.root is None:
        return _checked(document, _fresh(document, style, path, value), path, value)
    node, depth = _deepest(document, document.root, path)
    if depth == len(path):
        return _checked(document, _replaced(document, style, path, value), path, value)
    nested = value
    for key in reversed(path[depth + 1 :]):
        nested = {key: nested}
    return _checked(document, _inserted(document, style, node, path[depth], nested), path, value)


def remove_member(text: str, path: Sequence[str]) -> str:
    """Return the text without the member at `path`, comments around it kept; raise `ConfigError` as `set_member`."""
    if text.startswith(_BOM):
        return _BOM + remove_member(text[1:], path)
    document = _opened(text, path)
    if document.root is None or _deepest(document, document.root, path)[1] < len(path):
        return text
    parent, _ = _deepest(document, document.root, path[:-1])
    return _checked(document, _removed(document, parent, path[-1]), path)


@dataclass(frozen=True)
class _Style:
    """How the text is laid out: line end, step of indentation, one line or several, blanks after punctuation."""

    line_end: str
    step: str
    is_one_line: bool
    is_tight: bool

    @classmethod
    def of(cls, document: Document) -> "_Style":
        text = document.text
        return cls(
            line_end=line_end_of(text),
            step=_step(document),
            # An object without members says nothing about how its owner would lay it out.
            is_one_line="\n" not in text.strip() and document.root is not None and bool(document.root.members),
            is_tight=": " not in text and ":\t" not in text and ":" in text,
        )

    def dump(self, value: Any, indent: str, *, in_line: bool) -> str:
        """Return a value as JSON, its further lines indented."""
        if in_line:
            separators = (",", ":") if self.is_tight else (", ", ": ")
            return json.dumps(value, ensure_ascii=False, separators=separators)
        lines = json.dumps(value, ensure_ascii=False, indent=self.step)
        return lines.replace("\n", self.line_end + indent)

    def member(self, key: str, value: Any, indent: str, *, in_line: bool) -> str:
        """Return a key with its value."""
        colon = ":" if in_line and self.is_tight else ": "
        return json.dumps(key, ensure_ascii=False) + colon + self.dump(value, indent, in_line=in_line)


def _step(document: Document) -> str:
    """Return by how much the first member that starts a line is indented against its object."""
    waiting = [document.root] if document.root else []
    while waiting:
        node = waiting.pop(0)
        outer = _indent(document.text, node.start)
        for member in node.members:
            inner = _indent(document.text, member.start)
            if _starts_line(document.text, member.start) and inner.startswith(outer) and inner != outer:
                return inner.removeprefix(outer)
        waiting.extend(member.value for member in node.members)
    return "  "


def _indent(text: str, offset: int) -> str:
    start = text.rfind("\n", 0, offset) + 1
    blank = re.compile(r"[ \t]*").match(text, start, offset)
    return blank[0] if blank else ""


def _starts_line(text: str, offset: int) -> bool:
    return not text[text.rfind("\n", 0, offset) + 1 : offset].strip(" \t")


def _opened(text: str, path: Sequence[str]) -> Document:
    document = parse(text)
    for repeated, offset in duplicates(document):
        if repeated == tuple(path[: len(repeated)]):
            raise ConfigError(f"the key {repeated[-1]!r} is written twice, again at {document.place(offset)}: keep one")
    return document


def _deepest(document: Document, root: Node, path: Sequence[str]) -> tuple[Node, int]:
    """Return the last node on the path that exists, and how many keys lead to it."""
    node = root
    for depth, key in enumerate(path):
        if node.kind is not Kind.OBJECT:
            name = repr(path[depth - 1]) if depth else "the document"
            raise ConfigError(f"{name} is not a JSON object at {document.place(node.start)}")
        member = node.member(key)
        if member is None:
            return node, depth
        node = member.value
    return node, len(path)


def _fresh(document: Document, style: _Style, path: Sequence[str], value: Any) -> str:
    for key in reversed(path):
        value = {key: value}
    head = document.text if document.comments else ""
    if head and not head.endswith("\n"):
        head += style.line_end
    return head + style.dump(value, "", in_line=False) + style.line_end


def _replaced(document: Document, style: _Style, path: Sequence[str], value: Any) -> str:
    text = document.text
    assert document.root is not None
    parent, _ = _deepest(document, document.root, path[:-1])
    member = parent.member(path[-1])
    assert member is not None
    in_line = style.is_one_line or not _starts_line(text, member.start)
    new = style.dump(value, _indent(text, member.start), in_line=in_line)
    return text[: member.value.start] + new + text[member.value.end :]


def _inserted(document: Document, style: _Style, parent: Node, key: str, value: Any) -> str:
    return (_into_members if parent.members else _into_empty)(document, style, parent, key, value)


def _into_members(document: Document, style: _Style, parent: Node, key: str, value: Any) -> str:
    text, last = document.text, parent.members[-1]
    # The comments after the last member stay with it, so the new member comes after those on the same line.
    end, is_line_comment = _same_line_comments(document, last.end, parent.end)
    in_line = style.is_one_line or ("\n" not in text[parent.start : parent.end])
    indent = _indent(text, last.start) if _starts_line(text, last.start) else _indent(text, parent.start) + style.step
    if in_line and not is_line_comment:
        lead = "" if style.is_tight else " "
    else:
        lead, in_line = style.line_end + indent, False
    body = lead + style.member(key, value, indent, in_line=in_line)
    if last.comma is not None:
        return text[:end] + body + "," + text[end:]
    return text[: last.end] + "," + text[last.end : end] + body + text[end:]


def _into_empty(document: Document, style: _Style, parent: Node, key: str, value: Any) -> str:
    text, closing = document.text, parent.end - 1
    outer = _indent(text, parent.start)
    inside = [span for span in document.comments if parent.start < span[0] < closing]
    if style.is_one_line and not inside:
        return text[: parent.start + 1] + style.member(key, value, "", in_line=True) + text[parent.start + 1 :]
    end = inside[-1][1] if inside else parent.start + 1
    body = style.line_end + outer + style.step + style.member(key, value, outer + style.step, in_line=False)
    if "\n" not in text[end:closing]:
        return text[:end] + body + style.line_end + outer + text[end:].lstrip(" \t")
    return text[:end] + body + text[end:]


def _same_line_comments(document: Document, start: int, limit: int) -> tuple[int, bool]:
    """Return where the comments end that follow on the line of `start`, and whether the last one goes to its end."""
    end, is_line_comment = start, False
    for comment_start, comment_end in document.comments:
        if start <= comment_start < limit and "\n" not in document.text[end:comment_end]:
            end, is_line_comment = comment_end, document.text.startswith("//", comment_start)
    return end, is_line_comment


def _removed(document: Document, parent: Node, key: str) -> str:
    text = document.text
    index = max(index for index, member in enumerate(parent.members) if member.key == key)
    member = parent.members[index]
    if len(parent.members) == 1:
        return _without_only_member(document, parent, member)
    start = _start_with_blanks(document, parent, index)
    if index < len(parent.members) - 1 or member.comma is not None:
        return text[:start] + text[member.end :]
    # The last member goes, so the comma before it would become a trailing one.
    previous = parent.members[index - 1]
    assert previous.comma is not None
    return text[: previous.comma] + text[previous.comma + 1 : start] + text[member.end :]


def _without_only_member(document: Document, parent: Node, member: Member) -> str:
    text = document.text
    start, closing = _start_with_blanks(document, parent, 0), parent.end - 1
    before, after = text[parent.start + 1 : start], text[member.end : closing]
    if not before.strip() and not after.strip():
        # An object that is empty again is written `{}`, whatever blanks were around its member.
        before = after = ""
    return text[: parent.start + 1] + before + after + text[closing:]


def _start_with_blanks(document: Document, parent: Node, index: int) -> int:
    """Return where a member starts together with the blanks before it; a comment in between is not part of it."""
    text, member = document.text, parent.members[index]
    start = parent.members[index - 1].end if index else parent.start + 1
    for comment_start, comment_end in document.comments:
        if start <= comment_start < member.start:
            start = comment_end
            is_line_comment = text.startswith("//", comment_start)
            if is_line_comment and text[member.end : member.end + 1] not in ("\r", "\n"):
                # Without the line end between them, the comment would swallow what follows the member.
                start = member.start
    return start


def _checked(before: Document, new: str, path: Sequence[str], *value: Any) -> str:
    """Return `new` if it differs from `before` in nothing but the member at `path`."""
    after = parse(new)
    expected: Any = {} if before.root is None else copy.deepcopy(before.data)
    target = expected
    for key in path[:-1]:
        target = target.setdefault(key, {})
    old_comments = _comments_outside(before, path)
    if value:
        target[path[-1]] = value[0]
    else:
        target.pop(path[-1])
    is_as_meant = same(after.data, expected)
    is_still_strict = before.root is None or bool(before.comments) >= bool(after.comments)
    is_still_strict &= bool(before.trailing_commas) >= bool(after.trailing_commas)
    if not is_as_meant or not is_still_strict or _comments_outside(after, path) != old_comments:
        raise ConfigError("the file is laid out in a way that cannot be changed safely; change it by hand")
    return new


def _comments_outside(document: Document, path: Sequence[str]) -> list[str]:
    """Return the comments that are not inside the member at `path`."""
    member = None
    if document.root is not None and _deepest(document, document.root, path)[1] == len(path):
        parent, _ = _deepest(document, document.root, path[:-1])
        member = parent.member(path[-1])
    inside = range(member.start, member.end) if member else range(0)
    return [document.text[start:end] for start, end in document.comments if start not in inside]
