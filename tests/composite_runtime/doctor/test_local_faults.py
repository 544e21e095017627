"""Each way in which a local server fails to start, made real by a process, is told apart and answered with help."""

import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import keyring.backends.fail
import pytest

from composite_runtime.doctor import Diagnosis, Outcome, Patience, Step, examine
from composite_runtime.graph.model import ServerNode
from tests.support.graphs import ROOT

QUICK = Patience(opening_s=20.0, lists_s=20.0, reaching_s=5.0)
HASTY = Patience(opening_s=0.8, lists_s=0.8, reaching_s=0.8)


def node(command: str, *args: str, **fields: Any) -> ServerNode:
    own = {key: fields.pop(key) for key in ("env", "cwd") if key in fields}
    transport = {"type": "stdio", "command": command, "args": args, **own}
    return ServerNode.model_validate({"id": "it", "name": "It", "transport": transport, **fields})


def python(script: str, **fields: Any) -> ServerNode:
    return node(sys.executable, "-c", script, **fields)


def badly(**script: Any) -> ServerNode:
    """Return a server that misbehaves as the script of `raw_child` says."""
    era = script.pop("era", "auto")
    return node(sys.executable, "-m", "tests.servers.raw_child", json.dumps(script), cwd=str(ROOT), era=era)


def script_file(folder: Path, name: str, text: str, mode: int = 0o755) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    path.chmod(mode)
    return path


async def diagnosed(server: ServerNode, patience: Patience = QUICK) -> tuple[Diagnosis, str, Step, list[str]]:
    diagnosis = await examine(server, patience=patience)
    worst = diagnosis.worst
    assert worst is not None
    assert worst.finding is not None
    assert worst.finding.remedy
    return diagnosis, worst.finding.fault, worst.step, [str(fix) for fix in worst.finding.fixes]


async def test_a_healthy_server_passes_every_check() -> None:
    diagnosis = await examine(badly(), patience=QUICK)

    assert diagnosis.is_healthy
    assert diagnosis.fault is None
    assert [check.outcome for check in diagnosis.checks].count(Outcome.FAILED) == 0
    assert "tools" in diagnosis.checks[-1].message


async def test_a_modern_server_is_healthy_too() -> None:
    diagnosis = await examine(badly(speaks="modern"), patience=QUICK)

    assert diagnosis.is_healthy
    assert "2026-07-28" in next(check.message for check in diagnosis.checks if check.step is Step.ERA)


# Before it is started.


async def test_a_command_that_is_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHELL", raising=False)
    _, fault, step, fixes = await diagnosed(node("npx-of-nobody"))
    assert (fault, step, fixes) == ("command-missing", Step.COMMAND, ["choose-command"])


async def test_a_missing_well_known_command_is_answered_with_what_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHELL", raising=False)
    monkeypatch.setattr("composite_runtime.doctor.program.usual_folders", tuple)
    _, fault, _, fixes = await diagnosed(node("uvx", env={"PATH": str(tmp_path)}))
    assert (fault, fixes) == ("command-missing", ["install uv"])


async def test_a_command_that_only_the_login_shell_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "hidden"
    folder.mkdir()
    tool = script_file(folder, "my-server", "#!/bin/sh\n")
    shell = script_file(tmp_path, "shell", f'#!/bin/sh\necho Welcome\nPATH={folder}:$PATH; eval "$4"\n')
    monkeypatch.setenv("SHELL", str(shell))

    diagnosis, fault, _, fixes = await diagnosed(node("my-server", env={"PATH": str(tmp_path)}))

    assert fault == "command-elsewhere"
    assert fixes == [f"add-to-path {folder}", f"use-absolute-path {tool}"]
    assert f"login shell: {folder}" in "\n".join(diagnosis.checks[0].detail)


async def test_a_command_of_the_login_shell_needs_no_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "hidden"
    folder.mkdir()
    tool = script_file(folder, "my-server", f"#!/bin/sh\nexec {sys.executable} -m tests.servers.raw_child '{{}}'\n")
    shell = script_file(tmp_path, "shell", f'#!/bin/sh\nPATH={folder}:$PATH; eval "$4"\n')
    monkeypatch.setenv("SHELL", str(shell))

    diagnosis = await examine(node("my-server", cwd=str(ROOT)), patience=QUICK)

    assert diagnosis.is_healthy
    assert diagnosis.checks[0].message == f"it is {tool}, run by /bin/sh"


