"""Calls that cross the eras.

A legacy child asks in the middle of a call; a modern client is asked by the result of the call, and calls again with
the answers (2026-07-28, basic/patterns/mrtr). So for a modern client the call to a legacy child is parked while the
client is asked, and for a legacy client the rounds a modern child wants are driven here.
"""

import asyncio
import hashlib
import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from composite_runtime.errors import ChildError
from composite_runtime.tasks import Tasks
from composite_runtime.wire.call import Caller, Relay, Sizes
from composite_runtime.wire.jsonrpc import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    MISSING_CLIENT_CAPABILITY,
    URL_ELICITATION_REQUIRED,
    Json,
    RpcError,
)

PARKED_S = 600.0
ROUNDS = 10
_HEARD_OUT_S = 0.02
_OURS = "b:"
_CHILDS = "u:"
SUSPENDABLE = frozenset({"tools/call", "prompts/get", "resources/read"})
"""What a modern server may answer with questions of its own."""
_CAPABILITY = {"elicitation/create": "elicitation", "sampling/createMessage": "sampling", "roots/list": "roots"}

Run = Callable[[Relay], Awaitable[Json]]
Send = Callable[[Json], Awaitable[Json]]


class _Parked:
    """A call to a legacy child that waits for answers, and the relay the child's side traffic goes through."""

    def __init__(self, relay: Relay, owner: str) -> None:
        self.round = relay
        self.owner = owner
        self.work: asyncio.Task[Json] | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.news = asyncio.Event()
        self.open: dict[str, tuple[Json, asyncio.Future[Json]]] = {}
        self._count = 0

    @property
    def caller(self) -> Caller:
        return self.round.caller

    @property
    def call(self) -> str:
        return self.round.call

    @property
    def sizes(self) -> Sizes:
        return self.round.sizes

    @property
    def progress_token(self) -> Any:
        return self.round.progress_token

    @property
    def log_level(self) -> str | None:
        return self.round.log_level

    def notify(self, method: str, params: Json) -> None:
        if method != "notifications/elicitation/complete":  # the modern protocol has no such thing
            self.round.notify(method, params)

    def can_answer(self, method: str) -> bool:
        return _CAPABILITY.get(method) in self.caller.capabilities

    async def ask(self, method: str, params: Json) -> Json:
        if not self.can_answer(method):
            raise RpcError(METHOD_NOT_FOUND, f"the client does not support {method}")
        self._count += 1
        key = f"r{self._count}"
        clean = {name: value for name, value in params.items() if name not in {"_meta", "elicitationId"}}
        question: Json = {"method": method, **({"params": clean} if clean or method != "roots/list" else {})}
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self.open[key] = (question, answer)
        self.news.set()
        try:
            return await answer
        finally:
            self.open.pop(key, None)

    def take(self, answers: Any) -> None:
        """Hand the client's answers to those who wait for them."""
        for key, value in answers.items() if isinstance(answers, dict) else ():
            if key in self.open and isinstance(value, dict):  # else it is asked again
                _, answer = self.open.pop(key)
                if not answer.done():
                    answer.set_result(value)


class Bridge:
    """The parked calls of one child, `limit` at most."""

    def __init__(self, limit: int = 256) -> None:
        self._limit = limit
        self._parked: dict[str, _Parked] = {}
        self._tasks = Tasks()

    async def close(self) -> None:
        """Give up every parked call."""
        await self._tasks.close()

    async def call(self, run: Run, method: str, params: Json, relay: Relay) -> Json:
        """Return the result of a modern client's call to a legacy child, or the questions the child has.

        `run` makes the call.
        """
        if params.get("requestState") is not None:
            raise _foreign()
        parked = _Parked(relay, _owner(method, params, relay.caller))
        parked.work = self._tasks.start(_told(run(parked), parked.news))
        return await self._outcome(parked)

    async def resume(self, method: str, params: Json, relay: Relay) -> Json:
        """Go on with a parked call: `params` bring its state and the client's answers."""
        parked = self._unpark(params.get("requestState"), _owner(method, params, relay.caller))
        parked.round = relay
        parked.take(params.get("inputResponses"))
        return await self._outcome(parked)

    def _unpark(self, state: Any, owner: str) -> _Parked:
        parked = self._parked.get(state) if isinstance(state, str) else None
        if parked is None or not secrets.compare_digest(parked.owner, owner):
            raise _foreign()
        del self._parked[str(state)]
        if parked.timer is not None:
            parked.timer.cancel()
        return parked

    async def _outcome(self, parked: _Parked) -> Json:
        work = parked.work
        assert work is not None
        try:
            while not work.done() and not parked.open:
                parked.news.clear()
                await parked.news.wait()
                # A child that asks several things at once is heard out, or each would cost the client a round.
                await asyncio.sleep(_HEARD_OUT_S if parked.open else 0)
        except asyncio.CancelledError:
            work.cancel()
            raise
        # A child may answer without waiting for what it has asked; the client still hears the question, for it may
        # be one for all calls, as that for roots is.
        if not work.done() or (parked.open and len(self._parked) < self._limit):
            return self._questions(parked, work)
        if work.cancelled():
            raise ChildError("it was stopped")
        try:
            return work.result()
        except RpcError as error:
            return _as_question(error, parked.caller)

    def _questions(self, parked: _Parked, work: asyncio.Task[Json]) -> Json:
        if len(self._parked) >= self._limit:
            work.cancel()
            raise RpcError(INTERNAL_ERROR, f"{self._limit} calls wait for answers already; answer or cancel some")
        state = f"{_OURS}{secrets.token_urlsafe(24)}"
        self._parked[state] = parked
        parked.timer = asyncio.get_running_loop().call_later(PARKED_S, self._expire, state)
        return {
            "resultType": "input_required",
            "inputRequests": {key: question for key, (question, _) in parked.open.items()},
            "requestState": state,
        }

    def _expire(self, state: str) -> None:
        parked = self._parked.pop(state, None)
        if parked is not None and parked.work is not None:
            parked.work.cancel()
            parked.work.add_done_callback(_unheard)


