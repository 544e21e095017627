"""What comes back: lists, results and errors are the child's own, to the last unknown field, in every combination."""

import concurrent.futures
import json
from typing import Any

import pytest

from tests.servers.core import META
from tests.servers.features import ODD
from tests.support.client import Refused
from tests.support.matrix import Cell


@pytest.fixture(autouse=True)
def no_process_left() -> None:
    """The bench outlives the test, and accounts for its processes itself."""


def listed(cell: Cell, method: str, key: str) -> list[dict[str, Any]]:
    """Return what a list holds of this child, under the child's own names, without what other tests added."""
    items = cell.client.list_all(method, key)
    mine = [item for item in items if item["name"].startswith(cell.prefix)]
    named = [{**item, "name": item["name"].removeprefix(cell.prefix)} for item in mine]
    return [item for item in named if not item["name"].startswith("added")]


def test_every_tool_of_every_page_is_listed_as_the_child_defines_it(cell: Cell) -> None:
    defined = [dict(definition) for definition, _ in cell.server.tools.values()]
    if cell.client.era == "legacy" and cell.front != "direct":
        for definition in defined:
            if definition.get("outputSchema", {}).get("type") == "array":
                # Before 2026 an output schema describes an object; older clients refuse others.
                del definition["outputSchema"]
    found = listed(cell, "tools/list", "tools")

    # Characters no client could carry in a name may be changed, the definition may not.
    assert [{**tool, "name": ""} for tool in found] == [{**definition, "name": ""} for definition in defined]


def test_every_prompt_is_listed_as_the_child_defines_it(cell: Cell) -> None:
    assert listed(cell, "prompts/list", "prompts") == cell.server.prompts


def test_resources_and_templates_keep_their_addresses(cell: Cell) -> None:
    resources = cell.client.list_all("resources/list", "resources")
    templates = cell.client.list_all("resources/templates/list", "resourceTemplates")

    mine = [r for r in resources if r["uri"].startswith(f"{cell.name}://") and "added" not in r["uri"]]
    assert [{**r, "name": ""} for r in mine] == [
        {**r, "name": ""} for r in cell.server.resources if not r["uri"].startswith("shared://")
    ]
    mine = [t for t in templates if t["uriTemplate"].startswith(f"{cell.name}://")]
    assert [{**t, "name": ""} for t in mine] == [{**t, "name": ""} for t in cell.server.templates]


def test_every_listed_resource_can_be_read(cell: Cell) -> None:
    for resource in cell.client.list_all("resources/list", "resources"):
        if "secret" not in resource["uri"]:
            assert cell.client.request("resources/read", {"uri": resource["uri"]})["contents"]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"v": None},
        {"v": {"nested": [None, {"": [[]]}], "ünï": "☃\u2028\u0000"}},
        {"v": [12345678901234567890123, -0.0, 1e-300, 1.5, True]},
        {"name": "arguments", "_meta": {"progressToken": 1}, "requestState": "x"},
    ],
    ids=["none", "null", "nested", "numbers", "envelope-lookalikes"],
)
def test_arguments_reach_the_child_and_come_back_unchanged(cell: Cell, arguments: dict[str, Any]) -> None:
    assert cell.call("echo", arguments)["structuredContent"] == arguments


def test_a_result_keeps_every_field_and_null(cell: Cell) -> None:
    result = cell.bare(cell.call("rich"))

    name = cell.name
    assert result["structuredContent"] == {
        "big": 12345678901234567890,
        "small": 1e-300,
        "null": None,
        "list": [{}, []],
    }
    assert result["_meta"] == {"com.example/kept": {"n": None}}
    assert {key: result[key] for key in ODD} == ODD
    kinds = [part["type"] for part in result["content"]]
    assert kinds == ["text", "image", "audio", "resource_link", "resource", "x-future"]
    assert result["content"][0]["text"] == "ünï ☃ \u2028"
    assert result["content"][0]["annotations"] == {"audience": ["user"], "priority": 1, **ODD}
    assert result["content"][3]["uri"] == f"{name}://note"
    assert result["content"][4]["resource"] == {
        "uri": f"{name}://note",
        "mimeType": "text/plain",
        "text": "inside",
        "_meta": {"a": None},
        **ODD,
    }


def test_structured_content_that_is_no_object_reaches_those_who_may_have_it(cell: Cell) -> None:
    result = cell.bare(cell.call("array"))

    assert result["content"] == [{"type": "text", "text": "[1, 2]"}]
    if cell.client.era == "modern":
        assert result["structuredContent"] == [1, 2]
    elif cell.front != "direct":
        assert "structuredContent" not in result


@pytest.mark.parametrize("code", [4711, -32602, -32050, 0])
def test_an_error_keeps_code_words_and_data(cell: Cell, code: int) -> None:
    with pytest.raises(Refused) as refused:
        cell.call("boom", {"code": code})

    data = {"deep": [1, {"x": None}], "none": None}
    assert refused.value.error == {"code": code, "message": "custom words", "data": data}


