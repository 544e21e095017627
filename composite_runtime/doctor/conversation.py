"""The checks of a server that is spoken to: started or reached, what it says, which revision, what it offers."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any

from composite_runtime.child.connection import CLIENT_INFO
from composite_runtime.child.lists import read_offers
from composite_runtime.child.spawn import access_to, transport_to
from composite_runtime.doctor.findings import Check, Finding, Fix, Step, failed, passed, warned
from composite_runtime.doctor.words import serves_http, understood
from composite_runtime.errors import ChildError, SecretMissing
from composite_runtime.graph.model import ServerNode, StdioTransport
from composite_runtime.provider import Offers
from composite_runtime.wire.call import Relay
from composite_runtime.wire.era import LEGACY_VERSIONS, LISTS, MODERN_VERSIONS, Era
from composite_runtime.wire.guard import Guard
from composite_runtime.wire.jsonrpc import METHOD_NOT_FOUND, Json, RpcError
from composite_runtime.wire.link import Link, WrongEra
from composite_runtime.wire.tap import HttpSeen, TappedTransport

_LAST_LINES = 40
_SHOWN_LINES = 12


@dataclass(frozen=True)
class Patience:
    """How long a server may take to answer; a first start of npx or uvx may have to fetch packages."""

    opening_s: float = 60.0
    lists_s: float = 30.0
    reaching_s: float = 10.0


@dataclass
class Heard:
    """All that came from a server during one attempt."""

    stderr: deque[str] = field(default_factory=lambda: deque(maxlen=_LAST_LINES))
    noise: deque[str] = field(default_factory=lambda: deque(maxlen=_LAST_LINES))
    asked: dict[Any, str] = field(default_factory=dict)
    answers: dict[str, Json] = field(default_factory=dict)

    def http(self, seen: Callable[[], HttpSeen]) -> None:
        """Let what HTTP adds to a message pass."""

    def message(self, way: str, message: Json | bytes, link: str, call: str = "") -> None:
        """Note a message; the answers are kept by the method that was asked for."""
        if not isinstance(message, dict):
            return
        if way == "out" and "id" in message and "method" in message:
            self.asked[message["id"]] = message["method"]
        elif way == "in" and "method" not in message and message.get("id") in self.asked:
            self.answers[self.asked[message["id"]]] = message

    @property
    def lines(self) -> tuple[str, ...]:
        """What it said beside messages: on stdout, then on stderr."""
        return (*self.noise, *self.stderr)

    def refused(self, method: str) -> Json | None:
        """Return the error a request was answered with, if it was."""
        error = self.answers.get(method, {}).get("error")
        return error if isinstance(error, dict) else None


class Conversation:
    """One attempt to speak with a server in one era; `close` it in the task that opened it."""

    def __init__(self, node: ServerNode, guard: Guard) -> None:
        self._node = node
        self._guard = guard
        self._access = access_to(node, lambda: None)
        self.heard = Heard()
        self.exit_code: Callable[[], int | None] = lambda: None
        self.link: Link | None = None

    async def open(self, era: Era, limit_s: float) -> None:
        """Connect; raise `TimeoutError`, or what the link raises."""
        transport = await transport_to(self._node, self._guard, self.heard.stderr.append, self._access)
        self.exit_code = lambda: getattr(transport, "exit_code", None)
        self.link = Link(
            TappedTransport(transport, self.heard),
            capabilities={},
            client_info=CLIENT_INFO,
            ask=_nobody,
            tell=lambda method, params, relay: None,
            noise=self.heard.noise.append,
        )
        async with asyncio.timeout(limit_s):
            await self.link.open(era)

    async def close(self) -> None:
        """End the server."""
        if self.link is not None:
            await self.link.close()
        if self._access is not None:
            await self._access.close()


async def _nobody(method: str, params: Json, relay: Relay | None) -> Json:
    raise RpcError(METHOD_NOT_FOUND, f"there is nobody to answer {method}")


async def converse(node: ServerNode, guard: Guard, patience: Patience) -> AsyncGenerator[Check, None]:
    """Yield the checks of what needs a running server, in the order of the steps."""
    eras = (Era.LEGACY, Era.MODERN) if node.era == "auto" else (Era(node.era),)
    for era in eras:
        conversation = Conversation(node, guard)
        try:
            error: Exception | None = None
            try:
                await conversation.open(era, patience.opening_s)
            except (ChildError, SecretMissing, TimeoutError) as failure:
                error = failure
            if isinstance(error, WrongEra) and era is not eras[-1] and not _is_over(conversation):
                continue
            for check in _opened(node, conversation, era, error, patience):
                yield check
            if error is None:
                yield await _lists(conversation, patience)
        finally:
            await conversation.close()
        return


def _is_over(conversation: Conversation) -> bool:
    return conversation.exit_code() is not None


def _opened(
    node: ServerNode, conversation: Conversation, era: Era, error: Exception | None, patience: Patience
) -> list[Check]:
    """Return the checks up to the handshake; the last one has failed if there was an error."""
    heard = conversation.heard
    checks: list[Check] = []
    if isinstance(node.transport, StdioTransport):
        if error is not None and not heard.asked:
            return [failed(Step.SPAWN, _not_spawned(str(error)))]
        checks.append(passed(Step.SPAWN, "it starts"))
        ended = _ended(conversation, error)
        if ended is not None:
            return [*checks, failed(Step.OUTPUT, ended, *heard.lines[-_SHOWN_LINES:])]
        checks.append(_output(heard, error))
    if error is not None:
        return [*checks, failed(Step.HANDSHAKE, _no_handshake(node, heard, error, patience), *heard.lines)]
    link = conversation.link
    assert link is not None
    who = " ".join(str(link.server_info[key]) for key in ("name", "version") if link.server_info.get(key))
    checks.append(passed(Step.HANDSHAKE, f"it answers as {who}" if who else "it answers"))
    checks.append(passed(Step.ERA, f"it speaks the {era} protocol, revision {link.version}"))
    return checks


def _not_spawned(reason: str) -> Finding:
    if "format" in reason.lower():
        return Finding(
            "not-a-program",
            f"{reason}; it is no program for this machine",
            "Give a script a first line such as #!/usr/bin/env python3, or install the build for this processor.",
            (Fix("choose-command"),),
        )
    return Finding("not-started", reason, "Correct the command.", (Fix("choose-command"),))


def _ended(conversation: Conversation, error: Exception | None) -> Finding | None:
    """Return why the process is over, if it is."""
    code = conversation.exit_code()
    if error is None or code is None:
        return None
    known = understood(conversation.heard.lines)
    how = f"it was ended by signal {-code}" if code < 0 else f"it ended at once with exit code {code}"
    if known is not None:
        return Finding(known.fault, f"{known.message} ({how})", known.remedy, known.fixes)
    if code < 0:
        remedy = (
            "It crashed, or the system ended it: for signal 9 that is often a lack of memory. Try it in a terminal."
        )
        return Finding("ended-by-signal", how, remedy)
    if not conversation.heard.lines:
        remedy = (
            "Start it in a terminal with the same arguments; servers that want a mode such as `stdio` end like this."
        )
        return Finding("exits-silently", f"{how}, and said nothing", remedy, (Fix("edit-arguments"),))
    return Finding("exits", how, "Its own words are below; try the same command in a terminal.")


def _output(heard: Heard, error: Exception | None) -> Check:
    if error is None and heard.noise:
        finding = Finding(
            "noise-on-stdout",
            f"it writes to stdout what is no message: {heard.noise[0][:200]!r}",
            "It works, but stdout belongs to MCP: some clients give up here. Look for a quiet mode.",
        )
        return warned(Step.OUTPUT, finding, *heard.noise)
    return passed(Step.OUTPUT, "it keeps running", *heard.lines[-_SHOWN_LINES:])


def _no_handshake(node: ServerNode, heard: Heard, error: Exception, patience: Patience) -> Finding:
    refusal = heard.refused("initialize") or heard.refused("server/discover")
    version = _object(heard.answers.get("initialize", {}).get("result")).get("protocolVersion")
    if refusal is not None and isinstance(error, WrongEra) and node.era != "auto":
        return Finding(
            "wrong-era",
            f"it does not speak the {node.era} protocol, to which its node is set: {refusal.get('message')}",
            "Let Fusion find out which protocol it speaks.",
            (Fix("set-era", "auto"),),
        )
    if refusal is not None:
        known = understood([str(refusal.get("message")), *heard.lines])
        return Finding(
            known.fault if known else "refuses-initialize",
            f"it refused to begin: error {refusal.get('code')}, {refusal.get('message')}",
            known.remedy if known else "Its words say what it wants: often a variable of its environment.",
            known.fixes if known else (),
        )
    if version is not None and version not in (*LEGACY_VERSIONS, *MODERN_VERSIONS):
        return Finding(
            "unknown-revision",
            f"it speaks protocol revision {version!r}, which is not known here",
            f"Update the server, or Fusion, which knows {', '.join((*LEGACY_VERSIONS, *MODERN_VERSIONS))}.",
            (Fix("update", "server"),),
        )
    if isinstance(error, TimeoutError) or "did not answer" in str(error):
        return _silent(heard, patience)
    return Finding("handshake-broken", str(error), "Its own words are below; an update of the server may help.")


def _silent(heard: Heard, patience: Patience) -> Finding:
    known = serves_http(heard.lines) or understood(heard.lines)
    if known is not None:
        return known
    if heard.noise:
        return Finding(
            "garbage",
            f"it writes what is no MCP: {heard.noise[0][:200]!r}",
            "It is probably no MCP server, or another program's words come first: check the command and its arguments.",
            (Fix("edit-arguments"),),
        )
    return Finding(
        "silent",
        f"it starts, but did not answer within {patience.opening_s:g} s",
        "It may wait for something (a login, a download, a device), or want an argument such as `stdio`.",
        (Fix("edit-arguments"),),
    )


async def _lists(conversation: Conversation, patience: Patience) -> Check:
    link, heard = conversation.link, conversation.heard
    assert link is not None
    complaints: list[str] = []
    try:
        async with asyncio.timeout(patience.lists_s):
            offers = await read_offers(link, complaints.append)
    except TimeoutError:
        silent = next((method for method in heard.asked.values() if method not in heard.answers), "its lists")
        message = f"it did not answer {silent} within {patience.lists_s:g} s"
        remedy = "It begins, then hangs: often it waits for a service behind it. Its own words are below."
        return failed(Step.LISTS, Finding("lists-silent", message, remedy), *heard.lines[-_SHOWN_LINES:])
    except ChildError as error:
        known = understood(heard.lines)
        finding = known or Finding("ends-in-lists", f"it ended when asked for its lists: {error}", "Update the server.")
        return failed(Step.LISTS, finding, *heard.lines[-_SHOWN_LINES:])
    for method in LISTS:
        refusal = heard.refused(method)
        if refusal is not None and (method, refusal.get("code")) != ("resources/templates/list", METHOD_NOT_FOUND):
            known = understood([str(refusal.get("message"))])
            message = f"it refused {method}: error {refusal.get('code')}, {refusal.get('message')}"
            remedy = known.remedy if known else "It announces this list, so it should have it: update the server."
            finding = Finding("lists-refused", message, remedy, known.fixes if known else ())
            return failed(Step.LISTS, finding, *complaints)
    if complaints:
        words = Finding("lists-faulty", complaints[0], "The rest of the list is used; tell the makers of the server.")
        return warned(Step.LISTS, words, *complaints)
    return _counted(offers)


def _counted(offers: Offers) -> Check:
    counts = (
        (len(offers.tools), "tools"),
        (len(offers.prompts), "prompts"),
        (len(offers.resources) + len(offers.templates), "resources"),
    )
    if not any(count for count, _ in counts):
        message = "it offers nothing"
        return warned(Step.LISTS, Finding("offers-nothing", message, "Check its arguments; some servers need a mode."))
    return passed(Step.LISTS, "it offers " + ", ".join(f"{count} {what}" for count, what in counts if count))


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}
