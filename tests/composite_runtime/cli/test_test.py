import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from composite_runtime.calls.folder import folder_of, loads, save
from composite_runtime.cli import main
from tests.support import graphs


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """A graph of one server, with two calls that pass."""
    path = graphs.saved(tmp_path, graphs.flat(graphs.child("f", "features", namespace="f")))
    keep(path, "echo/one", target="f_echo", arguments={"v": 1}, expect=[{"kind": "contains", "value": "1"}])
    keep(path, "echo/two", target="f_echo", arguments={"v": 2})
    return path


def keep(path: Path, key: str, **fields: Any) -> None:
    save(folder_of(path), key, loads(json.dumps(fields)))


def test_all_calls_that_pass_end_with_0(graph: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", str(graph)]) == 0

    told = capsys.readouterr()
    assert told.out.startswith("2 passed, 0 failed in ")
    assert sorted(line.split()[:2] for line in told.err.splitlines()) == [["ok", "echo/one"], ["ok", "echo/two"]]


def test_an_expectation_that_is_not_met_ends_with_1_and_is_told(
    graph: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(graph, "bad", target="f_echo", arguments={"v": 3}, expect=[{"kind": "latency", "under_ms": 0.0001}])

    assert main(["test", str(graph)]) == 1
    assert "FAILED bad\n  latency: it took " in capsys.readouterr().out


def test_a_call_that_cannot_be_made_ends_with_3(graph: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(graph, "gone", at="moon", target="echo")

    assert main(["test", str(graph)]) == 3
    assert "NOT MADE gone\n  there is no node 'moon'" in capsys.readouterr().out


def test_a_file_that_cannot_be_read_ends_with_3(graph: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder_of(graph) / "broken.json").write_text("{", encoding="utf-8")

    assert main(["test", str(graph)]) == 3
    assert "NOT MADE broken\n  broken.json: line 1" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["no-such"], ["echo/three"], ["ech"]])
def test_a_call_that_is_not_there_ends_with_2(
    graph: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["test", str(graph), *words]) == 2
    assert f"there is no saved call {words[0]!r}" in capsys.readouterr().err


def test_nothing_to_do_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = graphs.saved(tmp_path, graphs.flat(graphs.child("f", "features")))

    assert main(["test", str(path)]) == 2
    assert "there are no saved calls in " in capsys.readouterr().err


def test_a_graph_that_is_not_there_ends_with_3(tmp_path: Path) -> None:
    assert main(["test", str(tmp_path / "none.fusion")]) == 3


@pytest.mark.parametrize(
    ("words", "made"),
    [(["echo"], 2), (["echo/*"], 2), (["one"], 1), (["echo/one.json", "echo/two"], 2), (["*/t*"], 1)],
)
def test_calls_are_chosen_by_name_folder_or_pattern(
    graph: Path, words: list[str], made: int, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(graph, "other", target="f_fail")

    assert main(["test", str(graph), *words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"] == made


def test_results_are_written_for_build_servers(graph: Path, tmp_path: Path) -> None:
    assert main(["test", str(graph), "--junit", str(tmp_path / "junit.xml")]) == 0
    assert (tmp_path / "junit.xml").read_text(encoding="utf-8").count("<testcase") == 2


def test_a_name_with_its_ending_means_this_file_and_no_other(graph: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(graph, "one", target="f_echo", arguments={"v": 1})

    assert main(["test", str(graph), "one.json"]) == 0
    assert [line.split()[1] for line in capsys.readouterr().err.splitlines()] == ["one"]


def test_calls_of_another_folder_are_told_one_by_one_to_who_follows(graph: Path, tmp_path: Path) -> None:
    folder = folder_of(graph).rename(tmp_path / "elsewhere")
    (folder / "broken.json").write_text("{", encoding="utf-8")
    command = [sys.executable, "-m", "composite_runtime", "test", str(graph), "--folder", str(folder), "--supervised"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = {one["call"]: one for one in map(json.loads, process.stdout)}

    assert {key: one["status"] for key, one in told.items()} == {
        "echo/one": "passed",
        "echo/two": "passed",
        "broken": "not_made",
    }
    assert told["echo/one"]["answer"]["content"]
    assert process.returncode == 3
