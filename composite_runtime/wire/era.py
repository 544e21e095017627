"""The two eras of MCP, and what an envelope must and must not hold in each.

*Legacy* is the handshake protocol up to 2025-11-25, *modern* is 2026-07-28 and later (specification, basic/versioning).
All differences between the revisions are stated here, so that no other module has to ask for a version.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from composite_runtime.wire.jsonrpc import INVALID_PARAMS, RESOURCE_NOT_FOUND, Json, RpcError

LEGACY_VERSIONS: Final = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN_VERSIONS: Final = ("2026-07-28",)
LATEST_LEGACY: Final = LEGACY_VERSIONS[-1]
LATEST_MODERN: Final = MODERN_VERSIONS[-1]

_PREFIX: Final = "io.modelcontextprotocol/"
VERSION_KEY: Final = f"{_PREFIX}protocolVersion"
CLIENT_INFO_KEY: Final = f"{_PREFIX}clientInfo"
CAPABILITIES_KEY: Final = f"{_PREFIX}clientCapabilities"
LOG_LEVEL_KEY: Final = f"{_PREFIX}logLevel"
SERVER_INFO_KEY: Final = f"{_PREFIX}serverInfo"
SUBSCRIPTION_KEY: Final = f"{_PREFIX}subscriptionId"
TASKS_EXTENSION: Final = f"{_PREFIX}tasks"
_ENVELOPE: Final = frozenset({VERSION_KEY, CLIENT_INFO_KEY, CAPABILITIES_KEY, LOG_LEVEL_KEY})

LOG_LEVELS: Final = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")

LISTS: Final[Mapping[str, str]] = {
    "tools/list": "tools",
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}
# The requests in whose answer a modern server may ask for input.
ASKING: Final = frozenset({"tools/call", "prompts/get", "resources/read"})
_CACHEABLE: Final = frozenset({"server/discover", "resources/read", *LISTS})


class Era(StrEnum):
    """Which of the two protocols a connection speaks."""

    LEGACY = "legacy"
    MODERN = "modern"


def era_of(version: str) -> Era:
    """Return the era of a protocol revision; a revision after the known ones is modern."""
    return Era.LEGACY if version in LEGACY_VERSIONS else Era.MODERN


def is_wanted(level: Any, least: str) -> bool:
    """Say whether a log message of this level is for who wants them from `least`; what is no level is for everybody."""
    return level not in LOG_LEVELS or least not in LOG_LEVELS or LOG_LEVELS.index(level) >= LOG_LEVELS.index(least)


def meta_of(params: Mapping[str, Any] | None) -> Json:
    """Return the `_meta` object of params, empty when there is none."""
    meta = params.get("_meta") if params else None
    return meta if isinstance(meta, dict) else {}


def is_enveloped(params: Any) -> bool:
    """Say whether a request carries the modern envelope."""
    return isinstance(params, dict) and VERSION_KEY in meta_of(params)


def with_meta(params: Json | None, meta: Json) -> Json:
    """Return params whose `_meta` is `meta`, or which have none when it is empty."""
    rest = {key: value for key, value in (params or {}).items() if key != "_meta"}
    return {**rest, "_meta": meta} if meta else rest


def bare_meta(params: Mapping[str, Any] | None) -> Json:
    """Return the `_meta` of a client's request without what belongs to the envelope of its own hop."""
    return {key: value for key, value in meta_of(params).items() if key not in _ENVELOPE and key != "progressToken"}


def envelope(version: str, capabilities: Json, client_info: Json, log_level: str | None = None) -> Json:
    """Return the `_meta` keys every modern request carries."""
    level = {} if log_level is None else {LOG_LEVEL_KEY: log_level}
    return {VERSION_KEY: version, CAPABILITIES_KEY: capabilities, CLIENT_INFO_KEY: client_info, **level}


def finished(era: Era, method: str, result: Json, server_info: Json) -> Json:
    """Return a result with exactly the envelope a client of this era expects."""
    return _for_modern(method, result, server_info) if era is Era.MODERN else _for_legacy(method, result)


def _for_modern(method: str, result: Json, server_info: Json) -> Json:
    done: Json = {"resultType": "complete", **result}
    if method in _CACHEABLE and done["resultType"] == "complete":
        done.setdefault("ttlMs", 0)
        done.setdefault("cacheScope", "private")
    done["_meta"] = {**meta_of(result), SERVER_INFO_KEY: server_info}
    return done


_MODERN_ONLY: Final = frozenset({"resultType", "ttlMs", "cacheScope"})


def _for_legacy(method: str, result: Json) -> Json:
    """Some legacy peers reject keys they do not know on results they know to be empty."""
    extra = _MODERN_ONLY & result.keys()
    if method == "tools/call" and not isinstance(result.get("structuredContent", {}), dict):
        extra |= {"structuredContent"}  # before 2026-07-28 it had to be an object
    done = {key: value for key, value in result.items() if key not in extra} if extra else result
    if SERVER_INFO_KEY in meta_of(result):
        done = with_meta(done, {key: value for key, value in meta_of(result).items() if key != SERVER_INFO_KEY})
    return done


def tool_for_legacy(tool: Json) -> Json:
    """Return a tool as legacy clients accept it: before 2026-07-28 an output schema had to describe an object."""
    schema = tool.get("outputSchema")
    if schema is None or (isinstance(schema, dict) and schema.get("type") == "object"):
        return tool
    return {key: value for key, value in tool.items() if key != "outputSchema"}


def not_found(era: Era, uri: str) -> RpcError:
    """Return the error for a resource nobody has."""
    code = INVALID_PARAMS if era is Era.MODERN else RESOURCE_NOT_FOUND
    return RpcError(code, f"Resource not found: {uri}", {"uri": uri})


def translated(era: Era, error: RpcError) -> RpcError:
    """Return a child's error with the code clients of this era know; anything but the code stays."""
    if era is Era.MODERN and error.code == RESOURCE_NOT_FOUND:
        return RpcError(INVALID_PARAMS, error.message, error.data, error.more)
    return error