def _unheard(work: asyncio.Task[Json]) -> None:
    """Take the failure of a call nobody came back for."""
    if not work.cancelled():
        work.exception()


def is_parked(params: Json) -> bool:
    """Say whether a client goes on with a call that was parked."""
    state = params.get("requestState")
    return isinstance(state, str) and state.startswith(_OURS)


def _foreign() -> RpcError:
    # One message for every reason, so that nobody can probe for other people's calls.
    return RpcError(INVALID_PARAMS, "Invalid or expired requestState")


async def _told(work: Awaitable[Json], news: asyncio.Event) -> Json:
    try:
        return await work
    finally:
        news.set()


def _owner(method: str, params: Json, caller: Caller) -> str:
    """Identify who may resume a call: the same principal, asking for the same thing."""
    asked = {key: value for key, value in params.items() if key not in {"_meta", "inputResponses", "requestState"}}
    text = json.dumps([method, asked, caller.principal], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _as_question(error: RpcError, caller: Caller) -> Json:
    """Return what a modern client is asked when a legacy child (2025-11-25) wants a URL visited first."""
    wanted: Any = error.data.get("elicitations") if isinstance(error.data, dict) else None
    if error.code != URL_ELICITATION_REQUIRED or not _are_objects(wanted):
        raise error
    if "elicitation" not in caller.capabilities:
        data: Json = {"requiredCapabilities": {"elicitation": {"url": {}}}}
        raise RpcError(MISSING_CLIENT_CAPABILITY, error.message, data)
    questions: Json = {}
    for number, elicitation in enumerate(wanted, 1):
        params = {key: value for key, value in elicitation.items() if key != "elicitationId"}
        questions[f"r{number}"] = {"method": "elicitation/create", "params": {"mode": "url", **params}}
    return {"resultType": "input_required", "inputRequests": questions}


async def drive_rounds(send: Send, params: Json, relay: Relay) -> Json:
    """Return the final result of a legacy client's call to a modern child, asking the client what the child wants."""
    asked = params
    finished: list[str] = []
    for number in range(ROUNDS):
        result = await send(asked)
        if result.get("resultType") != "input_required":
            for elicitation in finished:
                relay.notify("notifications/elicitation/complete", {"elicitationId": elicitation})
            return result
        answers = await _answers(result.get("inputRequests"), relay, finished)
        if not answers:
            await asyncio.sleep(0.05 * min(number + 1, 5))
        asked = {**params, **({"inputResponses": answers} if answers else {})}
        if "requestState" in result:
            asked["requestState"] = result["requestState"]
    raise ChildError(f"it asked {ROUNDS} times in a row and still has no result")


async def _answers(questions: Any, relay: Relay, finished: list[str]) -> Json:
    if not questions:
        return {}
    if not isinstance(questions, dict) or not _are_objects(list(questions.values())):
        raise ChildError("it asks for input in a form nobody knows")

    async def answer(question: Json) -> Json:
        params = dict(question["params"]) if isinstance(question.get("params"), dict) else {}
        if question.get("method") == "elicitation/create" and params.get("mode") == "url":
            params.setdefault("elicitationId", secrets.token_hex(8))
            finished.append(params["elicitationId"])
        return await relay.ask(str(question.get("method")), params)

    tasks = Tasks()
    asked = [tasks.start(answer(question)) for question in questions.values()]
    try:
        return dict(zip(questions, await asyncio.gather(*asked), strict=True))
    finally:
        await tasks.close()  # one refusal refuses the call, so the other questions are withdrawn


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def to_modern_child(params: Json) -> Json:
    """Return a modern client's params for a modern child: its own state is taken out of our wrapping."""
    state = params.get("requestState")
    if state is None:
        return params
    if not isinstance(state, str) or not state.startswith(_CHILDS):
        raise _foreign()
    return {**params, "requestState": state[len(_CHILDS) :]}


def from_modern_child(result: Json, caller: Caller) -> Json:
    """Return a modern child's result for a modern client, its state marked so that it cannot be mistaken for ours.

    Raises:
        RpcError: the child asks for what the client has not declared.
    """
    if result.get("resultType") != "input_required":
        return result
    wanted = {_CAPABILITY.get(str(question.get("method"))) for question in _questions(result)}
    missing = sorted(name for name in wanted if name is not None and name not in caller.capabilities)
    if missing:
        data: Json = {"requiredCapabilities": {name: {} for name in missing}}
        raise RpcError(MISSING_CLIENT_CAPABILITY, "Missing required client capability", data)
    state = result.get("requestState")
    if not isinstance(state, str):
        return result
    return {**result, "requestState": f"{_CHILDS}{state}"}


def _questions(result: Json) -> list[Json]:
    asked = result.get("inputRequests")
    return [question for question in asked.values() if isinstance(question, dict)] if isinstance(asked, dict) else []
