"""The file that keeps the calls of one graph: bounded, safe in a crash, and replaced when it cannot be read.

Every operation opens the file and closes it again, so that nothing is held while nobody calls anything.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from composite_runtime.errors import FusionError

ROWS = 2000
"""How many calls of one graph are kept, besides those that are pinned."""
SIZE = 64 * 1024 * 1024
"""How many characters they may have together."""
LONGEST = 2 * 1024 * 1024
"""An answer with more characters is not kept, only that there was one."""
_SEARCHED = 8 * 1024
_VERSION = 1
_WAIT_S = 5.0

_SCHEMA = """
CREATE TABLE calls (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    node TEXT,
    method TEXT NOT NULL,
    target TEXT NOT NULL,
    params TEXT NOT NULL,
    status TEXT NOT NULL,
    milliseconds REAL,
    message TEXT NOT NULL DEFAULT '',
    answer TEXT,
    size INTEGER NOT NULL,
    is_pinned INTEGER NOT NULL DEFAULT 0,
    searched TEXT NOT NULL
)
"""
_SHOWN = "id, at, node, method, target, status, milliseconds, message, is_pinned, substr(params, 1, 300)"


class CallStatus(StrEnum):
    """What became of a call."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNANSWERED = "unanswered"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Entry:
    """One call as a list shows it; `node` is the id of what was called, None for the composite that was served."""

    id: int
    at: float
    node: str | None
    method: str
    target: str
    status: CallStatus
    milliseconds: float | None
    message: str
    is_pinned: bool
    start_of_params: str


@dataclass(frozen=True)
class Texts:
    """What was sent and what came back, as JSON texts."""

    params: str
    answer: str | None


