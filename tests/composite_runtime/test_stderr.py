"""Lines on stderr that hold nobody up."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

from composite_runtime.cli.serve import _Teller
from composite_runtime.events import Following, Log, decode
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


def test_a_supervisor_is_told_how_many_events_it_missed() -> None:
    ours, theirs = os.pipe()
    stderr = Stderr(theirs)
    tell = _Teller(stderr, supervised=True)
    for number in range(LINES_LIMIT + 5000):
        tell(Log(level="info", source="x", message=f"{number:0100}"))
    reading = ThreadPoolExecutor(1)
    read = reading.submit(read_all, ours)
    end = time.monotonic() + 20
    while not stderr.has_room and time.monotonic() < end:
        time.sleep(0.01)
    tell(Log(level="info", source="x", message="last"))
    stderr.close()
    os.close(theirs)

    events = [decode(line) for line in read.result(timeout=20)]
    reading.shutdown()

    missed = sum(event.missed for event in events if isinstance(event, Following))
    kept = sum(isinstance(event, Log) and event.source == "x" for event in events)
    assert missed > 0
    assert kept + missed == LINES_LIMIT + 5001
