"""Servers that misbehave, one way each: `python -m tests.servers.hostile NAME`, the last few with `--http PORT`."""

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from tests.servers import stdio
from tests.servers.core import Call, Json, Refused, Server, text
from tests.servers.http import HttpFront, Request
from tests.servers.run import eras, parser, run

Trick: TypeAlias = Callable[[Server], None]
_TRICKS: dict[str, Trick] = {}


def _trick(function: Trick) -> Trick:
    _TRICKS[function.__name__.strip("_").replace("_", "-")] = function
    return function


class Hostile(Server):
    """An innocent server with one tool, until a trick is played on it."""

    name = "hostile"

    def __init__(self, chosen: tuple[str, ...]) -> None:
        super().__init__(chosen)

        @self.tool("hello")
        async def hello(call: Call, arguments: Json) -> Json:
            return text("hello")


def _raw(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


async def _for_ever(call: Call) -> Json:
    await asyncio.Event().wait()
    return {}


# Lists


@_trick
def _cursor_that_never_advances(server: Server) -> None:
    async def page(call: Call) -> Json:
        return {"tools": [server.tools["hello"][0]], "nextCursor": "again"}

    server.methods["tools/list"] = page


@_trick
def _cursor_that_is_empty(server: Server) -> None:
    async def page(call: Call) -> Json:
        if call.params.get("cursor") == "":
            os._exit(9)
        return {"tools": [server.tools["hello"][0]], "nextCursor": ""}

    server.methods["tools/list"] = page


@_trick
def _cursor_without_end(server: Server) -> None:
    numbers = itertools.count()

    async def page(call: Call) -> Json:
        number = next(numbers)
        tool = {"name": "hello" if number == 0 else f"tool{number}", "inputSchema": {"type": "object"}}
        return {"tools": [tool], "nextCursor": str(number)}

    server.methods["tools/list"] = page


@_trick
def _tools_listed_twice(server: Server) -> None:
    async def page(call: Call) -> Json:
        tool = server.tools["hello"][0]
        return {"tools": [tool, {**tool, "description": "The second."}, tool]}

    server.methods["tools/list"] = page


@_trick
def _tools_of_strange_shapes(server: Server) -> None:
    async def page(call: Call) -> Json:
        strange: list[Any] = [None, 7, [], {}, {"name": None}, {"name": ""}, {"name": 5}, {"name": "bare"}]
        return {"tools": [*strange, {"name": "x" * 5000, "inputSchema": 3}, server.tools["hello"][0]]}

    server.methods["tools/list"] = page


@_trick
def _tools_that_are_no_list(server: Server) -> None:
    async def page(call: Call) -> Json:
        return {"tools": {"hello": 1}}

    server.methods["tools/list"] = page


@_trick
def _tool_names_with_dots(server: Server) -> None:
    for name in ("a.b", "a/b", "a b", "ä", "a_b"):

        @server.tool(name)
        async def tell(call: Call, arguments: Json) -> Json:
            return text(call.params["name"])


@_trick
def _schema_that_recurses(server: Server) -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "root": {"$ref": "#"}}}
    server.tools["hello"][0]["inputSchema"] = {"$ref": "#/$defs/node", "type": "object", "$defs": {"node": node}}


@_trick
def _definition_that_changes(server: Server) -> None:
    numbers = itertools.count(1)

    async def page(call: Call) -> Json:
        number = next(numbers)
        return {"tools": [{**server.tools["hello"][0], "description": f"Version {number}."}]}

    async def call_tool(call: Call) -> Json:
        if next(numbers) > 2:
            server.changed("notifications/tools/list_changed")
        return text("hello")

    server.methods |= {"tools/list": page, "tools/call": call_tool}


@_trick
def _storm_of_changes(server: Server) -> None:
    @server.tool("storm")
    async def storm(call: Call, arguments: Json) -> Json:
        for _ in range(5000):
            server.changed("notifications/tools/list_changed")
        return text("over")


@_trick
def _lists_refused(server: Server) -> None:
    async def refuse(call: Call) -> Json:
        raise Refused(-32603, "no lists today")

    server.methods |= {"resources/list": refuse, "prompts/list": refuse, "resources/templates/list": refuse}


# Silence


@_trick
def _silent_at_start(server: Server) -> None:
    server.methods |= {"initialize": _for_ever, "server/discover": _for_ever}


@_trick
def _silent_at_lists(server: Server) -> None:
    server.methods["tools/list"] = _for_ever


@_trick
def _silent_at_calls(server: Server) -> None:
    server.methods["tools/call"] = _for_ever


