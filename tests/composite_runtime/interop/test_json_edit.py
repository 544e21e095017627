"""Editing JSON as text: what was asked for changes, and nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composite_runtime.errors import ConfigError
from composite_runtime.interop.edit.json_edit import remove_member, set_member
from composite_runtime.interop.edit.jsonc import parse

ENTRY = {"command": "/opt/fusion", "args": ["serve", "C:\\Użytkownicy\\研究\\g.fusion"], "env": {}}

BLANKS = st.sampled_from(["", " ", "\n", "\n  ", "\r\n\t", "  "])
COMMENTS = st.sampled_from([' // it\'s "one"\n', "/* two */", "/* {three:\n [ */", "//\r\n"])
GAPS = st.one_of(BLANKS, BLANKS, BLANKS, COMMENTS)
KEYS = st.one_of(st.sampled_from(["a", "b", "mcpServers", "fusion", "é", 'q"', "x.y"]), st.text(max_size=4))
NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=6))


@st.composite
def jsonc_objects(draw: st.DrawFn, depth: int = 0) -> str:
    """An object written by somebody with strong opinions about blanks and comments."""
    keys = draw(st.lists(KEYS, max_size=3, unique=True))
    gap = lambda: draw(GAPS)  # noqa: E731 - a name for a draw
    members = [
        gap() + json.dumps(key, ensure_ascii=draw(st.booleans())) + gap() + ":" + gap() + draw(jsonc_values(depth + 1))
        for key in keys
    ]
    trailing = draw(st.booleans()) and members
    return "{" + (gap() + ",").join(members) + gap() + ("," + gap() if trailing else "") + "}"


@st.composite
def jsonc_values(draw: st.DrawFn, depth: int) -> str:
    if depth < 3 and draw(st.booleans()):
        return draw(jsonc_objects(depth))
    if draw(st.booleans()):
        return json.dumps(draw(SCALARS), ensure_ascii=draw(st.booleans()))
    return "[" + ",".join(draw(st.lists(SCALARS.map(json.dumps), max_size=3))) + "]"


@st.composite
def documents(draw: st.DrawFn) -> str:
    return draw(st.sampled_from(["", "\ufeff"])) + draw(GAPS) + draw(jsonc_objects()) + draw(GAPS)


def parsed(text: str) -> Any:
    return parse(text.removeprefix("\ufeff"))


@given(documents())
def test_an_added_member_changes_nothing_else_and_can_be_taken_out_again(text: str) -> None:
    before = parsed(text)
    added = set_member(text, ("new key",), ENTRY)
    after = parsed(added)

    assert after.data == {**before.data, "new key": ENTRY}
    assert list(after.data) == [*before.data, "new key"]
    assert after.comment_texts == before.comment_texts
    assert len(after.trailing_commas) == len(before.trailing_commas)

    removed = remove_member(added, ("new key",))
    assert without_blanks_in_empty(removed) == without_blanks_in_empty(text)


def without_blanks_in_empty(text: str) -> str:
    # Only an object that was empty but for blanks may come back without those.
    document = parsed(text)
    if document.root.members:
        return text
    return "".join(text.split())


@given(documents())
def test_members_of_every_depth_can_be_set_again_and_removed(text: str) -> None:
    for path in paths_of(parsed(text).data):
        changed = set_member(text, path, {"n": 1})
        gone = remove_member(text, path)
        assert at(parsed(changed).data, path) == {"n": 1}
        assert path[-1] not in at(parsed(gone).data, path[:-1])
        assert json.dumps(parsed(set_member(gone, path, 1)).data, sort_keys=True) == json.dumps(
            parsed(set_member(text, path, 1)).data, sort_keys=True
        )


def paths_of(data: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(data, dict):
        return []
    here = [(*path, key) for key in data]
    return here + [deeper for key, value in data.items() for deeper in paths_of(value, (*path, key))]


def at(data: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


LAYOUTS = [
    "{}",
    '{"a":1}',
    '{ "a": 1 }',
    '{"a":1,}',
    '{\n\t"a": 1 // n\n}',
    '{\n  "a": 1, // n\n}\n',
    "{ // c\n}",
    '{\n  "a": {}, // x\n  // tail\n}',
    "// head\n{}\n// foot",
    '{"a":{"b":{}}}',
    '{\r\n  "a": []\r\n}\r\n',
    '\ufeff{\n    "a": 1\n}',
]


@pytest.mark.parametrize("text", LAYOUTS)
def test_adding_and_removing_is_identity(text: str) -> None:
    assert remove_member(set_member(text, ("k",), {"x": [1]}), ("k",)) == text


@pytest.mark.parametrize(
    ("text", "added"),
    [
        ("", '{\n  "k": {\n    "x": 1\n  }\n}\n'),
        ("{}", '{\n  "k": {\n    "x": 1\n  }\n}'),
        ('{"a":1}', '{"a":1,"k":{"x":1}}'),
        ('{ "a": 1 }', '{ "a": 1, "k": {"x": 1} }'),
        ('{\n\t"a": 1 // n\n}', '{\n\t"a": 1, // n\n\t"k": {\n\t\t"x": 1\n\t}\n}'),
        ('{\r\n    "a": 1,\r\n}', '{\r\n    "a": 1,\r\n    "k": {\r\n        "x": 1\r\n    },\r\n}'),
        ("// only\n", '// only\n{\n  "k": {\n    "x": 1\n  }\n}\n'),
    ],
)
def test_an_added_member_is_laid_out_as_its_neighbours(text: str, added: str) -> None:
    assert set_member(text, ("k",), {"x": 1}) == added


@pytest.mark.parametrize("order", ["pqr", "rpq", "qrp"])
@pytest.mark.parametrize("text", LAYOUTS)
def test_members_can_be_taken_out_in_any_order(text: str, order: str) -> None:
    changed = text
    for key in "pqr":
        changed = set_member(changed, (key,), {"n": key})
    for key in order:
        changed = remove_member(changed, (key,))

    assert parsed(changed).data == parsed(text).data
    assert parsed(changed).comment_texts == parsed(text).comment_texts


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1 "b": 2}', "a comma or '}' is missing at line 1, column 9"),
        ('{\n  "a": }', "a value is missing at line 2, column 8"),
        ('{"a": 1', "a comma or '}' is missing at line 1, column 8"),
        ('{"a"', "a colon is missing at line 1, column 5"),
        ("{a: 1}", "a key in double quotes is missing at line 1, column 2"),
        ('{"a": "\\x"}', "escape that JSON does not know"),
        ('{"a": 01}', "a comma or '}' is missing at line 1, column 8"),
        ("{} {}", "text after the end of the document at line 1, column 4"),
        ("/* {}", "a comment is not closed at line 1, column 1"),
        ('{"k": 1, "k": 2}', "the key 'k' is written twice, again at line 1, column 10"),
        ('{"k": []}', "'k' is not a JSON object at line 1, column 7"),
        ("[]", "the document is not a JSON object at line 1, column 1"),
        ("[" * 200, "more than 100 levels"),
    ],
)
def test_a_text_that_cannot_be_changed_safely_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        set_member(text, ("k", "new"), 1)

    assert message in str(caught.value)


def test_removing_what_is_not_there_changes_nothing() -> None:
    assert remove_member('{"a": {}}', ("a", "b")) == '{"a": {}}'
    assert remove_member("", ("a",)) == ""