class HistoryStore:
    """The calls in one file. `moved` tells where a file that could not be read was put."""

    def __init__(self, path: Path, *, rows: int = ROWS, size: int = SIZE) -> None:
        self.path = path
        self.moved: Path | None = None
        self._rows = rows
        self._size = size
        self._is_checked = False

    def begin(self, *, at: float, node: str | None, method: str, target: str, params: str) -> int:
        """Note that a call was sent and return its number."""
        searched = f"{method} {target} {params}"[:_SEARCHED].casefold()
        with self._opened() as file:
            cursor = file.execute(
                "INSERT INTO calls (at, node, method, target, params, status, size, searched)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (at, node, method, target, params, CallStatus.RUNNING, len(params), searched),
            )
            assert cursor.lastrowid is not None
            return cursor.lastrowid

    def finish(
        self, number: int, status: CallStatus, *, milliseconds: float | None, answer: str | None, message: str = ""
    ) -> None:
        """Note what became of a call, and drop the oldest ones that are too many."""
        if answer is not None and len(answer) > LONGEST:
            message = message or f"The answer has {len(answer):,} characters and was not kept."
            answer = None
        found = f" {message} {answer or ''}"[:_SEARCHED].casefold()
        with self._opened() as file:
            file.execute(
                "UPDATE calls SET status = ?, milliseconds = ?, message = ?, answer = ?,"
                " size = length(params) + ?, searched = searched || ? WHERE id = ?",
                (status, milliseconds, message, answer, len(answer or ""), found, number),
            )
            self._drop(file)

    def find(self, words: str = "", *, limit: int = ROWS) -> tuple[Entry, ...]:
        """Return the calls that hold every one of the words, pinned ones first, then the newest first."""
        needles = words.casefold().split()
        where = " AND ".join("instr(searched, ?)" for _ in needles) or "1"
        if not self.path.exists():
            return ()
        with self._opened() as file:
            rows = file.execute(
                f"SELECT {_SHOWN} FROM calls WHERE {where} ORDER BY is_pinned DESC, id DESC LIMIT ?", (*needles, limit)
            ).fetchall()
        return tuple(_entry(row) for row in rows)

    def read(self, number: int) -> Texts | None:
        """Return what was sent and answered, or None for a call that is no longer kept."""
        with self._opened() as file:
            row = file.execute("SELECT params, answer FROM calls WHERE id = ?", (number,)).fetchone()
        return Texts(*row) if row is not None else None

    def pin(self, numbers: Sequence[int], *, is_pinned: bool) -> None:
        """Keep calls however old they get, or no longer."""
        with self._opened() as file:
            file.executemany("UPDATE calls SET is_pinned = ? WHERE id = ?", [(is_pinned, n) for n in numbers])

    def delete(self, numbers: Sequence[int]) -> None:
        """Forget calls."""
        with self._opened() as file:
            file.executemany("DELETE FROM calls WHERE id = ?", [(number,) for number in numbers])

    def clear(self) -> None:
        """Forget all calls that are not pinned."""
        with self._opened() as file:
            file.execute("DELETE FROM calls WHERE NOT is_pinned")

    def interrupt(self) -> None:
        """Say of calls without an outcome that they have none; only calls of a program that died have none now."""
        if self.path.exists():
            with self._opened() as file:
                file.execute(
                    "UPDATE calls SET status = ?, message = ? WHERE status = ?",
                    (CallStatus.INTERRUPTED, "Fusion ended before there was an answer.", CallStatus.RUNNING),
                )

    def _drop(self, file: sqlite3.Connection) -> None:
        file.execute(
            "DELETE FROM calls WHERE id IN (SELECT id FROM"
            " (SELECT id, row_number() OVER newest AS place, sum(size) OVER newest AS upto FROM calls"
            " WHERE NOT is_pinned WINDOW newest AS (ORDER BY id DESC)) WHERE place > ? OR (upto > ? AND place > 1))",
            (self._rows, self._size),
        )

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction; raise `FusionError` when it cannot be used now."""
        try:
            file = self._connected()
        except (sqlite3.Error, OSError) as error:
            raise FusionError(f"the call history {self.path} cannot be used: {error}") from None
        try:
            with file:
                yield file
        except sqlite3.Error as error:
            if _is_damage(error):
                # The next operation looks at the whole file, and moves it aside.
                self._is_checked = False
            raise FusionError(f"the call history {self.path} cannot be used: {error}") from None
        finally:
            file.close()

    def _connected(self) -> sqlite3.Connection:
        if self._is_checked and self.path.exists():
            try:
                return self._connect()
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            file = self._checked()
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            self._set_aside()
            file = self._checked()
        self._is_checked = True
        return file

    def _connect(self) -> sqlite3.Connection:
        file = sqlite3.connect(self.path, timeout=_WAIT_S)
        try:
            # With a journal beside the file, what was written is there after a crash of this program.
            file.execute("PRAGMA synchronous = NORMAL")
            file.execute("PRAGMA secure_delete = ON")
        except BaseException:
            file.close()
            raise
        return file

    def _checked(self) -> sqlite3.Connection:
        # What was called and answered is nobody else's business.
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        file = self._connect()
        try:
            (version,) = file.execute("PRAGMA user_version").fetchone()
            if version > _VERSION:
                raise sqlite3.OperationalError("a newer version of Fusion has written it")
            if version == 0:
                file.execute("PRAGMA auto_vacuum = FULL")
                file.execute("PRAGMA journal_mode = WAL")
                file.execute("BEGIN IMMEDIATE")
                if file.execute("PRAGMA user_version").fetchone() == (0,):
                    file.execute(_SCHEMA)
                    file.execute(f"PRAGMA user_version = {_VERSION}")
                file.commit()
            elif (words := file.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise sqlite3.DatabaseError(str(words))
        except BaseException:
            file.close()
            raise
        return file

    def _set_aside(self) -> None:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        self.moved = self.path.with_name(f"{self.path.name}.broken-{stamp}")
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{self.path}{suffix}", f"{self.moved}{suffix}")


def _is_damage(error: sqlite3.Error) -> bool:
    """Say whether the file itself is broken; a full disk or a lock passes."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)
    return code & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} or "no such table" in str(error)


def _entry(row: tuple[object, ...]) -> Entry:
    number, at, node, method, target, status, milliseconds, message, is_pinned, params = row
    return Entry(
        int(str(number)),
        float(str(at)),
        str(node) if node is not None else None,
        str(method),
        str(target),
        CallStatus(str(status)),
        float(str(milliseconds)) if milliseconds is not None else None,
        str(message),
        bool(is_pinned),
        str(params),
    )
