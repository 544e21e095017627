"""Schemas with values: what a form must show and give back unchanged, and what it must refuse."""

from typing import Any, NamedTuple

Json = Any
BIG = 2**70


class Case(NamedTuple):
    """A schema for one member, values that fit it, and values that do not."""

    name: str
    schema: Json
    fitting: tuple[Json, ...]
    others: tuple[Json, ...] = ()
    root: dict[str, Json] = {}


POINT = {"type": "object", "required": ["x"], "properties": {"x": {"type": "number"}, "y": {"type": "number"}}}
TREE = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
}
SHAPES = [
    {
        "title": "Circle",
        "type": "object",
        "required": ["kind", "r"],
        "properties": {"kind": {"const": "circle"}, "r": {"type": "number"}},
    },
    {
        "title": "Box",
        "type": "object",
        "required": ["kind", "w"],
        "properties": {"kind": {"const": "box"}, "w": {"type": "integer"}, "label": {"type": "string"}},
    },
]
TEXTS = (
    "a",
    "",
    " ",
    "two\nlines",
    "tab\tinside",
    "no\u00a0break",
    "ünï ☃ 😀",
    "\u2028",
    "\u2029",
    "\r\n",
    "\u0000",
    "\ufdd0",
    '"quoted"',
    "null",
)
NUMBERS = (0, -1, 1.5, -0.0, 0.1, 1.0, 1e300, 5e-324, 1e22, BIG, -BIG, 123456789012345678901234567890)

