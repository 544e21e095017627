"""A note keeper: one Markdown file per note in `~/.fusion/notes`, offered as tools, resources and a prompt."""

import re
import unicodedata
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError
from mcp_types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
    ToolAnnotations,
)
from pydantic import BaseModel, Field

from composite_runtime import files, paths
from composite_runtime.errors import FusionError

_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
_REMOVES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False)
_INDEX = "notes://index"

server = MCPServer(
    "notes",
    title="Notes",
    version=version("fusion-desktop"),
    instructions="Keeps short notes for the user. Search before you write, so that a subject has one note.",
    log_level="WARNING",
)


class Note(BaseModel):
    """A note without its text."""

    name: str = Field(description="What the note is called in other calls")
    title: str
    characters: int


class Hit(BaseModel):
    """A note in which every word was found, with the first line that holds one of them."""

    name: str
    title: str
    line: str


Name = Annotated[str, Field(description="Name or title of the note", min_length=1)]
Text = Annotated[str, Field(description="Text of the note, in Markdown", max_length=1_000_000)]


@server.tool(title="Write a note", annotations=_WRITES)
async def write(
    title: Annotated[str, Field(description="Title of the note", min_length=1, max_length=120)],
    text: Text,
    context: Context,
    when_it_exists: Annotated[
        Literal["refuse", "append", "replace"], Field(description="What to do when there is such a note already")
    ] = "refuse",
) -> Note:
    """Write a note; one that is there already is left alone unless you say what to do with it."""
    path = _path(title)
    if path.exists():
        if when_it_exists == "refuse":
            raise ToolError(f"there is a note {path.stem!r} already; append to it, replace it or choose another title")
        if when_it_exists == "append":
            text = f"{_body(_text(path))}\n\n{text}"
    _write(path, f"# {' '.join(title.split())}\n\n{text.strip()}\n")
    await context.notify_resource_updated(_INDEX)
    return _note(path)


@server.tool(title="Read a note", annotations=_READS)
def read(name: Name) -> str:
    """Return the whole text of a note."""
    return _text(_existing(name))


@server.tool(name="list", title="List notes", annotations=_READS)
def overview() -> list[Note]:
    """Return all notes, without their texts."""
    return [_note(path) for path in _all()]


@server.tool(title="Search notes", annotations=_READS)
def search(
    words: Annotated[str, Field(description="Words that must all occur, in any order and case", min_length=1)],
    limit: Annotated[int, Field(description="How many notes to return at most", ge=1, le=100)] = 10,
) -> list[Hit]:
    """Return the notes in which every word occurs."""
    wanted = words.casefold().split()
    hits: list[Hit] = []
    for path in _all():
        text = _text(path)
        if len(hits) < limit and all(word in text.casefold() for word in wanted):
            line = next((line for line in text.splitlines() if any(word in line.casefold() for word in wanted)), "")
            hits.append(Hit(name=path.stem, title=_title(path, text), line=line.strip()))
    return hits


@server.tool(title="Remove a note", annotations=_REMOVES)
async def remove(name: Name, context: Context) -> str:
    """Remove a note for good."""
    path = _existing(name)
    path.unlink(missing_ok=True)
    await context.notify_resource_updated(_INDEX)
    return f"removed {path.stem}"


@server.resource(_INDEX, title="All notes", mime_type="text/markdown")
def index() -> str:
    """The titles of all notes, as a list."""
    return (
        "\n".join(f"- [{_title(path, _text(path))}](note:///{quote(path.stem)})" for path in _all()) or "No notes yet."
    )


@server.resource("note:///{name}", title="A note", mime_type="text/markdown")
def note(name: str) -> str:
    """The text of one note."""
    path = _path(name)
    if not path.is_file():
        raise ResourceNotFoundError(f"there is no note {name!r}")
    return _text(path)


@server.prompt(title="Summarize notes")
def summarize(words: Annotated[str, Field(description="What the notes are about")]) -> str:
    """Ask for a summary of the notes in which the words occur."""
    texts = [_text(_path(hit.name)) for hit in search(words, limit=20)]
    if not texts:
        return f"Tell me that I have no notes about {words}, and offer to write the first one."
    return f"Summarize my notes about {words} in a few sentences.\n\n" + "\n\n---\n\n".join(texts)


@server.completion()  # type: ignore[no-untyped-call, untyped-decorator]  # the SDK leaves this decorator untyped
async def complete(
    reference: PromptReference | ResourceTemplateReference,
    argument: CompletionArgument,
    context: CompletionContext | None,
) -> Completion | None:
    """Offer the names of notes where a name is asked for."""
    if argument.name != "name":
        return None
    names = [path.stem for path in _all() if path.stem.startswith(argument.value)]
    return Completion(values=names[:100], total=len(names), has_more=len(names) > 100)


def _path(title: str) -> Path:
    """Return the file of a note. A name is its own name, and never leads out of the folder."""
    plain = unicodedata.normalize("NFC", title).casefold()
    stem = re.sub(r"\W+", "-", plain).strip("-_")[:80]
    if not stem:
        raise ToolError("a title needs at least one letter or digit")
    return paths.home() / "notes" / f"{stem}.md"


def _existing(name: str) -> Path:
    path = _path(name)
    if not path.is_file():
        known = ", ".join(repr(path.stem) for path in _all()) or "none"
        raise ToolError(f"there is no note {name!r}; known are {known}")
    return path


def _all() -> Iterator[Path]:
    yield from sorted((paths.home() / "notes").glob("*.md"))


def _text(path: Path) -> str:
    try:
        return files.read_text(path)
    except FusionError as error:
        raise ToolError(error.message) from None


def _write(path: Path, text: str) -> None:
    try:
        files.write_text(path, text)
    except FusionError as error:
        raise ToolError(error.message) from None


def _title(path: Path, text: str) -> str:
    first = text.partition("\n")[0]
    return first.removeprefix("# ") if first.startswith("# ") else path.stem


def _body(text: str) -> str:
    first, _, rest = text.partition("\n")
    return (rest if first.startswith("# ") else text).strip()


def _note(path: Path) -> Note:
    text = _text(path)
    return Note(name=path.stem, title=_title(path, text), characters=len(_body(text)))
