"""Bytes into lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composite_runtime.wire.lines import LineBuffer


def texts(lines: list[bytes | str]) -> list[bytes]:
    return [line.encode() if isinstance(line, str) else line for line in lines]


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=5))
def test_lines_are_the_same_however_they_arrive(data: bytes, cuts: list[int]) -> None:
    buffer = LineBuffer(1000)
    ends = sorted({min(cut, len(data)) for cut in cuts} | {len(data)})
    lines = [line for start, end in zip([0, *ends], ends, strict=False) for line in buffer.feed(data[start:end])]

    whole, _, rest = data.rpartition(b"\n")
    assert texts(lines) == [line.strip() for line in whole.split(b"\n") if line.strip()]
    assert buffer.rest() == rest.strip()


def test_a_line_that_came_in_parts_is_text_already_unless_it_is_none() -> None:
    buffer = LineBuffer(1000)
    assert list(buffer.feed("{ä".encode())) == []
    assert list(buffer.feed("}\r\n{\xff".encode("latin-1"))) == ["{ä}"]
    assert list(buffer.feed(b"}\n")) == [b"{\xff}"]


@pytest.mark.parametrize("chunks", [[b"123456\n"], [b"123", b"456\n"], [b"123", b"456"]])
def test_a_line_beyond_the_limit_is_refused(chunks: list[bytes]) -> None:
    buffer = LineBuffer(5)
    *first, last = chunks
    for chunk in first:
        list(buffer.feed(chunk))
    with pytest.raises(OverflowError, match="more than 5 bytes"):
        list(buffer.feed(last))
