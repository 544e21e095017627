"""Making saved calls: all children up first, a few calls at a time, each held to what is expected."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from composite_runtime import secrets
from composite_runtime.calls.answer import answered
from composite_runtime.calls.judge import Answer, Verdict, judged
from composite_runtime.calls.model import Expected, SavedCall
from composite_runtime.errors import ChildError, FusionError, GraphError, UnknownName
from composite_runtime.graph.check import Level, check, served_composite
from composite_runtime.graph.model import CompositeNode, Edge, Graph, ServerNode
from composite_runtime.once import CALLER, LoneRelay
from composite_runtime.provider import Provider
from composite_runtime.readiness import Readiness, servers_below
from composite_runtime.supervisor import Supervisor
from composite_runtime.wire.jsonrpc import INVALID_PARAMS, Json, RpcError

AT_ONCE = 4
TIMEOUT_S = 60.0
PATIENCE_S = 60.0
# The composite that holds what is called while it is called; no node of a file has such an id.
_STAGE = "\x00calls"


class Status(StrEnum):
    """How a saved call went; one that was not made says nothing about the server's answers."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_MADE = "not_made"


@dataclass(frozen=True)
class Result:
    """What came of one saved call; secrets in it are shown as references."""

    key: str
    name: str
    status: Status
    message: str
    milliseconds: float | None = None
    verdicts: tuple[Verdict, ...] = ()
    answer: Json | None = field(default=None, compare=False)

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON; the answer itself is left out when all is well."""
        data: dict[str, Any] = {"call": self.key, "name": self.name, "status": self.status, "message": self.message}
        if self.milliseconds is not None:
            data["milliseconds"] = round(self.milliseconds, 3)
        data["expectations"] = [
            {"kind": verdict.kind, "met": verdict.is_met, "message": verdict.message} for verdict in self.verdicts
        ]
        if self.status is not Status.PASSED and self.answer is not None:
            data["answer"] = self.answer
        return data


async def run_calls(
    graph: Graph,
    calls: Mapping[str, SavedCall],
    *,
    at_once: int = AT_ONCE,
    timeout_s: float = TIMEOUT_S,
    patience_s: float = PATIENCE_S,
    tell: Callable[[Result], None] | None = None,
) -> tuple[Result, ...]:
    """Make the calls and return what came of each, in their order; `tell` hears of each as it ends.

    Raises:
        GraphError: the graph itself cannot be used.
    """
    places = {key: _place(graph, call) for key, call in calls.items()}
    wanted = {place.id for place in places.values() if not isinstance(place, str)}
    turns = asyncio.Semaphore(at_once)

    async def one(key: str, stage: "_Stage") -> Result:
        place = places[key]
        if isinstance(place, str):
            result = Result(key, calls[key].name or key, Status.NOT_MADE, place)
        else:
            async with turns:
                result = await _made(key, calls[key], stage, place.id, timeout_s)
        if tell is not None:
            tell(result)
        return result

    async with _staged(graph, wanted) as stage:
        await stage.settled(patience_s)
        return tuple(await asyncio.gather(*(one(key, stage) for key in calls)))


def _place(graph: Graph, call: SavedCall) -> ServerNode | CompositeNode | str:
    """Return the node that is called, or why there is none."""
    if call.at is None:
        try:
            return served_composite(graph)
        except GraphError as error:
            return str(error)
    found = graph.node(call.at) or next((node for node in graph.nodes if node.name == call.at), None)
    if found is None:
        return f"there is no node {call.at!r} in {graph.name!r}"
    if isinstance(found, CompositeNode) and found.bypassed and graph.memberships(found.id):
        return f"{found.name} is bypassed"
    return found if found.enabled else f"{found.name} is disabled"


class _Stage:
    """The providers that are called, and how their children are."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.readiness = Readiness()
        self.providers: dict[str, Provider] = {}

    async def settled(self, patience_s: float) -> None:
        """Return when every child is up or known to be down, or after the time."""
        servers = {server for node_id in self.providers for server in servers_below(self._graph, node_id)}
        await self.readiness.settled(servers, patience_s)

    def down(self, node_id: str) -> str:
        """Return, in words, the children below a node that are not up."""
        down = self.readiness.down(servers_below(self._graph, node_id))
        return "; ".join(f"{server} is not up: {why}" for server, why in down.items())


