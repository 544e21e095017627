"""The PATH of the user's login shell, which programs started from a dock, a menu or a client often lack."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from composite_runtime import files, paths
from composite_runtime.errors import FusionError

_MARK = b"fusion-path="
_LIMIT_S = 5.0
_FAREWELL_S = 0.5
_LOOK_S = 0.1
_LARGEST = 1 << 20

# Where installers put programs without a shell knowing of it.
_USUAL = (
    "/opt/homebrew/bin", "/usr/local/bin", "~/.local/bin", "~/.cargo/bin", "~/.bun/bin", "~/.deno/bin", "~/.volta/bin",
    "~/.local/share/mise/shims", "~/.asdf/shims", "~/.pyenv/shims", "/home/linuxbrew/.linuxbrew/bin", "/snap/bin",
)  # fmt: skip
_USUAL_WINDOWS = (
    r"%ProgramFiles%\nodejs", r"%APPDATA%\npm", r"%USERPROFILE%\.local\bin", r"%LOCALAPPDATA%\Programs\Python\Launcher",
    r"%USERPROFILE%\.bun\bin", r"%USERPROFILE%\.deno\bin", r"%ProgramFiles%\Docker\Docker\resources\bin",
)  # fmt: skip
_NVM = "~/.nvm/versions/node"
_KEPT = ("HOME", "USER", "LOGNAME", "LANG", "XDG_CONFIG_HOME", "ZDOTDIR")

_lock = threading.Lock()
_given_up = threading.Event()
_answers: dict[tuple[str, str], str | None] = {}


def login_shell_path(limit_s: float = _LIMIT_S) -> str | None:
    """Return the PATH a new terminal would have, or None where it cannot be asked for.

    The shell is asked once in the life of this process, for at most `limit_s`. It blocks: call it in a thread.
    """
    shell = os.environ.get("SHELL", "")
    if sys.platform == "win32" or not os.access(shell, os.X_OK):
        return None
    key = (shell, os.environ.get("HOME", ""))
    with _lock:
        if key not in _answers:
            _answers[key] = _asked(shell, limit_s)
            _keep(shell, _answers[key])
        return _answers[key]


def give_up() -> None:
    """Let whoever waits for the shell go at once, because this program ends; nothing is asked any more."""
    _given_up.set()


def remembered() -> str | None:
    """Return what the login shell has answered last, in this process or an earlier one, without asking it."""
    shell = os.environ.get("SHELL", "")
    if (known := _answers.get((shell, os.environ.get("HOME", "")))) is not None:
        return known
    try:
        kept = json.loads(files.read_text(_file()))
        return str(kept["path"]) if kept["shell"] == shell and isinstance(kept["path"], str) else None
    except (FusionError, ValueError, KeyError, TypeError):
        return None


def joined(*searched: str | None) -> str:
    """Return one PATH of several: each folder once, where it comes first."""
    folders = (folder for path in searched if path for folder in path.split(os.pathsep) if folder)
    return os.pathsep.join(dict.fromkeys(folders))


def usual_folders() -> tuple[str, ...]:
    """Return the folders that exist in which programs lie although they are on nobody's PATH, the newest first."""
    usual = _USUAL_WINDOWS if sys.platform == "win32" else _USUAL
    nvm = sorted(Path(os.path.expanduser(_NVM)).glob("v*/bin"), key=_version, reverse=True)
    folders = [os.path.expandvars(os.path.expanduser(folder)) for folder in usual] + [str(folder) for folder in nvm]
    return tuple(folder for folder in folders if os.path.isdir(folder))


def _version(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in folder.parent.name.lstrip("v").split(".") if part.isdecimal())


def _file() -> Path:
    return paths.home() / "login-path.json"


def _keep(shell: str, path: str | None) -> None:
    if path is None:
        return
    # Without it the shell is only asked once more.
    with contextlib.suppress(FusionError, OSError):
        files.write_text(_file(), json.dumps({"shell": shell, "path": path}))


def _asked(shell: str, limit_s: float) -> str | None:
    env = {name: os.environ[name] for name in _KEPT if name in os.environ}
    try:
        process = subprocess.Popen(
            # Interactive, because version managers are set up in the files only interactive shells read.
            [shell, "-l", "-i", "-c", f'printf "\\n{_MARK.decode()}%s\\n" "$PATH"'],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**env, "SHELL": shell, "TERM": "dumb", "PATH": os.defpath},
            start_new_session=True,  # an interactive shell would take the terminal away from us
        )
    except OSError:
        return None
    assert process.stdout is not None
    try:
        return _answer(process.stdout.fileno(), time.monotonic() + limit_s)
    finally:
        process.stdout.close()
        _end(process)


def _answer(pipe: int, deadline: float) -> str | None:
    """Read up to the marked line; what a shell's start leaves running may hold the pipe open for ever."""
    said = b""
    with selectors.DefaultSelector() as waiting:
        waiting.register(pipe, selectors.EVENT_READ)
        while (rest := deadline - time.monotonic()) > 0 and len(said) < _LARGEST and not _given_up.is_set():
            if not waiting.select(min(rest, _LOOK_S)):
                continue
            chunk = os.read(pipe, 65536)
            said += chunk
            _, mark, tail = said.rpartition(b"\n" + _MARK)
            if mark and b"\n" in tail:
                return tail.split(b"\n")[0].decode("utf-8", "replace") or None
            if not chunk:
                return None
    return None


def _end(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(0.0 if _given_up.is_set() else _FAREWELL_S)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
