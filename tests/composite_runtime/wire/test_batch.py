"""Arguments of batch files on Windows reach the program as they are, by the rules of both who read them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composite_runtime.errors import ChildError
from composite_runtime.wire import batch

NPX = r"C:\Program Files\nodejs\npx.cmd"
NODE = r"C:\Program Files\nodejs\node.exe"
SHIM = r"C:\Users\me\AppData\Roaming\npm\server.cmd"
SHIM_TEXT = """@ECHO off
GOTO start
:find_dp0
SET dp0=%~dp0
EXIT /b
:start
SETLOCAL
CALL :find_dp0
IF EXIST "%dp0%\\node.exe" (
  SET "_prog=%dp0%\\node.exe"
) ELSE (
  SET "_prog=node"
  SET PATHEXT=%PATHEXT:;.JS;=;%
)
endLocal & goto #_undefined_# 2>NUL || title %COMSPEC% & "%_prog%"  "%dp0%\\node_modules\\server\\dist\\cli.js" %*
"""


def read_by_interpreter(line: str) -> str:
    """Return the line as cmd.exe passes it on; fail where it would do something of its own."""
    is_quoted = False
    for sign in line:
        if sign == '"':
            is_quoted = not is_quoted
        assert is_quoted or sign not in "&|<>^()!\n", f"{sign} is not quoted in {line}"
    assert not is_quoted
    assert "%" not in line.replace("%%cd:~,%", "")
    return line.replace("%%cd:~,%", "%")


def read_by_program(line: str) -> list[str]:
    """Return the arguments as the C runtime of Windows reads them."""
    words: list[str] = []
    word, is_quoted, at = None, False, 0
    while at < len(line):
        slashes = len(line[at:]) - len(line[at:].lstrip("\\"))
        at += slashes
        sign = line[at : at + 1]
        if sign == '"':
            word = (word or "") + "\\" * (slashes // 2)
            if slashes % 2:
                word += '"'
            elif is_quoted and line[at + 1 : at + 2] == '"':
                word += '"'
                at += 1
            else:
                is_quoted = not is_quoted
        else:
            word = (word or "") + "\\" * slashes if slashes or word is not None else None
            if sign in {" ", "\t"} and not is_quoted:
                if word is not None:
                    words.append(word)
                word = None
            elif sign:
                word = (word or "") + sign
        at += 1
    return words + ([word] if word is not None else [])


@given(st.lists(st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=("Cs",)))))
def test_every_argument_arrives_as_it_was_given(args: list[str]) -> None:
    assert read_by_program(read_by_interpreter(batch.command_line(NPX, args))) == [NPX, *args]


@pytest.mark.parametrize("arg", ['a"&calc', "%PATH%", "a & b", "x^y", "", 'C:\\a\\"', "C:\\folder\\", "!v!", "ä ü"])
def test_what_means_something_to_the_interpreter_stays_text(arg: str) -> None:
    assert read_by_program(read_by_interpreter(batch.command_line(SHIM, [arg, "end"]))) == [SHIM, arg, "end"]


@pytest.mark.parametrize("arg", ["one\ntwo", "one\rtwo", "zero\0"])
def test_an_argument_of_several_lines_is_refused(arg: str) -> None:
    with pytest.raises(ChildError, match="several lines"):
        batch.command_line(NPX, [arg])


def test_plain_arguments_stay_readable() -> None:
    line = batch.command_line(NPX, ["-y", "@scope/server@1.2.3", "a=b"])
    # An equals sign parts arguments of a batch file, so it is quoted.
    assert line == rf'"{NPX}" -y @scope/server@1.2.3 "a=b"'


def test_only_batch_files_are_batch_files() -> None:
    assert [batch.is_batch(name) for name in ("npx.CMD", "x.bat", "node.exe", "npx")] == [True, True, False, False]


def test_npx_is_replaced_by_what_it_starts() -> None:
    script = r"C:\Program Files\nodejs\node_modules\npm\bin\npx-cli.js"
    files = {NODE: "", script: ""}
    assert batch.behind(NPX, files.get, {}.get) == (NODE, script)
    assert batch.behind(NPX, {script: ""}.get, {"node.exe": "N"}.get) == ("N", script)
    assert batch.behind(NPX, {}.get, {}.get) is None


def test_a_program_installed_by_npm_is_replaced_by_what_it_starts() -> None:
    script = r"C:\Users\me\AppData\Roaming\npm\node_modules\server\dist\cli.js"
    files = {SHIM: SHIM_TEXT, script: ""}
    assert batch.behind(SHIM, files.get, {"node.exe": NODE}.get) == (NODE, script)
    assert batch.behind(SHIM, {SHIM: re.sub("%_prog%", "python", SHIM_TEXT)}.get, {"node.exe": NODE}.get) is None
