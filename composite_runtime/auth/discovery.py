"""From a server to the authorization server that lets its users in (RFC 9728, RFC 8414, OpenID Connect Discovery)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from composite_runtime.auth import web
from composite_runtime.auth.challenge import Challenge
from composite_runtime.auth.errors import NoSignIn, SignInFailed, Unreachable


@dataclass(frozen=True)
class AuthorizationServer:
    """Who grants tokens, as its own metadata says; `issuer` is its name."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    registration_endpoint: str | None = None
    revocation_endpoint: str | None = None
    auth_methods: tuple[str, ...] | None = None
    scopes: tuple[str, ...] | None = None
    takes_metadata_url: bool = False
    tells_issuer: bool = False


@dataclass(frozen=True)
class Place:
    """What is to be reached (`resource`), who lets us in, and the scopes the resource says it needs."""

    resource: str
    server: AuthorizationServer
    scopes: tuple[str, ...] | None = None


async def find(url: str, challenge: Challenge, *, issuer: str | None = None) -> Place:
    """Return who lets users of the server at `url` in; `issuer` is the only one to trust, if set.

    Raises:
        NoSignIn: the server says nothing of OAuth.
        Unreachable: somebody who has to be asked does not answer.
        SignInFailed: what was found contradicts itself, is not safe, or is not meant for this server.
    """
    metadata = await _resource_metadata(url, challenge)
    if metadata is None:
        return Place(canonical(url), await _beside(url, issuer))
    resource = metadata.get("resource")
    if not isinstance(resource, str) or not covers(resource, url):
        raise SignInFailed(
            f"{_host(url)} says that its tokens are for {resource!r}, which is another server; none is sent there"
        )
    issuers = [name for name in _texts(metadata.get("authorization_servers")) or () if name]
    chosen = _chosen(url, issuers, issuer)
    _refuse_inward(url, chosen)
    return Place(resource, await _server(chosen), _texts(metadata.get("scopes_supported")))


