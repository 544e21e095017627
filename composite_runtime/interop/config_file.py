"""Replacing a file that belongs to another program so that neither a crash nor a second writer loses anything."""

import contextlib
import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from composite_runtime import files
from composite_runtime.errors import ConfigError, FusionError
from composite_runtime.locks import only_writer

# Larger files are no configuration of a person, and reading them would stall the program.
_LARGEST = 20 * 1024 * 1024
_BACKUPS_KEPT = 10
_LOCK_WAIT_S = 10.0


def load(path: Path) -> str | None:
    """Return the text of a configuration file, its byte order mark included; None if there is no file.

    Raises:
        ConfigError: it is no plain file, too large, or not UTF-8.
    """
    try:
        if not path.is_file():
            if path.exists():
                raise ConfigError(f"{path} is not a plain file")
            return None
        size = path.stat().st_size
        if size > _LARGEST:
            raise ConfigError(f"{path} has {size >> 20} MiB; that is no configuration file")
        return _decoded(path, path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None


def _decoded(path: Path, content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ConfigError(f"{path} is UTF-16 text; save it as UTF-8 first")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise ConfigError(f"{path} is not UTF-8 text: see line {line}, column {column}") from None


def replace(path: Path, before: str | None, after: str) -> Path | None:
    """Replace the file's text and return the backup made of the old one, None if there was no file.

    Raises:
        ConfigError: the file no longer holds `before`, another program holds its lock, or it cannot be written.
            The file is as it was then, unless the message names a backup.
    """
    target = path.resolve()
    if target.exists() and not os.access(target, os.W_OK):
        raise ConfigError(f"{target} is read-only; whoever made it so did not want it changed")
    try:
        with only_writer(target), _foreign_locks_respected(target):
            _compare(path, before)
            backup = None if before is None else _back_up(target, before)
            try:
                files.write_text(target, after, new_mode=0o600, last_look=lambda: _compare(path, before))
            except BaseException:
                if backup is not None:
                    backup.unlink(missing_ok=True)
                raise
            if load(path) != after:
                raise ConfigError(f"{path} does not hold what was written; what it held before is in {backup}")
            _drop_old_backups(target)
    except ConfigError:
        raise
    except FusionError as error:
        raise ConfigError(str(error)) from None
    return backup


def discard(path: Path, expected: str) -> None:
    """Delete a file that was made by us and still holds `expected`; raise `ConfigError` if it does not."""
    target = path.resolve()
    with only_writer(target):
        _compare(path, expected)
        try:
            target.unlink()
        except OSError as error:
            raise ConfigError(f"{path} cannot be deleted: {error.strerror}") from None


def backups(path: Path) -> tuple[Path, ...]:
    """Return the backups made of a file, the newest first."""
    target = path.resolve()
    return tuple(sorted(target.parent.glob(f"{_escaped(target.name)}.fusion-*.bak"), reverse=True))


def _escaped(name: str) -> str:
    return "".join(f"[{char}]" if char in "[]*?" else char for char in name)


def _compare(path: Path, expected: str | None) -> None:
    if load(path) != expected:
        raise ConfigError(f"{path} was changed by another program meanwhile; nothing was written, so look again")


def _back_up(target: Path, text: str) -> Path:
    # Down to the microsecond, so that the names sort by age.
    backup = target.with_name(f"{target.name}.fusion-{datetime.now():%Y%m%d-%H%M%S-%f}.bak")
    try:
        handle = os.open(backup, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ConfigError(f"no backup can be made in {target.parent}: {error.strerror}") from None
    return backup


def _drop_old_backups(target: Path) -> None:
    for old in backups(target)[_BACKUPS_KEPT:]:
        with contextlib.suppress(OSError):
            old.unlink()


@contextlib.contextmanager
def _foreign_locks_respected(target: Path) -> Iterator[None]:
    """Wait until programs that lock their configuration beside it are done.

    Cline makes a folder `NAME.lock`, which counts for ten seconds; Copilot CLI a file `.mcp-writer.lock`.
    """
    ours = target.with_name(f"{target.name}.lock")
    deadline = time.monotonic() + _LOCK_WAIT_S
    while any(_is_held(lock) for lock in (ours, target.with_name(".mcp-writer.lock"))):
        if time.monotonic() > deadline:
            raise ConfigError(f"{target} is being written by the program it belongs to; try again in a moment")
        time.sleep(0.1)
    yield


def _is_held(lock: Path) -> bool:
    try:
        return time.time() - lock.stat().st_mtime < _LOCK_WAIT_S
    except OSError:
        return False
