"""A server with something for every row of the forwarding table, in the legacy era, the modern one, or both.

What it is told by a client it tells back as JSON text, so that a test sees what really reached the child.
"""

import asyncio
import json
import os
from collections.abc import Callable
from typing import Any

from tests.servers.conformance import PIXEL, elicit, required, roots, sample
from tests.servers.core import META, Call, Json, Refused, Server, Session, Tool, not_found, report, text
from tests.servers.run import eras, parser, run

ICON = {"src": "data:image/png;base64," + PIXEL, "mimeType": "image/png", "sizes": ["1x1"], "theme": "dark"}
FORM = {"type": "object", "properties": {"color": {"type": "string", "x-hint": None}}, "required": ["color"]}
ODD = {"x-unknown": {"deep": [1, None, {"a": None}]}, "x-null": None}
"""Fields nobody knows; a relay must keep them, nulls included."""

_TOOLS: dict[str, tuple[Tool, Json]] = {}


def _offer(name: str, **definition: Any) -> Callable[[Tool], Tool]:
    def add(handler: Tool) -> Tool:
        _TOOLS[name] = (handler, definition)
        return handler

    return add


class Features(Server):
    """Pages are short on purpose, so that reading a list always takes several."""

    page_size = 5
    instructions = "Call anything."

    def __init__(self, name: str, chosen: tuple[str, ...]) -> None:
        super().__init__(chosen)
        self.name = name
        self.heard: list[str] = []
        for tool, (handler, definition) in _TOOLS.items():
            self.tool(tool, **definition)(handler)
        self.resources = [
            {"uri": f"{name}://note", "name": "note", "icons": [ICON], "annotations": {"priority": 0.5, **ODD}, **ODD},
            {"uri": f"{name}://pixel", "name": "pixel", "mimeType": "image/png", "size": 68},
            {"uri": f"{name}://secret", "name": "secret", "description": "Asks before it can be read."},
            {"uri": "shared://same", "name": "same", "description": "Every one of these servers has it."},
            *({"uri": f"{name}://extra/{n}", "name": f"extra {n}"} for n in range(8)),
        ]
        self.templates = [
            {"uriTemplate": f"{name}://item/{{id}}", "name": "item", **ODD},
            *({"uriTemplate": f"{name}://kind{n}/{{id}}", "name": f"kind {n}"} for n in range(6)),
        ]
        self.prompts = [
            {"name": "greet", "arguments": [{"name": "who", "required": True, **ODD}], "icons": [ICON], **ODD},
            {"name": "ask", "description": "Asks before it answers."},
            *({"name": f"prompt{n}"} for n in range(6)),
        ]

    def notified(self, session: Session, method: str, params: Json) -> None:
        self.heard.append(method)

    async def read_resource(self, call: Call) -> Json:
        uri: str = call.params["uri"]
        item = f"{self.name}://item/"
        if uri == f"{self.name}://pixel":
            return {"contents": [{"uri": uri, "mimeType": "image/png", "blob": PIXEL}], **ODD}
        if uri == f"{self.name}://secret":
            given = await self.ask_one(call, "key", elicit("Which color?", FORM))
            return given if "resultType" in given else {"contents": [{"uri": uri, "text": json.dumps(given)}]}
        if uri.startswith(item):
            return {"contents": [{"uri": uri, "text": uri.removeprefix(item), "_meta": {"x/y": None}}]}
        if uri in {resource["uri"] for resource in self.resources}:
            return {"contents": [{"uri": uri, "text": f"{self.name} {uri}", **ODD}], **ODD}
        raise not_found(call)

    async def get_prompt(self, call: Call) -> Json:
        name, arguments = call.params.get("name"), call.params.get("arguments") or {}
        link = {"type": "resource_link", "uri": f"{self.name}://note", "name": "note", **ODD}
        if name == "greet":
            hello = {"type": "text", "text": f"Hello {arguments.get('who')}", **ODD}
            return {"description": None, "messages": [{"role": "user", "content": part} for part in (hello, link)]}
        if name == "ask":
            given = await self.ask_one(call, "key", elicit("Which color?", FORM))
            told = {"type": "text", "text": json.dumps(given)}
            return given if "resultType" in given else {"messages": [{"role": "user", "content": told}]}
        return await super().get_prompt(call)

    async def complete(self, call: Call) -> Json:
        ref, argument = call.params["ref"], call.params["argument"]
        values = [self.name, ref.get("name") or ref.get("uri"), argument["name"], argument["value"]]
        values.append(json.dumps(call.params.get("context")))
        return {"completion": {"values": values, "total": 5, "hasMore": False, **ODD}}

    async def ask_one(self, call: Call, key: str, request: Json) -> Json:
        """Ask the client as the era demands. The result is its answer, or what to return to get one."""
        if call.era == "legacy":
            return await call.ask(request["method"], request["params"])
        if key not in call.inputs:
            return required({key: request})
        given: Json = call.inputs[key]
        return given


