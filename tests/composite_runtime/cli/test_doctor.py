import json
import subprocess
import sys
from pathlib import Path

import pytest

from composite_runtime.cli import main
from tests.support import graphs


def saved(folder: Path, *scripts: str) -> str:
    nodes = [
        {
            "id": f"n{number}",
            "type": "server",
            "name": f"Server {number}",
            "transport": {"type": "stdio", "command": sys.executable, "args": ["-c", script]},
        }
        for number, script in enumerate(scripts)
    ]
    return str(graphs.saved(folder, graphs.flat(*nodes)))


def test_the_first_fault_is_told_with_its_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", saved(tmp_path, "import no_such_module_at_all")]) == 1

    told = capsys.readouterr()
    assert "FAILED  output         its Python has no module no_such_module_at_all" in told.out
    assert "fix: install-module no_such_module_at_all" in told.out
    assert "Server 0: spawn ok" in told.err


def test_one_server_can_be_chosen_and_told_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(tmp_path, "raise SystemExit(3)", "import no_such_module_at_all")

    assert main(["doctor", path, "--node", "Server 1", "--json"]) == 1

    (only,) = json.loads(capsys.readouterr().out)
    assert (only["node"], only["healthy"], only["fault"]) == ("n1", False, "python-module-missing")
    assert [check["finding"]["fixes"][0]["id"] for check in only["checks"] if check["finding"]] == [
        "install-module no_such_module_at_all"
    ]


def test_an_unknown_server_is_answered_with_those_there_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", saved(tmp_path, ""), "--node", "oven"]) == 1
    assert "it has Server 0 (n0)" in capsys.readouterr().err


def test_a_secret_a_server_prints_is_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSION_SECRET_WEATHER", "planted-token-4711")
    node = graphs.child("w", "raw_child")
    script = "import os, sys; sys.exit('bad token ' + os.environ['TOKEN'])"
    node["transport"] |= {"args": ["-c", script], "env": {"TOKEN": "${secret:weather}"}}
    path = str(graphs.saved(tmp_path, graphs.flat(node)))

    assert main(["doctor", path]) == 1

    told = capsys.readouterr()
    assert "bad token ${secret:weather}" in told.out
    assert "planted" not in told.out + told.err


def test_who_follows_the_doctor_is_told_check_by_check(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "composite_runtime",
        "doctor",
        saved(tmp_path, "raise SystemExit(3)"),
        "--supervised",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [json.loads(line) for line in process.stdout]

    *checks, diagnosis = told
    assert [one["check"]["step"] for one in checks] == ["command", "version", "folder", "references", "spawn", "output"]
    assert (diagnosis["event"], diagnosis["healthy"], process.returncode) == ("diagnosis", False, 1)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "prefix", [[], ["/bin/sh", "-c", "trap '' INT; exec \"$@\"", "sh"]], ids=["plain", "background"]
)
def test_the_doctor_ends_with_whoever_followed_it(tmp_path: Path, prefix: list[str]) -> None:
    path = saved(tmp_path, "import time; time.sleep(600)")
    command = [*prefix, sys.executable, "-m", "composite_runtime", "doctor", path, "--supervised"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while '"references"' not in process.stdout.readline():
            pass
        process.communicate(timeout=20)  # closes stdin

    assert process.returncode != 0
