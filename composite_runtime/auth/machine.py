"""Signing in without a person: the runtime is the client, and the client itself is granted a token."""

from composite_runtime.auth import discovery, registration, tokens
from composite_runtime.auth.challenge import Challenge, joined
from composite_runtime.auth.errors import SignInFailed
from composite_runtime.auth.grant import Grant
from composite_runtime.auth.sign_in import granted_by
from composite_runtime.graph.model import Auth


async def granted(url: str, auth: Auth, challenge: Challenge) -> Grant:
    """Return what the client of a graph is granted for a server (OAuth 2.1, section 4.2).

    Raises:
        Unreachable: somebody who is needed cannot be reached now.
        SignInFailed: it is not granted, or the graph does not name a client with a secret.
    """
    if not auth.client_id or not auth.client_secret:
        raise SignInFailed("the graph names no client id and client secret to do it with")
    place = await discovery.find(url, challenge, issuer=auth.issuer)
    client = registration.by_hand(place.server, auth)
    assert client is not None
    scope = auth.scope or challenge.scope or joined(*(place.scopes or ()))
    fields = {"grant_type": "client_credentials", "resource": place.resource, "scope": scope}
    answer = await tokens.granted(place.server.token_endpoint, client, fields)
    return granted_by(place, client, answer, scope)
