"""One provider as an MCP server, in both eras."""

import asyncio
import json
from typing import Any

import pytest

from composite_runtime.composite import Composite
from composite_runtime.errors import ChildError, SecretMissing, UnknownName
from composite_runtime.events import CallFinished, CallStarted, Event
from composite_runtime.front.changes import COALESCE_S
from composite_runtime.front.server import Server, parts_of
from composite_runtime.front.session import Session
from composite_runtime.provider import Kind
from composite_runtime.wire import jsonrpc
from composite_runtime.wire.call import Caller
from composite_runtime.wire.era import (
    CAPABILITIES_KEY,
    LATEST_LEGACY,
    LATEST_MODERN,
    LOG_LEVEL_KEY,
    SERVER_INFO_KEY,
    VERSION_KEY,
)
from composite_runtime.wire.jsonrpc import Json, RpcError
from tests.support.providers import HandMade, member

INFO = {"name": "test", "version": "1"}


def written(response: Any) -> Json:
    """Return a response as a client reads it."""
    message: Json = json.loads(b"".join(jsonrpc.expanded(parts_of(response))))
    return message


class Client:
    """A client in memory, with a session when it is a legacy one."""

    def __init__(self, provider: Any, *, modern: bool = False, stdio: bool = True) -> None:
        self.server = Server(provider, "1.0")
        self.modern = modern
        self.pushed: list[Json] = []
        self.sent: list[Json] = []
        self.session = Session(lambda data: self.pushed.append(json.loads(data)))
        self._session = self.session if stdio or not modern else None

    async def send(self, method: str, params: Any = None, **more: Any) -> Json:
        """Return the whole response, as it would be on the wire."""
        message: Json = {"jsonrpc": "2.0", "id": 1, "method": method, **more}
        if self.modern:
            envelope = {VERSION_KEY: LATEST_MODERN, CAPABILITIES_KEY: {}}
            params = {**(params or {}), "_meta": {**envelope, **(params or {}).get("_meta", {})}}
        if params is not None:
            message["params"] = params
        response = await self.server.respond(message, self._session, lambda data: self.sent.append(json.loads(data)))
        return written(response)

    async def ask(self, method: str, params: Any = None) -> Json:
        response = await self.send(method, params)
        result: Json = response["result"]
        return result

    async def initialize(self, **capabilities: Any) -> Json:
        params = {"protocolVersion": LATEST_LEGACY, "capabilities": capabilities, "clientInfo": INFO}
        return await self.ask("initialize", params)


async def legacy(provider: Any = None, **capabilities: Any) -> Client:
    client = Client(provider or HandMade("p", tools=("t",)))
    await client.initialize(**capabilities)
    return client


def modern(provider: Any = None, **more: Any) -> Client:
    return Client(provider or HandMade("p", tools=("t",)), modern=True, **more)


async def test_lists_of_the_past_are_not_kept() -> None:
    provider = HandMade("p", tools=("t",))
    client = await legacy(provider)
    for _ in range(5):
        await client.ask("tools/list")
        provider.notice(Kind.TOOLS)
    await client.ask("tools/list")
    assert len(client.server._prepared) == 1
    client.server.close()


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
async def test_the_handshake_keeps_the_clients_revision(version: str) -> None:
    result = await Client(HandMade("p")).ask(
        "initialize", {"protocolVersion": version, "capabilities": {}, "clientInfo": INFO}
    )
    assert result["protocolVersion"] == version
    assert result["capabilities"]["tools"] == {"listChanged": True}
    assert result["serverInfo"]["name"] == "P"


async def test_the_handshake_offers_the_latest_revision_when_it_does_not_know_the_clients() -> None:
    result = await Client(HandMade("p")).ask(
        "initialize", {"protocolVersion": "1999-01-01", "capabilities": {}, "clientInfo": INFO}
    )
    assert result["protocolVersion"] == LATEST_LEGACY


async def test_the_handshake_does_not_wait_for_a_child() -> None:
    hung = HandMade("p", settles=asyncio.Event(), complete=False)
    await asyncio.wait_for(legacy(Composite("c", "C", [member("p", hung)])), 1)


@pytest.mark.parametrize("method", ["tools/list", "tools/call", "resources/read", "logging/setLevel", "prompts/list"])
async def test_nothing_but_ping_comes_before_the_handshake(method: str) -> None:
    client = Client(HandMade("p"))
    response = await client.send(method, {"name": "t", "uri": "a:b", "level": "info"})
    assert response["error"]["code"] == jsonrpc.INVALID_REQUEST
    assert await client.ask("ping") == {}


