"""MCP over streamable HTTP, from the client's side (specification, basic/transports#streamable-http)."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol
from urllib.parse import urldefrag, urljoin, urlsplit, urlunsplit

from composite_runtime.errors import ChildError
from composite_runtime.tasks import Tasks
from composite_runtime.wire import headers as names
from composite_runtime.wire import jsonrpc
from composite_runtime.wire.era import Era, era_of
from composite_runtime.wire.http_client import Broken, HttpClient, Refused, Response
from composite_runtime.wire.jsonrpc import Json, RequestId
from composite_runtime.wire.sse import EventParser, ServerEvent
from composite_runtime.wire.transport import AuthorizationNeeded, NotUnderstood, Receiver, SessionForgotten

MESSAGE_LIMIT = 64 * 1024 * 1024
_ENDPOINT_S = 10.0
_RECONNECTS = 5
_DEFAULT_RETRY_S = 1.0
_SETTLE_S = 1.0
_SKIP_S = 1.0
_ABANDON_S = 1.0
_INTRODUCED_S = 10.0
_MOVES = 3
# Too much, too early, too slow: it says nothing about what the server speaks.
_PASSING = frozenset({408, 425, 429})
# A server that breaks its answers off without naming a pause would be asked again without one.
_SHORTEST_RETRY_S = 0.05

Exchanged = Callable[[RequestId | None, str, str, Mapping[str, str], Response], None]
Headers = Callable[[], Awaitable[Mapping[str, str]]]


class Access(Protocol):
    """What lets us in, beyond the headers the user has set."""

    async def headers(self) -> Mapping[str, str]:
        """Return the headers that let a request in; none when there is nothing to show."""
        ...

    async def refused(self, status: int, challenge: str, sent: Mapping[str, str], *, again: bool) -> bool:
        """Take note that a request with the headers `sent` was answered 401 or 403; `challenge` is what it asked for.

        Returns whether it should be sent once more, which is never so when this was the second time.

        Raises:
            AuthorizationNeeded: a person has to do something first.
            ChildError: what would let us in cannot be had just now.
        """
        ...


class HttpChild:
    """A child's URL as a transport. `extra` gives the headers the user has set, asked for before each request."""

    needs_headers = True

    def __init__(
        self, url: str, extra: Headers, *, message_limit: int = MESSAGE_LIMIT, access: Access | None = None
    ) -> None:
        self._url = url
        self._host = urlsplit(url).hostname or url
        self._extra = extra
        self._access = access
        self._limit = message_limit
        self._client = HttpClient(url)
        self._tasks = Tasks()
        self._posts: dict[RequestId, asyncio.Task[None]] = {}
        self._introduction: asyncio.Task[None] | None = None
        self._session: str | None = None
        self._version: str | None = None
        self._receiver: Receiver | None = None
        self._closing = False
        self._is_forgotten = False
        self.exchanged: Exchanged | None = None
        """Called with what HTTP added to each message, if somebody wants to know."""

    async def open(self, receiver: Receiver) -> None:
        """Connect with nobody yet, which comes with the first message; but have ready what lets us in."""
        self._receiver = receiver
        if self._access is not None:
            # To renew it may take longer than a server may take to answer its first message.
            await self._access.headers()

    def negotiated(self, version: str) -> None:
        """Send the revision with each message from now on, and listen to what a legacy server has to tell unasked."""
        self._version = version
        if era_of(version) is Era.LEGACY:
            self._tasks.start(self._listen())

    def send(self, message: Json, headers: Mapping[str, str] | None = None) -> int:
        """Post a message."""
        body = jsonrpc.encode(message)
        task = self._tasks.start(self._post(message, body, headers or {}, self._introduction))
        if message.get("method") == "notifications/initialized":
            self._introduction = task
        if "method" in message and "id" in message:
            request_id = message["id"]
            self._posts[request_id] = task
            task.add_done_callback(lambda _: self._posts.pop(request_id, None))
        return len(body)

    def abort(self, request_id: RequestId) -> bool:
        """Close the stream of a request, which is how a modern client cancels.

        A legacy server is told by a notification. It may say what belongs to the request a moment longer, but it need
        not end the stream, and nobody would ever read it.
        """
        if self._version is None or era_of(self._version) is Era.LEGACY:
            if task := self._posts.get(request_id):
                timer = asyncio.get_running_loop().call_later(_ABANDON_S, task.cancel)
                task.add_done_callback(lambda _: timer.cancel())
            return False
        task = self._posts.pop(request_id, None)
        if task is not None:
            task.cancel()
        return True

    async def close(self) -> None:
        """Tell a legacy server that its session ends, and close all connections."""
        self._closing = True
        if self._is_forgotten and self._posts:
            # What else was posted to the forgotten session finds it out by itself, and may then be asked again.
            await asyncio.wait(self._posts.values(), timeout=_SETTLE_S)
        receiver, self._receiver = self._receiver, None
        await self._tasks.close()
        if receiver is not None and self._session is not None:
            with contextlib.suppress(ChildError, TimeoutError):  # it is going away in any case
                async with asyncio.timeout(1.0):
                    (await self._request("DELETE", self._url, await self._headers({}))).close()
        await self._client.close()

    async def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        sent = {key.lower(): value for key, value in (await self._extra()).items()}
        sent |= {"accept": "application/json, text/event-stream", "content-type": "application/json"}
        if self._session is not None:
            sent[names.SESSION] = self._session
        if self._version is not None:
            sent[names.VERSION] = self._version
        return {**sent, **headers}

    async def _post(
        self, message: Json, body: bytes, headers: Mapping[str, str], introduction: "asyncio.Task[None] | None"
    ) -> None:
        request_id = message.get("id") if "method" in message else None
        is_greeting = message.get("method") == "initialize"
        del message  # what it holds may be long, and only its bytes are needed from here on
        try:
            await _after(introduction)
            last = await self._post_once(body, request_id, await self._headers(headers), is_greeting=is_greeting)
            del body
            if request_id is not None and last is not None:
                await self._resume(request_id, last)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # whatever goes wrong here, the request's owner must hear of it
            self._fail(request_id, self._explained(error))

    async def _post_once(
        self, body: bytes, request_id: RequestId | None, headers: Mapping[str, str], *, is_greeting: bool
    ) -> ServerEvent | None:
        """Post and take the answer; return the last event when its stream ended before the answer came."""
        response = await self._request("POST", self._url, headers, body, request_id)
        del body
        with contextlib.closing(response):
            kind = _kind(response)
            if is_greeting and names.SESSION in response.headers:
                self._session = response.headers[names.SESSION]
            if response.status >= 300:
                await self._refused(response, kind, request_id)
            elif request_id is None:
                return None
            elif kind == "text/event-stream":
                last = await self._stream(response, request_id)
                if last is None and not response.is_complete:
                    await response.skip(_SKIP_S)
                return last
            elif kind == "application/json":
                if not self._deliver(await response.read(self._limit), request_id):
                    raise ChildError(f"{self._host} answered with something else than the answer")
            else:
                raise ChildError(f"{self._host} answered with {kind or 'nothing'} instead of JSON")
        return None

    async def _request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        request_id: RequestId | None = None,
    ) -> Response:
        """Send a request; to where the server has moved, if that is on the same host, and nothing was served here."""
        response = await self._let_in(method, url, headers, body, request_id)
        for _ in range(_MOVES):
            there = _moved(url, response)
            if there is None:
                break
            await response.skip(_SKIP_S)
            response.close()
            if url == self._url:
                self._url = there
            url = there
            response = await self._let_in(method, url, headers, body, request_id)
        return response

    async def _let_in(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, request_id: RequestId | None
    ) -> Response:
        """Send a request; once more, when the server wants other credentials than it was shown and there are some."""
        access = self._access
        for again in (False, True):
            sent = headers if access is None else {**headers, **await access.headers()}
            response = await self._client.request(method, url, sent, body)
            if self.exchanged is not None:
                self.exchanged(request_id, method, url, sent, response)
            if access is None or not await self._may_ask_again(access, response, sent, again=again):
                break
        return response

    async def _may_ask_again(self, access: Access, response: Response, sent: Mapping[str, str], *, again: bool) -> bool:
        if response.status not in {401, 403}:
            return False
        try:
            challenge = response.headers.get("www-authenticate", "")
            is_worth_it = await access.refused(response.status, challenge, sent, again=again)
        except BaseException:
            response.close()
            raise
        if is_worth_it:
            await response.skip(_SKIP_S)
            response.close()
        return is_worth_it

    async def _refused(self, response: Response, kind: str, request_id: RequestId | None) -> None:
        body = await response.read(self._limit) if kind == "application/json" else b""
        if response.status == 404 and self._session is not None and self._receiver is not None:
            if request_id is not None:
                self._receiver.failed(request_id, SessionForgotten(f"{self._host} has forgotten the session"))
            self._forget()
            return
        if response.status in {401, 403}:
            raise AuthorizationNeeded(
                f"{self._host} answered {response.status}: it wants credentials; set an Authorization header"
            )
        try:
            message = jsonrpc.decode(body)
        except ValueError:
            message = None
        if isinstance(message, dict) and "error" in message and request_id is not None and self._receiver is not None:
            self._receiver.received({**message, "id": request_id}, None, len(body))
            return
        is_passing = response.status >= 500 or response.status in _PASSING
        kind_of_error = ChildError if is_passing else NotUnderstood
        raise kind_of_error(f"{self._host} answered with HTTP status {response.status}{_redirection(response)}")

    def _deliver(self, data: bytes | str, related: RequestId | None) -> bool:
        """Hand messages over; return whether the answer to `related` was among them."""
        if self._receiver is None:
            return True
        size = jsonrpc.size_of(data)
        try:
            data = data if isinstance(data, str) else data.decode()  # the bytes of a long answer are not kept beside it
            decoded = jsonrpc.decode(data)
        except ValueError:
            self._receiver.noise(data[:2000] if isinstance(data, str) else data[:2000].decode("utf-8", "replace"))
            return False
        answered = False
        for message in decoded if isinstance(decoded, list) else [decoded]:  # revision 2025-03-26 had batches
            self._receiver.received(message, related, size)
            if isinstance(message, dict) and "method" not in message and related is not None:
                answered |= jsonrpc.number_in(message.get("id")) == related
        return answered

    async def _stream(self, response: Response, related: RequestId | None) -> ServerEvent | None:
        """Take the events of a stream; return the last one when the answer to `related` was not among them.

        A stream that is lost half-way has ended, if it has said how to go on from there.
        """
        parser = EventParser(self._limit)
        last = ServerEvent("")
        try:
            async for part in response:
                for event in parser.feed(part):
                    last = _later(last, event)
                    if (
                        event.data
                        and event.event == "message"
                        and self._deliver(event.data, related)
                        and related is not None
                    ):
                        return None
        except Broken:
            if last.id is None:
                raise
        return last

    async def _resume(self, request_id: RequestId, last: ServerEvent) -> None:
        """Fetch the answer a server broke off (2025-11-25, basic/transports#resumability).

        It may do so as often as it likes: that is how a server makes clients look in now and then.
        """
        pending: ServerEvent | None = last
        failures = 0
        while pending is not None:
            if pending.id is None:
                raise ChildError(f"{self._host} ended the answer before it was complete")
            await asyncio.sleep(_retry_s(pending) * 2**failures)
            try:
                again = await self._resumed(request_id, pending.id)
            except (AuthorizationNeeded, NotUnderstood, Refused):  # nobody is left who would know the session
                raise
            except ChildError:
                failures += 1
                if failures == _RECONNECTS:
                    raise
            else:
                failures = 0
                pending = again and _later(pending, again)

    async def _resumed(self, request_id: RequestId, event_id: str) -> ServerEvent | None:
        """Take what comes after an event; return the last one when the answer was not among it."""
        headers = await self._headers({"last-event-id": event_id, "accept": "text/event-stream"})
        response = await self._request("GET", self._url, headers)
        with contextlib.closing(response):
            if response.status != 200:
                kind = NotUnderstood if response.status < 500 and response.status not in _PASSING else ChildError
                raise kind(f"{self._host} answered {response.status} instead of resuming its answer")
            return await self._stream(response, request_id)

    async def _listen(self) -> None:
        """Keep the stream open on which a legacy server tells what nobody asked; servers may have none."""
        await _after(self._introduction)
        last = ServerEvent("")
        failures = 0
        has_one = False
        while not self._closing and failures < _RECONNECTS:
            extra = {"accept": "text/event-stream", **({"last-event-id": last.id} if last.id else {})}
            try:
                response = await self._request("GET", self._url, await self._headers(extra))
                with contextlib.closing(response):
                    if response.status == 404 and self._session is not None:
                        self._forget()
                        return
                    if has_one and response.status >= 500:  # else it is how a server says that it has none
                        raise ChildError(f"{self._host} answered with HTTP status {response.status}")
                    if response.status != 200 or _kind(response) != "text/event-stream":
                        return
                    has_one, failures = True, 0
                    last = _later(last, await self._stream(response, None) or last)
            except Refused:
                if has_one:
                    break
                failures += 1
            except (ChildError, OverflowError):
                failures += 1
            await asyncio.sleep(_retry_s(last) * 2**failures)
        if self._receiver is not None:
            self._receiver.lost(f"{self._host} cannot be reached")

    def _forget(self) -> None:
        """Take note that the server has forgotten the session."""
        self._is_forgotten = True
        if self._receiver is not None:
            self._receiver.lost(f"{self._host} has forgotten the session", forgotten=True)

    def _fail(self, request_id: RequestId | None, error: Exception) -> None:
        if self._receiver is not None and request_id is not None:
            self._receiver.failed(request_id, error)

    def _explained(self, error: Exception) -> Exception:
        if isinstance(error, ChildError):
            return error
        if isinstance(error, OverflowError):
            return ChildError(f"{self._host} sent {error}")
        return error


