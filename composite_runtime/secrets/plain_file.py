"""The private file that keeps secrets where there is no keyring, because the user chose so."""

import json
import os
from pathlib import Path

from composite_runtime import files, paths
from composite_runtime.errors import FusionError
from composite_runtime.locks import only_writer


def path() -> Path:
    """Return where the file is, or would be."""
    return paths.home() / "secrets.json"


def load() -> dict[str, str]:
    """Return the secrets in the file; raise `FusionError` if others may read it or it is broken."""
    place = path()
    try:
        mode = place.stat().st_mode
    except FileNotFoundError:
        return {}
    if os.name == "posix" and mode & 0o077:
        raise FusionError(f"{place} holds secrets and can be read by other users; run `chmod 600 {place}`")
    try:
        data = json.loads(files.read_text(place))
    except ValueError as error:
        raise FusionError(f"{place} is not valid JSON: {error}") from None
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        raise FusionError(f"{place} must hold one JSON object of texts")
    return data


def save(name: str, value: str) -> None:
    """Keep a secret in the file."""
    with only_writer(path()):
        _write({**load(), name: value})


def delete(name: str) -> bool:
    """Remove a secret from the file and return whether it was there."""
    if name not in load():
        return False
    with only_writer(path()):
        _write({key: value for key, value in load().items() if key != name})
    return True


def _write(secrets: dict[str, str]) -> None:
    files.write_text(path(), json.dumps(secrets, indent=2, sort_keys=True) + "\n", new_mode=0o600)
