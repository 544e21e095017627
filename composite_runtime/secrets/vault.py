"""The system keyring, asked in a way that cannot hang and never through a backend that keeps plain text."""

import contextlib
import os
import queue
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, TypeVar, cast

from composite_runtime.errors import FusionError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

SERVICE = "fusion"
LIMIT_S = 20.0

# Other backends exist that keep secrets in plain text or ask on the terminal, and one of them is used unasked as soon
# as its package is installed.
_TRUSTED = {"macOS", "Windows", "SecretService", "libsecret", "kwallet"}
# Windows stores at most 1280 characters. Half of that leaves room for characters that count twice.
_PART_LENGTH = 640
_PARTS_MARK = "fusion-parts:"


class VaultUnavailable(FusionError):
    """The system keyring is missing, locked, not trusted or does not answer."""


class Vault:
    """The system keyring under one service name; every call ends within `limit_s` seconds."""

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self._limit_s = limit_s
        self._turn = Lock()
        self._asked_at = 0.0

    def get(self, name: str) -> str | None:
        """Return the value stored under `name`, or None; raise `VaultUnavailable`."""
        return self._bounded(lambda backend: _get(backend, name))

    def set(self, name: str, value: str) -> None:
        """Store a value, replacing an earlier one; raise `VaultUnavailable`."""
        self._bounded(lambda backend: _set(backend, name, value))

    def delete(self, name: str) -> bool:
        """Remove what is stored under `name` and return whether there was anything; raise `VaultUnavailable`."""
        return self._bounded(lambda backend: _delete(backend, name))

    def _bounded(self, action: "Callable[[KeyringBackend], T]") -> T:
        # A locked keyring may ask the user in a dialog and block its caller until it is answered, so it is asked in a
        # thread of its own. One at a time: should a question stay open, no further thread ends up behind it.
        if self._is_stuck() or not self._turn.acquire(timeout=self._limit_s):
            raise _unanswered(self._limit_s)
        self._asked_at = time.monotonic()
        answers: queue.SimpleQueue[tuple[T | None, FusionError | None]] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answers.put((action(_backend()), None))
            except FusionError as error:
                answers.put((None, error))
            except BaseException as error:
                # Backends are foreign code: what comes up may be an error of D-Bus, of Windows or of the Keychain.
                answers.put((None, _explained(error)))
            finally:
                self._turn.release()

        Thread(target=ask, name="keyring", daemon=True).start()
        try:
            result, failure = answers.get(timeout=self._limit_s)
        except queue.Empty:
            raise _unanswered(self._limit_s) from None
        if failure is not None:
            raise failure
        return cast(T, result)

    def _is_stuck(self) -> bool:
        return self._turn.locked() and time.monotonic() - self._asked_at > self._limit_s


def _unanswered(limit_s: float) -> VaultUnavailable:
    return VaultUnavailable(
        f"the system keyring did not answer within {limit_s:g} seconds; it is probably locked and asks for its password"
        " in another window: unlock it and try again"
    )


def _explained(error: BaseException) -> VaultUnavailable:
    # By name, because the module of these classes is imported only in the thread.
    kind = type(error).__name__
    if kind in {"KeyringLocked", "InitError"}:
        return VaultUnavailable("the system keyring is locked")
    if kind == "NoKeyringError":
        return VaultUnavailable("this system has no keyring that is running")
    # The words of a foreign error may quote what was to be stored.
    return VaultUnavailable(f"the system keyring failed ({kind})")


def _backend() -> "KeyringBackend":
    _find_session_bus()
    import keyring

    chosen = keyring.get_keyring()
    for backend in getattr(chosen, "backends", [chosen]):
        module = type(backend).__module__
        if module.startswith("keyring.backends.") and module.rpartition(".")[2] in _TRUSTED:
            if module.endswith(".Windows"):
                # The default roams to other machines of a company's domain.
                backend.persist = "local machine"
            return cast("KeyringBackend", backend)
    kind = type(chosen)
    if kind.__module__ in {"keyring.backends.fail", "keyring.backends.chainer"}:
        raise VaultUnavailable("this system has no keyring that is running")
    raise VaultUnavailable(f"the keyring {kind.__module__}.{kind.__name__} is not one known to keep secrets safe")


def _find_session_bus() -> None:
    # Clients start servers with a handful of variables. Without this one the keyring of the session is not found.
    if not sys.platform.startswith("linux") or os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return
    bus = Path(f"/run/user/{os.getuid()}/bus")
    with contextlib.suppress(OSError):
        if bus.is_socket():
            os.environ["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={bus}"


def _get(backend: "KeyringBackend", name: str) -> str | None:
    value = backend.get_password(SERVICE, name)
    if value is None or not value.startswith(_PARTS_MARK):
        return value
    whole = "".join(backend.get_password(SERVICE, part) or "" for part in _parts_of(name, value))
    if not value.endswith(f":{_digest(whole)}"):
        raise VaultUnavailable(f"the secret {name!r} is damaged in the system keyring: store it again")
    return whole


def _set(backend: "KeyringBackend", name: str, value: str) -> None:
    before = _parts_of(name, backend.get_password(SERVICE, name))
    pieces = [value[start : start + _PART_LENGTH] for start in range(0, len(value), _PART_LENGTH)]
    is_split = len(pieces) > 1 or value.startswith(_PARTS_MARK)
    head = f"{_PARTS_MARK}{len(pieces)}:{_digest(value)}" if is_split else value
    parts = _parts_of(name, head)
    # The parts are named after the value, so that the old value stays whole until the head is replaced.
    for part, piece in zip(parts, pieces, strict=False):
        backend.set_password(SERVICE, part, piece)
    backend.set_password(SERVICE, name, head)
    for part in before:
        if part not in parts:
            _forget(backend, part)


def _delete(backend: "KeyringBackend", name: str) -> bool:
    parts = _parts_of(name, backend.get_password(SERVICE, name))
    was_there = _forget(backend, name)
    for part in parts:
        _forget(backend, part)
    return was_there


def _parts_of(name: str, head: str | None) -> tuple[str, ...]:
    if head is None or not head.startswith(_PARTS_MARK):
        return ()
    count, _, digest = head.removeprefix(_PARTS_MARK).partition(":")
    return tuple(f"{name}#{digest}.{part}" for part in range(int(count)))


def _forget(backend: "KeyringBackend", name: str) -> bool:
    from keyring.errors import PasswordDeleteError

    try:
        backend.delete_password(SERVICE, name)
    except PasswordDeleteError:
        return False
    return True


def _digest(value: str) -> str:
    return sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:16]