async def test_discovery_tells_what_there_is() -> None:
    result = await modern().ask("server/discover")
    assert result["supportedVersions"] == [LATEST_MODERN]
    assert result["resultType"] == "complete"
    assert result["_meta"][SERVER_INFO_KEY]["name"] == "P"


METHODS = ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"]


@pytest.mark.parametrize("method", METHODS)
async def test_what_the_modern_protocol_has_not_is_not_found_in_it(method: str) -> None:
    assert (await modern().send(method, {}))["error"]["code"] == jsonrpc.METHOD_NOT_FOUND


@pytest.mark.parametrize(
    "method", ["server/discover", "subscriptions/listen", "tasks/get", "no/such", "", "tools/call "]
)
async def test_what_the_legacy_protocol_has_not_is_not_found_in_it(method: str) -> None:
    client = await legacy()
    assert (await client.send(method, {}))["error"]["code"] == jsonrpc.METHOD_NOT_FOUND


async def test_a_modern_client_without_capabilities_or_of_an_unknown_revision_is_told_so() -> None:
    client = Client(HandMade("p"), modern=True, stdio=False)
    for meta, code in (
        ({VERSION_KEY: "2031-01-01", CAPABILITIES_KEY: {}}, jsonrpc.UNSUPPORTED_VERSION),
        ({VERSION_KEY: LATEST_MODERN, CAPABILITIES_KEY: []}, jsonrpc.INVALID_PARAMS),
        ({VERSION_KEY: None, CAPABILITIES_KEY: {}}, jsonrpc.UNSUPPORTED_VERSION),
    ):
        assert (await client.send("tools/list", {"_meta": meta}))["error"]["code"] == code


LISTS = [
    ("tools/list", "tools"),
    ("prompts/list", "prompts"),
    ("resources/list", "resources"),
    ("resources/templates/list", "resourceTemplates"),
]


@pytest.mark.parametrize(("method", "key"), LISTS)
async def test_every_list_is_served_in_both_eras(method: str, key: str) -> None:
    provider = HandMade("p", tools=("a",), prompts=("a",), resources=("a:a",), templates=("a:{a}",))
    old = await (await legacy(provider)).ask(method)
    new = await modern(provider).ask(method)
    assert old[key] == new[key] != []
    assert "nextCursor" not in old
    assert set(old) == {key}
    assert (new["resultType"], new["ttlMs"], new["cacheScope"]) == ("complete", 0, "private")


@pytest.mark.parametrize("cursor", ["", "x", 0, {}])
async def test_a_cursor_nobody_gave_is_refused(cursor: Any) -> None:
    assert (await (await legacy()).send("tools/list", {"cursor": cursor}))["error"]["code"] == jsonrpc.INVALID_PARAMS


@pytest.mark.parametrize("request_id", [0, -1, "", "x" * 300, 2**63, "é\ud800", '"\n'])
async def test_every_answer_repeats_the_id_as_it_was(request_id: Any) -> None:
    client = await legacy()
    for method in ("tools/list", "ping", "tools/call", "no/such"):
        assert (await client.send(method, {"name": "t"}, id=request_id))["id"] == request_id


async def test_a_list_is_encoded_once_until_it_changes() -> None:
    child = HandMade("p", tools=("t",))
    client = await legacy(Composite("c", "C", [member("", child)]))
    await client.ask("tools/list")
    listed = child.listed
    await client.ask("tools/list")
    assert child.listed == listed
    child.tools = ("t", "u")
    child.notice(Kind.TOOLS)
    assert [tool["name"] for tool in (await client.ask("tools/list"))["tools"]] == ["t", "u"]


async def test_a_legacy_client_gets_no_output_schema_that_is_none_for_it() -> None:
    class Odd(HandMade):
        async def offers(self, caller: Caller, patience_s: float = 0.0) -> Any:
            offers = await super().offers(caller, patience_s)
            schemas: list[Any] = [{"type": "object"}, {"type": "array"}, True, None, {"anyOf": []}]
            tools = tuple({"name": str(n), "outputSchema": schema} for n, schema in enumerate(schemas))
            return type(offers)(tools=tools, capabilities=offers.capabilities)

    old = (await (await legacy(Odd("p"))).ask("tools/list"))["tools"]
    new = (await modern(Odd("p")).ask("tools/list"))["tools"]
    assert [tool["name"] for tool in old if "outputSchema" in tool] == ["0", "3"]
    assert all("outputSchema" in tool for tool in new)


