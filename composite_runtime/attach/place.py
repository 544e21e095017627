"""Where running runtimes can be found: a private folder with one small description, and one socket, for each."""

import contextlib
import hashlib
import json
import os
import socket
import stat
import struct
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from composite_runtime import files, paths
from composite_runtime.errors import FusionError

HAS_UNIX_SOCKETS = os.name != "nt" and hasattr(socket, "AF_UNIX")
"""Elsewhere the feed listens on the loopback address, and whoever asks must know a secret from a private file."""

# The systems differ in how long the path of a socket may be; macOS allows 103 bytes.
_PATH_LIMIT = 100
_REACH_S = 0.5


@dataclass(frozen=True)
class Run:
    """One running runtime. `started` is in seconds since the epoch; `client` is who connected last, if anybody did."""

    pid: int
    graph: str
    composite: str
    transport: str
    started: float
    socket: str | None = None
    port: int | None = None
    url: str | None = None
    client: str | None = None
    supervised: bool = False
    secret: str = ""

    def __repr__(self) -> str:
        return f"Run(pid={self.pid}, graph={self.graph!r}, composite={self.composite!r})"


def folder() -> Path:
    """Return the folder of descriptions; it may not exist yet."""
    return paths.home() / "run"


def private_folder() -> Path:
    """Return the folder, made if need be, that nobody but the user can enter; raise `FusionError`."""
    return _private(folder())


def _private(there: Path) -> Path:
    try:
        there.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.name != "nt":
            state = there.lstat()
            if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.getuid():
                raise FusionError(f"{there} does not belong to you")
            if stat.S_IMODE(state.st_mode) != 0o700:
                there.chmod(0o700)
    except OSError as error:
        raise FusionError(f"{there} cannot be used: {error.strerror}") from None
    return there


def socket_path(pid: int) -> Path:
    """Return where a runtime's socket is to be, in a private folder in any case; raise `FusionError`."""
    wanted = folder() / f"{pid}.sock"
    if len(os.fsencode(wanted)) <= _PATH_LIMIT:
        return wanted
    home = hashlib.sha256(os.fsencode(folder())).hexdigest()[:12]
    return _private(_short_folder()) / f"{home}-{pid}.sock"


def _short_folder() -> Path:
    # Not $TMPDIR, which may be as long: a socket's address has to fit, whoever asks.
    return Path("/tmp") / f"fusion-{os.getuid()}"


def describe(run: Run) -> None:
    """Write, or replace, the description of a runtime; raise `FusionError`."""
    files.write_text(_description(run.pid), json.dumps(asdict(run), indent=2) + "\n", new_mode=0o600)


def forget(run: Run) -> None:
    """Remove what a runtime has left."""
    with contextlib.suppress(OSError):
        _description(run.pid).unlink()
    if run.socket is None:
        return
    place = Path(run.socket)
    if place.parent in {folder(), _short_folder()}:  # else no place of ours, whatever the description says
        with contextlib.suppress(OSError):
            place.unlink()


def alive() -> tuple[Run, ...]:
    """Return the runtimes that run now, oldest first; what dead ones have left is removed."""
    found: list[Run] = []
    for run in _described():
        try:
            _reach(run)
        except (FileNotFoundError, ConnectionRefusedError):
            forget(run)
        except OSError:
            continue
        else:
            found.append(run)
    return tuple(sorted(found, key=lambda run: run.started))


def _reach(run: Run) -> None:
    """Connect and hang up; raise `OSError` when nobody is there."""
    if run.socket is not None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_REACH_S)
            connection.connect(run.socket)
    elif run.port is not None:
        socket.create_connection(("127.0.0.1", run.port), _REACH_S).close()


def _described() -> tuple[Run, ...]:
    found: list[Run] = []
    for path in sorted(folder().glob("*.json")):
        try:
            data = json.loads(files.read_text(path))
            found.append(_run(data))
        except (FusionError, ValueError, TypeError, KeyError):
            continue  # being written, or of another version
    return tuple(found)


def _run(data: Mapping[str, Any]) -> Run:
    run = Run(**{key: value for key, value in data.items() if key in Run.__dataclass_fields__})
    if not isinstance(run.pid, int) or not isinstance(run.socket, str | None) or not isinstance(run.port, int | None):
        raise TypeError("not a description")
    return run


def _description(pid: int) -> Path:
    return folder() / f"{pid}.json"


def peer_is_us(connection: Any) -> bool:
    """Say whether the user at the other end of a Unix socket is ours, as far as the system tells."""
    uid = _peer_uid(connection)
    return uid is None or uid == os.getuid()


def _peer_uid(connection: Any) -> int | None:
    """Return the user at the other end; -1 when the system refuses to tell, None when it cannot."""
    try:
        if sys.platform == "linux":
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            return int(struct.unpack("3i", credentials)[1])
        if sys.platform == "darwin":
            # struct xucred of LOCAL_PEERCRED: a version, then the user.
            return int(struct.unpack_from("2I", connection.getsockopt(0, 1, 76))[1])
    except (OSError, struct.error):
        return -1
    return None  # the folder's permissions have to do
