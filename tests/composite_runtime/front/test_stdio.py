"""Serving one client over stdin and stdout, as a real process."""

import json
from pathlib import Path
from typing import Any

from composite_runtime.wire import jsonrpc
from composite_runtime.wire.era import CAPABILITIES_KEY, LATEST_MODERN, VERSION_KEY
from tests.support.children import node
from tests.support.raw_runtime import running, saved

MODERN = {VERSION_KEY: LATEST_MODERN, CAPABILITIES_KEY: {}}

NONSENSE: list[tuple[bytes, int]] = [
    (b"\n", 0),
    (b"\r\n  \t\r\n", 0),
    (b"nonsense\n", jsonrpc.PARSE_ERROR),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":NaN}}\n', jsonrpc.PARSE_ERROR),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":1e400}}\n', jsonrpc.PARSE_ERROR),
    (b"\xff\xfe\n", jsonrpc.PARSE_ERROR),
    (b"[" * 50_000 + b"\n", jsonrpc.PARSE_ERROR),
    (b"[" * 900 + b"]" * 900 + b"\n", jsonrpc.INVALID_REQUEST),
    (b"[]\n", jsonrpc.INVALID_REQUEST),
    (b"5\n", jsonrpc.INVALID_REQUEST),
    (b"null\n", jsonrpc.INVALID_REQUEST),
    (b'[5, "x"]\n', jsonrpc.INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":null,"method":"ping"}\n', jsonrpc.INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}\n', jsonrpc.INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":false,"method":"ping"}\n', jsonrpc.INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":[],"method":"ping"}\n', jsonrpc.INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":{},"result":{}}\n', 0),
    (b'{"jsonrpc":"2.0","id":99,"error":{"code":1}}\n', 0),
    (b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":[]}}\n', 0),
    (b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":[1]}\n', 0),
    (b'{"jsonrpc":"2.0","method":5}\n', 0),
    (b"{}\n", 0),
]


async def test_whatever_a_client_writes_it_is_answered_as_it_should_and_the_next_request_too(tmp_path: Path) -> None:
    async with running(saved(tmp_path, node())) as runtime:
        runtime.write(b"\xef\xbb\xbf")  # a byte order mark, as some shells write it
        await runtime.initialize()
        for number, (line, code) in enumerate(NONSENSE):
            runtime.lines.clear()
            runtime.write(line)
            runtime.request(f"after-{number}", "ping")
            await runtime.answer(f"after-{number}")
            codes = [answer["error"]["code"] for answer in runtime.lines if "error" in answer]
            assert set(codes) == ({code} if code else set()), line[:60]
        runtime.write(b'[{"jsonrpc":"2.0","id":"b1","method":"ping"},{"jsonrpc":"2.0","id":"b2","method":"ping"}]\r\n')
        await runtime.answer("b1")
        await runtime.answer("b2")
        runtime.close()
        assert await runtime.ended() == 0


async def test_the_same_connection_may_speak_both_eras(tmp_path: Path) -> None:
    async with running(saved(tmp_path, node())) as runtime:
        runtime.request("d", "server/discover", _meta=MODERN)
        assert (await runtime.answer("d"))["result"]["supportedVersions"] == [LATEST_MODERN]
        runtime.request("m", "tools/call", name="echo", arguments={"n": 1}, _meta=MODERN)
        assert (await runtime.answer("m"))["result"]["resultType"] == "complete"
        await runtime.initialize()
        runtime.request("l", "tools/call", name="echo", arguments={"n": 1})
        assert set((await runtime.answer("l"))["result"]) == {"content"}


async def test_a_request_still_in_the_pipe_when_the_client_closes_is_answered(tmp_path: Path) -> None:
    async with running(saved(tmp_path, node(slow_s=0.3)), supervised=False) as runtime:
        await runtime.initialize()
        line = json.dumps(
            {"jsonrpc": "2.0", "id": "last", "method": "tools/call", "params": {"name": "echo", "arguments": {"n": 1}}}
        )
        runtime.write(line.encode())  # without its line end
        runtime.close()
        assert (await runtime.answer("last"))["result"]["content"][0]["text"] == '{"n": 1}'
        assert await runtime.ended() == 0


async def test_a_large_result_is_not_cut_off_by_the_end(tmp_path: Path) -> None:
    async with running(saved(tmp_path, node()), supervised=False) as runtime:
        await runtime.initialize()
        runtime.request("big", "tools/call", name="big", arguments={"bytes": 5_000_000})
        runtime.close()
        assert len((await runtime.answer("big"))["result"]["content"][0]["text"]) == 5_000_000
        assert await runtime.ended() == 0


async def test_a_client_that_listens_and_leaves_is_not_waited_for(tmp_path: Path) -> None:
    async with running(saved(tmp_path, node()), supervised=False) as runtime:
        runtime.request("s", "subscriptions/listen", notifications={"toolsListChanged": True}, _meta=MODERN)
        await runtime.line(lambda line: line.get("method") == "notifications/subscriptions/acknowledged")
        runtime.request("p", "tools/list", _meta=MODERN)
        await runtime.answer("p")
        runtime.close()
        assert (await runtime.answer("s"))["result"]["_meta"]
        assert await runtime.ended() == 0


async def test_a_call_that_hangs_is_waited_for_within_a_bound(tmp_path: Path) -> None:
    async with running(saved(tmp_path, node())) as runtime:
        await runtime.initialize()
        runtime.request("w", "tools/call", name="wait", arguments={})
        await runtime.event('"call_started"')
        runtime.close()
        assert await runtime.ended() == 0


async def test_a_call_that_waits_for_the_clients_answer_is_not_waited_for(tmp_path: Path) -> None:
    async with running(saved(tmp_path, node(speaks="legacy")), supervised=False) as runtime:
        await runtime.initialize(elicitation={})
        runtime.request("q", "tools/call", name="ask", arguments={})
        await runtime.line(lambda line: line.get("method") == "elicitation/create")
        runtime.close()
        answer = await runtime.answer("q")
        assert "the client has gone" in answer["result"]["content"][0]["text"]
        assert await runtime.ended() == 0


async def test_a_call_is_cancelled_by_its_notification_and_not_answered(tmp_path: Path) -> None:
    async with running(saved(tmp_path, node())) as runtime:
        await runtime.initialize()
        runtime.request("w", "tools/call", name="wait", arguments={})
        await runtime.event('"call_started"', 2)
        runtime.write({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "w"}})
        await runtime.event("heard notifications/cancelled")
        runtime.request("p", "ping")
        await runtime.answer("p")
        assert not [line for line in runtime.lines if line.get("id") == "w"]


async def test_progress_comes_in_order_and_before_the_result(tmp_path: Path) -> None:
    async with running(saved(tmp_path, node())) as runtime:
        await runtime.initialize()
        meta: Any = {"progressToken": "mine"}
        runtime.request("s", "tools/call", name="steps", arguments={"count": 200}, _meta=meta)
        await runtime.answer("s")
        relevant = [line for line in runtime.lines if line.get("id") == "s" or "progress" in line.get("method", "")]
        assert [line["params"]["progress"] for line in relevant[:-1]] == list(range(200))
        assert all(line["params"]["progressToken"] == "mine" for line in relevant[:-1])
        assert relevant[-1]["id"] == "s"
