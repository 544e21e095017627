"""`composite-runtime list`."""

import json
from pathlib import Path

import pytest

from composite_runtime.cli import main
from tests.support.children import node
from tests.support.raw_runtime import saved


def test_what_a_client_will_see_is_printed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["list", str(saved(tmp_path, node()))]) == 0
    out = capsys.readouterr().out
    assert "10 tools" in out
    assert "echo" in out
    assert "0 resource templates" in out


def test_all_that_is_known_is_printed_as_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["list", str(saved(tmp_path, node())), "--json"]) == 0
    lists = json.loads(capsys.readouterr().out)
    assert {"tools", "prompts", "resources", "resourceTemplates"} == set(lists)
    assert {"name": "echo", "inputSchema": {"type": "object"}} in lists["tools"]


def test_a_child_that_is_down_is_named_with_its_reason_and_the_others_are_listed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    dead = node("dead", die=["initialize", "server/discover"])
    assert main(["list", str(saved(tmp_path, node(), dead))]) == 1
    said = capsys.readouterr()
    assert "echo" in said.out
    assert "dead is not listed: it ended with exit code 3; its last words: dying at" in said.err


def test_a_graph_that_cannot_be_served_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["list", str(tmp_path / "gone.fusion")]) == 1
    assert "does not exist" in capsys.readouterr().err
