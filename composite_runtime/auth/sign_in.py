"""Signing a person in to a remote server, and out of it again."""

import asyncio
import base64
import contextlib
import hashlib
import secrets as randomness
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from composite_runtime import secrets
from composite_runtime.auth import discovery, registration, store, tokens, web
from composite_runtime.auth.challenge import Challenge, joined
from composite_runtime.auth.discovery import AuthorizationServer, Place
from composite_runtime.auth.errors import NoSignIn, Refused, SignInFailed
from composite_runtime.auth.grant import Client, Grant, lifetime_s
from composite_runtime.auth.loopback import Callback, listening
from composite_runtime.graph.model import Auth, ServerNode, StdioTransport
from composite_runtime.wire import jsonrpc
from composite_runtime.wire.era import LATEST_MODERN, envelope

PATIENCE_S = 300.0


class Stage(StrEnum):
    """How far a sign-in is."""

    ASKING = "asking the server how to sign in"
    REGISTERING = "registering with the authorization server"
    WAITING = "waiting for you in the browser"
    FETCHING = "fetching the tokens"


@dataclass(frozen=True)
class SignedIn:
    """The outcome: who let us in, and with what rights."""

    issuer: str
    scope: str | None


async def sign_in(
    node: ServerNode,
    *,
    show: Callable[[str], None],
    tell: Callable[[Stage], None] = lambda _: None,
    patience_s: float = PATIENCE_S,
    in_file: bool = False,
) -> SignedIn:
    """Sign a person in to the server of a node and keep what is granted; a running program uses it at once.

    `show` opens the page where the person signs in; `tell` hears how far it is. To cancel the task gives up.

    Raises:
        NoSignIn: the server does not offer it.
        CannotKeep: the keyring does not take the tokens; found out before anybody has to do anything.
        SignInFailed: it did not succeed; the message says why.
    """
    url, auth = await remote_of(node)
    await asyncio.to_thread(_check_keeping, in_file)
    try:
        async with asyncio.timeout(patience_s):
            grant = await _granted(node, url, auth, show, tell)
    except TimeoutError:
        raise SignInFailed(f"nobody signed in within {patience_s:g} s; begin again when you are ready") from None
    await asyncio.to_thread(store.keep, key_of(node), grant, in_file=in_file)
    return SignedIn(grant.issuer, grant.scope or grant.asked)


async def sign_out(url: str) -> bool:
    """Forget what was granted for a server, here and at its authorization server; return whether there was anything.

    Raises:
        FusionError: it cannot be forgotten here.
    """
    try:
        grant = await asyncio.to_thread(store.fetch, url)
    finally:
        # What cannot be read is forgotten all the same.
        was_there = await asyncio.to_thread(store.forget, url)
    if grant is not None:
        with contextlib.suppress(SignInFailed):  # nobody has the tokens any more, and they expire by themselves
            await tokens.revoke(grant)
    return was_there


def key_of(node: ServerNode) -> str:
    """Return the name under which the sign-in of a node is kept: its URL, with references as they are written."""
    return "" if isinstance(node.transport, StdioTransport) else node.transport.url


async def remote_of(node: ServerNode) -> tuple[str, Auth]:
    """Return the URL of a node's server, references resolved, and how to sign in to it; raise `SignInFailed`."""
    transport = node.transport
    if isinstance(transport, StdioTransport):
        raise SignInFailed(f"{node.name} is started on this machine; only remote servers want somebody to sign in")
    if "authorization" in map(str.lower, transport.headers):
        raise SignInFailed(f"{node.name} has an Authorization header; remove it from the node to sign in instead")
    return await asyncio.to_thread(secrets.resolve, transport.url, node.id), transport.auth or Auth()


async def _granted(
    node: ServerNode, url: str, auth: Auth, show: Callable[[str], None], tell: Callable[[Stage], None]
) -> Grant:
    tell(Stage.ASKING)
    challenge = await _challenge(node, url, store.wanted(key_of(node)))
    nothing_said: NoSignIn | None = None
    try:
        place = await discovery.find(url, challenge, issuer=auth.issuer)
    except NoSignIn as error:
        if not challenge.is_bearer:
            raise
        place, nothing_said = discovery.guessed(url), error
    if not place.server.authorization_endpoint:
        raise SignInFailed(f"{place.server.issuer} does not say where people sign in")
    before = store.entries().get(key_of(node))
    had = before.scope if before is not None and discovery.same_issuer(before.issuer, place.server.issuer) else None
    scope = wanted_scope(place, auth, challenge, had)
    async with listening(auth.redirect_uri) as callback:
        tell(Stage.REGISTERING)
        try:
            client = await registration.client_for(place.server, auth, callback.redirect_uri, scope)
        except Refused as error:
            raise nothing_said or error from None
        verifier = randomness.token_urlsafe(64)
        tell(Stage.WAITING)
        show(_page(place, client, callback, scope, verifier))
        brought, outcome = await callback.came()
        try:
            code = _code(brought, place.server)
            tell(Stage.FETCHING)
            grant = await _exchanged(place, client, callback.redirect_uri, code, verifier=verifier, scope=scope)
        except SignInFailed as error:
            outcome.set_result(error.message)
            raise
        except BaseException:
            outcome.set_result("it was given up")
            raise
        outcome.set_result(None)
        return grant


