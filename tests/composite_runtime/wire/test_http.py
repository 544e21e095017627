"""MCP over streamable HTTP from the client's side, against a server that answers what the test wants."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from composite_runtime.errors import ChildError
from composite_runtime.wire.era import LATEST_LEGACY, LATEST_MODERN, Era
from composite_runtime.wire.http import AuthorizationNeeded, HttpChild
from composite_runtime.wire.jsonrpc import Json
from composite_runtime.wire.link import Link, WrongEra
from composite_runtime.wire.transport import SessionForgotten
from tests.support.links import Told

Reply = tuple[int, str, bytes]
Behave = Callable[["Site", str, Json], Any]


def as_json(message: Any) -> Reply:
    return 200, "application/json", json.dumps(message).encode()


def events(*messages: Json) -> Reply:
    return 200, "text/event-stream", b"".join(b"data: %b\n\n" % json.dumps(message).encode() for message in messages)


class Site:
    """A server that takes one request per connection and answers by a function."""

    def __init__(self, behave: Behave) -> None:
        self._behave = behave
        self.got: list[tuple[str, Json, Mapping[str, str]]] = []
        self.paths: list[str] = []
        self.hung_up: list[Json] = []
        self.url = ""
        self.server: asyncio.Server

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:])}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            method, path, _ = head[0].split()
            self.paths.append(path)
            message = json.loads(body) if body else {}
            self.got.append((method, message, headers))
            reply = self._behave(self, method, message)
            if asyncio.iscoroutine(reply):
                reply = await self._unless_gone(reader, asyncio.get_running_loop().create_task(reply), message)
            status, kind, answer = reply
            more = "mcp-session-id: s1\r\n" if message.get("method") == "initialize" else ""
            writer.write(f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\n{more}connection: close\r\n\r\n".encode())
            writer.write(answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _unless_gone(self, reader: asyncio.StreamReader, reply: asyncio.Task[Any], message: Json) -> Any:
        gone = asyncio.get_running_loop().create_task(reader.read())
        await asyncio.wait({reply, gone}, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not reply.done():
            reply.cancel()
            self.hung_up.append(message)
            raise ConnectionError
        return reply.result()


def ordinary(site: Site, method: str, message: Json) -> Reply:
    if method != "POST":
        return 405, "text/plain", b""
    if "id" not in message:
        return 202, "text/plain", b""
    results: Json = {
        "initialize": {"protocolVersion": LATEST_LEGACY, "capabilities": {}, "serverInfo": {"name": "s"}},
        "server/discover": {"supportedVersions": [LATEST_MODERN], "capabilities": {}},
    }
    return as_json({"jsonrpc": "2.0", "id": message["id"], "result": results.get(message["method"], {"ok": True})})


def but(method: str, reply: Callable[[Json], Any]) -> Behave:
    """Behave as usual, but answer this method by a function."""

    def behave(site: Site, how: str, message: Json) -> Any:
        return reply(message) if message.get("method", how) == method else ordinary(site, how, message)

    return behave


@asynccontextmanager
async def linked(era: Era, behave: Behave = ordinary) -> AsyncIterator[tuple[Link, Site]]:
    site = Site(behave)
    site.server = server = await asyncio.start_server(site.take, "127.0.0.1", 0)
    site.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
    told = Told()

    async def extra() -> Mapping[str, str]:
        return {"x-own": "1"}

    link = Link(
        HttpChild(site.url, extra),
        capabilities={},
        client_info={"name": "t"},
        ask=told.ask,
        tell=told.tell,
        noise=told.noise.append,
    )
    try:
        await link.open(era)
        yield link, site
    finally:
        await link.close()
        server.close()


async def call(link: Link) -> Json:
    return await asyncio.wait_for(link.request("tools/call", {"name": "t"}, None), 5)


@pytest.mark.parametrize("era", list(Era))
async def test_a_call_is_posted_and_answered_in_both_eras(era: Era) -> None:
    async with linked(era) as (link, site):
        assert await call(link) == {"ok": True}
        _, message, headers = site.got[-1]
        assert headers["x-own"] == "1"
        assert headers["mcp-protocol-version"] == link.version
        assert headers.get("mcp-session-id") == ("s1" if era is Era.LEGACY else None)
        assert headers.get("mcp-name") == ("t" if era is Era.MODERN else None)
        assert message["method"] == "tools/call"


async def test_an_answer_may_be_a_stream_with_other_things_before_it() -> None:
    def stream(message: Json) -> Reply:
        return events({"method": "notifications/x"}, {"id": message["id"], "result": {"streamed": True}})

    async with linked(Era.LEGACY, but("tools/call", stream)) as (link, _):
        assert await call(link) == {"streamed": True}


NO_ANSWERS: list[tuple[Reply, str]] = [
    (as_json({}), "something else than the answer"),
    (as_json({"id": 424242, "result": {}}), "something else than the answer"),
    (as_json([]), "something else than the answer"),
    ((200, "application/json", b"nonsense"), "something else than the answer"),
    ((200, "application/json", b""), "something else than the answer"),
    ((200, "text/html", b"<html>"), "answered with text/html instead of JSON"),
    ((202, "text/plain", b""), "instead of JSON"),
    ((200, "text/event-stream", b""), "ended the answer before it was complete"),
    ((500, "text/plain", b"oops"), "HTTP status 500"),
    ((400, "text/plain", b"oops"), "HTTP status 400"),
]


@pytest.mark.parametrize(("reply", "words"), NO_ANSWERS, ids=repr)
async def test_an_answer_that_is_none_fails_the_call_at_once_in_words(reply: Reply, words: str) -> None:
    async with linked(Era.LEGACY, but("tools/call", lambda message: reply)) as (link, _):
        with pytest.raises(ChildError, match=words):
            await call(link)
        assert link.is_open


@pytest.mark.parametrize("status", [401, 403])
async def test_a_server_that_wants_credentials_is_told_so(status: int) -> None:
    with pytest.raises(AuthorizationNeeded, match=f"answered {status}: it wants credentials"):
        async with linked(Era.LEGACY, but("initialize", lambda message: (status, "text/plain", b""))):
            pass


@pytest.mark.parametrize("status", [400, 404, 405, 406, 415])
async def test_a_refusal_without_words_of_the_first_question_means_the_other_era(status: int) -> None:
    with pytest.raises(WrongEra):
        async with linked(Era.MODERN, but("server/discover", lambda message: (status, "text/plain", b"no session"))):
            pass


async def test_a_server_that_is_not_there_is_not_of_the_wrong_era() -> None:
    with pytest.raises(ChildError, match="HTTP status 503") as caught:
        async with linked(Era.MODERN, but("server/discover", lambda message: (503, "text/plain", b""))):
            pass
    assert not isinstance(caught.value, WrongEra)


async def test_of_the_calls_on_a_forgotten_session_each_finds_out_by_itself() -> None:
    release = asyncio.Event()
    count = 0

    async def later(message: Json) -> Reply:
        await release.wait()
        return as_json({"id": message["id"], "result": {"ran": True}})

    def reply(message: Json) -> Any:
        nonlocal count
        count += 1
        return later(message) if count == 1 else (404, "text/plain", b"")

    async with linked(Era.LEGACY, but("tools/call", reply)) as (link, _):
        loop = asyncio.get_running_loop()
        ran = loop.create_task(call(link))
        while count == 0:
            await asyncio.sleep(0.01)
        refused = [loop.create_task(call(link)) for _ in range(5)]
        assert isinstance(await link.ended(), SessionForgotten)
        closing = loop.create_task(link.close())
        await asyncio.sleep(0.05)
        release.set()
        await closing
        outcomes = await asyncio.gather(*refused, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {SessionForgotten}
        assert await ran == {"ran": True}


async def test_a_session_that_is_forgotten_while_nobody_calls_is_noticed() -> None:
    async with linked(Era.LEGACY, but("GET", lambda message: (404, "text/plain", b""))) as (link, _):
        assert isinstance(await asyncio.wait_for(link.ended(), 5), SessionForgotten)


async def test_a_modern_call_that_is_given_up_hangs_up_and_says_nothing() -> None:
    started, release = asyncio.Event(), asyncio.Event()

    async def hang(message: Json) -> Reply:
        started.set()
        await release.wait()
        return as_json({})

    async with linked(Era.MODERN, but("tools/call", hang)) as (link, site):
        task = asyncio.get_running_loop().create_task(call(link))
        await started.wait()
        task.cancel()
        await asyncio.wait([task])
        release.set()
        await link.request("tools/list", {}, None)
        assert not [message for _, message, _ in site.got if message.get("method") == "notifications/cancelled"]


async def test_the_session_is_ended_with_the_link() -> None:
    async with linked(Era.LEGACY) as (_, site):
        pass
    assert [method for method, _, _ in site.got][-1] == "DELETE"


async def test_the_stream_of_a_cancelled_call_is_not_kept_open_for_a_legacy_server_that_never_ends_it() -> None:
    async with linked(Era.LEGACY, but("tools/call", lambda message: asyncio.sleep(60, as_json({})))) as (link, site):
        task = asyncio.get_running_loop().create_task(link.request("tools/call", {"name": "t"}, None))
        while not any(message.get("method") == "tools/call" for _, message, _ in site.got):
            await asyncio.sleep(0.01)
        task.cancel()
        async with asyncio.timeout(5):
            while not site.hung_up:
                await asyncio.sleep(0.02)
        told = [message for _, message, _ in site.got if message.get("method") == "notifications/cancelled"]
        assert [message["params"]["requestId"] for message in told] == [site.hung_up[0]["id"]]


async def test_nothing_overtakes_the_word_that_the_client_is_ready() -> None:
    is_ready = False

    async def ready(message: Json) -> Reply:
        nonlocal is_ready
        await asyncio.sleep(0.1)
        is_ready = True
        return 202, "text/plain", b""

    def strict(site: Site, how: str, message: Json) -> Any:
        if message.get("method") == "notifications/initialized":
            return ready(message)
        if message.get("method") != "initialize" and not is_ready:
            return as_json({"id": message.get("id"), "error": {"code": -32602, "message": "not initialized"}})
        return ordinary(site, how, message)

    async with linked(Era.LEGACY, strict) as (link, site):
        assert await asyncio.gather(call(link), call(link)) == [{"ok": True}] * 2
        assert [how for how, _, _ in site.got][:2] == ["POST", "POST"]


def breaking_off(*later: Callable[[Json], Reply], first: Reply | None = None) -> Behave:
    """Break the answer to a call off, and answer each return for it by the next function."""
    parts = list(later)
    asked: list[Json] = []

    def behave(site: Site, how: str, message: Json) -> Any:
        if message.get("method") == "tools/call":
            asked.append(message)
            return first or (200, "text/event-stream", b"id: 1\nretry: 5\ndata:\n\n")
        if how == "GET" and asked:
            return parts.pop(0)(asked[0])
        return ordinary(site, how, message)

    return behave


def _still_working(_: Json) -> Reply:
    return 200, "text/event-stream", b"retry: 5\ndata:\n\n"


def _done(message: Json) -> Reply:
    return 200, "text/event-stream", events({"id": message["id"], "result": {"ran": "long"}})[2]


async def test_a_server_may_have_us_look_in_for_an_answer_as_often_as_it_likes() -> None:
    async with linked(Era.LEGACY, breaking_off(*[_still_working] * 12, _done)) as (link, site):
        assert await call(link) == {"ran": "long"}
        returned = [headers.get("last-event-id") for how, _, headers in site.got if how == "GET"][1:]
        assert returned == ["1"] * 13


async def test_a_server_that_is_down_for_a_moment_can_still_give_its_answer() -> None:
    down: Reply = (503, "text/plain", b"")
    async with linked(Era.LEGACY, breaking_off(lambda _: down, lambda _: down, _done)) as (link, _):
        assert await call(link) == {"ran": "long"}


async def test_a_server_that_is_gone_fails_the_call_at_once() -> None:
    def behave(site: Site, how: str, message: Json) -> Any:
        if message.get("method") != "tools/call":
            return ordinary(site, how, message)
        site.server.close()
        return 200, "text/event-stream\r\ncontent-length: 9999", b"id: 1\nretry: 5\ndata:\n\n"

    async with linked(Era.LEGACY, behave) as (link, _):
        with pytest.raises(ChildError, match="nothing listens"):
            await call(link)


async def test_the_loss_of_a_server_is_noticed_by_the_stream_for_what_nobody_asked() -> None:
    def behave(site: Site, how: str, message: Json) -> Any:
        if how != "GET":
            return ordinary(site, how, message)
        site.server.close()
        return 200, "text/event-stream", b"retry: 5\ndata:\n\n"

    async with linked(Era.LEGACY, behave) as (link, _):
        assert "cannot be reached" in str(await asyncio.wait_for(link.ended(), 5))


async def test_a_server_that_cannot_go_on_with_an_answer_fails_the_call_at_once() -> None:
    async with linked(Era.LEGACY, breaking_off(lambda _: (400, "text/plain", b""))) as (link, _):
        with pytest.raises(ChildError, match="400 instead of resuming"):
            await call(link)


async def test_an_answer_whose_connection_breaks_is_gone_on_with_where_the_server_can() -> None:
    lost = (200, "text/event-stream\r\ncontent-length: 9999", b"id: 4\nretry: 5\ndata:\n\n")
    async with linked(Era.LEGACY, breaking_off(_done, first=lost)) as (link, site):
        assert await call(link) == {"ran": "long"}
        assert site.got[-1][2]["last-event-id"] == "4"


@pytest.mark.parametrize("more", ["", "\r\ncontent-length: 9999"], ids=["ended", "broken"])
async def test_the_stream_for_what_nobody_asked_goes_on_where_it_was_cut(more: str) -> None:
    streams = [b"id: 9\nretry: 5\ndata: {}\n\n", b": nothing new\n\n", b": nothing new\n\n"]

    def behave(site: Site, how: str, message: Json) -> Any:
        if how != "GET":
            return ordinary(site, how, message)
        return (200, f"text/event-stream{more}", streams.pop(0)) if streams else (405, "text/plain", b"")

    async with linked(Era.LEGACY, behave) as (_, site), asyncio.timeout(5):
        while sum(how == "GET" for how, _, _ in site.got) < 4:
            await asyncio.sleep(0.01)
        seen = [headers.get("last-event-id") for how, _, headers in site.got if how == "GET"]
        assert seen == [None, "9", "9", "9"]


async def test_an_answer_that_names_its_request_by_a_text_is_taken() -> None:
    def as_text(message: Json) -> Reply:
        return as_json({"id": str(message["id"]), "result": {"sloppy": True}})

    async with linked(Era.LEGACY, but("tools/call", as_text)) as (link, _):
        assert await call(link) == {"sloppy": True}


@pytest.mark.parametrize("status", [307, 308])
async def test_a_server_that_is_a_slash_away_is_found_there_once_and_for_all(status: int) -> None:
    def behave(site: Site, how: str, message: Json) -> Any:
        if site.paths[-1] == "/mcp":
            return status, "text/plain\r\nlocation: /mcp/#x", b""
        return ordinary(site, how, message)

    async with linked(Era.LEGACY, behave) as (link, site):
        assert await call(link) == {"ok": True}
        assert [path for path in site.paths if path == "/mcp"] == ["/mcp"]
        assert [message.get("method") for _, message, _ in site.got][:2] == ["initialize", "initialize"]


async def test_a_server_that_sends_us_round_in_circles_is_given_up() -> None:
    def behave(site: Site, how: str, message: Json) -> Any:
        return 307, f"text/plain\r\nlocation: {site.paths[-1]}/", b""

    with pytest.raises(ChildError, match="HTTP status 307"):
        async with linked(Era.LEGACY, behave):
            pass


@pytest.mark.parametrize("status", [408, 425, 429])
async def test_a_server_that_is_too_busy_is_not_of_the_wrong_era(status: int) -> None:
    with pytest.raises(ChildError, match=f"HTTP status {status}") as caught:
        async with linked(Era.MODERN, but("server/discover", lambda message: (status, "text/plain", b""))):
            pass
    assert not isinstance(caught.value, WrongEra)


async def test_a_server_that_has_moved_is_told_with_its_new_address_and_without_what_may_be_secret() -> None:
    moved = (307, "text/plain\r\nlocation: http://me:pw@127.0.0.1:9/mcp/?key=planted", b"")
    with pytest.raises(ChildError, match=r"HTTP status 307; it has moved to http://127\.0\.0\.1:9/mcp/$"):
        async with linked(Era.LEGACY, but("initialize", lambda message: moved)):
            pass