@_trick
def _silent_at_ping(server: Server) -> None:
    server.methods["ping"] = _for_ever


@_trick
def _frozen_after_first_call(server: Server) -> None:
    async def freeze(call: Call) -> Json:
        asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGSTOP)
        return text("hello")

    server.methods["tools/call"] = freeze


@_trick
def _deaf(server: Server) -> None:
    """Answers the handshake, then reads no more, so that the pipe to it fills."""

    async def stop_reading(call: Call) -> Json:
        time.sleep(3600)  # noqa: ASYNC251 - being stuck is the point
        return {}

    server.methods["tools/call"] = stop_reading


@_trick
def _slow_at_start(server: Server) -> None:
    time.sleep(1)


# Death


@_trick
def _dies_at_once(server: Server) -> None:
    sys.stderr.write("fatal: the license has expired\n")
    sys.exit(3)


@_trick
def _dies_at_handshake(server: Server) -> None:
    async def die(call: Call) -> Json:
        os._exit(4)

    server.methods |= {"initialize": die, "server/discover": die}


@_trick
def _dies_at_each_call(server: Server) -> None:
    async def die(call: Call) -> Json:
        os._exit(5)

    server.methods["tools/call"] = die


@_trick
def _dies_within_an_answer(server: Server) -> None:
    async def die(call: Call) -> Json:
        _raw(b'{"jsonrpc":"2.0","id":')
        os._exit(6)

    server.methods["tools/call"] = die


@_trick
def _closes_its_output(server: Server) -> None:
    async def close(call: Call) -> Json:
        os.close(1)
        await asyncio.Event().wait()
        return {}

    server.methods["tools/call"] = close


# Noise


@_trick
def _noise_before_the_first_message(server: Server) -> None:
    _raw("Starting…\n\n[info] listening {json} \x1b[31mred\x1b[0m\n".encode())
    _raw(b'\xff\xfe\x00 not text\n[]\nnull\n42\n"text"\n{}\n{"jsonrpc":"2.0"}\n')


@_trick
def _noise_between_messages(server: Server) -> None:
    async def noisy(call: Call) -> Json:
        _raw(b"DEBUG a print that was forgotten\n" * 50)
        _raw(b"{broken json\n" * 50)
        return text("hello")

    server.methods["tools/call"] = noisy


@_trick
def _flood_of_stderr(server: Server) -> None:
    async def flood(call: Call) -> Json:
        for _ in range(2000):
            sys.stderr.write("x" * 1000 + "\n")
        sys.stderr.write("one line without an end " + "y" * 1_000_000)
        sys.stderr.flush()
        return text("hello")

    server.methods["tools/call"] = flood


@_trick
def _line_without_end(server: Server) -> None:
    async def endless(call: Call) -> Json:
        await asyncio.to_thread(_write_for_ever)
        return {}

    server.methods["tools/call"] = endless


def _write_for_ever() -> None:
    _raw(b'{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"')
    while True:
        _raw(b"z" * 65536)


@_trick
def _five_megabytes(server: Server) -> None:
    @server.tool("five")
    async def five(call: Call, arguments: Json) -> Json:
        return text("m" * 5_000_000)


@_trick
def _nested_deeply(server: Server) -> None:
    async def nest(call: Call) -> Json:
        depth = 100_000
        _raw(
            b'{"jsonrpc":"2.0","id":%s,"result":' % json.dumps(call.id).encode() + b"[" * depth + b"]" * depth + b"}\n"
        )
        return await _for_ever(call)

    server.methods["tools/call"] = nest


# Nonsense


@_trick
def _answers_nobody_asked_for(server: Server) -> None:
    async def answer(call: Call) -> Json:
        for wrong in (999999, "who", None, 1.5, True, [1], {"a": 1}):
            stdio.write({"jsonrpc": "2.0", "id": wrong, "result": {}})
            stdio.write({"jsonrpc": "2.0", "id": wrong, "error": "not an object"})
        result = text("hello")
        for _ in range(3):
            call.send({"jsonrpc": "2.0", "id": call.id, "result": {"resultType": "complete", **result}})
        return result

    server.methods["tools/call"] = answer


@_trick
def _results_of_strange_shapes(server: Server) -> None:
    results: Iterator[Any] = itertools.cycle([None, 7, "text", [], {"content": None}, {"content": "x"}, {}])

    async def strange(call: Call) -> Json:
        call.send({"jsonrpc": "2.0", "id": call.id, "result": next(results)})
        return await _for_ever(call)

    server.methods["tools/call"] = strange


