"""Values a graph refers to but does not hold: `${secret:NAME}`, `${env:NAME}` and `${input:NAME}`.

A secret is looked for in the environment (`FUSION_SECRET_NAME`), then in the private file, then in the system keyring.
Nothing here imports MCP, and the keyring is imported only when it is asked.
"""

import json
import os
import re
from pathlib import Path

from composite_runtime import files, paths
from composite_runtime.errors import FusionError, SecretMissing
from composite_runtime.locks import only_writer
from composite_runtime.secrets import plain_file
from composite_runtime.secrets.redaction import Redactor
from composite_runtime.secrets.references import Reference, escape, is_unfilled, references, substitute, unescape
from composite_runtime.secrets.vault import Vault, VaultUnavailable

__all__ = [
    "Redactor", "Reference", "Vault", "VaultUnavailable",
    "check_keyring", "conceal", "delete", "escape", "forget_token", "keep_token", "names", "redact", "references",
    "resolve", "store", "token", "unescape", "variable_of",
]  # fmt: skip

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._:/@+-]{0,199}")

# Everybody knows these, and they are parts of paths and messages all over a log.
_HARMLESS = {
    "HOME",
    "USER",
    "LOGNAME",
    "USERNAME",
    "USERPROFILE",
    "PATH",
    "PWD",
    "SHELL",
    "TERM",
    "LANG",
    "TZ",
    "TMPDIR",
}

_vault = Vault()
_redactor = Redactor()


def resolve(text: str, node: str | None = None) -> str:
    """Return the text with its references replaced by their values; `$${` stands for a `${` that is none.

    Raises:
        SecretMissing: a reference has no value; the message names it and says how to give it one.
    """
    return substitute(text, lambda reference: _value(reference, node)) if "${" in text else text


def redact(text: str) -> str:
    """Return the text with every value resolved so far replaced by its reference."""
    return _redactor.redact(text)


def conceal(value: str, shown: str) -> None:
    """Have `redact` put `shown` in the place of a value from now on."""
    _redactor.learn(value, shown)


def store(name: str, value: str, *, in_file: bool = False) -> None:
    """Keep a secret in the system keyring, or in a private file of Fusion's.

    Raises:
        FusionError: the name or the value cannot be used, or the keyring does not take it.
    """
    _check_name(name)
    if not value or "\0" in value:
        raise FusionError(
            f"the secret {name!r} was not stored: its value {'holds a zero byte' if value else 'is empty'}"
        )
    _redactor.learn(value, str(Reference("secret", name)))
    if in_file:
        plain_file.save(name, value)
        return
    try:
        _vault.set(name, value)
    except VaultUnavailable as error:
        raise FusionError(f"the secret {name!r} was not stored: {error}; {_elsewhere(name)}") from None
    # An older value in the file would go on hiding the new one.
    plain_file.delete(name)
    _index(add=name)


def delete(name: str) -> bool:
    """Forget a secret wherever it is kept and return whether there was one; raise `FusionError`."""
    _check_name(name)
    in_file = plain_file.delete(name)
    if in_file and name not in _indexed():
        return True
    try:
        in_keyring = _vault.delete(name)
    except VaultUnavailable as error:
        raise FusionError(f"the secret {name!r} was not deleted from the keyring: {error}") from None
    _index(remove=name)
    return in_file or in_keyring


def names() -> dict[str, str]:
    """Return the names of the secrets stored through `store`, each with where it is kept: `keyring` or `file`."""
    in_file = filter(_NAME.fullmatch, plain_file.load())
    places = dict.fromkeys(_indexed(), "keyring") | dict.fromkeys(in_file, "file")
    return dict(sorted(places.items()))


# Tokens are kept beside the secrets, by names no reference can have: whoever writes a graph cannot ask for one.


def keep_token(name: str, value: str, *, in_file: bool) -> None:
    """Keep a token; raise `FusionError` when the keyring does not take it."""
    assert not _NAME.fullmatch(name)
    if in_file:
        plain_file.save(name, value)
        return
    try:
        _vault.set(name, value)
    except VaultUnavailable as error:
        raise FusionError(str(error)) from None


