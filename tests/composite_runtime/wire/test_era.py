"""The two eras of MCP, and what an envelope must and must not hold in each."""

from typing import Any

import pytest

from composite_runtime.wire.era import (
    CAPABILITIES_KEY,
    CLIENT_INFO_KEY,
    LATEST_LEGACY,
    LATEST_MODERN,
    LOG_LEVEL_KEY,
    SERVER_INFO_KEY,
    VERSION_KEY,
    Era,
    bare_meta,
    envelope,
    era_of,
    finished,
    is_enveloped,
    meta_of,
    not_found,
    tool_for_legacy,
    translated,
    with_meta,
)
from composite_runtime.wire.jsonrpc import Json, RpcError

INFO = {"name": "composite", "version": "1"}
ODD: list[Any] = [None, [], "x", 5, True]


def test_a_revision_after_the_known_ones_is_modern() -> None:
    assert era_of(LATEST_LEGACY) is era_of("2024-11-05") is Era.LEGACY
    assert era_of(LATEST_MODERN) is era_of("2031-01-01") is Era.MODERN


@pytest.mark.parametrize("meta", ODD, ids=repr)
def test_a_meta_that_is_no_object_counts_as_none(meta: Any) -> None:
    assert meta_of({"_meta": meta}) == {}
    assert bare_meta({"_meta": meta}) == {}
    assert not is_enveloped({"_meta": meta})
    assert not is_enveloped(meta)


def test_what_belongs_to_the_clients_own_hop_stays_behind_and_all_else_passes() -> None:
    own = envelope(LATEST_MODERN, {}, INFO, "info") | {"progressToken": 0}
    others = {"traceparent": "00-1", "io.modelcontextprotocol/related-task": {"taskId": "7"}, "x": None}
    assert bare_meta({"_meta": own | others}) == others


def test_an_envelope_says_its_level_only_when_there_is_one() -> None:
    assert set(envelope(LATEST_MODERN, {}, INFO)) == {VERSION_KEY, CAPABILITIES_KEY, CLIENT_INFO_KEY}
    assert envelope(LATEST_MODERN, {}, INFO, "error")[LOG_LEVEL_KEY] == "error"


def test_an_empty_meta_is_left_out() -> None:
    assert with_meta({"a": 1, "_meta": {"b": 2}}, {}) == {"a": 1}
    assert with_meta(None, {"b": 2}) == {"_meta": {"b": 2}}


def test_a_modern_result_is_complete_and_signed_by_us() -> None:
    result: Json = {"content": [], "_meta": {SERVER_INFO_KEY: {"name": "child"}, "x": 1}, "y": None}
    assert finished(Era.MODERN, "tools/call", result, INFO) == {
        "content": [],
        "y": None,
        "resultType": "complete",
        "_meta": {SERVER_INFO_KEY: INFO, "x": 1},
    }


@pytest.mark.parametrize("method", ["tools/list", "resources/read", "server/discover", "resources/templates/list"])
def test_a_modern_result_that_may_be_kept_says_for_how_long(method: str) -> None:
    result = finished(Era.MODERN, method, {}, INFO)
    assert (result["ttlMs"], result["cacheScope"]) == (0, "private")
    result = finished(Era.MODERN, method, {"ttlMs": 5, "cacheScope": "public"}, INFO)
    assert (result["ttlMs"], result["cacheScope"]) == (5, "public")


def test_a_result_that_asks_for_input_may_not_be_kept() -> None:
    result = finished(Era.MODERN, "resources/read", {"resultType": "input_required"}, INFO)
    assert "ttlMs" not in result
    assert result["resultType"] == "input_required"


def test_a_legacy_result_holds_nothing_modern() -> None:
    modern = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private", "tools": [], "x": None}
    modern["_meta"] = {SERVER_INFO_KEY: INFO}
    assert finished(Era.LEGACY, "tools/list", modern, INFO) == {"tools": [], "x": None}


def test_a_legacy_result_that_has_nothing_modern_is_passed_on_itself() -> None:
    result: Json = {"tools": []}
    assert finished(Era.LEGACY, "tools/list", result, INFO) is result


@pytest.mark.parametrize("content", ODD, ids=repr)
def test_structured_content_had_to_be_an_object(content: Any) -> None:
    assert finished(Era.LEGACY, "tools/call", {"structuredContent": content}, INFO) == {}
    assert finished(Era.MODERN, "tools/call", {"structuredContent": content}, INFO)["structuredContent"] == content
    assert finished(Era.LEGACY, "tools/call", {"structuredContent": {}}, INFO) == {"structuredContent": {}}


@pytest.mark.parametrize("schema", [{"type": "array"}, {"anyOf": []}, True, [], {}], ids=repr)
def test_an_output_schema_had_to_describe_an_object(schema: Any) -> None:
    assert tool_for_legacy({"name": "t", "outputSchema": schema, "x": None}) == {"name": "t", "x": None}
    tool = {"name": "t", "outputSchema": {"type": "object"}}
    assert tool_for_legacy(tool) is tool


def test_errors_have_the_codes_of_the_clients_era() -> None:
    assert (not_found(Era.LEGACY, "a:b").code, not_found(Era.MODERN, "a:b").code) == (-32002, -32602)
    error = RpcError(-32002, "gone", {"uri": "a:b"})
    assert translated(Era.LEGACY, error) is error
    assert translated(Era.MODERN, error).to_wire() == {"code": -32602, "message": "gone", "data": {"uri": "a:b"}}