async def _told(call: Call, key: str, request: Json) -> Json:
    """Ask the client and tell what it answered."""
    assert isinstance(call.session.server, Features)
    given = await call.session.server.ask_one(call, key, request)
    return given if "resultType" in given else report(given)


@_offer(
    "echo",
    title="Echo",
    inputSchema={"type": "object", "properties": {"v": {"$ref": "#/$defs/v"}}, "$defs": {"v": {}}, "x-null": None},
    outputSchema={"type": "object", "properties": {"v": {}}, "additionalProperties": True},
    annotations={"readOnlyHint": True, "title": "T", "x-vendor": {"n": None}},
    icons=[ICON],
    _meta={"ui": {"resourceUri": "ui://echo/view"}, "x/y": None},
    **ODD,
)
async def _echo(call: Call, arguments: Json) -> Json:
    return {"content": [{"type": "text", "text": json.dumps(arguments)}], "structuredContent": arguments}


@_offer("rich")
async def _rich(call: Call, arguments: Json) -> Json:
    name = call.session.server.name
    note = {"uri": f"{name}://note", "mimeType": "text/plain", "text": "inside", "_meta": {"a": None}, **ODD}
    return {
        "content": [
            {"type": "text", "text": "ünï ☃ \u2028", "annotations": {"audience": ["user"], "priority": 1, **ODD}},
            {"type": "image", "data": PIXEL, "mimeType": "image/png", "_meta": {"m": 1}},
            {"type": "audio", "data": "AAAA", "mimeType": "audio/wav"},
            {"type": "resource_link", "uri": f"{name}://note", "name": "note", "icons": [ICON], "size": 3},
            {"type": "resource", "resource": note, **ODD},
            {"type": "x-future", "anything": [None]},
        ],
        "structuredContent": {"big": 12345678901234567890, "small": 1e-300, "null": None, "list": [{}, []]},
        "_meta": {"com.example/kept": {"n": None}},
        **ODD,
    }


@_offer("array", outputSchema={"type": "array", "items": {"type": "integer"}})
async def _array(call: Call, arguments: Json) -> Json:
    return {"content": [{"type": "text", "text": "[1, 2]"}], "structuredContent": [1, 2]}


@_offer("progress")
async def _progress(call: Call, arguments: Json) -> Json:
    count = arguments.get("count", 20)
    for step in range(count):
        call.progress(step, total=count, message=f"step {step}", **ODD)
    return text("done")


@_offer("sleep")
async def _sleep(call: Call, arguments: Json) -> Json:
    """Tell that it has begun, then wait, with a sign of life every `beat_s` when asked for."""
    call.progress(0, message="begun")
    beats = max(1, int(arguments.get("beats", 1)))
    for beat in range(beats):
        await asyncio.sleep(arguments.get("seconds", 60) / beats)
        call.progress(beat + 1)
    return text("awake")


@_offer("cancelled")
async def _cancelled(call: Call, arguments: Json) -> Json:
    return report([given.get("key") for given in call.session.server.cancelled])


@_offer("log")
async def _log(call: Call, arguments: Json) -> Json:
    for level in ("debug", "info", "warning", "error"):
        call.log(level, {"level": level, "none": None}, logger="child", **ODD)
    return text("logged")


@_offer("change")
async def _change(call: Call, arguments: Json) -> Json:
    """Add a tool, a prompt or a resource, or tell that one resource is another now."""
    server, what = call.session.server, arguments["what"]
    if "uri" in arguments:
        server.changed("notifications/resources/updated", {"uri": arguments["uri"], **ODD})
        return text("told")
    added = f"added{len(server.tools)}_{len(server.prompts)}_{len(server.resources)}"
    if what == "tools":
        server.tool(added)(_cancelled)
    elif what == "prompts":
        server.prompts.append({"name": added})
    else:
        server.resources.append({"uri": f"{server.name}://{added}", "name": added})
    for _ in range(arguments.get("times", 1)):
        server.changed(f"notifications/{what}/list_changed")
    return text(added)