@_trick
def _errors_of_strange_shapes(server: Server) -> None:
    errors = itertools.cycle([None, 7, "text", {}, {"code": "x"}, {"code": 1, "message": None}])

    async def strange(call: Call) -> Json:
        call.send({"jsonrpc": "2.0", "id": call.id, "error": next(errors)})
        return await _for_ever(call)

    server.methods["tools/call"] = strange


@_trick
def _questions_without_sense(server: Server) -> None:
    async def question(call: Call) -> Json:
        for number, method in enumerate(("no/such/method", "", "ping", "tools/call", "initialize", "roots/list")):
            stdio.write({"jsonrpc": "2.0", "id": number, "method": method, "params": {"x": 1}})
        stdio.write({"jsonrpc": "2.0", "id": call.id, "method": "sampling/createMessage"})
        stdio.write({"jsonrpc": "2.0", "method": "notifications/no/such", "params": []})
        stdio.write({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": call.id}})
        stdio.write({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": "foreign"}})
        return text("hello")

    server.methods["tools/call"] = question


@_trick
def _progress_without_end(server: Server) -> None:
    async def busy(call: Call) -> Json:
        for step in range(5000):
            call.progress(step)
        return text("hello")

    server.methods["tools/call"] = busy


@_trick
def _asks_for_input_without_end(server: Server) -> None:
    async def ask(call: Call) -> Json:
        return {"resultType": "input_required", "inputRequests": {}, "requestState": "more"}

    server.methods["tools/call"] = ask


@_trick
def _speaks_an_unknown_version(server: Server) -> None:
    async def initialize(call: Call) -> Json:
        return {"protocolVersion": "1999-01-01", "capabilities": {}, "serverInfo": {"name": "old"}}

    async def discover(call: Call) -> Json:
        raise Refused(-32022, "Unsupported protocol version", {"supported": ["2099-01-01"], "requested": "x"})

    server.methods |= {"initialize": initialize, "server/discover": discover}


@_trick
def _says_nothing_of_itself(server: Server) -> None:
    async def initialize(call: Call) -> Json:
        call.session.initialize = call.params
        return {"protocolVersion": "2025-11-25", "capabilities": {"tools": None}, "serverInfo": None}

    async def discover(call: Call) -> Json:
        return {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}

    server.methods |= {"initialize": initialize, "server/discover": discover}


# Processes


@_trick
def _stubborn_with_a_grandchild(server: Server) -> None:
    """Ignores SIGTERM and the end of its input, as does a process it started."""
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    mark = sys.argv[sys.argv.index("--mark") + 1] if "--mark" in sys.argv else ""
    code = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(3600)"
    subprocess.Popen([sys.executable, "-c", code, "grandchild", mark], stdin=subprocess.DEVNULL)


def _stay() -> None:
    while True:
        time.sleep(3600)


# Over HTTP


class ForgetfulFront(HttpFront):
    """Forgets every session after its first call, as a restarted server does."""

    async def handle(self, connection: Any, request: Request) -> None:
        await super().handle(connection, request)
        if b'"tools/call"' in request.body:
            self.sessions.clear()


class RefusingFront(HttpFront):
    """Wants credentials nobody has."""

    async def handle(self, connection: Any, request: Request) -> None:
        connection.reply(401, b"", 'WWW-Authenticate: Bearer realm="mcp"')


class FailingFront(HttpFront):
    """Answers each call with a page of a web server in trouble."""

    async def handle(self, connection: Any, request: Request) -> None:
        if b'"tools/call"' in request.body:
            connection.reply(500, b"<html><h1>Internal Server Error</h1></html>", kind="text/html")
        else:
            await super().handle(connection, request)


class BreakingFront(HttpFront):
    """Ends each call's stream before its answer."""

    async def handle(self, connection: Any, request: Request) -> None:
        if b'"tools/call"' in request.body:
            head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
            connection.writer.write(head.encode() + b': nothing more\r\n\r\ndata: {"jsonrpc":')
        else:
            await super().handle(connection, request)


_FRONTS = {
    "forgets-sessions": ForgetfulFront,
    "wants-credentials": RefusingFront,
    "fails-at-calls": FailingFront,
    "breaks-its-streams": BreakingFront,
}


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("trick", choices=[*_TRICKS, *_FRONTS])
    chosen = options.parse_args()
    server = Hostile(eras(chosen.era))
    if chosen.trick in _TRICKS:
        _TRICKS[chosen.trick](server)
    run(server, chosen.http, _FRONTS.get(chosen.trick, HttpFront))
    if chosen.trick.startswith("stubborn"):
        _stay()


if __name__ == "__main__":
    main()
