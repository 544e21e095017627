"""`composite-runtime call`."""

import json
from pathlib import Path

import pytest

from composite_runtime.cli import main
from tests.support import graphs
from tests.support.children import node
from tests.support.raw_runtime import saved


def call(capsys: pytest.CaptureFixture[str], path: Path, *words: str) -> tuple[int, str, str]:
    code = main(["call", str(path), *words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_result_is_printed_as_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, err = call(capsys, saved(tmp_path, node()), "echo", '{"city": "Zürich"}')
    assert (code, err) == (0, "")
    assert json.loads(json.loads(out)["content"][0]["text"]) == {"city": "Zürich"}


def test_a_tool_that_needs_a_task_is_waited_for(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = graphs.saved(tmp_path, graphs.flat(graphs.child("r", "research", "--era", "legacy")))
    code, out, err = call(capsys, path, "r_research", '{"topic": "Zürich", "step_ms": 20}')
    assert (code, err) == (0, "")
    assert json.loads(out)["content"][0]["text"] == "All about Zürich"


def test_a_failure_the_tool_reports_is_printed_and_is_an_exit_code(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    line = '{"jsonrpc":"2.0","id":$ID,"result":{"content":[],"isError":true}}'
    code, out, _ = call(capsys, saved(tmp_path, node(replies={"tools/call": [line]})), "echo")
    assert (code, json.loads(out)["isError"]) == (1, True)


REFUSED = [
    (["echo", "{"], "the arguments are not JSON"),
    (["echo", "[]"], "must be a JSON object"),
    (["echo", '{"x": NaN}'], "cannot be sent"),
    (["echo", '{"x": 1e999}'], "cannot be sent"),
    (["echo", "[" * 100_000], "cannot be sent"),
    (["echo", '{"x": ' + "1" * 5000 + "}"], "cannot be sent"),
    (["nobody"], "Unknown tool: nobody"),
    (["crash"], "Raw: it ended with exit code 7"),
]


@pytest.mark.parametrize(("words", "message"), REFUSED, ids=lambda value: str(value)[:30])
def test_what_goes_wrong_is_said_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: list[str], message: str
) -> None:
    lone = saved(tmp_path, node(), node("other", capabilities={}))
    code, out, err = call(capsys, lone, *words)
    assert (code, out) == (1, "")
    assert err.startswith("composite-runtime: ")
    assert message in err
    assert len(err.strip().splitlines()) == 1


def test_a_refusal_of_the_child_is_said_with_its_code_and_data(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    line = '{"jsonrpc":"2.0","id":$ID,"error":{"code":4711,"message":"no","data":{"why":"ü"}}}'
    code, _, err = call(capsys, saved(tmp_path, node(replies={"tools/call": [line]})), "echo")
    assert (code, err) == (1, 'composite-runtime: echo was refused with error 4711: no {"why": "ü"}\n')
