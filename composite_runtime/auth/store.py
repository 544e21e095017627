"""Where grants are kept: the tokens with the secrets, and beside them a file that says which servers they are for.

The file holds no secret. A running program sees by it, without asking the keyring, that somebody has signed in or out,
and a sign-in finds in it what a running program was refused for want of.
"""

import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from composite_runtime import files, paths, secrets
from composite_runtime.auth.challenge import Challenge
from composite_runtime.auth.errors import CannotKeep, Unreachable
from composite_runtime.auth.grant import Grant
from composite_runtime.errors import FusionError
from composite_runtime.locks import only_writer

_TURN_S = 30.0


@dataclass(frozen=True)
class Entry:
    """One server somebody has signed in to; `stamp` changes with each sign-in, `place` says where the tokens are."""

    url: str
    issuer: str
    scope: str | None
    since: float
    stamp: str
    place: str


def index_path() -> Path:
    """Return where the file is, or would be."""
    return paths.home() / "sign-ins.json"


def stamp(path: str) -> tuple[int, int]:
    """Return what changes whenever the file at `path` does; asked before each request, so it costs next to nothing."""
    try:
        status = os.stat(path)
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_ino


def entries() -> dict[str, Entry]:
    """Return the servers somebody has signed in to, by the URL their nodes name."""
    found = {}
    for url, data in _read()["servers"].items():
        try:
            found[url] = Entry(url, **data)
        except TypeError:
            continue
    return found


def check_keyring() -> None:
    """Raise `CannotKeep` when the keyring would not take anything, as far as can be told beforehand."""
    try:
        secrets.check_keyring()
    except FusionError as error:
        raise CannotKeep(f"{error}; the sign-in can be kept in a private file in {paths.home()} instead") from None


def keep(url: str, grant: Grant, *, in_file: bool = False) -> None:
    """Keep what a sign-in was granted; raise `CannotKeep`."""
    try:
        secrets.keep_token(_name(url), grant.to_text(), in_file=in_file)
    except FusionError as error:
        raise CannotKeep(f"the sign-in cannot be kept: {error}") from None
    now = time.time()
    mark = sha256(grant.access_token.encode()).hexdigest()[:16]
    entry = Entry(url, grant.issuer, grant.scope or grant.asked, now, mark, "file" if in_file else "keyring")
    with _changing() as data:
        data["servers"][url] = {key: value for key, value in asdict(entry).items() if key != "url"}
        data["wanted"].pop(url, None)


def keep_renewed(url: str, old: Grant, grant: Grant) -> None:
    """Keep fresh tokens of a sign-in that still stands; raise `CannotKeep`."""
    entry = entries().get(url)
    if entry is None:
        return
    try:
        kept = fetch(url)
        if kept is not None and kept.access_token != old.access_token:
            return  # somebody has signed in anew meanwhile
        secrets.keep_token(_name(url), grant.to_text(), in_file=entry.place == "file")
    except FusionError as error:
        raise CannotKeep(f"fresh tokens cannot be kept: {error}") from None


def fetch(url: str) -> Grant | None:
    """Return what was granted for a server, None when nobody is signed in; raise `FusionError` if it cannot be read."""
    entry = entries().get(url)
    if entry is None:
        return None
    text = secrets.token(_name(url), in_file=entry.place == "file")
    grant = Grant.from_text(text) if text is not None else None
    if grant is not None:
        for value in grant.secrets:
            secrets.conceal(value, "[token]")
    return grant


def forget(url: str) -> bool:
    """Forget a sign-in and return whether there was one; raise `FusionError`."""
    entry = entries().get(url)
    with _changing() as data:
        data["servers"].pop(url, None)
        data["wanted"].pop(url, None)
    if entry is not None:
        secrets.forget_token(_name(url), in_file=entry.place == "file")
    return entry is not None


def want(url: str, challenge: Challenge) -> None:
    """Write down what a server asked for, for the next sign-in."""
    asked = {"resource_metadata": challenge.resource_metadata, "scope": challenge.scope}
    if _read()["wanted"].get(url) != asked:
        with _changing() as data:
            data["wanted"][url] = asked


def wanted(url: str) -> Challenge:
    """Return what a server asked for when it last refused a running program."""
    data = _read()["wanted"].get(url)
    if not isinstance(data, dict):
        return Challenge()
    texts = {name: data[name] for name in ("resource_metadata", "scope") if isinstance(data.get(name), str)}
    return Challenge(True, **texts)


@asynccontextmanager
async def only_renewer(url: str) -> AsyncIterator[None]:
    """Keep other processes from renewing the same tokens: an old refresh token used twice may void all of them."""
    # Imported late because serving a graph needs no lock.
    from filelock import AsyncFileLock, Timeout

    folder = paths.home() / "locks"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = AsyncFileLock(folder / f"{_name(url)[1:33]}.lock", timeout=_TURN_S, run_in_executor=False)
    try:
        await lock.acquire()
    except Timeout:
        raise Unreachable("another Fusion process is renewing the sign-in and does not finish") from None
    try:
        yield
    finally:
        await lock.release()


def _name(url: str) -> str:
    # No reference can name it, since it is no name a secret of the user may have: tokens go to their own server only.
    return f"~{sha256(url.encode()).hexdigest()[:40]}"


def _read() -> dict[str, dict[str, Any]]:
    try:
        data = json.loads(files.read_text(index_path()))
    except (FusionError, ValueError):
        data = None
    parts = data if isinstance(data, dict) else {}
    return {
        part: {url: value for url, value in parts.get(part, {}).items() if isinstance(value, dict)}
        if isinstance(parts.get(part), dict)
        else {}
        for part in ("servers", "wanted")
    }


@contextmanager
def _changing() -> Iterator[dict[str, dict[str, Any]]]:
    """Change the file while nobody else does."""
    with only_writer(index_path()):
        data = _read()
        yield data
        files.write_text(index_path(), json.dumps(data, indent=2, ensure_ascii=False) + "\n", new_mode=0o600)
