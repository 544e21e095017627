from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client
from mcp.server.mcpserver.exceptions import ToolError

from composite_runtime.examples import text


@given(st.text(), st.sampled_from(["base64", "hex", "url"]))
def test_decoding_undoes_encoding(original: str, form: Any) -> None:
    assert text.encode(text.encode(original, form), form, "decode") == original


@pytest.mark.parametrize(("form", "wrong"), [("base64", "a"), ("hex", "xyz"), ("url", "%ff"), ("base64", "/w==")])
def test_what_cannot_be_decoded_is_refused(form: Any, wrong: str) -> None:
    with pytest.raises(ToolError, match=f"this is not {form}"):
        text.encode(wrong, form, "decode")


def test_counting_is_exact() -> None:
    counted = text.count("The cat.\nthe dog's café", top=1)

    assert (counted.characters, counted.words, counted.lines, counted.bytes_utf8) == (23, 5, 2, 24)
    assert counted.most_frequent == {"the": 2}


def test_case_counts_when_asked() -> None:
    assert text.count("A a", ignore_case=False).most_frequent == {"A": 1, "a": 1}


def test_equal_texts_have_no_difference() -> None:
    assert text.compare("a\nb", "a\nb") == ""
    assert text.compare("a\nb", "a\nc").splitlines()[-2:] == ["-b", "+c"]


def test_a_digest_is_the_known_one() -> None:
    assert text.digest("abc", "md5") == "900150983cd24fb0d6963f7d28e17f72"


DOCUMENT = '{"servers": [{"name": "a", "port": 1}, {"name": "b"}], "on": true}'


@pytest.mark.parametrize(
    ("path", "found"),
    [("on", [True]), ("servers.1.name", ["b"]), ("servers.*.name", ["a", "b"]), ("servers.*.port", [1])],
)
def test_a_path_finds_what_lies_there(path: str, found: list[object]) -> None:
    assert text.query_json(DOCUMENT, path) == found


@pytest.mark.parametrize(
    ("document", "path", "words"),
    [
        ("{", "", "this is not JSON"),
        ("[" * 100_000, "", "this is not JSON"),
        (DOCUMENT, "on.off", "nothing at 'on.off'"),
    ],
)
def test_a_path_that_finds_nothing_says_where_it_ends(document: str, path: str, words: str) -> None:
    with pytest.raises(ToolError, match=words):
        text.query_json(document, path)


async def test_every_tool_says_that_it_only_reads() -> None:
    async with Client(text.server) as client:
        tools = (await client.list_tools()).tools

    assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
    assert all(tool.description and tool.title for tool in tools)
