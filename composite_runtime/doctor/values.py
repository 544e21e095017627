"""The check of references: every `${secret:…}`, `${env:…}` and `${input:…}` of a server has a value."""

import asyncio
from collections.abc import Iterable

from composite_runtime import secrets
from composite_runtime.doctor.findings import Check, Finding, Fix, Step, failed, passed, skipped
from composite_runtime.errors import SecretMissing
from composite_runtime.graph.model import ServerNode, StdioTransport
from composite_runtime.secrets import Reference, VaultUnavailable

_WORDS = {
    "secret": "is stored nowhere",
    "env": "is not set where Fusion was started",
    "input": "has no value",
}


def texts_of(node: ServerNode) -> Iterable[str]:
    """Return the texts of a server in which references are replaced."""
    transport = node.transport
    if isinstance(transport, StdioTransport):
        return (*transport.args, *transport.env.values())
    return (transport.url, *transport.headers.values())


async def check_references(node: ServerNode) -> Check:
    """Look every reference up, without showing a value."""
    wanted = list(dict.fromkeys(found for text in texts_of(node) for found in secrets.references(text)))
    if not wanted:
        return skipped(Step.REFERENCES, "there are none")
    # The keyring may take its time.
    missing = await asyncio.to_thread(lambda: [(found, why) for found in wanted if (why := _problem(found))])
    if not missing:
        return passed(Step.REFERENCES, f"all have values: {', '.join(map(str, wanted))}")
    first, error = missing[0]
    is_locked = isinstance(error.__context__, VaultUnavailable)
    why = f"cannot be looked up: {error.__context__}" if is_locked else _WORDS[first.kind]
    finding = Finding(
        "keyring-unavailable" if is_locked else f"{first.kind}-missing",
        f"{' and '.join(str(reference) for reference, _ in missing)} {why}",
        _remedy(first, is_locked=is_locked),
        tuple(Fix(f"set-{reference.kind}", reference.name) for reference, _ in missing),
    )
    return failed(Step.REFERENCES, finding, *(str(error) for _, error in missing))


def _problem(reference: Reference) -> SecretMissing | None:
    if reference.default is not None:
        return None
    try:
        secrets.resolve(str(reference))
    except SecretMissing as error:
        return error
    return None


def _remedy(reference: Reference, *, is_locked: bool) -> str:
    if reference.kind == "env":
        return f"Set the environment variable {reference.name} where Fusion is started, or store a secret instead."
    if reference.kind == "input":
        return f"Enter a value for {reference.name} in the graph."
    command = f"composite-runtime secret set {reference.name}"
    if is_locked:
        return f"Unlock the keyring, or keep the secret in a private file with `{command} --in-file`."
    return f"Store it with `{command}`, or set {secrets.variable_of(reference.name)} where Fusion is started."