async def test_the_envelope_of_a_result_fits_the_era_of_the_client() -> None:
    result = {
        "content": [],
        "structuredContent": [1],
        "resultType": "complete",
        "ttlMs": 5,
        "x-new": None,
        "_meta": {SERVER_INFO_KEY: {"name": "child"}, "mine": 1},
    }
    provider = HandMade("p", answers=lambda method, params, relay: result)
    old = await (await legacy(provider)).ask("tools/call", {"name": "t"})
    assert old == {"content": [], "x-new": None, "_meta": {"mine": 1}}
    new = await modern(provider).ask("tools/call", {"name": "t"})
    assert new["structuredContent"] == [1]
    assert new["_meta"][SERVER_INFO_KEY]["name"] == "P"
    assert new["_meta"]["mine"] == 1
    assert new["x-new"] is None


BAD: list[tuple[str, Any]] = [
    ("tools/call", []),
    ("tools/call", "x"),
    ("tools/call", 5),
    ("tools/call", {}),
    ("tools/call", {"name": 5}),
    ("tools/call", {"name": "t", "arguments": []}),
    ("tools/call", {"name": "t", "arguments": None}),
    ("resources/read", {"uri": {}}),
    ("prompts/get", {"name": None}),
    ("completion/complete", {"ref": "x", "argument": {}}),
    ("completion/complete", {"ref": {}, "argument": []}),
    ("logging/setLevel", {"level": "loud"}),
    ("logging/setLevel", {"level": []}),
    ("resources/subscribe", {"uri": 5}),
    ("initialize", {}),
    ("initialize", {"protocolVersion": 5, "capabilities": {}, "clientInfo": {}}),
    ("initialize", {"protocolVersion": "2025-11-25", "capabilities": [], "clientInfo": {}}),
]


@pytest.mark.parametrize(("method", "params"), BAD, ids=repr)
async def test_wrong_parameters_are_refused_as_such(method: str, params: Any) -> None:
    provider = HandMade("p")
    client = await legacy(provider)
    response = await client.send(method, params)
    assert response["error"]["code"] == jsonrpc.INVALID_PARAMS
    assert provider.asked == []


async def test_null_parameters_are_none() -> None:
    client = await legacy()
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": None}
    assert "result" in written(await client.server.respond(message, client.session, lambda data: None))


ERRORS: list[tuple[Exception, int]] = [
    (RpcError(4711, "no", {"deep": None}), 4711),
    (UnknownName("Unknown tool: x"), jsonrpc.INVALID_PARAMS),
    (RuntimeError("a bug"), jsonrpc.INTERNAL_ERROR),
]


@pytest.mark.parametrize(("error", "code"), ERRORS, ids=repr)
async def test_errors_reach_the_client_as_what_they_are(error: Exception, code: int) -> None:
    client = await legacy(HandMade("p", answers=lambda method, params, relay: error))
    response = await client.send("tools/call", {"name": "t"})
    assert response["error"]["code"] == code
    if isinstance(error, RpcError):
        assert response["error"] == error.to_wire()
    assert "a bug" not in json.dumps(response)


@pytest.mark.parametrize("error", [ChildError("Time is not running: why", "time"), SecretMissing("no secret", "time")])
async def test_a_child_that_is_down_is_told_to_the_model_in_words(error: Exception) -> None:
    client = await legacy(HandMade("p", answers=lambda method, params, relay: error))
    result = await client.ask("tools/call", {"name": "t"})
    assert result == {"content": [{"type": "text", "text": str(error)}], "isError": True}
    response = await client.send("prompts/get", {"name": "t"})
    assert response["error"] == {"code": jsonrpc.INTERNAL_ERROR, "message": str(error), "data": {"node": "time"}}


async def test_not_found_has_the_code_of_the_clients_era() -> None:
    provider = HandMade("p", answers=lambda method, params, relay: RpcError(-32002, "gone", {"uri": "a:b"}))
    assert (await (await legacy(provider)).send("resources/read", {"uri": "a:b"}))["error"]["code"] == -32002
    assert (await modern(provider).send("resources/read", {"uri": "a:b"}))["error"]["code"] == -32602


async def test_a_result_that_cannot_be_written_is_an_error_and_not_silence() -> None:
    nested: Any = []
    for _ in range(20_000):
        nested = [nested]
    odd: Any = None
    client = await legacy(HandMade("p", answers=lambda method, params, relay: {"x": odd}))
    for odd in (float("inf"), float("nan"), nested):  # noqa: B007  # what the answer holds
        response = await client.send("tools/call", {"name": "t"})
        assert response["error"]["message"] == "the result cannot be written as JSON"


async def test_half_a_surrogate_pair_passes_both_ways() -> None:
    provider = HandMade("p", answers=lambda method, params, relay: {"content": [params["arguments"]]})
    result = await (await legacy(provider)).ask("tools/call", {"name": "t", "arguments": {"a": "\ud800"}})
    assert result["content"] == [{"a": "\ud800"}]


