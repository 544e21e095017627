"""`python caller.py URL TOOL RATE SECONDS`: calls a tool over HTTP at a steady rate; the token is in FUSION_TOKEN."""

import http.client
import json
import os
import sys
import time
from urllib.parse import urlsplit

url, tool, rate, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
address = urlsplit(url)
connection = http.client.HTTPConnection(address.hostname or "", address.port)
headers = {
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
    "Authorization": f"Bearer {os.environ['FUSION_TOKEN']}",
}


def post(message: dict[str, object]) -> None:
    connection.request("POST", address.path, json.dumps(message), headers)
    answer = connection.getresponse()
    answer.read()
    if session := answer.headers.get("Mcp-Session-Id"):
        headers["Mcp-Session-Id"] = session
    if answer.status not in {200, 202}:
        raise SystemExit(f"HTTP status {answer.status}")


about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
post({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": about})
headers["MCP-Protocol-Version"] = "2025-11-25"
post({"jsonrpc": "2.0", "method": "notifications/initialized"})
began, made = time.perf_counter(), 0
while (now := time.perf_counter() - began) < seconds:
    if made < now * rate:
        made += 1
        params = {"name": tool, "arguments": {"text": f"call {made}"}}
        post({"jsonrpc": "2.0", "id": made, "method": "tools/call", "params": params})
    else:
        time.sleep(min(0.005, (made + 1) / rate - now) if (made + 1) / rate > now else 0)