@_offer("seen")
async def _seen(call: Call, arguments: Json) -> Json:
    """Tell what reached the child beside the arguments."""
    seen = {key: value for key, value in call.meta.items() if key not in ("progressToken", META + "clientInfo")}
    return report({"era": call.era, "capabilities": call.capabilities, "meta": seen, "pid": os.getpid()})


@_offer("heard")
async def _heard(call: Call, arguments: Json) -> Json:
    assert isinstance(call.session.server, Features)
    return report(call.session.server.heard)


@_offer("boom")
async def _boom(call: Call, arguments: Json) -> Json:
    raise Refused(arguments.get("code", 4711), "custom words", {"deep": [1, {"x": None}], "none": None})


@_offer("fail")
async def _fail(call: Call, arguments: Json) -> Json:
    return {"content": [{"type": "text", "text": "it went wrong"}], "isError": True, **ODD}


@_offer("sample")
async def _sample(call: Call, arguments: Json) -> Json:
    request = sample("What is it?")
    request["params"] |= {"modelPreferences": {"hints": [{"name": "x"}], "costPriority": 0.1}, "temperature": 0.5}
    return await _told(call, "s", request)


@_offer("form")
async def _form(call: Call, arguments: Json) -> Json:
    return await _told(call, "f", elicit("Which color?", FORM))


@_offer("link")
async def _link(call: Call, arguments: Json) -> Json:
    """Ask the client to open a page; the legacy era names the request, to tell later that it is done."""
    params: Json = {"mode": "url", "url": "https://example.com/sign-in?a=1&b=2", "message": "Sign in"}
    if call.era == "legacy":
        params["elicitationId"] = "link-1"
    answer = await _told(call, "u", {"method": "elicitation/create", "params": params})
    if call.era == "legacy":
        call.session.send(
            {"jsonrpc": "2.0", "method": "notifications/elicitation/complete", "params": {"elicitationId": "link-1"}}
        )
    return answer


@_offer("where")
async def _where(call: Call, arguments: Json) -> Json:
    return await _told(call, "r", roots())


@_offer("three")
async def _three(call: Call, arguments: Json) -> Json:
    """Ask three things at once."""
    requests = {"f": elicit("Which color?", FORM), "s": sample("What is it?"), "r": roots()}
    if call.era == "legacy":
        answers = await asyncio.gather(*(call.ask(r["method"], r["params"]) for r in requests.values()))
        return report(dict(zip(requests, answers, strict=True)))
    missing = {key: value for key, value in requests.items() if key not in call.inputs}
    return required(missing, "state-three") if missing else report(call.inputs)


@_offer("rounds")
async def _rounds(call: Call, arguments: Json) -> Json:
    """Ask twice, the second question after the first answer, with progress between."""
    if call.era == "legacy":
        answers = []
        for number in (1, 2):
            call.progress(number)
            answers.append(await call.ask(**elicit(f"Color {number}?", FORM)))
        return report([answer.get("content") for answer in answers])
    state = json.loads(call.params.get("requestState") or "[]")
    if "c" in call.inputs:
        state.append(call.inputs["c"].get("content"))
    if len(state) == 2:
        return report(state)
    call.progress(len(state) + 1)
    return required({"c": elicit(f"Color {len(state) + 1}?", FORM)}, json.dumps(state))


@_offer("big")
async def _big(call: Call, arguments: Json) -> Json:
    return text(chr(arguments.get("code", 120)) * arguments["length"])


@_offer("size")
async def _size(call: Call, arguments: Json) -> Json:
    return report(len(arguments["payload"]))


@_offer(
    "region",
    inputSchema={"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}},
)
async def _region(call: Call, arguments: Json) -> Json:
    return report(arguments.get("region"))


@_offer("write")
async def _write(call: Call, arguments: Json) -> Json:
    """Leave a line in a file, so that a test can count what was really done, and die of it when told to."""
    with open(arguments["path"], "a", encoding="utf-8") as file:  # noqa: ASYNC230 - it must be there before we die
        file.write("done\n")
    if arguments.get("die"):
        os._exit(1)
    return text("written")


@_offer("deep.name/with-slash")
async def _deep(call: Call, arguments: Json) -> Json:
    return text("dotted")


if __name__ == "__main__":
    options = parser(__doc__).parse_args()
    run(Features(options.name or options.era, eras(options.era)), options.http)
