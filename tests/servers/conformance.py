"""The server the official conformance suite expects: fixed names of tools, resources and prompts, in both eras."""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from typing import Any

from tests.servers.core import Call, Json, Refused, Server, Tool, not_found, text
from tests.servers.run import eras, parser, run

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
SILENCE = base64.b64encode(
    b"RIFF&\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0@\x1f\0\0\x80>\0\0\x02\0\x10\0data\x02\0\0\0\0\0"
).decode()
NAME_SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
_KEY = secrets.token_bytes(32)


def _string(**more: Any) -> Json:
    return {"type": "string", **more}


SCHEMA_2020_12: Json = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": _string(), "city": _string()},
        }
    },
    "properties": {
        "name": _string(),
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": _string(enum=["phone", "email"]),
        "phone": _string(),
        "email": _string(),
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
DEFAULTS: Json = {
    "type": "object",
    "properties": {
        "name": _string(default="John Doe"),
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": _string(enum=["active", "inactive", "pending"], default="active"),
        "verified": {"type": "boolean", "default": True},
    },
}
_OPTIONS = ["option1", "option2", "option3"]
_TITLED = [{"const": f"value{n}", "title": f"{word} Option"} for n, word in enumerate(("First", "Second", "Third"), 1)]
ENUMS: Json = {
    "type": "object",
    "properties": {
        "untitledSingle": _string(enum=_OPTIONS),
        "titledSingle": _string(oneOf=_TITLED),
        "legacyEnum": _string(enum=["opt1", "opt2", "opt3"], enumNames=["Option One", "Option Two", "Option Three"]),
        "untitledMulti": {"type": "array", "items": _string(enum=_OPTIONS)},
        "titledMulti": {"type": "array", "items": {"anyOf": _TITLED}},
    },
}


def image() -> Json:
    return {"type": "image", "data": PIXEL, "mimeType": "image/png"}


def embedded(uri: str, mime: str, content: str) -> Json:
    return {"type": "resource", "resource": {"uri": uri, "mimeType": mime, "text": content}}


def elicit(message: str, schema: Json) -> Json:
    return {"method": "elicitation/create", "params": {"message": message, "requestedSchema": schema}}


def sample(prompt: str, tokens: int = 100) -> Json:
    messages = [{"role": "user", "content": {"type": "text", "text": prompt}}]
    return {"method": "sampling/createMessage", "params": {"messages": messages, "maxTokens": tokens}}


def roots() -> Json:
    return {"method": "roots/list", "params": {}}


def required(requests: Json, state: str | None = None) -> Json:
    """Return the modern result that asks the client for input."""
    result: Json = {"resultType": "input_required", "inputRequests": requests}
    return result if state is None else {**result, "requestState": state}


def seal(value: str) -> str:
    """Return a state that cannot be changed unnoticed."""
    return value + "." + hmac.new(_KEY, value.encode(), hashlib.sha256).hexdigest()


def unseal(state: Any) -> str:
    value, _, _ = str(state).rpartition(".")
    if not hmac.compare_digest(seal(value), str(state)):
        raise Refused(-32602, "Invalid requestState")
    return value


def accepted(call: Call, key: str, field: str) -> Any:
    """Return one field of an accepted elicitation, or None when the client has not given it."""
    given = call.inputs.get(key)
    content = given.get("content") if isinstance(given, dict) else None
    return content.get(field) if isinstance(content, dict) else None


class Conformance(Server):
    """The fixture; its lists carry cache hints, and its diagnostic tools change them."""

    name = "conformance-fixture"

    def __init__(self, chosen: tuple[str, ...] = ("legacy", "modern")) -> None:
        super().__init__(chosen)
        self.resources = [
            {"uri": "test://static-text", "name": "Static text", "mimeType": "text/plain"},
            {"uri": "test://static-binary", "name": "Static binary", "mimeType": "image/png"},
            {"uri": "test://watched-resource", "name": "Watched resource", "mimeType": "text/plain"},
        ]
        template = {"uriTemplate": "test://template/{id}/data", "name": "Template", "mimeType": "application/json"}
        self.templates = [template]
        two = [{"name": name, "description": f"The {name}.", "required": True} for name in ("arg1", "arg2")]
        uri = [{"name": "resourceUri", "description": "What to embed.", "required": True}]
        self.prompts = [
            {"name": "test_simple_prompt", "description": "A prompt without arguments."},
            {"name": "test_prompt_with_arguments", "description": "A prompt with two.", "arguments": two},
            {"name": "test_prompt_with_embedded_resource", "description": "Embeds.", "arguments": uri},
            {"name": "test_prompt_with_image", "description": "A prompt with an image."},
            {"name": "test_input_required_result_prompt", "description": "A prompt that asks first."},
        ]
        _offer_content(self)
        _offer_traffic(self)
        _offer_requests(self)
        for name, handler in _ASKING.items():
            self.tool(name)(handler)
        _offer_diagnostics(self)

    def capabilities(self, era: str) -> Json:
        return {**super().capabilities(era), "logging": {}}

    async def read_resource(self, call: Call) -> Json:
        uri = call.params["uri"]
        if uri == "test://static-binary":
            return {"contents": [{"uri": uri, "mimeType": "image/png", "blob": PIXEL}]}
        texts = {
            "test://static-text": "This is the content of the static text resource.",
            "test://watched-resource": "Watched resource content.",
        }
        content, mime = texts.get(uri), "text/plain"
        if uri.startswith("test://template/") and uri.endswith("/data"):
            name = uri.removeprefix("test://template/").removesuffix("/data")
            content, mime = (
                json.dumps({"id": name, "templateTest": True, "data": f"Data for ID: {name}"}),
                "application/json",
            )
        if content is None:
            raise not_found(call)
        return {"contents": [{"uri": uri, "mimeType": mime, "text": content}]}

    async def get_prompt(self, call: Call) -> Json:
        name, given = call.params.get("name"), call.params.get("arguments") or {}
        if name == "test_input_required_result_prompt":
            context = accepted(call, "user_context", "context")
            if context is None:
                schema = {"type": "object", "properties": {"context": _string()}, "required": ["context"]}
                return required({"user_context": elicit("What context should the prompt use?", schema)})
            return _messages({"type": "text", "text": f"Use the context {context}."})
        if name == "test_simple_prompt":
            return _messages({"type": "text", "text": "This is a simple prompt for testing."})
        if name == "test_prompt_with_arguments":
            told = f"Prompt with arguments: arg1='{given.get('arg1')}', arg2='{given.get('arg2')}'"
            return _messages({"type": "text", "text": told})
        if name == "test_prompt_with_embedded_resource":
            return _messages(
                embedded(given.get("resourceUri", ""), "text/plain", "Embedded resource content for testing."),
                {"type": "text", "text": "Please process the embedded resource above."},
            )
        if name == "test_prompt_with_image":
            return _messages(image(), {"type": "text", "text": "Please analyze the image above."})
        return await super().get_prompt(call)


def _messages(*contents: Json) -> Json:
    return {"messages": [{"role": "user", "content": content} for content in contents]}


def _offer_content(server: Server) -> None:
    def fixed(name: str, *content: Json, **more: Any) -> None:
        @server.tool(name)
        async def answer(call: Call, arguments: Json) -> Json:
            return {"content": list(content), **more}

    fixed("test_simple_text", {"type": "text", "text": "This is a simple text response for testing."})
    fixed("test_image_content", image())
    fixed("test_audio_content", {"type": "audio", "data": SILENCE, "mimeType": "audio/wav"})
    fixed(
        "test_embedded_resource",
        embedded("test://embedded-resource", "text/plain", "This is an embedded resource content."),
    )
    fixed(
        "test_multiple_content_types",
        {"type": "text", "text": "Multiple content types test:"},
        image(),
        embedded("test://mixed-content-resource", "application/json", '{"test": "data", "value": 123}'),
    )
    wrong = "This tool intentionally returns an error for testing"
    fixed("test_error_handling", {"type": "text", "text": wrong}, isError=True)

    @server.tool("json_schema_2020_12_tool", inputSchema=SCHEMA_2020_12)
    async def keep_schema(call: Call, arguments: Json) -> Json:
        return text(json.dumps(arguments))

    region = {"type": "object", "properties": {"region": _string(**{"x-mcp-header": "Region"})}}

    @server.tool("test_x_mcp_header", inputSchema=region)
    async def header(call: Call, arguments: Json) -> Json:
        return text(f"region={arguments.get('region')}")


def _offer_traffic(server: Server) -> None:
    @server.tool("test_tool_with_logging")
    async def log(call: Call, arguments: Json) -> Json:
        for step in ("Tool execution started", "Tool processing data", "Tool execution completed"):
            call.log("info", step)
            await asyncio.sleep(0.05)
        return text("Tool with logging executed successfully")

    @server.tool("test_tool_with_progress")
    async def progress(call: Call, arguments: Json) -> Json:
        for step in (0, 50, 100):
            call.progress(step, total=100, message=f"Completed step {step} of 100")
            await asyncio.sleep(0.05)
        return text(str(call.meta.get("progressToken", 0)))

    @server.tool("test_reconnection")
    async def reconnect(call: Call, arguments: Json) -> Json:
        call.log("info", "Before disconnect")
        await asyncio.sleep(0.2)
        call.log("info", "After reconnect")
        return text("Reconnection test completed")


def _offer_requests(server: Server) -> None:
    """Tools that send a request of their own: legacy only, as the modern era forbids it."""

    async def ask(call: Call, request: Json) -> Json:
        if call.era == "modern":
            raise Refused(-32601, "This tool needs a connection of the legacy era")
        return await call.ask(request["method"], request["params"])

    @server.tool("test_sampling", inputSchema={"type": "object", "properties": {"prompt": _string()}})
    async def sampling(call: Call, arguments: Json) -> Json:
        answer = await ask(call, sample(arguments.get("prompt", "")))
        return text(f"LLM response: {answer['content'].get('text')}")

    @server.tool("test_elicitation", inputSchema={"type": "object", "properties": {"message": _string()}})
    async def elicitation(call: Call, arguments: Json) -> Json:
        schema = {"type": "object", "properties": {"response": _string()}, "required": ["response"]}
        answer = await ask(call, elicit(arguments.get("message", ""), schema))
        return text(f"User response: action={answer['action']}, content={json.dumps(answer.get('content'))}")

    def fixed(name: str, message: str, schema: Json) -> None:
        @server.tool(name)
        async def answer(call: Call, arguments: Json) -> Json:
            given = await ask(call, elicit(message, schema))
            return text(f"Elicitation completed: action={given['action']}, content={json.dumps(given.get('content'))}")

    fixed("test_elicitation_sep1034_defaults", "Please provide user information", DEFAULTS)
    fixed("test_elicitation_sep1330_enums", "Please select values", ENUMS)


_ASKING: dict[str, Tool] = {}
"""Tools that answer `input_required` until the client has given what they need."""


def _asking(name: str) -> Callable[[Tool], Tool]:
    def add(handler: Tool) -> Tool:
        _ASKING[f"test_input_required_result_{name}"] = handler
        return handler

    return add


@_asking("elicitation")
async def _ask_elicitation(call: Call, arguments: Json) -> Json:
    name = accepted(call, "user_name", "name")
    if not isinstance(name, str):
        return required({"user_name": elicit("What is your name?", NAME_SCHEMA)})
    return text(f"Hello, {name}!")


@_asking("sampling")
async def _ask_sampling(call: Call, arguments: Json) -> Json:
    given = call.inputs.get("capital_question")
    if given is None:
        return required({"capital_question": sample("What is the capital of France?")})
    return text(f"The answer was: {given['content'].get('text')}")


@_asking("list_roots")
async def _ask_list_roots(call: Call, arguments: Json) -> Json:
    given = call.inputs.get("client_roots")
    if given is None:
        return required({"client_roots": roots()})
    return text(f"Roots: {[root['uri'] for root in given['roots']]}")


@_asking("request_state")
async def _ask_request_state(call: Call, arguments: Json) -> Json:
    if "confirm" not in call.inputs:
        schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
        return required({"confirm": elicit("Please confirm", schema)}, seal("confirm"))
    unseal(call.params.get("requestState"))
    return text("state-ok")


@_asking("multiple_inputs")
async def _ask_multiple_inputs(call: Call, arguments: Json) -> Json:
    requests = {
        "user_name": elicit("What is your name?", NAME_SCHEMA),
        "greeting": sample("Generate a greeting", 50),
        "client_roots": roots(),
    }
    missing = {key: value for key, value in requests.items() if key not in call.inputs}
    if missing:
        return required(missing, seal("many"))
    unseal(call.params.get("requestState"))
    return text("All inputs received")


@_asking("multi_round")
async def _ask_multi_round(call: Call, arguments: Json) -> Json:
    if call.params.get("requestState") is None:
        return required({"step1": elicit("Step 1: What is your name?", NAME_SCHEMA)}, seal("round-1"))
    if unseal(call.params["requestState"]) == "round-1":
        schema = {"type": "object", "properties": {"color": _string()}, "required": ["color"]}
        name = accepted(call, "step1", "name")
        return required({"step2": elicit("Step 2: What is your favorite color?", schema)}, seal(f"round-2 {name}"))
    return text(f"Done: {accepted(call, 'step2', 'color')}")


@_asking("tampered_state")
async def _ask_tampered_state(call: Call, arguments: Json) -> Json:
    if call.params.get("requestState") is None:
        schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}}
        return required({"confirm": elicit("Please confirm", schema)}, seal("sealed"))
    unseal(call.params["requestState"])
    return text("state-ok")


