import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_desktop.inspector.check import Checker
from fusion_desktop.inspector.schema import Field, Shape, read
from fusion_desktop.inspector.values import DraftError, json_text, number_text, parse_json, parse_number, same

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS.filter(lambda value: not isinstance(value, str) or value.isprintable()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
KEYWORDS = {
    "type": st.sampled_from(["string", "number", "integer", "boolean", "object", "array", "null", "odd"])
    | st.lists(st.sampled_from(["string", "null", "integer", "object"]), max_size=3),
    "enum": st.lists(SCALARS, max_size=4),
    "const": SCALARS,
    "title": st.text(max_size=5) | st.integers(),
    "default": SCALARS,
    "required": st.lists(st.text(max_size=3), max_size=3) | st.none(),
    "$ref": st.sampled_from(["#", "#/properties/a", "#/$defs/x", "#x", "nowhere", "#/properties/a/items"]),
    "minimum": st.integers(),
    "minItems": st.integers(0, 3),
}


def schemas(depth: int = 3) -> st.SearchStrategy[Any]:
    if depth == 0:
        return st.booleans() | st.fixed_dictionaries({}, optional=KEYWORDS) | st.integers()
    inner = st.deferred(lambda: schemas(depth - 1))
    nested = {
        "properties": st.dictionaries(st.text(max_size=3) | st.just("a"), inner, max_size=3),
        "items": inner,
        "prefixItems": st.lists(inner, max_size=2),
        "additionalProperties": inner,
        "anyOf": st.lists(inner, max_size=3),
        "oneOf": st.lists(inner, max_size=3),
        "allOf": st.lists(inner, max_size=3),
    }
    return st.fixed_dictionaries({}, optional={**KEYWORDS, **nested})


def walk(field: Field, depth: int) -> None:
    """Look at everything a form would look at."""
    assert field.type_name
    field.holds(None)
    if depth == 0:
        return
    for part in field.properties.values():
        walk(part, depth - 1)
    if field.extra is not None:
        walk(field.extra, depth - 1)
    if field.shape is Shape.LIST:
        walk(field.item(0), depth - 1)
    for index in range(len(field.variants)):
        assert field.variant_name(index)
        walk(field.variant(index), depth - 1)


@given(schemas(), VALUES)
def test_no_schema_breaks_the_reader(schema: Any, value: Any) -> None:
    field = read(schema)

    walk(field, 4)
    field.holds(value)


@given(schemas(2), VALUES)
def test_no_schema_breaks_the_check(schema: Any, value: Any) -> None:
    if isinstance(schema, dict):
        checker = Checker(schema)
        assert all(fault.message for fault in checker.faults(value))
        checker.fits(schema, value)


@given(VALUES)
def test_a_value_becomes_text_and_the_same_value_again(value: Any) -> None:
    assert same(parse_json(json_text(value)), value)


@given(st.integers() | st.integers(-(10**300), 10**300) | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_becomes_text_and_the_same_number_again(number: float) -> None:
    assert repr(parse_number(number_text(number))) == repr(number)


@given(st.text(alphabet="0123456789-+.eE xN", max_size=8))
def test_a_text_is_a_number_exactly_if_json_says_so(text: str) -> None:
    try:
        number = parse_number(text)
    except DraftError:
        number = None
    try:
        expected = json.loads(text.strip())
    except json.JSONDecodeError:
        expected = None
    # What is too large, too small or too long for a floating point number would arrive as another one.
    if isinstance(expected, float) and (
        abs(expected) == float("inf") or Decimal(text.strip()) != Decimal(repr(expected))
    ):
        expected = None

    assert (number is None) == (expected is None)
    assert number == expected


@given(VALUES, VALUES)
def test_two_values_are_the_same_if_their_json_is(one: Any, two: Any) -> None:
    assert same(one, two) == (json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True))


def test_a_schema_may_require_itself_for_ever() -> None:
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}}
    field = read(schema)
    for _ in range(100):
        field = field.properties["a"]

    assert field.shape is Shape.OBJECT


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"$ref": "#"}},
        {"anyOf": [{"$ref": "#"}]},
        {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
        {"oneOf": [{"$ref": "#"}, {"type": "string"}]},
        {"allOf": [{"$ref": "#"}]},
        {"oneOf": [{"$ref": "#"}, {"$ref": "#"}, {"$ref": "#"}]},
        {"additionalProperties": {"$ref": "#"}},
    ],
)
def test_a_schema_may_contain_itself_anywhere(schema: dict[str, Any]) -> None:
    field = read(schema)

    walk(field, 3)
    for value in (None, 1, "a", [[["a"]]], {"a": {"b": {}}}):
        field.holds(value)


def test_whoever_reads_a_reference_fetches_nothing() -> None:
    field = read({"$ref": "http://127.0.0.1:9/schema"})

    assert field.shape is Shape.RAW
    assert "leads nowhere" in field.reason
