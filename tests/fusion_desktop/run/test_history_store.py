"""The file of the call history: bounded, found again, safe in a crash, replaced when it is broken."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from composite_runtime.errors import FusionError
from fusion_desktop.run.history_store import CallStatus, HistoryStore


def kept(store: HistoryStore, target: str, params: str = "{}", answer: str = '{"result": {}}') -> int:
    number = store.begin(at=1.0, node=None, method="tools/call", target=target, params=params)
    store.finish(number, CallStatus.DONE, milliseconds=2.0, answer=answer)
    return number


def targets(store: HistoryStore, words: str = "") -> list[str]:
    return [entry.target for entry in store.find(words)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history" / "graph.sqlite"


def test_looking_into_a_history_that_does_not_exist_makes_no_file(path: Path) -> None:
    assert HistoryStore(path).find() == ()
    assert not path.exists()


def test_calls_are_found_by_every_word_in_names_arguments_and_answers(path: Path) -> None:
    store = HistoryStore(path)
    kept(store, "weather", '{"city": "Tromsø"}', '{"result": {"sky": "Clear"}}')
    kept(store, "weather", '{"city": "Oslo"}', '{"result": {"sky": "rain 100%"}}')

    assert targets(store) == ["weather", "weather"]
    assert [entry.start_of_params for entry in store.find("TROMSØ clear")] == ['{"city": "Tromsø"}']
    assert len(store.find("100%")) == 1
    assert store.find("oslo clear") == ()


def test_the_newest_come_first_and_pinned_ones_before_them(path: Path) -> None:
    store = HistoryStore(path)
    first = kept(store, "first")
    kept(store, "second")
    kept(store, "third")
    store.pin([first], is_pinned=True)

    assert targets(store) == ["first", "third", "second"]
    assert store.find()[0].is_pinned


def test_no_more_rows_are_kept_than_allowed_but_pinned_ones_stay(path: Path) -> None:
    store = HistoryStore(path, rows=3)
    store.pin([kept(store, "pinned")], is_pinned=True)
    for number in range(6):
        kept(store, f"call {number}")

    assert targets(store) == ["pinned", "call 5", "call 4", "call 3"]


def test_no_more_characters_are_kept_than_allowed_and_the_file_shrinks(path: Path) -> None:
    store = HistoryStore(path, size=50_000)
    for number in range(16):
        kept(store, f"call {number}", answer="x" * 10_000)

    assert targets(store) == ["call 15", "call 14", "call 13", "call 12"]
    assert path.stat().st_size < 120_000


def test_an_answer_that_is_too_long_is_named_instead_of_kept(path: Path) -> None:
    store = HistoryStore(path)
    number = kept(store, "huge", answer="x" * 3_000_000)

    texts = store.read(number)
    assert texts is not None
    assert texts.answer is None
    assert "3,000,000 characters" in store.find()[0].message


def test_deleting_and_clearing_forget_and_leave_nothing_in_the_file(path: Path) -> None:
    store = HistoryStore(path)
    first = kept(store, "to be deleted", answer='"needle-one"')
    kept(store, "to be cleared", answer='"needle-two"')
    pinned = kept(store, "pinned")
    store.pin([pinned], is_pinned=True)
    store.delete([first])
    store.clear()

    assert targets(store) == ["pinned"]
    assert store.read(first) is None
    written = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"needle-one" not in written
    assert b"needle-two" not in written


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_only_the_user_can_read_the_file(path: Path) -> None:
    kept(HistoryStore(path), "mine")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("damage", [b"this is no database, whatever its name says" * 100, b"\0" * 4096])
def test_a_broken_file_is_moved_aside_and_a_new_one_begun(path: Path, damage: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(damage)
    store = HistoryStore(path)

    kept(store, "after")

    assert targets(store) == ["after"]
    if damage.strip(b"\0"):
        assert store.moved is not None
        assert store.moved.read_bytes() == damage


def test_a_file_that_breaks_inside_is_moved_aside_too(path: Path) -> None:
    store = HistoryStore(path)
    for number in range(25):
        kept(store, f"call {number}", answer="x" * 4000)
    data = bytearray(path.read_bytes())
    data[4096:40960] = b"\xa5" * (40960 - 4096)
    path.write_bytes(data)

    later = HistoryStore(path)
    kept(later, "after")

    assert targets(later) == ["after"]
    assert later.moved is not None
    assert later.moved.exists()


def test_a_file_that_breaks_while_it_is_used_is_moved_aside_as_well(path: Path) -> None:
    store = HistoryStore(path)
    kept(store, "before")
    path.write_bytes(b"overwritten by something else " * 500)

    kept(store, "after")

    assert targets(store) == ["after"]


def test_a_file_of_a_newer_version_is_left_as_it_is(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA user_version = 7")
    file.close()
    before = path.read_bytes()
    store = HistoryStore(path)

    with pytest.raises(FusionError, match="newer version"):
        kept(store, "new")

    assert path.read_bytes() == before
    assert store.moved is None


def test_two_programs_can_write_at_once(path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from fusion_desktop.run.history_store import HistoryStore, CallStatus\n"
        "store = HistoryStore(Path(sys.argv[1]))\n"
        "for n in range(40):\n"
        "    number = store.begin(at=1.0, node=None, method='m', target=sys.argv[2], params='{}')\n"
        "    store.finish(number, CallStatus.DONE, milliseconds=1.0, answer=None)\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", script, str(path), name]) for name in ("one", "two")]
    assert [writer.wait(60) for writer in writers] == [0, 0]

    found = targets(HistoryStore(path))
    assert (found.count("one"), found.count("two")) == (40, 40)


@pytest.mark.skipif(os.name == "nt", reason="there is no such signal")
def test_a_killed_program_loses_nothing_and_its_open_call_is_called_interrupted(path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from fusion_desktop.run.history_store import HistoryStore, CallStatus\n"
        "store = HistoryStore(Path(sys.argv[1]))\n"
        "number = store.begin(at=1.0, node=None, method='m', target='answered', params='{}')\n"
        "store.finish(number, CallStatus.DONE, milliseconds=1.0, answer='{}')\n"
        "store.begin(at=2.0, node=None, method='m', target='open', params='{}')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(path)], check=False).returncode == -signal.SIGKILL

    store = HistoryStore(path)
    store.interrupt()

    assert [(entry.target, entry.status) for entry in store.find()] == [
        ("open", CallStatus.INTERRUPTED),
        ("answered", CallStatus.DONE),
    ]
