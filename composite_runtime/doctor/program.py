"""The checks before anything is started: the command and its PATH, the interpreter, the version, the folder."""

import asyncio
import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from composite_runtime import secrets
from composite_runtime.child.spawn import environment, is_searched_widely
from composite_runtime.doctor.findings import Check, Finding, Fix, Step, failed, passed, skipped, warned
from composite_runtime.errors import FusionError
from composite_runtime.graph.model import StdioTransport
from composite_runtime.interop.login_path import login_shell_path, usual_folders
from composite_runtime.interop.needs import FLOORS, INSTALL, VERSION_LIMIT_S
from composite_runtime.tasks import Tasks

OWN = "composite-runtime"
"""The command that always means this installation's runtime."""

_ENOUGH = 8 * 1024


def child_environment(transport: StdioTransport) -> dict[str, str]:
    """Return the environment the child will get, as far as its references have values. It may ask the login shell."""
    env = _resolved(transport, environment())
    if transport.command != OWN and is_searched_widely(transport) and found_program(transport, env) is None:
        wider = _resolved(transport, environment(login_shell_path()))
        env = wider if found_program(transport, wider) is not None else env
    return env


def _resolved(transport: StdioTransport, env: dict[str, str]) -> dict[str, str]:
    for name, value in transport.env.items():
        try:
            env[name] = secrets.resolve(value)
        except FusionError:
            continue  # the check of references says so
    return env


def folder_of(transport: StdioTransport) -> Path | None:
    """Return the child's working folder, if one is set."""
    return Path(transport.cwd).expanduser() if transport.cwd else None


def found_program(transport: StdioTransport, env: Mapping[str, str]) -> str | None:
    """Return the absolute path of the program that will be started."""
    wanted, cwd = os.path.expanduser(transport.command), folder_of(transport)
    if cwd is not None and os.sep in wanted and not os.path.isabs(wanted):
        wanted = str(cwd / wanted)
    return shutil.which(wanted, path=env.get("PATH"))


async def check_command(transport: StdioTransport, env: Mapping[str, str]) -> Check:
    """Say where the command is, or why it cannot be started."""
    command = transport.command.strip()
    if command == OWN:
        return passed(Step.COMMAND, "it is this installation's own runtime")
    found = found_program(transport, env)
    if found is not None:
        return _check_interpreter(Path(found), env)
    finding = _mistyped(command, env)
    return failed(Step.COMMAND, finding) if finding is not None else await _check_elsewhere(command, env)


def _mistyped(command: str, env: Mapping[str, str]) -> Finding | None:
    """Return what is wrong with a command that need not be looked for elsewhere."""
    path = Path(os.path.expanduser(command))
    if _has_folder(command) and path.exists():
        return _not_startable(path)
    parts = _split(command)
    if len(parts) > 1 and shutil.which(os.path.expanduser(parts[0]), path=env.get("PATH")):
        message = f"the command is a whole command line: {command}"
        remedy = f"Enter {parts[0]!r} as the command, and the rest as arguments."
        return Finding("command-has-arguments", message, remedy, (Fix("split-command", command),))
    if _has_folder(command):
        return Finding("command-missing", f"{command} does not exist", "Correct the path.", (Fix("choose-command"),))
    return None


async def _check_elsewhere(command: str, env: Mapping[str, str]) -> Check:
    """Look for a command that is not on the child's PATH where a terminal would find it."""
    ours = env.get("PATH", os.defpath)
    login = await asyncio.to_thread(login_shell_path)
    seen = [f"PATH of the server: {ours}", f"PATH of your login shell: {login or 'could not be asked for'}"]
    for where, searched in (
        ("on the PATH of your login shell", login),
        ("in a usual folder", os.pathsep.join(usual_folders())),
    ):
        found = shutil.which(command, path=searched) if searched else None
        if found is not None:
            folder = str(Path(found).parent)
            finding = Finding(
                "command-elsewhere",
                f"{command!r} is {where}, at {found}, but not on the PATH servers get",
                f"Add {folder} to PATH in the server's environment, or enter the whole path as the command.",
                (Fix("add-to-path", folder), Fix("use-absolute-path", found)),
            )
            return failed(Step.COMMAND, finding, *seen)
    name, package = INSTALL.get(command, ("", ""))
    remedy = f"Install {name}, which brings it." if name else "Install it, or enter its whole path."
    fixes = (Fix("install", package),) if package else (Fix("choose-command"),)
    finding = Finding("command-missing", f"{command!r} is not installed, or not where it could be found", remedy, fixes)
    return failed(Step.COMMAND, finding, *seen)


def _split(command: str) -> list[str]:
    try:
        return shlex.split(command, posix=sys.platform != "win32")
    except ValueError:
        return [command]


def _has_folder(command: str) -> bool:
    return os.sep in command or (sys.platform == "win32" and "/" in command) or command.startswith("~")


