"""The PATH of the user's login shell, which programs started from a dock, a menu or a client often lack."""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

_MARK = "fusion-path="
_LIMIT_S = 5.0

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


async def login_shell_path(limit_s: float = _LIMIT_S) -> str | None:
    """Return the PATH a new terminal would have, or None where it cannot be asked for."""
    shell = os.environ.get("SHELL", "")
    if sys.platform == "win32" or not os.access(shell, os.X_OK):
        return None
    kept = ("HOME", "USER", "LOGNAME", "LANG", "XDG_CONFIG_HOME", "ZDOTDIR")
    env = {name: os.environ[name] for name in kept if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        shell,
        "-l",
        "-i",
        "-c",
        f'printf "\\n{_MARK}%s\\n" "$PATH"',
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**env, "SHELL": shell, "TERM": "dumb", "PATH": os.defpath},
        start_new_session=True,  # an interactive shell would take the terminal away from us
    )
    try:
        async with asyncio.timeout(limit_s):
            said, _ = await process.communicate()
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    lines = said.decode("utf-8", "replace").splitlines()
    return next((line.removeprefix(_MARK) for line in reversed(lines) if line.startswith(_MARK)), None)


def usual_folders() -> tuple[str, ...]:
    """Return the folders that exist in which programs lie although they are on nobody's PATH, the newest first."""
    usual = _USUAL_WINDOWS if sys.platform == "win32" else _USUAL
    nvm = sorted(Path(os.path.expanduser(_NVM)).glob("v*/bin"), key=_version, reverse=True)
    folders = [os.path.expandvars(os.path.expanduser(folder)) for folder in usual] + [str(folder) for folder in nvm]
    return tuple(folder for folder in folders if os.path.isdir(folder))


def _version(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in folder.parent.name.lstrip("v").split(".") if part.isdecimal())
