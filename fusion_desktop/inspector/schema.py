"""How a JSON Schema is asked for in a form: which shape each part has, what it is called, what it may be.

Schemas come from strangers. Whatever cannot be drawn becomes a field for raw JSON that says why; nothing is fetched,
nothing is expanded before it is looked at, so that a recursive schema costs nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

from fusion_desktop.inspector.values import same

Json: TypeAlias = Any
Schema: TypeAlias = Mapping[str, Any]


_NESTED: Final = 3
"""So deep variants of variants are tried, and lists of lists named: a schema may contain itself."""


LONGEST: Final = 100
"""Of more items nobody fills in one by one, and each takes a field, or several: they are shown as JSON."""


class Unset:
    """The one value that is no value: absent, which is neither null nor empty."""

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset()


class Shape(StrEnum):
    """How a part of a schema is asked for."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    FLAG = "flag"
    CHOICE = "choice"
    OBJECT = "object"
    LIST = "list"
    VARIANTS = "variants"
    RAW = "raw"


@dataclass(frozen=True)
class Field:
    """One part of a schema, ready to be drawn; its children are read when they are looked at."""

    schema: Schema
    shape: Shape
    root: Schema = field(repr=False)
    is_nullable: bool = False
    reason: str = ""
    """Why the shape is raw."""
    choices: tuple[Json, ...] = ()
    variants: tuple[Schema, ...] = field(default=(), repr=False)

    @property
    def title(self) -> str:
        """The title the schema gives, or nothing."""
        return _text(self.schema.get("title"))

    @property
    def description(self) -> str:
        """What the schema says about the part."""
        return _text(self.schema.get("description"))

    @property
    def default(self) -> Json:
        """The value the schema proposes, or UNSET."""
        return self.schema.get("default", UNSET)

    @property
    def is_fixed(self) -> bool:
        """Whether there is only one value the part can have."""
        return self.shape is Shape.CHOICE and len(self.choices) == 1

    @property
    def is_secret(self) -> bool:
        """Whether the part is a text that nobody else should see."""
        is_hidden = self.schema.get("format") == "password" or self.schema.get("writeOnly") is True
        return self.shape is Shape.TEXT and is_hidden

    @property
    def type_name(self) -> str:
        """What the part is, in a word or two."""
        return self._type_name(_NESTED)

    def _type_name(self, depth: int) -> str:
        word = {Shape.FLAG: "boolean", Shape.CHOICE: "choice", Shape.VARIANTS: "one of several", Shape.RAW: "JSON"}.get(
            self.shape, str(self.shape)
        )
        if self.is_fixed:
            word = "constant"
        if self.shape is Shape.TEXT and (form := _text(self.schema.get("format"))):
            word = form
        if self.shape is Shape.LIST and depth:
            word = f"list of {self.item(0)._type_name(depth - 1)}"
        return f"{word} or null" if self.is_nullable else word

    @cached_property
    def properties(self) -> dict[str, "Field"]:
        """The declared members of an object, in the order of the schema, required ones first."""
        declared = self.schema.get("properties")
        if not isinstance(declared, Mapping):
            return {}
        required = self.required
        names = sorted((str(name) for name in declared), key=lambda name: name not in required)
        return {name: read(declared[name], self.root) for name in names}

    @cached_property
    def required(self) -> frozenset[str]:
        """The members an object must have."""
        names = self.schema.get("required")
        return frozenset(name for name in names if isinstance(name, str)) if isinstance(names, list) else frozenset()

    @cached_property
    def extra(self) -> "Field | None":
        """How members are asked for that are not declared; None when there may be none."""
        allowed = self.schema.get("additionalProperties", True)
        return None if allowed is False else read(allowed, self.root)

    @property
    def is_open(self) -> bool:
        """Whether the schema invites members that it does not name."""
        allowed = self.schema.get("additionalProperties")
        invited = allowed is True or (isinstance(allowed, Mapping) and bool(allowed))
        conditional = ("patternProperties", "if", "dependentSchemas", "dependentRequired")
        return self.extra is not None and (
            invited or not self.properties or any(key in self.schema for key in conditional)
        )

    def item(self, index: int) -> "Field":
        """Return how the item at a position of a list is asked for."""
        first = self.schema.get("prefixItems")
        if isinstance(first, list) and index < len(first):
            return read(first[index], self.root)
        return read(self.schema.get("items", True), self.root)

    def variant(self, index: int) -> "Field":
        """Return the field of one variant."""
        return read(self.variants[index], self.root)

    def variant_name(self, index: int) -> str:
        """Return what to call a variant."""
        schema, _ = _resolved(self.variants[index], self.root)
        if title := _text(schema.get("title")):
            return title
        for name, part in (schema.get("properties") or {}).items():
            if isinstance(part, Mapping) and "const" in part:
                return f"{name}: {part['const']}"
        found = self.variant(index)
        if found.shape is Shape.OBJECT and found.required:
            return f"with {', '.join(sorted(found.required))}"
        return found.type_name

    def holds(self, value: Json, depth: int = _NESTED) -> bool:
        """Whether the editor of this shape can show the value without changing it."""
        if value is None:
            return self.is_nullable or self.shape is Shape.RAW or any(same(None, one) for one in self.choices)
        match self.shape:
            case Shape.TEXT:
                return isinstance(value, str)
            case Shape.NUMBER | Shape.INTEGER:
                return isinstance(value, int | float) and not isinstance(value, bool)
            case Shape.FLAG:
                return isinstance(value, bool)
            case Shape.CHOICE:
                return any(same(value, one) for one in self.choices)
            case Shape.OBJECT:
                others = isinstance(value, dict) and set(value) - set(self.properties)
                return isinstance(value, dict) and (not others or (self.extra is not None and len(others) <= LONGEST))
            case Shape.LIST:
                is_each_more = self.item(0).shape in (Shape.OBJECT, Shape.LIST, Shape.VARIANTS)
                return isinstance(value, list) and len(value) <= (LONGEST // 4 if is_each_more else LONGEST)
            case Shape.VARIANTS:
                # A variant may be the whole once more, for ever.
                return depth > 0 and any(
                    self.variant(index).holds(value, depth - 1) for index in range(len(self.variants))
                )
            case _:
                return True


_TYPES: Final = {
    "string": Shape.TEXT,
    "number": Shape.NUMBER,
    "integer": Shape.INTEGER,
    "boolean": Shape.FLAG,
    "object": Shape.OBJECT,
    "array": Shape.LIST,
}
_HINTS: Final = {
    "object": ("properties", "additionalProperties", "patternProperties", "required", "minProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
    "string": ("minLength", "maxLength", "pattern", "format", "contentEncoding"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
_DEPTH: Final = 64


def read(schema: Json, root: Schema | None = None) -> Field:
    """Return how a schema is asked for; `root` is the document its references point into."""
    document = root if root is not None else (schema if isinstance(schema, Mapping) else {})
    if not isinstance(schema, Mapping):
        reason = "" if schema is True else "the schema allows nothing here" if schema is False else "this is no schema"
        return Field({}, Shape.RAW, document, reason=reason)
    flat, fault = _resolved(schema, document)
    return Field(flat, Shape.RAW, document, reason=fault) if fault else _shaped(flat, document)


def _shaped(schema: Schema, root: Schema, depth: int = _DEPTH) -> Field:
    if "const" in schema:
        return Field(schema, Shape.CHOICE, root, choices=(schema["const"],))
    if isinstance(schema.get("enum"), list):
        return Field(schema, Shape.CHOICE, root, choices=tuple(schema["enum"]))
    for keyword in ("oneOf", "anyOf"):
        if isinstance(schema.get(keyword), list):
            return _alternatives(schema, keyword, root, depth)
    return _typed(schema, root)


def _typed(schema: Schema, root: Schema) -> Field:
    named = schema.get("type")
    types = [named] if isinstance(named, str) else list(named) if isinstance(named, list) else _guessed(schema)
    is_nullable = "null" in types
    known = [name for name in types if name in _TYPES]
    # An integer is a number: a type that allows both needs no choice.
    if "number" in known and "integer" in known:
        known.remove("integer")
    if len(known) == 1:
        return Field(schema, _TYPES[known[0]], root, is_nullable)
    if len(known) > 1:
        variants = tuple({**schema, "type": name, "title": name} for name in known)
        return Field(schema, Shape.VARIANTS, root, is_nullable, variants=variants)
    if is_nullable:
        return Field(schema, Shape.CHOICE, root, choices=(None,))
    return Field(schema, Shape.RAW, root, reason=f"unknown type {named!r}" if types else "")


def _guessed(schema: Schema) -> list[str]:
    return [name for name, hints in _HINTS.items() if any(hint in schema for hint in hints)][:1]


def _alternatives(schema: Schema, keyword: str, root: Schema, depth: int) -> Field:
    """Return a choice of constants, a nullable part, or variants that keep what stands beside them."""
    common = {key: value for key, value in schema.items() if key != keyword}
    parts = [_resolved(part, root) if isinstance(part, Mapping) else ({}, "no schema") for part in schema[keyword]]
    if not parts or not depth or any(fault for _, fault in parts):
        return Field(schema, Shape.RAW, root, reason=f"{keyword} cannot be drawn as a form")
    flat = [part for part, _ in parts]
    if all("const" in part for part in flat):
        return Field(schema, Shape.CHOICE, root, choices=tuple(part["const"] for part in flat))
    real = [part for part in flat if part.get("type") != "null" and not ("const" in part and part["const"] is None)]
    is_nullable = len(real) < len(flat)
    merged = [_merged(common, part) for part in real]
    if not all(isinstance(part, dict) for part in merged):
        return Field(schema, Shape.RAW, root, reason=f"{keyword} contradicts what stands beside it")
    variants = tuple(part for part in merged if part is not None)
    if len(variants) == 1:
        only = _shaped({**variants[0], **_naming(schema)}, root, depth - 1)
        nullable_choices = (*only.choices, None) if only.shape is Shape.CHOICE and is_nullable else only.choices
        return Field(
            only.schema, only.shape, root, only.is_nullable or is_nullable, only.reason, nullable_choices, only.variants
        )
    return Field(schema, Shape.VARIANTS, root, is_nullable, variants=variants)


def _naming(schema: Schema) -> dict[str, Json]:
    return {key: schema[key] for key in ("title", "description", "default") if key in schema}


def _resolved(schema: Schema, root: Schema) -> tuple[Schema, str]:
    """Return the schema with its references and `allOf` worked in, or why that cannot be done."""
    for _ in range(_DEPTH):
        if "$ref" in schema or "$dynamicRef" in schema:
            keyword = "$ref" if "$ref" in schema else "$dynamicRef"
            target = _target(schema[keyword], root)
            if target is None:
                return schema, f"the reference {schema[keyword]!r} leads nowhere inside the schema"
            beside = {key: value for key, value in schema.items() if key != keyword}
            merged = _merged(target, beside, is_naming=True)
        elif isinstance(schema.get("allOf"), list):
            merged = {key: value for key, value in schema.items() if key != "allOf"}
            for part in schema["allOf"]:
                merged = _merged(merged, part) if merged is not None and isinstance(part, Mapping) else None
        else:
            return schema, ""
        if merged is None:
            return schema, "parts of the schema contradict each other"
        schema = merged
    return schema, "the schema refers to itself in a circle"


def _target(reference: Json, root: Schema) -> Schema | None:
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    fragment = unquote(reference[1:])
    if fragment and not fragment.startswith("/"):
        return _anchored(root, fragment, 0)
    place: Json = root
    for step in fragment.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(place, Mapping) and key in place:
            place = place[key]
        elif isinstance(place, list) and key.isdecimal() and int(key) < len(place):
            place = place[int(key)]
        else:
            return None
    # `true` allows everything, as an empty schema does.
    return {} if place is True else place if isinstance(place, Mapping) else None


def _anchored(place: Json, name: str, depth: int) -> Schema | None:
    if depth > _DEPTH:
        return None
    if isinstance(place, Mapping):
        if name in (place.get("$anchor"), place.get("$dynamicAnchor")):
            return place
        parts: list[Json] = list(place.values())
    else:
        parts = list(place) if isinstance(place, list) else []
    return next((found for part in parts if (found := _anchored(part, name, depth + 1)) is not None), None)


def _merged(first: Schema, second: Schema, *, is_naming: bool = False) -> dict[str, Json] | None:
    """Return one schema that means both, or None when they cannot be told as one.

    `is_naming` lets the second name the part anew, as what stands beside a reference does.
    """
    made = dict(first)
    for key, value in second.items():
        if key not in made or same(made[key], value):
            made[key] = value
        elif key == "required" and isinstance(value, list) and isinstance(made[key], list):
            made[key] = [*made[key], *(name for name in value if name not in made[key])]
        elif key == "properties" and isinstance(value, Mapping) and isinstance(made[key], Mapping):
            made[key] = {**made[key], **{name: _both(made[key].get(name), part) for name, part in value.items()}}
        elif key == "type":
            common = _common_types(made[key], value)
            if common is None:
                return None
            made[key] = common
        elif key in {"$defs", "definitions", "$schema", "$id", "$comment", "examples"}:
            continue
        elif key in {"title", "description", "default"}:
            made[key] = value if is_naming else made[key]
        else:
            return None
    return made


def _both(first: Json, second: Json) -> Json:
    if first is None or same(first, second):
        return second
    if isinstance(first, Mapping) and isinstance(second, Mapping) and (made := _merged(first, second)) is not None:
        return made
    return {"allOf": [first, second]}


def _common_types(first: Json, second: Json) -> Json:
    one, two = ([kind] if isinstance(kind, str) else kind for kind in (first, second))
    if not isinstance(one, list) or not isinstance(two, list):
        return None
    common = [kind for kind in one if kind in two or (kind == "integer" and "number" in two)]
    common += [kind for kind in two if kind == "integer" and "number" in one and kind not in common]
    return (common[0] if len(common) == 1 else common) or None


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
