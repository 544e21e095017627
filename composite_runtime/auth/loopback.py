"""The address on this machine to which the browser comes back after a sign-in (RFC 8252, section 7.3)."""

import asyncio
import contextlib
import html
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, urlsplit

from composite_runtime.auth import web
from composite_runtime.auth.errors import SignInFailed

PATH = "/callback"
_REQUEST_LIMIT = 16 * 1024
_REQUEST_S = 10.0
_SETTLE_S = 2.0

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Fusion</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 16px/1.5 system-ui, sans-serif; display: grid; place-items: center; min-height: 90vh; margin: 0 }}
main {{ max-width: 26rem; padding: 2rem; text-align: center }}
h1 {{ font-size: 1.375rem; font-weight: 600; margin: 0 0 .5rem }}
p {{ margin: 0; opacity: .75 }}
</style></head><body><main><h1>{title}</h1><p>{text}</p></main></body></html>
"""


class Callback:
    """Waits for the browser; takes only what carries the state of this sign-in."""

    def __init__(self, redirect_uri: str, state: str) -> None:
        self.redirect_uri = redirect_uri
        self.state = state
        self._path = urlsplit(redirect_uri).path or "/"
        self._came: asyncio.Future[tuple[dict[str, str], asyncio.Future[str | None]]] = (
            asyncio.get_running_loop().create_future()
        )
        self._shown = asyncio.Event()

    async def shown(self) -> None:
        """Return when the browser that came has its page, or soon after; at once, when none came."""
        if self._came.done():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SETTLE_S):
                    await self._shown.wait()

    async def came(self) -> tuple[Mapping[str, str], "asyncio.Future[str | None]"]:
        """Return what the browser brought. It waits for the outcome: None for success, else what went wrong."""
        return await self._came

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request of a browser."""
        try:
            async with asyncio.timeout(_REQUEST_S):
                head = await reader.readuntil(b"\r\n\r\n")
            status, title, text, is_last = await self._answer(head)
            page = _PAGE.format(title=html.escape(title), text=html.escape(text)).encode()
            writer.write(
                f"HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {len(page)}\r\n"
                "cache-control: no-store\r\nreferrer-policy: no-referrer\r\nconnection: close\r\n"
                "content-security-policy: default-src 'none'; style-src 'unsafe-inline'\r\n\r\n".encode()
                + page
            )
            await writer.drain()
            if is_last:
                self._shown.set()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # it went away, or is no browser
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, head: bytes) -> tuple[str, str, str, bool]:
        """Return the status and the words of a page, and whether it is the one that ends the sign-in."""
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        parts = urlsplit(words[1]) if len(words) == 3 else urlsplit("")
        if words[0] != "GET" or parts.path != self._path:
            return "404 Not Found", "There is nothing here", "This address waits for a sign-in.", False
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        # Other pages in the browser can come here too, and must not be able to end the sign-in.
        if not secrets.compare_digest(query.get("state", "").encode(), self.state.encode()) or self._came.done():
            return "400 Bad Request", "This is no sign-in that Fusion waits for", "Begin again in Fusion.", False
        outcome: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._came.set_result((query, outcome))
        error = await outcome
        if error is None:
            return "200 OK", "You are signed in", "You can close this page and go back to Fusion.", True
        return "200 OK", "You are not signed in", f"{error[:1].upper()}{error[1:]}.", True


class _Listener:
    """Takes connections at addresses of this machine, and ends with all of them."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []
        self._connections: set[asyncio.Task[None]] = set()
        self.callback: Callback | None = None

    async def open(self, host: str, port: int) -> int:
        """Listen, and return the port; raise `OSError`."""
        server = await asyncio.start_server(self._serve, host, port, limit=_REQUEST_LIMIT)
        self._servers.append(server)
        found: int = server.sockets[0].getsockname()[1]
        return found

    async def close(self) -> None:
        """End all connections."""
        for server in self._servers:
            server.close()
        for task in self._connections:
            task.cancel()
        if self._connections:
            await asyncio.wait(tuple(self._connections), timeout=_SETTLE_S)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            if self.callback is not None:
                await self.callback.serve(reader, writer)
        except asyncio.CancelledError:
            pass  # by `close`; this is where the task ends, and asyncio would complain of it
        finally:
            self._connections.discard(task)


@asynccontextmanager
async def listening(wanted: str | None) -> AsyncIterator[Callback]:
    """Listen on this machine for one sign-in: at the `wanted` address, else at 127.0.0.1 and a port that is free.

    Raises:
        SignInFailed: the wanted address is not on this machine, or taken.
    """
    parts = urlsplit(wanted or f"http://127.0.0.1:0{PATH}")
    host, port = parts.hostname or "", parts.port or 0
    if parts.scheme != "http" or not web.is_loopback(host):
        raise SignInFailed(f"{wanted} cannot be the redirect address: it must begin with http://127.0.0.1")
    listener = _Listener()
    try:
        try:
            port = await listener.open("127.0.0.1" if host == "localhost" else host, port)
        except OSError as error:
            why = error.strerror or str(error)
            raise SignInFailed(f"nobody can listen at {host}:{port} for the browser: {why}") from None
        if host == "localhost":
            # A browser may take this name for either address.
            with contextlib.suppress(OSError):
                await listener.open("::1", port)
        shown = f"[{host}]" if ":" in host else host
        callback = listener.callback = Callback(f"http://{shown}:{port}{parts.path}", secrets.token_urlsafe(24))
        try:
            yield callback
        finally:
            await callback.shown()
    finally:
        await listener.close()