def check_keyring() -> None:
    """Raise `VaultUnavailable` when there is no keyring, or it is locked."""
    _vault.get("~")


def token(name: str, *, in_file: bool) -> str | None:
    """Return a token that was kept; raise `FusionError` when it cannot be read."""
    return plain_file.load().get(name) if in_file else _vault.get(name)


def forget_token(name: str, *, in_file: bool) -> None:
    """Forget a token; raise `FusionError` when it cannot be deleted."""
    if in_file:
        plain_file.delete(name)
    else:
        _vault.delete(name)


def variable_of(name: str, kind: str = "secret") -> str:
    """Return the environment variable that is preferred to what is stored under `name`."""
    return f"FUSION_{kind.upper()}_{re.sub(r'[^A-Za-z0-9]', '_', name).upper()}"


def _value(reference: Reference, node: str | None) -> str:
    value = _from_environment(reference)
    if value is None and reference.kind == "secret":
        value = _stored(reference, node)
    if value is None:
        value = reference.default
    if value is None:
        raise SecretMissing(_nothing_found(reference, node), node)
    if reference.kind != "env" or reference.name not in _HARMLESS:
        _redactor.learn(value, str(reference))
    return value


def _from_environment(reference: Reference) -> str | None:
    is_env = reference.kind == "env"
    value = os.environ.get(reference.name if is_env else variable_of(reference.name, reference.kind))
    # Clients hand over what they could not fill in as it is written in their file.
    if value is None or is_unfilled(value):
        return None
    return value if value or is_env else None


def _stored(reference: Reference, node: str | None) -> str | None:
    if not _NAME.fullmatch(reference.name) or ":-" in reference.name:
        raise SecretMissing(f"{_needs(reference, node)}, which cannot be the name of a secret; {_NAME_HELP}", node)
    try:
        value = plain_file.load().get(reference.name)
        return _vault.get(reference.name) if value is None else value
    except VaultUnavailable as error:
        message = f"{_needs(reference, node)}, but {error}; {_elsewhere(reference.name)}"
        raise SecretMissing(message, node) from None
    except FusionError as error:
        raise SecretMissing(f"{_needs(reference, node)}, but {error}", node) from None


def _needs(reference: Reference, node: str | None) -> str:
    return f"{node or 'a setting'} needs {reference}"


def _nothing_found(reference: Reference, node: str | None) -> str:
    match reference.kind:
        case "env":
            what = "but this environment variable is not set where the runtime was started"
            help_ = f"set it there, or store a secret and write ${{secret:{reference.name}}} instead"
        case "input":
            what = "and has no answer to it"
            help_ = (
                f"set the environment variable {variable_of(reference.name, 'input')}, or enter the value in the graph"
            )
        case _:
            what = "which is stored nowhere"
            help_ = f"run `composite-runtime secret set {reference.name}`, or set {variable_of(reference.name)}"
    return f"{_needs(reference, node)}, {what}; {help_}"


def _elsewhere(name: str) -> str:
    return (
        f"set the environment variable {variable_of(name)}, or keep it in a private file with"
        f" `composite-runtime secret set {name} --in-file`"
    )


_NAME_HELP = "use letters, digits and . _ - : / @ +, at most 200 of them"


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or ":-" in name:
        raise FusionError(f"{name!r} cannot be the name of a secret; {_NAME_HELP}")


# No keyring can be asked for the names of its entries on every system, so they are written down; they are no secrets.


def _index_path() -> Path:
    return paths.home() / "secret-names.json"


def _indexed() -> tuple[str, ...]:
    try:
        data = json.loads(files.read_text(_index_path()))
    except (FusionError, ValueError):
        return ()
    return tuple(name for name in data if isinstance(name, str)) if isinstance(data, list) else ()


def _index(*, add: str | None = None, remove: str | None = None) -> None:
    with only_writer(_index_path()):
        changed = sorted({*_indexed(), *([add] if add else [])} - {remove})
        if changed != sorted(_indexed()):
            files.write_text(_index_path(), json.dumps(changed, indent=2) + "\n", new_mode=0o600)
