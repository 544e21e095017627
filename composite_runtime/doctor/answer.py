"""The checks of a remote server's first answer: is it MCP, is it the right transport, does it let us in."""

import re
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

from composite_runtime import secrets
from composite_runtime.doctor.findings import Check, Finding, Fix, Step, failed, passed
from composite_runtime.doctor.http_probe import Answer, NotHttp, ask, tls_context
from composite_runtime.graph.model import HttpTransport, SseTransport
from composite_runtime.wire import jsonrpc
from composite_runtime.wire.era import LATEST_MODERN, envelope

_STREAM = "text/event-stream"
_ENDPOINT = re.compile(r"^event: ?endpoint\b", re.MULTILINE)
# Where servers usually are, tried when there is none where the user thinks.
_USUAL_PLACES = ("/mcp", "/sse")
# What leaves no doubt that the server is there.
_CLEAR = frozenset({"unauthorized", "forbidden", "redirected", "tls-wanted", "too-many-requests"})
_NOT_HERE = frozenset({404, 405})
_GATEWAY = {
    502: "the server behind it is down",
    503: "it is overloaded or down",
    504: "the server behind it is silent",
}


class Probe:
    """The two requests a server may be asked with first."""

    def __init__(self, headers: dict[str, str], limit_s: float) -> None:
        self._headers = headers
        self._limit_s = limit_s

    async def post(self, url: str) -> Answer:
        """Ask what any server of streamable HTTP must answer, and what leaves no session behind."""
        params = {"_meta": envelope(LATEST_MODERN, {}, {"name": "fusion"})}
        headers = {
            "accept": f"application/json, {_STREAM}",
            "content-type": "application/json",
            "mcp-protocol-version": LATEST_MODERN,
            "mcp-method": "server/discover",
        }
        return await self._ask(url, "POST", headers, jsonrpc.encode(jsonrpc.request(1, "server/discover", params)))

    async def get(self, url: str) -> Answer:
        """Ask for the stream of the older transport."""
        return await self._ask(url, "GET", {"accept": _STREAM}, b"")

    async def _ask(self, url: str, method: str, headers: dict[str, str], body: bytes) -> Answer:
        tls = tls_context() if url.startswith("https:") else None
        return await ask(url, method, {**self._headers, **headers}, body, limit_s=self._limit_s, tls=tls)


async def check_answer(
    transport: HttpTransport | SseTransport, url: str, headers: dict[str, str], limit_s: float
) -> list[Check]:
    """Return how the server answers a first request, and whether it lets us in."""
    probe = Probe(headers, limit_s)
    is_sse = isinstance(transport, SseTransport)
    try:
        answer = await (probe.get(url) if is_sse else probe.post(url))
        finding = _judged(url, answer, is_sse=is_sse)
        if finding is not None and finding.fault not in _CLEAR:
            elsewhere = await _other_place(probe, url, is_sse=is_sse)
            # A legacy server may answer like this to a question of the modern era; the handshake will tell.
            finding = elsewhere or (None if answer.is_rpc and not is_sse else finding)
    except TimeoutError:
        message = f"it took the request, but did not answer within {limit_s:g} s"
        return [failed(Step.ANSWER, Finding("answer-timeout", message, "It hangs, or waits for a service behind it."))]
    except NotHttp as error:
        return [failed(Step.ANSWER, _not_http(url, error), repr(error.said[:80]))]
    except OSError as error:
        message = f"it ended the connection instead of answering: {error.strerror or error or type(error).__name__}"
        return [failed(Step.ANSWER, Finding("connection-broken", message, "Check that the URL is an MCP server's."))]
    seen = f"HTTP {answer.status}, {answer.kind or 'no content'}"
    if finding is None:
        how = "it lets us in with the headers set" if headers else "it lets us in"
        return [passed(Step.ANSWER, seen), passed(Step.AUTHORIZATION, how)]
    if finding.fault in {"unauthorized", "forbidden"}:
        return [
            passed(Step.ANSWER, seen),
            failed(Step.AUTHORIZATION, _about_token(finding, answer, transport, headers), seen),
        ]
    return [failed(Step.ANSWER, finding, seen, *answer.body[:400].splitlines()[:5])]


def _judged(url: str, answer: Answer, *, is_sse: bool) -> Finding | None:
    """Return what an answer says is wrong, or None when an MCP server seems to be there."""
    status = answer.status
    if status == 401:
        return Finding("unauthorized", "it wants credentials (401)", "")
    if status == 403 and not answer.is_rpc:
        return Finding("forbidden", "it knows who asks, and refuses (403)", "")
    if 300 <= status < 400:
        there = urljoin(url, answer.headers.get("location", ""))
        message = f"it sends clients on to {there}, which is not followed with credentials"
        return Finding("redirected", message, f"Enter {there}.", (Fix("set-url", there),))
    if is_sse and status == 200 and answer.kind == _STREAM:
        return None
    is_rpc = answer.is_rpc and status not in _NOT_HERE
    if not is_sse and (is_rpc or (status < 300 and answer.kind in {"application/json", _STREAM})):
        return None
    return _no_server(url, answer, is_sse=is_sse)


