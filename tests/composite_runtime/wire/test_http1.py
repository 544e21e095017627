"""HTTP/1.1 is understood as another reader understands it, or refused."""

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composite_runtime.wire.http1 import (
    CHUNKED,
    HEAD_LIMIT,
    UNTIL_CLOSE,
    Head,
    Malformed,
    Reader,
    body_length,
    header_lines,
    keeps_alive,
    parse_head,
)


class Taken:
    """Collects what a reader finds; answers have no length unless they state one."""

    def __init__(self, unstated: int = 0) -> None:
        self.messages: list[tuple[Head, bytes]] = []
        self.ended = 0
        self.pause_at_end: Reader | None = None
        self._unstated = unstated

    def head(self, head: Head) -> int:
        self.messages.append((head, b""))
        length = body_length(head.headers)
        return self._unstated if length is None else length

    def piece(self, data: bytes) -> None:
        head, body = self.messages[-1]
        self.messages[-1] = (head, body + data)

    def end(self) -> None:
        self.ended += 1
        if self.pause_at_end is not None:
            self.pause_at_end.is_paused = True

    @property
    def bodies(self) -> list[bytes]:
        return [body for _, body in self.messages]


def read(data: bytes, unstated: int = 0) -> Taken:
    taken = Taken(unstated)
    Reader(taken).feed(data)
    return taken


def test_a_head_is_its_line_and_its_fields_without_blanks_around_the_values() -> None:
    head = parse_head(b"POST /mcp HTTP/1.1\r\nHost: a\r\nMcp-Name:  echo \t\r\nX: 1\r\nx: 2")

    assert head.line == "POST /mcp HTTP/1.1"
    assert head.headers == {"host": "a", "mcp-name": "echo", "x": "1, 2"}
    assert head.repeated == {"x"}


@pytest.mark.parametrize(
    "field",
    [b"Name : x", b" folded", b"\tfolded", b": x", b"no colon", b"na me: x", b"X: a\x00b", b"X: a\nY: b", b"X: a\rb"],
)
def test_a_field_two_readers_could_understand_differently_is_refused(field: bytes) -> None:
    with pytest.raises(Malformed):
        read(b"GET / HTTP/1.1\r\nHost: a\r\n" + field + b"\r\n\r\n")


@pytest.mark.parametrize(
    "headers",
    [
        {"content-length": "5", "transfer-encoding": "chunked"},
        {"transfer-encoding": "gzip, chunked"},
        {"transfer-encoding": "xchunked"},
        {"content-length": "5, 6"},
        {"content-length": "+5"},
        {"content-length": "0x5"},
        {"content-length": "-1"},
        {"content-length": ""},
        {"content-length": "9" * 16},
    ],
)
def test_a_length_two_readers_could_understand_differently_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        body_length(headers)


def test_a_length_may_be_stated_twice_when_it_is_the_same() -> None:
    assert body_length({"content-length": "5, 5"}) == 5
    assert body_length({"transfer-encoding": "Chunked"}) == CHUNKED
    assert body_length({}) is None


def test_messages_on_one_connection_are_told_apart() -> None:
    taken = read(
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
        b"\r\nGET / HTTP/1.1\r\n\r\n"
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;why=not\r\nabc\r\n2 \r\nde\r\n0\r\nTrailer: x\r\n\r\n"
    )

    assert taken.bodies == [b"abc", b"", b"abcde"]
    assert taken.ended == 3


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    taken = Taken(UNTIL_CLOSE)
    reader = Reader(taken)
    reader.feed(b"HTTP/1.1 200 OK\r\n\r\nabc")
    reader.feed(b"def")
    assert taken.ended == 0

    reader.eof()

    assert taken.bodies == [b"abcdef"]
    assert taken.ended == 1


@pytest.mark.parametrize("broken", [b"POST / HT", b"P / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab"])
def test_a_message_that_is_broken_off_is_refused(broken: bytes) -> None:
    reader = Reader(Taken())
    reader.feed(broken)

    with pytest.raises(Malformed):
        reader.eof()


@pytest.mark.parametrize(
    "endless",
    [
        b"x" * HEAD_LIMIT,
        b"P / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 2000,
        b"P / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: y\r\n" * 20_000,
        b"P / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
        b"P / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\rX",
    ],
)
def test_what_never_becomes_a_message_is_refused(endless: bytes) -> None:
    with pytest.raises(Malformed):
        read(endless)


def test_a_paused_reader_keeps_what_comes() -> None:
    taken = Taken()
    reader = Reader(taken)
    taken.pause_at_end = reader
    reader.feed(b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n")
    reader.feed(b"GET /3 HTTP/1.1\r\n\r\n")
    assert [head.line for head, _ in taken.messages] == ["GET /1 HTTP/1.1"]
    assert reader.waiting == 38

    reader.resume()
    reader.resume()

    assert [head.line[5] for head, _ in taken.messages] == ["1", "2", "3"]


def test_many_small_chunks_take_time_in_proportion() -> None:
    chunks = b"1\r\na\r\n" * 100_000

    taken = CountedPieces()
    Reader(taken).feed(b"P / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")

    assert taken.length == 100_000


class CountedPieces:
    def __init__(self) -> None:
        self.length = 0

    def head(self, head: Head) -> int:
        return CHUNKED

    def piece(self, data: bytes) -> None:
        self.length += len(data)

    def end(self) -> None:
        pass


def test_a_header_cannot_break_out_of_its_line() -> None:
    assert header_lines({"a": "b", "c": "d e"}) == "a: b\r\nc: d e\r\n"
    for value in ("x\r\ny: z", "x\ny", "x\0", "x\r"):
        with pytest.raises(ValueError, match="control character"):
            header_lines({"a": value})


def test_a_connection_stays_open_as_both_sides_wish() -> None:
    assert keeps_alive("HTTP/1.1", {})
    assert not keeps_alive("HTTP/1.1", {"connection": "Close"})
    assert not keeps_alive("HTTP/1.0", {})
    assert keeps_alive("HTTP/1.0", {"connection": "Keep-Alive"})


_names = st.sampled_from(["content-length", "Content-Length", "Transfer-Encoding", "X-A", "X-A ", "", "a b"])
_values = st.one_of(
    st.sampled_from(["3", " 3", "3 ", "3, 3", "3,4", "03", "+3", "chunked", "Chunked", "gzip", "identity", "", "x"]),
    st.text(alphabet="ab \t,;\x00\x0b\x7f\xe9", max_size=6),
)
_ends = st.sampled_from(["\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r", "\r\n "])
_heads = st.builds(
    lambda fields: "POST / HTTP/1.1\r\nHost: a\r\n" + "".join(f"{n}:{v}{e}" for n, v, e in fields) + "\r\n",
    st.lists(st.tuples(_names, _values, _ends), max_size=4),
)
_bodies = st.sampled_from(
    ["", "abc", "abcGET / HTTP/1.1\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n", "3;x\r\nabc\r\n0\r\n\r\n", "3\nabc"]
)


@given(_heads, _bodies, st.integers(1, 80))
def test_whatever_is_understood_is_what_another_reader_understands(head: str, body: str, size: int) -> None:
    data = (head + body).encode("latin-1")

    try:
        taken = Taken()
        reader = Reader(taken)
        for start in range(0, len(data), size):
            reader.feed(data[start : start + size])
    except Malformed:
        return
    if taken.ended:
        assert _as_h11_reads(data) == taken.bodies[0]


def _as_h11_reads(data: bytes) -> bytes:
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    body = b""
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Data):
            body += event.data
        elif not isinstance(event, h11.Request):
            assert isinstance(event, h11.EndOfMessage)
            return body