async def test_a_command_line_in_place_of_a_command() -> None:
    _, fault, _, fixes = await diagnosed(node(f"{sys.executable} -m server"))
    assert (fault, fixes) == ("command-has-arguments", [f"split-command {sys.executable} -m server"])


async def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    _, fault, _, _ = await diagnosed(node(str(tmp_path / "gone")))
    assert fault == "command-missing"


async def test_a_file_that_may_not_be_executed(tmp_path: Path) -> None:
    path = script_file(tmp_path, "server", "#!/bin/sh\n", 0o644)
    _, fault, _, fixes = await diagnosed(node(str(path)))
    assert (fault, fixes) == ("not-executable", [f"make-executable {path}"])


async def test_a_folder_in_place_of_a_program(tmp_path: Path) -> None:
    _, fault, _, _ = await diagnosed(node(str(tmp_path)))
    assert fault == "command-is-folder"


@pytest.mark.parametrize("line", ["#!/opt/no/such/python3", "#!/usr/bin/env no-such-interpreter"])
async def test_a_script_whose_interpreter_is_missing(tmp_path: Path, line: str) -> None:
    path = script_file(tmp_path, "server", f"{line}\nprint()\n")
    _, fault, step, fixes = await diagnosed(node(str(path)))
    assert (fault, step) == ("interpreter-missing", Step.COMMAND)
    assert fixes[0].startswith("install ")


async def test_a_script_with_the_line_ends_of_windows(tmp_path: Path) -> None:
    path = script_file(tmp_path, "server", "#!/bin/sh\r\necho\r\n")
    _, fault, _, _ = await diagnosed(node(str(path)))
    assert fault == "windows-line-ends"


async def test_a_file_that_is_no_program(tmp_path: Path) -> None:
    path = script_file(tmp_path, "server", "just text\n")
    _, fault, step, _ = await diagnosed(node(str(path)))
    assert (fault, step) == ("not-a-program", Step.SPAWN)


async def test_a_working_folder_that_is_not_there(tmp_path: Path) -> None:
    _, fault, step, _ = await diagnosed(python("", cwd=str(tmp_path / "gone")))
    assert (fault, step) == ("folder-missing", Step.FOLDER)


async def test_a_working_folder_that_is_a_file(tmp_path: Path) -> None:
    _, fault, _, _ = await diagnosed(python("", cwd=str(script_file(tmp_path, "file", ""))))
    assert fault == "folder-is-file"


@pytest.fixture
def empty_keyring() -> Iterator[None]:
    class Empty(keyring.backends.fail.Keyring):
        __module__ = "keyring.backends.SecretService"
        priority = -1

        def get_password(self, service: str, username: str, msg: str | None = None) -> None:
            return None

    before = keyring.get_keyring()
    keyring.set_keyring(Empty())
    yield
    keyring.set_keyring(before)


async def test_a_secret_that_is_stored_nowhere(empty_keyring: None) -> None:
    _, fault, step, fixes = await diagnosed(python("", env={"TOKEN": "${secret:weather}"}))
    assert (fault, step, fixes) == ("secret-missing", Step.REFERENCES, ["set-secret weather"])


async def test_a_keyring_that_cannot_be_asked() -> None:
    _, fault, _, fixes = await diagnosed(python("", env={"TOKEN": "${secret:weather}"}))
    assert (fault, fixes) == ("keyring-unavailable", ["set-secret weather"])


async def test_an_environment_variable_that_is_not_set() -> None:
    server = python("", env={"A": "${env:NOT_SET_HERE}", "B": "${env:NOT_EITHER}", "C": "${env:FINE:-default}"})
    _, fault, _, fixes = await diagnosed(server)
    assert (fault, fixes) == ("env-missing", ["set-env NOT_SET_HERE", "set-env NOT_EITHER"])


async def test_an_input_without_a_value() -> None:
    server = node(sys.executable, "${input:folder}")
    _, fault, _, fixes = await diagnosed(server)
    assert (fault, fixes) == ("input-missing", ["set-input folder"])