@asynccontextmanager
async def _staged(graph: Graph, wanted: set[str]) -> AsyncIterator[_Stage]:
    """Start what is to be called, and nothing else."""
    errors = [problem for problem in check(graph) if problem.level is Level.ERROR]
    if errors:
        raise GraphError(f"{graph.name!r} cannot be used: {errors[0].message}. {errors[0].fix}", errors[0].node)
    stage = _Stage(graph)
    edges = (*graph.edges, *(Edge(source=node_id, target=_STAGE) for node_id in sorted(wanted)))
    # What is nobody's member in the graph is one of ours; a bypass must not take it away.
    own = (n.but(bypassed=False) if isinstance(n, CompositeNode) and n.id in wanted else n for n in graph.nodes)
    nodes = (*own, CompositeNode(id=_STAGE, name="calls"))
    supervisor = Supervisor(emit=stage.readiness.note)
    try:
        root = supervisor.apply(graph.but(nodes=nodes, edges=edges), _STAGE)
        stage.providers = {member.provider.node: member.provider for member in root.members}
        supervisor.start(CALLER)
        yield stage
    finally:
        await supervisor.close()


async def _made(key: str, call: SavedCall, stage: _Stage, node_id: str, timeout_s: float) -> Result:
    name = call.name or key
    provider = stage.providers[node_id]
    began = time.perf_counter()
    try:
        arguments, expect = await asyncio.to_thread(_resolved, call)
        schema = await _output_schema(provider, call)
        began = time.perf_counter()
        async with asyncio.timeout(timeout_s):
            result = await answered(provider, call.method, call.params(arguments), LoneRelay())
        answer = Answer(_since(began), result=result, schema=schema)
    except RpcError as error:
        answer = Answer(_since(began), error=error)
    except UnknownName as error:
        down = stage.down(node_id)
        if down:
            return _not_made(key, name, f"{error}; {down}")
        answer = Answer(_since(began), error=RpcError(INVALID_PARAMS, str(error)))
    except TimeoutError:
        return _not_made(key, name, f"there was no answer within {timeout_s:g} s")
    except (ChildError, FusionError) as error:
        return _not_made(key, name, str(error))
    return _concluded(key, name, judged(expect, answer), answer)


def _concluded(key: str, name: str, verdicts: tuple[Verdict, ...], answer: Answer) -> Result:
    shown = tuple(Verdict(verdict.kind, verdict.is_met, secrets.redact(verdict.message)) for verdict in verdicts)
    missed = [verdict.message for verdict in shown if not verdict.is_met]
    status = Status.FAILED if missed else Status.PASSED
    came = answer.result if answer.error is None else {"error": answer.error.to_wire()}
    return Result(key, name, status, "; ".join(missed) or "as expected", answer.milliseconds, shown, _hidden(came))


def _not_made(key: str, name: str, why: str) -> Result:
    return Result(key, name, Status.NOT_MADE, secrets.redact(why))


def _resolved(call: SavedCall) -> tuple[dict[str, Any], tuple[Expected, ...]]:
    """Return the arguments and the expectations with their references replaced; raise `SecretMissing`."""
    expect = tuple(_with_values(expected) for expected in call.expect)
    return _deep(dict(call.arguments), secrets.resolve), expect


def _with_values(expected: Expected) -> Expected:
    data = expected.model_dump()
    return type(expected).model_validate(_deep(data, secrets.resolve))


def _hidden(value: Any) -> Any:
    return _deep(value, secrets.redact)


def _deep(value: Any, change: Callable[[str], str]) -> Any:
    """Return the JSON value with every text in it changed; keys stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _deep(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_deep(item, change) for item in value]
    return value


async def _output_schema(provider: Provider, call: SavedCall) -> Json | None:
    if call.method != "tools/call" or not any(expected.kind == "schema" for expected in call.expect):
        return None
    tools = (await provider.offers(CALLER)).tools
    schema = next((tool.get("outputSchema") for tool in tools if tool.get("name") == call.target), None)
    return schema if isinstance(schema, dict) else None


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
