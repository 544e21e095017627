"""A child that costs next to nothing, so that what is between it and the client stands out.

`python child.py` serves on stdin and stdout, `python child.py --http PORT` over HTTP. No import that is not needed: it
starts in the time Python takes to start.
"""

import json
import os
import sys
import time

TOOLS = ["echo", "payload", "lookup", "search"]
DESCRIPTION = "Look up the records that match the filters, newest first; results are limited to what one may see."


def tools(count):
    schema = {"type": "object", "properties": {"text": {"type": "string", "description": "Free text; empty for all."}}}
    names = TOOLS + [f"records_{number:02}" for number in range(count - len(TOOLS))]
    return [{"name": name, "description": DESCRIPTION, "inputSchema": schema} for name in names]


def answer(message, count):
    """Return the result of a request."""
    method, params = message["method"], message.get("params") or {}
    if method == "initialize":
        info = {"name": "bench", "version": "1"}
        return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": info}
    if method == "tools/list":
        return {"tools": tools(count)}
    arguments = params.get("arguments") or {}
    time.sleep(arguments.get("seconds", 0))
    if params.get("name") == "lookup":
        arguments = {"text": str(os.getpid())}
    text = "x" * arguments["size"] if params.get("name") == "payload" else arguments.get("text", "")
    return {"content": [{"type": "text", "text": text}], "isError": False}


def encoded(message, result):
    known = message["method"] in {"initialize", "tools/list", "tools/call", "ping"}
    outcome = {"result": result} if known else {"error": {"code": -32601, "message": "Method not found"}}
    return json.dumps({"jsonrpc": "2.0", "id": message["id"], **outcome}, separators=(",", ":")).encode()


def serve_stdio(count):
    """Answer line by line."""
    rest = b""
    while data := os.read(0, 1 << 20):
        parts = [rest, data]
        while b"\n" not in parts[-1]:
            parts.append(os.read(0, 1 << 20))
            if not parts[-1]:
                return
        *lines, rest = b"".join(parts).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "id" in message and "method" in message:
                view = memoryview(encoded(message, answer(message, count)) + b"\n")
                while view:
                    view = view[os.write(1, view) :]


def serve_http(count, port):
    """Answer posts with JSON, on connections that stay open."""
    import asyncio

    class Connection(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport, self.parts = transport, b""

        def data_received(self, data):
            self.parts += data
            head, found, body = self.parts.partition(b"\r\n\r\n")
            if not found:
                return
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
            if len(body) < int(fields.get(b"content-length", b"0")):
                return
            self.parts = b""
            if not head.startswith(b"POST"):
                self.transport.write(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
                return
            message = json.loads(body)
            if "id" not in message:
                self.transport.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
                return
            body = encoded(message, answer(message, count))
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            self.transport.write(head + body)

    async def main():
        server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=512)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await server.serve_forever()

    asyncio.run(main())


if __name__ == "__main__":
    words = sys.argv[1:]
    time.sleep(float(words[words.index("--boot") + 1]) if "--boot" in words else 0)
    wanted = int(words[words.index("--tools") + 1]) if "--tools" in words else 4
    if "--hang" in words:
        while os.read(0, 65536):
            pass
    elif "--http" in words:
        serve_http(wanted, int(words[words.index("--http") + 1]))
    else:
        serve_stdio(wanted)