async def _after(introduction: "asyncio.Task[None] | None") -> None:
    """Return once the server has taken `notifications/initialized`: what overtakes it may be refused."""
    if introduction is not None and not introduction.done():
        await asyncio.wait({introduction}, timeout=_INTRODUCED_S)


def _later(before: ServerEvent, event: ServerEvent) -> ServerEvent:
    """Return where a stream stands after an event: what it does not say holds on."""
    retry_ms = before.retry_ms if event.retry_ms is None else event.retry_ms
    return ServerEvent("", id=event.id or before.id, retry_ms=retry_ms)


def _retry_s(event: ServerEvent) -> float:
    return _DEFAULT_RETRY_S if event.retry_ms is None else max(_SHORTEST_RETRY_S, min(event.retry_ms / 1000, 60.0))


def _moved(url: str, response: Response) -> str | None:
    """Return where to send a request instead; None unless that is certain to be the same server."""
    there = response.headers.get("location")
    if response.status not in {307, 308} or not there:
        return None
    try:
        moved = urldefrag(urljoin(url, there)).url
        return moved if urlsplit(moved)[:2] == urlsplit(url)[:2] and moved != url else None
    except ValueError:
        return None


def _redirection(response: Response) -> str:
    """Return what helps when the address is no longer, or not quite, the right one."""
    there = response.headers.get("location", "")
    if response.status not in {301, 302, 303, 307, 308} or not there:
        return ""
    # Neither a query nor a user belongs in a message: both may hold credentials.
    parts = urlsplit(there)
    return f"; it has moved to {urlunsplit((parts.scheme, parts.netloc.rpartition('@')[2], parts.path, '', ''))}"