async def test_an_old_node_is_warned_of_and_blamed_when_the_server_ends(tmp_path: Path) -> None:
    old = script_file(tmp_path, "node", '#!/bin/sh\nif [ "$1" = --version ]; then echo v14.21.3; else exit 1; fi\n')
    diagnosis, fault, step, fixes = await diagnosed(node(str(old), "server.js"))

    assert (fault, step, fixes) == ("runtime-too-old", Step.OUTPUT, ["update node"])
    assert diagnosis.checks[1].outcome is Outcome.WARNED


# Started, and over at once.


async def test_a_python_module_that_is_not_installed() -> None:
    _, fault, step, fixes = await diagnosed(python("import no_such_module_at_all"))
    assert (fault, step, fixes) == ("python-module-missing", Step.OUTPUT, ["install-module no_such_module_at_all"])


async def test_python_m_with_a_module_that_is_not_installed() -> None:
    _, fault, _, fixes = await diagnosed(node(sys.executable, "-m", "no_such_module_at_all"))
    assert (fault, fixes) == ("python-module-missing", ["install-module no_such_module_at_all"])


@pytest.mark.parametrize(
    "script",
    [
        "from mcp.server.fastmcp import FastMCP",
        "from mcp.shared.exceptions import McpError",
        "from mcp.server import Server; Server('x').list_tools()",
    ],
)
async def test_a_server_for_version_1_of_the_python_sdk(script: str) -> None:
    _, fault, _, fixes = await diagnosed(python(script))
    assert (fault, fixes) == ("python-sdk-too-new", ["pin-version mcp<2"])


async def test_a_port_that_another_program_holds() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        address = held.getsockname()
        _, fault, _, _ = await diagnosed(python(f"import socket; socket.socket().bind({address!r})"))
    assert fault == "port-in-use"


async def test_a_script_that_is_not_there() -> None:
    _, fault, _, fixes = await diagnosed(node(sys.executable, "/no/such/server.py"))
    assert (fault, fixes) == ("file-missing", ["edit-arguments /no/such/server.py"])


async def test_arguments_the_server_does_not_know() -> None:
    server = python("import argparse; argparse.ArgumentParser().parse_args(['--odd'])")
    _, fault, _, _ = await diagnosed(server)
    assert fault == "argument-wanted"


async def test_a_variable_the_server_wants() -> None:
    _, fault, _, fixes = await diagnosed(python("import os; os.environ['WEATHER_API_KEY']"))
    assert (fault, fixes) == ("credential-wanted", ["set-env WEATHER_API_KEY"])


async def test_an_exit_without_a_word() -> None:
    diagnosis, fault, _, _ = await diagnosed(python("raise SystemExit(7)"))
    assert fault == "exits-silently"
    assert "exit code 7" in (diagnosis.worst.message if diagnosis.worst else "")


async def test_an_exit_with_words_nobody_knows() -> None:
    diagnosis, fault, _, _ = await diagnosed(python("raise SystemExit('the moon is not full')"))
    assert fault == "exits"
    assert diagnosis.worst is not None
    assert diagnosis.worst.detail == ("the moon is not full",)


async def test_a_crash() -> None:
    _, fault, _, _ = await diagnosed(python("import os; os.kill(os.getpid(), 9)"))
    assert fault == "ended-by-signal"


