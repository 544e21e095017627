"""Starting the `.cmd` and `.bat` files of Windows, through which npm's programs come, so that no argument is a command.

Windows hands such a file to its command interpreter, which reads the arguments once more, by rules of its own. Where
possible the program behind the file is started instead; else each argument is quoted for the interpreter.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import PureWindowsPath

from composite_runtime.errors import ChildError

_SHIM = re.compile(r'"%_prog%"\s+"%(?:~dp0|dp0%)\\?(?P<script>[^"%]+\.[cm]?js)"\s+%\*', re.IGNORECASE)
_OF_NPM = {"npx": "npx-cli.js", "npm": "npm-cli.js"}
# What the interpreter leaves alone; everything else makes an argument one to be quoted.
_PLAIN = re.compile(r"[A-Za-z0-9#$*+\-./:?@\\_]+")


def is_batch(program: str) -> bool:
    """Tell whether Windows would hand the program to its command interpreter."""
    return PureWindowsPath(program).suffix.lower() in {".cmd", ".bat"}


def behind(
    program: str, read: Callable[[str], str | None], find: Callable[[str], str | None]
) -> tuple[str, ...] | None:
    """Return Node and the script that a file made by npm would start, or None if it is another kind of file.

    `read` returns a file's text, `find` the place of a program; both return None where there is nothing.
    """
    path = PureWindowsPath(program)
    if path.stem.lower() in _OF_NPM:
        script = path.parent / "node_modules" / "npm" / "bin" / _OF_NPM[path.stem.lower()]
    else:
        match = _SHIM.search(read(program) or "")
        if match is None:
            return None
        script = path.parent / match["script"].lstrip("\\")
    beside = str(path.parent / "node.exe")
    node = beside if read(beside) is not None else find("node.exe")
    return (node, str(script)) if node is not None and read(str(script)) is not None else None


def command_line(program: str, args: Sequence[str]) -> str:
    """Return the words after `cmd.exe /c` that start the file with exactly these arguments.

    Raises:
        ChildError: an argument holds what the interpreter would take for the end of the line.
    """
    if '"' in program or program.endswith("\\"):
        raise ChildError(f"{program} cannot be started: it is no name of a file")
    return " ".join([f'"{program}"', *(_quoted(program, arg) for arg in args)])


def _quoted(program: str, arg: str) -> str:
    if any(sign in arg for sign in "\r\n\0"):
        raise ChildError(f"{program} cannot be given an argument that has several lines; give it in a variable or file")
    if _PLAIN.fullmatch(arg) and not arg.endswith("\\"):
        return arg
    # Backslashes before a quote are halved by the program that reads the line, a doubled quote is one quote, and
    # a per cent sign would begin a variable: an empty piece of one that always exists takes its meaning away.
    text = re.sub(r'(\\*)("|$)', lambda match: match[1] * 2 + match[2] * 2, arg)
    return f'"{text.replace("%", "%%cd:~,%")}"'