async def _challenge(node: ServerNode, url: str, known: Challenge) -> Challenge:
    """Return what the server asks for, asked without a token, with what it asked a running program for."""
    # What any server must answer, and what leaves no session behind.
    params = {"_meta": envelope(LATEST_MODERN, {}, {"name": "fusion"})}
    assert not isinstance(node.transport, StdioTransport)
    own = {name.lower(): text for name, text in node.transport.headers.items()}
    headers = {
        **{name: await asyncio.to_thread(secrets.resolve, text, node.id) for name, text in own.items()},
        "accept": "application/json, text/event-stream",
        "content-type": "application/json",
        "mcp-protocol-version": LATEST_MODERN,
        "mcp-method": "server/discover",
    }
    body = jsonrpc.encode(jsonrpc.request(1, "server/discover", params))
    answer = await web.exchange("POST", url, headers, body)
    now = Challenge.of(answer.headers.get("www-authenticate", "")) if answer.status in {401, 403} else Challenge()
    if answer.status == 401 and not now.is_bearer:
        now = Challenge(is_bearer=True)  # older servers say nothing more than the status
    return Challenge(
        now.is_bearer or known.is_bearer,
        now.resource_metadata or known.resource_metadata,
        joined(now.scope, known.scope),
    )


def wanted_scope(place: Place, auth: Auth, challenge: Challenge, had: str | None) -> str | None:
    """Return the rights to ask for: what the server wants and what was granted before, and to stay signed in."""
    asked = auth.scope or challenge.scope or joined(*(place.scopes or ()))
    if asked is None:
        return None
    more = challenge.scope if auth.scope else None
    stay = "offline_access" if "offline_access" in (place.server.scopes or ()) else None
    return joined(had, asked, more, stay)


def _page(place: Place, client: Client, callback: Callback, scope: str | None, verifier: str) -> str:
    """Return the address of the page where the person signs in."""
    digest = hashlib.sha256(verifier.encode()).digest()
    fields = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": callback.redirect_uri,
        "state": callback.state,
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
        "resource": place.resource,
        **({"scope": scope} if scope else {}),
        # Without it OpenID servers do not let anybody stay signed in.
        **({"prompt": "consent"} if scope and "offline_access" in scope.split() else {}),
    }
    parts = urlsplit(place.server.authorization_endpoint)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *fields.items()]
    return urlunsplit(parts._replace(query=urlencode(query)))


def _code(brought: Mapping[str, str], server: AuthorizationServer) -> str:
    """Return the code the browser brought, once it is sure whose it is (RFC 9207)."""
    issuer = brought.get("iss")
    if issuer is None and server.tells_issuer:
        raise SignInFailed(f"the answer does not say whether it is from {server.issuer}; it was not used")
    if issuer is not None and issuer != server.issuer:
        # Nothing else it says may be shown either.
        raise SignInFailed(f"the answer is not from {server.issuer}; it was not used")
    if "error" in brought:
        error = brought["error"]
        if error == "access_denied":
            raise Refused(f"{server.issuer} was told not to let Fusion in", error)
        raise Refused(f"{server.issuer} refused: {tokens.reason(brought, error)}", error)
    code = brought.get("code")
    if not code:
        raise SignInFailed(f"{server.issuer} sent the browser back without a code")
    return code


async def _exchanged(
    place: Place, client: Client, redirect_uri: str, code: str, *, verifier: str, scope: str | None
) -> Grant:
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
        "resource": place.resource,
    }
    answer = await tokens.granted(place.server.token_endpoint, client, fields)
    return granted_by(place, client, answer, scope)


def granted_by(place: Place, client: Client, answer: Mapping[str, object], asked: str | None) -> Grant:
    """Return what the answer of a token endpoint grants."""
    refresh, scope = answer.get("refresh_token"), answer.get("scope")
    return Grant(
        issuer=place.server.issuer,
        resource=place.resource,
        token_endpoint=place.server.token_endpoint,
        client=client,
        access_token=str(answer["access_token"]),
        refresh_token=refresh if isinstance(refresh, str) else None,
        revocation_endpoint=place.server.revocation_endpoint,
        scope=scope if isinstance(scope, str) else None,
        asked=asked,
        since=time.time(),
        lifetime_s=lifetime_s(answer),
    )


def _check_keeping(in_file: bool) -> None:
    if not in_file:
        store.check_keyring()
