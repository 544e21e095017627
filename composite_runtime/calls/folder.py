"""Saved calls on disk: `NAME.calls/` beside the graph, one JSON file for each call, in folders as the user likes."""

import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

from composite_runtime import files
from composite_runtime.calls.model import SavedCall
from composite_runtime.errors import FusionError
from composite_runtime.graph.file import SUFFIXES

_SUFFIX = ".json"
# What some system does not allow in the name of a file.
_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]|^\.|[. ]$|^$')


@dataclass(frozen=True)
class Collection:
    """The calls of a folder by key, which is the path without its suffix; `broken` says what could not be read."""

    calls: dict[str, SavedCall] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)


def folder_of(graph: Path) -> Path:
    """Return where the calls of a graph are kept; the folder may not exist."""
    longest_first = sorted(SUFFIXES, key=len, reverse=True)
    suffix = next((suffix for suffix in longest_first if graph.name.endswith(suffix)), "")
    name = graph.name.removesuffix(suffix)
    return graph.with_name(f"{name}.calls")


def load_all(folder: Path) -> Collection:
    """Return every call in a folder; one file that cannot be read does not hide the others."""
    found = Collection()
    for path in sorted(folder.rglob(f"*{_SUFFIX}")):
        relative = path.relative_to(folder)
        if any(part.startswith(".") for part in relative.parts):
            continue
        key = relative.as_posix().removesuffix(_SUFFIX)
        try:
            found.calls[key] = load(path)
        except FusionError as error:
            found.broken[key] = str(error)
    return found


def load(path: Path) -> SavedCall:
    """Return the call in a file; raise `FusionError` saying where and why it cannot be used."""
    text = files.read_text(path)
    try:
        return loads(text)
    except FusionError as error:
        raise FusionError(f"{path.name}: {error}") from None


def loads(text: str) -> SavedCall:
    """Return the call in a text; raise `FusionError` saying where and why it cannot be used."""
    try:
        data = json.loads(text, parse_float=_finite, parse_constant=_refused)
    except json.JSONDecodeError as error:
        raise FusionError(f"line {error.lineno}, column {error.colno}: {error.msg[0].lower()}{error.msg[1:]}") from None
    except RecursionError:
        raise FusionError("it is nested too deeply") from None
    if not isinstance(data, dict):
        raise FusionError("a saved call is a JSON object")
    try:
        return SavedCall.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise FusionError(f"{place}: {first['msg'][0].lower()}{first['msg'][1:]}") from None


def dumps(call: SavedCall) -> str:
    """Return the text of a call: without defaults, keys in the order of the model, unknown keys last."""
    data = {"version": call.version, **call.model_dump(mode="json", exclude_defaults=True)}
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def save(folder: Path, key: str, call: SavedCall) -> Path:
    """Write a call in one step and return its file; raise `FusionError` when that is impossible."""
    path = path_of(folder, key)
    files.write_text(path, dumps(call))
    return path


def delete(folder: Path, key: str) -> bool:
    """Remove a call and return whether there was one."""
    path = path_of(folder, key)
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise FusionError(f"{path} cannot be removed: {error.strerror}") from None
    return True


def path_of(folder: Path, key: str) -> Path:
    """Return the file of a key; raise `FusionError` for one that cannot be the name of a file everywhere."""
    parts = key.split("/")
    for part in parts:
        if _FORBIDDEN.search(part):
            raise FusionError(f"{part!r} cannot be part of the name of a saved call: some systems do not allow it")
    return folder.joinpath(*parts[:-1], f"{parts[-1]}{_SUFFIX}")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        _refused(digits)
    return number


def _refused(word: str) -> NoReturn:
    raise FusionError(f"{word} is not a number that JSON can hold")
