"""Long parts of a result go on as they were written; everything else is written anew."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composite_runtime.wire import jsonrpc, verbatim
from composite_runtime.wire.verbatim import LONG, WrittenList

LONG_TEXT = "x" * LONG


def line_of(result: str, *, head: str = '"jsonrpc": "2.0", "id" :1,', tail: str = "") -> bytes:
    return f'{{{head} "result" : {result}{tail}}}'.encode()


def test_a_long_part_of_a_result_keeps_its_text_to_the_letter() -> None:
    odd = f'[ {{"type" : "text","text":"{LONG_TEXT}\\u00e4", "n": 1.50 }} ]'

    message = jsonrpc.decode(line_of(f'{{ "content": {odd} , "isError":false}}'))
    sent = jsonrpc.encode({**message, "id": 7})

    assert message["result"]["content"][0]["n"] == 1.5
    assert sent == b'{"jsonrpc":"2.0","id":7,"result":{"content":' + odd.encode() + b',"isError":false}}'


@pytest.mark.parametrize("letter", ["x", "ä", "𝄞"])
def test_it_matters_not_how_many_bytes_a_letter_has(letter: str) -> None:
    content = f'[{{"type":"text","text":"{letter * LONG}"}}]'
    message = jsonrpc.decode(line_of(f'{{"content":{content}}}'))

    assert jsonrpc.encode(message["result"]) == f'{{"content":{content}}}'.encode()
    assert f'"content":{content}}}' in jsonrpc.encode(message).decode()


def test_a_result_that_gets_another_envelope_keeps_its_parts() -> None:
    message = jsonrpc.decode(line_of(f'{{"structuredContent":{{ "a":"{LONG_TEXT}"}},"resultType":"complete"}}'))
    changed = {key: value for key, value in message["result"].items() if key != "resultType"}

    sent = jsonrpc.encode(jsonrpc.response(3, {**changed, "_meta": {"a": 1}}))

    text = f'{{"structuredContent":{{ "a":"{LONG_TEXT}"}},"_meta":{{"a":1}}}}'
    assert sent == f'{{"jsonrpc":"2.0","id":3,"result":{text}}}'.encode()


def test_a_part_that_is_replaced_is_written_anew() -> None:
    message = jsonrpc.decode(line_of(f'{{"content":[ "{LONG_TEXT}" ]}}'))
    message["result"] = {"content": [*message["result"]["content"], "more"]}

    assert jsonrpc.encode(message).endswith(b'x","more"]}}')


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_text_that_would_break_a_frame_is_not_kept(end: str) -> None:
    message = jsonrpc.decode(line_of(f'{{"content":[{end}"{LONG_TEXT}"]}}'))

    assert not isinstance(message["result"]["content"], WrittenList)
    assert end.encode() not in jsonrpc.encode(message)


def test_what_a_client_sends_is_always_written_anew() -> None:
    doubled = f'{{"method":"tools/call","params":{{"arguments":{{"a":1,"a":2,"b":"{LONG_TEXT}"}}}}}}'

    assert jsonrpc.encode(jsonrpc.decode(doubled)).count(b'"a"') == 1


@pytest.mark.parametrize(
    "broken",
    [
        line_of(f'{{"content":["{LONG_TEXT}"]')[:-1],
        line_of(f'{{"content":["{LONG_TEXT}"]}}') + b"}",
        line_of(f'{{"content":["{LONG_TEXT}"],}}'),
        line_of(f'{{"content" ["{LONG_TEXT}"]}}'),
        line_of(f'{{"content":["{LONG_TEXT}"] "a":1}}'),
        line_of(f'{{content:["{LONG_TEXT}"]}}'),
        line_of(f'{{"content":["{LONG_TEXT}",NaN]}}'),
        line_of(f'{{"content":["{LONG_TEXT}",1e400]}}'),
        line_of(f'{{"content":["{LONG_TEXT}\x01"]}}'),
        line_of(f'{{"content":["{LONG_TEXT}"' + "[" * 100_000),
        line_of(f'{{"content":["{LONG_TEXT}"]}}').replace(b"xxxx", b"xx\xffx"),
    ],
)
def test_what_is_not_json_is_refused_as_it_is_when_it_is_short(broken: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # every reader of JSON words it differently
        jsonrpc.decode(broken)


def test_a_list_of_messages_and_a_byte_order_mark_are_read_as_ever() -> None:
    line = line_of(f'{{"content":["{LONG_TEXT}"]}}')

    assert jsonrpc.decode(b"[" + line + b"]")[0]["result"]["content"] == [LONG_TEXT]
    marked = jsonrpc.decode(b"\xef\xbb\xbf" + line)
    assert marked["result"]["content"] == [LONG_TEXT]
    assert json.loads(jsonrpc.encode(marked)) == json.loads(line)


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=3),
    max_leaves=12,
)


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(["content", "a", "_meta", ""]), _json), st.booleans(), st.booleans())
def test_a_long_message_means_what_it_means_to_every_other_reader(result: Any, spaced: bool, escaped: bool) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "result": {**result, "long": [LONG_TEXT, result]}, "result2": result}
    text = json.dumps(message, ensure_ascii=escaped, separators=None if spaced else (",", ":"))
    try:
        line = text.encode()
    except UnicodeEncodeError:
        line = json.dumps(message).encode()

    decoded = jsonrpc.decode(line)

    assert decoded == message
    assert verbatim.remembers(decoded)
    assert json.loads(jsonrpc.encode(decoded)) == message
