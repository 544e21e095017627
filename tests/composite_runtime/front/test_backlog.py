"""What is kept for clients that come back."""

from composite_runtime.front.backlog import BYTES_LIMIT, EVENTS_LIMIT, Backlog


def sent(backlog: Backlog, stream: int, message: bytes) -> bytes:
    return b"".join(backlog.event(stream, [message]))


def test_what_came_after_an_event_on_its_stream_is_there_in_order() -> None:
    backlog = Backlog()
    first, other, *rest = (sent(backlog, stream, b"%d" % stream) for stream in (1, 2, 1, 1))
    place = backlog.place(first.split()[1].decode())
    assert place is None  # no such stream was begun
    backlog.begin(None)  # type: ignore[arg-type]  # nobody asks for it here
    assert backlog.place(first.split()[1].decode()) == (1, 1)
    assert backlog.after(1, 1) == b"".join(rest)
    assert backlog.after(2, 0) == other


def test_the_oldest_make_room_by_number_and_by_size() -> None:
    many, large = Backlog(), Backlog()
    for _ in range(2 * EVENTS_LIMIT):
        sent(many, 0, b"x")
    for number in range(10):
        sent(large, 0, b"%d" % number * (BYTES_LIMIT // 4))
    assert many.after(0, 0).count(b"id: ") == EVENTS_LIMIT
    assert len(large.after(0, 0)) <= BYTES_LIMIT
    assert large.after(0, 0).startswith(b"id: 0-8\n")


def test_what_is_longer_than_all_that_is_kept_is_sent_and_not_kept() -> None:
    backlog = Backlog()
    kept = sent(backlog, 0, b"short")
    assert len(sent(backlog, 0, b"x" * BYTES_LIMIT)) > BYTES_LIMIT
    assert backlog.after(0, 0) == kept
