"""Lines on stderr that hold nobody up."""

import os

from composite_runtime.stderr import LINES_LIMIT, Stderr


def read_all(descriptor: int) -> list[str]:
    with os.fdopen(descriptor, encoding="utf-8") as file:
        return file.read().splitlines()


def test_lines_come_whole_and_in_order() -> None:
    ours, theirs = os.pipe()
    stderr = Stderr(theirs)
    for number in range(1000):
        stderr.write(f"{number} ü \ud800")
    stderr.close()
    os.close(theirs)
    assert read_all(ours) == [f"{number} ü \\ud800" for number in range(1000)]


def test_who_does_not_read_holds_nobody_up_and_what_is_dropped_is_counted() -> None:
    ours, theirs = os.pipe()
    stderr = Stderr(theirs)
    for number in range(LINES_LIMIT + 5000):
        stderr.write(f"{number:0100}")
    lost = stderr.taken_lost()
    assert 0 < lost <= 5000
    assert stderr.taken_lost() == 0
    stderr.close()  # does not wait for ever
    os.close(ours)
    stderr.close()  # now it can end
    os.close(theirs)


def test_a_closed_pipe_is_no_matter() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    stderr = Stderr(theirs)
    stderr.write("nobody")
    stderr.close()
    os.close(theirs)
