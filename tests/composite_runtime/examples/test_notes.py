from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp_types import ResourceTemplateReference, TextContent

from composite_runtime.examples import notes


async def call(client: Client, tool: str, **arguments: object) -> Any:
    """Return what the tool returned; fail with its words when it reports a failure."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content.get("result", result.structured_content)


async def refusal(client: Client, tool: str, **arguments: object) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert isinstance(result.content[0], TextContent)
    return result.content[0].text


async def test_a_note_is_written_found_and_read() -> None:
    async with Client(notes.server) as client:
        written = await call(client, "write", title="Trip to Oslo", text="Pack the red coat.")
        await call(client, "write", title="Garden", text="Water the roses.")

        assert written == {"name": "trip-to-oslo", "title": "Trip to Oslo", "characters": 18}
        assert [note["name"] for note in await call(client, "list")] == ["garden", "trip-to-oslo"]
        assert await call(client, "search", words="RED oslo") == [
            {"name": "trip-to-oslo", "title": "Trip to Oslo", "line": "# Trip to Oslo"}
        ]
        assert await call(client, "read", name="Trip to Oslo") == "# Trip to Oslo\n\nPack the red coat.\n"


async def test_a_note_that_exists_is_only_changed_when_told_so() -> None:
    async with Client(notes.server) as client:
        await call(client, "write", title="A", text="one")

        assert "there is a note 'a' already" in await refusal(client, "write", title="A", text="two")
        await call(client, "write", title="A", text="two", when_it_exists="append")
        assert await call(client, "read", name="a") == "# A\n\none\n\ntwo\n"
        await call(client, "write", title="A", text="three", when_it_exists="replace")
        assert await call(client, "read", name="a") == "# A\n\nthree\n"


async def test_a_removed_note_is_gone() -> None:
    async with Client(notes.server) as client:
        await call(client, "write", title="A", text="one")
        await call(client, "write", title="B", text="two")
        await call(client, "remove", name="a")

        assert "there is no note 'a'; known are 'b'" in await refusal(client, "read", name="a")


@pytest.mark.parametrize("title", ["../../etc/passwd", "/etc/passwd", "..\\..\\boot", "a/b"])
async def test_no_title_leads_out_of_the_folder(title: str, fusion_home: Path) -> None:
    async with Client(notes.server) as client:
        await call(client, "write", title=title, text="text")

    assert [path.parent for path in fusion_home.rglob("*.md")] == [fusion_home / "notes"]


async def test_a_title_without_letters_is_refused() -> None:
    async with Client(notes.server) as client:
        assert "at least one letter or digit" in await refusal(client, "write", title="...", text="text")


async def test_a_damaged_note_is_reported_by_its_path(fusion_home: Path) -> None:
    async with Client(notes.server) as client:
        await call(client, "write", title="A", text="one")
        (fusion_home / "notes" / "a.md").write_bytes(b"\xff")

        assert "is not UTF-8 text" in await refusal(client, "read", name="a")


async def test_notes_are_resources_whose_names_are_completed() -> None:
    async with Client(notes.server) as client:
        assert (await client.read_resource("notes://index")).contents[0].text == "No notes yet."
        await call(client, "write", title="Größe", text="one")

        index = (await client.read_resource("notes://index")).contents[0].text
        assert index == "- [Größe](note:///gr%C3%B6%C3%9Fe)".replace("%C3%9F", "ss")
        uri = index.partition("(")[2].rstrip(")")
        assert (await client.read_resource(uri)).contents[0].text == "# Größe\n\none\n"
        reference = ResourceTemplateReference(uri="note:///{name}")
        completion = (await client.complete(reference, {"name": "name", "value": "g"})).completion
        assert completion.values == ["grösse"]


async def test_a_prompt_brings_the_notes_along() -> None:
    async with Client(notes.server) as client:
        await call(client, "write", title="Trip to Oslo", text="Pack the red coat.")
        found = await client.get_prompt("summarize", {"words": "oslo"})
        nothing = await client.get_prompt("summarize", {"words": "moon"})

    assert "Pack the red coat." in found.messages[0].content.text
    assert "no notes about moon" in nothing.messages[0].content.text