def _kind(response: Response) -> str:
    return response.headers.get("content-type", "").split(";")[0].strip().lower()


class SseChild(HttpChild):
    """A child of the older HTTP+SSE transport (2024-11-05): one stream in, posts out."""

    async def open(self, receiver: Receiver) -> None:
        """Open the stream and wait for the address to post to; raise `ChildError` when there is none."""
        await super().open(receiver)
        self._stream_url = self._url
        self._address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._tasks.start(self._read())
        try:
            async with asyncio.timeout(_ENDPOINT_S):
                self._url = urljoin(self._stream_url, await self._address)
        except TimeoutError:
            raise ChildError(f"{self._host} did not say where to post messages") from None
        if urlsplit(self._url)[:2] != urlsplit(self._stream_url)[:2]:
            raise ChildError(f"{self._host} wants its messages posted to another host, which is refused")

    def negotiated(self, version: str) -> None:
        """Take note of the revision; the one stream is open already."""
        self._version = version

    async def _read(self) -> None:
        try:
            headers = await self._headers({"accept": "text/event-stream"})
            response = await self._request("GET", self._stream_url, headers)
            with contextlib.closing(response):
                if response.status != 200:
                    raise ChildError(f"{self._host} answered with HTTP status {response.status}")
                parser = EventParser(self._limit)
                async for part in response:
                    for event in parser.feed(part):
                        if event.event == "endpoint" and not self._address.done():
                            self._address.set_result(event.data)
                        elif event.event == "message":
                            self._deliver(event.data, None)
            reason = f"{self._host} ended the stream"
        except asyncio.CancelledError:
            raise
        except Exception as error:  # the owner is told, whatever it was
            if not self._address.done():
                self._address.set_exception(self._explained(error))
                return
            reason = str(self._explained(error))
        if self._receiver is not None:
            self._receiver.lost(reason)

    async def _post_once(
        self, body: bytes, request_id: RequestId | None, headers: Mapping[str, str], *, is_greeting: bool
    ) -> ServerEvent | None:
        response = await self._request("POST", self._url, headers, body, request_id)
        with contextlib.closing(response):
            if response.status >= 300:
                await self._refused(response, "", request_id)
        return None
