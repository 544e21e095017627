import json
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
