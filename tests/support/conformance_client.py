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

from tests.support import graphs
from tests.support.client import Client, Refused
from tests.support.runtime import Runtime

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


def main() -> None:
    era = "modern" if os.environ.get("MCP_CONFORMANCE_PROTOCOL_VERSION", "") >= "2026" else "legacy"
    calls = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}").get("toolCalls", [])
    with tempfile.TemporaryDirectory() as folder:
        node = graphs.remote("suite", sys.argv[-1], namespace="")
        path = graphs.saved(Path(folder), graphs.flat(node))
        runtime = Runtime(path, http=False, env={"FUSION_HOME": folder})
        with runtime, runtime.client(era, answer=answer) as client:
            runtime.wait_ready("suite", timeout=20)
            use(client, calls)


if __name__ == "__main__":
    main()