@_asking("capabilities")
async def _ask_capabilities(call: Call, arguments: Json) -> Json:
    requests = {
        "elicitation": ("ask", elicit("What is your name?", NAME_SCHEMA)),
        "sampling": ("think", sample("Say hello")),
        "roots": ("where", roots()),
    }
    offered = {key: request for name, (key, request) in requests.items() if name in call.capabilities}
    missing = {key: value for key, value in offered.items() if key not in call.inputs}
    return required(missing) if missing else text("Nothing more is needed")


def _offer_diagnostics(server: Server) -> None:
    @server.tool("test_missing_capability")
    async def missing_capability(call: Call, arguments: Json) -> Json:
        if "sampling" not in call.capabilities:
            message = "Missing required client capability"
            raise Refused(-32021, message, {"requiredCapabilities": {"sampling": {}}})
        return text("The client can sample.")

    @server.tool("test_streaming_elicitation")
    async def streaming(call: Call, arguments: Json) -> Json:
        call.progress(1, total=2)
        if "user_name" not in call.inputs:
            return required({"user_name": elicit("What is your name?", NAME_SCHEMA)})
        return text("Streamed")

    @server.tool("test_logging_tool")
    async def logging(call: Call, arguments: Json) -> Json:
        call.log("info", "Only with a level")
        return text("Logged if asked to")

    @server.tool("test_trigger_tool_change")
    async def tool_change(call: Call, arguments: Json) -> Json:
        server.changed("notifications/tools/list_changed")
        return text("Tools changed")

    @server.tool("test_trigger_prompt_change")
    async def prompt_change(call: Call, arguments: Json) -> Json:
        server.changed("notifications/prompts/list_changed")
        return text("Prompts changed")


if __name__ == "__main__":
    options = parser(__doc__).parse_args()
    run(Conformance(eras(options.era)), options.http)