SAID = {
    "npm-package-missing": "npm error code E404\nnpm error 404 Not Found - GET https://registry.test/@some%2fserver\n"
    "npm error 404\nnpm error 404  The requested resource '@some/server@*' could not be found or you do not have "
    "permission to access it.\n",
    "npm-version-missing": "npm error code ETARGET\n"
    "npm error notarget No matching version found for @some/server@0.0.0-none.\n",
    "npx-asks": 'npm error npx canceled due to missing packages and no YES option: ["some-server@1.0.0"]\n',
    "npm-no-executable": "npm error could not determine executable to run\n",
    "uvx-package-missing": "error: No solution found when resolving tool dependencies\n"
    "  cause: Because some-server was not found in the package registry and you require some-server, we can conclude "
    "that your requirements are unsatisfiable.\n",
    "uvx-executable-missing": "An executable named `serve` is not provided by package `some-server`.\n"
    "The following executables are available:\n- some-server-mcp\n",
    "offline": "npm error code ENOTFOUND\nnpm error network request failed, reason: getaddrinfo ENOTFOUND some.test\n",
    "node-too-old": "/srv/index.js:3\nconst a = b ?? c;\n             ^\n\nSyntaxError: Unexpected token '?'\n"
    "    at wrapSafe (internal/modules/cjs/loader.js:915:16)\n",
    "node-module-missing": "Error: Cannot find module '/srv/dist/index.js'\n  code: 'MODULE_NOT_FOUND'\n",
    "python-too-old": "ERROR: Package 'some-server' requires a different Python: 3.8.10 not in '>=3.10'\n",
    "docker-permission": "permission denied while trying to connect to the Docker daemon socket at "
    "unix:///var/run/docker.sock: dial unix /var/run/docker.sock: connect: permission denied\n",
    "docker-not-running": "docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. "
    "Is the docker daemon running?\n",
    "docker-image-missing": "docker: Error response from daemon: pull access denied for mcp/nobody, repository does "
    "not exist or may require 'docker login'\n",
    "port-in-use": "Error: listen EADDRINUSE: address already in use 127.0.0.1:44297\n  port: 44297\n",
    "certificate-refused": "httpx.ConnectError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "
    "self-signed certificate in certificate chain (_ssl.c:1006)\n",
    "credential-wanted": "Error: GITHUB_PERSONAL_ACCESS_TOKEN environment variable is not set\n",
    "command-in-script-missing": "sh: 1: some-server: not found\n",
    "browser-missing": "browserType.launch: Executable doesn't exist at /root/.cache/ms-playwright/chromium\n",
    "library-too-old": "some-server: /lib/libc.so.6: version `GLIBC_2.38' not found (required by some-server)\n",
    "disk-full": "npm error code ENOSPC\nnpm error syscall write\n",
    "out-of-memory": "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n",
    "file-not-allowed": "Error: EACCES: permission denied, open '/root/notes.db'\n",
    "file-missing": "Error: ENOENT: no such file or directory, scandir '/data/none'\n",
}


@pytest.mark.parametrize("fault", SAID)
async def test_the_last_words_of_a_server_are_understood(fault: str) -> None:
    script = f"import sys; sys.stderr.write({SAID[fault]!r}); sys.exit(1)"
    diagnosis, found, step, _ = await diagnosed(python(script))

    assert (found, step) == (fault, Step.OUTPUT)
    assert diagnosis.worst is not None
    assert "{" not in diagnosis.worst.message
    assert diagnosis.worst.detail


@pytest.mark.parametrize(
    ("fault", "fix"),
    [
        ("npm-package-missing", "edit-arguments @some/server"),
        ("uvx-package-missing", "edit-arguments some-server"),
        ("uvx-executable-missing", "use-program some-server-mcp"),
        ("npx-asks", "add-argument -y"),
        ("port-in-use", "free-port 44297"),
        ("credential-wanted", "set-env GITHUB_PERSONAL_ACCESS_TOKEN"),
    ],
)
async def test_the_fix_names_what_the_server_named(fault: str, fix: str) -> None:
    script = f"import sys; sys.stderr.write({SAID[fault]!r}); sys.exit(1)"
    assert (await diagnosed(python(script)))[3] == [fix]


# Started, and not speaking as it should.


async def test_words_on_stdout_before_the_first_message_are_warned_of() -> None:
    diagnosis, fault, step, _ = await diagnosed(badly(first=["Server is starting..."]))
    assert (fault, step) == ("noise-on-stdout", Step.OUTPUT)
    assert diagnosis.is_healthy


async def test_a_server_that_stays_silent() -> None:
    _, fault, step, _ = await diagnosed(badly(hang=["initialize", "server/discover"]), HASTY)
    assert (fault, step) == ("silent", Step.HANDSHAKE)


async def test_a_program_that_answers_with_something_else() -> None:
    echo = "import sys\nfor line in sys.stdin: print('You said', len(line), flush=True)"
    _, fault, _, _ = await diagnosed(python(echo), HASTY)
    assert fault == "garbage"


async def test_a_server_that_listens_for_http_instead() -> None:
    script = (
        "import sys, time; print('INFO: Uvicorn running on http://127.0.0.1:8000', file=sys.stderr); time.sleep(60)"
    )
    _, fault, _, fixes = await diagnosed(python(script), HASTY)
    assert (fault, fixes) == ("serves-http", ["edit-arguments", "set-transport http http://127.0.0.1:8000"])


