from typing import Any

import pytest

from composite_runtime.calls.folder import loads
from composite_runtime.calls.judge import Answer, Verdict, contains, judged, same
from composite_runtime.wire.jsonrpc import RpcError

RESULT = {
    "content": [{"type": "text", "text": "Sunny in Oslo"}],
    "structuredContent": {"city": "Oslo", "days": [{"high": 21.0}, {"high": 19}]},
}
SCHEMA = {"type": "object", "properties": {"city": {"type": "integer"}, "days": {"type": "array", "maxItems": 1}}}


def verdicts(answer: Answer, *expect: dict[str, Any]) -> list[Verdict]:
    import json

    call = loads(json.dumps({"target": "forecast", "expect": expect}))
    return list(judged(call.expect, answer))


def verdict(expected: dict[str, Any], answer: Answer | None = None) -> tuple[bool, str]:
    found = verdicts(answer or Answer(5.0, result=RESULT), expected)[-1]
    return found.is_met, found.message


def test_success_is_expected_unless_an_error_is() -> None:
    assert [v.kind for v in verdicts(Answer(5.0, result=RESULT))] == ["success"]
    failed = Answer(5.0, result={"isError": True, "content": [{"type": "text", "text": "no such city"}]})
    assert verdicts(failed) == [Verdict("success", False, "it failed: no such city")]
    assert [v.is_met for v in verdicts(failed, {"kind": "error"})] == [True]


@pytest.mark.parametrize(
    ("expected", "met"),
    [
        ({"kind": "error"}, True),
        ({"kind": "error", "code": -32602}, True),
        ({"kind": "error", "code": -32601}, False),
        ({"kind": "error", "contains": "city"}, True),
        ({"kind": "error", "contains": "moon"}, False),
    ],
)
def test_an_error_is_held_to_its_code_and_its_words(expected: dict[str, Any], met: bool) -> None:
    assert verdict(expected, Answer(5.0, error=RpcError(-32602, "no such city")))[0] is met


def test_success_does_not_do_where_an_error_is_expected() -> None:
    assert verdict({"kind": "error"}) == (False, "it succeeded, and an error is expected")


@pytest.mark.parametrize(
    ("expected", "met"),
    [
        ({"pointer": "/structuredContent/city", "value": "Oslo"}, True),
        ({"pointer": "/structuredContent/days", "value": [{"high": 21}, {"high": 19.0}]}, True),
        ({"pointer": "/structuredContent/city", "value": "Bergen"}, False),
        ({"pointer": "/structuredContent/none", "value": None}, False),
    ],
)
def test_a_part_equals_a_value(expected: dict[str, Any], met: bool) -> None:
    assert verdict({"kind": "equals", **expected})[0] is met


def test_a_difference_is_shown_with_both_values() -> None:
    assert verdict({"kind": "equals", "pointer": "/structuredContent/city", "value": "Bergen"}) == (
        False,
        '/structuredContent/city is "Oslo"; "Bergen" is expected',
    )


@pytest.mark.parametrize(
    ("expected", "met"),
    [
        ({"pointer": "/content/0/text", "value": "Oslo"}, True),
        ({"value": "Sunny"}, True),
        ({"pointer": "/structuredContent/days", "value": {"high": 19}}, True),
        ({"pointer": "/structuredContent", "value": {"days": [], "city": "Os"}}, False),
        ({"pointer": "/structuredContent", "value": {"city": "Os"}}, True),
        ({"pointer": "/content", "value": "Rain"}, False),
    ],
)
def test_a_part_contains_a_value(expected: dict[str, Any], met: bool) -> None:
    assert verdict({"kind": "contains", **expected})[0] is met


def test_time_is_measured() -> None:
    assert verdict({"kind": "latency", "under_ms": 6})[0]
    assert verdict({"kind": "latency", "under_ms": 5}) == (False, "it took 5.0 ms; less than 5 ms is expected")


def test_the_declared_schema_is_used_and_each_fault_has_its_place() -> None:
    answer = Answer(5.0, result=RESULT, schema=SCHEMA)
    met, message = verdict({"kind": "schema"}, answer)

    assert not met
    assert "/structuredContent/city: 'Oslo' is not of type 'integer'" in message
    assert "/structuredContent/days: " in message


def test_a_schema_can_be_given_for_any_part() -> None:
    expected = {"kind": "schema", "pointer": "/content/0", "against": {"required": ["text"]}}
    assert verdict(expected) == (True, "it fits the schema")


@pytest.mark.parametrize(
    ("against", "words"),
    [
        (None, "declares no output schema"),
        ({"type": "nonsense"}, "faulty at /type"),
        ({"$ref": "https://somewhere.test/schema"}, "cannot be used"),
    ],
)
def test_a_schema_that_cannot_be_used_is_no_success(against: Any, words: str) -> None:
    met, message = verdict({"kind": "schema", **({} if against is None else {"against": against})})
    assert not met
    assert words in message


@pytest.mark.timeout(10)
def test_a_pattern_that_would_take_for_ever_is_not_tried() -> None:
    schema = {"properties": {"city": {"pattern": "^(a+)+$"}}}
    answer = Answer(5.0, result={"structuredContent": {"city": "a" * 40 + "b"}}, schema=schema)
    assert verdict({"kind": "schema"}, answer)[0]


def test_what_is_not_known_is_not_met() -> None:
    assert verdict({"kind": "of-the-future"}) == (False, "'of-the-future' is not known to this version of Fusion")


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [(1, 1.0, True), (1, True, False), (0, False, False), (None, False, False), ("1", 1, False), (2**70, 2**70, True)],
)
def test_json_values_are_compared_as_json_has_them(one: object, other: object, equal: bool) -> None:
    assert same(one, other) is equal
    assert same({"a": [one]}, {"a": [other]}) is equal
    assert contains([one], other) is equal or isinstance(one, str)
