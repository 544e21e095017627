from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from composite_runtime.calls.folder import loads
from composite_runtime.calls.model import SavedCall
from composite_runtime.calls.report import as_junit, summary
from composite_runtime.calls.runner import Result, Status, run_calls
from composite_runtime.errors import GraphError
from composite_runtime.graph.model import Graph
from tests.support import graphs


def call(**fields: Any) -> SavedCall:
    import json

    return loads(json.dumps(fields))


def graph(*nodes: dict[str, Any]) -> Graph:
    return Graph.model_validate(graphs.flat(*nodes))


def features(node: str = "f") -> dict[str, Any]:
    return graphs.child(node, "features", "--name", node, namespace=node)


async def results(drawn: Graph, **calls: SavedCall) -> dict[str, Result]:
    return {result.key: result for result in await run_calls(drawn, calls)}


async def test_calls_reach_the_composite_a_server_and_everything_they_offer() -> None:
    came = await results(
        graph(features()),
        served=call(target="f_echo", arguments={"v": [1, None]}),
        named=call(at="all", target="f_echo", arguments={"v": 1}),
        direct=call(at="f", target="echo", arguments={"v": 2**70}, expect=[{"kind": "schema"}]),
        prompt=call(at="f", method="prompts/get", target="greet", arguments={"who": "you"}),
        resource=call(at="f", method="resources/read", target="f://note"),
    )

    assert {key: (result.status, result.message) for key, result in came.items()} == {
        "served": (Status.PASSED, "as expected"),
        "named": (Status.PASSED, "as expected"),
        "direct": (Status.PASSED, "as expected"),
        "prompt": (Status.PASSED, "as expected"),
        "resource": (Status.PASSED, "as expected"),
    }
    assert all(result.milliseconds is not None for result in came.values())


async def test_the_three_ends_of_a_call_are_told_apart() -> None:
    came = await results(
        graph(features(), graphs.child("dead", "no_such_module")),
        passed=call(target="f_fail", expect=[{"kind": "error"}]),
        failed=call(target="f_fail"),
        unknown=call(at="f", target="nothing", expect=[{"kind": "error"}]),
        down=call(at="dead", target="echo", expect=[{"kind": "error"}]),
        hidden=call(target="dead_echo"),
        nowhere=call(at="moon", target="echo"),
    )

    assert {key: result.status for key, result in came.items()} == {
        "passed": Status.PASSED,
        "failed": Status.FAILED,
        "unknown": Status.PASSED,
        "down": Status.NOT_MADE,
        "hidden": Status.NOT_MADE,
        "nowhere": Status.NOT_MADE,
    }
    assert "no node 'moon'" in came["nowhere"].message
    assert "dead is not up: it ended with exit code 1" in came["hidden"].message


async def test_an_unknown_tool_of_a_healthy_composite_is_an_error_a_client_would_see() -> None:
    came = await results(
        graph(features()),
        it=call(target="f_nothing", expect=[{"kind": "error", "code": -32602, "contains": "f_nothing"}]),
    )
    assert came["it"].status is Status.PASSED


async def test_values_are_filled_in_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITY", "Oslo-in-Norway")
    monkeypatch.setenv("FUSION_SECRET_KEY", "planted-key-4711")
    came = await results(
        graph(features()),
        equal=call(
            target="f_echo",
            arguments={"v": {"city": "${env:CITY}", "keys": ["${secret:key}"]}},
            expect=[{"kind": "contains", "value": "${secret:key}"}],
        ),
        other=call(target="f_echo", arguments={"v": "${secret:key}"}, expect=[{"kind": "equals", "value": 1}]),
        missing=call(target="f_echo", arguments={"v": "${env:NOT_SET_HERE}"}),
    )

    assert came["equal"].status is Status.PASSED
    assert came["other"].status is Status.FAILED
    assert came["missing"].status is Status.NOT_MADE
    assert "NOT_SET_HERE" in came["missing"].message
    assert "planted" not in str([result.to_json() for result in came.values()]) + str(came)
    assert "${secret:key}" in str(came["other"].answer)


async def test_an_answer_that_does_not_come_is_given_up() -> None:
    calls = {"it": call(target="f_sleep", arguments={"seconds": 30})}
    (result,) = await run_calls(graph(features()), calls, timeout_s=0.3)
    assert (result.status, result.message) == (Status.NOT_MADE, "there was no answer within 0.3 s")


async def test_no_more_calls_are_made_at_once_than_wanted_and_each_is_told() -> None:
    told: list[str] = []
    calls = {str(n): call(target="f_sleep", arguments={"seconds": 0.1}) for n in range(4)}
    came = await run_calls(graph(features()), calls, at_once=1, tell=lambda result: told.append(result.key))

    assert [result.key for result in came] == list(calls)
    assert sorted(told) == list(calls)
    assert sum(result.milliseconds or 0 for result in came) >= 400


async def test_a_disabled_server_is_not_started() -> None:
    came = await results(graph({**features(), "enabled": False}), it=call(at="f", target="echo"))
    assert came["it"].message == "f is disabled"


async def test_a_graph_that_cannot_be_used_is_refused() -> None:
    drawn = Graph.model_validate(graphs.graph([graphs.composite("a")], [graphs.edge("a", "a")]))
    with pytest.raises(GraphError, match="contains itself"):
        await run_calls(drawn, {"it": call(at="a", target="x")})


def test_build_servers_get_every_result(tmp_path: Path) -> None:
    made = (
        Result("weather/oslo", "Oslo", Status.PASSED, "as expected", 12.0),
        Result("weather/bad", "Bad", Status.FAILED, "it is \x1b[31mred & <hot>", 8.0),
        Result("gone", "Gone", Status.NOT_MADE, "it is down"),
    )
    root = ElementTree.fromstring(as_junit("My graph", made).encode())

    assert {**root.attrib} == {"name": "My graph", "tests": "3", "failures": "1", "errors": "1", "time": "0.020"}
    assert [case.get("classname") for case in root] == ["My graph.weather", "My graph.weather", "My graph"]
    assert [child.tag for case in root for child in case] == ["failure", "error"]
    assert summary(made) == "1 passed, 1 failed, 1 could not be made"


async def test_a_tool_that_can_be_called_as_a_task_only_is_waited_for() -> None:
    drawn = graph(graphs.child("r", "research", "--era", "legacy", namespace="r"))
    came = await results(
        drawn,
        served=call(
            target="r_research",
            arguments={"topic": "pythons", "step_ms": 20},
            expect=[{"kind": "contains", "pointer": "/content/0/text", "value": "All about pythons"}],
        ),
        alone=call(at="r", target="research", arguments={"topic": "x", "step_ms": 20, "ends": "failed"}),
        refused=call(at="r", target="research", arguments={"topic": "x", "step_ms": 20, "ends": "refused"}),
    )

    assert {key: result.status for key, result in came.items()} == {
        "served": Status.PASSED,
        "alone": Status.FAILED,
        "refused": Status.FAILED,
    }
    assert "The archive is closed" in came["refused"].message