def _no_server(url: str, answer: Answer, *, is_sse: bool) -> Finding:
    status, path = answer.status, urlsplit(url).path or "/"
    correct = (Fix("set-url"),)
    if status == 400 and "https" in answer.body.lower():
        secure = url.replace("http:", "https:", 1)
        return Finding("tls-wanted", "it wants an encrypted connection", f"Enter {secure}.", (Fix("set-url", secure),))
    if status == 429:
        return Finding("too-many-requests", "it has had enough requests for now (429)", "Wait, then try again.")
    if status >= 500:
        why = _GATEWAY.get(status, "it failed by itself")
        return Finding("server-error", f"it answered {status}: {why}", "Look at the server's own log, or try later.")
    if answer.kind == "text/html" and status < 400:
        message = f"{path} is a web page, not an MCP server"
        return Finding("web-page", message, "Enter the URL of the server itself, often one that ends in /mcp.", correct)
    if status in {404, 410}:
        remedy = "Correct the path in the URL, often /mcp or /sse."
        return Finding("not-found", f"there is nothing at {path} ({status})", remedy, correct)
    if status == 405:
        asked = "a GET, which the older transport begins with" if is_sse else "a POST, which every message is"
        remedy = "Correct the URL, often one that ends in /mcp or /sse."
        return Finding("method-not-allowed", f"{path} does not take {asked} (405)", remedy, correct)
    seen = f"{status}, {answer.kind or 'no content'}"
    return Finding("not-mcp", f"it answers, but not as an MCP server ({seen})", "Correct the URL.", correct)


async def _other_place(probe: Probe, url: str, *, is_sse: bool) -> Finding | None:
    """Return a finding if the server speaks the other transport, or lives at another usual path."""
    for place in dict.fromkeys((url, *(urljoin(url, usual) for usual in _USUAL_PLACES))):
        for name, answer in (("sse", await probe.get(place)), ("http", await probe.post(place))):
            is_stream = name == "sse" and answer.status == 200 and _ENDPOINT.search(answer.body) is not None
            is_http = name == "http" and answer.is_rpc and answer.status not in _NOT_HERE
            if is_stream or is_http:
                return _moved(url, place, name, is_other=is_stream != is_sse)
    return None


def _moved(url: str, place: str, name: str, *, is_other: bool) -> Finding:
    transport = "the older SSE transport" if name == "sse" else "streamable HTTP"
    if not is_other:
        message = f"the server is not at {urlsplit(url).path or '/'}, but at {urlsplit(place).path}"
        return Finding("wrong-path", message, f"Enter {place}.", (Fix("set-url", place),))
    where = "" if place == url else f", at {place}"
    return Finding(
        f"{name}-server",
        f"the server speaks {transport}{where}",
        f"Change the type of the node to {name}.",
        (Fix("set-transport", f"{name} {place}"),),
    )


def _not_http(url: str, error: NotHttp) -> Finding:
    if error.said[:2] == b"\x15\x03" or (not error.said and url.startswith("http:")):
        secure = url.replace("http:", "https:", 1)
        message = "it ends plain connections, as a port does that wants encrypted ones"
        return Finding("tls-wanted", message, f"Enter {secure}.", (Fix("set-url", secure),))
    remedy = "Correct the port in the URL: another kind of program listens there."
    return Finding("not-http", "what listens there does not speak HTTP", remedy, (Fix("set-url"),))


def _about_token(
    finding: Finding, answer: Answer, transport: HttpTransport | SseTransport, headers: Mapping[str, str]
) -> Finding:
    """Say what to do about credentials: none were sent, they are wrong, or they do not suffice."""
    sent = {name.lower(): text for name, text in transport.headers.items()}.get("authorization")
    names = [reference.name for reference in secrets.references(sent or "") if reference.kind == "secret"]
    fixes = tuple(Fix("set-secret", name) for name in names) or (Fix("set-header", "Authorization"),)
    if finding.fault == "forbidden":
        remedy = "Ask its owner for the rights, or use a token that has them."
        return Finding(finding.fault, finding.message, remedy, fixes)
    if sent is not None:
        remedy = "Make a new token and store it in place of the old one."
        return Finding("token-refused", "it refuses the token that is sent (401): wrong or expired", remedy, fixes)
    if "authorization" in headers:
        remedy = "Sign in again, in Fusion or with `composite-runtime sign-in`."
        return Finding("sign-in-refused", "it does not accept its sign-in any more (401)", remedy, (Fix("sign-in"),))
    by_hand = "store a token as a secret and set the header Authorization to Bearer ${secret:NAME}"
    if "resource_metadata" in answer.headers.get("www-authenticate", ""):
        remedy = f"Sign in, in Fusion or with `composite-runtime sign-in`; or {by_hand}."
        return Finding(finding.fault, "it wants you to sign in (401)", remedy, (Fix("sign-in"), *fixes))
    remedy = f"Sign in if it offers that; else {by_hand}."
    return Finding(finding.fault, finding.message, remedy, (*fixes, Fix("sign-in")))
