"""Why a server does not work: ordered checks, the first that fails, and what helps."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from composite_runtime import secrets
from composite_runtime.doctor import program, remote
from composite_runtime.doctor.conversation import Patience, converse
from composite_runtime.doctor.findings import (
    LOCAL_STEPS,
    REMOTE_STEPS,
    Check,
    Diagnosis,
    Finding,
    Fix,
    Outcome,
    Step,
    failed,
    skipped,
)
from composite_runtime.doctor.repair import repaired
from composite_runtime.doctor.values import check_references
from composite_runtime.graph.model import ServerNode, StdioTransport
from composite_runtime.wire.guard import Guard

__all__ = [
    "Check", "Diagnosis", "Finding", "Fix", "Outcome", "Patience", "Step", "examine", "examine_all", "repaired",
]  # fmt: skip

AT_ONCE = 4

# What a runtime that is too old may look like.
_SYMPTOMS = frozenset({"exits", "exits-silently", "node-module-missing", "handshake-broken"})


async def examine(
    node: ServerNode, *, patience: Patience | None = None, tell: Callable[[Check], None] | None = None
) -> Diagnosis:
    """Check one server step by step until something fails; `tell` hears of each check as it is made."""
    guard = Guard()
    made: list[Check] = []
    try:
        async with aclosing(_checks(node, guard, patience or Patience())) as stream:
            async for found in stream:
                check = _redacted(_with_cause(found, made))
                made.append(check)
                if tell is not None:
                    tell(check)
                if check.outcome is Outcome.FAILED:
                    break
    finally:
        guard.close()
    steps = LOCAL_STEPS if isinstance(node.transport, StdioTransport) else REMOTE_STEPS
    known = {check.step: check for check in made}
    return Diagnosis(node.id, node.name, tuple(known.get(step) or skipped(step, "not reached") for step in steps))


async def examine_all(
    nodes: Sequence[ServerNode],
    *,
    patience: Patience | None = None,
    tell: Callable[[ServerNode, Check], None] | None = None,
) -> tuple[Diagnosis, ...]:
    """Check several servers, a few at a time."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(node: ServerNode) -> Diagnosis:
        async with turns:
            return await examine(node, patience=patience, tell=(lambda check: tell(node, check)) if tell else None)

    return tuple(await asyncio.gather(*(one(node) for node in nodes)))


async def _checks(node: ServerNode, guard: Guard, patience: Patience) -> AsyncGenerator[Check, None]:
    transport = node.transport
    if isinstance(transport, StdioTransport):
        env = await asyncio.to_thread(program.child_environment, transport)
        yield await program.check_command(transport, env)
        yield await program.check_version(program.found_program(transport, env), env)
        yield program.check_folder(transport)
        yield await check_references(node)
    else:
        async with aclosing(remote.checks(node, transport, patience.reaching_s)) as reached:
            async for check in reached:
                yield check
    async with aclosing(converse(node, guard, patience)) as spoken:
        async for check in spoken:
            yield check


def _redacted(check: Check) -> Check:
    """Return the check with secrets shown as their references, also those a server printed itself."""
    finding = check.finding and replace(
        check.finding,
        message=secrets.redact(check.finding.message),
        remedy=secrets.redact(check.finding.remedy),
        fixes=tuple(Fix(fix.action, secrets.redact(fix.value)) for fix in check.finding.fixes),
    )
    detail = tuple(map(secrets.redact, check.detail))
    return replace(check, message=secrets.redact(check.message), finding=finding, detail=detail)


def _with_cause(check: Check, before: Sequence[Check]) -> Check:
    """Blame an end that says nothing on the old runtime that was warned of."""
    old = next((b.finding for b in before if b.step is Step.VERSION and b.outcome is Outcome.WARNED), None)
    if check.outcome is not Outcome.FAILED or check.finding is None or old is None:
        return check
    if check.finding.fault not in _SYMPTOMS:
        return check
    message = f"{old.message}; {check.finding.message}"
    return failed(check.step, Finding(old.fault, message, old.remedy, old.fixes), *check.detail)