async def test_a_revision_nobody_knows() -> None:
    reply = '{"jsonrpc":"2.0","id":$ID,"result":{"protocolVersion":"1999-12-31","capabilities":{},"serverInfo":{}}}'
    diagnosis, fault, step, _ = await diagnosed(badly(replies={"initialize": [reply]}))
    assert (fault, step) == ("unknown-revision", Step.HANDSHAKE)
    assert "1999-12-31" in (diagnosis.worst.message if diagnosis.worst else "")


async def test_a_server_that_refuses_to_begin() -> None:
    reply = '{"jsonrpc":"2.0","id":$ID,"error":{"code":-32000,"message":"no licence found"}}'
    diagnosis, fault, step, _ = await diagnosed(badly(replies={"initialize": [reply]}))
    assert (fault, step) == ("refuses-initialize", Step.HANDSHAKE)
    assert "no licence found" in (diagnosis.worst.message if diagnosis.worst else "")


@pytest.mark.parametrize(("speaks", "wanted"), [("legacy", "modern"), ("modern", "legacy")])
async def test_a_node_that_is_set_to_the_wrong_era(speaks: str, wanted: str) -> None:
    _, fault, _, fixes = await diagnosed(badly(speaks=speaks, era=wanted))
    assert (fault, fixes) == ("wrong-era", ["set-era auto"])


async def test_a_list_that_is_refused() -> None:
    reply = '{"jsonrpc":"2.0","id":$ID,"error":{"code":-32603,"message":"database is locked"}}'
    diagnosis, fault, step, _ = await diagnosed(badly(replies={"tools/list": [reply]}))
    assert (fault, step) == ("lists-refused", Step.LISTS)
    assert "database is locked" in (diagnosis.worst.message if diagnosis.worst else "")


async def test_a_list_that_never_comes() -> None:
    patience = Patience(opening_s=20.0, lists_s=0.5)
    diagnosis, fault, _, _ = await diagnosed(badly(hang=["tools/list"]), patience)
    assert fault == "lists-silent"
    assert "tools/list" in (diagnosis.worst.message if diagnosis.worst else "")


async def test_an_end_while_listing() -> None:
    _, fault, _, _ = await diagnosed(badly(die=["tools/list"]))
    assert fault == "ends-in-lists"


async def test_a_list_with_entries_that_cannot_be_used_is_warned_of() -> None:
    reply = '{"jsonrpc":"2.0","id":$ID,"result":{"tools":[{"name":"fine","inputSchema":{}},{"title":"no name"}]}}'
    diagnosis, fault, _, _ = await diagnosed(badly(replies={"tools/list": [reply]}))
    assert fault == "lists-faulty"
    assert diagnosis.is_healthy


async def test_a_server_that_offers_nothing_is_warned_of() -> None:
    _, fault, _, _ = await diagnosed(badly(capabilities={}))
    assert fault == "offers-nothing"


# The result itself.


async def test_a_diagnosis_survives_json() -> None:
    diagnosis = await examine(python("import no_such_module_at_all"), patience=QUICK)
    assert Diagnosis.from_json(json.loads(json.dumps(diagnosis.to_json()))) == diagnosis


async def test_each_check_is_told_as_it_is_made_and_the_rest_is_skipped() -> None:
    told: list[Step] = []
    diagnosis = await examine(python("import gone_module"), patience=QUICK, tell=lambda check: told.append(check.step))

    assert told == [Step.COMMAND, Step.VERSION, Step.FOLDER, Step.REFERENCES, Step.SPAWN, Step.OUTPUT]
    assert [check.step for check in diagnosis.checks if check.message == "not reached"] == [
        Step.HANDSHAKE,
        Step.ERA,
        Step.LISTS,
    ]


async def test_the_environment_of_a_server_reaches_its_checks(tmp_path: Path) -> None:
    script_file(tmp_path, "my-tool", f"#!{sys.executable}\nimport no_such_module_at_all\n")
    server = node("my-tool", env={"PATH": f"{tmp_path}{os.pathsep}" + "${env:PATH}"})
    _, fault, _, _ = await diagnosed(server)
    assert fault == "python-module-missing"
