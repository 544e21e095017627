"""Add, replace or remove one table of a TOML file as whole lines; what comes out is parsed again and compared."""

import copy
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from composite_runtime.errors import ConfigError
from composite_runtime.interop.edit.compare import same
from composite_runtime.interop.edit.lines import line_end_of, lines_of

_BOM = "\ufeff"
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ANY_HEADER = re.compile(r"[ \t]*\[")


def load(text: str) -> dict[str, Any]:
    """Return the value of a TOML text; raise `ConfigError` with line and column when it is none."""
    try:
        return tomllib.loads(text.removeprefix(_BOM).replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_explained(error, text)) from None
    except RecursionError:
        raise ConfigError("there are too many levels") from None


def _explained(error: tomllib.TOMLDecodeError, text: str) -> str:
    end = f"at line {text.count(chr(10)) + 1}, column {len(text) - text.rfind(chr(10))}"
    words = str(error).replace("at end of document", end)
    return words[:1].lower() + words[1:].replace("(at ", "at ").removesuffix(")")


def set_table(text: str, parent: str, name: str, value: Mapping[str, Any]) -> str:
    """Return the text in which `[parent.name]` holds `value`; raise `ConfigError` if that is not safe."""
    if text.startswith(_BOM):
        return _BOM + set_table(text[1:], parent, name, value)
    expected = copy.deepcopy(load(text))
    tables = expected.setdefault(parent, {})
    if not isinstance(tables, dict):
        raise ConfigError(f"{parent!r} is not a table")
    is_replaced = name in tables
    tables[name] = copy.deepcopy(dict(value))
    for edit in (_replaced,) if is_replaced else (_appended, _into_inline):
        new = edit(text, parent, name, value)
        if new is not None and _is(new, expected, parent):
            return new
    raise ConfigError(f"{parent!r} is laid out in a way that cannot be changed safely; change it by hand")


def remove_table(text: str, parent: str, name: str) -> str:
    """Return the text without `[parent.name]`, the comments between its lines kept; raise as `set_table`."""
    if text.startswith(_BOM):
        return _BOM + remove_table(text[1:], parent, name)
    data = load(text)
    if not isinstance(data.get(parent), dict) or name not in data[parent]:
        return text
    expected = copy.deepcopy(data)
    del expected[parent][name]
    for edit in (_without_lines, _out_of_inline):
        new = edit(text, parent, name)
        if new is not None and _is(new, expected, parent):
            return new
    raise ConfigError(f"{parent}.{name} is laid out in a way that cannot be removed safely; remove it by hand")


def _is(text: str, expected: Mapping[str, Any], parent: str) -> bool:
    try:
        found = load(text)
    except ConfigError:
        return False
    # Without tables in it, a parent need not be written down.
    return same({parent: {}, **found}, {parent: {}, **expected})


def _lines_of(parent: str, name: str, value: Mapping[str, Any], line_end: str) -> list[str]:
    lines = [f"[{_key(parent)}.{_key(name)}]", *(f"{_key(key)} = {_value(item)}" for key, item in value.items())]
    return [line + line_end for line in lines]


def _appended(text: str, parent: str, name: str, value: Mapping[str, Any]) -> str:
    line_end = line_end_of(text)
    gap = "" if not text else line_end if text.endswith("\n") else line_end * 2
    return text + gap + "".join(_lines_of(parent, name, value, line_end))


def _replaced(text: str, parent: str, name: str, value: Mapping[str, Any]) -> str | None:
    lines = lines_of(text)
    mine = _own_lines(lines, parent, name)
    if not mine:
        inline = _out_of_inline(text, parent, name)
        return inline and _into_inline(inline, parent, name, value)
    new = _lines_of(parent, name, value, line_end_of(text))
    kept = [line for number, line in enumerate(lines) if number > mine[0] and number not in mine]
    return "".join([*lines[: mine[0]], *new, *kept])


