"""Text tools that a language model is bad at by itself: exact counts, differences, hashes, encodings, JSON look-ups."""

import base64
import binascii
import difflib
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, Any, Literal
from urllib.parse import quote, unquote

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

_PURE = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)

server = MCPServer(
    "text",
    title="Text tools",
    version=version("fusion-desktop"),
    instructions="Exact answers about text. All tools are pure: they read and change nothing outside the call.",
    log_level="WARNING",
)

Text = Annotated[str, Field(description="The text", max_length=4_000_000)]


class Statistics(BaseModel):
    """What can be counted in a text."""

    characters: int
    characters_without_spaces: int
    words: int
    lines: int
    bytes_utf8: int
    most_frequent: dict[str, int] = Field(description="The most frequent words and how often each occurs")


@server.tool(title="Count", annotations=_PURE)
def count(
    text: Text,
    top: Annotated[int, Field(description="How many of the most frequent words to return", ge=0, le=100)] = 5,
    ignore_case: Annotated[bool, Field(description="Count The and the as one word")] = True,
) -> Statistics:
    """Count characters, words and lines, and find the most frequent words."""
    words = re.findall(r"\w+(?:['’-]\w+)*", text.casefold() if ignore_case else text)
    return Statistics(
        characters=len(text),
        characters_without_spaces=sum(not character.isspace() for character in text),
        words=len(words),
        lines=len(text.splitlines()),
        bytes_utf8=len(text.encode()),
        most_frequent=dict(Counter(words).most_common(top)),
    )


@server.tool(title="Compare", annotations=_PURE)
def compare(
    before: Annotated[str, Field(description="The old text", max_length=400_000)],
    after: Annotated[str, Field(description="The new text", max_length=400_000)],
    context_lines: Annotated[int, Field(description="Unchanged lines shown around a change", ge=0, le=20)] = 3,
) -> str:
    """Return the differences between two texts as a unified diff; nothing when they are equal."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), "before", "after", n=context_lines, lineterm=""
    )
    return "\n".join(lines)


@server.tool(title="Digest", annotations=_PURE)
def digest(
    text: Text,
    algorithm: Annotated[
        Literal["sha256", "sha512", "sha3_256", "blake2b", "md5"],
        Field(description="md5 only to compare with old sums"),
    ] = "sha256",
) -> str:
    """Return the hash of the text's UTF-8 form, in hexadecimal digits."""
    return hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest()


@server.tool(title="Encode or decode", annotations=_PURE)
def encode(
    text: Text,
    form: Literal["base64", "hex", "url"] = "base64",
    direction: Literal["encode", "decode"] = "encode",
) -> str:
    """Turn text into base64, hexadecimal digits or percent encoding, or back."""
    if direction == "encode":
        return _ENCODERS[form](text)
    try:
        return _DECODERS[form](text)
    except (ValueError, binascii.Error) as error:
        raise ToolError(f"this is not {form} of UTF-8 text: {error}") from None


_ENCODERS: dict[str, Callable[[str], str]] = {
    "base64": lambda text: base64.b64encode(text.encode()).decode("ascii"),
    "hex": lambda text: text.encode().hex(),
    "url": lambda text: quote(text, safe=""),
}
_DECODERS: dict[str, Callable[[str], str]] = {
    "base64": lambda text: base64.b64decode(text, validate=True).decode(),
    "hex": lambda text: bytes.fromhex(text).decode(),
    "url": lambda text: unquote(text, errors="strict"),
}


@server.tool(title="Query JSON", annotations=_PURE)
def query_json(
    document: Annotated[str, Field(description="A JSON document", max_length=4_000_000)],
    path: Annotated[
        str, Field(description="Keys and indexes joined by dots; * stands for all of a level: servers.*.name")
    ] = "",
) -> list[Any]:
    """Return what lies at a path of a JSON document, as a list because * may match many."""
    try:
        found: list[Any] = [json.loads(document)]
    except (ValueError, RecursionError) as error:
        raise ToolError(f"this is not JSON: {error}") from None
    for number, step in enumerate(steps := [step for step in path.split(".") if step], start=1):
        found = [value for item in found for value in _step(item, step)]
        if not found:
            raise ToolError(f"there is nothing at {'.'.join(steps[:number])!r}")
    return found


def _step(value: Any, step: str) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values()) if step == "*" else [value[step]] if step in value else []
    if isinstance(value, list):
        if step == "*":
            return value
        return [value[int(step)]] if step.isdecimal() and int(step) < len(value) else []
    return []