CASES = (
    Case("text", {"type": "string"}, TEXTS, (1, None, True, ["a"])),
    Case("text with bounds", {"type": "string", "minLength": 2, "maxLength": 4}, ("ab", "abcd"), ("a", "abcde")),
    Case("text with a pattern", {"type": "string", "pattern": "^[a-z]+$"}, ("abc",), ("ABC", "")),
    Case("text with an ECMAScript pattern", {"type": "string", "pattern": "^\\p{L}+$"}, ("abc", "1")),
    Case("text with a pattern that would hang", {"type": "string", "pattern": "^(a+)+$"}, ("a" * 40 + "!",)),
    Case("email", {"type": "string", "format": "email"}, ("a@b.c",), ("nobody",)),
    Case("uri", {"type": "string", "format": "uri"}, ("https://a.b/c?d=e", "file:///x"), ("no address",)),
    Case("date", {"type": "string", "format": "date"}, ("2026-11-20",), ("tomorrow", "2026-13-01")),
    Case("date-time", {"type": "string", "format": "date-time"}, ("2026-11-20T14:30:00Z",), ("2026-11-20",)),
    Case("uuid", {"type": "string", "format": "uuid"}, ("c0ffee00-0000-4000-8000-000000000001",), ("x",)),
    Case("an unknown format", {"type": "string", "format": "x-mood"}, ("good", "")),
    Case("base64", {"type": "string", "contentEncoding": "base64"}, ("AAAA",)),
    Case("text with a long limit", {"type": "string", "maxLength": 10_000}, ("x" * 3000,)),
    Case("number", {"type": "number"}, NUMBERS, ("1", None, True)),
    Case("integer", {"type": "integer"}, (0, -1, 7, BIG, -BIG, 3.0), (1.5, "1", False)),
    Case("number with bounds", {"type": "number", "minimum": 0, "maximum": 1}, (0, 0.5, 1), (-0.1, 2)),
    Case("number between exclusive bounds", {"exclusiveMinimum": 0, "exclusiveMaximum": 1}, (0.5,), (0, 1)),
    Case("integer from a huge minimum on", {"type": "integer", "minimum": BIG}, (BIG, BIG + 1), (BIG - 1,)),
    Case("multiples of a tenth", {"type": "number", "multipleOf": 0.1}, (0.3, 0.7, 1.1, 2), (0.35,)),
    Case("multiples of a whole number", {"type": "integer", "multipleOf": 5}, (0, 10, 5 * BIG), (7,)),
    Case("boolean", {"type": "boolean"}, (True, False), (0, "true", None)),
    Case("enum of texts", {"enum": ["fast", "slow"]}, ("fast", "slow"), ("other", None)),
    Case(
        "enum with types",
        {"enum": [1, "1", 1.0, True, "true", None, "null", ""]},
        (1, "1", True, "true", None, "null", ""),
    ),
    Case("enum of objects", {"enum": [{"a": 1}, [1, 2]]}, ({"a": 1}, [1, 2]), ({"a": 2},)),
    Case("enum with names", {"type": "string", "enum": ["r", "g"], "enumNames": ["Red", "Green"]}, ("r", "g")),
    Case("constants with titles", {"oneOf": [{"const": "r", "title": "Red"}, {"const": 2}]}, ("r", 2), ("g",)),
    Case("const", {"const": 5}, (5,), (6, "5")),
    Case("const null", {"const": None}, (None,), (0,)),
    Case("null", {"type": "null"}, (None,), (0, "")),
    Case("nullable text", {"type": ["string", "null"]}, ("a", "", None, "null"), (1,)),
    Case("nullable by anyOf", {"anyOf": [{"type": "string"}, {"type": "null"}]}, ("a", "", None), (1,)),
    Case("nullable number", {"type": ["integer", "null"]}, (0, BIG, None), ("0",)),
    Case("nullable boolean", {"type": ["boolean", "null"]}, (True, False, None), (0,)),
    Case("nullable enum", {"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]}, ("a", "b", None), ("c",)),
    Case("nullable enum by type", {"type": ["string", "null"], "enum": ["a", None]}, ("a", None), ("b",)),
    Case("nullable object", {"anyOf": [POINT, {"type": "null"}]}, ({"x": 1}, None), ({"y": 1},)),
    Case("nullable list", {"type": ["array", "null"], "items": {"type": "integer"}}, ([], [1], None), ([""],)),
    Case("object", POINT, ({"x": 1}, {"x": 1.5, "y": -0.0}), ({}, {"x": "1"}, [1], None)),
    Case("object with other members", POINT, ({"x": 1, "z": [None, {"q": BIG}]}, {"x": 1, "": ""})),
    Case("closed object", {**POINT, "additionalProperties": False}, ({"x": 1},), ({"x": 1, "z": 1},)),
    Case(
        "object of integers",
        {"type": "object", "additionalProperties": {"type": "integer"}},
        ({}, {"a": 1, "b c": BIG}),
        ({"a": "1"},),
    ),
    Case("object of anything", {"type": "object"}, ({}, {"a": None, "b": {"c": [1.0]}})),
    Case(
        "object with patterns",
        {"type": "object", "patternProperties": {"^x-": {"type": "integer"}}},
        ({"x-a": 1, "b": "c"},),
        ({"x-a": "1"},),
    ),
    Case(
        "object within object",
        {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": POINT}}}},
        ({}, {"a": {}}, {"a": {"b": {"x": 1}}}),
        ({"a": {"b": {}}},),
    ),
    Case(
        "object that needs its parts",
        {"type": "object", "required": ["p"], "properties": {"p": POINT}},
        ({"p": {"x": 2}},),
        ({},),
    ),
    Case(
        "object with odd names",
        {"properties": {"a/b": {"type": "string"}, "": {"type": "integer"}, "~": {}}},
        ({"a/b": "c", "": 1, "~": None},),
    ),
    Case(
        "list of texts", {"type": "array", "items": {"type": "string"}}, ([], [""], ["a", "b\nc", "null"]), ([1], "a")
    ),
    Case("list of integers", {"type": "array", "items": {"type": "integer"}}, ([1, BIG, -0],), ([1.5],)),
    Case("list of anything", {"type": "array"}, ([None, 1, "a", {"b": []}],)),
    Case("list of objects", {"type": "array", "items": POINT}, ([{"x": 1}, {"x": 2, "y": 3}],), ([{}],)),
    Case(
        "list of lists", {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}, ([[], [1, 2.5]],)
    ),
    Case(
        "list of choices",
        {"type": "array", "items": {"enum": ["a", "b"]}, "uniqueItems": True},
        (["b", "a"],),
        (["a", "a"],),
    ),
    Case(
        "list with bounds",
        {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 3},
        ([1, 2], [1, 2, 3]),
        ([1], [1, 2, 3, 4]),
    ),
    Case(
        "tuple",
        {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
        (["a", 1], ["a"], ["a", 1, None]),
        ([1],),
    ),
    Case(
        "list of variants",
        {"type": "array", "items": {"oneOf": SHAPES}},
        ([{"kind": "box", "w": 1}, {"kind": "circle", "r": 0.5}],),
        ([{"kind": "none"}],),
    ),
    Case(
        "variants",
        {"oneOf": SHAPES},
        ({"kind": "circle", "r": 1}, {"kind": "box", "w": 2, "label": ""}),
        ({"kind": "star"}, 1),
    ),
    Case(
        "variants beside common members",
        {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}, "anyOf": SHAPES},
        ({"id": 1, "kind": "box", "w": 2},),
        ({"kind": "box", "w": 2},),
    ),
    Case("text or number", {"type": ["string", "number"]}, ("1", 1, 1.5, ""), (True, None)),
    Case(
        "text or number or null",
        {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]},
        ("1", 1, None),
        ([],),
    ),
    Case(
        "text or list of texts",
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        ("a", ["a", "b"]),
        (1,),
    ),
    Case("boolean or text", {"anyOf": [{"type": "boolean"}, {"type": "string"}]}, (True, "true"), (1,)),
    Case("number or integer", {"type": ["number", "integer"]}, (1, 1.5), ("1",)),
    Case("reference", {"$ref": "#/$defs/point"}, ({"x": 1},), ({},), {"$defs": {"point": POINT}}),
    Case(
        "reference with words beside it",
        {"$ref": "#/$defs/point", "description": "Where"},
        ({"x": 1},),
        ({},),
        {"$defs": {"point": POINT}},
    ),
    Case(
        "reference with escapes", {"$ref": "#/$defs/a~1b%20c"}, ("x",), (1,), {"$defs": {"a/b c": {"type": "string"}}}
    ),
    Case(
        "reference to an anchor",
        {"$ref": "#here"},
        (1,),
        ("a",),
        {"$defs": {"p": {"$anchor": "here", "type": "integer"}}},
    ),
    Case(
        "reference to a reference",
        {"$ref": "#/$defs/a"},
        (1,),
        ("a",),
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"type": "integer"}}},
    ),
    Case(
        "recursive reference",
        {"$ref": "#/$defs/tree"},
        ({"name": "a"}, {"name": "a", "children": [{"name": "b", "children": [{"name": "c"}]}]}),
        ({"name": "a", "children": [{}]},),
        {"$defs": {"tree": TREE}},
    ),
    Case(
        "reference in a circle",
        {"$ref": "#/$defs/a"},
        (),
        (),
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
    ),
    Case("reference to nowhere", {"$ref": "#/$defs/none"}, (1, "a", None, {"b": 1})),
    Case("reference to another place", {"$ref": "https://example.org/schema.json"}, (1, "a", {"b": None})),
    Case(
        "all of",
        {"allOf": [POINT, {"properties": {"z": {"type": "string"}}, "required": ["z"]}]},
        ({"x": 1, "z": ""},),
        ({"x": 1},),
    ),
    Case(
        "all of references",
        {"allOf": [{"$ref": "#/$defs/point"}, {"description": "Place"}]},
        ({"x": 1},),
        ({},),
        {"$defs": {"point": POINT}},
    ),
    Case("all of that contradict", {"allOf": [{"type": "string"}, {"type": "integer"}]}, (), ("a", 1)),
    Case("all of with two minimums", {"type": "integer", "allOf": [{"minimum": 1}, {"minimum": 5}]}, (5,), (3,)),
    Case("not", {"type": "string", "not": {"const": "no"}}, ("yes",), ("no",)),
    Case(
        "if then",
        {
            "type": "object",
            "properties": {"a": {"type": "boolean"}},
            "if": {"properties": {"a": {"const": True}}, "required": ["a"]},
            "then": {"required": ["b"]},
        },
        ({"a": False}, {"a": True, "b": 1}),
        ({"a": True},),
    ),
    Case(
        "dependent members", {"type": "object", "dependentRequired": {"a": ["b"]}}, ({"a": 1, "b": 2}, {}), ({"a": 1},)
    ),
    Case("anything", {}, (None, 0, "", [], {}, BIG, -0.0, "a\u2028b", {"a": [1.0, 1]})),
    Case("true", True, (None, 1, "a", {"b": [None]})),
    Case("false", False, (), (1, None)),
    Case("no schema at all", "surprise", ()),
    Case("an unknown type", {"type": "date"}, ()),
    Case("type without hints but a title", {"title": "Any", "description": "Whatever"}, (1, "a", None)),
    Case("a faulty schema", {"type": "string", "minLength": "two"}, ("a", "")),
    Case("default", {"type": "integer", "default": 3}, (3, 4), ("3",)),
    Case("default null", {"type": ["string", "null"], "default": None}, ("a", None), (1,)),
    Case("default of an object", {**POINT, "default": {"x": 7}}, ({"x": 7}, {"x": 8})),
    Case(
        "fifty members",
        {"type": "object", "properties": {f"m{n}": {"type": "integer"} for n in range(50)}},
        ({"m0": 1, "m49": 2}, {}),
        ({"m49": "a"},),
    ),
)
