"""Who we are to an authorization server: registered by hand, described at an address, or registered now."""

from urllib.parse import urlsplit

from composite_runtime import secrets
from composite_runtime.auth import tokens, web
from composite_runtime.auth.discovery import AuthorizationServer
from composite_runtime.auth.errors import Refused, SignInFailed, Unreachable
from composite_runtime.auth.grant import Client
from composite_runtime.graph.model import Auth

_KNOWN = ("none", "client_secret_basic", "client_secret_post")


async def client_for(server: AuthorizationServer, auth: Auth, redirect_uri: str, scope: str | None) -> Client:
    """Return the client to sign in as; raise `SignInFailed` when there is none and none can be had.

    One that is registered now is so for this sign-in alone: the address it is called back at is new each time, and a
    registration the server has forgotten meanwhile would only show as a page in the browser.
    """
    known = by_hand(server, auth)
    if known is not None:
        return known
    if auth.client_metadata_url and server.takes_metadata_url:
        parts = urlsplit(auth.client_metadata_url)
        if parts.scheme != "https" or not parts.path.strip("/"):
            raise SignInFailed(
                f"{auth.client_metadata_url} cannot describe a client: it must be https, and have a path"
            )
        return Client(auth.client_metadata_url)
    if server.registration_endpoint is None:
        raise SignInFailed(
            f"{server.issuer} knows only clients registered by hand: register Fusion there, with the redirect address"
            " http://127.0.0.1/callback, and enter the client id in the node"
        )
    return await _registered(server, server.registration_endpoint, redirect_uri, scope)


def by_hand(server: AuthorizationServer, auth: Auth) -> Client | None:
    """Return the client the graph names, if it does; raise `SecretMissing` when its secret is not there."""
    if not auth.client_id:
        return None
    if not auth.client_secret:
        return Client(auth.client_id)
    secret = secrets.resolve(auth.client_secret)
    method = "client_secret_basic"  # which servers have to know (RFC 6749, section 2.3.1)
    if server.auth_methods is not None and method not in server.auth_methods:
        method = "client_secret_post"
    return Client(auth.client_id, secret, method)


async def _registered(server: AuthorizationServer, endpoint: str, redirect_uri: str, scope: str | None) -> Client:
    # A program on the user's machine can keep no secret, so it wants none unless the server insists; then the server's
    # own order counts, which begins with what it does best.
    offered = server.auth_methods if server.auth_methods is not None else _KNOWN
    method = next((method for method in ("none", *offered) if method in offered and method in _KNOWN), None)
    if method is None:
        raise SignInFailed(f"{server.issuer} lets in only clients that prove who they are by {', '.join(offered)}")
    wanted = {
        "client_name": "Fusion",
        "redirect_uris": [redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": method,
        "application_type": "native",
        **({"scope": scope} if scope else {}),
    }
    answer = await web.post_json(endpoint, wanted)
    if answer.status >= 500 or answer.status == 429:
        raise Unreachable(
            f"{urlsplit(endpoint).hostname} answered {answer.status} to our registration; try again later"
        )
    data = dict(answer.data or {})
    client_id, secret = data.get("client_id"), data.get("client_secret")
    if answer.status not in {200, 201} or not isinstance(client_id, str) or not client_id:
        code = tokens.error_code(answer)
        raise Refused(f"{server.issuer} refused to register Fusion: {tokens.reason(data, code)}", code)
    given = data.get("token_endpoint_auth_method", method)
    secret = secret if isinstance(secret, str) and secret else None
    if given not in _KNOWN or (given != "none" and secret is None):
        raise SignInFailed(f"{server.issuer} registered Fusion in a way it cannot use ({given!r})")
    tokens.conceal(secret)
    return Client(client_id, secret, given)
