"""Read text and write it so that a crash at any moment leaves the old file or the new one, never half of one."""

import contextlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from composite_runtime.errors import FusionError


def read_text(path: Path) -> str:
    """Return the file's text; raise `FusionError` when it cannot be read or is not UTF-8.

    A byte order mark is dropped, since editors on Windows add one unasked.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise FusionError(f"{path} does not exist") from None
    except UnicodeDecodeError as error:
        raise FusionError(f"{path} is not UTF-8 text: the byte at offset {error.start} does not belong there") from None
    except OSError as error:
        raise FusionError(f"{path} cannot be read: {error.strerror}") from None


def write_text(
    path: Path,
    text: str,
    *,
    new_mode: int | None = None,
    last_look: Callable[[], None] | None = None,
    durable: bool = True,
) -> None:
    """Replace the file by `text` in one step; raise `FusionError` when that is impossible.

    A symbolic link stays a link: its target is replaced. The permissions of an existing file are kept; a new one gets
    `new_mode`. `last_look` is called just before the file is replaced and may raise to prevent it. Without `durable`,
    nobody waits for the disk: a power cut may then cost the file, which suits what can be had again.
    """
    target = path.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, text.encode("utf-8"), new_mode, last_look or _nothing, durable=durable)
    except OSError as error:
        raise FusionError(f"{path} cannot be written: {error.strerror}") from None


def _replace(
    target: Path, content: bytes, new_mode: int | None, last_look: Callable[[], None], *, durable: bool
) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        # mkstemp makes the file private; one that was readable by others must stay so.
        temporary.chmod(_mode_of(target, new_mode))
        last_look()
        _rename(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    if durable:
        _sync_folder(target.parent)


def _nothing() -> None:
    """Stand in for a last look nobody asked for."""


def _mode_of(target: Path, new_mode: int | None) -> int:
    if target.exists():
        return target.stat().st_mode & 0o7777
    return 0o666 & ~_umask() if new_mode is None else new_mode


def _rename(temporary: Path, target: Path) -> None:
    for attempt in range(12):
        try:
            temporary.replace(target)
            return
        except PermissionError:
            # On Windows a virus scanner, or the program that owns the file, holds it open for a moment.
            if os.name != "nt" or attempt == 11:
                raise
            time.sleep(0.05 * (attempt + 1))


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    # The rename itself survives a power cut only when its folder has reached the disk. Windows cannot open folders.
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
