"""A legacy stdio server that has the tool `ask_model` for clients with sampling only, a moment after the start.

`roots` tells what the client answered when it was asked for its roots between calls.
"""

import json
import sys
import threading
import time
from typing import Any

LATER_S = 0.3
_SCHEMA = {"type": "object"}


def _send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve until stdin ends."""
    tools = [{"name": name, "inputSchema": _SCHEMA} for name in ("always", "roots")]
    capabilities: dict[str, Any] = {}
    answered: dict[str, Any] = {}

    def later() -> None:
        if "sampling" in capabilities:
            tools.append({"name": "ask_model", "inputSchema": _SCHEMA})
            _send({"method": "notifications/tools/list_changed"})
        _send({"id": "roots", "method": "roots/list"})

    for line in sys.stdin:
        message = json.loads(line)
        method, request_id = message.get("method"), message.get("id")
        if method == "notifications/initialized":
            timer = threading.Timer(LATER_S, later)
            timer.daemon = True
            timer.start()
        elif method is None and request_id == "roots":
            answered.update(message)
        elif method is None or request_id is None:
            continue
        elif method == "initialize":
            capabilities.update(message["params"]["capabilities"])
            info = {"name": "conditional", "version": "1"}
            offered = {"tools": {"listChanged": True}}
            _send(
                {
                    "id": request_id,
                    "result": {"protocolVersion": "2025-11-25", "capabilities": offered, "serverInfo": info},
                }
            )
        elif method == "tools/list":
            _send({"id": request_id, "result": {"tools": tools}})
        elif method == "tools/call":
            _send({"id": request_id, "result": {"content": [{"type": "text", "text": json.dumps(answered)}]}})
        else:
            time.sleep(message.get("params", {}).get("seconds", 0))
            _send({"id": request_id, "error": {"code": -32601, "message": f"no {method}"}})


if __name__ == "__main__":
    main()
