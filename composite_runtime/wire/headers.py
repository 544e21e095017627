"""The HTTP headers of streamable HTTP that mirror parts of a request (MCP 2026-07-28, basic/transports)."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from composite_runtime.wire.jsonrpc import Json

VERSION: Final = "mcp-protocol-version"
METHOD: Final = "mcp-method"
NAME: Final = "mcp-name"
SESSION: Final = "mcp-session-id"
LAST_EVENT: Final = "last-event-id"
PARAM_PREFIX: Final = "mcp-param-"

# The parameter that `Mcp-Name` repeats.
NAMED_BY: Final[Mapping[str, str]] = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    "tasks/get": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
}

_WRAPPED = re.compile(r"=\?base64\?(.*)\?=")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# Where JSON Schema 2020-12 holds further schemas, besides `properties`.
_SCHEMAS_BY_NAME = frozenset({"patternProperties", "dependentSchemas", "$defs", "definitions"})
_SCHEMAS = frozenset({
    "items", "prefixItems", "contains", "additionalProperties", "unevaluatedProperties", "unevaluatedItems",
    "propertyNames", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "contentSchema",
})  # fmt: skip
_PLAIN = re.compile(r"[\x20-\x7e]*")


def encode_value(text: str) -> str:
    """Return a header value for any text: as it is when it survives the trip, else in the base64 wrapping."""
    if _PLAIN.fullmatch(text) and text == text.strip() and not _WRAPPED.fullmatch(text):
        return text
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


def decode_value(value: str) -> str | None:
    """Return the text of a header value, or None when its wrapping is broken."""
    wrapped = _WRAPPED.fullmatch(value)
    if wrapped is None:
        return value
    try:
        raw = base64.b64decode(wrapped[1], validate=True)
        # A second spelling of the same bytes could smuggle a name past a filter, so only the canonical one counts.
        return raw.decode() if base64.b64encode(raw).decode() == wrapped[1] else None
    except (binascii.Error, UnicodeDecodeError):
        return None


def request_headers(method: str, params: Json, schema: Any = None) -> dict[str, str]:
    """Return the headers a modern request over HTTP carries besides the version."""
    headers = {METHOD: method}
    key = NAMED_BY.get(method)
    if key and isinstance(params.get(key), str):
        headers[NAME] = encode_value(params[key])
    arguments = params.get("arguments")
    if method == "tools/call" and isinstance(arguments, dict):
        for path, token in mirrored(schema):
            text = _text(_at(arguments, path))
            if text is not None:
                headers[f"{PARAM_PREFIX}{token.lower()}"] = encode_value(text)
    return headers


def mismatch(method: str, params: Json, headers: Mapping[str, str]) -> str | None:
    """Return what the routing headers get wrong about the body, or None when they agree."""
    if headers.get(METHOD) is None:
        return "the Mcp-Method header is missing"
    if decode_value(headers[METHOD]) != method:
        return f"the Mcp-Method header does not say {method}"
    key = NAMED_BY.get(method)
    if key and isinstance(params.get(key), str):
        if headers.get(NAME) is None:
            return "the Mcp-Name header is missing"
        if decode_value(headers[NAME]) != params[key]:
            return f"the Mcp-Name header is not the {key} of the body"
    return None


def param_mismatch(schema: Any, params: Json, headers: Mapping[str, str]) -> str | None:
    """Return which `Mcp-Param-*` header disagrees with the arguments of a tool call, or None."""
    arguments = params.get("arguments")
    for path, token in mirrored(schema):
        wanted = _text(_at(arguments if isinstance(arguments, dict) else {}, path))
        sent = headers.get(f"{PARAM_PREFIX}{token.lower()}")
        if wanted is None and sent is not None:
            return f"the Mcp-Param-{token} header has no value in the body"
        if wanted is not None and sent is None:
            return f"the Mcp-Param-{token} header is missing"
        if wanted is not None and sent is not None and not _same(decode_value(sent), wanted):
            return f"the Mcp-Param-{token} header is not the value of the body"
    return None


def mirrored(schema: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the path and header token of each property that a schema marks with `x-mcp-header`."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or len(path) > 16:
        return
    for name, part in properties.items():
        if isinstance(part, dict):
            if isinstance(part.get("x-mcp-header"), str):
                yield (*path, name), part["x-mcp-header"]
            yield from mirrored(part, (*path, name))


def invalid_mirror(schema: Any) -> str | None:
    """Return why a schema's `x-mcp-header` marks cannot be honoured, or None when they can.

    A mark belongs on a string, integer or boolean that is reached by `properties` alone, and names a header of its own.
    """
    seen: set[str] = set()
    for reached, part in _marked(schema):
        token = part["x-mcp-header"]
        if not reached:
            return "x-mcp-header stands where no single argument is meant"
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            return f"x-mcp-header {token!r} is not the name of a header"
        if part.get("type") not in ("string", "integer", "boolean"):
            return f"x-mcp-header {token!r} is not on a string, integer or boolean"
        if token.lower() in seen:
            return f"x-mcp-header {token!r} is there twice"
        seen.add(token.lower())
    return None


def _marked(schema: Any) -> Iterator[tuple[bool, Json]]:
    """Yield the parts of a schema that bear the mark, and whether each is reached by `properties` alone."""
    waiting: list[tuple[bool, Any]] = [(False, schema)]
    reached = True  # below the root, which is no argument itself
    while waiting:
        is_argument, part = waiting.pop()
        if not isinstance(part, dict):
            continue
        if "x-mcp-header" in part:
            yield is_argument, part
        direct = is_argument or reached
        reached = False
        for keyword, value in part.items():
            if keyword == "properties" and isinstance(value, dict):
                waiting.extend((direct, below) for below in value.values())
            elif keyword in _SCHEMAS_BY_NAME and isinstance(value, dict):
                waiting.extend((False, below) for below in value.values())
            elif keyword in _SCHEMAS:
                waiting.extend((False, below) for below in (value if isinstance(value, list) else [value]))


def _at(arguments: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        arguments = arguments.get(step) if isinstance(arguments, dict) else None
    return arguments


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _same(sent: str | None, wanted: str) -> bool:
    if sent == wanted:
        return True
    try:
        return sent is not None and float(sent) == float(wanted)
    except ValueError:
        return False
