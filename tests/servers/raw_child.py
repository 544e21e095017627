"""A child server that behaves as badly as its script says: one JSON object, its only argument.

Keys of the script, all optional: `speaks` (legacy, modern, dual), `tools` (names, beside the ones below), `hang` and
`die` (methods never answered, or ended at), `replies` (raw lines written instead of answering a method; `$ID` is the
id), `first` (raw lines written before anything is read), `capabilities`, `starts` (a file that gets a line for each
start), `annotations` (of tools, by name), `slow_s` (how long it takes to start), `stubborn` (ignores SIGTERM and the
end of its input).
"""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

MODERN = "2026-07-28"
KEY = "io.modelcontextprotocol/"
script: dict[str, Any] = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
era = script.get("speaks", "dual")
tools = ["echo", "wait", "crash", "ask", "steps", "log", "change", "pid", "big", "client", *script.get("tools", ())]
questions: dict[str, Any] = {}
legacy_capabilities: dict[str, Any] = {}
listening: list[Any] = []
spoken = ""


def write(line: str) -> None:
    sys.stdout.buffer.write(line.encode("utf-8", "surrogateescape") + b"\n")
    sys.stdout.buffer.flush()


def send(**message: Any) -> None:
    write(json.dumps({"jsonrpc": "2.0", **message}))


def answer(request_id: Any, **result: Any) -> None:
    send(id=request_id, result={"resultType": "complete", **result} if spoken == "modern" else result)


def text(request_id: Any, value: Any) -> None:
    answer(request_id, content=[{"type": "text", "text": value if isinstance(value, str) else json.dumps(value)}])


def refuse(request_id: Any, code: int, message: str) -> None:
    send(id=request_id, error={"code": code, "message": message})


def lines() -> Iterator[dict[str, Any]]:
    for line in sys.stdin.buffer:
        yield json.loads(line)
    while script.get("stubborn"):
        time.sleep(60)


def serve() -> None:
    global spoken
    if "starts" in script:
        with open(script["starts"], "a", encoding="utf-8") as file:
            file.write(f"{os.getpid()}\n")
    if script.get("stubborn"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(script.get("slow_s", 0))
    for line in script.get("first", ()):
        write(line)
    for message in lines():
        take(message)


def take(message: dict[str, Any]) -> None:
    method = message.get("method")
    if method is None:
        hear_answer(message)
    elif "id" not in message:
        hear(method, message.get("params") or {})
    elif method in script.get("die", ()):
        sys.stderr.write(f"dying at {method}\n")
        sys.stderr.flush()
        os._exit(3)
    elif method in script.get("replies", {}):
        for line in script["replies"][method]:
            write(line.replace("$ID", json.dumps(message["id"])))
    elif method not in script.get("hang", ()):
        request(message["id"], method, message.get("params") or {})


def hear(method: str, params: dict[str, Any]) -> None:
    if method == "notifications/initialized":
        return
    sys.stderr.write(f"heard {method} {json.dumps(params, sort_keys=True)}\n")
    sys.stderr.flush()


def hear_answer(message: dict[str, Any]) -> None:
    call = questions.pop(message.get("id", ""), None)
    if call is not None:
        text(call, message.get("result") if "result" in message else {"error": message["error"]})


def request(request_id: Any, method: str, params: dict[str, Any]) -> None:
    global spoken, legacy_capabilities
    offered = script.get("capabilities", {"tools": {"listChanged": True}, "logging": {}})
    if method == "server/discover":
        if era == "legacy":
            refuse(request_id, -32601, "Method not found")
            return
        spoken = "modern"
        answer(request_id, supportedVersions=[MODERN], capabilities=offered)
    elif method == "initialize":
        if era == "modern":
            refuse(request_id, -32022, "Unsupported protocol version")
            return
        spoken = "legacy"
        legacy_capabilities = params.get("capabilities") or {}
        info = {"name": "raw", "version": "1"}
        answer(request_id, protocolVersion=params["protocolVersion"], capabilities=offered, serverInfo=info)
    elif method == "tools/list":
        hints = script.get("annotations", {})
        listed = [{"name": name, "inputSchema": {"type": "object"}} for name in tools]
        answer(
            request_id,
            tools=[tool | ({"annotations": hints[tool["name"]]} if tool["name"] in hints else {}) for tool in listed],
        )
    elif method in ("resources/list", "prompts/list", "resources/templates/list"):
        answer(
            request_id,
            **{{"resources/list": "resources", "prompts/list": "prompts"}.get(method, "resourceTemplates"): []},
        )
    elif method == "tools/call":
        call(request_id, params["name"], params.get("arguments") or {}, params.get("_meta") or {})
    elif method == "logging/setLevel":
        sys.stderr.write(f"level set to {params['level']}\n")
        sys.stderr.flush()
        answer(request_id)
    elif method == "subscriptions/listen":
        listening.append(request_id)
    else:
        answer(request_id)


def call(request_id: Any, name: str, arguments: dict[str, Any], meta: dict[str, Any]) -> None:
    if name == "crash":
        os._exit(7)
    if name == "crash_first" and len(open(script["starts"], encoding="utf-8").readlines()) == 1:  # noqa: SIM115
        os._exit(7)
    elif name == "ask":
        question = f"q{request_id}"
        questions[question] = request_id
        method = arguments.get("method", "elicitation/create")
        send(id=question, method=method, params=arguments.get("params", {"message": "?"}))
    elif name == "steps":
        for step in range(arguments.get("count", 3)):
            if "progressToken" in meta:
                send(method="notifications/progress", params={"progressToken": meta["progressToken"], "progress": step})
    elif name == "log":
        send(method="notifications/message", params={"level": arguments["level"], "data": arguments.get("data", "")})
    elif name == "change":
        tools.append(arguments["add"])
        subscription = {"_meta": {KEY + "subscriptionId": listening[-1]}} if listening else {}
        send(method="notifications/tools/list_changed", params=subscription)
    if name not in ("wait", "ask"):
        text(request_id, said(name, arguments))


def said(name: str, arguments: dict[str, Any]) -> Any:
    if name == "big":
        return "x" * arguments["bytes"]
    told = {"echo": arguments, "pid": str(os.getpid()), "client": legacy_capabilities}
    return told.get(name, f"this is {name}")


serve()
