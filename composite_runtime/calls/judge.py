"""Whether an answer is what was expected."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from jsonschema.validators import extend, validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from composite_runtime.calls.model import (
    ContainsExpected,
    EqualsExpected,
    ErrorExpected,
    Expected,
    LatencyExpected,
    SchemaExpected,
)
from composite_runtime.calls.pointer import Nowhere, pointer_of, resolve
from composite_runtime.hops import tool_failure
from composite_runtime.wire.jsonrpc import Json, RpcError

_SHOWN = 200
_FAULTS = 10
# A repeated group that repeats something inside can take for ever on a short text, and schemas come from strangers.
_RISKY = re.compile(r"\((?:[^()\\]|\\.)*[+*}](?:[^()\\]|\\.)*\)\s*[+*{]|\\[1-9]")
_LONG = 10_000


@dataclass(frozen=True)
class Answer:
    """What came back: a result, or the error in its place; `schema` is the output schema of the tool."""

    milliseconds: float
    result: Json | None = None
    error: RpcError | None = None
    schema: Mapping[str, Any] | None = None

    @property
    def failure(self) -> str | None:
        """Why the call failed, or None when it did not."""
        if self.error is not None:
            return f"error {self.error.code}: {self.error.message}"
        return tool_failure(self.result or {})


@dataclass(frozen=True)
class Verdict:
    """Whether one expectation was met, and in words what was found."""

    kind: str
    is_met: bool
    message: str


def judged(expect: tuple[Expected, ...], answer: Answer) -> tuple[Verdict, ...]:
    """Return a verdict on each expectation; unless an error is expected, success is expected first."""
    verdicts: list[Verdict] = []
    if not any(isinstance(expected, ErrorExpected) for expected in expect):
        failure = answer.failure
        words = "it succeeded" if failure is None else f"it failed: {failure}"
        verdicts.append(Verdict("success", failure is None, words))
    verdicts.extend(Verdict(expected.kind, *_verdict(expected, answer)) for expected in expect)
    return tuple(verdicts)


def _verdict(expected: Expected, answer: Answer) -> tuple[bool, str]:
    if isinstance(expected, LatencyExpected):
        met = answer.milliseconds < expected.under_ms
        return met, f"it took {answer.milliseconds:.1f} ms; less than {expected.under_ms:g} ms is expected"
    if isinstance(expected, ErrorExpected):
        return _error(expected, answer)
    if isinstance(expected, SchemaExpected | EqualsExpected | ContainsExpected):
        if answer.result is None:
            return False, "there is no result"
        try:
            found = resolve(answer.result, expected.pointer)
        except Nowhere as error:
            return False, str(error)
        return _about(expected, found, answer)
    return False, f"{expected.kind!r} is not known to this version of Fusion"


def _about(
    expected: SchemaExpected | EqualsExpected | ContainsExpected, found: Any, answer: Answer
) -> tuple[bool, str]:
    where = expected.pointer or "the result"
    if isinstance(expected, SchemaExpected):
        return _fits(expected, found, answer)
    if isinstance(expected, EqualsExpected):
        met = same(expected.value, found)
        return met, f"{where} is {_shown(found)}" + ("" if met else f"; {_shown(expected.value)} is expected")
    met = contains(found, expected.value)
    return met, f"{where} {'contains' if met else 'does not contain'} {_shown(expected.value)}" + (
        "" if met else f"; it is {_shown(found)}"
    )


def _error(expected: ErrorExpected, answer: Answer) -> tuple[bool, str]:
    failure = answer.failure
    if failure is None:
        return False, "it succeeded, and an error is expected"
    if expected.code is not None and (answer.error is None or answer.error.code != expected.code):
        return False, f"it failed with {failure}; error {expected.code} is expected"
    if expected.contains is not None and expected.contains not in failure:
        return False, f"it failed with {failure}; {expected.contains!r} is expected in it"
    return True, f"it failed with {failure}"


def _fits(expected: SchemaExpected, found: Any, answer: Answer) -> tuple[bool, str]:
    schema = expected.against if expected.against is not None else answer.schema
    if schema is None:
        return False, "the tool declares no output schema, and none is given"
    kind = validator_for(dict(schema), default=Draft202012Validator)
    try:
        kind.check_schema(dict(schema))
        # Without a registry of its own the library would fetch remote references.
        safe = extend(kind, {"pattern": _pattern})  # type: ignore[no-untyped-call]  # its stub lacks annotations
        validator: Any = safe(dict(schema), registry=Registry())
        faults = [
            f"{expected.pointer}{pointer_of(error.absolute_path)}: {error.message[:_SHOWN]}"
            for error, _ in zip(validator.iter_errors(found), range(_FAULTS), strict=False)
        ]
    except SchemaError as error:
        return False, f"the schema itself is faulty at {pointer_of(error.absolute_path) or 'its root'}: {error.message}"
    except (Unresolvable, RecursionError) as error:
        return False, f"the schema cannot be used: {error}"
    return not faults, "; ".join(faults) or "it fits the schema"


def _pattern(validator: Any, pattern: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if isinstance(instance, str) and isinstance(pattern, str) and len(instance) < _LONG and not _RISKY.search(pattern):
        yield from Draft202012Validator.VALIDATORS["pattern"](validator, pattern, instance, schema)


def same(one: Any, other: Any) -> bool:
    """Say whether two JSON values are equal: 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def contains(found: Any, wanted: Any) -> bool:
    """Say whether a JSON value contains another, as `ContainsExpected` has it."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return all(key in found and contains(found[key], value) for key, value in wanted.items())
    if isinstance(found, str) and isinstance(wanted, str):
        return wanted in found
    if isinstance(found, list):
        return any(contains(element, wanted) for element in found)
    if isinstance(found, dict) and isinstance(wanted, str):
        return any(contains(value, wanted) for value in found.values())
    return same(found, wanted)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
