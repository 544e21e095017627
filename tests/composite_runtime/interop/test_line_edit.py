"""Editing TOML and YAML line by line: what was asked for changes, and nothing else."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composite_runtime.errors import ConfigError
from composite_runtime.interop.edit import toml_edit, yaml_edit
from composite_runtime.interop.edit.compare import same

VALUE = {"command": "/opt/ü x", "args": ["serve", "C:\\x", "no"], "env": {"FUSION_GRAPH_ID": "on"}, "timeout": 60}

NAMES = st.sampled_from(["a", "b-c", "fusion-test", "dots.and@slash/x", "é", "yes", "1", "with space"])
TEXTS = st.text(
    alphabet=st.characters(
        codec="utf-8", exclude_categories=("Cs", "Cc", "Cn", "Zl", "Zp"), exclude_characters="\ufeff"
    ),
    max_size=8,
)
SCALARS = st.one_of(st.booleans(), st.integers(-(2**40), 2**40), TEXTS)
ENDS = st.sampled_from(["\n", "\r\n"])
COMMENTS = st.sampled_from(["", "", "", "# note", "# [mcp_servers.x]", "#: {"])


@st.composite
def toml_texts(draw: st.DrawFn) -> str:
    end = draw(ENDS)
    lines = [draw(COMMENTS), 'model = "m"   # inline', "multi = '''", "[mcp_servers.fusion-test]", "x'''"]
    lines = draw(st.sampled_from([lines[:2], lines]))
    for name in draw(st.lists(NAMES.filter(lambda name: name != "fusion-test"), max_size=3, unique=True)):
        lines.append(draw(st.sampled_from(["", "  "])) + f"[mcp_servers.{json.dumps(name, ensure_ascii=False)}]")
        lines.extend(f"{key} = {json.dumps(draw(SCALARS), ensure_ascii=False)}" for key in ("command", "b"))
        lines.append(draw(COMMENTS))
        if draw(st.booleans()):
            lines += [f"[mcp_servers.{json.dumps(name, ensure_ascii=False)}.env]", "K = [", '  "[v]",', "]"]
        if draw(st.booleans()):
            lines += ["", "[projects.'/p']", "trust = 1"]
            lines = lines if lines.count("[projects.'/p']") == 1 else lines[:-3]
    return draw(st.sampled_from(["", "\ufeff"])) + end.join(lines) + draw(st.sampled_from(["", end]))


@given(toml_texts())
def test_a_table_is_added_to_toml_and_taken_out_again(text: str) -> None:
    before = toml_edit.load(text)
    added = toml_edit.set_table(text, "mcp_servers", "fusion-test", VALUE)
    after = toml_edit.load(added)

    assert added.startswith(text)
    assert after["mcp_servers"]["fusion-test"] == VALUE
    del after["mcp_servers"]["fusion-test"]
    assert same({"mcp_servers": {}, **after}, {"mcp_servers": {}, **before})
    removed = toml_edit.remove_table(added, "mcp_servers", "fusion-test")
    assert removed in (text, text + "\n", text + "\r\n")


@given(toml_texts(), st.data())
def test_a_table_of_toml_is_replaced_in_its_place(text: str, data: st.DataObject) -> None:
    servers = toml_edit.load(text).get("mcp_servers", {})
    if not servers:
        return
    name = data.draw(st.sampled_from(sorted(servers)))
    changed = toml_edit.set_table(text, "mcp_servers", name, {"command": "new"})

    assert list(toml_edit.load(changed)["mcp_servers"]) == list(servers)
    assert toml_edit.load(changed)["mcp_servers"][name] == {"command": "new"}
    assert comments_of(changed) == comments_of(text)
    gone = toml_edit.remove_table(text, "mcp_servers", name)
    assert name not in toml_edit.load(gone).get("mcp_servers", {})
    assert comments_of(gone) == comments_of(text)


def comments_of(text: str) -> list[str]:
    return re.findall(r"^\s*#.*$", text, re.MULTILINE)


@pytest.mark.parametrize(
    "text",
    [
        'mcp_servers = { a = { command = "x", args = ["}"] } }\n',
        "mcp_servers = {}\n",
        'x = 1\nmcp_servers = {a={command="x"}, b={command="y"}}',
    ],
)
def test_inline_tables_of_toml_take_entries_as_well(text: str) -> None:
    added = toml_edit.set_table(text, "mcp_servers", "fusion-test", VALUE)

    assert toml_edit.load(added)["mcp_servers"]["fusion-test"] == VALUE
    removed = toml_edit.remove_table(added, "mcp_servers", "fusion-test")
    assert toml_edit.load(removed) == toml_edit.load(text)
    changed = toml_edit.set_table(added, "mcp_servers", "fusion-test", {"command": "z"})
    assert toml_edit.load(changed)["mcp_servers"]["fusion-test"] == {"command": "z"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a\nb = 1", "line 1, column 3"),
        ("a = 1\na = 2", "line 2, column 6"),
        ("mcp_servers = 1", "'mcp_servers' is not a table"),
        ("[[mcp_servers]]\na = 1", "'mcp_servers' is not a table"),
    ],
)
def test_toml_that_cannot_be_changed_safely_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        toml_edit.set_table(text, "mcp_servers", "fusion-test", VALUE)
    assert message in str(caught.value)


@st.composite
def yaml_texts(draw: st.DrawFn) -> str:
    end, step = draw(ENDS), draw(st.sampled_from(["  ", "    ", " "]))
    lines = [draw(COMMENTS), 'GOOSE_MODEL: "m"   # inline']
    names = draw(st.lists(NAMES.filter(lambda name: name != "fusion-test"), max_size=3, unique=True))
    if names or draw(st.booleans()):
        empty = draw(st.sampled_from(["", " {}", " null", " ~", "   # why"]))
        lines.append(f"extensions:{'' if names else empty}")
    for name in names:
        lines += [step + draw(COMMENTS), f"{step}{json.dumps(name, ensure_ascii=False)}:"]
        lines += [f"{step * 2}{key}: {json.dumps(draw(SCALARS), ensure_ascii=False)}" for key in ("cmd", "b")]
        if draw(st.booleans()):
            lines += [f"{step * 2}args:", f"{step * 2}- -y", f"{step * 2}- |", f"{step * 3}# not a comment"]
    if draw(st.booleans()):
        lines += [draw(COMMENTS), "slash_commands:", "- command: x", "flow: {a: [1, 2]}"]
    return draw(st.sampled_from(["", "\ufeff"])) + end.join(lines) + draw(st.sampled_from(["", end]))


@given(yaml_texts())
def test_an_entry_is_added_to_yaml_and_taken_out_again(text: str) -> None:
    before = yaml_edit.load(text)
    added = yaml_edit.set_entry(text, "extensions", "fusion-test", VALUE)
    after = yaml_edit.load(added)

    assert after["extensions"]["fusion-test"] == VALUE
    assert comments_of(added) == comments_of(text)
    removed = yaml_edit.remove_entry(added, "extensions", "fusion-test")
    assert same(as_mapping(yaml_edit.load(removed)), as_mapping(before))
    if before.get("extensions"):
        assert removed == text


@given(yaml_texts(), st.data())
def test_an_entry_of_yaml_is_replaced_in_its_place(text: str, data: st.DataObject) -> None:
    present = yaml_edit.load(text).get("extensions") or {}
    if not present:
        return
    name = data.draw(st.sampled_from(sorted(present)))
    changed = yaml_edit.set_entry(text, "extensions", name, {"cmd": "new"})

    assert list(yaml_edit.load(changed)["extensions"]) == list(present)
    assert yaml_edit.load(changed)["extensions"][name] == {"cmd": "new"}
    gone = yaml_edit.remove_entry(text, "extensions", name)
    assert name not in (yaml_edit.load(gone).get("extensions") or {})


def as_mapping(data: Any) -> Any:
    return {**data, "extensions": data.get("extensions") or {}}


@pytest.mark.parametrize(
    "text",
    [
        "extensions: {a: {cmd: x}, b: {cmd: y}}\n",
        "extensions: {a: {cmd: x}}",
        '{"extensions": {"a": {"cmd": "x"}}}',
        "extensions:\n  # first\n  a:\n    cmd: x\n",
        "other: 1",
    ],
)
def test_yaml_in_other_layouts_takes_entries_as_well(text: str) -> None:
    added = yaml_edit.set_entry(text, "extensions", "fusion-test", VALUE)

    assert yaml_edit.load(added)["extensions"]["fusion-test"] == VALUE
    removed = yaml_edit.remove_entry(added, "extensions", "fusion-test")
    assert as_mapping(yaml_edit.load(removed)) == as_mapping(yaml_edit.load(text))


@pytest.mark.parametrize("text", ["", "name: x\nmcpServers: []\n", "mcpServers:\n- name: a\n  command: x\n"])
def test_an_item_is_added_to_a_list_of_yaml_and_taken_out_again(text: str) -> None:
    added = yaml_edit.set_item(text, "mcpServers", "fusion-test", VALUE)

    assert yaml_edit.load(added)["mcpServers"][0] == {"name": "fusion-test", **VALUE}
    removed = yaml_edit.remove_item(added, "mcpServers", "fusion-test")
    assert removed == text or not text or yaml_edit.load(removed) == yaml_edit.load(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "line 1, column 6"),
        ("a: 1\n b: 2", "line 2, column 3"),
        ("extensions: [1]", "'extensions' is not a mapping of names at line 1, column 13"),
        ("- 1", "not a mapping"),
        ("extensions:\n  a: 1\nextensions:\n  b: 2\n", "written twice, again at line 3"),
        ("extensions:\n  fusion-test: 1\n  fusion-test: 2\n", "written twice in 'extensions'"),
        ("a: \x00", "this is not YAML"),
        ("a: !!python/object:os.system x", "could not determine a constructor"),
    ],
)
def test_yaml_that_cannot_be_changed_safely_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        yaml_edit.set_entry(text, "extensions", "fusion-test", VALUE)
    assert message in str(caught.value)


@given(st.dictionaries(st.sampled_from(["cmd", "description"]), st.text(), min_size=1))
def test_any_text_survives_in_yaml(value: dict[str, str]) -> None:
    if any("\ud800" <= char <= "\udfff" for text in value.values() for char in text):
        return
    assert yaml_edit.load(yaml_edit.set_entry("", "extensions", "x", value))["extensions"]["x"] == value


@given(st.text().filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text)))
def test_any_text_survives_in_toml(text: str) -> None:
    assert toml_edit.load(toml_edit.set_table("", "t", "x", {"a": text}))["t"]["x"] == {"a": text}