async def test_a_modern_client_over_stdio_is_known_by_its_connection_and_one_over_http_is_not() -> None:
    callers: list[Caller] = []

    def note(method: str, params: Json, relay: Any) -> Json:
        callers.append(relay.caller)
        return {"content": []}

    provider = HandMade("p", answers=note)
    client = modern(provider)
    await client.ask("tools/call", {"name": "t"})
    await modern(provider, stdio=False).ask("tools/call", {"name": "t"})
    assert [caller.session for caller in callers] == [client.session.id, ""]


@pytest.mark.parametrize(("asked", "wanted"), [("warning", "warning"), ("loud", None), (None, None), ([], None)])
async def test_a_modern_client_gets_logs_only_on_request(asked: Any, wanted: Any) -> None:
    levels: list[Any] = []

    def note(method: str, params: Json, relay: Any) -> Json:
        levels.append(relay.log_level)
        return {"content": []}

    meta = {} if asked is None else {LOG_LEVEL_KEY: asked}
    await modern(HandMade("p", answers=note)).ask("tools/call", {"name": "t", "_meta": meta})
    assert levels == [wanted]


async def test_children_are_started_for_the_first_client_as_it_wants_them() -> None:
    client = Client(HandMade("p"))
    first: list[Caller] = []
    client.server.on_first_caller = first.append
    await client.initialize(roots={})
    await client.ask("tools/list")
    assert [caller.capabilities for caller in first] == [{"roots": {}}]


async def test_subscriptions_are_passed_on_once_and_end_with_the_session() -> None:
    provider = HandMade("p")
    client = await legacy(provider)
    for method in ("subscribe", "subscribe", "unsubscribe", "unsubscribe", "subscribe"):
        await client.ask(f"resources/{method}", {"uri": "a:b"})
    assert provider.watched == [("a:b", True), ("a:b", False), ("a:b", True)]
    client.server.leave(client.session)
    await asyncio.sleep(0.01)
    assert provider.watched[-1] == ("a:b", False)
    assert provider.forgotten == [client.session.id]


async def test_a_task_of_the_extension_is_routed_by_its_id() -> None:
    provider = HandMade("p", capabilities={"extensions": {"io.modelcontextprotocol/tasks": {}}})
    await modern(provider).ask("tasks/get", {"taskId": "7"})
    assert provider.asked[0][0] == "tasks/get"
    assert (await modern(provider).send("tasks/get", {"taskId": 7}))["error"]["code"] == jsonrpc.INVALID_PARAMS


@pytest.mark.parametrize("method", ["tasks/get", "tasks/list", "tasks/result", "tasks/cancel"])
async def test_tasks_of_the_core_are_for_clients_of_the_one_revision_that_has_them(method: str) -> None:
    provider = HandMade("p", capabilities={"tasks": {"list": {}}})
    client = await legacy(provider)
    assert "result" in await client.send(method, {"taskId": "7"})
    old = Client(provider)
    await old.ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": INFO})
    assert (await old.send(method, {"taskId": "7"}))["error"]["code"] == jsonrpc.METHOD_NOT_FOUND


async def test_a_list_that_changes_while_it_is_read_is_read_again_and_one_that_changes_later_is_told_of() -> None:
    provider = HandMade("p", tools=("old",), settles=asyncio.Event())
    client = Client(provider, modern=True)
    listing = asyncio.get_running_loop().create_task(client.ask("tools/list"))
    await asyncio.sleep(0)
    provider.notice(Kind.TOOLS)
    provider.settles.set()
    await listing
    assert provider.listed == 2

    wanted = {"notifications": {"toolsListChanged": True}}
    for told in ([], ["notifications/tools/list_changed"]):
        await asyncio.sleep(COALESCE_S * 2)
        client.sent.clear()
        listening = asyncio.get_running_loop().create_task(client.send("subscriptions/listen", wanted))
        await asyncio.sleep(0)
        methods = [message["method"] for message in client.sent]
        assert methods == ["notifications/subscriptions/acknowledged", *told]
        listening.cancel()
        await asyncio.wait([listening])
        provider.notice(Kind.TOOLS)
    client.server.close()


async def test_a_call_is_told_hop_by_hop_while_somebody_hears_it_and_costs_nothing_while_nobody_does() -> None:
    events: list[Event] = []
    client = await legacy(Composite("c", "c", [member("p", tools=("t",))], events.append))
    client.server.is_heard = False
    await client.ask("tools/call", {"name": "p_t"})
    assert events == []
    client.server.is_heard = True
    await client.ask("tools/call", {"name": "p_t"})
    assert [type(event) for event in events] == [CallStarted, CallFinished]