def _without_lines(text: str, parent: str, name: str) -> str | None:
    lines = lines_of(text)
    mine = _own_lines(lines, parent, name)
    if not mine:
        return None
    # The blank line that was put in front of the table goes with it.
    if mine[0] and not lines[mine[0] - 1].strip():
        mine.insert(0, mine[0] - 1)
    return "".join(line for number, line in enumerate(lines) if number not in mine)


def _own_lines(lines: Sequence[str], parent: str, name: str) -> list[int]:
    """Return the numbers of the lines of a table and its sub-tables, comments and final blanks left out."""
    header = re.compile(rf"[ \t]*\[{{1,2}}[ \t]*{_any_spelling(parent)}[ \t]*\.[ \t]*{_any_spelling(name)}[ \t]*[.\]]")
    mine: list[int] = []
    block: list[int] | None = None
    for statement in _statements(lines):
        first = lines[statement[0]]
        if _ANY_HEADER.match(first):
            mine.extend(_trimmed(block or [], lines))
            block = list(statement) if header.match(first) else None
        elif block is not None and not first.lstrip().startswith("#"):
            block.extend(statement)
    return [*mine, *_trimmed(block or [], lines)]


def _statements(lines: Sequence[str]) -> Iterator[list[int]]:
    """Yield the numbers of the lines of each statement, since what looks like a header may be inside a text."""
    statement: list[int] = []
    for number in range(len(lines)):
        statement.append(number)
        try:
            tomllib.loads("".join(lines[number] for number in statement))
        except tomllib.TOMLDecodeError:
            continue
        yield statement
        statement = []


def _trimmed(block: list[int], lines: Sequence[str]) -> list[int]:
    while block and not lines[block[-1]].strip():
        block = block[:-1]
    return block


def _any_spelling(key: str) -> str:
    spellings = {re.escape(json.dumps(key, ensure_ascii=False)), re.escape(f"'{key}'")}
    if _BARE.fullmatch(key):
        spellings.add(re.escape(key))
    return f"(?:{'|'.join(sorted(spellings))})"


def _into_inline(text: str, parent: str, name: str, value: Mapping[str, Any]) -> str | None:
    """Return the text with the entry in front of the others of `parent = { … }`."""
    start = re.search(rf"^[ \t]*{_any_spelling(parent)}[ \t]*=[ \t]*\{{[ \t]*(?P<empty>\}})?", text, re.MULTILINE)
    if start is None:
        return None
    entry = f"{_key(name)} = {_value(value)}"
    if start["empty"]:
        brace = text.rindex("{", 0, start.end())
        return f"{text[: brace + 1]} {entry} {text[start.end() - 1 :]}"
    return f"{text[: start.end()]}{entry}, {text[start.end() :]}"


def _out_of_inline(text: str, parent: str, name: str) -> str | None:
    pattern = rf"(?P<head>^[ \t]*{_any_spelling(parent)}[ \t]*=[ \t]*\{{.*?){_any_spelling(name)}[ \t]*=[ \t]*(?=\{{)"
    start = re.search(pattern, text, re.MULTILINE)
    if start is None:
        return None
    end = _end_of_braces(text, start.end())
    comma = re.compile(r"[ \t]*,[ \t]*").match(text, end)
    if comma is not None:
        return start.string[: start.end("head")] + text[comma.end() :]
    return re.sub(r",?[ \t]*\Z", "", text[: start.end("head")]) + text[end:]


def _end_of_braces(text: str, start: int) -> int:
    depth = 0
    for token in re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|[{}]').finditer(text, start):
        depth += {"{": 1, "}": -1}.get(token[0], 0)
        if depth == 0:
            return token.end()
    return len(text)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _text(text: str) -> str:
    # JSON's escapes are TOML's, except that TOML wants this one escaped as well.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        items = ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items())
        return f"{{ {items} }}" if items else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value)
