"""The token endpoint of an authorization server (OAuth 2.1, sections 3.2 and 4)."""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from composite_runtime import secrets
from composite_runtime.auth import web
from composite_runtime.auth.errors import Refused, SignInFailed, Unreachable
from composite_runtime.auth.grant import Client, Grant

_LONGEST_REASON = 300


async def granted(endpoint: str, client: Client, fields: Mapping[str, str | None]) -> dict[str, Any]:
    """Ask for tokens and return the answer, which holds an access token.

    Raises:
        Refused: the server says no.
        Unreachable: it cannot say anything now.
        SignInFailed: its answer cannot be used.
    """
    form, headers = _proven(client, {name: text for name, text in fields.items() if text})
    answer = await web.post_form(endpoint, form, headers)
    host = urlsplit(endpoint).hostname
    if answer.status >= 500 or answer.status == 429:
        raise Unreachable(f"{host} answered {answer.status} when asked for a token; try again later")
    data = dict(answer.data or {})
    if answer.status >= 300:
        code = error_code(answer)
        raise Refused(f"{host} refused to give a token: {reason(data, code)}", code)
    token, kind = data.get("access_token"), data.get("token_type", "Bearer")
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise SignInFailed(f"{host} answered without an access token")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise SignInFailed(f"{host} gives tokens of the kind {kind!r}, which are not supported")
    for name in ("refresh_token", "scope"):
        if not isinstance(data.get(name), str):
            data.pop(name, None)
    conceal(token, data.get("refresh_token"))
    return data


async def renew(grant: Grant) -> Grant:
    """Return the grant with fresh tokens; raise as `granted` does."""
    fields = {"grant_type": "refresh_token", "refresh_token": grant.refresh_token, "resource": grant.resource}
    return grant.renewed(await granted(grant.token_endpoint, grant.client, fields))


async def revoke(grant: Grant) -> bool:
    """Have the server forget the grant, if it can (RFC 7009); return whether it did."""
    if grant.revocation_endpoint is None:
        return False
    done = False
    for kind, token in (("refresh_token", grant.refresh_token), ("access_token", grant.access_token)):
        if token:
            form, headers = _proven(grant.client, {"token": token, "token_type_hint": kind})
            answer = await web.post_form(grant.revocation_endpoint, form, headers)
            done = answer.status < 300
    return done


def conceal(*values: str | None) -> None:
    """Keep these out of whatever the program writes from now on."""
    for value in values:
        if value:
            secrets.conceal(value, "[token]")


def error_code(answer: web.Answer) -> str:
    """Return the OAuth error of an answer, or its status where it names none."""
    code = (answer.data or {}).get("error")
    return code if isinstance(code, str) and code else f"status {answer.status}"


def reason(data: Mapping[str, Any], code: str) -> str:
    """Return why a server says it refused, fit to be shown: its words are not ours."""
    words = data.get("error_description")
    shown = f"{code}: {words}" if isinstance(words, str) and words else code
    return "".join(letter if letter.isprintable() else " " for letter in shown)[:_LONGEST_REASON]


def _proven(client: Client, fields: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the fields and headers that say who asks."""
    if client.method == "client_secret_basic" and client.secret is not None:
        words = f"{quote(client.client_id, safe='')}:{quote(client.secret, safe='')}"
        # The name twice, since some servers look for it in the form in any case.
        proof = {"authorization": f"Basic {base64.b64encode(words.encode()).decode()}"}
        return {**fields, "client_id": client.client_id}, proof
    if client.method == "client_secret_post" and client.secret is not None:
        return {**fields, "client_id": client.client_id, "client_secret": client.secret}, {}
    return {**fields, "client_id": client.client_id}, {}
