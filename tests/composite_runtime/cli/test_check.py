from pathlib import Path

import pytest

from composite_runtime.cli import main
from composite_runtime.graph import file
from composite_runtime.paths import resource
from tests.support.drawn import composite, graph, server


@pytest.mark.parametrize(("name", "served"), [("first", "Desk"), ("real-servers", "Workshop")])
def test_the_examples_are_sound(name: str, served: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(resource(f"examples/{name}.fusion"))]) == 0
    assert capsys.readouterr().out == f"{name}.fusion serves '{served}'\n"


def test_an_error_is_printed_with_what_helps_and_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.fusion"
    file.save(graph(server("time"), composite("dev"), edges="time>dev gone>dev"), path)

    assert main(["check", str(path)]) == 1
    assert capsys.readouterr().out == (
        "error: the edge from 'gone' to 'dev' has no node 'gone'. "
        "Remove the edge, or add the node. [dangling-edge, node dev]\n"
    )


def test_a_warning_alone_ends_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.fusion"
    file.save(graph(server("time"), composite("dev")), path)

    assert main(["check", str(path)]) == 0
    assert "warning: Time is in no composite" in capsys.readouterr().out


def test_a_graph_with_nothing_to_serve_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.fusion"
    file.save(graph(server("time")), path)

    assert main(["check", str(path)]) == 1
    assert "no composite that could be served" in capsys.readouterr().err
