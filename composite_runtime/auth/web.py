"""Plain HTTP exchanges of a sign-in: small, bounded, never redirected, and encrypted outside this machine."""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlencode, urlsplit

from composite_runtime.auth.errors import SignInFailed, Unreachable
from composite_runtime.errors import ChildError
from composite_runtime.wire.http_client import HttpClient

LIMIT_S = 15.0
_LIMIT_BYTES = 512 * 1024


@dataclass(frozen=True)
class Answer:
    """A whole answer; `data` is its JSON object, if it is one."""

    status: int
    headers: Mapping[str, str]
    data: Mapping[str, Any] | None


async def get(url: str) -> Answer:
    """Fetch a document; raise `SignInFailed`."""
    return await exchange("GET", url, {"accept": "application/json"})


async def post_form(url: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
    """Post a form; raise `SignInFailed`."""
    kind = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    return await exchange("POST", url, {**kind, **headers}, urlencode(fields).encode())


async def post_json(url: str, data: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
    """Post a JSON object; raise `SignInFailed`."""
    kind = {"content-type": "application/json", "accept": "application/json"}
    return await exchange("POST", url, {**kind, **(headers or {})}, json.dumps(data).encode())


async def exchange(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, *, limit_s: float = LIMIT_S
) -> Answer:
    """Send one request over a connection of its own.

    Raises:
        Unreachable: there is no answer within the limit, or none that can be read.
        SignInFailed: the address may not be used.
    """
    check_safe(url)
    host = urlsplit(url).hostname
    try:
        client = HttpClient(url)
        try:
            async with asyncio.timeout(limit_s):
                response = await client.request(method, url, headers, body)
                with contextlib.closing(response):
                    # A stream of events may never end, and nobody here wants one.
                    is_stream = "event-stream" in response.headers.get("content-type", "")
                    content = b"" if is_stream else await response.read(_LIMIT_BYTES)
        finally:
            await client.close()
    except TimeoutError:
        raise Unreachable(f"{host} did not answer within {limit_s:g} s; try again later") from None
    except OverflowError:
        raise Unreachable(
            f"{host} sent more than {_LIMIT_BYTES // 1024} KB where a short document was expected"
        ) from None
    except ChildError as error:
        raise Unreachable(error.message) from None
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        data = None
    return Answer(response.status, response.headers, data if isinstance(data, dict) else None)


def check_safe(url: str) -> None:
    """Refuse an address secrets may not be sent to: it must be https, or on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        parts.port  # noqa: B018  # raises when it is no number
    except ValueError:
        parts, host = urlsplit(""), ""
    if not host or parts.username is not None or parts.fragment or parts.scheme not in {"http", "https"}:
        raise SignInFailed(f"{url!r} cannot be used to sign in: it is no plain web address")
    if parts.scheme == "http" and not is_loopback(host):
        raise SignInFailed(f"{url} cannot be used to sign in: it is not encrypted; it must begin with https://")


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of an address."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
