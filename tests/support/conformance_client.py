"""The client the conformance suite starts: a raw client before a runtime whose only child is the suite's server.

What the suite measures is therefore how the runtime speaks to its children. The suite appends the server's URL.
"""

import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.support import graphs, person
from tests.support.client import Client, Refused
from tests.support.runtime import Runtime

SCENARIO = os.environ.get("MCP_CONFORMANCE_SCENARIO", "")
METADATA_URL = "https://conformance-test.local/client-metadata.json"
_SAMPLES: dict[str, Any] = {"string": "text", "number": 5, "integer": 3, "boolean": True, "array": [], "object": {}}


def answer(method: str, params: dict[str, Any]) -> dict[str, Any]:
    """Accept every form with the defaults it suggests, as a person who only presses return."""
    properties: dict[str, Any] = params.get("requestedSchema", {}).get("properties", {})
    content = {key: schema.get("default", _SAMPLES.get(schema.get("type"))) for key, schema in properties.items()}
    return {"action": "accept", "content": content}


def arguments(definition: dict[str, Any]) -> dict[str, Any]:
    """Return a value for each parameter of a tool."""
    properties: dict[str, Any] = definition["inputSchema"].get("properties", {})
    return {key: _SAMPLES.get(schema.get("type"), "text") for key, schema in properties.items()}


def use(client: Client, calls: list[dict[str, Any]]) -> None:
    """Call what the suite names, or every tool there is, and read every list, resource and prompt."""
    tools = client.tools()
    for call in calls or [{"name": name, "arguments": arguments(tool)} for name, tool in tools.items()]:
        with contextlib.suppress(Refused):
            client.call(call["name"], call["arguments"], timeout=20)
    with contextlib.suppress(Refused):
        for resource in client.list_all("resources/list", "resources"):
            client.request("resources/read", {"uri": resource["uri"]})
    with contextlib.suppress(Refused):
        for prompt in client.list_all("prompts/list", "prompts"):
            client.request("prompts/get", {"name": prompt["name"], "arguments": {}})


def auth(context: dict[str, Any]) -> dict[str, Any]:
    """Return how to sign in, as a person would enter it who knows what the suite tells."""
    if "client_id" not in context:
        return {"client_metadata_url": METADATA_URL}
    named = {key: context[key] for key in ("client_id", "client_secret", "issuer") if key in context}
    grant = "client_credentials" if SCENARIO.startswith("auth/client-credentials") else "authorization_code"
    return {"grant": grant, **named}


def settled(runtime: Runtime, since: int) -> dict[str, Any]:
    """Return the newest state of the child, once it is up or waits for a person."""
    found: dict[str, Any] = {}

    def look() -> bool:
        states = runtime.find("child_changed", node="suite")[since:]
        found.update(states[-1] if states else {})
        return bool(found) and (found["state"] in ("ready", "failed") or "action" in found)

    runtime.wait_until(look, 20, "the child")
    return found


def let_in(runtime: Runtime, path: Path, folder: str) -> None:
    """Sign in when the runtime asks for it, or, before anything else, when it is just not let in."""
    since = 0
    for number in range(3):
        state = settled(runtime, since)
        if "action" not in state and (state["state"] == "ready" or number):
            return
        since = len(runtime.find("child_changed", node="suite"))
        outcome = person.sign_in(path, "suite", env={"FUSION_HOME": folder})
        if outcome.code:
            raise SystemExit(outcome.complained)


def main() -> None:
    era = "modern" if os.environ.get("MCP_CONFORMANCE_PROTOCOL_VERSION", "") >= "2026" else "legacy"
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")
    with tempfile.TemporaryDirectory() as folder:
        node = graphs.remote("suite", sys.argv[-1], namespace="")
        if SCENARIO.startswith("auth/"):
            node["transport"]["auth"] = auth(context)
        path = graphs.saved(Path(folder), graphs.flat(node))
        runtime = Runtime(path, http=False, env={"FUSION_HOME": folder})
        with runtime, runtime.client(era, answer=answer) as client:
            if not SCENARIO.startswith("auth/"):
                runtime.wait_ready("suite", timeout=20)
                use(client, context.get("toolCalls", []))
                return
            for _ in range(2):
                let_in(runtime, path, folder)
                use(client, context.get("toolCalls", []))


if __name__ == "__main__":
    main()
