"""One writer at a time, across processes, for files that several of our programs change."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from composite_runtime import paths
from composite_runtime.errors import FusionError


@contextmanager
def only_writer(path: Path, timeout_s: float = 10.0) -> Iterator[None]:
    """Keep other Fusion processes from changing `path`; raise `FusionError` when one of them does not finish.

    The lock lies in Fusion's own folder: beside a foreign file it could disturb the program the file belongs to.
    """
    # Imported late because serving a graph needs no lock.
    from filelock import FileLock, Timeout

    folder = paths.home() / "locks"
    name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:32]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(folder / f"{name}.lock", timeout=timeout_s)
        lock.acquire()
    except Timeout:
        raise FusionError(f"{path} is being changed by another Fusion process; try again when it is done") from None
    except OSError as error:
        raise FusionError(f"{path} cannot be locked: {folder} cannot be used ({error.strerror})") from None
    try:
        yield
    finally:
        lock.release()