def canonical(url: str) -> str:
    """Return the address by which a server is named as the target of a token."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower()
    return urlunsplit((parts.scheme.lower(), host, parts.path.rstrip("/"), parts.query, ""))


def covers(resource: str, url: str) -> bool:
    """Say whether a token for `resource` is meant for `url`: the same origin, and a path that is the same or below."""
    try:
        if web.origin(resource) != web.origin(url):
            return False
    except ValueError:
        return False
    above, below = urlsplit(resource).path.rstrip("/"), urlsplit(url).path.rstrip("/")
    return below == above or below.startswith(f"{above}/")


async def _resource_metadata(url: str, challenge: Challenge) -> Mapping[str, Any] | None:
    parts = urlsplit(url)
    root = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/.well-known/oauth-protected-resource"
    places = [challenge.resource_metadata, f"{root}{parts.path}" if parts.path.strip("/") else None, root]
    for place in dict.fromkeys(place for place in places if place):
        _refuse_inward(url, place)
        answer = await web.get(place)
        if answer.status >= 500 or answer.status == 429:
            # It may well be there, so it must not be taken for a server of the time before such documents.
            raise Unreachable(f"{_host(place)} answered {answer.status} when asked who lets users in; try again later")
        if answer.status == 200 and answer.data is not None:
            return answer.data
    return None


def _refuse_inward(who: str, named: str) -> None:
    """Refuse an address of this machine that somebody elsewhere names: programs here trust who calls from here."""
    if web.is_loopback(_host(named)) and not web.is_loopback(_host(who)):
        raise SignInFailed(f"{_host(who)} cannot be signed in to: it names an address of this computer, {named}")


def _chosen(url: str, issuers: list[str], wanted: str | None) -> str:
    if not issuers:
        raise SignInFailed(f"{_host(url)} does not say who lets its users in")
    if wanted is None:
        return issuers[0]
    if not any(same_issuer(name, wanted) for name in issuers):
        raise SignInFailed(
            f"{_host(url)} has its users let in by {', '.join(issuers)}, and the graph trusts only {wanted}"
        )
    return wanted


async def _server(issuer: str) -> AuthorizationServer:
    web.check_safe(issuer)
    for place in _metadata_places(issuer):
        answer = await web.get(place)
        if answer.status >= 500 or answer.status == 429:
            raise Unreachable(f"{_host(place)} answered {answer.status} when asked how to sign in; try again later")
        if answer.status == 200 and answer.data is not None:
            return _read(answer.data, issuer)
    raise SignInFailed(f"{issuer} does not say how to sign in: it has no authorization server metadata")


def _metadata_places(issuer: str) -> Iterator[str]:
    parts = urlsplit(issuer)
    base, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    yield f"{base}/.well-known/oauth-authorization-server{path}"
    yield f"{base}/.well-known/openid-configuration{path}"
    if path:
        yield f"{base}{path}/.well-known/openid-configuration"


async def _beside(url: str, wanted: str | None) -> AuthorizationServer:
    """Return the authorization server on the host of a server of the time before RFC 9728 (MCP 2025-03-26)."""
    parts = urlsplit(url)
    base = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if wanted is not None and not same_issuer(base, wanted):
        raise SignInFailed(f"{_host(url)} does not name {wanted} as who lets its users in")
    answer = await web.get(f"{base}/.well-known/oauth-authorization-server")
    if answer.status == 200 and answer.data is not None:
        return _read(answer.data, base)
    raise NoSignIn(f"{_host(url)} does not offer to sign in by OAuth; set an Authorization header instead")


def guessed(url: str) -> Place:
    """Return the endpoints that servers without any metadata have by convention (MCP 2025-03-26)."""
    parts = urlsplit(url)
    base = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return Place(canonical(url), AuthorizationServer(base, f"{base}/authorize", f"{base}/token", f"{base}/register"))


def _read(data: Mapping[str, Any], issuer: str) -> AuthorizationServer:
    """Return what metadata says, held to the issuer it was fetched for (RFC 8414, section 3.3)."""
    named = data.get("issuer")
    if not isinstance(named, str) or not same_issuer(named, issuer):
        raise SignInFailed(f"{issuer} cannot be trusted to sign in: its metadata is that of another issuer, {named!r}")
    authorize, token = data.get("authorization_endpoint"), data.get("token_endpoint")
    if not isinstance(token, str):
        raise SignInFailed(f"{issuer} does not say where tokens are to be had")
    authorize = authorize if isinstance(authorize, str) else ""
    register, revoke = _text(data.get("registration_endpoint")), _text(data.get("revocation_endpoint"))
    for endpoint in (authorize, token, register, revoke):
        if endpoint:
            web.check_safe(endpoint)
            _refuse_inward(issuer, endpoint)
    methods = _texts(data.get("code_challenge_methods_supported"))
    if authorize and "S256" not in (methods or ()):
        raise SignInFailed(f"{issuer} is refused: it does not protect sign-ins against theft (PKCE with S256)")
    return AuthorizationServer(
        named,
        authorize,
        token,
        register,
        revoke,
        auth_methods=_texts(data.get("token_endpoint_auth_methods_supported")),
        scopes=_texts(data.get("scopes_supported")),
        takes_metadata_url=data.get("client_id_metadata_document_supported") is True,
        tells_issuer=data.get("authorization_response_iss_parameter_supported") is True,
    )


def same_issuer(one: str, other: str) -> bool:
    """Compare two issuers as they are written; only a host alone may have a slash behind it or not."""
    if one == other:
        return True
    shorter, longer = sorted((one, other), key=len)
    return longer == f"{shorter}/" and not urlsplit(shorter).path


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(value: object) -> tuple[str, ...] | None:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else None


def _host(url: str) -> str:
    return urlsplit(url).hostname or url