def test_a_failed_tool_is_a_result_and_keeps_its_fields(cell: Cell) -> None:
    result = cell.bare(cell.call("fail"))

    assert result == {"content": [{"type": "text", "text": "it went wrong"}], "isError": True, **ODD}


def test_an_unknown_tool_is_refused(cell: Cell) -> None:
    with pytest.raises(Refused) as refused:
        cell.call("no_such_tool")

    assert refused.value.code == -32602
    assert "no_such_tool" in refused.value.error["message"]


def test_an_unknown_method_is_refused(cell: Cell) -> None:
    with pytest.raises(Refused) as refused:
        cell.client.request("no/such/method")

    assert refused.value.code == -32601


def test_ping_is_answered_in_the_era_that_has_it(cell: Cell) -> None:
    if cell.client.era == "legacy":
        assert cell.client.request("ping") == {}
    else:
        with pytest.raises(Refused) as refused:
            cell.client.request("ping")
        assert refused.value.code == -32601


def test_a_resource_is_read_unchanged(cell: Cell) -> None:
    uri = f"{cell.name}://note"
    result = cell.bare(cell.client.request("resources/read", {"uri": uri}))

    assert result == {"contents": [{"uri": uri, "text": f"{cell.name} {uri}", **ODD}], **ODD}


def test_a_template_is_read_through_its_owner(cell: Cell) -> None:
    uri = f"{cell.name}://item/a%20b"
    result = cell.bare(cell.client.request("resources/read", {"uri": uri}))

    assert result == {"contents": [{"uri": uri, "text": "a%20b", "_meta": {"x/y": None}}]}


@pytest.mark.parametrize("uri", ["{name}://nowhere", "nobody://has/this"])
def test_a_missing_resource_is_told_in_the_clients_own_code(cell: Cell, uri: str) -> None:
    uri = uri.format(name=cell.name)
    with pytest.raises(Refused) as refused:
        cell.client.request("resources/read", {"uri": uri})

    assert refused.value.code == (-32602 if cell.client.era == "modern" else -32002)
    assert refused.value.data == {"uri": uri}


def test_a_prompt_comes_unchanged(cell: Cell) -> None:
    params = {"name": cell.named("greet"), "arguments": {"who": "Ada"}}
    result = cell.bare(cell.client.request("prompts/get", params))

    link = {"type": "resource_link", "uri": f"{cell.name}://note", "name": "note", **ODD}
    parts = ({"type": "text", "text": "Hello Ada", **ODD}, link)
    assert result == {"description": None, "messages": [{"role": "user", "content": part} for part in parts]}


def test_completion_asks_the_owner_by_the_owners_name(cell: Cell) -> None:
    prompt = {
        "ref": {"type": "ref/prompt", "name": cell.named("greet")},
        "argument": {"name": "who", "value": "A"},
        "context": {"arguments": {"x": "1"}},
    }
    template = {
        "ref": {"type": "ref/resource", "uri": f"{cell.name}://item/{{id}}"},
        "argument": {"name": "id", "value": "7"},
    }

    answers = [cell.client.request("completion/complete", params)["completion"] for params in (prompt, template)]

    assert answers[0]["values"] == [cell.name, "greet", "who", "A", '{"arguments": {"x": "1"}}']
    assert answers[1]["values"] == [cell.name, f"{cell.name}://item/{{id}}", "id", "7", "null"]
    assert {key: answers[0][key] for key in ODD} == ODD


def test_a_client_is_addressed_by_nothing_but_its_own_capabilities_and_trace(cell: Cell) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    meta = {"traceparent": trace, "tracestate": "a=b", "com.example/own": {"n": None}}
    result = cell.client.request("tools/call", {"name": cell.named("seen"), "arguments": {}, "_meta": meta})
    seen = json.loads(result["content"][0]["text"])

    assert seen["era"] == cell.mirrored
    assert seen["capabilities"] == cell.client.capabilities
    kept = {key: value for key, value in seen["meta"].items() if not key.startswith(META)}
    assert kept == meta


def test_answers_of_concurrent_calls_are_never_exchanged(cell: Cell) -> None:
    def ask(number: int) -> bool:
        return bool(cell.call("echo", {"v": number})["structuredContent"] == {"v": number})

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(40)))


def test_a_parameter_that_travels_as_a_header_reaches_the_child(cell: Cell) -> None:
    if cell.client.era == "modern" and cell.front == "http":
        cell.client.wire.param_headers["Mcp-Param-Region"] = "eu-1"  # type: ignore[attr-defined]  # only HTTP has it
    try:
        assert cell.told("region", {"region": "eu-1"}) == "eu-1"
    finally:
        getattr(cell.client.wire, "param_headers", {}).clear()


def test_a_megabyte_passes_both_ways(cell: Cell) -> None:
    assert len(cell.call("big", {"length": 1_000_000})["content"][0]["text"]) == 1_000_000
    assert cell.told("size", {"payload": "☃" * 400_000}) == 400_000