def _not_startable(path: Path) -> Finding:
    if path.is_dir():
        return Finding(
            "command-is-folder",
            f"{path} is a folder, not a program",
            "Enter the program in it.",
            (Fix("choose-command"),),
        )
    return Finding(
        "not-executable",
        f"{path} may not be executed",
        f"Allow it with `chmod +x {path}`, or enter the interpreter as the command and this file as its argument.",
        (Fix("make-executable", str(path)),),
    )


def _check_interpreter(program: Path, env: Mapping[str, str]) -> Check:
    """Pass a program that is there, unless it is a script whose interpreter is not."""
    try:
        with program.open("rb") as file:
            head = file.read(512)
    except OSError:
        return passed(Step.COMMAND, f"it is {program}")
    if not head.startswith(b"#!") or sys.platform == "win32":
        return passed(Step.COMMAND, f"it is {program}")
    line = head[2:].split(b"\n")[0].decode("utf-8", "replace")
    words = line.split()
    wanted = words[0] if words else ""
    if line.endswith("\r"):
        finding = Finding(
            "windows-line-ends",
            f"{program} was saved with the line ends of Windows, so its interpreter is not found",
            f"Save it with Unix line ends, for instance with `sed -i 's/\\r$//' {program}`.",
            (Fix("convert-line-ends", str(program)),),
        )
        return failed(Step.COMMAND, finding, f"#!{line!r}")
    if Path(wanted).name == "env":
        named = next((word for word in words[1:] if not word.startswith("-") and "=" not in word), "")
        missing = named if named and shutil.which(named, path=env.get("PATH")) is None else ""
    else:
        missing = "" if os.access(wanted, os.X_OK) else wanted
    if not missing:
        return passed(Step.COMMAND, f"it is {program}, run by {' '.join(words)}")
    finding = Finding(
        "interpreter-missing",
        f"{program} is to be run by {missing}, which is not there",
        "Install the interpreter, or correct the first line of the script.",
        (Fix("install", Path(missing).name),),
    )
    return failed(Step.COMMAND, finding, f"#!{line}")


async def check_version(program: str | None, env: Mapping[str, str]) -> Check:
    """Say which version of Node.js, Python, uv … will run the server, and warn of one that is too old."""
    name = re.sub(r"[\d.]+$", "", Path(program or "").name.lower().removesuffix(".exe").removesuffix(".cmd"))
    if program is None or name not in FLOORS:
        return skipped(Step.VERSION, "it is no program whose versions are known here")
    runtime, floor = FLOORS[name]
    asked = program if name == runtime else _beside(program, runtime, env)
    said = await _version_of(asked, env) if asked else None
    match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", said or "")
    if match is None or asked is None:
        return skipped(Step.VERSION, f"{runtime} did not say its version")
    version = tuple(int(part) for part in match.groups() if part)
    if version >= floor:
        return passed(Step.VERSION, f"{runtime} {match[0]}, at {asked}")
    least = ".".join(map(str, floor))
    finding = Finding(
        "runtime-too-old",
        f"{runtime} {match[0]} at {asked} is too old: most servers need {least} or later",
        f"Install {runtime} {least} or later.",
        (Fix("update", runtime),),
    )
    return warned(Step.VERSION, finding)


def _beside(program: str, runtime: str, env: Mapping[str, str]) -> str | None:
    return shutil.which(runtime, path=env.get("PATH")) or shutil.which(runtime, path=str(Path(program).parent))


async def _version_of(program: str, env: Mapping[str, str]) -> str | None:
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "--version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(env),
        )
    except OSError:
        return None
    assert process.stdout is not None
    tasks = Tasks()
    try:
        reading = tasks.start(process.stdout.read(_ENOUGH))
        await asyncio.wait([reading], timeout=VERSION_LIMIT_S)
        return reading.result().decode("utf-8", "replace") if reading.done() else None
    finally:
        await tasks.close()
        if process.returncode is None:
            try:
                async with asyncio.timeout(1.0):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


def check_folder(transport: StdioTransport) -> Check:
    """Say whether the working folder is there."""
    folder = folder_of(transport)
    if folder is None:
        return skipped(Step.FOLDER, "none is set")
    if folder.is_dir() and os.access(folder, os.X_OK):
        return passed(Step.FOLDER, f"it is {folder}")
    if folder.is_dir():
        words = Finding(
            "folder-not-allowed", f"you may not enter {folder}", "Choose another one.", (Fix("set-folder"),)
        )
    elif folder.exists():
        words = Finding("folder-is-file", f"{folder} is not a folder", "Enter a folder.", (Fix("set-folder"),))
    else:
        words = Finding(
            "folder-missing", f"{folder} does not exist", "Make it, or enter another one.", (Fix("set-folder"),)
        )
    return failed(Step.FOLDER, words)
