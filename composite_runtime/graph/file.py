"""Load and save a graph. The text is stable: an edit of one node changes a few lines."""

import json
import math
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from composite_runtime import files
from composite_runtime.errors import FusionError, GraphError
from composite_runtime.graph.model import FORMAT_VERSION, Graph, Value

SUFFIX = ".fusion"
SUFFIXES = (".fusion", ".fusion.json", ".json")


def load(path: Path) -> Graph:
    """Return the graph in the file; raise `GraphError` saying where and why it cannot be used."""
    try:
        text = files.read_text(path)
    except FusionError as error:
        raise GraphError(error.message) from None
    try:
        return loads(text)
    except GraphError as error:
        raise GraphError(f"{path.name}: {error.message}", error.node) from None


def loads(text: str) -> Graph:
    """Return the graph in the text; raise `GraphError` saying where and why it cannot be used."""
    try:
        data = json.loads(text, parse_float=_finite, parse_constant=_finite)
        # Half of a character can be escaped in JSON, but not be written as UTF-8 again.
        if r"\ud" in text.lower():
            json.dumps(data, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise GraphError(f"line {error.lineno}, column {error.colno}: this is not JSON ({error.msg.lower()})") from None
    except RecursionError:
        raise GraphError("this is not a graph: it is nested too deeply") from None
    except UnicodeEncodeError as error:
        half = error.object[error.start : error.end]
        raise GraphError(f"{half!a} is half of a character; remove it, or write the other half") from None
    except ValueError:
        raise GraphError("this is not a graph: it holds a number that is too long") from None
    if not isinstance(data, dict):
        raise GraphError("a graph is a JSON object with the keys version, id, name, nodes and edges")
    version = data.get("version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise GraphError(
            f"it was saved in format {version}, but this program knows formats up to {FORMAT_VERSION}; update Fusion"
        )
    if version != FORMAT_VERSION or isinstance(version, bool):
        raise GraphError(f'a graph starts with "version": {FORMAT_VERSION}, but here it is {json.dumps(version)}')
    try:
        return Graph.model_validate(data)
    except ValidationError as error:
        raise _explained(error, data) from None


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise GraphError(f"{digits} is not a number that JSON can hold")
    return number


def dumps(graph: Graph) -> str:
    """Return the text of a graph: two spaces, one final line end, keys in the order of the model, unknown keys last."""
    return json.dumps(_plain(graph), indent=2, ensure_ascii=False) + "\n"


def save(graph: Graph, path: Path) -> None:
    """Write the graph in one step; raise `GraphError` when that is impossible."""
    try:
        files.write_text(path, dumps(graph))
    except FusionError as error:
        raise GraphError(error.message) from None


def _plain(value: Any) -> Any:
    """Return the JSON form of a value, leaving out what equals its default and is not needed to read it back."""
    if isinstance(value, Value):
        fields = type(value).model_fields
        shown = {
            name: _plain(getattr(value, name))
            for name, field in fields.items()
            if field.is_required()
            or name in _ALWAYS
            or getattr(value, name) != field.get_default(call_default_factory=True)
        }
        return {**shown, **(value.model_extra or {})}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


# Pydantic names the variant of a union on the way to what is wrong.
_VARIANTS = {"server", "composite", "stdio", "http", "sse", "frame", "note"}
_ALWAYS = {"version", "type", "nodes", "edges"}


def _explained(error: ValidationError, data: dict[str, Any]) -> GraphError:
    first = error.errors(include_url=False, include_input=False)[0]
    where, node = _place(first["loc"], data)
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return GraphError(f"{where}: {first['msg'][0].lower()}{first['msg'][1:]}{more}", node)


def _place(loc: tuple[int | str, ...], data: dict[str, Any]) -> tuple[str, str | None]:
    """Return the path in the words of the file, and the id of the node it lies in, if it does."""
    parts: list[str] = []
    node: str | None = None
    here: Any = data
    for step in loc:
        if isinstance(step, int) and isinstance(here, list) and step < len(here):
            here = here[step]
            parts.append(f"[{step}]")
            if parts[:-1] == ["nodes"] and isinstance(here, dict) and isinstance(here.get("id"), str):
                node = here["id"]
        elif isinstance(here, dict) and step in here:
            here = here[step]
            parts.append(str(step))
        elif step not in _VARIANTS:
            parts.append(str(step))
    place = ".".join(parts).replace(".[", "[") or "the graph"
    return (f"{place} (node {node!r})" if node else place), node
