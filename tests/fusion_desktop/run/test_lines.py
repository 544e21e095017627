from hypothesis import given
from hypothesis import strategies as st

from fusion_desktop.run.lines import Lines


@given(st.lists(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\n\r"))), st.integers(1, 7))
def test_lines_are_the_same_however_they_are_cut_into_chunks(texts: list[str], size: int) -> None:
    content = "".join(f"{text}\n" for text in texts).encode()
    lines = Lines()

    found = [line for start in range(0, len(content), size) for line in lines.feed(content[start : start + size])]

    assert [*found, *lines.close()] == texts


def test_a_line_that_never_ends_is_cut_and_says_so() -> None:
    lines = Lines(limit=10)

    found = [*lines.feed(b"x" * 500), *lines.feed(b"x" * 500 + b"\nshort\n")]

    assert found == ["xxxxxxxxxx… (990 more characters)", "short"]


def test_the_end_of_a_windows_line_is_dropped() -> None:
    assert list(Lines().feed(b"one\r\ntwo\r\n")) == ["one", "two"]


def test_a_last_line_without_an_end_is_not_lost() -> None:
    lines = Lines()

    assert [*lines.feed("é".encode()[:1]), *lines.feed("é".encode()[1:]), *lines.close()] == ["é"]


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert list(Lines().feed(b"a\xffb\n")) == ["a�b"]
