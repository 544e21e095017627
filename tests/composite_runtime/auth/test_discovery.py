"""Who lets users in: found where the specifications say, and believed only as far as they allow."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from composite_runtime.auth import discovery, web
from composite_runtime.auth.challenge import Challenge
from composite_runtime.auth.errors import NoSignIn, SignInFailed, Unreachable

PRM = "/.well-known/oauth-protected-resource"
RFC8414 = "/.well-known/oauth-authorization-server"
OIDC = "/.well-known/openid-configuration"


@asynccontextmanager
async def pages(make: Any) -> AsyncIterator[tuple[str, list[str]]]:
    """Serve the documents `make(base)` returns by path: objects, or bare statuses; tell what was asked for."""
    asked: list[str] = []
    documents: dict[str, Any] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        asked.append(path)
        found = documents.get(path, 404)
        status, body = (found, b"") if isinstance(found, int) else (200, json.dumps(found).encode())
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\nlocation: /x\r\n\r\n".encode() + body)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    documents.update(make(base))
    try:
        yield base, asked
    finally:
        server.close()
        await server.wait_closed()


def metadata(issuer: str, **more: Any) -> Mapping[str, Any]:
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "code_challenge_methods_supported": ["S256"],
        **more,
    }


def resource(base: str, issuer: str, path: str = "/mcp") -> Mapping[str, Any]:
    return {"resource": f"{base}{path}", "authorization_servers": [issuer]}


async def test_the_challenge_is_asked_first_then_the_path_then_the_root() -> None:
    async with pages(lambda b: {"/here": resource(b, b), RFC8414: metadata(b)}) as (base, asked):
        place = await discovery.find(f"{base}/mcp", Challenge(True, f"{base}/here"))
        assert (place.resource, place.server.issuer) == (f"{base}/mcp", base)
        assert asked == ["/here", RFC8414]
    async with pages(lambda b: {PRM: resource(b, b, ""), RFC8414: metadata(b)}) as (base, asked):
        assert (await discovery.find(f"{base}/mcp", Challenge())).resource == base
        assert asked == [f"{PRM}/mcp", PRM, RFC8414]


@pytest.mark.parametrize("where", [f"{RFC8414}/tenant", f"{OIDC}/tenant", f"/tenant{OIDC}"])
async def test_an_issuer_with_a_path_is_asked_at_all_three_places(where: str) -> None:
    def documents(base: str) -> dict[str, Any]:
        return {PRM: resource(base, f"{base}/tenant"), where: metadata(f"{base}/tenant")}

    async with pages(documents) as (base, _):
        assert (await discovery.find(f"{base}/mcp", Challenge())).server.token_endpoint == f"{base}/tenant/token"


@pytest.mark.parametrize(
    ("documents", "words"),
    [
        (lambda b: {PRM: resource("https://other.test", b)}, "is another server"),
        (lambda b: {PRM: resource(b, b, "/mc")}, "is another server"),
        (lambda b: {PRM: {"resource": b}}, "does not say who lets its users in"),
        (lambda b: {PRM: resource(b, b), RFC8414: metadata("https://evil.test")}, "that of another issuer"),
        (lambda b: {PRM: resource(b, b), RFC8414: metadata(f"{b}/x")}, "that of another issuer"),
        (
            lambda b: {PRM: resource(b, b), RFC8414: metadata(b, code_challenge_methods_supported=["plain"])},
            "does not protect sign-ins against theft",
        ),
        (
            lambda b: {PRM: resource(b, b), RFC8414: metadata(b, token_endpoint="http://far.test/token")},
            "it is not encrypted",
        ),
        (lambda b: {PRM: resource(b, "http://127.evil.test")}, "it is not encrypted"),
        (lambda b: {PRM: resource(b, "file:///etc/passwd")}, "no plain web address"),
        (lambda b: {PRM: resource(b, b), RFC8414: 302}, "no authorization server metadata"),
    ],
)
async def test_what_contradicts_itself_is_refused(documents: Any, words: str) -> None:
    async with pages(documents) as (base, _):
        with pytest.raises(SignInFailed, match=words):
            await discovery.find(f"{base}/mcp", Challenge())


async def test_a_server_that_fails_is_not_taken_for_one_without_metadata() -> None:
    async with pages(lambda _: {PRM: 503}) as (base, _):
        with pytest.raises(Unreachable, match="try again later"):
            await discovery.find(f"{base}/mcp", Challenge())


async def test_an_old_server_is_its_own_authorization_server_or_offers_nothing() -> None:
    async with pages(lambda b: {RFC8414: metadata(b)}) as (base, _):
        assert (await discovery.find(f"{base}/mcp", Challenge())).server.issuer == base
    async with pages(lambda _: {}) as (base, _):
        with pytest.raises(NoSignIn, match="set an Authorization header"):
            await discovery.find(f"{base}/mcp", Challenge())


async def test_only_the_issuer_the_graph_trusts_is_used() -> None:
    async with pages(lambda b: {PRM: resource(b, b), RFC8414: metadata(b)}) as (base, _):
        assert (await discovery.find(f"{base}/mcp", Challenge(), issuer=f"{base}/")).server.issuer == base
        with pytest.raises(SignInFailed, match="trusts only"):
            await discovery.find(f"{base}/mcp", Challenge(), issuer="https://mine.test")


@pytest.mark.parametrize(
    ("target", "url", "is_covered"),
    [
        ("https://a.test", "https://a.test/mcp", True),
        ("https://a.test/mcp/", "https://a.test/mcp", True),
        ("https://A.test:443/mcp", "https://a.test/mcp", True),
        ("https://a.test/m", "https://a.test/mcp", False),
        ("http://a.test/mcp", "https://a.test/mcp", False),
        ("https://a.test.evil.test/mcp", "https://a.test/mcp", False),
        ("https://a.test:x/mcp", "https://a.test/mcp", False),
    ],
)
def test_a_token_is_for_its_resource_and_what_lies_below(target: str, url: str, is_covered: bool) -> None:
    assert discovery.covers(target, url) is is_covered


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "http://[::1]/", "http://localhost/x", "https://a.test/"])
def test_secrets_travel_encrypted_or_not_at_all(url: str) -> None:
    web.check_safe(url)
    for bad in ("http://a.test/", "http://127.evil.test/", "https://u:p@a.test/", "https://a.test/#x", "ftp://a.test/"):
        with pytest.raises(SignInFailed):
            web.check_safe(bad)


async def test_a_server_elsewhere_cannot_have_programs_on_this_computer_asked() -> None:
    async with pages(lambda b: {"/here": resource(b, b), RFC8414: metadata(b)}) as (base, asked):
        with pytest.raises(SignInFailed, match="an address of this computer"):
            await discovery.find("https://vault.example/mcp", Challenge(True, f"{base}/here"))
    assert asked == []
