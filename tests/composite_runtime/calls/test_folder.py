import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composite_runtime.calls.folder import delete, dumps, folder_of, load, load_all, loads, save
from composite_runtime.calls.model import EqualsExpected, LatencyExpected, SavedCall
from composite_runtime.errors import FusionError

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_expected = st.one_of(
    st.fixed_dictionaries({"kind": st.just("schema")}, optional={"against": st.dictionaries(st.text(), _json)}),
    st.fixed_dictionaries({"kind": st.sampled_from(["equals", "contains"]), "value": _json, "pointer": st.text()}),
    st.fixed_dictionaries({"kind": st.just("latency"), "under_ms": st.floats(0.001, 1e9)}),
    st.fixed_dictionaries({"kind": st.just("error")}, optional={"code": st.integers(), "contains": st.text()}),
    st.fixed_dictionaries({"kind": st.just("of-the-future"), "x-more": _json}),
)
_documents = st.fixed_dictionaries(
    {"version": st.just(1), "target": st.text(min_size=1)},
    optional={
        "name": st.text(min_size=1),
        "at": st.text(),
        "arguments": st.dictionaries(st.text(), _json, min_size=1),
        "expect": st.lists(_expected, min_size=1, max_size=3),
        "x-unknown": _json,
    },
)


@given(_documents)
def test_a_call_survives_its_file_with_all_it_does_not_know(document: dict[str, object]) -> None:
    call = loads(json.dumps(document))

    assert loads(dumps(call)) == call
    for key in ("arguments", "x-unknown"):
        assert json.loads(dumps(call)).get(key) == document.get(key)


def test_the_file_is_short_and_readable(tmp_path: Path) -> None:
    call = SavedCall(
        target="forecast",
        arguments={"city": "${env:CITY}", "days": 2**70},
        expect=(LatencyExpected(kind="latency", under_ms=500), EqualsExpected(kind="equals", value=None)),
    )
    path = save(tmp_path / "a.calls", "weather/Oslo", call)

    assert path == tmp_path / "a.calls" / "weather" / "Oslo.json"
    assert path.read_text(encoding="utf-8") == (
        '{\n  "version": 1,\n  "target": "forecast",\n'
        f'  "arguments": {{\n    "city": "${{env:CITY}}",\n    "days": {2**70}\n  }},\n'
        '  "expect": [\n    {\n      "kind": "latency",\n      "under_ms": 500.0\n    },\n'
        '    {\n      "kind": "equals",\n      "value": null\n    }\n  ]\n}\n'
    )
    assert load(path) == call


@pytest.mark.parametrize("name", ["dev.fusion", "dev.fusion.json", "dev.json", "dev"])
def test_the_folder_lies_beside_the_graph_and_bears_its_name(name: str) -> None:
    assert folder_of(Path("/graphs") / name) == Path("/graphs/dev.calls")


def test_one_broken_file_does_not_hide_the_others(tmp_path: Path) -> None:
    save(tmp_path, "fine", SavedCall(target="echo"))
    (tmp_path / "broken.json").write_text('{"version": 1,', encoding="utf-8")
    (tmp_path / "odd.json").write_text('{"version": 1, "expect": [{"kind": "latency"}]}', encoding="utf-8")
    (tmp_path / "notes.txt").write_text("no call", encoding="utf-8")

    found = load_all(tmp_path)

    assert list(found.calls) == ["fine"]
    assert found.broken["broken"].startswith("broken.json: line 1, column 15")
    assert "expect.0.latency.under_ms: field required" in found.broken["odd"]


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"version": 2}', '{"arguments": {"x": 1e400}}', '{"arguments": {"x": NaN}}']
)
def test_what_is_no_call_is_refused_in_words(text: str) -> None:
    with pytest.raises(FusionError):
        loads(text)


@pytest.mark.parametrize("key", ["", "../up", "a//b", "/etc/x", ".hidden", "a:b", "a\\b", "tail.", "x/../y"])
def test_a_key_that_some_system_could_not_keep_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(FusionError, match="cannot be part of the name"):
        save(tmp_path, key, SavedCall(target="echo"))
    assert not list(tmp_path.iterdir())


def test_a_call_can_be_removed(tmp_path: Path) -> None:
    save(tmp_path, "a/b", SavedCall(target="echo"))

    assert delete(tmp_path, "a/b")
    assert not delete(tmp_path, "a/b")
    assert load_all(tmp_path).calls == {}
